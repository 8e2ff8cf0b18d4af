"""What came of a change before: results that set the same constants, on whatever base."""

from __future__ import annotations

from collections.abc import Sequence

from gitcollab.swarm.ideas.board import Idea, line_of
from gitcollab.swarm.member import Member
from gitcollab.swarm.progress import mark_of
from gitcollab.swarm.ranking import Standings
from gitcollab.swarm.runs import Run
from gitcollab.swarm.tracks import compares

_MOST_NAMED = 3


def precedents(member: Member, change: str | None) -> list[Run]:
    """The results that made this change of constants (canonical JSON) and no more, newest first."""
    if change is None:
        return []
    known = member.standings().results
    ids = (str(row[0]) for row in member.store.snapshot().select("result", change=change))
    found = [known[one] for one in ids if one in known and known[one].replicates is None]
    return sorted(found, key=lambda run: (run.created_at, run.id), reverse=True)


def of_idea(member: Member, idea: Idea) -> list[Run]:
    """The results that made a hypothesis's change of constants and do not name it, newest first."""
    line = line_of(idea.hypothesis)
    named = {run.id for run in (*idea.runs, *idea.related)}
    made = precedents(member, line.change if line.patch is None else None)
    return [run for run in made if run.id not in named]


def answering(where: Standings, runs: Sequence[Run], base: str | None, tier: str) -> Run | None:
    """The newest of these runs that answers what the change does to this base, on this tier."""
    here = (run for run in runs if run.base == base and compares(tier, run.tier))
    return next((run for run in here if where.is_counted(run)), None)


def told(where: Standings, runs: Sequence[Run], base: str | None) -> tuple[str, ...]:
    """A note on what came of a change before, those on this base first; () where nobody tried it.

    A change may be tried again on another base.
    """
    if not runs:
        return ()
    here = [run for run in runs if run.base == base]
    named = (here or runs)[:_MOST_NAMED]
    said = ", ".join(f"{run.id} ({mark_of(where, run)})" for run in named)
    more = f" and {len(runs) - len(named)} more" if len(runs) > len(named) else ""
    on = "this base" if here else "another base"
    return (f"this change was run on {on} before: {said}{more}",)
