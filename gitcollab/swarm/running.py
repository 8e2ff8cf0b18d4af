"""One experiment from end to end: propose, claim, run, publish, and keep or revert."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from gitcollab.errors import GitcollabError, RefusedError, UsageError
from gitcollab.records import codec
from gitcollab.records.models import Claim, Result, Task, sha256
from gitcollab.records.names import short_hash, slug
from gitcollab.similarity.program import fingerprint
from gitcollab.swarm import claiming
from gitcollab.swarm.datasets import environment_of
from gitcollab.swarm.identity import key_of
from gitcollab.swarm.measuring import Measurement, measure, read_log
from gitcollab.swarm.member import Member
from gitcollab.swarm.outcomes import (
    ClaimOutcome,
    Duplicate,
    Granted,
    Offline,
    Published,
    PublishOutcome,
    Queued,
    Refused,
    RunReport,
    Taken,
)
from gitcollab.swarm.proposal import Proposal, propose
from gitcollab.swarm.ranking import Standings
from gitcollab.swarm.reports import RunProgress
from gitcollab.swarm.runs import Run
from gitcollab.swarm.workspace import Base

Progress = Callable[[RunProgress], None]


def run(
    member: Member,
    what: str | None = None,
    *,
    set_values: Mapping[str, str] | None = None,
    seed: int | None = None,
    anyway: bool = False,
    progress: Progress = lambda _: None,
) -> RunReport:
    """Claim, run and publish what the working program changes against its base.

    Whatever happened is published. ^C ends the program, gives the claim back, undoes
    ``set_values`` and is raised again. ``anyway`` repeats what has been done before. Raises
    GitcollabError where nothing could be begun.
    """
    with member.workspace.one_run():
        return _run(member, what, set_values, seed, anyway, progress)


def _run(
    member: Member,
    what: str | None,
    set_values: Mapping[str, str] | None,
    seed: int | None,
    anyway: bool,
    progress: Progress,
) -> RunReport:
    task = member.task
    before = member.workspace.program(task)
    environment_of(task)  # what is missing here is better said before anything is claimed
    spoken = _spoken(member, before) if not set_values else None
    if what is None and spoken is not None:
        what = spoken.description
    plan = proposal_of(member, task, before, what, set_values, seed)
    progress(RunProgress("claim", plan.experiment.description))
    claimed = _claim(member, plan, spoken, anyway)
    if isinstance(claimed, Taken | Duplicate | Refused):
        return _refused(claimed)
    holder = claimed.claim if isinstance(claimed, Granted) else None
    try:
        if plan.program != before:
            member.workspace.write_program(task, plan.program)
        measured, holder = _measure(member, task, plan, holder, progress)
    except GitcollabError as e:  # no such command, a full disk
        _undo(member, task, plan, before, holder)
        return RunReport("failed", error=e.message, hint=e.hint, claim=claimed)
    except BaseException:
        _undo(member, task, plan, before, holder)
        raise
    progress(RunProgress("publish", plan.experiment.description))
    result = _result(member, task, plan, measured, holder, plan.seed)
    outcome = publish(member, result, _files(plan.program, measured))
    report = _report(member, outcome, measured, claimed)
    return _keep_or_revert(member, task, plan, report)


def _spoken(member: Member, text: str) -> Claim | None:
    """The claim in words that an edited program carries out."""
    base = member.workspace.base()
    if base is not None and fingerprint(base.text) == fingerprint(text):
        return None
    return claiming.announced(member)


def proposal_of(
    member: Member,
    task: Task,
    text: str,
    what: str | None,
    set_values: Mapping[str, str] | None,
    seed: int | None,
) -> Proposal:
    """What the program ``text`` is as an experiment against this workspace's base."""
    base = member.workspace.base() or Base(None, text)
    return propose(
        text,
        base,
        lambda fingerprint: member.runs_of(task, fingerprint),
        what,
        set_values=set_values,
        seed=seed,
        python=task.program.endswith(".py"),
    )


def _claim(member: Member, plan: Proposal, spoken: Claim | None, anyway: bool) -> ClaimOutcome:
    """Claim the experiment, or use the claim that announced it in words."""
    if spoken is not None and spoken.description == plan.experiment.description:
        return claiming.refine(member, spoken, plan.experiment, anyway=anyway)
    return claiming.claim(member, plan.experiment, seed=plan.seed, anyway=anyway)


def _refused(claimed: Taken | Duplicate | Refused) -> RunReport:
    match claimed:
        case Taken(other=other, reason=why):
            error = f"{other.agent} is running this experiment now ({why})"
            hint = "change something else, or wait until its claim expires"
        case Duplicate(other=other, reason=why):
            error = f"{other.agent} has done this experiment ({why}): {other.id}"
            hint = f"read it with: gitcollab show {other.id}; to repeat it, add --anyway"
        case Refused(reason=why):
            error, hint = f"the claim was refused: {why}", "run: gitcollab sync, then try again"
    return RunReport("refused", error=error, hint=hint, claim=claimed)


def _measure(
    member: Member, task: Task, plan: Proposal, holder: Claim | None, progress: Progress
) -> tuple[Measurement, Claim | None]:
    renewal = claiming.Renewal(member, holder) if holder else None
    now = member.clock()
    folder = member.workspace.new_run(now, slug(plan.experiment.description, 32))
    try:
        measured = measure(
            task,
            folder,
            plan.program,
            plan.seed,
            hidden=member.places(),
            started_at=now,
            description=plan.experiment.description,
            progress=progress,
            tick=renewal.tick if renewal else lambda: None,
        )
    finally:
        if renewal:  # a renewal under way must not land after the claim was given back
            holder = renewal.finish()
    return measured, holder


def _undo(member: Member, task: Task, plan: Proposal, before: str, holder: Claim | None) -> None:
    """Nothing came of it: the program as it was, the claim given back."""
    with suppress(GitcollabError):
        if member.workspace.program(task) == plan.program:
            member.workspace.write_program(task, before)
    _give_back(member, holder)


def _give_back(member: Member, holder: Claim | None) -> None:
    """Release the claim, as far as possible: it expires by itself when the hub is away."""
    if holder is not None:
        with suppress(GitcollabError):
            claiming.release(member, holder.id)


def _files(program: str, measured: Measurement) -> dict[str, str]:
    files = {"train.py": program, "log.txt": measured.log, "curve.csv": measured.curve}
    return {name: text for name, text in files.items() if text}


def _result(
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
        "metrics": _recordable(measured.metrics),
        "seed": seed,
        "task": task.digest,
        "hardware": member.hardware,
        "environment": environment_of(task),
        "experiment": holder.id if holder else key_of(experiment, plan.seed),
        "claim": holder.nonce if holder else None,
        "started_at": measured.started_at,
        "wall_seconds": measured.wall_seconds,
        "files": {n: sha256(t.encode()) for n, t in _files(plan.program, measured).items()},
    }
    return member.sign(Result.model_validate(fields))


def _recordable(metrics: Mapping[str, float]) -> dict[str, float]:
    return dict(list(metrics.items())[:64])


def publish(member: Member, result: Result, files: Mapping[str, str]) -> PublishOutcome:
    """Deliver a result, or leave it in the outbox until the hub is back. Only a yes is a yes."""
    record = codec.to_mapping(result)
    request = member.request("publish", {"result": record, "files": dict(files)})
    outcome = member.submit(request)[0]
    reason = str(outcome.get("reason", ""))
    match outcome["outcome"]:
        case "published":
            _let_go(member, result)
            where = member.standings([result])
            return Published(
                result,
                where.verdict(Run.of(result)),
                _leads(where, result),
                _unbelieved(where, result),
            )
        case "queued":
            _let_go(member, result)
            return Queued(result, reason)
        case other:
            return Refused(result.experiment or "", reason or str(other))


def _let_go(member: Member, result: Result) -> None:
    if result.experiment:
        member.workspace.let_go(result.experiment)


def _leads(where: Standings, result: Result) -> bool:
    return where.best is not None and result.id in where.best.runs


def _unbelieved(where: Standings, result: Result) -> bool:
    group = where.group_of(Run.of(result))
    return group is not None and group.flagged


def _report(
    member: Member,
    outcome: PublishOutcome,
    measured: Measurement,
    claimed: ClaimOutcome | None,
) -> RunReport:
    report = RunReport("published", error=measured.failure, hint=measured.hint, claim=claimed)
    notes: tuple[str, ...] = ()
    if isinstance(claimed, Offline):
        notes = (f"the hub is away ({claimed.reason}): this ran unclaimed",)
    match outcome:
        case Published(result=result, verdict=verdict, is_best=is_best, flagged=flagged):
            if flagged:
                notes = (
                    *notes,
                    "a gain this large in one step ranks once another agent confirms it",
                )
            if member.task.digest != result.task:
                notes = (*notes, "the hub's task changed meanwhile: this ranks under the old one")
            return replace(report, result=result, verdict=verdict, is_best=is_best, notes=notes)
        case Queued(result=result, reason=reason):
            notes = (*notes, f"queued on this host ({reason}); gitcollab sync delivers it")
            return replace(report, outcome="queued", result=result, notes=notes)
        case Refused(reason=reason):
            error = f"the hub refused the result: {reason}"
            hint = "the result is kept on this host; see: gitcollab status"
            if isinstance(claimed, Granted):
                _give_back(member, claimed.claim)
            return replace(report, outcome="refused", error=error, hint=hint)


def _keep_or_revert(member: Member, task: Task, plan: Proposal, report: RunReport) -> RunReport:
    """Keep a better program as the new base; put any other aside and go back to the base."""
    result = report.result
    if result is None or plan.unchanged:
        return report
    if report.outcome == "queued":  # alone, an agent still knows what is better
        where = member.standings([result])
        report = replace(
            report, verdict=where.verdict(Run.of(result)), is_best=_leads(where, result)
        )
    if report.verdict == "better" or (report.verdict is None and report.is_best):
        member.workspace.set_base(Base(result.id, plan.program))
        notes = report.notes
        if report.verdict is None:
            notes = (*notes, "its base was never run on this tier, so there is no verdict")
        return replace(report, kept=True, notes=notes)
    return _revert(member, task, plan, report)


def _revert(member: Member, task: Task, plan: Proposal, report: RunReport) -> RunReport:
    workspace = member.workspace
    base = workspace.base()
    assert report.result is not None
    if base is None:
        return report
    aside = workspace.set_aside(plan.program, report.result.id.split("/")[1])
    if workspace.program(task) != plan.program:
        note = f"{task.program} was edited during the run and is left as it is"
        return replace(report, kept=False, notes=(*report.notes, note))
    workspace.write_program(task, base.text)
    note = f"{task.program} is back at its base; this version is in {_near(aside, workspace.root)}"
    return replace(report, kept=False, notes=(*report.notes, note))


def _near(path: Path, root: Path) -> str:
    return str(path.relative_to(root))


def publish_log(
    member: Member,
    log: Path,
    *,
    what: str | None = None,
    program: Path | None = None,
    status: Literal["ok", "crash", "timeout"] | None = None,
    seed: int | None = None,
) -> RunReport:
    """Publish a run that was made by hand, from its log; the working program stays as it is."""
    task = member.task
    text = _program_text(program) if program else member.workspace.program(task)
    spoken = _spoken(member, text)
    if what is None and spoken is not None:
        what = spoken.description
    plan = proposal_of(member, task, text, what, None, seed)
    failure = f"reported as {status}" if status in ("crash", "timeout") else ""
    measured = read_log(
        task, log, log.absolute().parent, status or "ok", failure, hidden=member.places()
    )
    if measured.status == "crash" and status in (None, "ok"):
        raise GitcollabError(
            f"{log}: {measured.failure}", "to publish it as a crash, add --status crash"
        )
    _refuse_twice(member, measured)
    used = _seed_said(measured) if seed is None else seed
    holder = claiming.held(member, plan.experiment, key_of(plan.experiment, plan.seed))
    if holder is None and spoken and spoken.description == plan.experiment.description:
        holder = spoken
    result = _result(member, task, plan, measured, holder, used)
    return _report(member, publish(member, result, _files(text, measured)), measured, None)


def _refuse_twice(member: Member, measured: Measurement) -> None:
    """One log is one run: publishing it again would feign a replicate."""
    digest = sha256(measured.log.encode())
    if measured.log and (known := member.with_log(digest)):
        raise RefusedError(f"this log has been published: {known}", f"see: gitcollab show {known}")


def _seed_said(measured: Measurement) -> int | None:
    """The seed that a run made by hand says it had."""
    said = measured.metrics.get("seed")
    return int(said) if said is not None and said.is_integer() and abs(said) < 2**53 else None


def _program_text(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as e:
        raise UsageError(f"the program {path} cannot be read: {e}") from e
