"""When an experiment may begin on a machine that belongs to somebody."""

from __future__ import annotations

from gitcollab.swarm.engine.terms import Terms
from gitcollab.swarm.member import Member
from gitcollab.swarm.preparing import Progress


class Guest:
    """A guest on this machine, from now on, on these terms."""

    def __init__(self, member: Member, terms: Terms, progress: Progress) -> None:
        self._member = member
        self._terms = terms
        self._progress = progress

    def why_stop(self) -> str | None:
        """Why no other experiment begins; None while one may."""
        return None

    def wait(self, failures: int = 0) -> str | None:
        """Return once an experiment may begin: None; or why none will.

        Waits while the machine is paused, or busy where that counts, and longer the more
        ``failures`` there were in a row. ^C is raised.
        """
        return self.why_stop()

    def sleep(self, seconds: float) -> str | None:
        """As ``wait``, after so many seconds."""
        return self.why_stop()
