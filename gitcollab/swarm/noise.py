"""The noise of one run, as all runs tell it: a pure function of the groups, and hard to mislead.

σ² = (ν₀σ₀² + Σq) / (ν₀ + Σ(n−1)), over the programs with n ≥ 2 runs: the variance pooled within
programs, shrunk to the task's own σ₀; q is the sum of the squared deviations of a program's runs
from their mean. σ is the unit of every verdict, so no one agent may set it:

- *What is far off counts as far off, and no more.* A run further from the median of its program's
  runs than 3 of its standard errors there, 3σ₁√(1 − 1/n), is taken to be that far from it.
- σ₁ is a first, robust look: σ₁² = (ν₀σ₀² + N·M) / (ν₀ + N), where M is the (lower) median of the
  witnesses' variances and of σ₀², and N are the witnesses' degrees of freedom. A program that
  several agents have run is a witness; all reruns by one agent of what nobody else has run are one
  witness together. A median of the chi-squared is below its mean; M allows for that.
- Such reruns by one agent weigh at most as much as all other witnesses, or as the task's own σ₀
  where that is more: who repeats one seed a thousand times has not shown that there is no noise.

Nothing of this holds where all runs are of one agent: it can mislead nobody but itself. Where
nothing is far off and nobody outweighs the others, σ is the plain pooled deviation.

It is too large where programs are run again because their first number was good: such a number is
further from the truth than others, E(x₁ − μ)² = ``CHOSEN``·σ², so E(q) = (n−1)σ²(1 + (CHOSEN−1)/n).
``unchosen`` is σ with each q of a changed program divided by that. Verdicts and ranks keep the
larger one, which errs on the safe side; what is believed of programs needs the right one.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from statistics import median, median_low
from typing import NamedTuple

from gitcollab.swarm.grouping import Key, Runs, mean_of

PRIOR_RUNS = 4  # how many runs the task's own sigma weighs against what was measured (ν₀)
CHOSEN = 2.3  # so it was on the landscape of `make bench` (part belief)
FAR = 3.0  # standard errors: a run further from its program's others is taken to be so far


class Spread(NamedTuple):
    """What some runs say of noise."""

    squares: float  # Σ(x − mean)² within programs
    freedom: float  # Σ(n − 1)

    def times(self, weight: float) -> Spread:
        """As if there were so much of it."""
        return Spread(self.squares * weight, self.freedom * weight)


class Noise:
    """The standard deviation of one run: ``sigma``; and without what one program says of it.

    ``unchosen`` is what it would be had nothing been run again for its first number.
    """

    def __init__(self, prior: float, drafts: Sequence[Runs]) -> None:
        self._prior = Spread(PRIOR_RUNS * prior * prior, PRIOR_RUNS)
        several = [draft for draft in drafts if len(draft.runs) > 1]
        spreads = {d.key: Spread(d.squares, len(d.runs) - 1) for d in several}
        if several and _by_many(drafts):
            first = _first_look(self._prior, several, spreads)
            spreads = {d.key: Spread(_within(d, first), len(d.runs) - 1) for d in several}
            spreads = _balanced(several, spreads)
        self._spreads = spreads
        self._all = total([self._prior, *spreads.values()])
        self.sigma = math.sqrt(self._all.squares / self._all.freedom)
        squares = (spreads[d.key].squares / _luck_of(d) for d in several)
        self.unchosen = math.sqrt(math.fsum([self._prior.squares, *squares]) / self._all.freedom)

    def without(self, draft: Runs) -> float:
        """``sigma`` without the spread of this program's runs."""
        own = self._spreads.get(draft.key, Spread(0.0, 0.0))
        squares = max(self._prior.squares, self._all.squares - own.squares)
        return math.sqrt(squares / (self._all.freedom - own.freedom))


def _luck_of(draft: Runs) -> float:
    """What the luck of its first run multiplies the squares of a program's runs by."""
    return 1 + (CHOSEN - 1) / len(draft.runs) if draft.first.changed else 1.0


def total(spreads: Sequence[Spread]) -> Spread:
    """All of them together: the sums are exact, so no order of addition shows."""
    return Spread(math.fsum(s.squares for s in spreads), math.fsum(s.freedom for s in spreads))


def _by_many(drafts: Sequence[Runs]) -> bool:
    """Whether more than one agent made these runs."""
    one = drafts[0].first.agent
    return any(run.agent != one for draft in drafts for run in draft.runs)


def _alone(several: Sequence[Runs]) -> dict[str, list[Key]]:
    """By agent, the programs that it alone has run, again and again."""
    found: dict[str, list[Key]] = defaultdict(list)
    for draft in several:
        if not draft.confirmed:
            found[draft.first.agent].append(draft.key)
    return found


def _first_look(prior: Spread, several: Sequence[Runs], spreads: dict[Key, Spread]) -> float:
    """σ₁: no witness moves it far, whatever it says."""
    witnesses = [spreads[draft.key] for draft in several if draft.confirmed]
    witnesses += [total([spreads[k] for k in keys]) for keys in _alone(several).values()]
    said = [w.squares / w.freedom / _median_of_variance(w.freedom) for w in witnesses]
    middle = median_low([prior.squares / prior.freedom, *said])
    freedom = math.fsum(w.freedom for w in witnesses)
    return math.sqrt((prior.squares + freedom * middle) / (prior.freedom + freedom))


def _median_of_variance(freedom: float) -> float:
    """The median of a sample's variance, in units of the true one (Wilson and Hilferty, 1931)."""
    return (1 - 2 / (9 * freedom)) ** 3


def _within(draft: Runs, sigma: float) -> float:
    """The squared deviations of a program's runs from their mean, none of them too far off."""
    values = [run.metric or 0.0 for run in draft.runs]
    reach = FAR * sigma * math.sqrt(1 - 1 / len(values))
    middle = median(values)
    low, high = middle - reach, middle + reach
    if low <= min(values) and max(values) <= high:
        return draft.squares
    values = [min(max(value, low), high) for value in values]
    mean = mean_of(values)
    return math.fsum((value - mean) ** 2 for value in values)


def _balanced(several: Sequence[Runs], spreads: dict[Key, Spread]) -> dict[Key, Spread]:
    """The spreads, where no agent's reruns of its own outweigh all that others say."""
    everything = total([*spreads.values()]).freedom
    weights: dict[Key, float] = {}
    for keys in _alone(several).values():
        own = total([spreads[key] for key in keys]).freedom
        weight = min(1.0, max(PRIOR_RUNS, everything - own) / own)
        weights |= dict.fromkeys(keys, weight)
    return {key: spread.times(weights.get(key, 1.0)) for key, spread in spreads.items()}
