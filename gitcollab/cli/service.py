"""Verbs ``service install``, ``uninstall``, ``status``: lending a machine from its start on."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gitcollab.cli import jsonout, render
from gitcollab.cli.app import WORK, Json, app, group, verb
from gitcollab.cli.choices import Sandbox
from gitcollab.cli.context import open_swarm
from gitcollab.cli.gpus import chosen as chosen_gpus
from gitcollab.cli.lent import Gpus, Nice, Think, ThinkMinutes, WhenIdle, terms_of, typed_terms
from gitcollab.cli.run import check_for_crew

if TYPE_CHECKING:
    from gitcollab.swarm.engine.guest.service import Service

service = group(
    "service",
    app,
    WORK,
    "Lend this machine from its start on: a systemd user service.",
    "gitcollab service install --when-idle --start",
)


@verb(
    None,
    "gitcollab service install --when-idle --dry-run",
    "gitcollab service install --gpu 0,1 --start",
    of=service,
)
def install(
    start: Annotated[bool, typer.Option("--start", help="Start it now, too.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show the unit and the commands.")
    ] = False,
    when_idle: WhenIdle = False,
    gpus: Gpus = None,
    nice: Nice = None,
    think: Think = None,
    think_minutes: ThinkMinutes = None,
    sandbox: Annotated[
        Sandbox | None, typer.Option(help="As for `gitcollab run --sandbox`.")
    ] = None,
    json: Json = False,
) -> int:
    """Install a service that does `gitcollab run --forever` in this workspace.

    It is a systemd unit of yours alone, needs no root, and begins when you log in; with
    `loginctl enable-linger`, when the machine starts. Installing again changes it; what somebody
    else wrote in its place is left alone. `gitcollab pause` holds for it, after a restart, too.
    Of your environment it has PATH alone; what --think needs beside that (keys, proxies) it reads
    from service.env in ~/.config/gitcollab.
    """
    from gitcollab.swarm.engine.guest.service import Service

    given: dict[str, Any] = {"hours": None, "when_idle": when_idle, "nice": nice}
    given |= {"think": think, "think_minutes": think_minutes}
    terms = terms_of(**given, forever=True)
    if gpus is not None and len(chosen_gpus(gpus)) > 1:
        check_for_crew(terms, asked=False)
    words = ["--forever", *typed_terms(**given | {"think": terms.think}, gpus=gpus)]
    words += [] if sandbox is None else ["--sandbox", sandbox.value]
    unit = Service(open_swarm().member.workspace)
    text = unit.text(words, terms.nice or 0, os.environ)
    commands = unit.starting(now=start)
    written = False if dry_run else unit.write(text)
    left = commands if dry_run else _obeyed(commands)
    needs = None if terms.think is None else _needs(dry_run=dry_run)
    if json:
        told = {"unit": text, "written": written, "environment": needs, "left": left}
        jsonout.emit({**_place(unit), **told})
        return _code(left, dry_run)
    _tell_unit(unit, text, dry_run=dry_run, written=written)
    _tell_left(left, dry_run=dry_run)
    if needs is not None:
        _next(f"keys, proxies and the like that --think needs, as NAME=VALUE lines: {needs}")
    if not dry_run:
        _tell_linger()
    return _code(left, dry_run)


@verb(None, "gitcollab service uninstall", of=service)
def uninstall(json: Json = False) -> int:
    """End this workspace's service, and remove it; exit code 1 where systemd does not end it."""
    from gitcollab.swarm.engine.guest.service import Service, has_manager

    unit = Service(open_swarm().member.workspace)
    unit.require_ours()
    there = unit.state().installed
    left = _obeyed(unit.stopping()) if there else []
    stuck = bool(left) and has_manager()  # it goes on: what it is stays to be seen
    removed = False if stuck else unit.remove()
    if removed:
        left += _obeyed(unit.starting(now=False)[:1])
    if json:
        jsonout.emit({**_place(unit), "removed": removed, "left": left})
        return 1 if stuck else 0
    if stuck:
        render.say(f"systemd did not stop it, so {unit.path} is left as it is")
    elif removed:
        render.say(f"removed {unit.path}")
    else:
        render.say("no service is installed for this workspace")
    _tell_left(left, dry_run=False)
    return 1 if stuck else 0


@verb(None, "gitcollab service status", of=service)
def status(json: Json = False) -> int:
    """Show whether this workspace's service is installed, and runs; exit code 1 where not."""
    from gitcollab.swarm.engine.guest.service import Service

    unit = Service(open_swarm().member.workspace)
    state = unit.state()
    runs = state.active == "active"
    if json:
        jsonout.emit({**_place(unit), **jsonout.flat(state)})
        return 0 if runs else 1
    if not state.installed:
        render.say("no service is installed for this workspace")
        _next("gitcollab service install")
        return 1
    said = state.active or "not known: no systemd user manager answers"
    render.pairs(
        [("service", unit.name), ("unit", str(unit.path)), ("enabled", state.enabled or None)]
    )
    render.pairs([("state  ", said), ("log", f"journalctl --user -u {unit.name}")])
    return 0 if runs else 1


def _obeyed(commands: list[list[str]]) -> list[list[str]]:
    """Have systemd do it; what is left to be done by hand."""
    from gitcollab.swarm.engine.guest.service import has_manager, obey

    return [list(one) for one in obey(commands)] if has_manager() else commands


def _needs(*, dry_run: bool) -> str:
    """The file with what a service has of the environment."""
    from gitcollab.swarm.engine.guest.service import environment_file, make_environment_file

    return str(environment_file() if dry_run else make_environment_file())


def _place(unit: Service) -> dict[str, str]:
    return {"service": unit.name, "path": str(unit.path)}


def _code(left: Sequence[object], dry_run: bool) -> int:
    return 1 if left and not dry_run else 0


def _tell_unit(unit: Service, text: str, *, dry_run: bool, written: bool) -> None:
    for said in text.rstrip("\n").split("\n"):
        print(f"  {said}".rstrip())
    print()
    if dry_run:
        render.say(f"to be written: {unit.path}")
    else:
        render.say(f"{'written' if written else 'as it was'}: {unit.path}")


def _tell_left(left: Sequence[Sequence[str]], *, dry_run: bool) -> None:
    if not left:
        return
    if not dry_run:
        render.say("not done by a systemd user manager; where there is one, type:")
    for command in left:
        print(f"  {shlex.join(command)}")


def _tell_linger() -> None:
    from gitcollab.swarm.engine.guest.service import lingers

    if lingers() is not True:
        _next("loginctl enable-linger lets it run while you are not logged in, from the start on")


def _next(hint: str) -> None:
    sys.stdout.flush()
    print(f"next: {hint}", file=sys.stderr)
