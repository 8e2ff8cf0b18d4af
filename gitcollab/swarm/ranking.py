"""The ranking: which programs are good, how sure that is, and who found them.

A pure function of a task and its results. Runs of one program on one tier of hardware are a group;
a group is judged by the mean of its runs and by the noise of one run, so that a lucky number does
not lead and an unlucky one is not lost. The order in which results are given does not matter.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Literal

from gitcollab.records.models import Result, Task
from gitcollab.swarm.grouping import (
    Key,
    Runs,
    base_fingerprint_of,
    counts,
    fingerprint_of,
    flagged_keys,
    grouped,
    key_of,
)
from gitcollab.swarm.outcomes import Verdict

PRIOR_RUNS = 4  # how many runs the task's own sigma weighs against what was measured (ν₀)
ENOUGH_RUNS = 3  # a program run so often needs no more replication
NOISE_WIDTH = 2.0  # a difference below so many standard errors is noise


@dataclass(frozen=True, slots=True)
class Group:
    """All countable runs of one program on one tier.

    ``sigma`` is the standard deviation of a single run, pooled over all groups. ``first`` is the
    earliest run that does not call itself a replication (else the earliest): it stands for the
    program. ``flagged``: improves on its base more than the task believes, and nobody else has
    seen it yet.
    """

    fingerprint: str
    tier: str
    n: int
    mean: float
    sigma: float
    pessimistic: float  # the mean, worse by z standard errors
    optimistic: float  # the mean, better by z standard errors
    agents: tuple[str, ...]  # sorted
    runs: tuple[str, ...]  # ids, oldest first
    first: Result
    standing: Literal["provisional", "confirmed"]
    flagged: bool

    @property
    def key(self) -> Key:
        """What no other group of the task has."""
        return self.fingerprint, self.tier


@dataclass(frozen=True, slots=True)
class AgentRow:
    """What one agent did for the task; programs count for the agent whose run came first."""

    agent: str
    best: Group | None  # the best ranked of its programs
    experiments: int  # all its results: ok, crashed, replications
    kept: int  # its programs that are better than their base
    confirmed: int  # those of them that another agent has confirmed
    replications: int  # runs of programs that others found
    crashes: int  # crashes and timeouts


@dataclass(frozen=True)
class Standings:
    """All that the results of a task say, ready to be asked."""

    task: Task
    sigma: float
    groups: tuple[Group, ...]  # best first, flagged ones included
    results: Mapping[str, Result]  # of this task and not retracted, by id

    @cached_property
    def ranked(self) -> tuple[Group, ...]:
        """The eligible groups, best first: by pessimistic score, then by age."""
        return tuple(g for g in self.groups if not g.flagged)

    @property
    def best(self) -> Group | None:
        """The program to build on."""
        return self.ranked[0] if self.ranked else None

    @cached_property
    def by_tier(self) -> dict[str, tuple[Group, ...]]:
        """The ranking within each tier, tiers by name."""
        tiers = defaultdict(list)
        for group in self.ranked:
            tiers[group.tier].append(group)
        return {tier: tuple(tiers[tier]) for tier in sorted(tiers)}

    @cached_property
    def worth_replicating(self) -> tuple[Group, ...]:
        """Groups with too few runs, the most promising first; flagged ones at the end.

        A flagged group waits for somebody else's run, but strangers must not be able to draw all
        effort to themselves by reporting wonders.
        """
        few = [g for g in self.groups if g.n < ENOUGH_RUNS]
        return tuple(sorted(few, key=lambda g: (g.flagged, *_order(self.task, g, g.optimistic))))

    @cached_property
    def by_agent(self) -> dict[str, AgentRow]:
        """What each agent did, by name."""
        return _credit(self)

    def group_of(self, result: Result) -> Group | None:
        """The group that the result counts in; None when it does not count."""
        group = self._by_key.get(key_of(result))
        return group if group is not None and result.id in self._counted else None

    def base_of(self, result: Result) -> Group | None:
        """The runs of the program that the result changed, on the same tier."""
        return self._by_key.get((self._base_fingerprint(result), result.hardware.tier))

    def verdict(self, result: Result) -> Verdict | None:
        """Whether its program is better than its base; None when there is nothing to compare.

        All runs of both programs on the result's tier are compared, so a verdict changes when
        replications come in: |Δ| < 2σ·√(1/n₁ + 1/n₂) is noise.
        """
        group, base = self.group_of(result), self.base_of(result)
        if group is None or base is None or group is base:
            return None
        gain = (base.mean - group.mean) * self.task.sign
        if abs(gain) < NOISE_WIDTH * self.sigma * math.sqrt(1 / group.n + 1 / base.n):
            return "within noise"
        return "better" if gain > 0 else "worse"

    @cached_property
    def _by_key(self) -> dict[Key, Group]:
        return {g.key: g for g in self.groups}

    @cached_property
    def _counted(self) -> frozenset[str]:
        return frozenset(run for g in self.groups for run in g.runs)

    def _base_fingerprint(self, result: Result) -> str:
        return base_fingerprint_of(result, self.results)


def standings(task: Task, results: Iterable[Result], retracted: Collection[str] = ()) -> Standings:
    """The standings of ``results`` under ``task``; ``retracted`` are ids that do not count.

    Results of another task or dataset, without a metric or with an impossible one do not count.
    """
    digest, gone = task.digest, frozenset(retracted)
    known = {r.id: r for r in results if r.task == digest and r.id not in gone}
    drafts = grouped(r for r in known.values() if counts(task, r))
    flagged = flagged_keys(task, drafts, known)
    sigma = _pooled_sigma(task.sigma, [d for d in drafts.values() if d.key not in flagged])
    groups = [_group(task, d, sigma, d.key in flagged) for d in drafts.values()]
    groups.sort(key=lambda g: _order(task, g, g.pessimistic))
    return Standings(task, sigma, tuple(groups), known)


def _order(task: Task, group: Group, score: float) -> tuple[float, datetime, str]:
    return task.sign * score, group.first.created_at, group.first.id


def _pooled_sigma(prior: float, drafts: Sequence[Runs]) -> float:
    """√((ν₀σ₀² + Σ(nᵢ−1)sᵢ²) / (ν₀ + Σ(nᵢ−1))): the deviation of one run, shrunk to the prior."""
    squares = math.fsum([PRIOR_RUNS * prior * prior, *(d.squares for d in drafts)])
    return math.sqrt(squares / (PRIOR_RUNS + sum(len(d.runs) - 1 for d in drafts)))


def _group(task: Task, draft: Runs, sigma: float, flagged: bool) -> Group:
    margin = task.sign * task.z * sigma / math.sqrt(len(draft.runs))
    return Group(
        fingerprint=draft.key[0],
        tier=draft.key[1],
        n=len(draft.runs),
        mean=draft.mean,
        sigma=sigma,
        pessimistic=draft.mean + margin,
        optimistic=draft.mean - margin,
        agents=tuple(sorted({r.agent for r in draft.runs})),
        runs=tuple(r.id for r in draft.runs),
        first=draft.first,
        standing="confirmed" if draft.confirmed else "provisional",
        flagged=flagged,
    )


def _credit(where: Standings) -> dict[str, AgentRow]:
    """What each agent did. A program is credited once, to the agent whose run came first."""
    mine: dict[str, list[Result]] = defaultdict(list)
    for result in where.results.values():
        mine[result.agent].append(result)
    found: dict[str, list[Group]] = defaultdict(list)
    for group in where.ranked:
        found[group.first.agent].append(group)
    finders = _finders(where.groups)
    return {agent: _row(where, agent, mine[agent], found[agent], finders) for agent in sorted(mine)}


def _row(
    where: Standings,
    agent: str,
    results: Sequence[Result],
    found: Sequence[Group],
    finders: Mapping[str, str],
) -> AgentRow:
    kept = [g for g in found if where.verdict(g.first) == "better"]
    counted = [g for r in results if (g := where.group_of(r)) is not None]
    return AgentRow(
        agent=agent,
        best=found[0] if found else None,
        experiments=len(results),
        kept=len(kept),
        confirmed=sum(g.standing == "confirmed" for g in kept),
        replications=sum(finders[g.fingerprint] != agent for g in counted),
        crashes=sum(r.status != "ok" for r in results),
    )


def _finders(groups: Sequence[Group]) -> dict[str, str]:
    """By program, the agent whose run came first on any tier."""
    firsts = [g.first for g in groups]
    firsts.sort(key=lambda r: (r.replicates is not None, r.created_at, r.id), reverse=True)
    return {fingerprint_of(r): r.agent for r in firsts}
