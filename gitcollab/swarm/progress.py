"""How the search went: every experiment in the order of time, and the best as it was known then.

A pure function of the standings. What is known of noise, withdrawals and wonders that wait to be
confirmed is what is known now, and so is which run stands for a program; only the runs are taken
one by one. So the last best is the hub's best, to the last bit, and the line moves back where
replicates have disproved what led.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple, TypeAlias

from gitcollab.swarm.grouping import Key, Mean, key_of
from gitcollab.swarm.ranking import Standings, margin, order
from gitcollab.swarm.runs import Run

# What became of a run, in the words of the field; "unconfirmed" is too good to be believed of one
# agent, "rerun" is another run of a program, "unjudged" has no base to be compared with,
# "uncounted" is no believable measurement.
Mark: TypeAlias = Literal[
    "keep", "discard", "noise", "crash", "unconfirmed", "rerun", "unjudged", "uncounted"
]

_MARKS: dict[str | None, Mark] = {
    "better": "keep",
    "worse": "discard",
    "within noise": "noise",
    "unconfirmed": "unconfirmed",
    None: "unjudged",
}


class Step(NamedTuple):
    """A change of the best: another program leads, or more is known of the one that does."""

    number: int  # of the experiment that made it so; 1 is the first
    value: float  # the mean of the best program's runs, as known then
    n: int  # how many these were
    program: Run  # the run that stands for it; where clocks differ, it may come later
    by: Run  # the run that changed it
    new: bool  # whether another program leads than before


class Progress(NamedTuple):
    """All experiments that stand, oldest first, and each change of the best among them."""

    runs: Sequence[Run]
    steps: Sequence[Step]

    @property
    def compared(self) -> Sequence[Step]:
        """The steps on the tier of the last, each after the one before: tiers' numbers differ."""
        tier = self.steps[-1].program.tier if self.steps else None
        mine = [step for step in self.steps if step.program.tier == tier]
        led = [None, *(step.program.fingerprint for step in mine)]
        return [
            s._replace(new=s.program.fingerprint != was) for s, was in zip(mine, led, strict=False)
        ]


def progress(where: Standings) -> Progress:
    """The experiments of the task, crashes too, and how its best came about."""
    runs = sorted(where.results.values(), key=lambda run: (run.created_at, run.id))
    return Progress(runs, list(_steps(where, runs)))


def mark_of(where: Standings, run: Run) -> Mark:
    """What became of a run, by all that is known now."""
    if run.status != "ok":
        return "crash"
    if not where.is_counted(run):
        return "uncounted"
    judged = where.judgement(run)
    return "rerun" if judged is None and is_rerun(run) else _MARKS[judged]


def is_rerun(run: Run) -> bool:
    """Whether it is another run of a program that was there, and tries nothing new."""
    return run.replicates is not None or (run.base is not None and not run.changed)


def _steps(where: Standings, runs: Sequence[Run]) -> Iterator[Step]:
    means: dict[Key, Mean] = {}
    places: list[tuple[tuple[float, str, str], int, Key]] = []  # outdated entries stay in it
    last: tuple[Key, float, int] | None = None
    for number, run in enumerate(runs, 1):
        key = key_of(run)
        if run.metric is None or key in where.flagged or not where.is_counted(run):
            continue
        mean = means.setdefault(key, Mean())
        mean.add(run.metric)
        worse = margin(where.task, where.sigma, mean.n)
        place = order(where.task, mean.value, worse, where.drafts[key].first)
        heapq.heappush(places, (place, mean.n, key))
        while means[places[0][2]].n != places[0][1]:
            heapq.heappop(places)
        leader = places[0][2]
        best = means[leader]
        if (leader, best.value, best.n) != last:
            new = last is None or last[0] != leader
            last = leader, best.value, best.n
            yield Step(number, best.value, best.n, where.drafts[leader].first, run, new)
