"""The verbs of the swarm: claim, run, publish, rank; pure decisions and the objects that act."""
