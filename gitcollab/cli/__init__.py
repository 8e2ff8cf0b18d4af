"""gitcollab.cli."""
