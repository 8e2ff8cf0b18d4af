"""gitcollab.swarm."""
