"""An external mind: a command of the user's that is asked what to try, and told what came of it."""

from __future__ import annotations

from dataclasses import dataclass

from gitcollab.swarm.engine.terms import Terms
from gitcollab.swarm.member import Member
from gitcollab.swarm.outcomes import RunReport
from gitcollab.swarm.preparing import Progress
from gitcollab.swarm.workspace import Base


@dataclass(frozen=True)
class Thought:
    """A program that it wrote, from which base, and its line of description (or none)."""

    base: Base
    program: str
    description: str | None


class Mind:
    """The mind of one agent; without a command (``terms.think``) it never has a thought."""

    def __init__(self, member: Member, terms: Terms, progress: Progress) -> None:
        self._member = member
        self._terms = terms
        self._progress = progress

    def think(self) -> Thought | None:
        """Ask for an experiment; None where it had none in time, or what it did is refused.

        ^C ends the command and is raised.
        """
        return None

    def tell(self, report: RunReport) -> None:
        """Say what became of an experiment, whoever thought of it; it may write what it learned."""
