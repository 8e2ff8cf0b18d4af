"""The policy: in which order a machine works, and which programs it runs again. Pure.

The user's own edit comes first, then what an external mind thought. Then, unless the hub's task has
another order: a replication that the swarm needs, an open hypothesis that a machine can try, a
proposal of the engine's own. Where nothing was measured, the baseline comes before these three; and
where nothing else is left, a run of what was run often enough.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from gitcollab.records.models import Due, Task
from gitcollab.swarm.engine import allocation
from gitcollab.swarm.engine.belief import Belief
from gitcollab.swarm.engine.choice import Passed
from gitcollab.swarm.grouping import Key
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
    tier; ``alone``: no other agent has worked on the tier lately. ``believed`` is only told.
    """

    agent: str
    tier: str
    claimed: Mapping[str, int]
    alone: bool
    believed: Mapping[Key, Belief] = field(default_factory=dict)


@dataclass(frozen=True)
class Again:
    """A program to run again, and why. Of those that gained too much (``wonder``), one is run."""

    group: Group
    why: str
    wonder: bool = False


def order(task: Task) -> Sequence[Due]:
    """What a machine that works by itself runs, the first first."""
    return USUAL if task.policy.next is None else task.policy.next


def replications(where: Standings, scene: Scene, note: Note) -> Iterator[Again]:
    """The programs that need another run which this agent can give, the most urgent first.

    Whoever found a program is the last to confirm it: its finder runs it again only where nobody
    else is there to.
    """
    _tell_broken(where, scene, note)
    for need in islice(allocation.needs(where, scene.tier, scene.claimed), MOST):
        group = need.group
        if why := _why_not(where, group, scene):
            note(passed(group, why, scene))
        elif scene.alone or group.first.agent != scene.agent:
            yield Again(group, _why(need, scene), need.role == "wonder")
        else:
            note(passed(group, "your own find: another agent's run of it tells more", scene))


def passed(group: Group, why: str, scene: Scene) -> Passed:
    """The program, as what is not run again now."""
    scores = scores_of(group, scene)
    return Passed("replication", group.first.description, why, group.first.id, scores)


def scores_of(group: Group, scene: Scene) -> Mapping[str, float]:
    """The figures that decide on another run of a program."""
    belief = scene.believed.get(group.key)
    if belief is None:  # what gained too much, or was not run on this tier
        return {"runs": group.n, "mean": group.mean}
    return {"runs": group.n, "believed": belief.mean, "error": belief.error}


def said_of_broken(agents: Collection[str]) -> str:
    """Why a program is not run that failed with these agents."""
    some = " and ".join(list(agents)[:2])
    more = f" and {len(agents) - 2} others" if len(agents) > 2 else ""
    return f"it failed with {some}{more}, and ended with nobody but its finder"


def runs_by(where: Standings, group: Group, agent: str) -> int:
    """How many of the program's runs are an agent's."""
    return sum(where.results[one].agent == agent for one in group.runs)


def _tell_broken(where: Standings, scene: Scene, note: Note) -> None:
    failing = allocation.broken(where, scene.tier)
    drafts = [where.drafts[one, scene.tier] for one in islice(failing, MOST)]
    for group in where.groups_of(drafts):
        note(passed(group, said_of_broken(failing[group.fingerprint]), scene))


def _why_not(where: Standings, group: Group, scene: Scene) -> str | None:
    if group.flagged and scene.agent in group.agents:
        return "its gain is too large to be believed of you alone: it waits for another agent"
    if (mine := runs_by(where, group, scene.agent)) >= MOST_OWN:
        return f"you have run it {mine} times"
    return None


def _why(need: allocation.Need, scene: Scene) -> str:
    group = need.group
    under_way = scene.claimed.get(group.fingerprint, 0)
    runs = f"{group.n} run{'' if group.n == 1 else 's'}"
    runs += f" and {under_way} under way" if under_way else ""
    what = {
        "leader": "what the swarm builds on",
        "best": f"the first of the ranking, {group.standing}",
        "wonder": "its gain is too large to be believed of one agent",
    }[need.role]
    return f"{what}: {runs}, found by {group.first.agent}"
