"""Publishing a run that somebody else made and measured: a program's text, and what it came to.

Who runs programs by other means says only the numbers, and works on texts that need not lie in the
workspace. So the base of such a program is found: of the programs that its author is likely to have
changed, the one that it differs least from.
"""

from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Literal

from gitcollab.errors import GitcollabError, RefusedError, UsageError
from gitcollab.records.models import MAX_DESCRIPTION, Claim, Result, Task
from gitcollab.records.quoting import blanked
from gitcollab.similarity.program import fingerprint
from gitcollab.similarity.source import ProgramSyntaxError, parse
from gitcollab.store.differences import difference
from gitcollab.swarm import looking, trials
from gitcollab.swarm.authorship import additions_by, mark
from gitcollab.swarm.claims import stands
from gitcollab.swarm.delivering import files_of, publish, report_of, result_of
from gitcollab.swarm.measuring import Measurement, implausible
from gitcollab.swarm.member import Member
from gitcollab.swarm.outcomes import RunReport
from gitcollab.swarm.proposal import NothingToTry, Proposal, first_of, propose
from gitcollab.swarm.roster import roster
from gitcollab.swarm.syncing import best_program
from gitcollab.swarm.workspace import Base, write_whole

_PULLED = "pulled.json"
_NO_WORDS = "(no description)"
_LIKELY = 8  # programs that were pulled, or published here, and may have been built on


@dataclass(frozen=True)
class Measured:
    """A run as its author tells it; ``experiment`` is the key that it was claimed under.

    ``metric`` is in the task's unit, and without meaning for a crash.
    """

    program: str
    status: Literal["ok", "crash"]
    metric: float | None
    description: str
    metrics: Mapping[str, float] = field(default_factory=dict)
    experiment: str | None = None
    seed: int | None = None


def vram_gb() -> float | None:
    """The memory of this machine's GPU, in GB; None where it has none."""
    from gitcollab.runner.hardware import detect

    return detect().vram_gb


def vram_tier() -> str:
    """The tier that this machine's hardware is in."""
    from gitcollab.runner.hardware import detect

    return detect().tier


def publish_measured(member: Member, run: Measured) -> RunReport:
    """Publish it; what the hub cannot take now waits in the outbox.

    A program that cannot be parsed is published where it crashed. Raises UsageError for a metric
    that is no number, GitcollabError for one that is not plausible and for a program that no run
    can have been of, RefusedError where this agent has published the run before.
    """
    task = member.believed_task
    measured = _measurement(task, run)
    plan = _proposal(member, task, run)
    _refuse_twice(member, task, plan, measured)
    holder = _claim(member, run.experiment)
    result = result_of(member, task, plan, measured, holder, run.seed)
    if others := additions_by(member, run.program, plan.experiment):
        mark(others, program=result.fingerprint, result=result.id)
    outcome = publish(member, result, files_of(run.program, measured))
    report = report_of(member, outcome, measured, None)
    _move_base(member, task, run.program, report)
    if plan.unchanged and run.description != plan.experiment.description:
        again = plan.experiment.replicates or "the baseline"
        note = f"the program is that of {again}, unchanged: this is another run of it"
        report = replace(report, notes=(*report.notes, note))
    return report


def _measurement(task: Task, run: Measured) -> Measurement:
    crashed = run.status == "crash"
    metric = None if crashed else _believable(task, run.metric)
    failure = "reported as crash" if crashed else ""
    numbers = {k: v for k, v in run.metrics.items() if k != task.metric.name}
    return Measurement(run.status, metric, numbers, failure, "", "", "")


def _believable(task: Task, metric: float | None) -> float:
    """The metric. Raises where no run can have measured it."""
    name = task.metric.name
    if metric is None or not math.isfinite(metric):
        raise UsageError(f"{name} is {metric}, which is no measurement", "publish it as a crash")
    if why := implausible(task, metric):
        raise GitcollabError(why, "look for a leak of the data being measured on")
    return metric


def _proposal(member: Member, task: Task, run: Measured) -> Proposal:
    base = base_of(member, task, run.program)
    python = task.program.endswith(".py") and not _cannot_run(run)
    what: str | None = _described(run.description)
    if fingerprint(run.program) == fingerprint(base.text):
        what = None  # words cannot make a change that is not there
    with suppress(NothingToTry):
        return propose(run.program, base, _runs_of(member, task), what, python=python)
    return propose(run.program, base, _runs_of(member, task), python=python)


def _described(said: str) -> str:
    """The description as a record may hold it: none is worth losing a measurement for."""
    plain = unicodedata.normalize("NFC", blanked(said))
    return plain[:MAX_DESCRIPTION].strip() or _NO_WORDS


def _cannot_run(run: Measured) -> bool:
    """Whether it crashed because its program cannot be parsed; others need to know that, too."""
    if run.status != "crash":
        return False
    try:
        parse(run.program)
    except ProgramSyntaxError:
        return True
    return False


def _runs_of(member: Member, task: Task) -> Callable[[str], list[Result]]:
    return lambda print_of: member.runs_of(task, print_of)


def base_of(member: Member, task: Task, text: str) -> Base:
    """What the program ``text`` was changed from, as far as can be told.

    One that was published is its own base: another run of it. Else it is, of the workspace's base,
    the best programs, those that were pulled and those that this agent has published lately, the
    one that the fewest lines part it from; of several, the first of these.
    """
    if published := _published(member, task, text):
        return published
    known = {base.text: base for base in reversed(list(_likely(member)))}
    if not known:
        return Base(None, text)
    return min(reversed(known.values()), key=lambda base: _distance(base.text, text))


def _distance(old: str, new: str) -> int:
    found = difference(old, new)
    return found.added + found.removed


def _published(member: Member, task: Task, text: str) -> Base | None:
    trusts = roster(member.store.snapshot()).trusts
    known = member.runs_of(task, fingerprint(text))
    runs = [run for run in known if run.status == "ok" and trusts(run)]
    return Base(first_of(runs).id, text) if runs else None


def _likely(member: Member) -> Iterator[Base]:
    if (base := member.workspace.base()) is not None:
        yield base
    for tier in (None, member.tier):
        yield Base(*best_program(member, tier))
    mine = [run for run in member.runs().values() if run.agent == member.config.agent]
    newest = sorted(mine, key=lambda run: (run.created_at, run.id))[-_LIKELY:]
    for result_id in (*reversed(pulled(member)), *(run.id for run in reversed(newest))):
        with suppress(GitcollabError):  # its program is gone, or never was there
            yield Base(result_id, looking.program_text(member, result_id))


def leads(member: Member, program: str, metric: float) -> bool:
    """Whether the program is the best, by a result of this agent's with that metric among others.

    Raises GitcollabError for a program that is none.
    """
    best, print_of = member.rankings.best(), fingerprint(program)
    if best is None or best.fingerprint != print_of:
        return False
    runs = member.runs_of(member.task, print_of)
    return any(run.agent == member.config.agent and run.metric == metric for run in runs)


def pulled(member: Member) -> list[str]:
    """The results whose programs this workspace was handed last, the newest at the end."""
    try:
        found = json.loads((member.workspace.folder / _PULLED).read_bytes())
    except (OSError, ValueError):
        return []
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []


def remember_pulled(member: Member, result_id: str) -> None:
    """Remember that the result's program was handed to whoever works here."""
    ids = [one for one in pulled(member) if one != result_id]
    data = json.dumps([*ids, result_id][-_LIKELY:]).encode()
    write_whole(member.workspace.folder / _PULLED, data + b"\n")


def _refuse_twice(member: Member, task: Task, plan: Proposal, measured: Measurement) -> None:
    """The same number of the same program from the same agent is the same run, told again."""
    if measured.metric is None:
        return
    for known in member.runs_of(task, str(plan.experiment.fingerprint)):
        if known.agent == member.config.agent and known.metric == measured.metric:
            raise RefusedError(
                f"this run has been published: {known.id}", f"see: gitcollab show {known.id}"
            )


def _claim(member: Member, experiment: str | None) -> Claim | None:
    """The workspace's claim with this key, where it stands."""
    snapshot = member.store.snapshot()
    for claim in member.workspace.claims():
        if claim.id == experiment and stands(snapshot, claim, member.task):
            return claim
    return None


def _move_base(member: Member, task: Task, program: str, report: RunReport) -> None:
    """A better program that is the working one is what is built on from now on."""
    result, workspace = report.result, member.workspace
    if not isinstance(result, Result) or report.verdict != "better":
        return
    if trials.holds(workspace, task) or not workspace.program_path(task).exists():
        return
    if workspace.program(task) == program:
        workspace.set_base(Base(result.id, program))
