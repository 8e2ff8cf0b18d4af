"""An external mind: a command of the user's that is asked what to try, and told what came of it."""

from gitcollab.swarm.engine.mind.mind import Mind
from gitcollab.swarm.engine.mind.thought import Thought

__all__ = ["Mind", "Thought"]
