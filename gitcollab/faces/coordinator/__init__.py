"""The swarm as the class that autoresearch@home's prompts call: ``coordinator.Coordinator``."""
