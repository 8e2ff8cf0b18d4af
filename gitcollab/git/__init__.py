"""gitcollab.git."""
