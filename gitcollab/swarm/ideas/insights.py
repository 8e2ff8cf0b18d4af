"""Insights as an agent sees them: listed, shown, found; with what waits on this host.

What stands, and what later results say of it, is told by ``lessons``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gitcollab.errors import UsageError
from gitcollab.swarm import looking
from gitcollab.swarm.ideas import unsent
from gitcollab.swarm.ideas.hypotheses import only_id
from gitcollab.swarm.ideas.lessons import Learned, Lessons, Standing
from gitcollab.swarm.ideas.standing import standing_ids
from gitcollab.swarm.ideas.thoughts import Lesson
from gitcollab.swarm.member import Member

__all__ = ["Learned", "LearnedPage", "Lessons", "Standing", "find", "lessons_of", "listed", "show"]


@dataclass(frozen=True)
class LearnedPage:
    """Insights, newest first; ``next`` is the token of the next page."""

    insights: Sequence[Learned]
    next: str | None
    total: int


def lessons_of(member: Member) -> Lessons:
    """The insights of the agent's hub, with what waits on this host."""
    return Lessons(member.store.snapshot(), member.standings(), unsent.insights(member))


def listed(
    member: Member,
    *,
    agent: str | None = None,
    text: str | None = None,
    standing: Standing | None = None,
    limit: int = 20,
    page: str | None = None,
) -> LearnedPage:
    """A page of insights, newest first. ``page`` is the token that an earlier page gave.

    UsageError for an unknown agent or token.
    """
    if not 1 <= limit <= looking.MAX_PAGE:
        raise UsageError(f"a page has 1 to {looking.MAX_PAGE} insights, not {limit}")
    looking.check_agent(member, agent)
    lessons = lessons_of(member)
    wanted = "" if text is None else text.casefold()
    chosen = [
        line
        for line in lessons.lines
        if agent in (None, line.agent)
        and wanted in line.text.casefold()
        and standing in (None, lessons.standing(line)[0])
    ]
    start = looking.cursor(page) if page else None
    rest = [line for line in chosen if start is None or (line.created_at, line.id) < start]
    following = f"{rest[limit - 1].created_at}~{rest[limit - 1].id}" if len(rest) > limit else None
    return LearnedPage(_whole(lessons, rest[:limit]), following, len(chosen))


def _whole(lessons: Lessons, lines: Iterable[Lesson]) -> list[Learned]:
    return [one for line in lines if (one := lessons.learned(line)) is not None]


def show(member: Member, wanted: str) -> Learned:
    """One insight with what later results say of it; part of an id is enough."""
    lessons = lessons_of(member)
    lines = {line.id: line for line in lessons.lines}
    found = lessons.learned(lines[only_id(member.store.snapshot(), "insight", lines, wanted)])
    if found is None:
        raise UsageError(f"{wanted[:80]} cannot be read", "gitcollab sync, then try again")
    return found


def find(member: Member, wanted: str) -> str:
    """The id of the insight that stands with this id, or the only one whose id holds it."""
    snapshot = member.store.snapshot()
    ids = {*standing_ids(snapshot, "insight"), *unsent.insights(member)}
    return only_id(snapshot, "insight", ids, wanted)
