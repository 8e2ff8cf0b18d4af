"""The search as a whole: what was tried, how the best came about, where the swarm stands."""
