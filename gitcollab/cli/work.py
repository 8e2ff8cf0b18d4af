"""Verbs of an experiment apart from `run`: claim, release, renew, publish."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from gitcollab.cli import jsonout, outcome, render
from gitcollab.cli.app import WORK, Json, verb
from gitcollab.cli.choices import Cites, Ended, Hypothesis, Seed, What, ended
from gitcollab.cli.context import open_swarm
from gitcollab.cli.given import typed_links
from gitcollab.cli.run import end


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
    return end(swarm, report, json, "gitcollab publish")


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
        given += typed_links(hypothesis, cites)
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
