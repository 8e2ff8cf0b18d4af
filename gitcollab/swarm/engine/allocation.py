"""Which program to build on, and which deserves another run: pure, from the standings alone.

The same code decides for every machine and in the simulations of `make bench`.

Both are judged by what is believed of a program's whole family (see ``belief``). What is built on
a program tells of it, so few runs are spent on programs that were run before: of what is built on
and of what the ranking calls the best, until ``CONFIRMED`` runs of two agents stand behind it; and
of what gained too much to be believed of its finder alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain

from gitcollab.swarm.engine.belief import beliefs
from gitcollab.swarm.ranking import ENOUGH_RUNS, Group, Standings

CONFIRMED = 2  # runs


def leader(where: Standings, tier: str) -> Group | None:
    """The program on a tier that is believed to be the best: what to build on."""
    return next(iter(leaders(where, tier)), None)


def leaders(where: Standings, tier: str) -> Iterator[Group]:
    """The eligible programs on a tier, by what is believed of them, the best first."""
    sign, known = where.task.sign, beliefs(where, tier)
    best_first = sorted(known, key=lambda key: (sign * known[key].mean, key))
    yield from where.groups_of([where.drafts[key] for key in best_first])


def wanted(where: Standings, tier: str, claimed: Mapping[str, int]) -> Iterator[Group]:
    """The programs on a tier that need another run, the most urgent first; each once.

    ``claimed`` is how many runs of a program, by its fingerprint, are under way on this tier: they
    count as done.
    """
    led, ranked = leader(where, tier), where.by_tier.get(tier, ())
    seen = set()
    for group in chain([led] if led else [], ranked[:1], _wonder(where, tier)):
        enough = ENOUGH_RUNS if len(group.agents) == 1 < group.n else CONFIRMED
        if group.key not in seen and group.n + claimed.get(group.fingerprint, 0) < enough:
            yield group
        seen.add(group.key)


def _wonder(where: Standings, tier: str) -> Iterator[Group]:
    """The oldest program that gained too much, if there is one.

    One at a time: whoever reports wonders must not draw all effort to them.
    """
    flagged = [where.drafts[key] for key in where.flagged if key[1] == tier]
    if flagged:
        oldest = min(flagged, key=lambda draft: (draft.first.created_at, draft.first.id))
        yield from where.groups_of([oldest])
