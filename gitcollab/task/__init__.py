"""gitcollab.task."""
