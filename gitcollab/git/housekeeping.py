"""Keeping a bare repository small: few loose objects, few packs, nothing that killed calls left.

Only for a repository that holds nothing of its own and that one process at a time writes to: what
no reference reaches is deleted without a grace period.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from gitcollab.git import command

# Loose objects after which they are packed: some hundred operations, a fraction of a second.
LOOSE = 3000
# Packs after which these join (git's own limit).
PACKS = 50

# Names of objects are hashes: some of the 256 folders tell how full all are, to about a tenth.
_SAMPLE = [f"{number:02x}" for number in range(5, 256, 32)]
_OBJECT = re.compile(r"[0-9a-f]{38}")
_LEAVINGS = re.compile(r"\.?tmp[_-].*|.*\.keep")
_STALE_SECONDS = 3600.0  # a call that still writes has never been silent for as long
_RETRY_SECONDS = 600.0
_PATIENCE = 120.0


def tidy(repo: Path) -> None:
    """Pack what is loose and join packs, where there are too many; else only a look at folders.

    Raises GitcollabError or OSError; the repository is whole all the same.
    """
    packs = sum(path.suffix == ".pack" for path in _swept(repo / "objects" / "pack"))
    if packs > PACKS:
        _repack(repo, "-a")
    elif loose(repo) > LOOSE:
        _repack(repo)


def loose(repo: Path) -> int:
    """About how many loose objects there are."""
    found = sum(len(_names(f"{repo}/objects/{name}")) for name in _SAMPLE)
    return found * 256 // len(_SAMPLE)


def _repack(repo: Path, *everything: str) -> None:
    failed = repo / "repack-failed"
    if failed.exists() and _age(failed) < _RETRY_SECONDS:
        return
    failed.touch()
    ran = command.run_git("repack", "-d", "-l", "-q", *everything, git_dir=repo, idle=_PATIENCE)
    if ran.code != 0:
        return
    failed.unlink()
    # What is reachable is packed now. The rest lost a race, or a force-push took it away.
    for folder in _swept(repo / "objects"):
        if len(folder.name) == 2:
            for path in _swept(folder):
                if _OBJECT.fullmatch(path.name):
                    path.unlink(missing_ok=True)


def _swept(folder: Path) -> Iterator[Path]:
    """What is in ``folder``; temporary files that nobody writes any more are deleted."""
    for path in map(folder.joinpath, _names(folder)):
        if not _LEAVINGS.fullmatch(path.name):
            yield path
            continue
        with suppress(OSError):
            if _age(path) > _STALE_SECONDS:
                path.unlink()


def _names(folder: Path | str) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208 - this looks after each write
    except FileNotFoundError:
        return []


def _age(path: Path) -> float:
    return time.time() - path.stat().st_mtime
