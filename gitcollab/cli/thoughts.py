"""How hypotheses and insights are told: outcomes, tables, and the JSON of both."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from gitcollab.cli import jsonout, render
from gitcollab.cli.context import open_swarm
from gitcollab.cli.table import LAST, Column, Row, table
from gitcollab.cli.text import fitted

if TYPE_CHECKING:
    from gitcollab.cli.jsonout import JsonObject
    from gitcollab.records.models import Hypothesis, Insight
    from gitcollab.swarm.ideas.hypotheses import Idea
    from gitcollab.swarm.ideas.insights import Learned
    from gitcollab.swarm.outcomes import TellOutcome
    from gitcollab.swarm.ranking import Standings
    from gitcollab.swarm.runs import Run

_REFUSED, _QUEUED = 4, 5
_OUTCOMES = {"Told": "told", "Known": "known", "Kept": "queued", "NotTold": "refused"}
_MARKS = {"better": "keep", "worse": "discard", "within noise": "noise"}
_EXPECTS = {"better": "keep", "worse": "discard", "within noise": "noise"}

_AGENT = Column("agent", 39, least=8)
_ID = Column("id", 10, drop=LAST + 1)


def told_code(answer: TellOutcome) -> int:
    """0 told, 5 queued, 4 known or refused."""
    return {"Told": 0, "Kept": _QUEUED}.get(type(answer).__name__, _REFUSED)


def tell(answer: TellOutcome, kind: str, program: str) -> None:
    """What became of a hypothesis or insight, on standard output, and what may be done next.

    ``program`` is what the task calls its program.
    """
    from gitcollab.swarm.outcomes import Kept, Known, NotTold, Told

    match answer:
        case Told(record=record, notes=notes):
            render.say("told:", record.id)
            for note in notes:
                render.say("note:", note)
            next_step(_tests(record, program))
        case Kept(record=record, reason=reason):
            render.say("queued:", record.id)
            render.say("note:", f"{reason}; gitcollab sync delivers it")
        case Known(other=other, reason=reason):
            render.say("known:", reason)
            render.pairs([(kind, gist(other)), ("id", other.id), ("by", other.agent)])
            shown = f"gitcollab {kind} show {render.short_id(other.id)}"
            next_step(f"{shown}; to tell it all the same, add --anyway")
        case NotTold(reason=reason, hint=hint):
            render.say("refused:", reason)
            next_step(hint)


def _tests(record: Hypothesis | Insight, program: str) -> str:
    """What puts a record to the test."""
    from gitcollab.records.models import Insight

    return how_to_cite(record) if isinstance(record, Insight) else how_to_try(record, program)


def how_to_cite(insight: Insight) -> str:
    """What puts an insight to the test."""
    return f"to put it to the test: gitcollab run --cites {render.short_id(insight.id)} ..."


def how_to_try(hypothesis: Hypothesis, program: str) -> str:
    """What carries out a hypothesis."""
    edit = "" if tries(hypothesis) else f"edit {program} to try it, then: "
    return f"{edit}gitcollab run --hypothesis {render.short_id(hypothesis.id)}"


def next_step(hint: str) -> None:
    """What may be done next, on standard error."""
    sys.stdout.flush()
    print(fitted(f"next: {hint}", sys.stderr), file=sys.stderr)


def gist(record: Hypothesis | Insight) -> str:
    """A record's own words, in a line."""
    return str(getattr(record, "title", None) or getattr(record, "text", ""))


def told(answer: TellOutcome, kind: str) -> JsonObject:
    """What became of a hypothesis or insight (``kind``); ``other`` is what was known before."""
    return {
        "outcome": _OUTCOMES[type(answer).__name__],
        kind: jsonout.record(getattr(answer, "record", None)),
        "other": jsonout.record(getattr(answer, "other", None)),
        "reason": getattr(answer, "reason", ""),
        "hint": getattr(answer, "hint", ""),
        "notes": list(getattr(answer, "notes", ())),
    }


def withdraw(
    record_id: str, reason: str | None, kind: Literal["hypothesis", "insight"], *, json: bool
) -> int:
    """Withdraw a record of the agent's, and say so; the exit code."""
    gone = open_swarm().withdraw(record_id, reason, kinds=(kind,))
    if json:
        jsonout.emit(jsonout.flat(gone))
        return _QUEUED if gone.queued else 0
    if gone.queued:
        render.say(f"queued: the withdrawal of {gone.id} ({gone.reason})")
        next_step("gitcollab sync delivers it")
        return _QUEUED
    render.say("withdrawn:", gone.id)
    return 0


# -- hypotheses ------------------------------------------------------------------------------------


def ideas(found: Sequence[Idea]) -> None:
    """A table of hypotheses."""
    columns = (
        Column("state", 12),
        Column("prio", 4, "right", drop=1),
        _AGENT,
        _ID,
        Column("hypothesis", None),
    )
    table(columns, [_idea(one) for one in found])


def _idea(one: Idea) -> Row:
    hypothesis = one.hypothesis
    more = f" (+{len(one.also)} alike)" if one.also else ""
    what = f" [{tries(hypothesis)}]" if tries(hypothesis) else ""
    return (
        "queued" if one.waiting else state(one),
        str(hypothesis.priority),
        hypothesis.agent,
        render.short_id(hypothesis.id),
        f"{hypothesis.title}{what}{more}",
    )


def state(one: Idea) -> str:
    """Where a hypothesis stands, in a word or two."""
    if one.outcome is not None:
        return "noise" if one.outcome == "within noise" else one.outcome
    return one.status


def tries(hypothesis: Hypothesis) -> str:
    """What a machine would change to try it; "" where its words alone say it."""
    from gitcollab.swarm.identity import change_text

    values = change_text(hypothesis.set) if hypothesis.set else ""
    return ", ".join(filter(None, ["a patch" if hypothesis.patch is not None else "", values]))


def idea(one: Idea, where: Standings) -> JsonObject:
    """A hypothesis's record with what became of it."""
    return (jsonout.record(one.hypothesis) or {}) | {
        "status": one.status,
        "outcome": one.outcome,
        "executable": bool(one.hypothesis.set) or one.hypothesis.patch is not None,
        "score": round(one.score, 4),
        "also": list(one.also),
        "queued": one.waiting,
        "unknown": list(one.unknown),
        "claims": jsonout.records(one.claims),
        "runs": [run(each, where) for each in one.runs],
        "related": [run(each, where) for each in one.related],
    }


# -- insights --------------------------------------------------------------------------------------


def insights(found: Sequence[Learned]) -> None:
    """A table of insights."""
    columns = (
        Column("standing", 12),
        Column("for", 4, "right", drop=1),
        Column("against", 7, "right", short="agst", drop=2),
        _AGENT,
        _ID,
        Column("insight", None),
    )
    table(columns, [_insight(one) for one in found])


def _insight(one: Learned) -> Row:
    return (
        "queued" if one.waiting else one.standing,
        str(one.support),
        str(one.against),
        one.insight.agent,
        render.short_id(one.insight.id),
        one.insight.text,
    )


def expected(insight: Insight) -> str:
    """The verdict that an insight foretells for what cites it, in people's words."""
    return _EXPECTS[insight.expects or "better"]


def learned(one: Learned, where: Standings) -> JsonObject:
    """An insight's record with what later results say of it."""
    return (jsonout.record(one.insight) or {}) | {
        "standing": one.standing,
        "support": one.support,
        "against": one.against,
        "queued": one.waiting,
        "runs": [run(each, where) for each in one.runs],
    }


# -- the runs that test them -----------------------------------------------------------------------


def runs(found: Sequence[Run], where: Standings, metric_name: str) -> None:
    """A table of results that test something, newest first."""
    columns = (
        Column(metric_name, 11, "right"),
        Column("verdict", 12),
        _AGENT,
        _ID,
        Column("change", None),
    )
    rows = [
        (
            render.figure(run.metric),
            verdict(run, where),
            run.agent,
            render.short_id(run.id),
            run.description,
        )
        for run in reversed(found)
    ]
    table(columns, rows)


def verdict(run: Run, where: Standings) -> str:
    """What became of a run, in a word."""
    if run.status != "ok":
        return run.status
    judged = where.judgement(run)
    return _MARKS.get(judged or "", judged or "-")


def run(one: Run, where: Standings) -> Mapping[str, object]:
    """A result that has to do with one, as JSON."""
    return {
        "id": one.id,
        "agent": one.agent,
        "description": one.description,
        "status": one.status,
        "metric": one.metric,
        "verdict": where.judgement(one),
    }
