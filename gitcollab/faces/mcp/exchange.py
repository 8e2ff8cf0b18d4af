"""Tools to tell the swarm what one thinks and has learned, and to read what others did."""

from __future__ import annotations

from typing import Annotated, Literal

from mcp.server.mcpserver.tools import Tool
from pydantic import Field

from gitcollab.faces.mcp.answer import Answer, Name, Quoted, Said, Words
from gitcollab.faces.mcp.declaring import READS, WRITES, tool
from gitcollab.faces.mcp.door import Door
from gitcollab.faces.mcp.parts import Hypothesis, Insight, block
from gitcollab.faces.mcp.thinking import Page
from gitcollab.records.models import Hypothesis as HypothesisRecord
from gitcollab.records.models import Insight as InsightRecord
from gitcollab.swarm.outcomes import Kept, Known, NotTold, TellOutcome
from gitcollab.swarm.outcomes import Told as OnHub
from gitcollab.swarm.outcomes import Withdrawn as TakenBack

Evidence = Annotated[
    list[str] | None, Field(description="ids of the results, hypotheses or insights that show it")
]
Limit = Annotated[int, Field(ge=1, le=100)]
_EXPECTS: dict[str, Literal["better", "worse", "within noise"]] = {
    "keep": "better",
    "discard": "worse",
    "noise": "within noise",
}


class Told(Answer):
    """What became of what was told: ``known`` is a no, since ``other`` says the same."""

    outcome: Literal["told", "known", "queued", "refused"]
    id: str | None
    other: Words | None = None
    other_id: Name | None = None
    reason: Said = ""
    notes: list[Said] = Field(default=[])


class Hypotheses(Answer):
    """Hypotheses, the most useful first; ``counts`` are of all that match, by status."""

    hypotheses: list[Hypothesis]
    counts: dict[str, int]
    total: int
    next: Name | None


class HypothesisFacts(Answer):
    """A hypothesis with its reasons, and its patch if it has one."""

    hypothesis: Hypothesis
    because: Quoted
    patch: Quoted | None


class Insights(Answer):
    """Insights, the newest first."""

    insights: list[Insight]
    total: int
    next: Name | None


class InsightFacts(Answer):
    """An insight in full."""

    insight: Insight
    in_full: Quoted


class Withdrawn(Answer):
    """A record of yours that no longer counts; ``queued``: once the hub is back."""

    id: str
    kind: Literal["hypothesis", "insight", "result"]
    queued: bool
    reason: Said


def add(tools: list[Tool], door: Door) -> None:
    """Add the tools to the others."""
    _add_hypotheses(tools, door)
    _add_insights(tools, door)


def _add_hypotheses(tools: list[Tool], door: Door) -> None:
    @tool(tools, "Propose an experiment", WRITES)
    def hypothesis_add(
        title: Annotated[str, Field(description="what would help, on one line")],
        because: Annotated[str, Field(description="why you think so")],
        set_values: Annotated[
            dict[str, str | int | float | bool] | None,
            Field(description="constants to set: any machine can then run it"),
        ] = None,
        patch: Annotated[str | None, Field(description="a unified diff of the program")] = None,
        base: Annotated[
            str | None, Field(description="the result that it is to be tried on")
        ] = None,
        evidence: Evidence = None,
        priority: Annotated[int, Field(ge=1, le=5, description="1 is the most urgent")] = 3,
        anyway: Annotated[bool, Field(description="although somebody has said so")] = False,
    ) -> Told:
        """Leave an idea that you will not run yourself to whoever is free."""
        values = {
            name: value if isinstance(value, str) else repr(value)
            for name, value in (set_values or {}).items()
        }
        with door.swarm() as swarm:
            answer = swarm.propose(
                title,
                because,
                set_values=values or None,
                patch=patch,
                base=base,
                evidence=evidence or (),
                priority=priority,
                anyway=anyway,
            )
            return told(answer)

    @tool(tools, "List hypotheses", READS)
    def hypothesis_list(
        status: Literal["open", "claimed", "tested", "all"] = "open",
        agent: str | None = None,
        text: Annotated[str | None, Field(description="words that they hold")] = None,
        limit: Limit = 20,
        page: Page = None,
    ) -> Hypotheses:
        """What was proposed, the most useful first."""
        with door.swarm() as swarm:
            wanted = None if status == "all" else status
            found = swarm.hypotheses(status=wanted, agent=agent, text=text, limit=limit, page=page)
            return Hypotheses(
                hypotheses=[Hypothesis.of(one) for one in found.ideas],
                counts={str(name): number for name, number in found.counts.items()},
                total=found.total,
                next=found.next,
            )

    @tool(tools, "Show a hypothesis", READS)
    def hypothesis_show(
        id: Annotated[str, Field(description="a part that only one has is enough")],  # noqa: A002
    ) -> HypothesisFacts:
        """One hypothesis: its reasons, its patch, and what its tests said."""
        with door.swarm() as swarm:
            idea = swarm.hypothesis(id)
            one = idea.hypothesis
            patch = block(one.patch, one.agent, "patch") if one.patch else None
            because = block(one.reasoning, one.agent, "reasoning")
            return HypothesisFacts(hypothesis=Hypothesis.of(idea), because=because, patch=patch)

    @tool(tools, "Withdraw a hypothesis", WRITES)
    def hypothesis_withdraw(id: str, reason: str | None = None) -> Withdrawn:  # noqa: A002
        """Take a hypothesis of yours back."""
        with door.swarm() as swarm:
            return withdrawn(swarm.withdraw(swarm.hypothesis(id).hypothesis.id, reason))


def _add_insights(tools: list[Tool], door: Door) -> None:
    @tool(tools, "Tell what you have learned", WRITES)
    def insight_add(
        text: Annotated[str, Field(description="what was learned, why, and what follows from it")],
        evidence: Evidence = None,
        expects: Annotated[
            Literal["keep", "discard", "noise"],
            Field(description="the verdict that it foretells for experiments which cite it"),
        ] = "keep",
        anyway: Annotated[bool, Field(description="although somebody has said so")] = False,
    ) -> Told:
        """After every experiment: say what it taught you, so that nobody has to learn it again."""
        with door.swarm() as swarm:
            answer = swarm.learn(
                text, evidence=evidence or (), expects=_EXPECTS[expects], anyway=anyway
            )
            return told(answer)

    @tool(tools, "List insights", READS)
    def insight_list(
        agent: str | None = None,
        text: Annotated[str | None, Field(description="words that they hold")] = None,
        standing: Literal["untested", "supported", "contradicted", "undecided"] | None = None,
        limit: Limit = 20,
        page: Page = None,
    ) -> Insights:
        """What was learned, the newest first, and whether later results bear it out."""
        with door.swarm() as swarm:
            found = swarm.insights(
                agent=agent, text=text, standing=standing, limit=limit, page=page
            )
            insights = [Insight.of(one) for one in found.insights]
            return Insights(insights=insights, total=found.total, next=found.next)

    @tool(tools, "Show an insight", READS)
    def insight_show(
        id: Annotated[str, Field(description="a part that only one has is enough")],  # noqa: A002
    ) -> InsightFacts:
        """One insight in full."""
        with door.swarm() as swarm:
            learned = swarm.insight(id)
            one = learned.insight
            in_full = block(one.text, one.agent, "insight")
            return InsightFacts(insight=Insight.of(learned), in_full=in_full)

    @tool(tools, "Withdraw an insight", WRITES)
    def insight_withdraw(id: str, reason: str | None = None) -> Withdrawn:  # noqa: A002
        """Take an insight of yours back."""
        with door.swarm() as swarm:
            return withdrawn(swarm.withdraw(swarm.insight(id).insight.id, reason))


def told(answer: TellOutcome) -> Told:
    """What became of a hypothesis or an insight."""
    match answer:
        case OnHub(record=record, notes=notes):
            return Told(outcome="told", id=record.id, notes=[*notes])
        case Kept(record=record, reason=why):
            return Told(outcome="queued", id=record.id, reason=why)
        case Known(other=other, reason=why):
            said = _said(other)
            return Told(outcome="known", id=None, other=said, other_id=other.id, reason=why)
        case NotTold(reason=why, hint=hint):
            return Told(outcome="refused", id=None, reason=f"{why}; {hint}")


def _said(record: HypothesisRecord | InsightRecord) -> str:
    return record.title if isinstance(record, HypothesisRecord) else record.text


def withdrawn(answer: TakenBack) -> Withdrawn:
    """What became of a record that was taken back."""
    return Withdrawn(id=answer.id, kind=answer.kind, queued=answer.queued, reason=answer.reason)
