"""gitcollab."""
