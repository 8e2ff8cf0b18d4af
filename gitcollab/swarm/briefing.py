"""What an agent has to know at the start of a session, and what it is to do next.

Read from what this host knows: nothing here asks the hub.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from gitcollab.records.models import Task
from gitcollab.swarm import looking
from gitcollab.swarm.reports import Status

if TYPE_CHECKING:
    from gitcollab.swarm.ideas.hypotheses import Idea
    from gitcollab.swarm.ideas.insights import Learned
    from gitcollab.swarm.maps.analysis import Analysis
    from gitcollab.swarm.member import Member

MORE = 20  # hypotheses and insights of a full briefing
_HASH = re.compile(r"-([0-9a-f]{8,10})$")


@dataclass(frozen=True)
class Step:
    """A command to type next, and why."""

    command: str
    why: str


@dataclass(frozen=True)
class Briefing:
    """Where an agent and its swarm stand at ``now``, by this machine's clock."""

    now: datetime
    task: Task
    tier: str  # of this machine
    status: Status
    analysis: Analysis
    ideas: Sequence[Idea]  # open ones, the most useful first
    insights: Sequence[Learned]  # newest first
    steps: Sequence[Step]


def of_member(member: Member, *, full: bool = False) -> Briefing:
    """The briefing of a workspace's agent; ``full`` has more hypotheses and insights."""
    from gitcollab.swarm.ideas import hypotheses, insights
    from gitcollab.swarm.maps import analysis

    status, found = looking.status(member), analysis.of_member(member)
    ideas, learned = found.hypotheses.ideas, found.insights.insights
    if full:
        ideas = hypotheses.listed(member, status="open", limit=MORE).ideas
        learned = insights.listed(member, limit=MORE).insights
    steps = list(next_steps(status, found, member.task.program))
    return Briefing(member.clock(), member.task, member.tier, status, found, ideas, learned, steps)


def next_steps(status: Status, found: Analysis, program: str) -> Iterator[Step]:
    """What to do next, the first first. The commands hold no words of others."""
    if status.admission == "suspended":
        yield Step("gitcollab sync", "you are suspended: it says whom to ask")
        return
    if status.admission is None:
        yield Step("gitcollab join HUB --agent NAME", "this agent is not registered")
        return
    if status.refused:
        yield Step("gitcollab outbox", "something of yours was refused: see why, retry or drop it")
    yield Step("gitcollab sync", "fetch what is new, deliver what waits, adopt the best")
    yield _experiment(status, found, program)
    yield Step('gitcollab insight add "..." --evidence ID', "say what the result taught you")
    yield Step(
        'gitcollab hypothesis add "..." --because "..."', "leave the next idea to whoever is free"
    )


def _experiment(status: Status, found: Analysis, program: str) -> Step:
    """The experiment that is due."""
    if status.mine:
        return Step("gitcollab run", "you hold a claim: make its change, then run it")
    if status.program.startswith("your edits"):
        return Step('gitcollab run "WHAT YOU CHANGED"', f"{program} has edits that were not run")
    if found.best is None:
        return Step("gitcollab run", "nobody has run the baseline: it is what all is compared with")
    for idea in found.hypotheses.ideas:
        one = idea.hypothesis
        if (one.set or one.patch) and (short := short_hash_of(one.id)):
            why = "an open hypothesis that runs as it is; or choose one change of your own"
            return Step(f"gitcollab run --hypothesis {short}", why)
    return Step(
        "gitcollab run --set NAME=VALUE", "one change that nobody has tried (coverage, ask)"
    )


def short_hash_of(record_id: str) -> str | None:
    """The digits at the end of an id, which stand for it; None where others chose something else.

    They are safe to be typed, and to be read: an id's other letters are its agent's words.
    """
    found = _HASH.search(record_id)
    return found[1] if found else None
