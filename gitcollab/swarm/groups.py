"""A group of runs, judged: a line of a ranking; and rankings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import overload

from gitcollab.swarm.grouping import Key, Runs
from gitcollab.swarm.outcomes import Standing
from gitcollab.swarm.runs import Run


@dataclass(frozen=True, slots=True)
class Group:
    """All countable runs of one program on one track, whose name is ``tier``.

    ``sigma`` is the standard deviation of a single run, pooled over all groups. ``first`` is the
    earliest run that does not call itself a replication (else the earliest): it stands for the
    program. ``flagged``: improves on its base more than the task believes, or fails with others
    (see ``grouping.broken``), and nobody else has seen it end yet.
    """

    fingerprint: str
    tier: str
    n: int
    mean: float
    sigma: float
    pessimistic: float  # the mean, worse by z standard errors; by 2z of them after a single run
    optimistic: float  # the mean, better by z standard errors
    agents: tuple[str, ...]  # sorted
    runs: tuple[str, ...]  # ids, oldest first
    first: Run
    standing: Standing
    flagged: bool
    transfers: tuple[str, ...] = ()  # the tiers that its change was kept on, if two or more
    no_better_than: str | None = None  # of a refuted one: what it was believed to be better than
    builds_on_refuted: str | None = None  # the nearest refuted program in its line of bases

    @property
    def key(self) -> Key:
        """What no other group of the task has."""
        return self.fingerprint, self.tier


class Ranking(Sequence[Group]):
    """Groups in an order; each is made when it is looked at, since few of many are."""

    def __init__(self, drafts: Sequence[Runs], make: Callable[[Runs], Group]) -> None:
        self._drafts = drafts
        self._make = make

    def __len__(self) -> int:
        return len(self._drafts)

    @overload
    def __getitem__(self, at: int) -> Group: ...
    @overload
    def __getitem__(self, at: slice) -> Ranking: ...
    def __getitem__(self, at: int | slice) -> Group | Ranking:
        if isinstance(at, slice):
            return Ranking(self._drafts[at], self._make)
        return self._make(self._drafts[at])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    def __hash__(self) -> int:
        return hash(tuple(self._drafts))
