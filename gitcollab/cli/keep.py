"""Verbs that keep an agent going: outbox, doctor."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gitcollab.cli import jsonout, render
from gitcollab.cli.app import KEEP, Json, Sections, app, verb
from gitcollab.cli.context import open_swarm
from gitcollab.cli.text import without_credentials

if TYPE_CHECKING:
    from gitcollab.swarm.doctor import Check
    from gitcollab.swarm.reports import OutboxItem, OutboxReport, Retried

_FAILED, _REFUSED, _QUEUED = 1, 4, 5
_WELL = "all is well"
_SHOWN = 20  # of what waits; --json gives all
_WHO = {
    "hub": "by the hub",
    "rules": "by the protocol's rules, on this host",
    "bug": "by a bug in gitcollab",
}
_SAID = {
    "queued": "still queued",
    "offline": "given up",
    "refused": "refused again",
    "failed": "refused again",
}

outbox = typer.Typer(
    name="outbox",
    cls=Sections,
    rich_markup_mode=None,
    add_completion=False,
    epilog="\b\nExample:\n  gitcollab outbox\n  gitcollab outbox retry\n"
    "  gitcollab outbox drop 1a2b3c4d",
    invoke_without_command=True,
    subcommand_metavar="[VERB] [ARGS]...",
)
app.add_typer(outbox, rich_help_panel=KEEP)


@outbox.callback()
def _outbox(context: typer.Context, json: Json = False) -> None:
    """Show what waits for the hub, and what was refused.

    Whatever you publish goes first to a durable queue on this host, and from there to the hub.
    What the hub or the protocol's rules refuse is kept, with their words.
    """
    if context.invoked_subcommand is not None:
        return
    report = open_swarm().outbox()
    if json:
        jsonout.emit(jsonout.outbox(report))
    else:
        _tell_outbox(report)


def _tell_outbox(report: OutboxReport) -> None:
    if not report.waiting and not report.refused:
        render.say("nothing waits for the hub, and nothing was refused")
    if report.waiting:
        render.say(
            f"{render.count(len(report.waiting), 'record')} for the hub; gitcollab sync delivers"
        )
        if reason := report.waiting[0].reason:
            render.say("last try:", render.gist(reason))
        render.pairs(_row(item) for item in report.waiting[:_SHOWN])
        if len(report.waiting) > _SHOWN:
            render.say(f"... and {len(report.waiting) - _SHOWN} more (--json gives all)")
    if report.refused:
        if report.waiting:
            print()
        render.say(f"{render.count(len(report.refused), 'record')} refused, and kept on this host")
        for item in report.refused:
            render.pairs([_row(item), ("", _refusal(item))])
        render.say("next: gitcollab outbox retry [ID], or gitcollab outbox drop ID")


def _row(item: OutboxItem) -> tuple[str, str]:
    age = render.span((render.now() - item.since).total_seconds())
    what = f"{render.noun(item.kind)} by {item.agent}, {age} old"
    return f"{render.short_id(item.id)[:12]:12}", f"{what}: {item.description or item.id}"


def _refusal(item: OutboxItem) -> str:
    who = _WHO.get(item.refused_by or "", "")
    when = ""
    if item.refused_at is not None:
        when = f" {render.span((render.now() - item.refused_at).total_seconds())} ago"
    return f"refused {who}{when}: {render.gist(item.reason)}"


@verb(None, "gitcollab outbox retry", "gitcollab outbox retry 1a2b3c4d", of=outbox)
def retry(
    wanted: Annotated[
        str | None,
        typer.Argument(metavar="ID", help="Part of an id. Left out: all that was refused."),
    ] = None,
    json: Json = False,
) -> int:
    """Deliver again what was refused, and say what became of each.

    Exit codes: 0 delivered, 4 refused again, 5 still queued (offline).
    """
    report = open_swarm().retry(wanted)
    if json:
        jsonout.emit(jsonout.retried(report))
    elif not report:
        render.say("nothing was refused")
    else:
        for one in report:
            render.pairs([(render.short_id(one.item.id), _became(one))])
    return _retry_code(report)


def _became(one: Retried) -> str:
    what = f"{render.noun(one.item.kind)} {one.item.description or one.item.id}"
    said = _SAID.get(one.outcome)
    return f"{said}: {render.gist(one.reason)} ({what})" if said else f"delivered: {what}"


def _retry_code(report: Sequence[Retried]) -> int:
    became = {one.outcome for one in report}
    if became & {"refused", "failed"}:
        return _REFUSED
    return _QUEUED if became & {"queued", "offline"} else 0


@verb(None, "gitcollab outbox drop 1a2b3c4d", of=outbox)
def drop(
    wanted: Annotated[str, typer.Argument(metavar="ID", help="The id, or part of it.")],
    json: Json = False,
) -> None:
    """Forget a record that waits or was refused. A file in .gitcollab/aside/ keeps it."""
    report = open_swarm().drop(wanted)
    if json:
        return jsonout.emit(jsonout.flat(report.item) | {"path": report.path})
    item = report.item
    render.say(f"dropped the {render.noun(item.kind)} {item.description or item.id}")
    render.say("what it held:", str(report.path))
    return None


@verb(KEEP, "gitcollab doctor", "gitcollab doctor --json")
def doctor(json: Json = False) -> int:
    """Say what is wrong here, and what to do about it.

    Examines git, access to the hub, clock, local copy, outbox, key, data, disk and sandbox.
    Nothing is changed, here or on the hub. Outside of a workspace it examines the machine.

    Exit codes: 0 nothing failed, 1 something did.
    """
    from gitcollab.swarm.doctor import examine

    checks = examine(Path())
    failed = sum(check.state == "fail" for check in checks)
    if json:
        jsonout.emit(jsonout.checks(checks))
    else:
        render.pairs(row for check in checks for row in _rows(check))
        warned = sum(check.state == "warn" for check in checks)
        told = f"{render.count(len(checks), 'check')}: {failed} failed"
        render.say(f"{told}, {render.count(warned, 'warning')}" if failed or warned else _WELL)
    return _FAILED if failed else 0


def _rows(check: Check) -> list[tuple[str, str]]:
    mark = {"ok": "ok", "warn": "warn", "fail": "FAIL"}[check.state]
    rows = [(f"{mark:6}{check.name}", without_credentials(check.found))]
    return rows + ([("", f"> {without_credentials(check.todo)}")] if check.todo else [])
