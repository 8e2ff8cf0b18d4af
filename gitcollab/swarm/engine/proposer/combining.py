"""Points that lie near the program that is built on: from what helped, and from chance."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Literal, NamedTuple

from gitcollab.swarm.engine.proposer.judging import Belief, Places
from gitcollab.swarm.engine.proposer.space import Axis
from gitcollab.swarm.engine.proposer.trials import Trial

_STEPS = 6  # on each axis, of random length
_SHORTEST, _LONGEST = 0.03, 0.5  # in ranges
_HELPED = 10  # changes that are put together
_COMBINED = 60
_TOGETHER = (2, 3)


class Candidate(NamedTuple):
    """A point, and how it came about."""

    places: Places
    kind: Literal["step", "combination", "tpe"]

    def changed(self, at: Places) -> list[int]:
        """The axes on which it lies elsewhere."""
        return [n for n, _ in _each(at, self.places)]


def steps(along: Sequence[Axis], at: Places, chance: random.Random) -> Iterator[Candidate]:
    """A few steps on each axis, short and long, to both sides."""
    for n, axis in enumerate(along):
        for place in _reachable(axis, at[n], chance):
            yield Candidate(_moved(at, {n: place}), "step")


def combinations_of(
    along: Sequence[Axis], at: Places, trials: Sequence[Trial], belief: Belief
) -> Iterator[Candidate]:
    """Two or three changes at once that were each run alone, on whatever base, and are believed
    to help here.
    """
    names = [axis.name for axis in along]
    alone = {(names.index(t.alone), t) for t in trials if t.alone in names}
    ordered = sorted({(n, t.places[n]) for n, t in alone if t.places[n] != at[n]})
    if not ordered:
        return
    points = [at, *(_moved(at, {n: place}) for n, place in ordered)]
    here, *losses = belief.mean(points)
    worth = {one: here - loss for loss, one in zip(losses, ordered, strict=True)}
    best: dict[int, float] = {}
    for one in sorted(ordered, key=lambda one: (-worth[one], one)):
        if worth[one] > 0 and len(best) < _HELPED:
            best.setdefault(*one)
    found = [c for size in _TOGETHER for c in combinations(best.items(), size)]
    found.sort(key=lambda chosen: -sum(worth[one] for one in chosen))
    for chosen in found[:_COMBINED]:
        yield Candidate(_moved(at, dict(chosen)), "combination")


def _each(at: Places, other: Places) -> Iterator[tuple[int, float]]:
    pairs = enumerate(zip(at, other, strict=True))
    return ((n, there) for n, (here, there) in pairs if here != there)


def _reachable(axis: Axis, here: float, chance: random.Random) -> Iterator[float]:
    """Other places on an axis."""
    if not axis.is_ordered:
        yield from (float(n) for n in range(len(axis.choices)) if n != here)
        return
    last = len(axis.choices) - 1
    if axis.choices and last < _STEPS:
        yield from (n / last for n in range(last + 1) if n / last != here)
        return
    for n in range(_STEPS):
        length = _SHORTEST * (_LONGEST / _SHORTEST) ** chance.random()
        there = here + (length if n % 2 else -length)
        yield there if 0 <= there <= 1 else min(1.0, max(0.0, here)) * 0.5 + 0.5 * round(1 - here)


def _moved(at: Places, to: dict[int, float]) -> Places:
    return tuple(to.get(n, place) for n, place in enumerate(at))
