"""Who did what for the search: experiments, programs found, runs for others.

A pure function of the standings. A program is credited once, on whatever tiers it was run, to the
agent whose run of it came first; running a program that somebody else found is credited as help.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from gitcollab.records.models import rfc3339
from gitcollab.swarm.grouping import Runs
from gitcollab.swarm.runs import Run

if TYPE_CHECKING:
    from gitcollab.swarm.ranking import Group, Standings

ACTIVE = timedelta(days=7)  # before the newest result: records have no other clock
# So few results that are so far ahead of all others have a wrong date: clocks are strangers'.
_FEW, _AHEAD = 2, timedelta(days=366)


@dataclass(frozen=True, slots=True)
class AgentRow:
    """What one agent did for the task; programs count for the agent whose run came first."""

    agent: str
    best: Group | None  # the best ranked of what it was the first to run on its tier
    experiments: int  # all its results: ok, crashed, replications
    kept: int  # its programs that are better than their base
    confirmed: int  # those of them that another agent has confirmed
    replications: int  # runs of programs that others found
    crashes: int  # crashes and timeouts


class Activity(NamedTuple):
    """What one agent did in the days before the newest result."""

    agent: str
    experiments: int
    kept: int  # programs found in that time that are better than their base
    replications: int  # runs of programs that others found


class Credit:
    """What the results of a task say of its agents, ready to be asked.

    ``finders`` are the runs that found a program, on whatever tier, by its fingerprint.
    """

    def __init__(self, where: Standings) -> None:
        self._where = where
        self.finders: Mapping[str, Run] = _finders(where.drafts.values())
        self.runs: Mapping[str, Sequence[Run]] = _by_agent(where.results.values())

    @cached_property
    def kept(self) -> Mapping[str, Sequence[Runs]]:
        """By agent, the programs it found that are better than their base; each once, best first.

        A program that is better on several tiers stands here as on the best where others have
        confirmed it, else as on the best.
        """
        found: dict[str, Runs] = {}
        for draft in self._where.eligible:
            known = found.get(draft.key[0])
            if known is not None and (known.confirmed or not draft.confirmed):
                continue
            if self._where.verdict(draft.first) == "better":
                found[draft.key[0]] = draft
        kept: dict[str, list[Runs]] = defaultdict(list)
        for program, draft in found.items():
            kept[self.finders[program].agent].append(draft)
        return kept

    def confirmed_bests(self, led: Collection[str]) -> Mapping[str, int]:
        """By agent, how many of its confirmed programs are in ``led``, which have been the best."""
        return {
            agent: sum(draft.confirmed and draft.key[0] in led for draft in kept)
            for agent, kept in self.kept.items()
        }

    @cached_property
    def rows(self) -> dict[str, AgentRow]:
        """What each agent did, by name."""
        best: dict[str, Runs] = {}
        for draft in self._where.eligible:
            best.setdefault(draft.first.agent, draft)
        return {agent: self._row(agent, best.get(agent)) for agent in sorted(self.runs)}

    @cached_property
    def newest(self) -> str | None:
        """When the newest result was made; one or two a year ahead of all others do not say so."""
        times = (run.created_at for run in self._where.results.values())
        latest = heapq.nlargest(_FEW + 1, times)
        believed = latest[0] if latest else None
        for later, earlier in pairwise(latest):
            if datetime.fromisoformat(later) - datetime.fromisoformat(earlier) > _AHEAD:
                believed = earlier
        return believed

    def active(self) -> list[Activity]:
        """The agents with results in the days before the newest one, the busiest first."""
        if self.newest is None:
            return []
        since = rfc3339(datetime.fromisoformat(self.newest) - ACTIVE)
        found = [self._activity(agent, since) for agent in self.runs]
        busy = (one for one in found if one.experiments)
        return sorted(busy, key=lambda one: (-one.experiments, one.agent))

    def _row(self, agent: str, best: Runs | None) -> AgentRow:
        runs, kept = self.runs[agent], self.kept.get(agent, ())
        return AgentRow(
            agent=agent,
            best=None if best is None else self._where.groups_of([best])[0],
            experiments=len(runs),
            kept=len(kept),
            confirmed=sum(draft.confirmed for draft in kept),
            replications=self._replications(agent, runs),
            crashes=sum(run.status != "ok" for run in runs),
        )

    def _activity(self, agent: str, since: str) -> Activity:
        until = self.newest or since
        runs = [run for run in self.runs[agent] if since <= run.created_at <= until]
        found = (draft.first.created_at for draft in self.kept.get(agent, ()))
        kept = sum(since <= at <= until for at in found)
        return Activity(agent, len(runs), kept, self._replications(agent, runs))

    def _replications(self, agent: str, runs: Iterable[Run]) -> int:
        counted = (run for run in runs if self._where.is_counted(run))
        return sum(self.finders[run.fingerprint].agent != agent for run in counted)


def _by_agent(runs: Iterable[Run]) -> Mapping[str, Sequence[Run]]:
    found: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        found[run.agent].append(run)
    return found


def _finders(drafts: Iterable[Runs]) -> dict[str, Run]:
    """By program, the run that came first on any tier; replications come after all others."""
    firsts = [d.first for d in drafts]
    firsts.sort(key=lambda r: (r.replicates is not None, r.created_at, r.id), reverse=True)
    return {r.fingerprint: r for r in firsts}
