"""The folder that a dashboard is built in: one build at a time, every file whole or not there.

What was built there is remembered in a file, the marker. Nothing is written through a link that
leads out of the folder, nothing is opened that is no plain file, and only what the marker names is
removed.
"""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from gitcollab.errors import GitcollabError, UsageError
from gitcollab.store.audit import is_git_dir
from gitcollab.store.files import write_aside

MARKER = ".gitcollab-dashboard.json"  # what was built there: the files, with their keys and sizes
LOCK = ".gitcollab-dashboard.lock"
PATIENCE = 120.0  # seconds that a build waits for another one in its folder
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Made(NamedTuple):
    """A file that was built: what identifies its contents ("" for those that are compared)."""

    key: str
    size: int


_DOUBTED = Made("", -1)


class Folder:
    """The folder ``root``, of which ``before`` says what was built there."""

    def __init__(self, root: Path, before: Mapping[str, Made]) -> None:
        self._root = root
        self._before = before
        self._now: dict[str, Made] = {}
        self._inside: set[Path] = set()  # folders that are known to lie in it
        self.written = 0

    def __len__(self) -> int:
        """The number of files that are there for this build."""
        return len(self._now)

    def keep(self, name: str, key: str) -> bool:
        """Keep a file as it was built, if it was for this key and nothing happened to it since."""
        self._check((self._root / name).parent)
        made = self._before.get(name)
        if made is None or not key or made.key != key or self._size(name) != made.size:
            return False
        self._now[name] = made
        return True

    def doubt(self, names: Iterable[str]) -> None:
        """Note that these files are about to be made.

        If the build is cut off, the next one knows that it may neither keep nor forget them.
        """
        doubted = dict.fromkeys(names, _DOUBTED)
        if doubted:
            self._mark({**self._before, **self._now, **doubted})

    def write(self, name: str, data: bytes, key: str = "") -> None:
        """Have the file hold ``data``. Raises GitcollabError with the reason where it cannot."""
        self._now[name] = Made(key, len(data))
        path = self._root / name
        with _told(self._root):
            self._check(path.parent)
            self.written += _put(path, data)

    def finish(self) -> None:
        """Remove what was built before and is not now, and remember what is."""
        for name in sorted(self._before.keys() - self._now.keys()):
            self._remove(name)
        self._mark(self._now)

    def _mark(self, files: Mapping[str, Made]) -> None:
        data = json.dumps(files, indent=0, sort_keys=True).encode()
        with _told(self._root):
            _put(self._root / MARKER, data)

    def _size(self, name: str) -> int | None:
        return _plain_size(self._root / name)

    def _holds(self, folder: Path) -> bool:
        return Path(os.path.realpath(folder)).is_relative_to(self._root)

    def _check(self, folder: Path) -> None:
        """Raise UsageError where a link leads out."""
        if folder not in self._inside:
            if not self._holds(folder):
                raise UsageError(
                    f"{folder} is a link that leads out of the dashboard's folder",
                    "remove the link, then build again",
                )
            self._inside.add(folder)

    def _remove(self, name: str) -> None:
        """Remove a file that was built once, and its folders where nothing else is in them."""
        path = self._root / name
        if not self._holds(path.parent):
            return
        with _told(self._root):
            if _is_link(path) or self._size(name) is not None:
                path.unlink()
        for folder in list(path.parents)[: len(PurePosixPath(name).parts) - 1]:
            with suppress(OSError):
                folder.rmdir()


@contextmanager
def opened(out: Path) -> Iterator[Folder]:
    """The folder ``out`` for one build; it is made where it is not there.

    Raises UsageError where it holds something else or cannot be used, GitcollabError where another
    build goes on in it for long.
    """
    with _usable(out):
        root = Path(os.path.realpath(out))  # which bears links in a circle
        _check_no_git_dir(out, root)
        root.mkdir(parents=True, exist_ok=True)
        _check_ours(out, root)
    with _alone(out, root):
        with _usable(out):
            known = _marker(root) if os.path.lexists(root / MARKER) else {}
        folder = Folder(root, known)
        if not known:
            folder._mark({})  # a build that is cut off can be made again
        yield folder


@contextmanager
def _alone(out: Path, root: Path) -> Iterator[None]:
    """Hold the lock of the folder."""
    import filelock

    lock = filelock.FileLock(root / LOCK)
    with _usable(out):
        if os.path.lexists(root / LOCK) and _plain_size(root / LOCK) is None:
            raise UsageError(f"{root / LOCK} is no plain file", "remove it, then build again")
        try:
            lock.acquire(timeout=PATIENCE)
        except filelock.Timeout:
            raise GitcollabError(
                f"another dashboard has been building in {out} for {PATIENCE:g} s",
                "wait for it, or end it, then try again",
            ) from None
    try:
        yield
    finally:
        lock.release()


def _check_no_git_dir(out: Path, root: Path) -> None:
    if found := next((place for place in (root, *root.parents) if is_git_dir(place)), None):
        raise UsageError(
            f"{out} lies in the git directory {found}", "give --out a folder outside of it"
        )


def _check_ours(out: Path, root: Path) -> None:
    """Raise UsageError where something is that no build left behind."""
    ours = (MARKER, LOCK)
    names = [path.name for path in root.iterdir()]
    if MARKER in names or all(n in ours or n.startswith(f".{MARKER}.") for n in names):
        return
    raise UsageError(
        f"{out} holds something that is no dashboard", "give --out a new or empty folder"
    )


def _marker(root: Path) -> dict[str, Made]:
    """What the marker says was built; nothing where it cannot be read: then all is built again."""
    if _plain_size(root / MARKER) is None:
        return {}
    try:
        found = json.loads((root / MARKER).read_bytes())
    except (ValueError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {name: _made(said) for name, said in found.items() if _is_ours(name)}


def _made(said: Any) -> Made:
    match said:
        case [str(key), int(size)]:
            return Made(key, size)
        case _:
            return _DOUBTED


def _is_ours(name: str) -> bool:
    """Whether a build may have written a file of that name."""
    path = PurePosixPath(name)
    inside = bool(path.parts) and not path.is_absolute() and ".." not in path.parts
    return inside and "\0" not in name and name.isprintable() and name not in (MARKER, LOCK)


def _put(path: Path, data: bytes) -> bool:
    """Have the file hold ``data``; whether it did not."""
    if _plain_size(path) == len(data) and path.read_bytes() == data:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    write_aside(path, data)
    return True


def _plain_size(path: Path) -> int | None:
    """The size of a plain file; None where something else is, or nothing."""
    found = _found(path)
    return found.st_size if found is not None and stat.S_ISREG(found.st_mode) else None


def _is_link(path: Path) -> bool:
    found = _found(path)
    return found is not None and stat.S_ISLNK(found.st_mode)


def _found(path: Path) -> os.stat_result | None:
    """What is there, without going where a link leads."""
    try:
        return path.lstat()
    except OSError:
        return None


@contextmanager
def _told(root: Path) -> Iterator[None]:
    """Say what the operating system has against a file in the folder."""
    try:
        yield
    except OSError as e:
        at = os.fsdecode(e.filename2 or e.filename or root)
        hint = "free some space" if e.errno in _FULL else "see what is there, or give --out another"
        raise GitcollabError(f"cannot build the dashboard at {at}: {e.strerror or e}", hint) from e


@contextmanager
def _usable(out: Path) -> Iterator[None]:
    """Say what the operating system has against the folder."""
    try:
        yield
    except OSError as e:
        raise UsageError(
            f"cannot build the dashboard at {out}: {e.strerror or e}",
            "give --out a folder that can be made and written to",
        ) from e
