"""gitcollab.runner."""
