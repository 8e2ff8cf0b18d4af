"""gitcollab.records."""
