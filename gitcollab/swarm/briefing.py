"""What an agent has to know at the start of a session, and what it is to do next.

Read from what this host knows: nothing here asks the hub.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal, TypeAlias

from gitcollab.records.models import Task
from gitcollab.records.names import meant
from gitcollab.similarity.program import fingerprint
from gitcollab.swarm import looking, syncing, trials
from gitcollab.swarm.identity import same_base
from gitcollab.swarm.reports import Status
from gitcollab.swarm.tracks import compares, track_of

if TYPE_CHECKING:
    from gitcollab.swarm.ideas.hypotheses import Idea
    from gitcollab.swarm.ideas.insights import Learned
    from gitcollab.swarm.maps.analysis import Analysis
    from gitcollab.swarm.member import Member

MORE = 20  # hypotheses and insights of a full briefing
_HASH = re.compile(r"-([0-9a-f]{8,10})$")


# What is due, as data: every face says it in its own words, commands or tools.
Do: TypeAlias = Literal[
    "suspended",  # nothing; whoever looks after the agent has to know
    "join",  # the agent is not on the hub
    "running",  # wait for the run that has its change in the program, or was cut off
    "refused",  # see what of the agent's was refused
    "sync",  # fetch, deliver
    "adopt",  # as sync, which takes over a better program than the workspace's, too
    "claimed",  # run what is claimed
    "edits",  # run what is edited
    "baseline",  # run the program as it is: nobody has
    "idea",  # run an open hypothesis that needs no writing
    "change",  # run a change of one's own
    "insight",  # say what the result taught
    "hypothesis",  # say what should be tried next
]


@dataclass(frozen=True)
class Step:
    """What to do next; ``idea`` is what names the hypothesis to run, and no word of others."""

    do: Do
    idea: str = ""


@dataclass(frozen=True)
class Here:
    """What of a workspace decides on the next step, besides its status."""

    running: bool  # a run's change is in the program
    behind: bool  # a sync would take another program over
    ids: Collection[str]  # of the hypotheses that stand
    done: Collection[str] = ()  # of those whose change was run on the workspace's base


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

    @property
    def track(self) -> str:
        """What this machine's results are ranked in: its tier, or ``tracks.ANY``."""
        return track_of(self.task, self.tier)


def of_member(member: Member, *, full: bool = False) -> Briefing:
    """The briefing of a workspace's agent; ``full`` has more hypotheses and insights."""
    from gitcollab.swarm.ideas import hypotheses, insights
    from gitcollab.swarm.maps import analysis

    status, found = looking.status(member), analysis.of_member(member)
    ideas, learned = found.hypotheses.ideas, found.insights.insights
    if full:
        ideas = hypotheses.listed(member, status="open", limit=MORE).ideas
        learned = insights.listed(member, limit=MORE).insights
    steps = steps_of(member, status, found)
    tier = member.hardware_tier
    return Briefing(member.clock(), member.task, tier, status, found, ideas, learned, steps)


def steps_of(member: Member, status: Status, found: Analysis) -> list[Step]:
    """What a workspace's agent is to do next, the first first."""
    from gitcollab.swarm.ideas import unsent
    from gitcollab.swarm.ideas.standing import standing_ids

    ids = {*standing_ids(member.store.snapshot(), "hypothesis"), *unsent.hypotheses(member)}
    running = bool(trials.holds(member.workspace, member.task))
    done = _done(member, found.hypotheses.ideas)
    return list(next_steps(status, found, Here(running, _behind(member), ids, done)))


def _done(member: Member, ideas: Sequence[Idea]) -> Collection[str]:
    """Ids of the hypotheses whose change was run on the workspace's base, on this tier.

    No claim of it is granted, whoever names them.
    """
    from gitcollab.swarm.ideas import precedents

    base = member.workspace.base()
    if base is None:
        return ()
    print_of = fingerprint(base.text)
    return {
        idea.hypothesis.id
        for idea in ideas
        for run in precedents.of_idea(member, idea)
        if compares(member.tier, run.tier)
        and same_base(base.id, print_of, run.base, run.base_fingerprint)
    }


def _behind(member: Member) -> bool:
    """Whether another program than the workspace's is the best, as far as this host knows."""
    workspace, task = member.workspace, member.task
    (_, best), base = syncing.best_program(member, member.tier), workspace.base()
    same = base is not None and base.text == best
    return not same or not workspace.program_path(task).exists()


def next_steps(status: Status, found: Analysis, here: Here) -> Iterator[Step]:
    """What to do next, the first first."""
    if status.admission == "suspended":
        yield Step("suspended")
        return
    if status.admission is None:
        yield Step("join")
        return
    if status.refused:
        yield Step("refused")
    if here.running:
        yield Step("running")
        return
    edited = status.program.startswith("your edits")
    yield Step("adopt" if here.behind and not edited else "sync")
    yield _experiment(status, found, here, edited=edited)
    yield Step("insight")
    yield Step("hypothesis")


def _experiment(status: Status, found: Analysis, here: Here, *, edited: bool) -> Step:
    """The experiment that is due."""
    if status.mine:
        return Step("claimed")
    if edited:
        return Step("edits")
    if found.best is None:
        return Step("baseline")
    for idea in found.hypotheses.ideas:
        one = idea.hypothesis
        if idea.unknown or one.id in here.done:  # it is sure to be refused
            continue
        short = short_hash_of(one.id) if one.set or one.patch else None
        if short and meant(here.ids, short) == [one.id]:  # others may have chosen the same digits
            return Step("idea", short)
    return Step("change")


def short_hash_of(record_id: str) -> str | None:
    """The digits at the end of an id, which stand for it; None where others chose something else.

    They are safe to be typed, and to be read: an id's other letters are its agent's words.
    """
    found = _HASH.search(record_id)
    return found[1] if found else None
