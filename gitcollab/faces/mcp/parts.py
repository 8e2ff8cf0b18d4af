"""Records and rankings as parts of answers. Ids, names and times hold no words of others."""

from __future__ import annotations

from typing import Literal

from gitcollab.faces.mcp.answer import Part, Quoted, Words
from gitcollab.records.models import Claim, Result, rfc3339
from gitcollab.records.quoting import quoted
from gitcollab.swarm.ideas.hypotheses import Idea
from gitcollab.swarm.ideas.insights import Learned
from gitcollab.swarm.identity import change_text, title
from gitcollab.swarm.maps.analysis import Outcome
from gitcollab.swarm.reports import Entry

_MOST = 20  # ids that are listed of one kind; anybody can make any number
Ended = Literal["ok", "crash", "timeout"]


class Program(Part):
    """A program in the ranking; ``metric`` is the mean of its ``runs``, ``error`` of that mean."""

    id: str
    agent: str
    description: Words
    metric: float
    error: float
    runs: int
    standing: Literal["provisional", "confirmed"]
    tier: str

    @classmethod
    def of(cls, entry: Entry) -> Program:
        """The program of a line of a ranking."""
        return cls(
            id=entry.id,
            agent=entry.agent,
            description=entry.description,
            metric=entry.metric,
            error=entry.sigma / entry.n**0.5,
            runs=entry.n,
            standing=entry.standing,
            tier=entry.tier,
        )


class Tried(Part):
    """An experiment and what came of it; ``gain`` is over its base, positive is better."""

    id: str
    agent: str
    at: str
    description: Words
    tier: str
    status: str
    metric: float | None
    gain: float | None
    error: float | None

    @classmethod
    def of(cls, one: Outcome) -> Tried:
        """The outcome as a part."""
        return cls(
            id=one.id,
            agent=one.agent,
            at=one.created_at,
            description=one.description,
            tier=one.tier,
            status=one.status,
            metric=one.metric,
            gain=one.gain,
            error=one.error,
        )


class Measured(Part):
    """A result as its record has it."""

    id: str
    agent: str
    at: str
    description: Words
    change: Words | None
    base: str | None
    tier: str
    status: Ended
    metric: float | None
    failure: Words | None
    seed: int | None
    hypothesis: str | None
    replicates: str | None

    @classmethod
    def of(cls, result: Result) -> Measured:
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
        )


class Claimed(Part):
    """Who is doing what now."""

    experiment: str
    agent: str
    description: Words
    expires_at: str
    hypothesis: str | None

    @classmethod
    def of(cls, claim: Claim) -> Claimed:
        """The claim as a part."""
        return cls(
            experiment=claim.id,
            agent=claim.agent,
            description=title(claim),
            expires_at=rfc3339(claim.expires_at),
            hypothesis=claim.hypothesis,
        )


class Hypothesis(Part):
    """A hypothesis; ``runs_as_it_is`` says whether `run` can try it without any change of yours.

    Of ``priority``, 1 is the most urgent. ``also`` are hypotheses that say the same.
    """

    id: str
    agent: str
    at: str
    title: Words
    change: Words | None
    runs_as_it_is: bool
    base: str | None
    evidence: list[str]
    priority: int
    status: Literal["open", "claimed", "tested"]
    outcome: Literal["supported", "refuted", "within noise"] | None
    tests: list[str]
    also: list[str]
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
            runs_as_it_is=bool(one.set or one.patch),
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

    id: str
    agent: str
    at: str
    text: Words
    evidence: list[str]
    expects: Literal["better", "worse", "within noise"]
    standing: Literal["untested", "supported", "contradicted", "undecided"]
    support: int
    against: int
    tests: list[str]
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
