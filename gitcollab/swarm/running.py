"""One experiment from end to end: propose, claim, run, publish, and keep or revert."""

from __future__ import annotations

import gc
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gitcollab.errors import GitcollabError
from gitcollab.records.models import Claim, Result
from gitcollab.records.names import slug
from gitcollab.similarity.peeking import notes
from gitcollab.swarm import claiming, confinement, trials
from gitcollab.swarm.authorship import mark
from gitcollab.swarm.confinement import Confinement
from gitcollab.swarm.copying import added
from gitcollab.swarm.delivering import files_of, publish, report_of, result_of
from gitcollab.swarm.ideas.linking import links
from gitcollab.swarm.identity import title
from gitcollab.swarm.measuring import Measurement, measure
from gitcollab.swarm.member import Member
from gitcollab.swarm.outcomes import Granted, PublishOutcome, RunReport
from gitcollab.swarm.preparing import Progress, Ready, prepare
from gitcollab.swarm.reports import RunProgress
from gitcollab.swarm.workspace import Base, Mode, Workspace

_EDITED = "was edited during the run and is left as it is"


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
    hypothesis: str | None = None,
    cites: Sequence[str] = (),
    progress: Progress = lambda _: None,
) -> RunReport:
    """Claim, run and publish what the working program changes against its base.

    Whatever happened is published. ^C ends the program, gives the claim back, undoes ``patch``
    and ``set_values`` and is raised again. ``anyway`` repeats what has been done before;
    ``sandbox`` is the workspace's mode unless given. The result names the ``hypothesis`` that it
    tests and the insights that it ``cites``, of whose ids a part is enough. Where nothing is
    changed and nothing else said, the change that the hypothesis says is made and run (see
    ``trying``), or the one that this workspace has claimed (see ``carrying``). Raises
    GitcollabError where nothing could be begun, and RefusedError where that takes a sandbox and
    there is none, or the patch does not fit.
    """
    with member.workspace.one_run():
        named = links(member, hypothesis, cites)
        ready = prepare(member, what, set_values, patch, seed, anyway, sandbox, progress, named)
        if isinstance(ready, RunReport):
            return ready
        ran = perform(member, ready, progress)
        if isinstance(ran, RunReport):
            return ran
        progress(RunProgress("publish", title(ready.plan.experiment)))
        return conclude(member, ran, publish(member, ran.result, ran.files))


# -- the run ---------------------------------------------------------------------------------------


def perform(member: Member, ready: Ready, progress: Progress) -> Ran | RunReport:
    """Run the program; a report when it could not be started.

    Where nothing came of it, and on ^C, the claim is given back and the working program restored.
    """
    holder = ready.claimed.claim if isinstance(ready.claimed, Granted) else None
    try:
        if ready.by:  # wherever a copy of it, or of what a patch adds, will lie
            adds = added(ready.plan.program, ready.before or ready.began)
            mark(ready.by, program=ready.plan.experiment.fingerprint, lines=adds.digests)
        if ready.before is not None and ready.plan.program != ready.before:
            trials.begin(member.workspace, ready.task, ready.before, ready.plan.program, ready.by)
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
    meanwhile = _Meanwhile(confined)

    def tick() -> None:
        meanwhile.collect()
        if renewal:
            renewal.tick()

    try:
        measured = measure(
            task,
            folder,
            plan.program,
            plan.seed,
            hidden=member.places(),
            started_at=now,
            description=title(plan.experiment),
            progress=progress,
            tick=tick,
            box=confinement.box(member, task, folder) if confined.sandboxed else None,
            tidy=meanwhile.is_strangers,
            nice=member.nice,
        )
    finally:
        if renewal:  # a renewal under way must not land after the claim was given back
            holder = renewal.finish()
    meanwhile.collect()  # it was over at once
    if meanwhile.trouble:
        said = f"whose code it is could not be found out ({meanwhile.trouble})"
        progress(RunProgress("note", f"{said}: what it left in its folder was removed"))
    return measured, holder


class _Meanwhile:
    """What is done beside a run, for then nobody waits for it.

    Whose code it is takes a walk through its ancestry: a thread takes it, since nothing may stop
    the reading of the program's output. And experiments leave something in this process: commands
    begin with a rare garbage collector, since most are over before it pays, and where one does
    experiment after experiment, what each leaves would pile up.
    """

    def __init__(self, confined: Confinement) -> None:
        self._confined = confined
        self._is_tidy = False
        self._is_own: bool | None = None  # not known yet
        self.trouble = ""  # why whose code it is could not be found out
        self._walk = threading.Thread(target=self._look, daemon=True)
        if confined.sandboxed:  # else nothing of it is removed
            self._walk.start()

    def collect(self) -> None:
        """Give back what experiments have left, if that has not been done in this run."""
        if not self._is_tidy:
            self._is_tidy = True
            gc.collect()

    def is_strangers(self, wait: bool) -> bool:
        """Whether others wrote code in the program, or may have, as far as is known.

        Without ``wait`` nobody waits until it is.
        """
        if wait and self._confined.sandboxed:
            self._walk.join()
        return not self._is_own

    def _look(self) -> None:
        try:
            self._is_own = not self._confined.strangers
        except GitcollabError as e:
            self.trouble = e.message


def _undo(member: Member, ready: Ready, holder: Claim | None) -> str:
    """Nothing came of it: the program as it was, the claim given back. Says so in a few words."""
    undone = [_undo_change(member.workspace, ready)]
    if holder is not None:
        claiming.give_back(member, holder)
        undone.append("the claim was given back")
    return " and ".join(undone)


def _undo_change(workspace: Workspace, ready: Ready) -> str:
    program = ready.task.program
    try:
        stood = trials.undo(workspace, ready.task)
        now = workspace.program(ready.task)
    except GitcollabError as e:
        return f"{program} may still have the run's change ({e.message})"
    if ready.before in (None, now):
        return f"{program} is as it was"
    rest = " (it may have the run's change)" if stood == "edited" else ""
    return f"{program} stays as it was edited meanwhile{rest}"


# -- after the run ---------------------------------------------------------------------------------


def conclude(member: Member, ran: Ran, outcome: PublishOutcome) -> RunReport:
    """The report; a better program becomes the new base, any other is put aside."""
    report = _judged(member, ran, outcome)
    if report.result is None or ran.ready.plan.unchanged or ran.ready.before is None:
        return _undone(member, ran, report)
    better = report.verdict == "better" or (report.verdict is None and report.is_best)
    if better and trials.same_base(member.workspace.base(), ran.ready.base):
        return _keep(member, ran, report)
    return _revert(member, ran, report)


def _judged(member: Member, ran: Ran, outcome: PublishOutcome) -> RunReport:
    report = report_of(member, outcome, ran.measured, ran.ready.claimed)
    peeking = notes(ran.ready.plan.program)
    return replace(report, notes=(*ran.ready.notes, *peeking, *report.notes))


def _undone(member: Member, ran: Ran, report: RunReport) -> RunReport:
    """There is nothing to keep: the hub refused it, or it is only another run of the base."""
    workspace, ready = member.workspace, ran.ready
    base = workspace.base()
    if ready.before in (None, ready.plan.program):
        return report
    if base is None or ready.plan.program != base.text:
        _set_aside(member, ran)
    if trials.undo(workspace, ready.task) == "changed":
        return _noted(report, f"{ready.task.program} is as it was before the run")
    return _noted(report, f"{ready.task.program} {_EDITED}")


def _keep(member: Member, ran: Ran, report: RunReport) -> RunReport:
    workspace, task, program = member.workspace, ran.ready.task, ran.ready.plan.program
    edited = [] if workspace.program(task) == program else [f"{task.program} {_EDITED}"]
    kept = trials.keep(workspace, task, Base(ran.result.id, program))
    if report.verdict is None:
        edited.append("its base was never run on this tier, so there is no verdict")
    return replace(_noted(report, *edited, *kept), kept=True)


def _revert(member: Member, ran: Ran, report: RunReport) -> RunReport:
    workspace, task = member.workspace, ran.ready.task
    base = workspace.base()
    if base is None:
        return _undone(member, ran, report)
    near = _set_aside(member, ran)
    if workspace.program(task) != ran.ready.plan.program or not trials.same_base(
        base, ran.ready.base
    ):
        note = f"{task.program} {_EDITED}; this version is in {near}"
        return replace(_noted(report, note), kept=False)
    kept = trials.revert(workspace, task, base)
    note = f"{task.program} is back at its base; this version is in {near}"
    if report.is_best:
        note += "; gitcollab best --adopt takes what leads the ranking"
    return replace(_noted(report, note, *kept), kept=False)


def _set_aside(member: Member, ran: Ran) -> Path:
    """Keep the program that was run; where it is, seen from the workspace."""
    aside = member.workspace.set_aside(ran.ready.plan.program, ran.result.id.split("/")[1])
    return aside.relative_to(member.workspace.root)


def _noted(report: RunReport, *more: str) -> RunReport:
    return replace(report, notes=(*report.notes, *more))
