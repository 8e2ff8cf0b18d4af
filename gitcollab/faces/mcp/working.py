"""Tools to work with: claim, run, publish, take the best over, keep in touch with the hub."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.tools import Tool
from pydantic import Field

from gitcollab.faces.mcp.answer import Answer, Name, Quoted, Said, plain
from gitcollab.faces.mcp.declaring import READS, WRITES, tool
from gitcollab.faces.mcp.door import Door, translated
from gitcollab.faces.mcp.experiment import Experiment, Experiments
from gitcollab.faces.mcp.parts import Claimed, Measured, Program, block
from gitcollab.faces.swarm import Swarm
from gitcollab.records.models import rfc3339
from gitcollab.swarm.outcomes import (
    ClaimOutcome,
    Duplicate,
    Granted,
    Offline,
    Refused,
    RunReport,
    Standing,
    Taken,
)
from gitcollab.swarm.reports import Adopted

What = Annotated[
    str | None,
    Field(description="the change in words; left out, it is read from what the program differs in"),
]
Hypo = Annotated[str | None, Field(description="the id of the hypothesis that this tests")]
Cites = Annotated[list[str] | None, Field(description="ids of the insights that this tests")]
Anyway = Annotated[bool, Field(description="although it has been done, or is being done")]
ClaimWord = Literal["granted", "taken", "duplicate", "offline", "refused"]


class Claim(Answer):
    """What became of a claim: only ``granted`` is a yes."""

    outcome: ClaimWord
    experiment: Name
    expires_at: str | None = None
    reason: Said = ""
    running: Claimed | None = Field(None, description="the claim in the way, where it is taken")
    done: Measured | None = Field(None, description="the result in the way, of a duplicate")
    notes: list[Said] = Field(default=[])
    next_step: str


class Run(Answer):
    """What became of an experiment.

    ``kept``: whether the working program is now this one; where it is not, it is back at its base.
    """

    outcome: Literal["published", "queued", "refused", "failed"]
    verdict: Literal["better", "worse", "within noise"] | None
    metric: float | None
    result: Measured | None
    is_best: bool
    standing: Standing | None = Field(description="of its program, with this run")
    standing_before: Standing | None = Field(description="without it; null: this is the first run")
    kept: bool | None
    error: Said
    hint: Said
    notes: list[Said]
    claim: Claim | None = Field(description="what became of its claim, where that was no yes")
    log: Quoted | None = Field(None, description="the end of the log, where it crashed")


class Best(Answer):
    """The best program; None where there is none."""

    best: Program | None
    signed: bool | None = Field(description="whether its agent signed it; null: nobody did")
    difference: Quoted | None = Field(description="what it changes in its base, where asked for")


class Adoption(Answer):
    """The program that is now the working one, and where an edited one was put."""

    id: Name | None = Field(description="null: the task's baseline")
    agent: Name | None
    signed: bool | None
    changed: bool
    added: int = Field(description="lines, against what was there before")
    removed: int
    also_by: Said
    kept_aside: Name | None


class Released(Answer):
    """The experiments whose claims were given back."""

    released: list[Name]


class Synced(Answer):
    """What a sync did."""

    online: bool
    reason: Said
    delivered: int
    refused: list[Said]
    new_results: int
    best: Program | None
    adopted: Name | None
    note: Said


def add(tools: list[Tool], door: Door, experiments: Experiments) -> None:
    """Add the tools to the others."""

    @tool(tools, "Claim an experiment", WRITES)
    def claim(
        what: What = None, hypothesis: Hypo = None, cites: Cites = None, anyway: Anyway = False
    ) -> Claim:
        """Reserve an experiment while you write it, so that nobody else does it meanwhile.

        `run` claims by itself. An outcome other than granted is a no: choose another change.
        """
        with door.swarm() as swarm:
            answer = swarm.claim(what, hypothesis=hypothesis, cites=cites or (), anyway=anyway)
            return claimed(answer)

    @tool(tools, "Give claims back", WRITES)
    def release(
        experiment: Annotated[str | None, Field(description="left out: all of yours")] = None,
    ) -> Released:
        """Give a claim back, or all, so that others may do the experiment."""
        with door.swarm() as swarm:
            return Released(released=swarm.release(experiment))

    @tool(tools, "Run an experiment", WRITES)
    async def run(
        context: Context,
        what: What = None,
        set_values: Annotated[
            dict[str, str | int | float | bool] | None,
            Field(description="constants of the program to set, as in {'MATRIX_LR': 0.02}"),
        ] = None,
        patch: Annotated[str | None, Field(description="a unified diff of the program")] = None,
        hypothesis: Hypo = None,
        cites: Cites = None,
        seed: Annotated[int | None, Field(ge=0, le=2**32 - 1)] = None,
        anyway: Anyway = False,
    ) -> Run:
        """One experiment from end to end: claim it, run it, publish what came of it.

        It takes as long as the task's budget, and tells its progress. Cancelled, it ends the
        program and gives the claim back. Without any change it makes the change of constants of a
        claim that you hold, else it is another run of the base. A hypothesis that runs as it is
        needs no change of yours. Programs run in a sandbox.
        """
        with translated():
            values = {name: _value(value) for name, value in (set_values or {}).items()}
            how: dict[str, Any] = {
                "set_values": values or None,
                "patch": patch,
                "seed": seed,
                "anyway": anyway,
            }
            how |= {"hypothesis": hypothesis, "cites": cites or ()}
            one = Experiment(door.another(), what, how)
            return ran(one.swarm, await experiments.run(one, context.report_progress))

    @tool(tools, "Publish a run made by hand", WRITES)
    def publish(
        log: Annotated[
            str, Field(description="the workspace's file that the run's output was written to")
        ],
        what: What = None,
        program: Annotated[
            str | None, Field(description="the workspace's file that ran, where it is another one")
        ] = None,
        status: Literal["ok", "crash", "timeout"] | None = None,
        seed: int | None = None,
        hypothesis: Hypo = None,
        cites: Cites = None,
    ) -> Run:
        """Publish a run that you made yourself, from its log; a crash as well."""
        with door.swarm() as swarm:
            report = swarm.publish(
                door.file(swarm, log),
                what=what,
                program=None if program is None else door.file(swarm, program),
                status=status,
                seed=seed,
                hypothesis=hypothesis,
                cites=cites or (),
            )
            return ran(swarm, report)

    @tool(tools, "The best program", READS)
    def best(
        tier: Annotated[str | None, Field(description="cpu, small, medium, large, xl")] = None,
        difference: Annotated[bool, Field(description="with what it changed")] = False,
    ) -> Best:
        """The best program of all, or of a tier, and whose it is."""
        with door.swarm() as swarm:
            found = swarm.best(tier)
            if found is None:
                return Best(best=None, signed=None, difference=None)
            shown = block(swarm.diff(found.id), found.agent, "difference") if difference else None
            return Best(best=Program.of(found), signed=swarm.signed(found.id), difference=shown)

    @tool(tools, "Take the best program over", WRITES)
    def adopt(
        tier: Annotated[str | None, Field(description="left out: this machine's")] = None,
    ) -> Adoption:
        """Make the best program the working one; edits are kept aside. It is a stranger's code."""
        with door.swarm() as swarm:
            return adopted(swarm, swarm.adopt(tier))

    @tool(tools, "Bring this host and the hub together", WRITES)
    def sync() -> Synced:
        """Fetch what is new, deliver what waits, take the best over where nothing is edited."""
        with door.swarm() as swarm:
            report = swarm.sync()
            return Synced(
                online=report.online,
                reason=report.reason,
                delivered=report.delivered,
                refused=report.refused,
                new_results=report.new_results,
                best=Program.of(report.best) if report.best else None,
                adopted=report.adopted,
                note=report.note,
            )


def _value(value: str | int | float | bool) -> str:
    """A value as its text in a program."""
    return value if isinstance(value, str) else repr(value)


def claimed(answer: ClaimOutcome) -> Claim:
    """A claim's outcome."""
    match answer:
        case Granted(claim=one, notes=notes):
            return Claim(
                outcome="granted",
                experiment=one.id,
                expires_at=rfc3339(one.expires_at),
                notes=[*notes],
                next_step="run makes a change of constants; make any other in the program first",
            )
        case Taken(experiment=key, other=running, reason=why):
            return Claim(
                outcome="taken",
                experiment=key,
                reason=why,
                running=Claimed.of(running),
                next_step="choose another change: somebody is running this one",
            )
        case Duplicate(experiment=key, other=done, reason=why):
            return Claim(
                outcome="duplicate",
                experiment=key,
                reason=why,
                done=Measured.of(done),
                next_step="show that result, and build on it; anyway repeats it on purpose",
            )
        case Offline(experiment=key, reason=why):
            return Claim(
                outcome="offline",
                experiment=key,
                reason=why,
                next_step="nothing is claimed; run all the same: what it finds is queued",
            )
        case Refused(experiment=key, reason=why, hint=hint):
            return Claim(outcome="refused", experiment=key, reason=why, next_step=plain(hint))


def ran(swarm: Swarm, report: RunReport) -> Run:
    """An experiment's outcome; of one that crashed, with the end of its log."""
    result, granted = report.result, isinstance(report.claim, Granted)
    standing = report.effect.standing if report.effect else None
    return Run(
        outcome=report.outcome,
        verdict=report.verdict,
        metric=None if result is None else result.metric,
        result=None if result is None else Measured.of(result, standing),
        is_best=report.is_best,
        standing=standing,
        standing_before=report.effect.before if report.effect else None,
        kept=report.kept,
        error=report.error,
        hint=report.hint,
        notes=list(report.notes),
        claim=None if report.claim is None or granted else claimed(report.claim),
        log=_log(swarm, report),
    )


_LOG = 4_000  # characters of the end of a log


def _log(swarm: Swarm, report: RunReport) -> str | None:
    result = report.result
    if result is None or result.status == "ok":
        return None
    log = swarm.show(result.id).log
    return block(log[-_LOG:], result.agent, "log") if log else None


def adopted(swarm: Swarm, change: Adopted) -> Adoption:
    """What adopting did."""
    aside: Path | None = change.kept_aside
    return Adoption(
        id=change.id,
        agent=change.agent,
        signed=change.signature_ok,
        changed=change.changed,
        added=change.added,
        removed=change.removed,
        also_by=change.also_by,
        kept_aside=None if aside is None else str(aside.relative_to(swarm.workspace)),
    )
