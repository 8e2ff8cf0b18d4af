"""What the results say of points in the search space: the trials that a search learns from.

A trial is a program on one tier of hardware, known by the mean of its runs. Results are strangers'
words: values that the space does not hold are passed over, and no agent's trials crowd out those
of others.
"""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, islice, zip_longest
from typing import NamedTuple, TypeVar

from gitcollab.swarm.engine.proposer.lines import Line, Lines
from gitcollab.swarm.engine.proposer.space import Axis, Point, placed
from gitcollab.swarm.grouping import Runs
from gitcollab.swarm.ranking import Standings
from gitcollab.swarm.runs import Run

MOST = 150  # trials that a search learns from
MOST_ALONE = 40  # of them those of one agent that nobody else has run, where there are many agents
MOST_FAILED = 30  # programs that crashed or took too long
T = TypeVar("T")

_LOOKED_AT = 4  # for each trial that is learned from
_MOST_LOSS = 1e6  # in standard deviations of a run
_STRUCTURES = 8  # changes of more than constants behind a program, that are looked past


class Trial(NamedTuple):
    """A program that was run: where it lies on each axis.

    ``loss`` is how much worse it is than the program that is built on, negative if better, and
    ``variance`` that of its mean; the unit is the noise of one run. None for a program that crashed
    or took too long. ``alone``: the one constant that it changed, where it did no more. ``here``:
    on this tier, and differing from what is built on in constants alone.
    """

    places: tuple[float, ...]
    loss: float | None
    variance: float
    alone: str | None = None
    here: bool = True


@dataclass(frozen=True)
class Seen:
    """The standings as they look from the program that is built on.

    ``base`` is its group, ``at`` its constants, ``along`` the axes on which it may be moved, and
    ``baseline`` the constants of the task's own program.
    """

    where: Standings
    base: Runs
    at: Point
    along: Sequence[Axis]
    baseline: Point

    @cached_property
    def trials(self) -> list[Trial]:
        """The trials that tell most of what lies near, at most ``MOST`` and ``MOST_FAILED``."""
        near = _nearest(self._measured(), MOST)
        failed = _nearest(self._failed(), MOST_FAILED)
        found = (self._trial(one) for one in (*near, *failed))
        return [trial for trial in found if trial is not None]

    @cached_property
    def lines(self) -> Lines:
        """The constants of programs."""
        return Lines(self.where, self.baseline, frozenset(axis.name for axis in self.along))

    def point_of(self, program: str) -> tuple[Line, Point]:
        """The values of a program's constants on the axes, as far as they are known."""
        line, mine = self.lines.of(program), self._line.values
        values = {a.name: self.at[a.name] for a in self.along if a.name not in mine}
        if program == self.base.key[0]:
            return line, self.at
        return line, {**values, **line.values}

    @cached_property
    def _line(self) -> Line:
        return self.lines.of(self.base.key[0])

    @cached_property
    def _shifts(self) -> Mapping[str, tuple[float, float]]:
        """By structure: what a change of more than constants made worse, and its variance."""
        found = {self._line.structure: (0.0, 0.0)}
        line, shift, doubt = self._line, 0.0, 0.0
        for _ in range(_STRUCTURES):
            made, base = self._here(line.structure), self._here(line.base)
            if made is None or base is None:
                break
            shift += self._worse(made.mean, base.mean)
            doubt += 2.0  # another function: what helps there may not help here
            line = self.lines.of(line.base)
            if line.structure in found:
                break
            found[line.structure] = shift, doubt
        return found

    @cached_property
    def _tiers(self) -> Mapping[str, tuple[float, float]]:
        """By tier: how much worse the same programs are here, and the variance of that."""
        pairs: dict[str, list[float]] = defaultdict(list)
        for draft in self.where.eligible:
            here = self._here(draft.key[0])
            if here is not None:
                pairs[draft.key[1]].append(self._worse(here.mean, draft.mean))
        found = {
            tier: (math.fsum(gaps) / len(gaps), 1 + 2 / len(gaps)) for tier, gaps in pairs.items()
        }
        return found | {self.base.key[1]: (0.0, 0.0)}

    def _here(self, program: str) -> Runs | None:
        key = program, self.base.key[1]
        return None if key in self.where.flagged else self.where.drafts.get(key)

    def _worse(self, mean: float, than: float) -> float:
        """In standard deviations of a run; strangers can report any number."""
        gap = (mean - than) * self.where.task.sign / self.where.sigma
        return min(_MOST_LOSS, max(-_MOST_LOSS, gap))

    def _measured(self) -> Iterator[_Candidate]:
        drafts = [d for d in self.where.eligible if d.key[1] in self._tiers]
        shared = _by_turns((draft for draft in drafts if _alone(draft) is None), _first_of)
        alone = _by_turns((draft for draft in drafts if _alone(draft) is not None), _first_of)
        for draft in islice(chain(shared, alone), _LOOKED_AT * MOST):
            gap, doubt = self._tiers[draft.key[1]]
            loss = self._worse(draft.mean, self.base.mean) + gap
            variance = 1 / len(draft.runs) + doubt
            yield self._candidate(draft.first, draft.key[1], _alone(draft), loss, variance)

    def _failed(self) -> Iterator[_Candidate]:
        tier = self.base.key[1]
        runs = [r for r in self.where.results.values() if r.status != "ok" and r.tier == tier]
        for run in islice(_by_turns(runs, lambda r: r), _LOOKED_AT * MOST_FAILED):
            if self._here(run.fingerprint) is None:  # not all of its runs failed
                yield self._candidate(run, tier, run.agent, None, 1.0)

    def _candidate(
        self, run: Run, tier: str, agent: str | None, loss: float | None, variance: float
    ) -> _Candidate:
        line, point = self.point_of(run.fingerprint)
        moved = sum(point.get(a.name) != self.at[a.name] for a in self.along)
        far = moved + (0 if line.structure in self._shifts else len(self.along))
        here = tier == self.base.key[1] and line.structure == self._line.structure
        only = _only_change(run)
        return _Candidate(far, agent, line.structure, point, loss, variance, only, here)

    def _trial(self, one: _Candidate) -> Trial | None:
        places = placed(self.along, one.point)
        shift = self._shifts.get(one.structure)
        if places is None or shift is None:
            return None
        loss = None if one.loss is None else one.loss + shift[0]
        return Trial(places, loss, one.variance + shift[1], one.only, one.here)


class _Candidate(NamedTuple):
    far: int  # on how many axes it is elsewhere
    agent: str | None  # who alone has run it
    structure: str
    point: Point
    loss: float | None
    variance: float
    only: str | None  # the constant that it changed, where it did no more
    here: bool


def _nearest(candidates: Iterable[_Candidate], most: int) -> Iterator[_Candidate]:
    """The nearest, of each agent a share at most.

    What is near is not chosen by how good it was: then luck would be.
    """
    found = sorted(candidates, key=lambda one: one.far)
    agents = len({one.agent for one in found} - {None})
    share = max(MOST_ALONE, most // max(1, agents))
    taken: Counter[str] = Counter()
    for one in found:
        if most and (one.agent is None or taken[one.agent] < share):
            most -= 1
            if one.agent is not None:
                taken[one.agent] += 1
            yield one


def _by_turns(those: Iterable[T], run_of: Callable[[T], Run]) -> Iterator[T]:
    """Each agent's newest, then each one's next, and so on."""
    ordered = sorted(those, key=lambda one: (run_of(one).created_at, run_of(one).id), reverse=True)
    of: dict[str, list[T]] = defaultdict(list)
    for one in ordered:
        of[run_of(one).agent].append(one)
    for turn in zip_longest(*of.values()):
        yield from (one for one in turn if one is not None)


def _only_change(run: Run) -> str | None:
    """The one constant that a run's program changed; None where it did more, or other things."""
    changed = [] if run.structural or not run.delta else list(json.loads(run.delta))
    return changed[0] if len(changed) == 1 else None


def _first_of(draft: Runs) -> Run:
    return draft.first


def _alone(draft: Runs) -> str | None:
    """Who alone has run a program."""
    return None if len({run.agent for run in draft.runs}) > 1 else draft.first.agent
