"""What was the best, of all and of each agent, before each experiment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from gitcollab.swarm.progress import Step, progress
from gitcollab.swarm.ranking import Standings
from gitcollab.swarm.runs import Run


class Before(NamedTuple):
    """The best metrics before an experiment, as known then; None: there was none."""

    best: float | None  # of all: the mean of its program's runs
    own: float | None  # of its agent: of one run


class History:
    """The experiments that count, in the order of time; metrics are in the task's unit."""

    def __init__(self, where: Standings) -> None:
        self.where = where
        found = progress(where)
        self.steps = found.steps
        self.compared = found.compared
        self._before = _before(where, found.runs, found.steps)

    def before(self, result_id: str) -> Before:
        """What was there before this result; nothing for one that does not count."""
        return self._before.get(result_id, Before(None, None))

    def previous(self) -> Step | None:
        """The best before the present one: the last step on its tier that another program led."""
        leader = self.compared[-1].program.fingerprint if self.compared else None
        others = (s for s in reversed(self.compared) if s.program.fingerprint != leader)
        return next(others, None)


def _before(where: Standings, runs: Sequence[Run], steps: Sequence[Step]) -> Mapping[str, Before]:
    own: dict[str, float] = {}
    found: dict[str, Before] = {}
    coming, best = iter([*steps, None]), None
    step = next(coming)
    for number, run in enumerate(runs, 1):
        while step is not None and step.number < number:
            best, step = step.value, next(coming)
        found[run.id] = Before(best, own.get(run.agent))
        if run.metric is not None and where.is_counted(run):
            own[run.agent] = _better(where.task.sign, own.get(run.agent), run.metric)
    return found


def _better(sign: int, one: float | None, other: float) -> float:
    """The better of two metrics; lower is where ``sign`` is 1."""
    return other if one is None or (other - one) * sign < 0 else one
