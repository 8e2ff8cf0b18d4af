"""Lines of a swarm for language models: words of others behind bars, and no more than fit.

Each line says in our words what it is about, then in its author's what that is, cut to a size (see
``records.quoting``). Lines are taken in only while there is room, so that a text of them has a
bound whatever others wrote.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gitcollab.records.quoting import BAR, STANDING, line
from gitcollab.swarm import tracks
from gitcollab.swarm.briefing import short_hash_of
from gitcollab.swarm.identity import change_text
from gitcollab.swarm.reports import Entry

if TYPE_CHECKING:
    from gitcollab.swarm.ideas.hypotheses import Idea
    from gitcollab.swarm.ideas.insights import Learned
    from gitcollab.swarm.maps.analysis import Outcome


@dataclass(frozen=True)
class Part:
    """Lines of others' words, the most useful first, under a heading of ours."""

    heading: str
    lines: Sequence[str]

    def shown(self, number: int) -> str:
        """The heading and the first lines."""
        return "\n".join((f"{self.heading} (quoted: {STANDING})", *self.lines[:number]))


def fitting(parts: Sequence[Part], room: int, size: Callable[[str], int]) -> list[str]:
    """The parts with as many lines as there is room for: the first of each, then the second, ...

    ``size`` is what a text takes, its last newline counted. A part without lines is left out.
    """
    taken = [0] * len(parts)
    for turn in range(max((len(part.lines) for part in parts), default=0)):
        for at, part in enumerate(parts):
            if turn >= len(part.lines) or taken[at] != turn:
                continue
            cost = size(part.shown(turn + 1)) - (size(part.shown(turn)) if turn else -1)
            if cost <= room:
                taken[at], room = turn + 1, room - cost
    return [part.shown(n) for part, n in zip(parts, taken, strict=True) if n]


def entry_line(one: Entry, cut: int) -> str:
    """A program of a ranking."""
    said = (
        f"{named(one.id)} {one.agent} {one.metric:.6g} "
        f"({one.standing}, {runs(one.n)}, {tracks.named(one.tier)})"
    )
    return quoted_line(said, one.description, cut)


def outcome_line(one: Outcome, cut: int) -> str:
    """An experiment, and what it gained."""
    how = one.status if one.gain is None or one.status != "ok" else f"{one.gain:+.2g}"
    return quoted_line(f"{named(one.id)} {one.agent} {how}", one.description, cut)


def idea_line(one: Idea, cut: int) -> str:
    """A hypothesis, and what can be done with it."""
    made = one.hypothesis
    how = change_text(made.set) if made.set else "a patch" if made.patch else "in words"
    return quoted_line(f"{named(made.id)} {made.agent}", f"{made.title} [{how}]", cut)


def insight_line(one: Learned, cut: int) -> str:
    """An insight, and how it stands."""
    tests = f" {one.support}:{one.against}" if one.support or one.against else ""
    said = f"{named(one.insight.id)} {one.insight.agent}, {one.standing}{tests}"
    return quoted_line(said, one.insight.text, cut)


def quoted_line(said: str, words: str, cut: int) -> str:
    """What we say of it, and at most ``cut`` bytes of its author's words, behind a bar."""
    return f"{BAR}{line(said)}: {clipped(words, cut)}"


def named(record_id: str) -> str:
    """The end of an id, which is enough for any verb."""
    return short_hash_of(record_id) or record_id


def runs(number: int) -> str:
    """``1 run``, ``2 runs``."""
    return f"{number} run{'s' * (number != 1)}"


def clipped(text: str, most: int) -> str:
    """``text`` on one line, in at most so many bytes."""
    shown = line(text)
    if len(shown.encode()) <= most:
        return shown
    return shown.encode()[: most - 3].decode(errors="ignore").rstrip() + "..."
