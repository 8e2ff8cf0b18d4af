"""One experiment from end to end: propose, claim, run, publish, and keep or revert."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from gitcollab.errors import GitcollabError, UsageError
from gitcollab.records.models import Claim, Result, Task
from gitcollab.records.names import slug
from gitcollab.similarity.peeking import notes
from gitcollab.similarity.program import fingerprint
from gitcollab.swarm import claiming, confinement, patching, trials
from gitcollab.swarm.authorship import PATCHER, additions_by, mark
from gitcollab.swarm.confinement import Confinement
from gitcollab.swarm.datasets import check_data
from gitcollab.swarm.delivering import files_of, leads, publish, report_of, result_of
from gitcollab.swarm.measuring import Measurement, measure
from gitcollab.swarm.member import Member
from gitcollab.swarm.outcomes import (
    ClaimOutcome,
    Duplicate,
    Granted,
    Offline,
    PublishOutcome,
    Refused,
    RunReport,
    Taken,
)
from gitcollab.swarm.proposal import (
    NothingToTry,
    Proposal,
    announced_change,
    contradiction,
    propose,
    says_a_change,
)
from gitcollab.swarm.reports import RunProgress
from gitcollab.swarm.runs import Run
from gitcollab.swarm.workspace import Base, Mode

Progress = Callable[[RunProgress], None]


@dataclass(frozen=True)
class Ready:
    """An experiment that is to be run: claimed; or not claimed, and worth a run all the same.

    That is so when the hub is away, and for another run of a program that somebody is running.
    ``before`` is the working program that the experiment may change; None leaves it alone.
    """

    task: Task
    plan: Proposal
    claimed: Granted | Offline | Taken
    confinement: Confinement
    before: str | None = None
    notes: tuple[str, ...] = ()
    by: tuple[str, ...] = ()  # others who wrote what the program adds to its base
    base: Base | None = None  # of the workspace, before the run


@dataclass(frozen=True)
class Ran:
    """An experiment that was run, and its result, which nobody else has seen yet."""

    ready: Ready
    measured: Measurement
    result: Result

    @property
    def files(self) -> dict[str, str]:
        """The texts that are published beside the result, by name."""
        return files_of(self.ready.plan.program, self.measured)


def run(
    member: Member,
    what: str | None = None,
    *,
    set_values: Mapping[str, str] | None = None,
    patch: str | None = None,
    seed: int | None = None,
    anyway: bool = False,
    sandbox: Mode | None = None,
    progress: Progress = lambda _: None,
) -> RunReport:
    """Claim, run and publish what the working program changes against its base.

    Whatever happened is published. ^C ends the program, gives the claim back, undoes ``patch``
    and ``set_values`` and is raised again. ``anyway`` repeats what has been done before;
    ``sandbox`` is the workspace's mode unless given. Raises GitcollabError where nothing could be
    begun, and RefusedError where that takes a sandbox and there is none, or the patch does not fit.
    """
    with member.workspace.one_run():
        ready = prepare(member, what, set_values, patch, seed, anyway, sandbox, progress)
        if isinstance(ready, RunReport):
            return ready
        ran = perform(member, ready, progress)
        if isinstance(ran, RunReport):
            return ran
        progress(RunProgress("publish", ready.plan.experiment.description))
        return conclude(member, ran, publish(member, ran.result, ran.files))


# -- before the run --------------------------------------------------------------------------------


def prepare(
    member: Member,
    what: str | None,
    set_values: Mapping[str, str] | None,
    patch: str | None,
    seed: int | None,
    anyway: bool,
    sandbox: Mode | None,
    progress: Progress,
) -> Ready | RunReport:
    """Claim what the working program changes; a report when somebody else has it or did it."""
    task = member.task
    recovered = trials.recover(member, task)
    before = member.workspace.program(task)
    check_data(member, task)  # what is missing here is better said before anything is claimed
    spoken = spoken_claim(member, before) if not (set_values or patch) else None
    if what is None and spoken is not None:
        what = spoken.description
    plan = proposal_of(member, task, before, what, set_values, patch, seed)
    by = (*additions_by(member, before, plan.experiment), *((PATCHER,) if patch else ()))
    confined = confinement.decide(member, plan.experiment, sandbox, by=by)
    progress(RunProgress("claim", plan.experiment.description))
    told = (*recovered, *notes_on(member, plan, what), *confined.notes)
    claimed = _claim(member, plan, spoken, anyway)
    if isinstance(claimed, Granted | Offline):
        return Ready(task, plan, claimed, confined, before, told, by, member.workspace.base())
    return replace(not_claimed(claimed), notes=recovered)


def spoken_claim(member: Member, text: str) -> Claim | None:
    """The claim in words that an edited program carries out."""
    base = member.workspace.base()
    if base is not None and fingerprint(base.text) == fingerprint(text):
        return None
    return claiming.announced(member)


def proposal_of(
    member: Member,
    task: Task,
    text: str,
    what: str | None = None,
    set_values: Mapping[str, str] | None = None,
    patch: str | None = None,
    seed: int | None = None,
) -> Proposal:
    """What the program ``text``, patched, is as an experiment against this workspace's base."""
    base = member.workspace.base() or Base(None, text)
    if patch is not None:
        text = patching.applied(patch, text, task.program)
    try:
        plan = propose(
            text,
            base,
            lambda fingerprint: member.runs_of(task, fingerprint),
            what,
            set_values=set_values,
            seed=seed,
            python=task.program.endswith(".py"),
        )
    except NothingToTry:
        _expect_no_change(member, base, what)
        raise
    if plan.unchanged:
        _expect_no_change(member, base, what)
    return plan


def _expect_no_change(member: Member, base: Base, what: str | None) -> None:
    """Words that say a change are not a description of an unchanged program."""
    if what is None:
        return
    change = announced_change(base, what, member.words)
    if change:
        sets = " ".join(f"--set {shlex.quote(f'{name}={v}')}" for name, v in change.items())
        hint = f"if this is what they mean: gitcollab run {sets}"
    elif says_a_change(what, member.words):
        hint = "edit the program, or leave the words out to run it as it is"
    else:
        return
    raise UsageError("the program is unchanged, and the words say a change", hint)


def notes_on(member: Member, plan: Proposal, what: str | None) -> tuple[str, ...]:
    """What the user should know of a description: that it contradicts the code."""
    if what is None or plan.unchanged:
        return ()
    base = member.workspace.base() or Base(None, plan.program)
    found = contradiction(what, plan.experiment, base, member.words)
    return (f"{found}: the code decides",) if found else ()


def _claim(member: Member, plan: Proposal, spoken: Claim | None, anyway: bool) -> ClaimOutcome:
    """Claim the experiment, or use the claim that announced it in words."""
    if spoken is not None and spoken.description == plan.experiment.description:
        return claiming.refine(member, spoken, plan.experiment, anyway=anyway)
    return claiming.claim(member, plan.experiment, seed=plan.seed, anyway=anyway)


def not_claimed(claimed: Taken | Duplicate | Refused) -> RunReport:
    """The report of an experiment that may not be run now."""
    match claimed:
        case Taken(other=other, reason=why):
            error = f"{other.agent} is running this experiment now ({why})"
            hint = "change something else, or wait until its claim expires"
        case Duplicate(other=other, reason=why):
            error = f"{other.agent} has done this experiment ({why}): {other.id}"
            hint = f"read it with: gitcollab show {other.id}; to repeat it, add --anyway"
        case Refused(reason=why, hint=hint):
            error = f"the claim was refused: {why}"
    return RunReport("refused", error=error, hint=hint, claim=claimed)


# -- the run ---------------------------------------------------------------------------------------


def perform(member: Member, ready: Ready, progress: Progress) -> Ran | RunReport:
    """Run the program; a report when it could not be started.

    Where nothing came of it, and on ^C, the claim is given back and the working program restored.
    """
    holder = ready.claimed.claim if isinstance(ready.claimed, Granted) else None
    try:
        if ready.by:  # wherever a copy of it will lie
            mark(ready.by, program=ready.plan.experiment.fingerprint)
        if ready.before is not None and ready.plan.program != ready.before:
            member.workspace.begin_trial(ready.task, ready.plan.program, ready.by)
        measured, holder = _measure(member, ready, holder, progress)
    except GitcollabError as e:  # no such command, a full disk
        _undo(member, ready, holder)
        return RunReport("failed", error=e.message, hint=e.hint, claim=ready.claimed)
    except BaseException as e:
        e.add_note(_undo(member, ready, holder))
        raise
    result = result_of(member, ready.task, ready.plan, measured, holder, ready.plan.seed)
    if ready.by:
        mark(ready.by, result=result.id)
    return Ran(ready, measured, result)


def _measure(
    member: Member, ready: Ready, holder: Claim | None, progress: Progress
) -> tuple[Measurement, Claim | None]:
    task, plan, confined = ready.task, ready.plan, ready.confinement
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
            box=confinement.box(member, task, folder) if confined.sandboxed else None,
            tidy=bool(confined.strangers),
        )
    finally:
        if renewal:  # a renewal under way must not land after the claim was given back
            holder = renewal.finish()
    return measured, holder


def _undo(member: Member, ready: Ready, holder: Claim | None) -> str:
    """Nothing came of it: the program as it was, the claim given back. Says so in a few words."""
    workspace, task = member.workspace, ready.task
    undone = [f"{task.program} is as it was"]
    with suppress(GitcollabError):
        if ready.before is not None and workspace.program(task) == ready.plan.program:
            workspace.write_program(task, ready.before)
            if ready.base is not None and ready.by:
                workspace.set_base(ready.base)
        workspace.end_trial()
    if holder is not None:
        claiming.give_back(member, holder)
        undone.append("the claim was given back")
    return " and ".join(undone)


# -- after the run ---------------------------------------------------------------------------------


def conclude(member: Member, ran: Ran, outcome: PublishOutcome) -> RunReport:
    """The report; a better program becomes the new base, any other is put aside."""
    report = _conclude(member, ran, outcome)
    member.workspace.end_trial()
    return report


def _conclude(member: Member, ran: Ran, outcome: PublishOutcome) -> RunReport:
    report = report_of(member, outcome, ran.measured, ran.ready.claimed)
    peeking = notes(ran.ready.plan.program)
    report = replace(report, notes=(*ran.ready.notes, *peeking, *report.notes))
    result = report.result
    if result is None or ran.ready.plan.unchanged:
        return report
    if report.outcome == "queued":  # alone, an agent still knows what is better
        where = member.standings([result])
        verdict, is_best = where.verdict(Run.of(result)), leads(where, result)
        report = replace(report, verdict=verdict, is_best=is_best)
    if ran.ready.before is None:
        return report
    if report.verdict == "better" or (report.verdict is None and report.is_best):
        return _keep(member, ran.ready, report, result)
    return _revert(member, ran.ready, report, result)


def _keep(member: Member, ready: Ready, report: RunReport, result: Result) -> RunReport:
    member.workspace.set_base(Base(result.id, ready.plan.program))
    notes = report.notes
    if report.verdict is None:
        notes = (*notes, "its base was never run on this tier, so there is no verdict")
    return replace(report, kept=True, notes=notes)


def _revert(member: Member, ready: Ready, report: RunReport, result: Result) -> RunReport:
    workspace, task, program = member.workspace, ready.task, ready.plan.program
    base = workspace.base()
    if base is None:
        return report
    aside = workspace.set_aside(program, result.id.split("/")[1])
    if workspace.program(task) != program:
        note = f"{task.program} was edited during the run and is left as it is"
        return replace(report, kept=False, notes=(*report.notes, note))
    workspace.write_program(task, base.text)
    workspace.set_base(replace(base, by=()))
    near = aside.relative_to(workspace.root)
    note = f"{task.program} is back at its base; this version is in {near}"
    if report.is_best:
        note += "; gitcollab best --adopt takes what leads the ranking"
    return replace(report, kept=False, notes=(*report.notes, note))
