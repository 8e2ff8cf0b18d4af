"""A run's result: made, signed, delivered to the hub, and what the hub said to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gitcollab.records import codec
from gitcollab.records.models import Claim, Result, Task, sha256
from gitcollab.records.names import short_hash, slug
from gitcollab.store.requests import Outcome, Request
from gitcollab.swarm.claiming import give_back
from gitcollab.swarm.datasets import environment_of
from gitcollab.swarm.effects import effect
from gitcollab.swarm.ideas.unsent import submit_with_named
from gitcollab.swarm.identity import key_of
from gitcollab.swarm.measuring import Measurement
from gitcollab.swarm.member import Member
from gitcollab.swarm.outcomes import (
    ClaimOutcome,
    Granted,
    Offline,
    Published,
    PublishOutcome,
    Queued,
    Refused,
    RunReport,
    Taken,
)
from gitcollab.swarm.proposal import Proposal
from gitcollab.swarm.ranking import Standings
from gitcollab.swarm.runs import Run

_MOST_METRICS = 64


def files_of(program: str, measured: Measurement) -> dict[str, str]:
    """The texts that are published beside the result, by name."""
    files = {"train.py": program, "log.txt": measured.log, "curve.csv": measured.curve}
    return {name: text for name, text in files.items() if text}


def result_of(
    member: Member,
    task: Task,
    plan: Proposal,
    measured: Measurement,
    holder: Claim | None,
    seed: int | None,
) -> Result:
    """The signed record of a run."""
    nonce = member.nonce()
    experiment = plan.experiment
    stem = f"{slug(experiment.description)}-{short_hash(nonce, length=8)}"
    fields: dict[str, Any] = experiment.model_dump() | {
        "id": f"{member.config.agent}/{stem}",
        "agent": member.config.agent,
        "created_at": member.now(member.store.snapshot()),
        "nonce": nonce,
        "status": measured.status,
        "metric": measured.metric,
        "failure": measured.failure or None,
        "metrics": dict(list(measured.metrics.items())[:_MOST_METRICS]),
        "seed": seed,
        "task": task.digest,
        "hardware": member.hardware,
        "environment": environment_of(task),
        "experiment": holder.id if holder else key_of(experiment, plan.seed),
        "claim": holder.nonce if holder else None,
        "anyway": holder.anyway if holder else None,
        "hypothesis": experiment.hypothesis or (holder.hypothesis if holder else None),
        "cites": experiment.cites or (holder.cites if holder else None),
        "started_at": measured.started_at,
        "wall_seconds": measured.wall_seconds,
        "files": {n: sha256(t.encode()) for n, t in files_of(plan.program, measured).items()},
    }
    return member.sign(Result.model_validate(fields))


def request_of(member: Member, result: Result, files: Mapping[str, str]) -> Request:
    """The request that delivers the result; it waits in the outbox while the hub is away."""
    return member.request("publish", {"result": codec.to_mapping(result), "files": dict(files)})


def publish(member: Member, result: Result, files: Mapping[str, str]) -> PublishOutcome:
    """Deliver a result, or leave it in the outbox until the hub is back."""
    (answer,) = submit_with_named(member, [result], request_of(member, result, files))
    return outcome_of(member, result, answer)


def outcome_of(member: Member, result: Result, answer: Outcome) -> PublishOutcome:
    """The store's answer as a value. Only a yes is a yes."""
    reason = str(answer.get("reason", ""))
    match answer["outcome"]:
        case "published":
            _let_go(member, result)
            where, run = member.standings([result]), Run.of(result)
            return Published(
                result,
                where.verdict(run),
                leads(where, result),
                _unbelieved(where, run),
                effect(where, run),
            )
        case "queued":
            _let_go(member, result)
            return Queued(result, reason)
        case other:
            return Refused(result.experiment or "", reason or str(other))


def _let_go(member: Member, result: Result) -> None:
    if result.experiment:
        member.workspace.let_go(result.experiment)


def leads(where: Standings, result: Result) -> bool:
    """Whether the result is a run of the best program."""
    return where.best is not None and result.id in where.best.runs


def _unbelieved(where: Standings, run: Run) -> bool:
    group = where.group_of(run)
    return group is not None and group.flagged


def report_of(
    member: Member, outcome: PublishOutcome, measured: Measurement, claimed: ClaimOutcome | None
) -> RunReport:
    """What the user is told; the claim of a result that the hub refused is given back."""
    report = RunReport("published", error=measured.failure, hint=measured.hint, claim=claimed)
    notes: tuple[str, ...] = ()
    away = claimed.reason if isinstance(claimed, Offline) else None
    if away is not None and away != getattr(outcome, "reason", None):
        notes = (f"nothing could be claimed ({away}): this ran unclaimed",)
    if isinstance(claimed, Taken):
        notes = (f"{claimed.other.agent} runs this program too: this ran unclaimed",)
    match outcome:
        case Published(result=result, verdict=verdict, is_best=is_best):
            report = replace(report, effect=outcome.effect)
            if outcome.flagged:
                notes = (
                    *notes,
                    "a gain this large in one step ranks once another agent confirms it",
                )
            if member.task.digest != result.task:
                notes = (*notes, "the hub's task changed meanwhile: this ranks under the old one")
            return replace(report, result=result, verdict=verdict, is_best=is_best, notes=notes)
        case Queued(result=result, reason=reason):
            queued = (
                "queued on this host" if away != reason else "unclaimed, and queued on this host"
            )
            notes = (*notes, f"{queued} ({reason}); gitcollab sync delivers it")
            where = member.standings([result])  # alone, an agent still knows what is better
            run = Run.of(result)
            verdict, is_best = where.verdict(run), leads(where, result)
            found = replace(report, result=result, verdict=verdict, is_best=is_best, notes=notes)
            return replace(found, outcome="queued", effect=effect(where, run))
        case Refused(reason=reason):
            error = f"the hub refused the result: {reason}"
            hint = "the result is kept on this host; see: gitcollab outbox"
            if isinstance(claimed, Granted):
                give_back(member, claimed.claim)
            return replace(report, outcome="refused", error=error, hint=hint)
