"""All that a program starts, wherever it goes: ended when the program has ended.

A process may leave its group and its parent. On Linux orphans come to us while we ask for them, and
whoever was started has a mark in its environment. (Elsewhere only the group is known: ``process``.)
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import sys
import time
from collections.abc import Collection, Iterator
from pathlib import Path

from gitcollab.runner.limits import descendants

MARK = "GITCOLLAB_CALL"
PATIENCE = 2.0  # seconds, for what starts others while it is ended
_PAUSE = 0.02
_PR_SET_CHILD_SUBREAPER, _PR_GET_CHILD_SUBREAPER = 36, 37  # see prctl(2)


@contextlib.contextmanager
def gathered() -> Iterator[dict[str, str]]:
    """Within the block, what a program starts that has these variables; at its end all is ended.

    Nothing else may be started by this process meanwhile that is to outlive the block, git apart.
    """
    mark = secrets.token_hex(16)
    if not sys.platform.startswith("linux"):
        yield {MARK: mark}
        return
    before = frozenset(descendants(os.getpid()))
    with _reaping():
        try:
            yield {MARK: mark}
        finally:
            _end(mark, before)


@contextlib.contextmanager
def _reaping() -> Iterator[None]:
    """Orphans below us become our children."""
    import ctypes

    libc, was = ctypes.CDLL(None), ctypes.c_int(0)
    libc.prctl(_PR_GET_CHILD_SUBREAPER, ctypes.byref(was), 0, 0, 0)
    libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        yield
    finally:
        libc.prctl(_PR_SET_CHILD_SUBREAPER, was.value, 0, 0, 0)


def _end(mark: str, before: Collection[int]) -> None:
    """SIGKILL, again and again until none is left, or only what cannot be killed."""
    until = time.monotonic() + PATIENCE
    while found := _left(mark.encode(), before):
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        for pid in found:
            with contextlib.suppress(ChildProcessError):  # it is none of ours, or not yet
                os.waitpid(pid, os.WNOHANG)
        if time.monotonic() > until:
            return
        time.sleep(_PAUSE)


def _left(mark: bytes, before: Collection[int]) -> set[int]:
    """Who bears the mark, or is a child of ours that has thrown it away; and all below them."""
    me = os.getpid()
    fresh = [pid for pid in descendants(me) if pid not in before]
    first = {pid for pid in fresh if _parent(pid) == me and _read(pid, "comm").strip() != b"git"}
    marked = {pid for pid in _everybody() if pid != me and mark in _read(pid, "environ")}
    found: set[int] = set()
    for pid in first | marked:
        found.update(descendants(pid))
    return found - {me} - set(before)


def _everybody() -> Iterator[int]:
    yield from (int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal())


def _parent(pid: int) -> int | None:
    try:
        return int(_read(pid, "stat").rpartition(b")")[2].split()[1])
    except (ValueError, IndexError):
        return None


def _read(pid: int, name: str) -> bytes:
    """What /proc says of a process; nothing where it is gone, or another user's."""
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""
