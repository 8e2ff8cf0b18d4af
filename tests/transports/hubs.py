"""Hubs reached over a transport, and what can be wrong with them."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.store.store_toys import git


@dataclass(frozen=True)
class Transport:
    """A way to the repositories below ``hubs``; ``stop`` makes all of them unreachable."""

    name: str
    hubs: Path
    base: str
    stop: Callable[[], object]
    start: Callable[[], object]

    def url(self, path: Path) -> str:
        """The address of the repository at ``path``."""
        return self.base + str(path.relative_to(self.hubs))


@dataclass(frozen=True)
class Hub:
    """A bare repository on this machine, and the address that clients are to use."""

    path: Path
    url: str

    def add_hook(self, name: str, script: str) -> None:
        """Have the hub run ``script``."""
        hook = self.path / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\n{script}\n")
        hook.chmod(0o755)

    def swallow_one_reply(self) -> Path:
        """Let the next push land and its reply get lost; the file that is there once it was."""
        marker = self.path.with_suffix(".swallowed")
        # It runs when the branch has moved; its parent is the process that would say so.
        self.add_hook(
            "reference-transaction",
            f'[ "$1" = committed ] && [ ! -e {marker} ] && touch {marker} && kill -9 $PPID; exit 0',
        )
        return marker

    @contextlib.contextmanager
    def hanging(self) -> Iterator[None]:
        """Within the block the hub's git waits for its disk, for ever."""
        refs, aside = self.path / "packed-refs", self.path / "packed-refs.fifo"
        git(self.path, "pack-refs")
        real = refs.read_bytes()
        refs.unlink()
        os.mkfifo(refs)
        try:
            yield
        finally:
            refs.rename(aside)
            refs.write_bytes(real)
            with contextlib.suppress(OSError):  # lets go whoever waits; nobody may
                os.close(os.open(aside, os.O_WRONLY | os.O_NONBLOCK))
            aside.unlink()


def stop_folder(folder: Path) -> None:
    """Take the hubs away, as a disk that is not mounted."""
    folder.rename(folder.with_name("away"))


def start_folder(folder: Path) -> None:
    """Bring them back."""
    folder.with_name("away").rename(folder)


def copy_hub(template: Path, path: Path) -> Path:
    """A hub of one's own."""
    shutil.copytree(template, path)
    return path


def holds(folder: Path, secret: str) -> list[Path]:
    """The files and folders below ``folder`` that show ``secret``, in their name or content."""
    found = []
    for path in folder.rglob("*"):
        if secret in str(path) or (path.is_file() and secret.encode() in path.read_bytes()):
            found.append(path)
    return found


def history(path: Path) -> str:
    """Every commit of the hub with its changes."""
    listed = ["git", f"--git-dir={path}", "log", "--all", "--format=fuller", "-p"]
    return subprocess.run(listed, check=True, capture_output=True, text=True).stdout
