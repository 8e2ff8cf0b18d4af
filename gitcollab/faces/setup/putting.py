"""Putting an agent's pieces into its files, and taking them out so that nothing of ours stays.

What a file was before is remembered in ``.gitcollab/setup.json``: while nobody else has changed it,
it comes back as it was, to the byte; else only what is ours is taken out. Nothing is written where
one of the files cannot be changed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from gitcollab.errors import GitcollabError
from gitcollab.faces.setup.jsontext import NotAsExpected
from gitcollab.faces.setup.pieces import Piece, What
from gitcollab.records.models import sha256
from gitcollab.store.differences import difference
from gitcollab.store.files import write_aside
from gitcollab.swarm.workspace import FOLDER, make_folder, write_whole

Done = Literal["created", "changed", "unchanged", "removed", "kept"]
_LARGEST = 1_000_000  # bytes of a file of instructions or settings
_MEMORY = "setup.json"


@dataclass(frozen=True)
class Changed:
    """What becomes of one file; ``diff`` is a unified diff, empty where nothing changes."""

    path: str
    what: What
    done: Done
    diff: str
    note: str = ""


@dataclass
class _Was:
    """What is remembered of a file: its text before (None: there was none), and who it is for."""

    before: str | None
    after: str  # the digest of what was written
    agents: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Plan:
    """A file as it is and as it is to be; ``at`` is where it lies, links followed."""

    piece: Piece
    at: Path
    old: str | None
    new: str | None
    note: str = ""

    @property
    def changed(self) -> Changed:
        if self.note:
            done: Done = "kept"
        elif self.old == self.new:
            done = "unchanged"
        else:
            done = "removed" if self.new is None else "created" if self.old is None else "changed"
        found = difference(self.old or "", self.new or "", self.piece.path)
        return Changed(self.piece.path, self.piece.what, done, found.patch, self.note)


class Settings:
    """The files of a workspace that tell agents of it."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._memory = root / FOLDER / _MEMORY

    def put(self, kind: str, pieces: Sequence[Piece], *, dry_run: bool = False) -> list[Changed]:
        """Write the pieces of an agent of this kind; what is there already is left.

        Raises GitcollabError, and writes nothing, where a file cannot be changed.
        """
        known, folders = self._remembered()
        plans = [self._with(piece) for piece in pieces]
        if not dry_run:
            made = [folder for plan in plans for folder in self._missing(plan.at)]
            for plan in plans:
                _remember(known, kind, plan)
            self._remember(known, dict.fromkeys((*folders, *made)))
            for plan in plans:
                self._write(plan)
        return [plan.changed for plan in plans]

    def take(self, kind: str, pieces: Sequence[Piece], *, dry_run: bool = False) -> list[Changed]:
        """Take the pieces of an agent of this kind out; what another needs stays.

        Raises GitcollabError, and writes nothing, where a file cannot be changed.
        """
        known, folders = self._remembered()
        plans = [self._without(piece, kind, known.get(piece.path)) for piece in pieces]
        if not dry_run:
            for plan in plans:
                self._write(plan)
                _forget(known, kind, plan.piece.path)
            left = [folder for folder in folders if not self._removed(folder)]
            self._remember(known, left)
        return [plan.changed for plan in plans]

    def _with(self, piece: Piece) -> _Plan:
        at = self._place(piece)
        old = self._text(piece, at)
        return _Plan(piece, at, old, _telling(piece, lambda: piece.put(old)))

    def _without(self, piece: Piece, kind: str, was: _Was | None) -> _Plan:
        at = self._place(piece)
        old = self._text(piece, at)
        others = [name for name in was.agents if name != kind] if was else []
        if others:
            return _Plan(piece, at, old, old, f"{' and '.join(others)} needs it")
        if old is None:
            return _Plan(piece, at, None, None)
        if was is not None and was.after == _digest(old):
            return _Plan(piece, at, old, was.before)
        before = was.before if was else None
        return _Plan(piece, at, old, _telling(piece, lambda: piece.take(old, before)))

    def _place(self, piece: Piece) -> Path:
        """Where the file is; GitcollabError where a link leads out of the workspace."""
        root, at = self._root.resolve(), (self._root / piece.path).resolve()
        if not at.is_relative_to(root) or at.is_relative_to(root / FOLDER):
            raise GitcollabError(
                f"{piece.path} is a link to {at}, outside of the workspace",
                "nothing was written; put a file in its place, then run this again",
            )
        return at

    def _text(self, piece: Piece, at: Path) -> str | None:
        """The file's text, or None; GitcollabError where it is none that setup could change."""
        try:
            if at.stat().st_size > _LARGEST:
                raise _unusable(piece, f"has more than {_LARGEST} bytes")
            return at.read_bytes().decode()
        except FileNotFoundError:
            return None
        except NotADirectoryError as e:
            raise _unusable(piece, f"cannot be made: {at.parent} is no folder") from e
        except OSError as e:
            raise _unusable(piece, f"cannot be read: {e.strerror}") from e
        except UnicodeDecodeError as e:
            raise _unusable(piece, "is no UTF-8 text") from e

    def _write(self, plan: _Plan) -> None:
        if plan.old == plan.new:
            return
        if plan.new is None:
            plan.at.unlink(missing_ok=True)
            return
        make_folder(plan.at.parent)
        mode = plan.at.stat().st_mode & 0o777 if plan.at.exists() else None
        try:
            write_aside(plan.at, plan.new.encode(), durable=True, mode=mode)
        except OSError as e:
            raise GitcollabError(
                f"{plan.at} cannot be written: {e.strerror}",
                "see that the folder may be written, and that there is space on its disk",
            ) from e

    def _missing(self, at: Path) -> list[str]:
        """The folders that have to be made for a file, the innermost first."""
        root = self._root.resolve()
        above = [folder for folder in at.parents if folder.is_relative_to(root)]
        return [str(folder.relative_to(root)) for folder in above if not folder.exists()]

    def _removed(self, folder: str) -> bool:
        """Remove a folder that setup has made, if nothing is in it; whether it is gone."""
        at = self._root / folder
        with suppress(OSError):
            at.rmdir()
        return not at.exists()

    def _remembered(self) -> tuple[dict[str, _Was], list[str]]:
        """What is remembered of files, and the folders that setup has made, innermost first."""
        try:
            kept = json.loads(self._memory.read_bytes())
            files = {path: _Was(**was) for path, was in kept["files"].items()}
            return files, [str(name) for name in kept["folders"]]
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}, []  # then only what is ours is taken out

    def _remember(self, files: Mapping[str, _Was], folders: Iterable[str]) -> None:
        kept: dict[str, Any] = {
            "files": {path: vars(was) for path, was in files.items()},
            "folders": list(folders),
        }
        if not kept["files"] and not kept["folders"]:
            self._memory.unlink(missing_ok=True)
        elif files or self._memory.exists():
            write_whole(self._memory, json.dumps(kept, indent=1).encode() + b"\n")


def _remember(known: dict[str, _Was], kind: str, plan: _Plan) -> None:
    """Note how a file was, and is to be; what setup itself wrote is no part of how it was."""
    if plan.new is None:
        return
    path, old, was = plan.piece.path, plan.old, known.get(plan.piece.path)
    agents = was.agents if was else []
    known[path] = _Was(_before(plan.piece, old, was), _digest(plan.new), agents)
    if kind not in agents:
        agents.append(kind)


def _before(piece: Piece, old: str | None, was: _Was | None) -> str | None:
    if old is None or not old.strip():
        return old
    if was is not None and was.after == _digest(old):
        return was.before
    return piece.take(old, was.before if was else None)


def _forget(known: dict[str, _Was], kind: str, path: str) -> None:
    if (was := known.get(path)) is not None:
        was.agents = [name for name in was.agents if name != kind]
        if not was.agents:
            del known[path]


def _digest(text: str) -> str:
    return sha256(text.encode())


def _telling(piece: Piece, change: Callable[[], str | None]) -> str | None:
    """What ``change`` makes of a file; where it cannot, the error names the file."""
    try:
        return change()
    except NotAsExpected as e:
        raise _unusable(piece, e.message) from e


def _unusable(piece: Piece, why: str) -> GitcollabError:
    hint = "nothing was written; mend that file, then run this again"
    return GitcollabError(f"{piece.path} {why}", hint)
