"""The policy: in which order a machine works, and which programs it runs again. Pure.

The user's own edit comes first, then what an external mind thought. Then, unless the hub's task has
another order: a replication that the swarm needs, an open hypothesis that a machine can try, a
proposal of the engine's own. Where nothing was measured, the baseline comes before these three; and
where nothing else is left, a run of what was run often enough.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from gitcollab.records.models import Due, Task
from gitcollab.swarm.engine import allocation
from gitcollab.swarm.engine.choice import Passed
from gitcollab.swarm.ranking import Group, Standings

USUAL: Sequence[Due] = ("replication", "hypothesis", "proposal")
MOST_OWN = 5  # runs of one program by one agent; more tell nothing that others need to know

# Programs looked at in one order: strangers can report any number that nobody can run.
MOST = 100

Note = Callable[[Passed], None]


@dataclass(frozen=True)
class Scene:
    """What decides on replications beside the standings.

    ``claimed`` is how many runs of a program, by its fingerprint, others have under way on the
    tier; ``alone``: no other agent has worked on the tier lately.
    """

    agent: str
    tier: str
    claimed: Mapping[str, int]
    alone: bool


@dataclass(frozen=True)
class Again:
    """A program to run again. ``spare``: only where no other can be."""

    group: Group
    why: str
    spare: bool = False


def order(task: Task) -> Sequence[Due]:
    """What a machine that works by itself runs, the first first."""
    return USUAL if task.policy.next is None else task.policy.next


def replications(where: Standings, scene: Scene, note: Note) -> Iterator[Again]:
    """The programs that need another run which this agent can give, the most urgent first.

    Whoever found a program is the last to confirm it: its finder runs it again where nobody else
    is there to, or where it is the best, has one run alone and nothing else needs one.
    """
    own = []
    for group in islice(allocation.wanted(where, scene.tier, scene.claimed), MOST):
        if why := _why_not(where, group, scene):
            note(passed(group, why))
        elif scene.alone or group.first.agent != scene.agent:
            yield Again(group, _why(where, group, scene))
        else:
            own.append(group)
    for group in own:
        if _is_lonely_best(where, group, scene):
            yield Again(group, "your own find, the best so far, and nobody has run it again", True)
        else:
            note(passed(group, "your own find: another agent's run of it tells more"))


def passed(group: Group, why: str) -> Passed:
    """The program, as what is not run again now."""
    return Passed("replication", group.first.description, why, group.first.id, scores_of(group))


def scores_of(group: Group) -> Mapping[str, float]:
    """The figures that decide on another run of a program."""
    return {
        "runs": group.n,
        "optimistic": group.optimistic,
        "pessimistic": group.pessimistic,
    }


def runs_by(where: Standings, group: Group, agent: str) -> int:
    """How many of the program's runs are an agent's."""
    return sum(where.results[one].agent == agent for one in group.runs)


def _why_not(where: Standings, group: Group, scene: Scene) -> str | None:
    if group.flagged and scene.agent in group.agents:
        return "its gain is too large to be believed of you alone: it waits for another agent"
    if (mine := runs_by(where, group, scene.agent)) >= MOST_OWN:
        return f"you have run it {mine} times"
    return None


def _why(where: Standings, group: Group, scene: Scene) -> str:
    under_way = scene.claimed.get(group.fingerprint, 0)
    runs = f"{group.n} run{'' if group.n == 1 else 's'}"
    runs += f" and {under_way} under way" if under_way else ""
    if _is_best(where, group, scene):
        return f"the best so far, {group.standing}: {runs}, found by {group.first.agent}"
    return f"it may be better than the best: {runs}, found by {group.first.agent}"


def _is_best(where: Standings, group: Group, scene: Scene) -> bool:
    ranked = where.by_tier.get(scene.tier)
    return ranked is not None and group.key == ranked[0].key


def _is_lonely_best(where: Standings, group: Group, scene: Scene) -> bool:
    alone = group.n == 1 and not scene.claimed.get(group.fingerprint)
    return alone and _is_best(where, group, scene)
