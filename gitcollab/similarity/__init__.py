"""gitcollab.similarity."""
