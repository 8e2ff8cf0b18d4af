"""What a mind may not change is held while it is called: in memory, and on disk.

``.gitcollab/held.json`` has it from before a call until it is put back, so that a call which was
cut off (by kill -9, or when the power fails) leaves nothing behind that could pass for its user's:
whoever opens the workspace next puts it back first. What stood there instead goes aside.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TypeAlias

from gitcollab.errors import GitcollabError
from gitcollab.swarm.regular import Missing, Unreadable, read_regular
from gitcollab.swarm.workspace import Workspace, write_whole

_MOST = 8_000_000  # bytes: a program and its base are 1 MB each at most, escapes apart
_MOST_ALL = 16 * _MOST
_LABEL = "of-a-mind"

Held: TypeAlias = Mapping[Path, bytes | None]  # None: there is no such file


def content(path: Path) -> bytes | None:
    """What is to be held of a file. Raises Unreadable where it could not be put back as it is."""
    try:
        return read_regular(path, _MOST)
    except Missing:
        return None


def remember(workspace: Workspace, held: Held) -> None:
    """Write it down, for whoever comes after us; GitcollabError where that cannot be."""
    fields = {
        os.path.relpath(path, workspace.root): None if data is None else _coded(data)
        for path, data in held.items()
    }
    write_whole(_path(workspace), json.dumps(fields).encode() + b"\n")


def forget(workspace: Workspace) -> None:
    """All is as it was: nothing is held any more."""
    _path(workspace).unlink(missing_ok=True)


def put_back(workspace: Workspace, path: Path, before: bytes | None) -> str:
    """Make a file what it was, unless it is; what was done, in words, or ""."""
    try:
        if _is(path, before):
            return ""
        kept = _out_of_the_way(workspace, path)
        if before is not None:
            write_whole(path, before)
        else:
            path.unlink(missing_ok=True)
    except (GitcollabError, OSError) as e:
        return f"{_name(workspace, path)} (it cannot be put back: {e})"
    return f"{_name(workspace, path)} (put back{kept})"


def recover(workspace: Workspace) -> tuple[str, ...]:
    """Put back what a call that was cut off may have changed; a note on each file that it had.

    While experiments run here the call goes on, and nothing is done.
    """
    if not is_held(workspace):
        return ()
    with ExitStack() as stack:
        try:
            stack.enter_context(workspace.one_run())
        except GitcollabError:
            return ()
        return recover_own(workspace)


def is_held(workspace: Workspace) -> bool:
    """Whether a call goes on, or was cut off."""
    return _path(workspace).exists()


def recover_own(workspace: Workspace) -> tuple[str, ...]:
    """As ``recover``, for who has the workspace's experiments for itself (``one_run``).

    Raises GitcollabError where something cannot be put back.
    """
    done = [put_back(workspace, path, before) for path, before in _remembered(workspace)]
    told = [f"a mind was cut off in its work, and this was changed: {one}" for one in done if one]
    if any("cannot be put back" in one for one in told):  # it is tried again
        raise GitcollabError(told[0], "put it right by hand, or remove what is in its place")
    forget(workspace)
    return tuple(told)


def _remembered(workspace: Workspace) -> Iterator[tuple[Path, bytes | None]]:
    """What is held, by a call that goes on or was cut off; nothing where that is damaged."""
    with suppress(Unreadable, ValueError, TypeError, AttributeError, RecursionError):
        fields = json.loads(read_regular(_path(workspace), _MOST_ALL))
        for name, data in fields.items():
            path = Path(os.path.normpath(workspace.root / name))
            yield path, None if data is None else base64.b64decode(data, validate=True)


def _is(path: Path, before: bytes | None) -> bool:
    try:
        return content(path) == before
    except Unreadable:
        return False


def _out_of_the_way(workspace: Workspace, path: Path) -> str:
    """Keep what is in the file's place; where that is, in words. A link, or a pipe, is not kept."""
    label = f"{path.stem}-{_LABEL}"
    try:
        data = content(path)
    except Unreadable:
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            return ""
        aside = workspace.free_aside(label, path.suffix)
        path.rename(aside)
    else:
        if not data:
            return ""
        aside = workspace.set_aside(data, label, path.suffix)
    return f"; as it was changed, by the mind or by you: {_name(workspace, aside)}"


def _name(workspace: Workspace, path: Path) -> str:
    return os.path.relpath(path, workspace.root)


def _coded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _path(workspace: Workspace) -> Path:
    return workspace.folder / "held.json"
