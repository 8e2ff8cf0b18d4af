"""The verb ``run``: one experiment, or as many as a machine is lent for."""

from __future__ import annotations

import itertools
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gitcollab.cli import jsonout, outcome, render
from gitcollab.cli.app import WORK, Json, verb
from gitcollab.cli.choices import Cites, Hypothesis, Sandbox, Seed, What
from gitcollab.cli.choices import sandbox as chosen_sandbox
from gitcollab.cli.context import open_or_make_swarm
from gitcollab.cli.given import Patch, Sets, assignments, patch_text, typed_links
from gitcollab.cli.gpus import chosen as chosen_gpus
from gitcollab.cli.gpus import take as take_gpu
from gitcollab.cli.lent import (
    Gpus,
    Hours,
    Nice,
    Think,
    ThinkMinutes,
    WhenIdle,
    terms_of,
    typed_terms,
)
from gitcollab.errors import UsageError

if TYPE_CHECKING:
    from gitcollab.swarm.engine.terms import Terms
    from gitcollab.swarm.outcomes import RunReport
    from gitcollab.swarm.swarm import Swarm


@verb(
    WORK,
    "gitcollab run                          # train.py as you have changed it",
    "gitcollab run --set MATRIX_LR=0.02     # change a constant, run, publish",
    'gitcollab run "swap ReLU² for SwiGLU in the MLP"',
    "gitcollab run --hypothesis 1a2b3c4d    # try what somebody proposed",
    "gitcollab diff ID --raw | gitcollab run --patch -",
    "gitcollab run --forever                # lend this machine until ^C",
    "gitcollab run --hours 8 --when-idle    # or tonight, while it is idle",
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
    hours: Hours = None,
    when_idle: WhenIdle = False,
    gpus: Gpus = None,
    nice: Nice = None,
    think: Think = None,
    think_minutes: ThinkMinutes = None,
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
    none where what you asked for is done, or being done. An edit that stood for a round is run as
    yours. With --count 5 failures in a row end it (exit code 1); --forever waits longer after each.
    Each is told as it ends (--json: an object a line, one that
    sums up last); the exit code is the last one's.

    To lend a machine: --hours begins nothing that would end much later; --when-idle begins while
    others leave CPU and GPU idle, and what has begun goes on, stepping back (--nice); several GPUs
    have a worker each, below .gitcollab/workers/. `gitcollab pause` (or SIGUSR1) holds them, ^C and
    SIGTERM end them; a run during which the machine slept is not published, but done again. In the
    end a table says what was done. `gitcollab service install` does all this from every start on.

    Programs run in a sandbox (bubblewrap) where there is one; without one, code of others does
    not run at all. `gitcollab join ... --sandbox` changes that for good, --sandbox for once.

    Exit codes: 0 published, 1 the run failed, 4 taken, duplicate or refused, 5 queued (offline).
    """
    from gitcollab.cli import signals, worker
    from gitcollab.cli.progress import LiveLine

    values = assignments(sets or [])
    if forever and count is not None:
        raise UsageError("--forever and --count contradict each other", "give one of them")
    numbers = () if gpus is None else chosen_gpus(gpus)
    # Who says how long, or when, or lends several GPUs, lends the machine.
    lends = hours is not None or when_idle or len(numbers) > 1
    forever = forever or (count is None and lends)
    if think is not None and count is None and not forever:
        count = 1
    given: dict[str, Any] = {"hours": hours, "when_idle": when_idle, "nice": nice}
    given |= {"think": think, "think_minutes": think_minutes}
    terms = terms_of(**given, forever=forever)
    change = None if patch is None else patch_text(patch)
    linked = typed_links(hypothesis, cites)
    lent = typed_terms(**given, gpus=gpus)
    typed = _typed_run(what, sets, patch, seed, sandbox, count, [*linked, *lent], forever=forever)
    if len(numbers) > 1:
        check_for_crew(terms, asked=bool(what or sets or patch or linked or seed is not None))
    elif numbers:
        take_gpu(numbers[0])
    with signals.heeded(worker=worker.name() is not None):
        swarm = open_or_make_swarm(values, change)
        if len(numbers) > 1:
            from gitcollab.cli.crew import Job, run_crew

            return run_crew(swarm, numbers, Job(count, terms, sandbox and sandbox.value, json))
        how: dict[str, Any] = {
            "set_values": values,
            "patch": change,
            "seed": seed,
            "anyway": anyway,
            "hypothesis": hypothesis,
            "cites": cites or (),
            "sandbox": chosen_sandbox(sandbox),
        }
        if forever or count is not None:
            return run_many(swarm, count, what, how | {"terms": terms}, numbers, json, typed)
        with LiveLine(sys.stderr, quiet=json) as live:
            report = swarm.run(what, **how, nice=nice or 0, progress=live.show_run)
        return end(swarm, report, json, typed)


def check_for_crew(terms: Terms, *, asked: bool) -> None:
    """Raise UsageError for what several workers cannot be asked."""
    if asked:
        raise UsageError(
            "several GPUs choose for themselves what to run",
            "run what you have in mind on one: --gpu 0",
        )
    if terms.when_idle and terms.nice == 0:
        raise UsageError(
            "--when-idle takes workers that do not step back for others' work",
            "leave out --nice 0, or lend one GPU",
        )


def _typed_run(
    what: str | None,
    sets: list[str] | None,
    patch: Path | None,
    seed: int | None,
    sandbox: Sandbox | None,
    count: int | None,
    more: list[str],
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
    given += more
    given += [] if seed is None else ["--seed", str(seed)]
    given += [] if sandbox is None else ["--sandbox", sandbox.value]
    given += [] if count is None else ["--count", str(count)]
    given += ["--forever"] if forever else []
    return shlex.join(["gitcollab", "run", *given])


def run_many(
    swarm: Swarm,
    count: int | None,
    what: str | None,
    how: dict[str, Any],
    gpus: tuple[int, ...],
    json: bool,
    typed: str,
) -> int:
    """Tell each experiment as it ends, then what all of them came to."""
    from gitcollab.cli import lending

    away, number = outcome.Away(), itertools.count(1)

    def told(report: RunReport) -> None:
        if json:
            jsonout.emit_line(jsonout.run(report))
        else:
            if count != 1:
                print()
                render.say(outcome.head(next(number), report))
            tell(swarm, away.heard(report), typed)
            sys.stdout.flush()

    return lending.run_many(swarm, count, what, how, gpus, json, told)


def end(swarm: Swarm, report: RunReport, json: bool, typed: str) -> int:
    """Tell what became of one experiment; the exit code."""
    if json:
        jsonout.emit(jsonout.run(report))
    else:
        tell(swarm, report, typed)
    return outcome.run_code(report)


def tell(swarm: Swarm, report: RunReport, typed: str) -> None:
    """Tell people what became of one experiment, which ``typed`` would run again."""
    task = swarm.task
    outcome.tell_run(report, metric_name=task.metric.name, program=task.program, typed=typed)
