"""What came of a mind's thought, as plain data: for its next thoughts, and to learn from."""

from __future__ import annotations

import math
from typing import Any

from gitcollab.errors import GitcollabError
from gitcollab.records.quoting import line
from gitcollab.similarity.program import fingerprint
from gitcollab.swarm.claims import active
from gitcollab.swarm.engine.mind.thought import Thought
from gitcollab.swarm.identity import key_of, same_finished, same_now
from gitcollab.swarm.member import Member
from gitcollab.swarm.outcomes import Duplicate, RunReport, Taken
from gitcollab.swarm.proposal import propose
from gitcollab.swarm.runs import Run

_MOST_WORDS = 500


def is_of(thought: Thought, report: RunReport) -> bool:
    """Whether a report is of the thought; where nothing was chosen, and nothing run, it may be.

    Who is told that others did it first may run theirs once more: that is no thought of its own.
    """
    if report.kind is not None:
        return report.kind == "thought"
    result = report.result
    return result is None or (
        result.replicates is None and result.fingerprint == fingerprint(thought.program)
    )


def not_run(member: Member, thought: Thought) -> dict[str, Any]:
    """The outcome of a thought in whose place something else was run: as far as is known, why."""
    return _fields(thought) | {"outcome": "not run", "error": _words(_in_the_way(member, thought))}


def _in_the_way(member: Member, thought: Thought) -> str:
    """Who had the thought first, or why nobody can run it."""
    task, snapshot = member.task, member.store.snapshot()
    python = task.program.endswith(".py")
    try:
        plan = propose(
            thought.program,
            thought.base,
            lambda print_of: member.runs_of(task, print_of),
            thought.description,
            python=python,
        )
    except GitcollabError as e:
        return e.message
    mine = plan.experiment
    for done in sorted(member.related(mine), key=lambda result: result.created_at):
        if why := same_finished(mine, done, member.tier, task.digest, member.words):
            return f"{done.agent} has done it ({why}): {done.id}"
    for claim in active(snapshot):
        if why := same_now(mine, claim, key_of(mine), member.words):
            return f"{claim.agent} is doing it ({why})"
    return ""


def outcome_of(member: Member, thought: Thought, report: RunReport) -> dict[str, Any]:
    """What came of a thought.

    ``outcome`` is as in ``RunReport``; metrics are in the task's unit, ``gain`` is positive where
    it is better than its base (the means of all runs so far), None where there is nothing to
    compare. ``other`` is the result, or the claim, that was there first. Words are on one line each
    and cut: they may be others'.
    """
    fields = _fields(thought) | {
        "outcome": report.outcome,
        "metric_name": member.task.metric.name,
        "direction": member.task.metric.direction,
        "verdict": report.verdict,
        "is_best": report.is_best,
        "kept": report.kept,
        "error": _words(report.error),
        "hint": _words(report.hint),
    }
    if isinstance(report.claim, Duplicate | Taken):
        fields["other"] = report.claim.other.id
    return fields | _measured(member, report)


def _fields(thought: Thought) -> dict[str, Any]:
    said = None if thought.description is None else _words(thought.description)
    return {"description": said, "base": thought.base.id}


def _measured(member: Member, report: RunReport) -> dict[str, Any]:
    """What was measured, and how that stands."""
    result = report.result
    if result is None:
        return {}
    where, run = member.standings([result]), Run.of(result)
    mine, base = where.group_of(run), where.base_of(run)
    gain = None if mine is None or base is None else (base.mean - mine.mean) * member.task.sign
    return {
        "result": result.id,
        "description": _words(result.description),
        "status": result.status,
        "failure": _words(result.failure or ""),
        "metric": _number(result.metric),
        "base_metric": None if base is None else _number(base.mean),
        "gain": _number(gain),
        "standing": None if mine is None else mine.standing,
        "runs": 0 if mine is None else mine.n,
    }


def _number(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _words(text: str) -> str:
    return line(text)[:_MOST_WORDS]
