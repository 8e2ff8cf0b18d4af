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

from gitcollab.records.models import Result, Task

MAX_METRIC = 1e100  # no measurement; beyond it squares would overflow

# What makes runs comparable, beside the task: the program's fingerprint and the hardware's tier.
Key: TypeAlias = tuple[str, str]


def counts(task: Task, result: Result) -> bool:
    """Whether the result is a believable measurement of this task."""
    metric, bounds, data = result.metric, task.plausible, task.dataset
    if metric is None or result.status != "ok" or not abs(metric) <= MAX_METRIC:
        return False
    if data is not None and data.sha256 is not None and result.environment.dataset != data.sha256:
        return False
    lowest = -math.inf if bounds.min is None else bounds.min
    highest = math.inf if bounds.max is None else bounds.max
    return lowest <= metric <= highest


def key_of(result: Result) -> Key:
    """The group that the result belongs to if it counts."""
    return fingerprint_of(result), result.hardware.tier


def fingerprint_of(result: Result) -> str:
    """What identifies the result's program; a result that does not say is a program of its own."""
    return result.fingerprint or result.files.get("train.py") or result.id


def base_fingerprint_of(result: Result, known: Mapping[str, Result]) -> str:
    """What identifies the program that was changed; empty when the result does not say."""
    base = known.get(result.base) if result.base else None
    return (fingerprint_of(base) if base else result.base_fingerprint) or ""


@dataclass(frozen=True, slots=True)
class Runs:
    """A group before it is known how noisy a run is."""

    key: Key
    runs: Sequence[Result]  # oldest first
    first: Result  # the oldest that does not call itself a replication, else the oldest
    mean: float
    squares: float  # Σ(x − mean)²

    @property
    def confirmed(self) -> bool:
        """Whether two agents have run it."""
        return len({r.agent for r in self.runs}) > 1


def grouped(results: Iterable[Result]) -> dict[Key, Runs]:
    """Runs grouped by key, keys sorted; sums are exact (fsum), so no order of addition shows."""
    members: dict[Key, list[Result]] = defaultdict(list)
    for result in results:
        members[key_of(result)].append(result)
    return {key: _runs(key, members[key]) for key in sorted(members)}


def _runs(key: Key, results: list[Result]) -> Runs:
    results.sort(key=lambda r: (r.created_at, r.id))
    first = next((r for r in results if r.replicates is None), results[0])
    values = [r.metric for r in results if r.metric is not None]
    mean = math.fsum(values) / len(values)
    squares = math.fsum((v - mean) * (v - mean) for v in values)
    return Runs(key, results, first, mean, squares)


def flagged_keys(task: Task, drafts: Mapping[Key, Runs], known: Mapping[str, Result]) -> set[Key]:
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


def _base_key(draft: Runs | None, known: Mapping[str, Result]) -> Key | None:
    if draft is None:
        return None
    fingerprint = base_fingerprint_of(draft.first, known)
    return (fingerprint, draft.key[1]) if fingerprint else None


def _leaps(task: Task, draft: Runs, base: Runs | None) -> bool:
    if base is None or draft.confirmed or task.plausible.max_step is None:
        return False
    return (base.mean - draft.mean) * task.sign > task.plausible.max_step


def _baselines(drafts: Mapping[Key, Runs], known: Mapping[str, Result]) -> dict[str, Runs]:
    """By tier, the runs of the task's own program: one that is its own base, the oldest such."""
    found: dict[str, Runs] = {}
    own = [d for d in drafts.values() if _is_baseline(d, known)]
    for draft in sorted(own, key=lambda d: (d.first.created_at, d.first.id)):
        found.setdefault(draft.key[1], draft)
    return found


def _is_baseline(draft: Runs, known: Mapping[str, Result]) -> bool:
    first = draft.first
    unchanged = not first.delta and not first.structural
    return first.base is None and (
        base_fingerprint_of(first, known) == draft.key[0]
        or (unchanged and first.base_fingerprint is None)
    )
