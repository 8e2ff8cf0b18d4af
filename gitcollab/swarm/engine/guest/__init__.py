"""A good guest on somebody's machine: when it may work, when it waits, when it goes."""
