"""Which program to build on, and which deserves another run: pure, from the standings alone.

The same code decides for every machine and in the simulations of `make bench`.

Both are judged by what is believed of a program's whole family (see ``belief``). What is built on
a program tells of it, so few runs are spent on programs that were run before: of what is built on
and of what the ranking calls the best, until ``CONFIRMED`` runs of two agents stand behind it; and
of what gained too much to be believed of its finder alone.

What is ``broken`` is neither built on nor run again, however good its finder says it is.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Set
from typing import Literal, NamedTuple, TypeAlias

from gitcollab.swarm.engine.belief import beliefs
from gitcollab.swarm.grouping import Runs
from gitcollab.swarm.ranking import ENOUGH_RUNS, Group, Standings

CONFIRMED = 2  # runs

# What it is that needs a run: what is built on, the best of the ranking, what gained too much.
Role: TypeAlias = Literal["leader", "best", "wonder"]


class Need(NamedTuple):
    """A program that needs another run, and as what."""

    group: Group
    role: Role


def leader(where: Standings, tier: str) -> Group | None:
    """The program on a tier that is believed to be the best: what to build on."""
    return next(iter(leaders(where, tier)), None)


def leaders(where: Standings, tier: str) -> Iterator[Group]:
    """The eligible programs on a tier, by what is believed of them, the best first."""
    sign, known, failing = where.task.sign, beliefs(where, tier), broken(where, tier)
    best_first = sorted(known, key=lambda key: (sign * known[key].mean, key))
    yield from where.groups_of([where.drafts[key] for key in best_first if key[0] not in failing])


def wanted(where: Standings, tier: str, claimed: Mapping[str, int]) -> Iterator[Group]:
    """The programs on a tier that need another run, the most urgent first; each once.

    ``claimed`` is how many runs of a program, by its fingerprint, are under way on this tier: they
    count as done.
    """
    return (need.group for need in needs(where, tier, claimed))


def needs(where: Standings, tier: str, claimed: Mapping[str, int]) -> Iterator[Need]:
    """What is ``wanted``, with what it is.

    Of wonders no more than the first that can be run is to be taken: whoever reports wonders must
    not draw all effort to them.
    """
    seen = set()
    for group, role in _looked_at(where, tier, claimed):
        enough = ENOUGH_RUNS if len(group.agents) == 1 < group.n else CONFIRMED
        if group.key not in seen and group.n + claimed.get(group.fingerprint, 0) < enough:
            yield Need(group, role)
        seen.add(group.key)


def broken(where: Standings, tier: str) -> Mapping[str, Collection[str]]:
    """The programs that fail on a tier with all but their finder (see ``grouping.broken``).

    By fingerprint, with whom they do.
    """
    return {print_of: agents for (print_of, of), agents in where.broken.items() if of == tier}


def failures(where: Standings, tier: str) -> Mapping[str, Set[str]]:
    """With whom programs crashed or timed out on a tier: agents, by fingerprint."""
    found: dict[str, set[str]] = defaultdict(set)
    for run in where.results.values():
        if run.status != "ok" and run.tier == tier:
            found[run.fingerprint].add(run.agent)
    return found


# -- inside ----------------------------------------------------------------------------------------


def _looked_at(where: Standings, tier: str, claimed: Mapping[str, int]) -> Iterator[Need]:
    failing = broken(where, tier)
    led = (group for group in leaders(where, tier) if _is_there(group))
    ranked = (g for g in where.by_tier.get(tier, ()) if g.fingerprint not in failing)
    if (first := next(led, None)) is not None:
        yield Need(first, "leader")
    if (best := next(filter(_is_there, ranked), None)) is not None:
        yield Need(best, "best")
    for wonder in where.groups_of(_wonders(where, tier, claimed, failing)):
        yield Need(wonder, "wonder")


def _wonders(
    where: Standings, tier: str, claimed: Mapping[str, int], failing: Collection[str]
) -> list[Runs]:
    """The programs that gained too much: the oldest of each agent, the second of each, and so on.

    None of an agent one of whose is run now. So nobody's wonders, be they many or none that can be
    run, stand before those of others.
    """
    flagged = (where.drafts[key] for key in where.flagged if key[1] == tier)
    there = filter(_is_there, flagged)
    found = sorted((d for d in there if d.key[0] not in failing), key=_age)
    busy = {draft.first.agent for draft in found if claimed.get(draft.key[0])}
    turns: Counter[str] = Counter()
    in_turn = []
    for draft in found:
        turns[draft.first.agent] += 1
        if draft.first.agent not in busy:
            in_turn.append((turns[draft.first.agent], draft))
    return [draft for _, draft in sorted(in_turn, key=lambda one: one[0])]


def _is_there(one: Group | Runs) -> bool:
    """Whether anybody can run it: what was imported from a log need have no program."""
    return one.first.program is not None


def _age(draft: Runs) -> tuple[str, str]:
    return draft.first.created_at, draft.first.id
