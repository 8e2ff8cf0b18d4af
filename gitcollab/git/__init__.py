"""git: the executable for transport, pygit2 for objects; nothing here knows what a record is."""
