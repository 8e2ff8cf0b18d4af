"""Verbs of a hub that one serves oneself: hooks install, hooks tend."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import redirect_stdout, suppress
from pathlib import Path
from typing import Annotated

import typer

from gitcollab.cli import jsonout, render
from gitcollab.cli.app import KEEP, Json, app, group, verb
from gitcollab.cli.boundary import guard
from gitcollab.cli.choices import Branch

_MOST_SECONDS = 3600  # that bringing a hub up to date may take in the background

Hub = Annotated[Path, typer.Argument(metavar="HUB", help="The hub's git directory.")]

hooks = group(
    "hooks",
    app,
    KEEP,
    "The door of a hub that you serve yourself.",
    "gitcollab hooks install /srv/hubs/gpt.git",
)


@verb(None, "gitcollab hooks install /srv/hubs/gpt.git", of=hooks)
def install(hub: Hub, branch: Branch = None, json: Json = False) -> None:
    """Have every push to a hub checked by the rule book, and the hub brought up to date after it.

    Writes hooks/pre-receive and hooks/post-receive there, for the gitcollab that runs this; may be
    repeated, and has to be when gitcollab moves. Other branches than the hub's are none of their
    business.
    """
    from gitcollab.swarm.hooks import install as put

    report = put(hub, branch)
    if json:
        return jsonout.emit(jsonout.flat(report))
    for hook in (report.hook, report.keeper):
        if report.done == "present":
            render.say(str(hook), "is as it should be")
        else:
            render.say(report.done, str(hook))
    render.say(f"they check every push to the branch {report.branch}, and bring it up to date")
    return None


@verb(None, "gitcollab hooks tend /srv/hubs/gpt.git", of=hooks)
def tend(
    hub: Hub,
    post_receive: Annotated[
        bool, typer.Option("--post-receive", hidden=True, help="Be a hub's hook.")
    ] = False,
    json: Json = False,
) -> int:
    """Bring a hub up to date: its derived files, stale claims, its dashboard.

    hooks/post-receive does this after every push, by `gitcollab views`, `sweep` and `dashboard`.
    The dashboard is built where the hub's git configuration says: git --git-dir HUB config
    gitcollab.dashboard FOLDER, a full path. One is at work on a hub at a time, and one waits;
    whoever comes then leaves it to that one. What the commands say goes to standard error with
    --json.
    """
    from gitcollab.store.snapshot import utc_now
    from gitcollab.swarm.hooks import turn

    if post_receive:
        _detach()
    codes: dict[str, int] = {}
    with turn(hub) as mine, redirect_stdout(sys.stderr if json else sys.stdout):
        if mine:
            render.say(utc_now().isoformat(timespec="seconds"))
            codes = _run_all(hub)
    if json:
        jsonout.emit({"exit": codes})
    return max(codes.values(), default=0)


def _run_all(hub: Path) -> dict[str, int]:
    """Run the commands that bring the hub up to date, each whatever became of the others."""
    from gitcollab.cli.main import run
    from gitcollab.swarm.hooks import dashboard_folder

    where = ["--git-dir", str(hub)]
    codes = {verb: run([verb, *where]) for verb in ("views", "sweep")}

    def build() -> int:
        if (folder := dashboard_folder(hub)) is not None:
            codes["dashboard"] = run(["dashboard", *where, "--out", str(folder)])
        return 0

    if code := guard(build, []):
        codes["dashboard"] = code
    return codes


def _detach() -> None:
    """Outlive who pushed, but not for ever."""
    with suppress(OSError):  # it leads a session already
        os.setsid()
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(_MOST_SECONDS)
