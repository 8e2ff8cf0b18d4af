"""Where a program comes from: the changes that led to it, each on the one before.

A pure function of the standings. The line is followed by what each program was changed from, as the
run says that found it, on whatever tier; where that run's base is gone, by the base's fingerprint.
What is made up ends the line and harms nothing: circles, bases that are not there, of another task
or withdrawn.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from gitcollab.errors import GitcollabError
from gitcollab.swarm.grouping import Runs, base_fingerprint_of
from gitcollab.swarm.ranking import Group, Standings, noise_between
from gitcollab.swarm.runs import Run
from gitcollab.swarm.tracks import track_of

if TYPE_CHECKING:
    from gitcollab.swarm.member import Member

MOST = 10_000  # programs in a line

# "begun": at a program that was changed from nothing, or from the task's own. "unknown": the base
# is not here (never published, withdrawn, of another task). "circle": the programs say they come
# from each other.
Origin: TypeAlias = Literal["begun", "unknown", "circle"]
Programs: TypeAlias = Mapping[str, Mapping[str, Runs]]  # the groups of each program, by tier


@dataclass(frozen=True, slots=True)
class Link:
    """A program in the line. ``group`` are its runs on the tier; None: nobody has run it there.

    ``gain`` is over the nearest earlier link with runs, in the metric's unit, positive is better;
    ``error`` is that difference's standard error. Both None where there is nothing to compare.
    ``back`` is how many links before that one is: what lies between had a part in the gain.
    """

    run: Run  # that found the program, on this tier or another
    group: Group | None
    gain: float | None = None
    error: float | None = None
    back: int = 0


@dataclass(frozen=True, slots=True)
class Credit:
    """What an agent's changes in a line gained together, and the standard error of that."""

    agent: str
    changes: int  # programs in the line that it found, with and without a gain that is known
    gain: float
    error: float


@dataclass(frozen=True, slots=True)
class Lineage:
    """The line of a program, from where it began to the program itself.

    ``credits`` are whose changes gained how much, as far as they were asked for. A single step of
    less than ``noise`` may be luck, between programs that were run once.
    """

    tier: str
    links: Sequence[Link]
    origin: Origin
    noise: float
    credits: Sequence[Credit] = ()

    @property
    def began(self) -> Group:
        """The runs of the first program of the line that was run on the tier."""
        return next(link.group for link in self.links if link.group is not None)

    @property
    def gain(self) -> float | None:
        """How much better the last is than the first that was run on the tier."""
        gains = [link.gain for link in self.links if link.gain is not None]
        return math.fsum(gains) if gains else None


def of_member(member: Member, wanted: str | None = None, tier: str | None = None) -> Lineage | None:
    """The line that led to a result's program, else to the best; judged on ``tier``.

    Part of an id is enough. Without a tier it is the result's own, or that of the best of all.
    None where nothing is ranked yet. Raises UsageError for an unknown result or tier, and
    GitcollabError where the program has no measurement there.
    """
    from gitcollab.swarm import looking

    tier = looking.track(member, tier)
    where = member.standings()
    if wanted is None:
        ranked = where.ranked if tier is None else where.by_tier.get(tier, ())
        last = ranked[0] if ranked else None
    else:
        last = _asked(where, Run.of(looking.find(member, wanted)), tier)
    if last is None:
        return None
    line = lineage(where, last)
    return replace(line, credits=credits_of(where, line))


def _asked(where: Standings, run: Run, tier: str | None) -> Group:
    """The runs of a result's program on a tier, its own unless another is named."""
    tiers = {
        on: draft for (program, on), draft in where.drafts.items() if program == run.fingerprint
    }
    on = tier or track_of(where.task, run.tier)
    found = tiers.get(on) if run.id in where.results else None
    if found is not None:
        return where.groups_of([found])[0]
    if run.id in where.results and tiers:
        raise GitcollabError(
            f"{run.id} was not measured on the tier {on}",
            f"it was on: {', '.join(sorted(tiers)[:8])} (--tier)",
        )
    hint = f"gitcollab lineage {run.base}" if run.base else f"gitcollab show {run.id}"
    raise GitcollabError(f"{run.id} has no measurement that counts, so no line leads to it", hint)


def lineage(where: Standings, last: Group) -> Lineage:
    """The line that led to ``last``, judged by runs on its tier."""
    programs = _by_program(where)
    runs, seen = [where.finder(last)], {last.fingerprint}
    while (base := _base(where, runs[-1])) is not None:
        # What never ran to its end was found by nobody; the run that is named still is a link.
        run = where.credit.finders.get(base) or where.results.get(runs[-1].base or "")
        if run is None or run.fingerprint in seen or len(seen) == MOST:
            break
        seen.add(run.fingerprint)
        runs.append(run)
    origin = _origin(where, runs[-1], base, seen)
    links = _linked(where, programs, list(reversed(runs)), last.tier)
    return Lineage(last.tier, links, origin, noise_between(where.sigma, 1, 1))


def credits_of(where: Standings, line: Lineage) -> list[Credit]:
    """Who gained how much in a line, most first.

    A program belongs to the agent of the run that found it; a gain over programs that were not run
    on the tier belongs to nobody alone. Gains of one agent that follow on each other share a
    program: its noise cancels, as it does in the sum.
    """
    weights: dict[str, dict[int, int]] = {}  # by agent: how often a link's mean is in its sum
    for at, link in enumerate(line.links):
        mine = weights.setdefault(link.run.agent, {})
        if link.back == 1:
            mine[at] = mine.get(at, 0) - 1
            mine[at - 1] = mine.get(at - 1, 0) + 1
    counts: dict[str, int] = {}
    for link in line.links:
        counts[link.run.agent] = counts.get(link.run.agent, 0) + 1
    found = [_credit(where, line, agent, counts[agent], of) for agent, of in weights.items()]
    return sorted(found, key=lambda c: (-c.gain, c.agent))


def _credit(
    where: Standings, line: Lineage, agent: str, changes: int, weights: Mapping[int, int]
) -> Credit:
    groups = [(w, g) for at, w in weights.items() if (g := line.links[at].group) is not None]
    gain = where.task.sign * math.fsum(w * g.mean for w, g in groups)
    error = where.sigma * math.sqrt(math.fsum(w * w / g.n for w, g in groups))
    return Credit(agent, changes, gain, error)


def _by_program(where: Standings) -> Programs:
    """The groups of each program by tier; tiers in an order that does not depend on the runs'."""
    found: dict[str, dict[str, Runs]] = {}
    for (fingerprint, tier), draft in sorted(where.drafts.items()):
        found.setdefault(fingerprint, {})[tier] = draft
    return found


def _base(where: Standings, run: Run) -> str | None:
    """What identifies the program that a run's was changed from; None where it was from none."""
    base = base_fingerprint_of(run, where.results)
    return None if base in ("", run.fingerprint) else base


def _origin(where: Standings, first: Run, base: str | None, seen: Collection[str]) -> Origin:
    """Why a line begins with this run, whose base is no result that stands."""
    if base is not None and base in seen:
        return "circle"
    # The task's own program may never have been run; which it is may not be known.
    own = base is None or where.baseline in (None, base)
    return "begun" if first.base is None and own else "unknown"


def _linked(where: Standings, programs: Programs, runs: Sequence[Run], tier: str) -> list[Link]:
    links: list[Link] = []
    before: tuple[int, Group] | None = None
    for at, run in enumerate(runs):
        draft = programs.get(run.fingerprint, {}).get(tier)
        group = None if draft is None else where.group_of(draft.first)
        if group is None or before is None:
            links.append(Link(run, group))
        else:
            place, old = before
            gain = (old.mean - group.mean) * where.task.sign
            error = where.sigma * math.sqrt(1 / old.n + 1 / group.n)
            links.append(Link(run, group, gain, error, at - place))
        before = before if group is None else (at, group)
    return links
