"""Verbs of an experiment: claim, release, renew, run, publish."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gitcollab.cli import jsonout, outcome, render
from gitcollab.cli.app import WORK, Json, verb
from gitcollab.cli.choices import Ended, Sandbox, ended
from gitcollab.cli.choices import sandbox as chosen_sandbox
from gitcollab.cli.context import open_or_make_swarm, open_swarm
from gitcollab.cli.given import Patch, Sets, assignments, patch_text
from gitcollab.errors import UsageError

if TYPE_CHECKING:
    from gitcollab.cli.progress import LiveLine
    from gitcollab.swarm.outcomes import RunReport
    from gitcollab.swarm.swarm import Swarm

What = Annotated[
    str | None,
    typer.Argument(
        metavar="WHAT",
        help="The change in words. Left out, it is read from what differs from the base.",
    ),
]
Hypothesis = Annotated[
    str | None,
    typer.Option(metavar="ID", help="The hypothesis that it tests; part of the id is enough."),
]
Cites = Annotated[
    list[str] | None, typer.Option(metavar="INSIGHT", help="An insight that it tests, by its id.")
]
Seed = Annotated[
    # What torch and numpy take both.
    int | None, typer.Option(min=0, max=2**32 - 1, help="The random seed of the run.")
]


@verb(
    WORK,
    "gitcollab run                          # train.py as you have changed it",
    "gitcollab run --set MATRIX_LR=0.02     # change a constant, run, publish",
    'gitcollab run "swap ReLU² for SwiGLU in the MLP"',
    "gitcollab run --hypothesis 1a2b3c4d    # try what somebody proposed",
    "gitcollab diff ID --raw | gitcollab run --patch -",
    "gitcollab run --forever                # lend this machine until ^C",
)
def run(
    what: What = None,
    sets: Sets = None,
    patch: Patch = None,
    hypothesis: Hypothesis = None,
    cites: Cites = None,
    seed: Seed = None,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Run it although it has been done before.")
    ] = False,
    count: Annotated[
        int | None, typer.Option(min=1, help="Do so many; the next are chosen for you.")
    ] = None,
    forever: Annotated[
        bool, typer.Option("--forever", help="Do one after another, until ^C.")
    ] = False,
    sandbox: Annotated[
        Sandbox | None,
        typer.Option(help="For this once: always in the sandbox, as far as needed, or never."),
    ] = None,
    json: Json = False,
) -> int:
    """Do one experiment: claim it, run it, publish what happened.

    Says the verdict against the program it started from, and keeps or reverts the working
    program accordingly (kept aside in .gitcollab/, never lost). ^C publishes nothing and
    releases the claim. Without any set-up it makes a hub for this folder alone. A patch may
    change the program alone, and has to match it exactly.

    --hypothesis and --cites say what it tests: its result counts for or against these. Where you
    change and say nothing else, `run --hypothesis ID` makes the change that a hypothesis says
    (`gitcollab hypothesis list`), as does `run` alone after `claim --hypothesis ID`; where that
    does not fit your base, it runs on the base that it was proposed for, and leaves train.py alone.
    Another change than a hypothesis says may name it, and does not test it. For one in words, edit
    train.py first: its title describes what you did. After `claim "MATRIX_LR 0.01 → 0.02"`, `run`
    alone makes that change.

    With --count or --forever others follow: runs of the programs that most need another one, but
    none where what you asked for is done, or being done. They stop when you edit the program, or
    when 5 in a row fail (exit code 1). Each is told as it ends (--json: an object a line, one that
    sums up last); the exit code is the last one's.

    Programs run in a sandbox (bubblewrap) where there is one; without one, code of others does
    not run at all. `gitcollab join ... --sandbox` changes that for good, --sandbox for once.

    Exit codes: 0 published, 1 the run failed, 4 taken, duplicate or refused, 5 queued (offline).
    """
    from gitcollab.cli.progress import LiveLine

    values = assignments(sets or [])
    if forever and count is not None:
        raise UsageError("--forever and --count contradict each other", "give one of them")
    change = None if patch is None else patch_text(patch)
    linked = _typed_links(hypothesis, cites)
    typed = _typed_run(what, sets, patch, seed, sandbox, count, linked, forever=forever)
    swarm = open_or_make_swarm(values, change)
    with LiveLine(sys.stderr, quiet=json) as live:
        how: dict[str, Any] = {
            "set_values": values,
            "patch": change,
            "seed": seed,
            "anyway": anyway,
            "hypothesis": hypothesis,
            "cites": cites or (),
        }
        how |= {"sandbox": chosen_sandbox(sandbox), "progress": live.show_run}
        if forever or count is not None:
            return _run_many(swarm, count, what, how, live, json, typed)
        report = swarm.run(what, **how)
    return _end(swarm, report, json, typed)


def _run_many(
    swarm: Swarm,
    count: int | None,
    what: str | None,
    how: dict[str, Any],
    live: LiveLine,
    json: bool,
    typed: str,
) -> int:
    """Tell each experiment as it ends, then what all of them came to."""

    def tell(report: RunReport) -> None:
        live.clear()
        if json:
            jsonout.emit_line(jsonout.run(report))
        else:
            _tell(swarm, report, typed)
            sys.stdout.flush()

    report = swarm.run_many(count, what, on_report=tell, **how)
    live.clear()
    if json:
        jsonout.emit_line(jsonout.rounds(report))
    else:
        outcome.tell_rounds(report)
    return outcome.rounds_code(report)


@verb(
    WORK,
    "python train.py > run.log 2>&1; gitcollab publish run.log",
    'gitcollab publish run.log "MATRIX_LR 0.01 → 0.02" --seed 1',
)
def publish(
    log: Annotated[Path, typer.Argument(metavar="LOG", help="What the run printed.")],
    what: What = None,
    program: Annotated[
        Path | None, typer.Option(help="The program that ran, when it is not the workspace's.")
    ] = None,
    status: Annotated[
        Ended | None, typer.Option(help="How the run ended, when the log does not say.")
    ] = None,
    seed: Seed = None,
    hypothesis: Hypothesis = None,
    cites: Cites = None,
    json: Json = False,
) -> int:
    """Publish a run that you made by hand, from its log.

    The metric is read from the summary at the log's end, as `run` reads it.
    """
    swarm = open_swarm()
    report = swarm.publish(
        log,
        what=what,
        program=program,
        status=ended(status) if status else None,
        seed=seed,
        hypothesis=hypothesis,
        cites=cites or (),
    )
    return _end(swarm, report, json, "gitcollab publish")


@verb(
    WORK,
    'gitcollab claim "raise the matrix LR to 0.02"',
    'gitcollab claim --from-code "SwiGLU in the MLP"  # what train.py changes',
    "gitcollab claim --json",
)
def claim(
    what: What = None,
    from_code: Annotated[
        bool,
        typer.Option("--from-code", help="Claim what train.py changes; WHAT only describes it."),
    ] = False,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Claim it although it is done, or being done.")
    ] = False,
    hypothesis: Hypothesis = None,
    cites: Cites = None,
    json: Json = False,
) -> int:
    """Claim an experiment, so that nobody else does it meanwhile.

    A claim lasts 15 minutes unless it is renewed. `run` claims by itself. The same experiment is
    recognised in other words: `gitcollab similar A B` says how. Without WHAT, or with
    --from-code, the code alone decides, whatever the words say. --anyway overrides, and is
    recorded in the claim and its result. --hypothesis alone, where train.py has no edits, claims
    what the hypothesis says, and `run` alone then does it.

    Exit codes: 0 granted, 4 taken, duplicate or refused, 5 offline (nothing is claimed).
    """
    answer = open_swarm().claim(
        what, from_code=from_code, anyway=anyway, hypothesis=hypothesis, cites=cites or ()
    )
    if json:
        jsonout.emit(jsonout.claim(answer))
    else:
        given = [*([what] if what else []), *(["--from-code"] if from_code else [])]
        given += _typed_links(hypothesis, cites)
        outcome.tell_claim(answer, shlex.join(["gitcollab", "claim", *given]))
    return outcome.claim_code(answer)


Experiment = Annotated[
    str | None,
    typer.Argument(
        metavar="EXPERIMENT", help="The experiment's key. Left out: all that you have claimed."
    ),
]


@verb(WORK, "gitcollab release", "gitcollab release matrix-lr-0.01-0.02-1a2b3c4d")
def release(experiment: Experiment = None, json: Json = False) -> None:
    """Give claims back, so that others may do the experiments."""
    released = open_swarm().release(experiment)
    if json:
        return jsonout.emit({"released": released})
    if not released:
        render.say("you have no claim to release")
    for key in released:
        render.say("released", key)
    return None


@verb(WORK, "gitcollab renew")
def renew(experiment: Experiment = None, json: Json = False) -> None:
    """Make claims last longer. `run` does so by itself."""
    claims = open_swarm().renew(experiment)
    if json:
        return jsonout.emit({"claims": jsonout.records(claims)})
    if not claims:
        render.say("you have no claim to renew")
    for one in claims:
        render.say("renewed", one.id, f"for {render.left(one.expires_at)}")
    return None


def _typed_links(hypothesis: str | None, cites: list[str] | None) -> list[str]:
    """The options that say what is tested, to be typed again."""
    given = [] if hypothesis is None else ["--hypothesis", hypothesis]
    return given + [word for one in cites or [] for word in ("--cites", one)]


def _typed_run(
    what: str | None,
    sets: list[str] | None,
    patch: Path | None,
    seed: int | None,
    sandbox: Sandbox | None,
    count: int | None,
    linked: list[str],
    *,
    forever: bool,
) -> str:
    """The command that runs this experiment, to be typed again; "" where none can be.

    What came by standard input is gone: alone, the command would read the terminal.
    """
    if patch is not None and str(patch) == "-":
        return ""
    given = [] if what is None else [what]
    given += [word for text in sets or [] for word in ("--set", text)]
    given += [] if patch is None else ["--patch", str(patch)]
    given += linked
    given += [] if seed is None else ["--seed", str(seed)]
    given += [] if sandbox is None else ["--sandbox", sandbox.value]
    given += [] if count is None else ["--count", str(count)]
    given += ["--forever"] if forever else []
    return shlex.join(["gitcollab", "run", *given])


def _end(swarm: Swarm, report: RunReport, json: bool, typed: str) -> int:
    if json:
        jsonout.emit(jsonout.run(report))
    else:
        _tell(swarm, report, typed)
    return outcome.run_code(report)


def _tell(swarm: Swarm, report: RunReport, typed: str) -> None:
    task = swarm.task
    outcome.tell_run(report, metric_name=task.metric.name, program=task.program, typed=typed)
