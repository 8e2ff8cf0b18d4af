"""Hypotheses as an agent sees them: listed, shown, found; with what waits on this host.

What stands, what became of it and what to try first is the ``board``'s to say.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from gitcollab.errors import UsageError
from gitcollab.records.names import meant, path_of
from gitcollab.store.snapshot import Snapshot
from gitcollab.swarm import looking
from gitcollab.swarm.ideas import unsent
from gitcollab.swarm.ideas.board import (
    STATUSES,
    Board,
    Idea,
    Outcome,
    Place,
    Status,
)
from gitcollab.swarm.ideas.retracting import withdrawn
from gitcollab.swarm.member import Member

__all__ = [
    "Board",
    "Idea",
    "IdeaPage",
    "Outcome",
    "Place",
    "Status",
    "listed",
    "show",
]

_NAMED = 4  # ids that an error gives


@dataclass(frozen=True)
class IdeaPage:
    """Hypotheses, the most useful first; ``next`` is the token of the next page.

    ``counts`` are of all that match but for their status, ``total`` of those with it, too.
    """

    ideas: Sequence[Idea]
    next: str | None
    total: int
    counts: Mapping[Status, int]


def board_of(member: Member) -> Board:
    """The board of the agent's hub, with what waits on this host."""
    snapshot = member.store.snapshot()
    return Board(snapshot, member.standings(), member.now(snapshot), unsent.hypotheses(member))


def listed(
    member: Member,
    *,
    status: Status | None = None,
    agent: str | None = None,
    text: str | None = None,
    limit: int = 20,
    page: str | None = None,
) -> IdeaPage:
    """A page of the board. ``text`` is looked for in titles and in what they set.

    An idea that several hypotheses say is told in the words of one that matches. ``page`` is the
    token that an earlier page gave. UsageError for an unknown agent or token.
    """
    if not 1 <= limit <= looking.MAX_PAGE:
        raise UsageError(f"a page has 1 to {looking.MAX_PAGE} hypotheses, not {limit}")
    looking.check_agent(member, agent)
    board = board_of(member)
    found = {one: p for p in board.places if (one := _match(board, p, agent, text))}
    counts = Counter(place.status for place in found.values())
    chosen = [one for one, place in found.items() if status in (None, place.status)]
    rest = chosen[after(chosen, page) :]
    following = rest[limit - 1] if len(rest) > limit else None
    of_all = {one: counts[one] for one in STATUSES}
    whole = (board.idea(found[one], one) for one in rest[:limit])
    return IdeaPage([idea for idea in whole if idea is not None], following, len(chosen), of_all)


def after(ids: Sequence[str], token: str | None) -> int:
    """The place behind the one that a page's token names. UsageError where it is not there."""
    if token is None:
        return 0
    if token not in ids:
        raise UsageError(
            f"{token[:80]!r} is no page token, or what it names has moved",
            "use what the page before gave as next, or leave --page out",
        )
    return ids.index(token) + 1


def _match(board: Board, place: Place, agent: str | None, text: str | None) -> str | None:
    """The first of those that say the idea which is the agent's and has the text."""
    wanted = "" if text is None else text.casefold()
    for one in map(board.lines.__getitem__, place.ids):
        said = f"{one.title} {one.change or ''}".casefold()
        if agent in (None, one.agent) and wanted in said:
            return one.id
    return None


def show(member: Member, wanted: str) -> Idea:
    """One hypothesis, in its own words, with what became of its idea; part of an id is enough."""
    board = board_of(member)
    found = only_id(member.store.snapshot(), "hypothesis", board.ids, wanted)
    idea = board.idea(board.ids[found], found)
    if idea is None:
        raise UsageError(f"{found} cannot be read", "gitcollab sync, then try again")
    return idea


def only_id(
    snapshot: Snapshot,
    kind: Literal["hypothesis", "insight"],
    ids: Collection[str],
    wanted: str,
) -> str:
    """The only one of ``ids`` that is meant (see ``meant``).

    UsageError, with what may be meant, where there is none or there are several.
    """
    near = meant(ids, wanted)
    if len(near) == 1:
        return near[0]
    plural = {"hypothesis": "hypotheses", "insight": "insights"}[kind]
    if near:
        raise UsageError(
            f"{len(near)} {plural} match {wanted[:80]!r}",
            f"give more of the id, such as {', '.join(near[:_NAMED])}",
        )
    gone = meant([str(i) for i, *_ in snapshot.select(kind)], wanted)
    if gone:
        why = "was withdrawn" if path_of(kind, gone[0]) in withdrawn(snapshot) else "does not count"
        raise UsageError(f"the {kind} {gone[0]} {why}", f"list them with: gitcollab {kind} list")
    close = difflib.get_close_matches(wanted[:200], list(ids)[:5000], n=3, cutoff=0.4)
    hint = f"did you mean {' or '.join(close)}?" if close else ""
    raise UsageError(
        f"there is no {kind} {wanted[:80]!r}", hint or f"list them with: gitcollab {kind} list"
    )
