"""The store: a hub's snapshot, its index, the durable outbox, and the write path."""
