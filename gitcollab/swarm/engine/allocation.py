"""Which program deserves another run: pure, from the standings alone.

The same code decides for every machine and in the simulations of `make bench`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gitcollab.swarm.ranking import ENOUGH_RUNS, Group, Standings


def wanted(where: Standings, tier: str, claimed: Mapping[str, int]) -> Iterator[Group]:
    """The programs on a tier whose next run tells the swarm most, the most urgent first.

    ``claimed`` is how many runs of a program, by its fingerprint, are under way on this tier: they
    count as done. Programs that can hardly be the best are not among them, nor is any that has
    had ``ENOUGH_RUNS``.
    """
    ranked = where.by_tier.get(tier, ())
    if not ranked:
        return
    bar = ranked[0].pessimistic * where.task.sign
    for group in where.worth_replicating:
        if group.tier != tier or group.n + claimed.get(group.fingerprint, 0) >= ENOUGH_RUNS:
            continue
        if group.optimistic * where.task.sign <= bar:
            yield group
