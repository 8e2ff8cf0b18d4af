"""The verb that tells a language-model agent of this workspace: setup."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gitcollab.cli import jsonout, render
from gitcollab.cli.app import START, Json, verb
from gitcollab.cli.text import lines

if TYPE_CHECKING:
    from gitcollab.faces.setup.agents import Kind
    from gitcollab.faces.setup.putting import Changed


class Reader(StrEnum):
    """A kind of agent."""

    claude = "claude"
    codex = "codex"
    cursor = "cursor"
    generic = "generic"


@verb(
    START,
    "gitcollab setup claude",
    "gitcollab setup codex --dry-run",
    "gitcollab setup cursor --remove",
)
def setup(
    agent: Annotated[
        Reader, typer.Argument(metavar="AGENT", help="claude, codex, cursor, generic")
    ],
    remove: Annotated[
        bool, typer.Option("--remove", help="Take out what setup has written.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be written, and write nothing.")
    ] = False,
    json: Json = False,
) -> None:
    """Tell a language model's agent how to take part here.

    Instructions, the MCP server and a hook that briefs it at the start of a session, in files of
    this workspace alone: for claude CLAUDE.md, .mcp.json and .claude/settings.local.json; for codex
    AGENTS.md and .codex/; for cursor .cursor/; for others (generic) AGENTS.md. What is in them
    already stays as it is. Shows every change; --remove takes it back. They name this workspace and
    this gitcollab by their full paths: repeat it when one of them moves.
    """
    kind = _kind(agent)
    changed, notes = _change(kind, remove=remove, dry_run=dry_run)
    if json:
        return jsonout.emit(
            {
                "agent": kind,
                "dry_run": dry_run,
                "files": [jsonout.flat(one) for one in changed],
                "notes": list(notes),
            }
        )
    for one in changed:
        if one.diff:
            print(lines(one.diff.replace("\t\n", "\n")))
    render.pairs((one.path, _told(one, dry_run)) for one in changed)
    for note in notes:
        render.say("note:", note)
    return None


def _kind(chosen: Reader) -> Kind:
    """The choice in the word that faces use."""
    match chosen:
        case Reader.claude:
            return "claude"
        case Reader.codex:
            return "codex"
        case Reader.cursor:
            return "cursor"
        case Reader.generic:
            return "generic"


def _change(kind: Kind, *, remove: bool, dry_run: bool) -> tuple[list[Changed], list[str]]:
    """What becomes of the files, and what is to be said of it; the hub is not asked."""
    from gitcollab.faces.setup.agents import Place, notes, pieces
    from gitcollab.faces.setup.putting import Settings
    from gitcollab.swarm.workspace import Workspace

    workspace = Workspace.find(Path())
    place = Place.of(workspace.root, workspace.config.agent)
    files = Settings(workspace.root)
    if remove:
        return files.take(kind, pieces(kind, place), dry_run=dry_run), []
    return files.put(kind, pieces(kind, place), dry_run=dry_run), list(notes(kind, place))


def _told(one: Changed, dry_run: bool) -> str:
    note = f": {one.note}" if one.note else ""
    would = "would be " if dry_run and one.diff else ""
    return f"{would}{one.done} ({one.what}){note}"
