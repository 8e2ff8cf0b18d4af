"""Which runs count, which belong together, and which gains are too good to believe at once.

Runs of one program on one tier of hardware belong together. A group that improves on its base by
more than the task believes is held back until a second agent has seen it.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from gitcollab.records.models import Task
from gitcollab.swarm.runs import Run

MAX_METRIC = 1e100  # no measurement; beyond it squares would overflow

# What makes runs comparable, beside the task: the program's fingerprint and the hardware's tier.
Key: TypeAlias = tuple[str, str]


def counts(task: Task, run: Run) -> bool:
    """Whether the run is a believable measurement of this task."""
    metric, bounds, data = run.metric, task.plausible, task.dataset
    if metric is None or run.status != "ok" or not abs(metric) <= MAX_METRIC:
        return False
    if data is not None and data.sha256 is not None and run.dataset != data.sha256:
        return False
    lowest = -math.inf if bounds.min is None else bounds.min
    highest = math.inf if bounds.max is None else bounds.max
    return lowest <= metric <= highest


def key_of(run: Run) -> Key:
    """The group that the run belongs to if it counts."""
    return run.fingerprint, run.tier


def base_fingerprint_of(run: Run, known: Mapping[str, Run]) -> str:
    """What identifies the program that was changed; empty when the run does not say."""
    base = known.get(run.base) if run.base else None
    return (base.fingerprint if base else run.base_fingerprint) or ""


@dataclass(frozen=True, slots=True)
class Runs:
    """A group before it is known how noisy a run is."""

    key: Key
    runs: Sequence[Run]  # oldest first
    first: Run  # the oldest that does not call itself a replication, else the oldest
    mean: float
    squares: float  # Σ(x − mean)²

    @property
    def confirmed(self) -> bool:
        """Whether two agents have run it."""
        return len({r.agent for r in self.runs}) > 1


def grouped(runs: Iterable[Run]) -> dict[Key, Runs]:
    """Runs grouped by key, keys sorted; sums are exact (fsum), so no order of addition shows."""
    members: dict[Key, list[Run]] = defaultdict(list)
    for run in runs:
        members[key_of(run)].append(run)
    return {key: _runs(key, members[key]) for key in sorted(members)}


def _runs(key: Key, runs: list[Run]) -> Runs:
    if len(runs) == 1:
        return Runs(key, runs, runs[0], runs[0].metric or 0.0, 0.0)
    runs.sort(key=lambda r: (r.created_at, r.id))
    first = next((r for r in runs if r.replicates is None), runs[0])
    values = [r.metric for r in runs if r.metric is not None]
    mean = math.fsum(values) / len(values)
    squares = math.fsum((v - mean) * (v - mean) for v in values)
    return Runs(key, runs, first, mean, squares)


def flagged_keys(task: Task, drafts: Mapping[Key, Runs], known: Mapping[str, Run]) -> set[Key]:
    """Groups that gain more over their base than ``plausible.max_step`` and are not confirmed.

    The base's runs on the same tier are the measure; where there are none, or they are flagged
    themselves, the base's base, and at last the baseline. Bases are judged before what builds on
    them; a circle of bases, which no honest record makes, is cut open.
    """
    if task.plausible.max_step is None:
        return set()
    baselines = _baselines(drafts, known)
    flagged: set[Key] = set()
    reference: dict[Key, Runs | None] = {}  # what builds on this key is measured by
    for start in drafts:
        path: dict[Key, None] = {}  # from start to its base, the base's base, ...
        key: Key | None = start
        while key is not None and key not in reference and key not in path:
            path[key] = None
            key = _base_key(drafts.get(key), known)
        measure = reference.get(key) if key is not None else None
        for key in reversed(path):
            draft = drafts.get(key)
            if draft is not None:
                if _leaps(task, draft, measure or baselines.get(draft.key[1])):
                    flagged.add(key)
                else:
                    measure = draft
            reference[key] = measure
    return flagged


def _base_key(draft: Runs | None, known: Mapping[str, Run]) -> Key | None:
    if draft is None:
        return None
    fingerprint = base_fingerprint_of(draft.first, known)
    return (fingerprint, draft.key[1]) if fingerprint else None


def _leaps(task: Task, draft: Runs, base: Runs | None) -> bool:
    if base is None or draft.confirmed or task.plausible.max_step is None:
        return False
    return (base.mean - draft.mean) * task.sign > task.plausible.max_step


def _baselines(drafts: Mapping[Key, Runs], known: Mapping[str, Run]) -> dict[str, Runs]:
    """By tier, the runs of the task's own program: one that is its own base, the oldest such."""
    found: dict[str, Runs] = {}
    own = [d for d in drafts.values() if _is_baseline(d, known)]
    for draft in sorted(own, key=lambda d: (d.first.created_at, d.first.id)):
        found.setdefault(draft.key[1], draft)
    return found


def _is_baseline(draft: Runs, known: Mapping[str, Run]) -> bool:
    first = draft.first
    return first.base is None and (
        base_fingerprint_of(first, known) == draft.key[0]
        or (not first.changed and first.base_fingerprint is None)
    )
