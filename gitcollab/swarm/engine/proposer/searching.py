"""The search, pure: from the standings and a space to the changes that are tried next.

Candidates come from chance, from what helped, and from Optuna; a model of all trials judges them in
one world that the trials allow (W. R. Thompson, 1933): each agent in another, so that many agents
at once spread over what may be good, the more the less is known.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from gitcollab.similarity.literal import Value, same, shown
from gitcollab.swarm.engine.proposer import judging, sampling
from gitcollab.swarm.engine.proposer.combining import Candidate, combinations_of, steps
from gitcollab.swarm.engine.proposer.space import Axis, Point, key_of, placed
from gitcollab.swarm.engine.proposer.trials import Seen, Trial

_DRAWS = 1  # of Optuna: more cost time, and the judge seldom takes one of them
_BESIDE = 0.02  # of the range of each constant
_ROUNDS = 3  # before nothing else is suggested


@dataclass(frozen=True)
class Move:
    """Constants to change, with their new values; ``why`` is a line for people."""

    values: Mapping[str, Value]
    why: str


def moves(
    seen: Seen, pending: Sequence[Point], is_taken: Callable[[Point], bool], seed: int
) -> Iterator[Move]:
    """What to try next, the most promising first; the same for the same arguments.

    ``pending`` are points whose outcome is not known yet. ``is_taken`` is asked of all constants'
    values on the axes whether a program with them was run, or is.
    """
    if not seen.along:
        return
    at = placed(seen.along, seen.at)
    assert at is not None  # an axis holds the present value
    places = [found for one in pending if (found := placed(seen.along, one)) is not None]
    search = _Search(seen, at, places)
    known = [*(trial.places for trial in seen.trials if trial.here), *places]
    given = {key_of(seen.at), *map(key_of, pending)}
    for turn in range(_ROUNDS):
        for candidate in search.ranked(seed + turn * 7919):
            values = _values(seen, at, candidate.places)
            point = {**seen.at, **values}
            key = key_of(point)
            if not values or key in given:
                continue
            given.add(key)
            if not _is_beside(placed(seen.along, point), known) and not is_taken(point):
                yield Move(values, search.why(candidate, values))


def _is_beside(places: judging.Places | None, known: Sequence[judging.Places]) -> bool:
    """Whether it hardly differs from what is known here: that would be another run of the same.

    What was run on other machines only, or before more than constants was changed, may be tried.
    """
    return places is None or any(
        all(abs(here - there) < _BESIDE for here, there in zip(places, other, strict=True))
        for other in known
    )


class _Search:
    """What a round of the search needs, made once."""

    def __init__(self, seen: Seen, at: judging.Places, pending: Sequence[judging.Places]) -> None:
        self._seen = seen
        self._along: Sequence[Axis] = seen.along
        self._at = at
        self._trials: Sequence[Trial] = seen.trials
        self._pending = pending
        self._belief = judging.believed(seen.along, at, seen.trials, pending)

    def ranked(self, seed: int) -> list[Candidate]:
        """Candidates, the best first in a world that the trials allow."""
        chance = random.Random(seed)
        found = list(dict.fromkeys(self._candidates(chance, seed)))
        losses = self._belief.sample([one.places for one in found], seed)
        order = sorted(range(len(found)), key=lambda n: (losses[n], n))
        return [found[n] for n in order]

    def why(self, candidate: Candidate, values: Mapping[str, Value]) -> str:
        """How a candidate came about, in a line."""
        names = ", ".join(sorted(values))
        told = f"{len(self._trials)} {'result' if len(self._trials) == 1 else 'results'}"
        if candidate.kind == "combination":
            return f"combines {len(values)} changes that helped alone"
        if candidate.kind == "tpe":
            return f"TPE over {told}: {names}"
        if further := [name for name in values if self._is_further(name, candidate)]:
            name = further[0]
            return f"{name} helped at {shown(self._seen.at[name])}: further"
        return f"{names}: promising after {told}"

    def _is_further(self, name: str, candidate: Candidate) -> bool:
        """Whether it goes on the way that led from the task's own program to the best."""
        n = [axis.name for axis in self._along].index(name)
        axis, here = self._along[n], self._at[n]
        start = axis.place(self._seen.baseline[name]) if name in self._seen.baseline else None
        if start is None or not axis.is_ordered or len(candidate.changed(self._at)) > 1:
            return False
        return (candidate.places[n] - here) * (here - start) > 0

    def _candidates(self, chance: random.Random, seed: int) -> Iterator[Candidate]:
        yield from steps(self._along, self._at, chance)
        yield from combinations_of(self._along, self._at, self._trials, self._belief)
        for n in range(_DRAWS):
            most = min(len(self._along), chance.choice((1, 2)))
            free = chance.sample(range(len(self._along)), most)
            told = self._along, self._at, free, self._trials, self._pending
            yield Candidate(sampling.drawn(*told, seed + n), "tpe")


def _values(seen: Seen, at: judging.Places, places: judging.Places) -> dict[str, Value]:
    """The values at other places than the present ones, as far as they differ from these."""
    found = {
        axis.name: axis.value(there)
        for axis, here, there in zip(seen.along, at, places, strict=True)
        if here != there
    }
    return {name: value for name, value in found.items() if not same(value, seen.at[name])}
