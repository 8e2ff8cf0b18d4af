"""The rankings as people ask for them; the tops are remembered, so that asking again is cheap.

Ranking a hundred thousand results takes a second. What is mostly looked at, the first lines, is
kept beside this host's copy of the hub for as long as the results stay the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import cache, cached_property
from pathlib import Path
from typing import Any, TypeAlias, overload

from gitcollab.errors import UsageError
from gitcollab.records.models import sha256
from gitcollab.swarm.progress import progress
from gitcollab.swarm.ranking import Group, Standings
from gitcollab.swarm.reports import AgentEntry, Entry
from gitcollab.swarm.trend import Course, Point, course
from gitcollab.swarm.views import ranked_agents

TOP = 100  # lines that are remembered of each ranking
MAX_REMEMBERED = 2_000  # tiers, agents: anybody can make any number

Json: TypeAlias = Any
Recall: TypeAlias = Callable[[str, Callable[[], Json]], Json]  # a name, and how to find out


@cache
def code_digest() -> str:
    """What the remembered depends on beside the records: how it is made, anywhere in this layer."""
    sources = sorted(Path(__file__).parent.rglob("*.py"))
    return sha256(b"".join(source.read_bytes() for source in sources))


def entry(group: Group, rank: int = 1) -> Entry:
    """A group of runs as a line of a ranking."""
    return Entry(
        rank=rank,
        id=group.first.id,
        agent=group.first.agent,
        description=group.first.description,
        metric=group.mean,
        n=group.n,
        sigma=group.sigma,
        pessimistic=group.pessimistic,
        standing=group.standing,
        tier=group.tier,
        fingerprint=group.fingerprint,
        transfers=group.transfers,
        no_better_than=group.no_better_than,
        builds_on_refuted=group.builds_on_refuted,
    )


def entry_of(kept: Json) -> Entry:
    """A line as it was remembered: JSON knows no tuples."""
    return Entry(**{**kept, "transfers": tuple(kept["transfers"])})


class Entries(Sequence[Entry]):
    """The lines of a ranking: the first ``top``, and the others made when they are looked at."""

    def __init__(
        self, total: int, groups: Callable[[], Sequence[Group]], top: Sequence[Entry] = ()
    ) -> None:
        self._total = total
        self._groups = groups
        self._top = top

    def __len__(self) -> int:
        return self._total

    @overload
    def __getitem__(self, at: int) -> Entry: ...
    @overload
    def __getitem__(self, at: slice) -> list[Entry]: ...
    def __getitem__(self, at: int | slice) -> Entry | list[Entry]:
        places = range(self._total)[at]
        return [self._at(n) for n in places] if isinstance(places, range) else self._at(places)

    def _at(self, place: int) -> Entry:
        if place < len(self._top):
            return self._top[place]
        return entry(self._groups()[place], place + 1)


class Rankings:
    """The rankings of ``standings``, which is asked only for what ``recall`` does not know."""

    def __init__(self, standings: Callable[[], Standings], recall: Recall) -> None:
        self._standings = standings
        self._recall = recall

    @cached_property
    def overall(self) -> Entries:
        """All programs."""
        kept = self._recall("overall", lambda: _kept(self._standings().ranked))
        return _entries(kept, lambda: self._standings().ranked)

    @cached_property
    def tiers(self) -> Mapping[str, Entries]:
        """The programs of each tier, tiers by name."""
        kept = self._recall("tiers", self._kept_tiers)
        if kept is None:
            kept = {
                tier: {"total": len(groups), "top": []}
                for tier, groups in self._standings().by_tier.items()
            }
        return {tier: _entries(one, self._tier(tier)) for tier, one in kept.items()}

    @cached_property
    def agents(self) -> Sequence[AgentEntry]:
        """The agents, by the best program that each found."""
        kept = self._recall("agents", self._kept_agents)
        if kept is None:
            return _agents(self._standings())
        return [
            AgentEntry(**{**one, "best": None if one["best"] is None else entry_of(one["best"])})
            for one in kept
        ]

    @cached_property
    def course(self) -> Course:
        """How the best of all programs went."""
        kept = self._recall("course", self._kept_course)
        if kept is None:
            return self._course()
        return Course(**{**kept, "points": [Point(*point) for point in kept["points"]]})

    def best(self, tier: str | None = None, agent: str | None = None) -> Entry | None:
        """The best program: of all, of a tier, of those an agent found; None when there is none."""
        if tier is not None and agent is not None:
            found = self._standings().by_tier.get(tier, ())
            return next((entry(g) for g in found if g.first.agent == agent), None)
        if agent is not None:
            return next((row.best for row in self.agents if row.agent == agent), None)
        lines = self.overall if tier is None else self.tiers.get(tier, ())
        return lines[0] if lines else None

    def ranked(self, by: str) -> Sequence[Entry] | Sequence[AgentEntry]:
        """The complete ranking: ``overall``, ``tier`` (ranked within each), or ``agent``."""
        match by:
            case "overall":
                return self.overall
            case "tier":
                return [one for entries in self.tiers.values() for one in entries]
            case "agent":
                return self.agents
        raise UsageError(f"there is no ranking by {by!r}", "use overall, tier or agent")

    def _tier(self, tier: str) -> Callable[[], Sequence[Group]]:
        return lambda: self._standings().by_tier[tier]

    def _kept_tiers(self) -> Json:
        tiers = self._standings().by_tier
        if len(tiers) * TOP > MAX_REMEMBERED:
            return None
        return {tier: _kept(groups) for tier, groups in tiers.items()}

    def _course(self) -> Course:
        where = self._standings()
        return course(where, progress(where))

    def _kept_course(self) -> Json:
        found = self._course()
        return None if len(found.points) > MAX_REMEMBERED else asdict(found)

    def _kept_agents(self) -> Json:
        agents = _agents(self._standings())
        return None if len(agents) > MAX_REMEMBERED else [asdict(one) for one in agents]


def _kept(groups: Sequence[Group]) -> Json:
    top = [asdict(entry(group, n)) for n, group in enumerate(groups[:TOP], 1)]
    return {"total": len(groups), "top": top}


def _entries(kept: Json, groups: Callable[[], Sequence[Group]]) -> Entries:
    return Entries(kept["total"], groups, [entry_of(one) for one in kept["top"]])


def _agents(where: Standings) -> list[AgentEntry]:
    return [
        AgentEntry(
            rank=n,
            agent=row.agent,
            experiments=row.experiments,
            kept=row.kept,
            confirmed=row.confirmed,
            replications=row.replications,
            crashes=row.crashes,
            best=entry(row.best) if row.best else None,
        )
        for n, row in enumerate(ranked_agents(where), 1)
    ]
