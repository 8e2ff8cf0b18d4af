"""Pauses: a file in the workspace says that no experiment begins, so that a reboot keeps it.

What is paused in a workspace is paused for all its workers, whose workspaces lie in it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from gitcollab.swarm.workspace import FOLDER, Workspace, write_whole

WORKERS = "workers"  # in a workspace's own folder: workspaces of workers


@dataclass(frozen=True)
class Pause:
    """Since when, until when (None: until it is resumed); ``now``: what runs is ended, too."""

    since: datetime
    until: datetime | None = None
    now: bool = False


def pause(workspace: Workspace, since: datetime, until: datetime | None, *, now: bool) -> Pause:
    """Let no experiment begin here; one that is paused already is paused anew."""
    made = Pause(since, until, now)
    fields = {
        "since": since.isoformat(),
        "until": until.isoformat() if until else None,
        "now": now,
    }
    write_whole(_file(workspace), json.dumps(fields).encode() + b"\n")
    return made


def resume(workspace: Workspace) -> bool:
    """Let experiments begin again, of its workers, too; whether anything was paused."""
    found = [one for one in (workspace, *workers(workspace)) if _file(one).exists()]
    for one in found:
        _file(one).unlink(missing_ok=True)
    return bool(found)


def paused(workspace: Workspace, at: datetime) -> Pause | None:
    """The pause that holds here at that time.

    Where the workspace around a worker's is paused, too: both, until the last is over.
    """
    around = outer(workspace)
    found = [_read(_file(one)) for one in (workspace, *([around] if around else []))]
    held = [one for one in found if one and (one.until is None or one.until > at)]
    if not held:
        return None
    until = [one.until for one in held if one.until is not None]
    # Since when: what runs is ended by those that end it at once.
    since = max(one.since for one in [one for one in held if one.now] or held)
    last = max(until) if len(until) == len(held) else None
    return Pause(since, last, any(one.now for one in held))


def outer(workspace: Workspace) -> Workspace | None:
    """The workspace that this one is a worker's of; None where it is none."""
    parts = workspace.root.parts
    if len(parts) > 3 and parts[-3:-1] == (FOLDER, WORKERS):
        return Workspace(workspace.root.parents[2])
    return None


def workers(workspace: Workspace) -> Iterator[Workspace]:
    """The workspaces of its workers."""
    for folder in sorted((workspace.folder / WORKERS).glob("*")):
        if (folder / FOLDER / "config.yaml").is_file():
            yield Workspace(folder)


def _file(workspace: Workspace) -> Path:
    return workspace.folder / "paused.json"


def _read(path: Path) -> Pause | None:
    """The pause in a file; one that is damaged holds still: somebody meant it."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    fields = {}
    with suppress(ValueError):
        fields = json.loads(data)
    if not isinstance(fields, dict):
        fields = {}
    changed = datetime.fromtimestamp(0).astimezone()
    since = _time(fields.get("since")) or changed
    return Pause(since, _time(fields.get("until")), fields.get("now") is True)


def _time(text: object) -> datetime | None:
    with suppress(TypeError, ValueError):
        found = datetime.fromisoformat(text)  # type: ignore[arg-type]
        return found if found.tzinfo else None
    return None
