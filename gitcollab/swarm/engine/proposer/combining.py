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
_PAIRS = 40  # of random steps on two or three axes


class Candidate(NamedTuple):
    """A point, and how it came about."""

    places: Places
    kind: Literal["step", "combination", "steps", "tpe"]

    def changed(self, at: Places) -> list[int]:
        """The axes on which it lies elsewhere."""
        return [n for n, _ in _each(at, self.places)]


def steps(along: Sequence[Axis], at: Places, chance: random.Random) -> Iterator[Candidate]:
    """A few steps on each axis, short and long, to both sides."""
    for n, axis in enumerate(along):
        for place in _reachable(axis, at[n], chance):
            yield Candidate(_moved(at, {n: place}), "step")


def several(along: Sequence[Axis], at: Places, chance: random.Random) -> Iterator[Candidate]:
    """Random steps on two or three axes at once."""
    for _ in range(_PAIRS if len(along) > 1 else 0):
        chosen = chance.sample(range(len(along)), min(len(along), chance.choice((2, 2, 3))))
        moved = {n: chance.choice(list(_reachable(along[n], at[n], chance))) for n in chosen}
        yield Candidate(_moved(at, moved), "steps")


def combinations_of(
    along: Sequence[Axis],
    at: Places,
    trials: Sequence[Trial],
    belief: Belief,
    singles: Sequence[Places],
) -> Iterator[Candidate]:
    """Two or three changes at once that each are believed to help alone.

    They are those that somebody has run, on whatever base, and the best of ``singles``.
    """
    alone = {place for one in (*(t.places for t in trials), *singles) for place in _each(at, one)}
    ordered = sorted(alone)
    if not ordered:
        return
    losses = belief.mean([_moved(at, {n: place}) for n, place in ordered])
    ranked = sorted(zip(losses, ordered, strict=True))
    best: dict[int, float] = {}
    for loss, (n, place) in ranked:
        if loss < 0 and len(best) < _HELPED:
            best.setdefault(n, place)
    worth = {one: -loss for loss, one in ranked}
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
