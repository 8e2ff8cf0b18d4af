"""A program for the sandbox that tries to get out, and says in lines of words what it could do.

``python probe.py FOLDER PORT PID PLACE...``: a folder with secrets, a port of the loopback device
where somebody listens, a process, and what is in the home folder, all outside.
"""

from __future__ import annotations

import ctypes
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import gitcollab.task
from gitcollab.runner import syscalls

DONE = "tried"
_SESSION_KEYRING = -3  # see keyctl(2), whose first operation asks for its number


def _read(folder: str) -> None:
    if not os.listdir(folder):  # noqa: PTH208
        raise FileNotFoundError  # covered


def _connect(port: str) -> None:
    socket.create_connection(("127.0.0.1", int(port)), timeout=2).close()


def _write(folder: Path) -> None:
    (folder / ".probe").touch()
    (folder / ".probe").unlink()


def _signal(pid: int) -> None:
    os.kill(pid, 0)


def _see(paths: tuple[str, ...]) -> None:
    if not any(map(os.path.lexists, paths)):
        raise FileNotFoundError


def _ask_for_keyring() -> None:
    here = syscalls.architecture()
    if here is None or ctypes.CDLL(None).syscall(here.keyctl, 0, _SESSION_KEYRING, 0) < 0:
        raise PermissionError


def _open_vsock() -> None:
    socket.socket(syscalls.AF_VSOCK, socket.SOCK_STREAM).close()


def _succeeds(attempt: Callable[[], None]) -> bool:
    try:
        attempt()
    except OSError:
        return False
    return True


def main(folder: str, port: str, parent: str, *home: str) -> None:
    """Try everything and report."""
    attempts: dict[str, Callable[[], None]] = {
        "read your keys": lambda: _read(folder),
        "see your home": lambda: _see(home),
        "use the kernel's keyrings": _ask_for_keyring,
        "reach the machine's host (vsock)": _open_vsock,
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
