"""Who works on this machine as a guest: what `gitcollab status` tells of it, and one at a time."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import filelock

from gitcollab.errors import GitcollabError
from gitcollab.swarm.engine.guest import service
from gitcollab.swarm.engine.guest.pausing import Pause, paused, workers
from gitcollab.swarm.preparing import Progress
from gitcollab.swarm.reports import RunProgress
from gitcollab.swarm.workspace import Workspace, write_whole


@dataclass(frozen=True)
class Lease:
    """A machine is lent: to which process, since when, until when (None: until it is ended)."""

    pid: int
    since: datetime
    until: datetime | None = None
    when_idle: bool = False
    gpus: tuple[int, ...] = ()


@dataclass(frozen=True)
class Presence:
    """How a workspace's machine is lent, now."""

    lease: Lease | None
    pause: Pause | None
    running: bool  # an experiment, in whatever process
    service: str | None = None  # the name of the systemd unit that was installed for it
    waiting: str | None = None  # what a lent machine waits for, in words; None while it does not


def presence(workspace: Workspace, at: datetime) -> Presence:
    """What goes on in the workspace and its workers' at that time."""
    running = any(one.is_running() for one in (workspace, *workers(workspace)))
    name = service.name_of(workspace)
    there = name if (service.units() / name).is_file() else None
    lease = _seen(workspace)
    waiting = None if lease is None else _waits(workspace)
    return Presence(lease, paused(workspace, at), running, there, waiting)


def noting(workspace: Workspace, progress: Progress) -> Progress:
    """The same, and what is waited for is known to others: see ``Presence.waiting``."""
    told: list[str] = [""]
    _wait_file(workspace).unlink(missing_ok=True)  # of one that was killed

    def note(seen: RunProgress) -> None:
        if seen.phase != "note":
            reason = seen.description if seen.phase == "wait" else ""
            if reason != told[0]:
                told[0] = reason
                with suppress(OSError):  # the disk is full: it is waited all the same
                    _tell_wait(workspace, reason)
        progress(seen)

    return note


@contextmanager
def lent(workspace: Workspace, lease: Lease) -> Iterator[None]:
    """Within the block the machine is lent from this workspace: to one process at a time."""
    lock = filelock.FileLock(_lock(workspace))
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        holder = _read(_file(workspace))
        who = f" (process {holder.pid})" if holder else ""
        raise GitcollabError(
            f"this machine is lent from {workspace.root} already{who}",
            "end that with ^C or kill, or join the hub in another folder",
        ) from None
    try:
        fields = {
            "pid": os.getpid(),
            "since": lease.since.isoformat(),
            "until": lease.until.isoformat() if lease.until else None,
            "when_idle": lease.when_idle,
            "gpus": list(lease.gpus),
        }
        write_whole(_file(workspace), json.dumps(fields).encode() + b"\n")
        yield
    finally:
        _file(workspace).unlink(missing_ok=True)
        lock.release()


def _seen(workspace: Workspace) -> Lease | None:
    """The lease of a process that lives; one that was killed let go of its lock."""
    if not _file(workspace).exists():
        return None
    lock = filelock.FileLock(_lock(workspace))
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        return _read(_file(workspace))
    lock.release()
    return None


def _tell_wait(workspace: Workspace, reason: str) -> None:
    if reason:
        write_whole(_wait_file(workspace), reason.encode())
    else:
        _wait_file(workspace).unlink(missing_ok=True)


def _waits(workspace: Workspace) -> str | None:
    """What is waited for here, or by workers: each with its name where they are several."""
    found = {}
    for one in (workspace, *workers(workspace)):
        with suppress(OSError):
            found[one.root.name] = _wait_file(one).read_bytes()[:1000].decode(errors="replace")
    if len(set(found.values())) > 1:
        return "; ".join(f"{name}: {reason}" for name, reason in found.items())
    return next(iter(found.values()), None)


def _read(path: Path) -> Lease | None:
    with suppress(OSError, ValueError, KeyError, TypeError):
        fields = json.loads(path.read_bytes())
        until = fields["until"]
        return Lease(
            int(fields["pid"]),
            datetime.fromisoformat(fields["since"]),
            None if until is None else datetime.fromisoformat(until),
            fields["when_idle"] is True,
            tuple(map(int, fields["gpus"])),
        )
    return None


def _file(workspace: Workspace) -> Path:
    return workspace.folder / "lent.json"


def _wait_file(workspace: Workspace) -> Path:
    return workspace.folder / "waiting.txt"


def _lock(workspace: Workspace) -> Path:
    return workspace.folder / "lent.lock"
