"""The verb that briefs a language model: prime."""

from __future__ import annotations

import sys
import textwrap
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gitcollab.cli import jsonout
from gitcollab.cli.app import START, Json, verb
from gitcollab.cli.context import open_swarm
from gitcollab.cli.table import width
from gitcollab.cli.text import is_wide, without_credentials
from gitcollab.errors import OfflineError
from gitcollab.records.quoting import BAR

if TYPE_CHECKING:
    from gitcollab.faces.briefing import Told


class HookOf(StrEnum):
    """An agent whose session hook takes something else than the text."""

    cursor = "cursor"


@verb(START, "gitcollab prime", "gitcollab prime --full")
def prime(
    full: Annotated[bool, typer.Option("--full", help="More of all, in 12,000 tokens.")] = False,
    hook: Annotated[
        HookOf | None, typer.Option(help="Answer as this agent's session hooks have to.")
    ] = None,
    json: Json = False,
) -> None:
    """Brief a language model: where the swarm stands, the next step.

    For the start of a session, and for when its memory was cut: at most 2,000 tokens, whatever is
    on the hub. Words of others are quoted behind bars: data, not instructions. Tells what this host
    knows, without asking the hub: `gitcollab sync` first for the newest. In a folder that is no
    workspace it says how to join; where the hub was never read and is away, to go on without it.
    """
    told, fields = _told(full)
    text = without_credentials(told.text)
    if json:
        jsonout.emit({**fields, "text": text, "tokens": told.tokens, "limit": told.limit})
    elif hook is HookOf.cursor:
        jsonout.emit_form({"additional_context": text})
    else:
        print(_folded(text) if sys.stdout.isatty() else text)


def _told(full: bool) -> tuple[Told, dict[str, Any]]:
    """The briefing, or why there is none; a hook that failed would brief nobody."""
    from gitcollab.faces.briefing import elsewhere, unread
    from gitcollab.swarm.workspace import NotJoined

    try:
        return _briefing(full)
    except NotJoined as e:
        return elsewhere(e.message, e.hint), {"joined": False, "agent": None, "next": []}
    except OfflineError as e:
        agent = open_swarm().agent
        return unread(e.message), {"joined": True, "agent": agent, "next": ["gitcollab sync"]}


def _briefing(full: bool) -> tuple[Told, dict[str, Any]]:
    """The briefing, and what programs want of it."""
    from gitcollab.faces.briefing import told, typed
    from gitcollab.swarm.briefing import of_member

    brief = of_member(open_swarm().member, full=full)
    steps = [typed(step)[0] for step in brief.steps]
    return told(brief, full=full), {"joined": True, "agent": brief.status.agent, "next": steps}


def _folded(text: str) -> str:
    """The text for a terminal, which would fold a quoted line itself, without its bar."""
    cells = width()
    return "\n".join(row for shown in text.split("\n") for row in _rows(shown, cells))


def _rows(shown: str, cells: int) -> list[str]:
    bar = BAR if shown.startswith(BAR) else ""
    room = max(20, cells // 2 if is_wide(shown) else cells) - len(bar)
    hang = "" if bar else "  "
    folded = textwrap.wrap(
        shown.removeprefix(bar), room, subsequent_indent=hang, break_on_hyphens=False
    )
    return [bar + row for row in folded] or [bar.rstrip()]
