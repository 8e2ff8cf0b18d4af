"""gitcollab.store."""
