"""Publishing a run that was made by hand, from its log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from gitcollab.errors import GitcollabError, RefusedError, UsageError
from gitcollab.records.models import sha256
from gitcollab.swarm import claiming, trials
from gitcollab.swarm.authorship import additions_by, mark
from gitcollab.swarm.delivering import files_of, publish, report_of, result_of
from gitcollab.swarm.ideas.linking import links
from gitcollab.swarm.identity import key_of
from gitcollab.swarm.measuring import Measurement, read_log
from gitcollab.swarm.member import Member
from gitcollab.swarm.outcomes import RunReport
from gitcollab.swarm.preparing import proposal_of, spoken_claim
from gitcollab.swarm.workspace import Base


def publish_log(
    member: Member,
    log: Path,
    *,
    what: str | None = None,
    program: Path | None = None,
    status: Literal["ok", "crash", "timeout"] | None = None,
    seed: int | None = None,
    hypothesis: str | None = None,
    cites: Sequence[str] = (),
) -> RunReport:
    """Publish a run that was made by hand, from its log; the working program stays as it is.

    The result names the ``hypothesis`` that it tests and the insights that it ``cites``.
    """
    task, named = member.task, links(member, hypothesis, cites)
    if program is None:
        text = trials.users_program(member.workspace, task, "or name what ran: --program FILE")
    else:
        text = _program_text(program)
    spoken = spoken_claim(member, text)
    if what is None and spoken is not None:
        what = spoken.description
    plan = proposal_of(member, task, text, what, title=named.title)
    plan = replace(plan, experiment=named.named_in(plan.experiment))
    began = (member.workspace.base() or Base(None, text)).text
    doubts = named.doubts(plan.experiment, began, task.program)
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
    result = result_of(member, task, plan, measured, holder, used)
    if others := additions_by(member, text, plan.experiment):
        mark(others, program=result.fingerprint, result=result.id)
    report = report_of(member, publish(member, result, files_of(text, measured)), measured, None)
    return replace(report, notes=(*named.notes, *doubts, *report.notes))


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
        why = getattr(e, "strerror", None) or "it is not UTF-8 text"
        raise UsageError(f"the program {path} cannot be read: {why}", "give another file") from e
