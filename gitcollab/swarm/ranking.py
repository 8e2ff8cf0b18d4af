"""The ranking: which programs are good, how sure that is, and who found them.

A pure function of a task and its results. Runs of one program on one track (a tier of hardware, or
all machines: see ``tracks``) are a group; a group is judged by the mean of its runs and by the
noise of one run, so that a lucky number does not lead and an unlucky one is not lost. The order in
which results are given does not matter.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from gitcollab.records.models import Task
from gitcollab.swarm import tracks
from gitcollab.swarm.credit import AgentRow, Credit
from gitcollab.swarm.grouping import (
    Key,
    Runs,
    base_fingerprint_of,
    broken,
    counting,
    flagged_keys,
    grouped,
)
from gitcollab.swarm.groups import Group, Ranking
from gitcollab.swarm.noise import Noise
from gitcollab.swarm.outcomes import Judgement, Standing, Verdict
from gitcollab.swarm.runs import Run
from gitcollab.swarm.transfers import Transfers, tiers_of, transfers

if TYPE_CHECKING:
    from gitcollab.swarm.refuting import Foundations

__all__ = [
    "ENOUGH_RUNS",
    "LUCK",
    "NOISE_WIDTH",
    "Group",
    "Ranking",
    "Standings",
    "error",
    "margin",
    "noise_between",
    "order",
    "standings",
]

_T = TypeVar("_T")

ENOUGH_RUNS = 3  # a program run so often needs no more replication
LUCK = 2.0  # what the standard error of a single run is multiplied by
NOISE_WIDTH = 2.0  # a difference below so many standard errors is noise


@dataclass(frozen=True)
class Standings:
    """All that the results of a task say, ready to be asked."""

    task: Task
    noise: Noise = field(compare=False)  # what all programs, or all but one, say of that of a run
    flagged: frozenset[Key]
    drafts: Mapping[Key, Runs]  # best first, flagged ones included
    results: Mapping[str, Run]  # of this task and not retracted, by id; in their tracks
    baseline: str | None = None  # the fingerprint of the task's own program, where it is known
    hardware: Mapping[str, str] = field(default_factory=dict)  # tiers by id, where track is another
    broken: Mapping[Key, Collection[str]] = field(default_factory=dict)  # see ``grouping.broken``
    _made: dict[Hashable, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    @cached_property
    def groups(self) -> Ranking:
        """All groups, best first, flagged ones included."""
        return self.groups_of(list(self.drafts.values()))

    @cached_property
    def eligible(self) -> Sequence[Runs]:
        """What ``ranked`` is made of."""
        return [d for d in self.drafts.values() if d.key not in self.flagged]

    @cached_property
    def programs(self) -> int:
        """How many programs are ranked, each counted once on whatever tiers it was run."""
        return len({draft.key[0] for draft in self.eligible})

    @cached_property
    def ranked(self) -> Ranking:
        """The eligible groups, best first: by pessimistic score, then by age."""
        return self.groups_of(self.eligible)

    def finder(self, group: Group) -> Run:
        """The run that found the group's program, on this tier or another."""
        return self.credit.finders[group.fingerprint]

    @property
    def best(self) -> Group | None:
        """The program to build on."""
        return self.ranked[0] if self.ranked else None

    @cached_property
    def by_tier(self) -> dict[str, Ranking]:
        """The ranking within each track, by its name: a tier, or ``tracks.ANY`` alone."""
        tiers = defaultdict(list)
        for draft in self.eligible:
            tiers[draft.key[1]].append(draft)
        return {tier: self.groups_of(tiers[tier]) for tier in sorted(tiers)}

    @cached_property
    def by_agent(self) -> dict[str, AgentRow]:
        """What each agent did, by name."""
        return self.credit.rows

    @cached_property
    def credit(self) -> Credit:
        """What the agents did."""
        return Credit(self)

    @cached_property
    def transfers(self) -> Transfers:
        """The changes that were kept on two tiers or more."""
        return transfers(self)

    @cached_property
    def refuted(self) -> Mapping[Key, Key]:
        """The refuted programs, each with the one that it is no better than (see ``refuting``)."""
        from gitcollab.swarm.refuting import refuted

        return refuted(self)

    def built_on_refuted(self, run: Run) -> str | None:
        """The id of the nearest refuted program that the run's was built on, if there is one."""
        return self._foundations.of_run(tracks.on_track(self.task, run))

    def standing_of(self, run: Run) -> Standing | None:
        """How well the run's program is known on its track; None when the run does not count."""
        return self._standing(self.drafts[self._key(run)]) if self.is_counted(run) else None

    def tier_of(self, run: Run) -> str:
        """The tier of hardware that a run was on, whatever its track."""
        return self.hardware.get(run.id, run.tier)

    def group_of(self, run: Run) -> Group | None:
        """The group that the run counts in; None when it does not count."""
        return self._group(self.drafts[self._key(run)]) if self.is_counted(run) else None

    def base_of(self, run: Run) -> Group | None:
        """The runs, on its track, of the program that the run's was changed from, if there are any.

        None for a run of that program itself.
        """
        base = self.base_draft(run)
        return None if base is None or base.key == self._key(run) else self._group(base)

    def base_draft(self, run: Run) -> Runs | None:
        """The runs, on its track, of the program that the run names as its base."""
        track = tracks.track_of(self.task, run.tier)
        return self.drafts.get((base_fingerprint_of(run, self.results), track))

    def is_counted(self, run: Run) -> bool:
        """Whether the run is one of those that its program is judged by."""
        known = self.results.get(run.id)
        return known is not None and self._counts(known)

    def groups_of(self, drafts: Sequence[Runs]) -> Ranking:
        """The groups that ``drafts`` become."""
        return Ranking(drafts, self._group)

    @property
    def sigma(self) -> float:
        """The standard deviation of one run."""
        return self.noise.sigma

    def once(self, key: Hashable, make: Callable[[], _T]) -> _T:
        """What ``make`` gives of these standings alone, made once for this ``key``."""
        if key in self._made:
            made: _T = self._made[key]
            return made
        self._made[key] = new = make()
        return new

    def verdict(self, run: Run) -> Verdict | None:
        """Whether its program is better than its base; None when there is nothing to compare.

        All runs of both programs on the run's track are compared, so a verdict changes when
        replications come in: |Δ| < 2σ·√(1/n₁ + 1/n₂) is noise.
        """
        base, key = self.base_draft(run), self._key(run)
        if base is None or not self.is_counted(run) or base.key == key:
            return None
        mine = self.drafts[key]
        gain = (base.mean - mine.mean) * self.task.sign
        if abs(gain) < noise_between(self.sigma, len(mine.runs), len(base.runs)):
            return "within noise"
        return "better" if gain > 0 else "worse"

    def judgement(self, run: Run) -> Judgement | None:
        """The verdict on a run; but "unconfirmed" while its program waits for another agent."""
        waits = self.is_counted(run) and self._key(run) in self.flagged
        return "unconfirmed" if waits else self.verdict(run)

    @cached_property
    def _counts(self) -> Callable[[Run], bool]:
        return counting(self.task)

    @cached_property
    def _foundations(self) -> Foundations:
        from gitcollab.swarm.refuting import Foundations

        return Foundations(self)

    def _key(self, run: Run) -> Key:
        return run.fingerprint, tracks.track_of(self.task, run.tier)

    def _standing(self, draft: Runs) -> Standing:
        if draft.key in self.refuted:
            return "refuted"
        return "confirmed" if draft.confirmed else "provisional"

    def _group(self, draft: Runs) -> Group:
        sign, n = self.task.sign, len(draft.runs)
        above = self.refuted.get(draft.key)
        return Group(
            fingerprint=draft.key[0],
            tier=draft.key[1],
            n=n,
            mean=draft.mean,
            sigma=self.sigma,
            pessimistic=draft.mean + sign * margin(self.task, self.sigma, n),
            optimistic=draft.mean - sign * error(self.task, self.sigma, n),
            agents=tuple(sorted({r.agent for r in draft.runs})),
            runs=tuple(r.id for r in draft.runs),
            first=draft.first,
            standing=self._standing(draft),
            flagged=draft.key in self.flagged,
            transfers=tiers_of(self, draft),
            no_better_than=None if above is None else self.drafts[above].first.id,
            builds_on_refuted=self._foundations.of_group(draft),
        )


def standings(
    task: Task,
    runs: Iterable[Run],
    retracted: Collection[str] = (),
    baseline: str | None = None,
) -> Standings:
    """The standings of ``runs`` under ``task``; ``retracted`` are ids that do not count.

    ``baseline`` is the fingerprint of the task's own program, where it is known.

    Runs of another task or dataset, without a metric or with an impossible one do not count.
    """
    digest, gone = task.digest, frozenset(retracted)
    known = {r.id: r for r in runs if r.task == digest and r.id not in gone}
    hardware: dict[str, str] = {}
    if tracks.in_one(task):
        hardware = {r.id: r.tier for r in known.values()}
        known = {i: tracks.on_track(task, r) for i, r in known.items()}
    drafts = grouped(filter(counting(task), known.values()))
    flagged = flagged_keys(task, drafts, known, baseline)
    failing = broken(drafts, known.values())
    if not hardware:  # in one track, what fails on small machines may well end on large ones
        flagged = {*flagged, *failing}
    noise = Noise(task.sigma, [d for d in drafts.values() if d.key not in flagged])
    ordered = sorted(
        drafts.values(),
        key=lambda d: order(task, d.mean, margin(task, noise.sigma, len(d.runs)), d.first),
    )
    placed = {d.key: d for d in ordered}
    return Standings(task, noise, frozenset(flagged), placed, known, baseline, hardware, failing)


def noise_between(sigma: float, n: int, m: int) -> float:
    """Below this, the difference of a mean of ``n`` runs and one of ``m`` is noise."""
    return NOISE_WIDTH * sigma * math.sqrt(1 / n + 1 / m)


def error(task: Task, sigma: float, n: int) -> float:
    """z standard errors of a mean of ``n`` runs."""
    return task.z * sigma / math.sqrt(n)


def margin(task: Task, sigma: float, n: int) -> float:
    """What a mean of ``n`` runs is ranked worse by: its ``error``, twice that for a single run.

    What leads by one run was chosen for that run, among many: most of it is luck. So only the
    pessimistic side is doubled: how good a program may be is no more than its one run says.
    """
    return error(task, sigma, n) * (LUCK if n == 1 else 1.0)


def order(task: Task, mean: float, worse: float, first: Run) -> tuple[float, str, str]:
    """The place of a program, best first: by the mean, ``worse`` by so much; then by age."""
    return task.sign * mean + worse, first.created_at, first.id
