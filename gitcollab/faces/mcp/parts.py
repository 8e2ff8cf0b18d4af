"""Records and rankings as parts of answers. Times and numbers hold no words of others."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from gitcollab.faces.mcp.answer import MOST_WORDS, Name, Part, Quoted, Rough, Words, cut
from gitcollab.records.models import Claim, Result, rfc3339
from gitcollab.records.quoting import quoted
from gitcollab.swarm import tracks
from gitcollab.swarm.ideas.hypotheses import Idea
from gitcollab.swarm.ideas.insights import Learned
from gitcollab.swarm.identity import change_text, title
from gitcollab.swarm.outcomes import Standing
from gitcollab.swarm.reports import Entry

_MOST = 20  # ids that are listed of one kind; anybody can make any number
Ended = Literal["ok", "crash", "timeout"]


class Program(Part):
    """A program in the ranking; ``metric`` is the mean of its ``runs``, ``error`` of that mean."""

    id: Name
    agent: Name
    description: Words
    metric: float
    error: Rough
    runs: int
    standing: Standing
    tier: Name
    no_better_than: Name | None
    builds_on_refuted: Name | None = Field(
        description="a program in its line of bases that more runs have refuted"
    )

    @classmethod
    def of(cls, entry: Entry, most: int = MOST_WORDS) -> Program:
        """The program of a line of a ranking; its words in ``most`` characters."""
        return cls(
            id=entry.id,
            agent=entry.agent,
            description=cut(entry.description, most),
            metric=entry.metric,
            error=entry.sigma / entry.n**0.5,
            runs=entry.n,
            standing=entry.standing,
            tier=tracks.named(entry.tier),
            no_better_than=entry.no_better_than,
            builds_on_refuted=entry.builds_on_refuted,
        )


class Measured(Part):
    """A result as its record has it."""

    id: Name
    agent: Name
    at: str
    description: Words
    change: Words | None
    base: Name | None
    tier: Name
    status: Ended
    metric: float | None
    failure: Words | None
    seed: int | None
    hypothesis: Name | None
    replicates: Name | None
    standing: Standing | None

    @classmethod
    def of(cls, result: Result, standing: Standing | None = None) -> Measured:
        """The record as a part."""
        return cls(
            id=result.id,
            agent=result.agent,
            at=rfc3339(result.created_at),
            description=title(result),
            change=change_text(result.delta) or None,
            base=result.base,
            tier=result.hardware.tier,
            status=result.status,
            metric=result.metric,
            failure=result.failure,
            seed=result.seed,
            hypothesis=result.hypothesis,
            replicates=result.replicates,
            standing=standing,
        )


class Claimed(Part):
    """Who is doing what now."""

    experiment: Name
    agent: Name
    description: Words
    expires_at: str
    hypothesis: Name | None

    @classmethod
    def of(cls, claim: Claim, most: int = MOST_WORDS) -> Claimed:
        """The claim as a part; its words in ``most`` characters."""
        return cls(
            experiment=claim.id,
            agent=claim.agent,
            description=cut(title(claim), most),
            expires_at=rfc3339(claim.expires_at),
            hypothesis=claim.hypothesis,
        )


class Hypothesis(Part):
    """A hypothesis; ``runs_as_it_is`` says whether `run` can try it without any change of yours.

    Of ``priority``, 1 is the most urgent. ``also`` are hypotheses that say the same.
    """

    id: Name
    agent: Name
    at: str
    title: Words
    change: Words | None
    runs_as_it_is: bool
    base: Name | None
    evidence: list[Name]
    priority: int
    status: Literal["open", "claimed", "tested"]
    outcome: Literal["supported", "refuted", "undecided", "within noise", "crashed"] | None
    tests: list[Name]
    also: list[Name]
    waiting: bool

    @classmethod
    def of(cls, idea: Idea) -> Hypothesis:
        """The idea as a part."""
        one = idea.hypothesis
        return cls(
            id=one.id,
            agent=one.agent,
            at=rfc3339(one.created_at),
            title=one.title,
            change=change_text(one.set) if one.set else None,
            runs_as_it_is=bool(one.set or one.patch) and not idea.unknown,
            base=one.base,
            evidence=list(one.evidence),
            priority=one.priority,
            status=idea.status,
            outcome=idea.outcome,
            tests=[run.id for run in idea.runs[-_MOST:]],
            also=list(idea.also[:_MOST]),
            waiting=idea.waiting,
        )


class Insight(Part):
    """An insight; ``support`` and ``against`` count programs that later results tested it with."""

    id: Name
    agent: Name
    at: str
    text: Words
    evidence: list[Name]
    expects: Literal["better", "worse", "within noise"]
    standing: Literal["untested", "supported", "contradicted", "undecided"]
    support: int
    against: int
    tests: list[Name]
    waiting: bool

    @classmethod
    def of(cls, learned: Learned) -> Insight:
        """What was learned as a part."""
        one = learned.insight
        return cls(
            id=one.id,
            agent=one.agent,
            at=rfc3339(one.created_at),
            text=one.text,
            evidence=list(one.evidence),
            expects=one.expects or "better",
            standing=learned.standing,
            support=learned.support,
            against=learned.against,
            tests=[run.id for run in learned.runs[-_MOST:]],
            waiting=learned.waiting,
        )


def block(text: str, author: str, what: str) -> Quoted:
    """A long text of others, quoted."""
    return quoted(text, author, what)
