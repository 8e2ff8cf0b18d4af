"""The frontier of the search: programs that nobody has built on yet.

A pure function of the standings and of the claims that hold.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from gitcollab.records.models import Claim
from gitcollab.swarm.grouping import Runs, base_fingerprint_of
from gitcollab.swarm.maps.words import is_bare
from gitcollab.swarm.progress import Mark, mark_of
from gitcollab.swarm.ranking import Standings
from gitcollab.swarm.rankings import entry
from gitcollab.swarm.reports import Entry
from gitcollab.swarm.runs import Run
from gitcollab.swarm.transfers import made_by

if TYPE_CHECKING:
    from gitcollab.swarm.member import Member

# The most promising to build on first. All others have nothing to be worse than.
_ORDER: Mapping[Mark, int] = {"noise": 1, "discard": 2}
_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Leaf:
    """A ranked program that no result builds on; its ``entry`` has its rank among all of them."""

    entry: Entry
    verdict: Mark  # what its change was, on the tier of the entry
    claimed: int  # claims in force of experiments that build on it
    age_days: float  # since it was found


@dataclass(frozen=True, slots=True)
class Frontier:
    """Leaves: first what was kept or has no verdict, then noise, then what was discarded.

    Within these they are ranked as everywhere. ``counts`` are of all leaves, by their verdict.
    What nobody has the program of is no leaf, since nobody can build on it: ``bare`` counts them.
    """

    leaves: Sequence[Leaf]
    total: int
    counts: Mapping[Mark, int]
    bare: int


def of_member(member: Member, tier: str | None = None, limit: int | None = None) -> Frontier:
    """The programs that nobody has built on: of all, each on the tier where it ranks first.

    With ``tier`` they are those which were run on it. At most ``limit`` leaves are given.
    """
    from gitcollab.swarm import claims, looking

    tier = looking.track(member, tier)
    running = claims.active(member.store.snapshot())
    return frontier(member.standings(), running, member.clock(), tier, limit)


def frontier(
    where: Standings,
    running: Iterable[Claim],
    now: datetime,
    tier: str | None = None,
    limit: int | None = None,
) -> Frontier:
    """The frontier at ``now``; another run of a program does not build on it."""
    found, bare = leaves(where, tier)
    marked = [(rank, draft, mark_of(where, made_by(where, draft))) for rank, draft in found]
    ordered = sorted(marked, key=lambda one: (_ORDER.get(one[2], 0), one[0]))
    claimed = _claimed(where, running)
    shown = [
        Leaf(
            entry=entry(where.groups_of([draft])[0], rank),
            verdict=mark,
            claimed=claimed[draft.key[0]],
            age_days=_days(where.credit.finders[draft.key[0]], now),
        )
        for rank, draft, mark in ordered[:limit]
    ]
    counts = Counter(mark for _, _, mark in ordered)
    return Frontier(shown, len(ordered), dict(sorted(counts.items())), bare)


def leaves(where: Standings, tier: str | None = None) -> tuple[Sequence[tuple[int, Runs]], int]:
    """The programs that nobody has built on, each with its rank, the best first.

    And how many more they are that nobody can build on, since nobody has them.
    """
    built = _built_on(where)
    found: dict[str, tuple[int, Runs]] = {}
    bare: set[str] = set()
    ranked = (draft for draft in where.eligible if tier in (None, draft.key[1]))
    for rank, draft in enumerate(ranked, 1):
        program = draft.key[0]
        if program in built or program in found:
            continue
        if is_bare(draft.first):
            bare.add(program)
        else:
            found[program] = rank, draft
    return list(found.values()), len(bare)


def _built_on(where: Standings) -> frozenset[str]:
    """The programs that others were made from: tried is tried, even if it crashed."""
    pairs = (
        (base_fingerprint_of(run, where.results), run.fingerprint) for run in where.results.values()
    )
    return frozenset(base for base, mine in pairs if base != mine)


def _claimed(where: Standings, running: Iterable[Claim]) -> Counter[str]:
    """How many claims build on each program."""
    found: Counter[str] = Counter()
    for claim in running:
        base = where.results.get(claim.base) if claim.base else None
        program = base.fingerprint if base else claim.base_fingerprint
        if claim.replicates is None and program:
            found[program] += 1
    return found


def _days(run: Run, now: datetime) -> float:
    return max(0.0, (now - datetime.fromisoformat(run.created_at)).total_seconds()) / _DAY
