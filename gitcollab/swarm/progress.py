"""How the search went: every experiment in the order of time, and the best as it was known then.

A pure function of the standings. What is known of noise, withdrawals and wonders that wait to be
confirmed is what is known now; only the runs are taken one by one. So the last best is the hub's
best, and the line moves back where replicates have disproved what led.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple, TypeAlias

from gitcollab.swarm.grouping import Key, key_of
from gitcollab.swarm.ranking import Standings
from gitcollab.swarm.runs import Run

# What became of a run, in the words of the field; "unjudged" has no base to be compared with,
# "uncounted" is no believable measurement of this task.
Mark: TypeAlias = Literal["keep", "discard", "noise", "crash", "unjudged", "uncounted"]

_MARKS: dict[str | None, Mark] = {
    "better": "keep",
    "worse": "discard",
    "within noise": "noise",
    None: "unjudged",
}


class Step(NamedTuple):
    """A change of the best: another program leads, or more is known of the one that does."""

    number: int  # of the experiment that made it so; 1 is the first
    value: float  # the mean of the best program's runs, as known then
    program: Run  # the earliest of its runs
    by: Run  # the run that changed it
    new: bool  # whether another program leads than before


class Progress(NamedTuple):
    """All experiments that stand, oldest first, and each change of the best among them."""

    runs: Sequence[Run]
    steps: Sequence[Step]


class _Program:
    """The runs of one program up to some time."""

    __slots__ = ("first", "mean", "n")

    def __init__(self, first: Run) -> None:
        self.first, self.n, self.mean = first, 0, 0.0

    def add(self, metric: float) -> None:
        self.n += 1
        self.mean += (metric - self.mean) / self.n


def progress(where: Standings) -> Progress:
    """The experiments of the task, crashes too, and how its best came about."""
    runs = sorted(where.results.values(), key=lambda run: (run.created_at, run.id))
    return Progress(runs, list(_steps(where, runs)))


def mark_of(where: Standings, run: Run) -> Mark:
    """What became of a run, by all that is known now."""
    if run.status != "ok":
        return "crash"
    return _MARKS[where.verdict(run)] if where.is_counted(run) else "uncounted"


def _steps(where: Standings, runs: Sequence[Run]) -> Iterator[Step]:
    programs: dict[Key, _Program] = {}
    order: list[tuple[float, str, str, int, Key]] = []  # by score; outdated entries stay in it
    sign, spread = where.task.sign, where.task.z * where.sigma
    last: tuple[Key, float] | None = None
    for number, run in enumerate(runs, 1):
        key = key_of(run)
        if run.metric is None or key in where.flagged or not where.is_counted(run):
            continue
        program = programs.setdefault(key, _Program(run))
        program.add(run.metric)
        score = sign * program.mean + spread / math.sqrt(program.n)
        first = program.first
        heapq.heappush(order, (score, first.created_at, first.id, program.n, key))
        while programs[order[0][4]].n != order[0][3]:
            heapq.heappop(order)
        leader = order[0][4]
        best = programs[leader]
        if (leader, best.mean) != last:
            new = last is None or last[0] != leader
            last = leader, best.mean
            yield Step(number, best.mean, best.first, run, new)
