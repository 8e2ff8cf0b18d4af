"""Which changes carry over from one kind of machine to another. A pure function of the standings.

Tiers are not compared with each other; but a change that was kept on two of them, each against its
own base there, is likely to be more than a fit to one machine.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias

from gitcollab.swarm.grouping import Runs
from gitcollab.swarm.runs import Run

if TYPE_CHECKING:
    from gitcollab.swarm.ranking import Standings

# By what identifies a change (see ``subject``): the tiers that it was kept on, at least two.
Transfers: TypeAlias = Mapping[str, tuple[str, ...]]


def transfers(where: Standings) -> Transfers:
    """The changes that are better than their base on two tiers or more.

    It is one change where the same constants are set to the same values, whatever the base, or
    where the program is the same. What waits to be confirmed does not count.
    """
    tried: dict[str, list[Run]] = defaultdict(list)
    for draft in where.eligible:
        run = made_by(where, draft)
        tried[subject(run)].append(run)
    found = {
        change: tuple(sorted({run.tier for run in runs if where.verdict(run) == "better"}))
        for change, runs in tried.items()
        if len({run.tier for run in runs}) > 1
    }
    return {change: tiers for change, tiers in found.items() if len(tiers) > 1}


def tiers_of(where: Standings, draft: Runs) -> tuple[str, ...]:
    """The tiers that the change which made a program was kept on, if two or more."""
    return where.transfers.get(subject(made_by(where, draft)), ())


def subject(run: Run) -> str:
    """What is tried wherever this is: the constants that it sets, else its program."""
    return run.change or run.fingerprint


def made_by(where: Standings, draft: Runs) -> Run:
    """The run that made the group's program by a change, as if it had been on the group's tier.

    Where a tier has nothing but more runs of it, that is the run which found it on another.
    """
    first = draft.first
    if first.changed and first.replicates is None:
        return first
    return where.credit.finders[draft.key[0]]._replace(tier=draft.key[1])
