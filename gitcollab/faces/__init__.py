"""gitcollab.faces."""
