"""Tools to think with: where the swarm stands, what it knows, what a result says."""

from __future__ import annotations

from typing import Annotated, Literal

from mcp.server.mcpserver import MCPServer
from pydantic import Field

from gitcollab.faces.mcp.answer import Answer, Part, Quoted, Words
from gitcollab.faces.mcp.door import READS, Door, plain, tool
from gitcollab.faces.mcp.parts import (
    Claimed,
    Hypothesis,
    Insight,
    Measured,
    Program,
    Tried,
    block,
)
from gitcollab.faces.swarm import Swarm
from gitcollab.records.models import Task
from gitcollab.swarm.maps.analysis import Analysis
from gitcollab.swarm.reports import Status
from gitcollab.swarm.search.tried import Value
from gitcollab.swarm.trend import Word
from gitcollab.swarm.trials import holds

_LOG = 8_000  # characters of the end of a log
_CODE = 40_000  # characters of a difference, or of a program

ResultId = Annotated[str, Field(description="a result's id; a part that only one has is enough")]
Page = Annotated[str | None, Field(description="the `next` of the page before")]


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
    gain: float | None
    noise: float | None
    experiments: int
    since_best: int | None = Field(description="experiments since another program took the lead")


class Briefing(Answer):
    """Where you and the swarm stand, and what to do next. Lists are short, the newest first."""

    next_step: str
    agent: str
    admission: str | None
    task: TaskFacts
    tier: str = Field(description="of this machine: results compare within a tier")
    online: bool = Field(description="whether the hub could be asked")
    offline_reason: str
    best: Program | None
    best_of_tier: Program | None
    working_program: str
    trend: TrendFacts
    kept: list[Tried]
    failed: list[Tried]
    worth_replicating: list[Program]
    claims: list[Claimed]
    mine: list[str] = Field(description="the experiments that you have claimed")
    hypotheses: list[Hypothesis]
    open_hypotheses: int
    insights: list[Insight]
    waiting: int = Field(description="records of this host that wait for the hub")
    refused: int = Field(description="records that were refused: `gitcollab outbox` says why")


class Hit(Part):
    """A record that answers; ``verdict`` says what became of it."""

    kind: Literal["result", "hypothesis", "insight", "claim"]
    id: str
    agent: str
    at: str
    text: Words
    changes: list[Words]
    metric: float | None
    verdict: str | None
    tier: str | None
    score: float
    found_by: list[str]


class ValueTried(Part):
    """A value that a constant was set to by ``results``; the best of them, and how they ended."""

    constant: Words
    value: Words
    results: int
    best: float | None
    tier: str | None
    gain: float | None
    best_result: str | None
    verdicts: dict[str, int]

    @classmethod
    def of(cls, one: Value) -> ValueTried:
        """The value as a part."""
        return cls(
            constant=one.constant,
            value=one.value,
            results=one.n,
            best=one.best,
            tier=one.tier,
            gain=one.gain,
            best_result=one.id,
            verdicts={str(mark): number for mark, number in one.verdicts.items()},
        )


class Found(Answer):
    """What the swarm knows of a question, the best match first."""

    understood: list[Words]
    tried: list[ValueTried]
    values: int = Field(
        description="how many values were tried; `tried` has the most tried of many"
    )
    other_values: bool = Field(description="nobody tried what was asked; these are what was tried")
    meaning: str = Field(description="what the sentence model did, or why it did nothing")
    hits: list[Hit]
    total: int
    next: str | None


class ResultFacts(Answer):
    """A result with what was asked for beside it."""

    result: Measured
    verdict: str | None
    program_runs: Program | None = Field(description="all runs of its program")
    void: str | None = Field(description="why it does not count")
    signature_ok: bool | None
    log: Quoted | None
    difference: Quoted | None
    program: Quoted | None


def add(server: MCPServer, door: Door) -> None:
    """Add the tools to the server."""

    @tool(server, "Where the swarm stands", READS)
    def think() -> Briefing:
        """Begin here, and come back after every experiment: where you and the swarm stand.

        What is best, what was kept and what failed of late, who does what, which hypotheses are
        open, what was learned; and the next step.
        """
        with door.swarm() as swarm:
            return briefing(swarm, door.ask_hub(swarm))

    @tool(server, "Ask the swarm", READS)
    def ask(
        question: Annotated[str, Field(description="as in: MATRIX_LR above 0.05; what failed?")],
        where: Literal["results", "hypotheses", "insights", "claims"] | None = None,
        limit: Annotated[int, Field(ge=1, le=100)] = 10,
        page: Page = None,
    ) -> Found:
        """What the swarm knows of a question: records with their values and verdicts.

        Constants are understood by name, by what the field calls them, and by value. Where the
        question is about constants, `tried` sums up each value that they were given.
        """
        with door.swarm() as swarm:
            answer = swarm.ask(question, where=where, limit=limit, page=page)
            hits = [
                Hit(
                    kind=hit.kind,
                    id=hit.id,
                    agent=hit.agent,
                    at=hit.at,
                    text=hit.text,
                    changes=[f"{c.name}: {c.before or '?'} → {c.after}" for c in hit.changes],
                    metric=hit.metric,
                    verdict=hit.verdict,
                    tier=hit.tier,
                    score=hit.score,
                    found_by=list(hit.by),
                )
                for hit in answer.hits
            ]
            tried = [ValueTried.of(one) for one in answer.tried]
            understood = list(answer.understood)
            return Found(
                understood=understood,
                tried=tried,
                values=answer.values,
                other_values=answer.other_values,
                meaning=plain(answer.meaning),
                hits=hits,
                total=answer.total,
                next=answer.next,
            )

    @tool(server, "Show a result", READS)
    def show(
        result: ResultId,
        log: Annotated[bool, Field(description="with the end of its log")] = False,
        difference: Annotated[bool, Field(description="with what it changed in its base")] = False,
        program: Annotated[bool, Field(description="with its whole program")] = False,
    ) -> ResultFacts:
        """One result: what it changed, what it measured, what it is judged as."""
        with door.swarm() as swarm:
            return shown(swarm, result, log=log, difference=difference, program=program)


def briefing(swarm: Swarm, offline: str) -> Briefing:
    """Where things stand; ``offline`` is why the hub could not be asked, or empty."""
    status, found, member = swarm.status(), swarm.analyze(), swarm.member
    tier, trend = member.tier, found.trend
    of_tier = found.by_tier.get(tier)
    return Briefing(
        next_step=next_step(status, found, running=bool(holds(member.workspace, member.task))),
        agent=status.agent,
        admission=status.admission,
        task=TaskFacts.of(swarm.task),
        tier=tier,
        online=not offline,
        offline_reason=offline,
        best=Program.of(found.best) if found.best else None,
        best_of_tier=Program.of(of_tier) if of_tier else None,
        working_program=plain(status.program),
        trend=TrendFacts(
            word=trend.word,
            gain=trend.gain,
            noise=trend.noise,
            experiments=trend.experiments,
            since_best=trend.since,
        ),
        kept=[Tried.of(one) for one in found.kept],
        failed=[Tried.of(one) for one in found.failed],
        worth_replicating=[Program.of(one) for one in found.replicate],
        claims=[Claimed.of(one) for one in found.claims[:20]],
        mine=[one.id for one in status.mine],
        hypotheses=[Hypothesis.of(one) for one in found.hypotheses.ideas],
        open_hypotheses=found.hypotheses.counts.get("open", 0),
        insights=[Insight.of(one) for one in found.insights.insights],
        waiting=len(status.queued),
        refused=len(status.refused),
    )


def next_step(status: Status, found: Analysis, *, running: bool) -> str:
    """What to do next, in the names of tools; it holds no words of others."""
    if running:
        return "an experiment is running here: wait for it, and ask or propose meanwhile"
    if status.admission == "suspended":
        return "you are suspended: tell the people you work for"
    if status.refused:
        return "tell the people you work for that something was refused (gitcollab outbox)"
    if status.mine:
        return "you hold a claim: make its change in the program, then run"
    if status.program.startswith("your edits"):
        return "the program has edits that were not run: run, with what you changed in a few words"
    if found.best is None:
        return "run, without any change: nobody has run the baseline"
    if any(idea.hypothesis.set or idea.hypothesis.patch for idea in found.hypotheses.ideas):
        return "run an open hypothesis (its runs_as_it_is is true), or one change of your own"
    return "choose one change that nobody has tried (ask), then run; then insight_add"


def shown(swarm: Swarm, wanted: str, *, log: bool, difference: bool, program: bool) -> ResultFacts:
    """A result with what is wanted beside it."""
    found = swarm.show(wanted)
    result = found.result
    return ResultFacts(
        result=Measured.of(result),
        verdict=found.verdict,
        program_runs=Program.of(found.group) if found.group else None,
        void=found.void,
        signature_ok=found.signature_ok,
        log=block(found.log[-_LOG:], result.agent, "log") if log and found.log else None,
        difference=_difference(swarm, result.id, result.agent) if difference else None,
        program=_code(found.program, result.agent) if program else None,
    )


def _code(program: str, agent: str) -> str | None:
    return block(program[:_CODE], agent, "program") if program else None


def _difference(swarm: Swarm, result_id: str, agent: str) -> str:
    return block(swarm.diff(result_id)[:_CODE], agent, "difference")
