"""What setup remembers of the files that it has changed: ``.gitcollab/setup.json``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gitcollab.errors import GitcollabError
from gitcollab.records.models import sha256

_NAME = "setup.json"
_PATIENCE = 10  # seconds; a setup takes a fraction of one


@dataclass
class Was:
    """A file: its text before (None: there was none), what was put there, and who it is for."""

    before: str | None
    after: str  # the digest of what was written
    agents: list[str] = field(default_factory=list)
    entry: Any = None  # of a JSON file: the value that was put there

    @classmethod
    def of(cls, kept: Any) -> Was:
        """Raises TypeError where it is none."""
        was = cls(**kept)
        texts = [was.after, *was.agents, *([] if was.before is None else [was.before])]
        if not isinstance(was.agents, list) or not all(isinstance(text, str) for text in texts):
            raise TypeError("no memory of a file")
        return was


@dataclass
class Memory:
    """``files`` by where they lie below the workspace; ``folders`` that were made, inmost first."""

    files: dict[str, Was] = field(default_factory=dict)
    folders: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path) -> Memory:
        """What is remembered; nothing, where that is gone or spoilt."""
        try:
            kept = json.loads(path.read_bytes())
            files = {name: Was.of(was) for name, was in kept["files"].items()}
            return cls(files, [str(name) for name in kept["folders"]])
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return cls()  # then only what is ours is taken out

    @property
    def data(self) -> bytes | None:
        """The file of it; None where there is nothing to remember."""
        if not self.files and not self.folders:
            return None
        kept = {name: vars(was) for name, was in self.files.items()}
        told = {"files": kept, "folders": self.folders}
        return json.dumps(told, indent=1).encode() + b"\n"

    def forget(self, kind: str, name: str) -> None:
        """A file is no longer for an agent of this kind."""
        if (was := self.files.get(name)) is not None:
            was.agents = [one for one in was.agents if one != kind]
            if not was.agents:
                del self.files[name]


def place(folder: Path) -> Path:
    """Where the memory of a workspace is, whose own folder this is."""
    return folder / _NAME


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Within the block no other setup changes this workspace. Raises GitcollabError."""
    import filelock

    lock = filelock.FileLock(folder / "setup.lock")
    try:
        lock.acquire(timeout=_PATIENCE)
    except filelock.Timeout:
        raise GitcollabError(
            "another gitcollab setup is at work in this folder", "wait for it, then try again"
        ) from None
    except OSError as e:
        raise GitcollabError(
            f"{folder} cannot be written: {e.strerror}", "see that you may write in that folder"
        ) from e
    try:
        yield
    finally:
        lock.release()


def digest(text: str) -> str:
    """What tells one text from another."""
    return sha256(text.encode())
