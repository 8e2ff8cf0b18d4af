"""What the tool ``think`` answers: where the agent and its swarm stand, and what to do next.

It is read in every round. So lists and words in it are short, ids are their digits (which stand for
them, and are no words of others), and what other tools tell in full is left to them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from gitcollab.faces.briefing import WHY
from gitcollab.faces.mcp.answer import (
    MOST_WORDS,
    Answer,
    Name,
    Part,
    Rough,
    Said,
    Words,
    cut,
    plain,
)
from gitcollab.faces.mcp.parts import Claimed, Program
from gitcollab.records.models import Task
from gitcollab.swarm import briefing as facts
from gitcollab.swarm.briefing import Do, short_hash_of
from gitcollab.swarm.ideas.hypotheses import Idea
from gitcollab.swarm.ideas.insights import Learned
from gitcollab.swarm.identity import change_text
from gitcollab.swarm.maps.analysis import Outcome
from gitcollab.swarm.member import Member
from gitcollab.swarm.reports import Entry
from gitcollab.swarm.tracks import told
from gitcollab.swarm.trend import Word

_WORDS = 90  # characters of others' words in a line
_FEW, _MANY = 5, 20  # claims
_AGAIN = 3  # programs worth another run


class TaskFacts(Part):
    """What is measured, and what a run may use."""

    name: str
    metric: str
    direction: Literal["minimize", "maximize"]
    program: str
    seconds: float | None

    @classmethod
    def of(cls, task: Task) -> TaskFacts:
        """The task as a part."""
        metric, seconds = task.metric, task.budget.seconds
        return cls(
            name=task.name,
            metric=metric.name,
            direction=metric.direction,
            program=task.program,
            seconds=seconds,
        )


class TrendFacts(Part):
    """How the best moved of late; a gain below ``noise`` is none."""

    word: Word
    gain: Rough | None
    noise: Rough | None
    experiments: int
    since_best: int | None = Field(description="experiments since another program took the lead")


class Next(Part):
    """A tool to call next, with these arguments, and why; null: there is nothing to call."""

    tool: str | None
    arguments: dict[str, str]
    why: str


class Tried(Part):
    """An experiment and what came of it; ``gain`` is over its base, positive is better."""

    id: Name
    agent: Name
    description: Words
    tier: Name
    status: str
    metric: float | None
    gain: Rough | None
    error: Rough | None

    @classmethod
    def of(cls, one: Outcome, most: int) -> Tried:
        """The outcome as a part."""
        return cls(
            id=_short(one.id),
            agent=one.agent,
            description=cut(one.description, most),
            tier=one.tier,
            status=one.status,
            metric=one.metric,
            gain=one.gain,
            error=one.error,
        )


class Proposed(Part):
    """An open hypothesis; ``runs_as_it_is``: `run` can try it without any change of yours."""

    id: Name
    agent: Name
    title: Words
    change: Words | None
    runs_as_it_is: bool
    priority: int = Field(description="1 is the most urgent")

    @classmethod
    def of(cls, idea: Idea, most: int) -> Proposed:
        """The idea as a part."""
        one = idea.hypothesis
        return cls(
            id=_short(one.id),
            agent=one.agent,
            title=cut(one.title, most),
            change=cut(change_text(one.set), most) if one.set else None,
            runs_as_it_is=bool(one.set or one.patch),
            priority=one.priority,
        )


class Lesson(Part):
    """An insight; ``support`` and ``against`` count programs that later results tested it with."""

    id: Name
    agent: Name
    text: Words
    standing: Literal["untested", "supported", "contradicted", "undecided"]
    support: int
    against: int

    @classmethod
    def of(cls, learned: Learned, most: int) -> Lesson:
        """What was learned as a part."""
        one = learned.insight
        return cls(
            id=_short(one.id),
            agent=one.agent,
            text=cut(one.text, most),
            standing=learned.standing,
            support=learned.support,
            against=learned.against,
        )


class Briefing(Answer):
    """Where you and the swarm stand, and what to do next. Lists are short, the newest first."""

    next_steps: list[Next] = Field(description="in this order")
    agent: str
    admission: str | None = Field(description="null: this agent is not on the hub")
    task: TaskFacts
    tier: str = Field(description="of this machine")
    track: str = Field(description="what a run may use, and whose results compare")
    online: bool = Field(description="whether the hub could be asked")
    offline_reason: Said
    best: Program | None
    best_of_tier: Program | None = Field(
        description="null: there is none, or it is the best of all"
    )
    working_program: Said
    trend: TrendFacts
    kept: list[Tried]
    failed: list[Tried]
    worth_replicating: list[Program]
    claims: list[Claimed] = Field(description="of others, the newest first")
    claims_of_others: int
    mine: list[Name] = Field(description="the experiments that you have claimed")
    hypotheses: list[Proposed]
    open_hypotheses: int
    insights: list[Lesson]
    waiting: int = Field(description="records of this host that wait for the hub")
    refused: int = Field(description="records that were refused: `gitcollab outbox` says why")


def briefing(member: Member, offline: str, *, full: bool = False) -> Briefing:
    """Where things stand; ``offline`` is why the hub could not be asked, or empty."""
    brief = facts.of_member(member, full=full)
    status, found = brief.status, brief.analysis
    most, many = (MOST_WORDS, _MANY) if full else (_WORDS, _FEW)
    trend, of_tier = found.trend, found.by_tier.get(brief.track)
    others = [one for one in reversed(found.claims) if one.agent != status.agent]
    if of_tier is not None and found.best is not None and of_tier.id == found.best.id:
        of_tier = None
    return Briefing(
        next_steps=[step(one) for one in brief.steps],
        agent=status.agent,
        admission=status.admission,
        task=TaskFacts.of(brief.task),
        tier=brief.tier,
        track=told(brief.task),
        online=not offline,
        offline_reason=offline,
        best=_program(found.best, most) if found.best else None,
        best_of_tier=_program(of_tier, most) if of_tier else None,
        working_program=status.program,
        trend=TrendFacts(
            word=trend.word,
            gain=trend.gain,
            noise=trend.noise,
            experiments=trend.experiments,
            since_best=trend.since,
        ),
        kept=[Tried.of(one, most) for one in found.kept],
        failed=[Tried.of(one, most) for one in found.failed],
        worth_replicating=[
            _program(one, most) for one in (found.replicate if full else found.replicate[:_AGAIN])
        ],
        claims=[Claimed.of(one, most) for one in others[:many]],
        claims_of_others=len(others),
        mine=[one.id for one in status.mine],
        hypotheses=[Proposed.of(one, most) for one in brief.ideas],
        open_hypotheses=found.hypotheses.counts.get("open", 0),
        insights=[Lesson.of(one, most) for one in brief.insights],
        waiting=len(status.queued),
        refused=len(status.refused),
    )


def _program(entry: Entry, most: int) -> Program:
    return Program.of(entry, most).model_copy(update={"id": _short(entry.id)})


def _short(record_id: str) -> str:
    """The digits that stand for a record; its whole id, where others chose something else."""
    return short_hash_of(record_id) or record_id


def step(one: facts.Step) -> Next:
    """What is due, as a tool to call; it holds no words of others."""
    tool, arguments, why = _CALLS[one.do]
    given = {name: one.idea if value == "IDEA" else value for name, value in arguments.items()}
    return Next(tool=tool, arguments=given, why=plain(why))


_TELL = "tell the people you work for"
_CALLS: Mapping[Do, tuple[str | None, Mapping[str, str], str]] = {
    "suspended": (None, {}, f"you are suspended: {_TELL}"),
    "join": (None, {}, f"this agent is not on the hub: {_TELL} (gitcollab join HUB --agent NAME)"),
    "running": (None, {}, "an experiment is running here: wait; ask or propose meanwhile"),
    "refused": (None, {}, f"something of yours was refused: {_TELL} (gitcollab outbox)"),
    "sync": ("sync", {}, WHY["sync"]),
    "adopt": ("sync", {}, WHY["adopt"]),
    "claimed": ("run", {}, WHY["claimed"]),
    "edits": ("run", {"what": "WHAT YOU CHANGED"}, WHY["edits"]),
    "baseline": ("run", {}, WHY["baseline"]),
    "idea": ("run", {"hypothesis": "IDEA"}, WHY["idea"]),
    "change": (
        "run",
        {"what": "WHAT YOU CHANGE"},
        "one change that nobody has tried (ask): as set_values, or edited in the program",
    ),
    "insight": ("insight_add", {"text": "..."}, "say what the result taught you, with evidence"),
    "hypothesis": ("hypothesis_add", {"title": "...", "because": "..."}, WHY["hypothesis"]),
}
