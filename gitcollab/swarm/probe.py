"""A program for the sandbox that tries to get out, and says in lines of words what it could do.

``python probe.py FOLDER PORT PID``: a folder with secrets, a port of the loopback device where
somebody listens, and a process, all outside.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import gitcollab.task

DONE = "tried"


def _read(folder: str) -> None:
    os.listdir(folder)  # noqa: PTH208


def _connect(port: str) -> None:
    socket.create_connection(("127.0.0.1", int(port)), timeout=2).close()


def _write(folder: Path) -> None:
    (folder / ".probe").touch()
    (folder / ".probe").unlink()


def _signal(pid: int) -> None:
    os.kill(pid, 0)


def _succeeds(attempt: Callable[[], None]) -> bool:
    try:
        attempt()
    except OSError:
        return False
    return True


def main(folder: str, port: str, parent: str) -> None:
    """Try everything and report."""
    attempts: dict[str, Callable[[], None]] = {
        "read your keys": lambda: _read(folder),
        "connect out": lambda: _connect(port),
        "write into gitcollab": lambda: _write(Path(gitcollab.task.__file__).parent),
        "reach gitcollab's process": lambda: _signal(int(parent)),
    }
    for what, attempt in attempts.items():
        if _succeeds(attempt):
            print(f"can {what}")
    print(DONE)


if __name__ == "__main__":
    main(*sys.argv[1:])
