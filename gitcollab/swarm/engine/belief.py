"""What each program is believed to be worth, from all runs of its family: pure.

A program's own runs are few and noisy, and the one that looks best was mostly lucky. But its base
and the programs that were made from it were measured too, and most changes do much the same: they
make it a little worse. So a base is judged by its children's runs as well, and a child by its
base's, and its base's other children's, and so on along all lines of bases.

The model: a change moves the true value by what is normally distributed, ``LOSS`` σ worse on
average and ``SPREAD`` σ about that, and a run is the true value with noise σ. The standings' pooled
σ, less what luck adds to it (see ``noise``), is both units, so what is hard to measure is taken to
be small. On a tree such a model is solved exactly by two passes (J. Pearl, "Probabilistic Reasoning
in Intelligent Systems", 1988, belief propagation): from the youngest up to the oldest, then down. A
step that is far from what the model expects (more than ``FAR`` of its standard deviations) is of
another kind, a great gain or a broken program: it tells nothing of its base, nor its base of it.

One agent's children of one program are heard ``HEARD`` times, so that nobody argues a program away;
what they are worth themselves is told by their base all the same.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gitcollab.swarm.grouping import Key, Runs
from gitcollab.swarm.ranking import Standings

# Tuned on the landscape of `make bench` (part belief); in the standard deviations of one run.
LOSS = 0.775
SPREAD = 1.085
FAR = 3.5
HEARD = 4


@dataclass(frozen=True, slots=True)
class Belief:
    """The expected true value of a program, in the metric's unit, and the error of that."""

    mean: float
    error: float


def beliefs(where: Standings, tier: str) -> Mapping[Key, Belief]:
    """What is believed of every eligible program on a tier."""
    return where.once(("beliefs", tier), lambda: _beliefs(where, tier))


def _beliefs(where: Standings, tier: str) -> Mapping[Key, Belief]:
    family = _Family(where, tier)
    heard = family.gather()
    sign = where.task.sign
    return {
        draft.key: Belief(sign * mean, error)
        for draft, (mean, error) in zip(family.drafts, family.spread(heard), strict=True)
    }


@dataclass(slots=True)
class _Sum:
    """Independent evidence of one value, each with its weight (1/variance)."""

    weight: float
    moment: float  # of values by weight

    @property
    def mean(self) -> float:
        return self.moment / self.weight

    def add(self, other: _Sum) -> None:
        self.weight += other.weight
        self.moment += other.moment

    def without(self, other: _Sum) -> _Sum:
        return _Sum(self.weight - other.weight, self.moment - other.moment)


class _Family:
    """The programs of a tier, oldest first, each with its base's place or None.

    Values are minimised here. A base is always older: records that claim a circle make none.
    """

    def __init__(self, where: Standings, tier: str) -> None:
        self.drafts = sorted((d for d in where.eligible if d.key[1] == tier), key=_age)
        sigma = where.noise.unchosen
        self._variance = sigma**2
        self._sign = where.task.sign
        self._loss = LOSS * sigma
        self._spread = (SPREAD * sigma) ** 2
        self._bases = self._find_bases(where)
        self._heard = self._find_heard()

    def _find_bases(self, where: Standings) -> Sequence[int | None]:
        at = {draft.key: place for place, draft in enumerate(self.drafts)}
        found: list[int | None] = []
        for place, draft in enumerate(self.drafts):
            base = where.base_draft(draft.first)
            older = None if base is None else at.get(base.key)
            found.append(older if older is not None and older < place else None)
        return found

    def _find_heard(self) -> Sequence[bool]:
        """Which programs their bases hear of: the oldest of each agent."""
        said: Counter[tuple[int | None, str]] = Counter()
        found = []
        for base, draft in zip(self._bases, self.drafts, strict=True):
            said[base, draft.first.agent] += 1
            found.append(base is not None and said[base, draft.first.agent] <= HEARD)
        return found

    def _own(self, draft: Runs) -> _Sum:
        weight = len(draft.runs) / self._variance
        return _Sum(weight, weight * self._sign * draft.mean)

    def gather(self) -> tuple[list[_Sum], list[_Sum | None]]:
        """From the youngest up: what each program's runs and its children say; and what each told.

        What has nothing to do with its base has None.
        """
        sums = [self._own(draft) for draft in self.drafts]
        told: list[_Sum | None] = [None] * len(sums)
        for place in reversed(range(len(sums))):
            base = self._bases[place]
            if base is not None and not self._is_far(sums[place], self.drafts[base]):
                heard = self._heard[place]
                told[place] = said = self._moved(sums[place], -self._loss) if heard else _Sum(0, 0)
                sums[base].add(said)
        return sums, told

    def spread(self, gathered: tuple[list[_Sum], list[_Sum | None]]) -> list[tuple[float, float]]:
        """From the oldest down: mean and error of each program, by all that is known."""
        sums, told = gathered
        for place, base in enumerate(self._bases):
            mine = told[place]
            if base is not None and mine is not None:
                sums[place].add(self._moved(sums[base].without(mine), self._loss))
        return [(one.mean, 1 / math.sqrt(one.weight)) for one in sums]

    def _moved(self, known: _Sum, by: float) -> _Sum:
        """What evidence of a program says of one that is a change away."""
        weight = 1 / (1 / known.weight + self._spread)
        return _Sum(weight, weight * (known.mean + by))

    def _is_far(self, child: _Sum, base: Runs) -> bool:
        step = child.mean - self._sign * base.mean - self._loss
        variance = self._spread + 1 / child.weight + self._variance / len(base.runs)
        return abs(step) > FAR * math.sqrt(variance)


def _age(draft: Runs) -> tuple[str, str]:
    return draft.first.created_at, draft.first.id
