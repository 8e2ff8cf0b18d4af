"""Verbs ``pause`` and ``resume``: whoever lends a machine has it back for a while."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from gitcollab.cli import jsonout, render
from gitcollab.cli.app import WORK, Json, verb
from gitcollab.cli.context import open_swarm
from gitcollab.cli.lengths import length_of
from gitcollab.errors import UsageError

_LONGEST = timedelta(days=366)


@verb(
    WORK,
    "gitcollab pause             # after the experiment under way",
    "gitcollab pause --now       # ends it, too; its claim is given back",
    "gitcollab pause --for 2h    # and goes on by itself",
)
def pause(
    now: Annotated[
        bool, typer.Option("--now", help="End the experiment under way; nothing is published.")
    ] = False,
    span: Annotated[
        str | None,
        typer.Option("--for", metavar="TIME", help="Go on by itself after so long: 90m, 2h, 1d."),
    ] = None,
    json: Json = False,
) -> None:
    """Have a lent machine back for a while.

    No experiment of `run --forever`, --hours or --count begins in this workspace and its workers'
    until `gitcollab resume`, not after a restart of the machine either; they wait meanwhile. An
    experiment that you run by hand then is not held up. The signals SIGUSR1 and SIGUSR2 to such a
    process do as `pause` and `resume`.
    """
    length = None if span is None else _length(span)
    swarm = open_swarm()
    until = None if length is None else render.now() + length
    made = swarm.pause(until, now=now)
    running = swarm.presence().running
    if json:
        return jsonout.emit({"paused": jsonout.flat(made), "running": running})
    render.say("paused" if length is None else f"paused for {_told(length)}")
    if running:
        ends = "ends at once" if now else "goes on to its end; gitcollab pause --now ends it"
        render.say("note: an experiment is under way here, and", ends)
    return None


@verb(WORK, "gitcollab resume")
def resume(json: Json = False) -> None:
    """Go on after `gitcollab pause`.

    Where this is the workspace of a worker, the pause of the one around it holds on.
    """
    swarm = open_swarm()
    was, left = swarm.resume(), swarm.presence().pause
    if json:
        paused = None if left is None else jsonout.flat(left)
        return jsonout.emit({"resumed": was, "paused": paused})
    render.say("resumed" if was else "nothing was paused here")
    if left is not None:
        from gitcollab.swarm.engine.guest.pausing import outer

        around = outer(swarm.member.workspace)
        where = around.root if around else swarm.workspace
        render.say(f"note: paused still, from {where}: gitcollab resume there ends it")
    return None


def _told(length: timedelta) -> str:
    return render.length(length.total_seconds())


def _length(text: str) -> timedelta:
    """A length of time; UsageError for what is none."""
    length = length_of(text) or timedelta()
    if not timedelta(0) < length <= _LONGEST:
        raise UsageError(f"--for {text!r} is no length of time", "as in --for 90m, 2h or 1d")
    return length
