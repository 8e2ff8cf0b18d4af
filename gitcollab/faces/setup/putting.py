"""Putting an agent's pieces into its files, and taking them out so that nothing of ours stays.

What a file was before is remembered (see ``memory``): while nobody else has changed it, it comes
back as it was, to the byte; else only what is ours is taken out. Nothing is written where one of
the files cannot be changed.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gitcollab.errors import GitcollabError
from gitcollab.faces.setup.jsontext import NotAsExpected
from gitcollab.faces.setup.memory import Memory, Was, alone, digest, place
from gitcollab.faces.setup.pieces import Piece, What
from gitcollab.faces.setup.swapping import Write, missing, removed, swap
from gitcollab.store.differences import difference
from gitcollab.swarm.workspace import FOLDER

Done = Literal["created", "changed", "unchanged", "removed", "absent", "kept"]
_LARGEST = 1_000_000  # bytes of a file of instructions or settings


@dataclass(frozen=True)
class Changed:
    """What becomes of one file; ``diff`` is a unified diff, empty where nothing changes.

    "absent": nothing of ours was there to be taken out; "kept": ``note`` says why.
    """

    path: str
    what: What
    done: Done
    diff: str
    note: str = ""


@dataclass(frozen=True)
class _Plan:
    """A file as it is and as it is to be; ``at`` is where it lies, links followed."""

    piece: Piece
    at: Path
    name: str  # of ``at`` below the workspace: two links may lead to one file
    old: str | None
    new: str | None
    note: str = ""
    takes: bool = False

    @property
    def write(self) -> Write:
        old, new = (None if text is None else text.encode() for text in (self.old, self.new))
        return Write(self.at, old, new)

    @property
    def changed(self) -> Changed:
        if self.note:
            done: Done = "kept"
        elif self.old == self.new:
            done = "absent" if self.takes else "unchanged"
        else:
            done = "removed" if self.new is None else "created" if self.old is None else "changed"
        found = difference(self.old or "", self.new or "", self.piece.path)
        return Changed(self.piece.path, self.piece.what, done, found.patch, self.note)


class Settings:
    """The files of a workspace that tell agents of it."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()
        self._folder = self._root / FOLDER
        self._memory = place(self._folder)

    def put(self, kind: str, pieces: Sequence[Piece], *, dry_run: bool = False) -> list[Changed]:
        """Write the pieces of an agent of this kind; what is there already is left.

        Raises GitcollabError, and writes nothing, where a file cannot be changed.
        """
        with nullcontext() if dry_run else alone(self._folder):
            known = Memory.read(self._memory)
            plans = [self._with(piece, known) for piece in pieces]
            _check_apart(plans)
            if not dry_run:
                made = [folder for plan in plans for folder in missing(plan.at)]
                names = [str(folder.relative_to(self._root)) for folder in made]
                known.folders = list(dict.fromkeys((*known.folders, *names)))
                for plan in plans:
                    _remember(known, kind, plan)
                swap([self._kept(known), *(plan.write for plan in plans)])
        return [plan.changed for plan in plans]

    def take(self, kind: str, pieces: Sequence[Piece], *, dry_run: bool = False) -> list[Changed]:
        """Take the pieces of an agent of this kind out; what another needs stays.

        Raises GitcollabError, and writes nothing, where a file cannot be changed.
        """
        with nullcontext() if dry_run else alone(self._folder):
            known = Memory.read(self._memory)
            plans = [self._without(piece, kind, known) for piece in pieces]
            _check_apart([plan for plan in plans if plan.old != plan.new])
            if not dry_run:
                swap([plan.write for plan in plans])
                for plan in plans:
                    known.forget(kind, plan.name)
                known.folders = [one for one in known.folders if not removed(self._root / one)]
                swap([self._kept(known)])
        return [plan.changed for plan in plans]

    def _kept(self, known: Memory) -> Write:
        """The writing of what is to be remembered."""
        try:
            old = self._memory.read_bytes() if self._memory.exists() else None
        except OSError as e:
            raise GitcollabError(
                f"{self._memory} cannot be read: {e.strerror}",
                "it is what setup remembers: make it readable, or delete it",
            ) from e
        return Write(self._memory, old, known.data)

    def _with(self, piece: Piece, known: Memory) -> _Plan:
        at, name = self._place(piece)
        old, was = self._text(piece, at), known.files.get(name)
        entry = was.entry if was else None
        return _Plan(piece, at, name, old, _telling(piece, lambda: piece.put(old, entry)))

    def _without(self, piece: Piece, kind: str, known: Memory) -> _Plan:
        at, name = self._place(piece)
        old, was = self._text(piece, at), known.files.get(name)
        others = [one for one in was.agents if one != kind] if was else []
        if others:
            return _Plan(piece, at, name, old, old, f"{' and '.join(others)} needs it")
        new = None if old is None else _telling(piece, lambda: _before(piece, old, was))
        return _Plan(piece, at, name, old, new, takes=True)

    def _place(self, piece: Piece) -> tuple[Path, str]:
        """Where the file is; GitcollabError where a link leads nowhere, or out of the workspace."""
        try:
            at = (self._root / piece.path).resolve()
        except (OSError, RuntimeError) as e:  # links in a circle
            raise _unusable(piece, "is a link that leads nowhere") from e
        if not at.is_relative_to(self._root) or at.is_relative_to(self._folder):
            raise GitcollabError(
                f"{piece.path} is a link to {at}, outside of the workspace",
                "nothing was written; put a file in its place, then run this again",
            )
        return at, str(at.relative_to(self._root))

    def _text(self, piece: Piece, at: Path) -> str | None:
        """The file's text, or None; GitcollabError where it is none that setup could change."""
        try:
            known = at.stat()
            if not stat.S_ISREG(known.st_mode):  # to read a pipe would wait for its writer
                raise _unusable(piece, "is no plain file")
            if known.st_size > _LARGEST:
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


def _check_apart(plans: Sequence[_Plan]) -> None:
    """Raises GitcollabError where two plans are of one file: the second would undo the first."""
    known: dict[Path, Piece] = {}
    for plan in plans:
        if (first := known.setdefault(plan.at, plan.piece)) is not plan.piece:
            raise _unusable(plan.piece, f"and {first.path} are one file")


def _remember(known: Memory, kind: str, plan: _Plan) -> None:
    """Note how a file was, and is to be; what setup itself wrote is no part of how it was."""
    if plan.new is None:
        return
    old, was = plan.old, known.files.get(plan.name)
    # What is found at first is kept whole, whatever it looks like: it may be somebody's own.
    before = old if was is None or old is None else _before(plan.piece, old, was)
    agents = was.agents if was else []
    if kind not in agents:
        agents.append(kind)
    known.files[plan.name] = Was(before, digest(plan.new), agents, plan.piece.entry)


def _before(piece: Piece, old: str, was: Was | None) -> str | None:
    """The file without what setup has put there."""
    if was is None:
        return piece.take(old, None, None)
    return was.before if was.after == digest(old) else piece.take(old, was.before, was.entry)


def _telling(piece: Piece, change: Callable[[], str | None]) -> str | None:
    """What ``change`` makes of a file; where it cannot, the error names the file."""
    try:
        made = change()
        (made or "").encode()
    except NotAsExpected as e:
        raise _unusable(piece, e.message) from e
    except UnicodeEncodeError as e:
        raise _unusable(piece, "would name a path that is no UTF-8 text") from e
    return made


def _unusable(piece: Piece, why: str) -> GitcollabError:
    hint = "nothing was written; mend that file, then run this again"
    return GitcollabError(f"{piece.path} {why}", hint)
