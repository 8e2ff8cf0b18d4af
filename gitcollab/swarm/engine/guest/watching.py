"""A run that a pause ends at once, where somebody wants the machine back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from gitcollab.errors import GitcollabError
from gitcollab.swarm import running
from gitcollab.swarm.engine.guest.pausing import paused
from gitcollab.swarm.interrupted import Interrupted
from gitcollab.swarm.member import Member
from gitcollab.swarm.outcomes import RunReport
from gitcollab.swarm.preparing import Progress
from gitcollab.swarm.reports import RunProgress


def run(member: Member, what: str | None, *, progress: Progress, **how: Any) -> RunReport:
    """As ``running.run``; a pause at once from now on ends it, as GitcollabError says then."""
    try:
        return running.run(
            member, what, progress=watching(member, progress, since=member.clock()), **how
        )
    except Interrupted as e:
        raise GitcollabError(e.told, e.hint) from e


def watching(member: Member, progress: Progress, since: datetime | None = None) -> Progress:
    """The progress of what runs; raises Interrupted where somebody pauses it at once.

    Only a pause after ``since`` counts, where that is given: what is run by hand while others are
    paused is meant.
    """

    def show(seen: RunProgress) -> None:
        if seen.phase in ("run", "think"):
            found = paused(member.workspace, member.clock())
            if found is not None and found.now and (since is None or found.since >= since):
                hint = "gitcollab resume, then run it again"
                raise Interrupted("paused", hint, is_stall=False)
        progress(seen)

    return show
