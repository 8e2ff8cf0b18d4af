"""Writing several files: all of them, or none."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from gitcollab.errors import GitcollabError
from gitcollab.store.files import write_aside


@dataclass(frozen=True)
class Write:
    """A file as it is and as it is to be; None is for one that is not there."""

    at: Path
    old: bytes | None
    new: bytes | None


def swap(writes: Sequence[Write]) -> None:
    """Write them in their order; where one fails, those before it are undone.

    Raises GitcollabError then.
    """
    with ExitStack() as undo:
        for one in writes:
            if one.old == one.new:
                continue
            for folder in reversed(missing(one.at)):
                undo.callback(removed, folder)
            undo.callback(_undone, one)
            try:
                _write(one.at, one.new)
            except OSError as e:
                raise GitcollabError(
                    f"{one.at} cannot be written: {e.strerror}",
                    "nothing was changed; see that you may write there, and that the disk has room",
                ) from e
        undo.pop_all()


def missing(at: Path) -> list[Path]:
    """The folders that have to be made for a file, the inmost first."""
    return [folder for folder in at.parents if not folder.exists()]


def removed(folder: Path) -> bool:
    """Remove a folder, if nothing is in it; whether it is gone."""
    with suppress(OSError):
        folder.rmdir()
    return not folder.exists()


def _write(at: Path, data: bytes | None) -> None:
    if data is None:
        at.unlink(missing_ok=True)
        return
    at.parent.mkdir(parents=True, exist_ok=True)
    mode = at.stat().st_mode & 0o777 if at.exists() else None
    write_aside(at, data, durable=True, mode=mode)


def _undone(one: Write) -> None:
    with suppress(OSError):
        if (one.at.read_bytes() if one.at.exists() else None) != one.old:
            _write(one.at, one.old)
