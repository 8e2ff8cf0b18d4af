"""Questions to the swarm, and the records that answer them."""
