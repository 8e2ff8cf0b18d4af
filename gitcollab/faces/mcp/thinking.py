"""Tools to think with: where the swarm stands, what it knows, what a result says."""

from __future__ import annotations

from typing import Annotated, Literal

from mcp.server.mcpserver.tools import Tool
from pydantic import Field

from gitcollab.faces.mcp.answer import Answer, Name, Part, Quoted, Words, plain
from gitcollab.faces.mcp.briefing import Briefing, briefing
from gitcollab.faces.mcp.declaring import READS, tool
from gitcollab.faces.mcp.door import Door
from gitcollab.faces.mcp.parts import Measured, Program, block
from gitcollab.faces.swarm import Swarm
from gitcollab.swarm.search.tried import Value

_LOG = 8_000  # characters of the end of a log
_CODE = 40_000  # characters of a difference, or of a program

ResultId = Annotated[str, Field(description="a result's id; a part that only one has is enough")]
Page = Annotated[str | None, Field(description="the `next` of the page before")]


class Hit(Part):
    """A record that answers; ``verdict`` says what became of it."""

    kind: Literal["result", "hypothesis", "insight", "claim"]
    id: Name
    agent: Name
    at: str
    text: Words
    changes: list[Words]
    metric: float | None
    verdict: str | None
    tier: Name | None
    score: float
    found_by: list[str]


class ValueTried(Part):
    """A value that a constant was set to by ``results``; the best of them, and how they ended."""

    constant: Words
    value: Words
    results: int
    best: float | None
    tier: Name | None
    gain: float | None
    best_result: Name | None
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
    pointers: list[Words] = Field(description="commands that answer what no record does")
    now: list[Words] = Field(description="what the constants that are named are now")
    tried: list[ValueTried]
    values: int = Field(
        description="how many values were tried; `tried` has the most tried of many"
    )
    other_values: bool = Field(description="nobody tried what was asked; these are what was tried")
    meaning: str = Field(description="what the sentence model did, or why it did nothing")
    hits: list[Hit]
    total: int
    next: Name | None


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


def add(tools: list[Tool], door: Door) -> None:
    """Add the tools to the others."""

    @tool(tools, "Where the swarm stands", READS)
    def think(
        full: Annotated[
            bool, Field(description="with more of everything, and longer words")
        ] = False,
    ) -> Briefing:
        """Begin here, and come back after every experiment: where you and the swarm stand.

        What is best, what was kept and what failed of late, who does what, which hypotheses are
        open, what was learned; and what to do next.
        """
        with door.swarm() as swarm:
            away = door.ask_hub()
            return briefing(swarm.member, away, full=full)

    @tool(tools, "Ask the swarm", READS)
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
                pointers=list(answer.pointers),
                now=[one.text for one in answer.now],
                tried=tried,
                values=answer.values,
                other_values=answer.other_values,
                meaning=plain(answer.meaning),
                hits=hits,
                total=answer.total,
                next=answer.next,
            )

    @tool(tools, "Show a result", READS)
    def show(
        result: ResultId,
        log: Annotated[bool, Field(description="with the end of its log")] = False,
        difference: Annotated[bool, Field(description="with what it changed in its base")] = False,
        program: Annotated[bool, Field(description="with its whole program")] = False,
    ) -> ResultFacts:
        """One result: what it changed, what it measured, what it is judged as."""
        with door.swarm() as swarm:
            return shown(swarm, result, log=log, difference=difference, program=program)


def shown(swarm: Swarm, wanted: str, *, log: bool, difference: bool, program: bool) -> ResultFacts:
    """A result with what is wanted beside it."""
    found = swarm.show(wanted)
    result = found.result
    return ResultFacts(
        result=Measured.of(result, found.group.standing if found.group else None),
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
