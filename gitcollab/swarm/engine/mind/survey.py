"""What lies in a workspace's folder, to see later what has been changed there.

It is looked at from the folder down: at most so many entries, so many folders deep. What a link
leads to is not. Left out are git's own folders, caches, what editors leave beside their files, and
what our own output goes to. A log may grow.
"""

from __future__ import annotations

import hashlib
import heapq
import os
import re
import stat
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

MOST_ENTRIES = 2000
LEVELS = 3  # of folders below the workspace's
_MOST_READ = 1_000_000  # bytes of a file that is only looked at
_MOST_READ_ALL = 32_000_000
_PIECE = 1 << 20
_LOG = ".log"
_LEFT_OUT = re.compile(
    r"\.git|\.hg|\.svn|__pycache__|\.(?:mypy|ruff|pytest)_cache|\.cache|\.ipynb_checkpoints"
    r"|\.DS_Store|.*~|#.*#|\.#.*|\..*\.sw[a-p]|\..*\.tmp"
)


@dataclass(frozen=True)
class Seen:
    """An entry as it was."""

    kind: int  # as in ``stat``: a file, a folder, a link
    stamp: tuple[int, ...]  # which it is, and when it was written last
    size: int
    digest: str = ""  # of a file that is small enough to be read each time
    target: str = ""  # of a link


Survey = Mapping[str, Seen]  # by the path from the workspace


def survey(root: Path, ours: Collection[str]) -> Survey:
    """What lies in ``root``, but for what is called ``ours`` there."""
    found: dict[str, Seen] = {}
    budget = _MOST_READ_ALL
    for path, entry in _entries(root, ours):
        with suppress(OSError):
            seen = _seen(path, entry, budget)
            found[str(path.relative_to(root))] = seen
            budget -= seen.size if seen.digest else 0
    return found


def changes(root: Path, before: Survey, now: Survey) -> Iterator[str]:
    """What is not as it was, in words, by name; of a new folder, not what is in it."""
    told: set[str] = set()
    for name in sorted({*before, *now}):
        if any(str(above) in told for above in Path(name).parents):
            continue
        was, found = before.get(name), now.get(name)
        if was is None or found is None:
            told.add(name)
            yield f"{name} ({'new' if was is None else 'removed'})"
        elif was.kind != found.kind:
            told.add(name)
            yield f"{name} (another kind of file)"
        elif not _is_as_before(root / name, was, found):
            yield name


def _is_as_before(path: Path, was: Seen, found: Seen) -> bool:
    if stat.S_ISDIR(was.kind):
        return True  # its entries tell
    if stat.S_ISLNK(was.kind):
        return was.target == found.target
    if was.stamp == found.stamp:
        return True
    if path.suffix == _LOG and found.size >= was.size:
        return not was.digest or _digest(path, was.size) == was.digest
    return bool(was.digest) and was.size == found.size and _digest(path, was.size) == was.digest


def _entries(root: Path, ours: Collection[str]) -> Iterator[tuple[Path, os.stat_result]]:
    """The first entries, by name, level by level: the same each time, while nothing changes."""
    streams = set(_streams())
    level, left = [root], MOST_ENTRIES
    for _ in range(LEVELS + 1):
        below: list[Path] = []
        for folder in level:
            for path in _names(folder, left, ours if folder == root else ()):
                with suppress(OSError):
                    found = path.lstat()
                    if (found.st_dev, found.st_ino) in streams:
                        continue
                    if stat.S_ISDIR(found.st_mode):
                        below.append(path)
                    left -= 1
                    yield path, found
        level = below


def _names(folder: Path, most: int, ours: Collection[str]) -> list[Path]:
    with suppress(OSError), os.scandir(folder) as entries:
        names = (e.name for e in entries if e.name not in ours and not _LEFT_OUT.fullmatch(e.name))
        return [folder / name for name in heapq.nsmallest(max(0, most), names)]
    return []


def _seen(path: Path, found: os.stat_result, budget: int) -> Seen:
    kind = stat.S_IFMT(found.st_mode)
    stamp = (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
    if stat.S_ISLNK(kind):
        return Seen(kind, stamp, found.st_size, target=str(path.readlink()))
    small = stat.S_ISREG(kind) and found.st_size <= min(_MOST_READ, budget)
    return Seen(kind, stamp, found.st_size, _digest(path, found.st_size) if small else "")


def _digest(path: Path, size: int) -> str:
    """The digest of a file's first bytes; "" where they cannot be read."""
    digest = hashlib.sha256()
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        with os.fdopen(os.open(path, flags), "rb") as file:
            while size > 0 and (piece := file.read(min(size, _PIECE))):
                digest.update(piece)
                size -= len(piece)
    except OSError:
        return ""
    return digest.hexdigest()


def _streams() -> Iterator[tuple[int, int]]:
    """The files that this process's own output goes to."""
    for descriptor in (1, 2):
        with suppress(OSError):
            found = os.fstat(descriptor)
            yield found.st_dev, found.st_ino
