"""Verbs about a hub's task and files, and its maintainers: task show, set, put, workflows, ..."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gitcollab.cli import jsonout, render
from gitcollab.cli.app import KEEP, Json, app, group, verb
from gitcollab.cli.context import open_swarm
from gitcollab.cli.text import lines
from gitcollab.errors import UsageError

if TYPE_CHECKING:
    from gitcollab.swarm.reports import TaskChange

_FILES = "give the path of a file"

task = group("task", app, KEEP, "See the hub's task; change it.", "gitcollab task show")
maintainer = group(
    "maintainer",
    task,
    None,
    "Say who maintains the hub.",
    "gitcollab task maintainer add ada --file ada.pub",
)


@verb(None, "gitcollab task show", "gitcollab task show --json", of=task, name="show")
def show_task(json: Json = False) -> None:
    """Show the hub's task as it stands in task.yaml."""
    from gitcollab.records import codec

    found = open_swarm().member.task
    if json:
        return jsonout.emit((jsonout.record(found) or {}) | {"digest": found.digest})
    print(lines(codec.encode(found).decode().rstrip()))
    return None


@verb(
    None,
    "gitcollab task set policy.admission=invite",
    "gitcollab task set budget.seconds=120 timeout_seconds=600",
    of=task,
    name="set",
)
def set_task(
    sets: Annotated[
        list[str],
        typer.Argument(
            metavar="KEY=VALUE...", help="Fields, by their names in gitcollab task show."
        ),
    ],
    json: Json = False,
) -> None:
    """Change fields of the task.

    For maintainers, who are people.
    """
    from gitcollab.swarm import governing

    _tell_change(governing.set_task(open_swarm().member, sets), json)


def _tell_change(report: TaskChange, json: bool) -> None:
    if json:
        changes = [{"field": k, "before": old, "after": new} for k, old, new in report.changes]
        told = ("comparable", "unranked", "ranked", "unknown")
        return jsonout.emit({"changes": changes} | {name: getattr(report, name) for name in told})
    if not report.changes:
        render.say("nothing changed: the task is so already")
    render.pairs((key, f"{_value(old)} → {_value(new)}") for key, old, new in report.changes)
    if not report.comparable:
        _tell_ranked(report)
    if report.unknown:
        names = ", ".join(report.unknown)
        render.say(f"note: nothing is searched by {names}: the task's program has no such constant")
    return None


def _tell_ranked(report: TaskChange) -> None:
    """What became of older results, by another measure."""
    if report.unranked:
        one = report.unranked == 1
        what = f"{render.count(report.unranked, 'result')} measured something else and "
        what += "is no longer ranked" if one else "are no longer ranked"
        render.say(f"note: {what}; setting it back ranks {'it' if one else 'them'} again")
    if report.ranked:
        what = render.count(report.ranked, "earlier result")
        render.say(
            f"note: {what} of this task {'is' if report.ranked == 1 else 'are'} ranked again"
        )


def _value(value: Any) -> str:
    return "(none)" if value is None else str(value)


@verb(
    None,
    "gitcollab task put train.py",
    "gitcollab task put ~/words.yaml synonyms.yaml",
    of=task,
)
def put(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file of this machine.")],
    path: Annotated[
        str | None,
        typer.Argument(
            metavar="PATH",
            help="train.py (the baseline), collab.md, synonyms.yaml, .github/workflows/NAME.yml. "
            "Left out: the file's name.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Replace a file of the hub that is no agent's.

    For maintainers, who are people.
    """
    from gitcollab.records.names import PROGRAM_PATH
    from gitcollab.swarm import governing

    try:
        data = file.read_bytes()
    except OSError as e:
        raise UsageError(f"{file} cannot be read: {e.strerror}", _FILES) from e
    place = path or file.name
    changed = governing.put(open_swarm().member, place, data)
    if json:
        return jsonout.emit({"path": place, "changed": changed})
    render.say(f"{place} is on the hub" if changed else f"nothing changed: {place} is so already")
    if changed and place == PROGRAM_PATH:
        render.say(
            "note: changes of it have no verdict before it was run; older results keep theirs"
        )
    return None


@verb(None, "gitcollab task workflows", "gitcollab task workflows --replace", of=task)
def workflows(
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace those that differ, too.")
    ] = False,
    json: Json = False,
) -> None:
    """Put the workflows that come with gitcollab on the hub: for GitHub, which runs them.

    For maintainers, who are people. Your git credentials need the right to write workflows. One
    that is there and differs is kept: you may have changed it, or it is of another version.
    """
    from gitcollab.swarm import governing

    put, kept = governing.put_workflows(open_swarm().member, replace=replace)
    if json:
        return jsonout.emit({"put": put, "kept": kept})
    for path in put:
        render.say(path, "is on the hub")
    for path in kept:
        render.say(path, "differs and is kept; --replace puts gitcollab's own there")
    if not put and not kept:
        render.say("nothing changed: they are on the hub already")
    return None


@verb(
    None,
    "gitcollab task maintainer add ada 'ssh-ed25519 AAAA...'",
    "gitcollab task maintainer add ada --file ada.pub",
    of=maintainer,
)
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The maintainer's name.")],
    key: Annotated[
        str | None, typer.Argument(metavar="KEY", help="Their public key, in OpenSSH's form.")
    ] = None,
    file: Annotated[Path | None, typer.Option(help="A file that holds it.")] = None,
    json: Json = False,
) -> None:
    """Make somebody a maintainer of the hub.

    For maintainers, who are people. The key is an ed25519 one: ssh-keygen -t ed25519 makes it. Its
    owner puts the private file into the folder keys/ of what gitcollab keeps (gitcollab doctor says
    where).
    """
    from gitcollab.swarm import governing

    if (key is None) == (file is None):
        raise UsageError("one key is needed", "give it, or --file with the file that holds it")
    if file is not None:
        try:
            key = file.read_text(encoding="utf-8")[:1000]
        except (OSError, ValueError) as e:
            why = getattr(e, "strerror", None) or "it is not UTF-8 text"
            raise UsageError(f"{file} cannot be read: {why}", _FILES) from e
    _tell_change(governing.add_maintainer(open_swarm().member, name, key or ""), json)


@verb(None, "gitcollab task maintainer remove ada", of=maintainer)
def remove(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The maintainer's name.")],
    json: Json = False,
) -> None:
    """Take a maintainer's office; past rulings stay.

    For maintainers, who are people.
    """
    from gitcollab.swarm import governing

    _tell_change(governing.remove_maintainer(open_swarm().member, name), json)
