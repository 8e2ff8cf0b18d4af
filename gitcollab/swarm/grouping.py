"""Which runs count, which belong together, and which gains are too good to believe at once.

Runs of one program on one tier of hardware belong together. A group that improves on its base by
more than the task believes is held back until a second agent has seen it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from gitcollab.records.models import Task
from gitcollab.swarm.runs import Run

BROKEN = 2  # agents with whom a program fails that ends with its finder alone
MAX_METRIC = 1e100  # no measurement; beyond it squares would overflow

# What makes runs comparable, beside the task: the program's fingerprint and the hardware's tier.
Key: TypeAlias = tuple[str, str]


def counting(task: Task) -> Callable[[Run], bool]:
    """Whether a run is a believable measurement of ``task``, as a function of the run."""
    data = None if task.dataset is None else task.dataset.sha256
    low, high = task.plausible.min, task.plausible.max
    lowest = -MAX_METRIC if low is None else max(low, -MAX_METRIC)
    highest = MAX_METRIC if high is None else min(high, MAX_METRIC)

    def counts(run: Run) -> bool:
        metric = run.metric
        return (
            metric is not None
            and run.status == "ok"
            and lowest <= metric <= highest
            and (data is None or run.dataset == data)
        )

    return counts


def key_of(run: Run) -> Key:
    """The group that the run belongs to if it counts."""
    return run.fingerprint, run.tier


def base_fingerprint_of(run: Run, known: Mapping[str, Run]) -> str:
    """What identifies the program that was changed; empty when the run does not say."""
    base = known.get(run.base) if run.base else None
    return (base.fingerprint if base else run.base_fingerprint) or ""


class Runs(NamedTuple):
    """A group before it is known how noisy a run is."""

    key: Key
    runs: Sequence[Run]  # oldest first
    first: Run  # the oldest that does not call itself a replication, else the oldest
    mean: float
    squares: float  # Σ(x − mean)²

    @property
    def confirmed(self) -> bool:
        """Whether two agents have run it."""
        return len(self.runs) > 1 and len({r.agent for r in self.runs}) > 1


class Mean:
    """The mean of numbers that come one by one: at each time exactly what ``mean_of`` gives.

    The sum is kept without loss, as numbers that do not overlap (J. R. Shewchuk, "Adaptive
    Precision Floating-Point Arithmetic", 1997, Grow-Expansion); fsum rounds it once.
    """

    __slots__ = ("_parts", "n")

    def __init__(self) -> None:
        self.n = 0
        self._parts: list[float] = []

    def add(self, value: float) -> None:
        """Take one number more, of at most ``MAX_METRIC``."""
        self.n += 1
        kept = []
        for part in self._parts:
            large, small = (value, part) if abs(value) >= abs(part) else (part, value)
            value = large + small
            if lost := small - (value - large):
                kept.append(lost)
        self._parts = [*kept, value]

    @property
    def value(self) -> float:
        """The mean; there has to be a number."""
        return math.fsum(self._parts) / self.n


def mean_of(values: Sequence[float]) -> float:
    """The mean of at least one number: the sum is exact, so no order of addition shows."""
    return math.fsum(values) / len(values)


def grouped(runs: Iterable[Run]) -> dict[Key, Runs]:
    """Runs grouped by key."""
    members: dict[Key, list[Run]] = {}
    for run in runs:
        key = run.fingerprint, run.tier
        if key in members:
            members[key].append(run)
        else:
            members[key] = [run]
    return {
        key: _many(key, found) if len(found) > 1 else _single(key, found)
        for key, found in members.items()
    }


def _single(key: Key, runs: list[Run]) -> Runs:
    (run,) = runs
    return Runs(key, runs, run, run.metric or 0.0, 0.0)


def _many(key: Key, runs: list[Run]) -> Runs:
    runs.sort(key=lambda r: (r.created_at, r.id))
    first = next((r for r in runs if r.replicates is None), runs[0])
    values = [r.metric for r in runs if r.metric is not None]
    mean = mean_of(values)
    squares = math.fsum((v - mean) * (v - mean) for v in values)
    return Runs(key, runs, first, mean, squares)


def broken(drafts: Mapping[Key, Runs], runs: Iterable[Run]) -> dict[Key, list[str]]:
    """The programs that crash or time out with ``BROKEN`` agents and end with their finder alone.

    By key, with these agents. One run of another agent's that ends mends that.
    """
    failed: dict[Key, set[str]] = {}
    for run in runs:
        if run.status != "ok" and key_of(run) in drafts:
            failed.setdefault(key_of(run), set()).add(run.agent)
    found = {}
    for key, agents in failed.items():
        ended = {run.agent for run in drafts[key].runs}
        if len(ended) == 1 and len(agents - ended) >= BROKEN:
            found[key] = sorted(agents - ended)
    return found


def flagged_keys(
    task: Task,
    drafts: Mapping[Key, Runs],
    known: Mapping[str, Run],
    baseline: str | None = None,
) -> set[Key]:
    """Groups that gain more over their base than ``plausible.max_step`` and are not confirmed.

    ``baseline`` is the fingerprint of the task's own program, where it is known.

    The base's runs on the same tier are the measure; where there are none, or they are flagged
    themselves, the base's base, and at last the baseline; on a tier without any of these, what
    other tiers know of them. Bases are judged before what builds on them; a circle of bases, which
    no honest record makes, is cut open at its first key.
    """
    if task.plausible.max_step is None:
        return set()
    return _Judge(task, drafts, known, baseline).flagged


class _Judge:
    """Judges every group once, bases first."""

    def __init__(
        self,
        task: Task,
        drafts: Mapping[Key, Runs],
        known: Mapping[str, Run],
        baseline: str | None,
    ) -> None:
        self.flagged: set[Key] = set()
        self._most = math.inf if task.plausible.max_step is None else task.plausible.max_step
        self._sign = task.sign
        self._drafts = drafts
        self._baselines = _baselines(drafts, known, baseline)
        self._elsewhere: dict[str, list[Runs]] = {}  # the groups of a program, on every tier
        for draft in drafts.values():
            self._elsewhere.setdefault(draft.key[0], []).append(draft)
        self._measure: dict[Key, Runs | None] = {}  # what builds on this key is measured by
        for start in drafts:
            path: dict[Key, Key | None] = {}  # from start to its base, the base's base, ...
            key: Key | None = start
            while key is not None and key not in self._measure and key not in path:
                base = path[key] = _base_key(drafts.get(key), known)
                key = base
            if key in path:
                self._cut_open(path, key)
            for key, base in reversed(path.items()):
                if key not in self._measure:
                    self._judge(key, base)

    def _cut_open(self, path: Mapping[Key, Key | None], entry: Key | None) -> None:
        """Judge the circle that ``path`` leads into, beginning with its first key."""
        circle = list(path)[list(path).index(entry) :]  # type: ignore[arg-type]
        after = circle.index(min(circle)) + 1
        for key in reversed(circle[after:] + circle[:after]):
            self._judge(key, path[key])

    def _judge(self, key: Key, base: Key | None) -> None:
        measure = None if base is None else self._measure.get(base)
        draft = self._drafts.get(key)
        if draft is not None:
            by = measure or self._baselines.get(key[1]) or self._on_other_tiers(draft, base)
            leaps = by is not None and (by.mean - draft.mean) * self._sign > self._most
            if leaps and not draft.confirmed:
                self.flagged.add(key)
            else:
                measure = draft
        self._measure[key] = measure

    def _on_other_tiers(self, draft: Runs, base: Key | None) -> Runs | None:
        """What measures a program that is the first of its line on a tier: anybody can name one.

        None for a program that somebody else has run on another tier: the hardware differs.
        """
        mine = {run.agent for run in draft.runs}
        for other in self._elsewhere[draft.key[0]]:
            if any(run.agent not in mine for run in other.runs):
                return None
        of_base = self._elsewhere.get(base[0], []) if base is not None else []
        measures = [d for d in of_base if d.confirmed] or list(self._baselines.values())
        return max(measures, key=lambda d: (d.mean * self._sign, d.key), default=None)


def _base_key(draft: Runs | None, known: Mapping[str, Run]) -> Key | None:
    if draft is None:
        return None
    fingerprint = base_fingerprint_of(draft.first, known)
    return (fingerprint, draft.key[1]) if fingerprint else None


def _baselines(
    drafts: Mapping[Key, Runs], known: Mapping[str, Run], baseline: str | None
) -> dict[str, Runs]:
    """By tier, the runs of the task's own program.

    Where that is not known, it is the oldest of the programs that are their own base.
    """
    if baseline is not None:
        return {d.key[1]: d for d in drafts.values() if d.key[0] == baseline}
    own = [d for d in drafts.values() if _is_baseline(d, known)]
    oldest = min(own, key=lambda d: (d.first.created_at, d.first.id), default=None)
    return {d.key[1]: d for d in own if oldest is not None and d.key[0] == oldest.key[0]}


def _is_baseline(draft: Runs, known: Mapping[str, Run]) -> bool:
    first = draft.first
    return first.base is None and (
        base_fingerprint_of(first, known) == draft.key[0]
        or (not first.changed and first.base_fingerprint is None)
    )
