"""What a mind may not touch: the files of the workspace, which are its user's.

The working program and what says whose it is are put back as they were; what stood there instead is
kept aside. Of what else lies in the workspace's folder it is told that it was changed. So it is for
what the user changed in the meantime: nobody can tell whose hand it was.

A program that was adopted meanwhile (``gitcollab sync``) is nobody's edit. Files that only grew are
taken for logs, and what is hidden for an editor's.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from gitcollab.errors import GitcollabError
from gitcollab.records.models import Task
from gitcollab.swarm.engine.mind.room import Missing, Unreadable, read_regular
from gitcollab.swarm.workspace import FOLDER, Workspace, write_whole

_MOST_HELD = 8_000_000  # bytes: a program and its base are 1 MB each at most, escapes apart
_MOST_READ = 1_000_000  # bytes of a file that is only looked at
_MOST_FILES = 1000
_PIECE = 1 << 20


@dataclass(frozen=True)
class _Seen:
    """A file as it was: where and when it was written last, and what was in it."""

    stamp: tuple[int, ...]
    size: int
    digest: str  # "" where it is too large to be read each time


class Guard:
    """The workspace's files as they are now."""

    def __init__(self, workspace: Workspace, task: Task) -> None:
        self._workspace = workspace
        self._task = task
        inside = (workspace.folder / name for name in ("config.yaml", "base.json", "trial.json"))
        self._held = {path: _bytes(path) for path in (workspace.program_path(task), *inside)}
        self._others = dict(self._look())

    def restore(self) -> list[str]:
        """Put back what is held; what was changed, file by file, in words for the user."""
        now = {path: _bytes(path) for path in self._held}
        changed = [path for path, before in self._held.items() if now[path] != before]
        if self._was_adopted(changed):
            changed = []
        return [*(self._put_back(path, now[path]) for path in changed), *self._changed_others()]

    def _was_adopted(self, changed: list[Path]) -> bool:
        """Whether another program has taken the place of the working one, as by ``sync``."""
        workspace, config = self._workspace, self._workspace.folder / "config.yaml"
        if not changed or config in changed or (workspace.folder / "trial.json").exists():
            return False
        base, program = workspace.base(), _bytes(workspace.program_path(self._task))
        return base is not None and program == base.text.encode()

    def _put_back(self, path: Path, now: bytes | None) -> str:
        before, name = self._held[path], self._name(path)
        try:
            kept = ""
            if now:
                aside = self._workspace.set_aside(now, f"{path.stem}-of-a-mind", path.suffix)
                kept = f"; as it was changed: {aside.relative_to(self._workspace.root)}"
            if before is not None:
                write_whole(path, before)
            else:
                path.unlink(missing_ok=True)
        except (GitcollabError, OSError) as e:
            return f"{name} (it cannot be put back: {e})"
        return f"{name} (put back{kept})"

    def _changed_others(self) -> Iterator[str]:
        now = dict(self._look())
        for name in sorted({*now, *self._others}):
            before, after = self._others.get(name), now.get(name)
            if before is None:
                yield f"{name} (new)"
            elif after is None:
                yield f"{name} (removed)"
            elif before.stamp != after.stamp and not self._is_as_before(name, before):
                yield name

    def _is_as_before(self, name: str, before: _Seen) -> bool:
        """Whether what was in it is in it still, at its beginning."""
        path = self._workspace.root / name
        try:
            longer = path.stat().st_size >= before.size
        except OSError:
            return False
        return longer and (not before.digest or _digest(path, before.size) == before.digest)

    def _look(self) -> Iterator[tuple[str, _Seen]]:
        """The other regular files of the folder, but for those that we write to ourselves."""
        ours = {self._task.program, FOLDER}
        streams = set(_streams())
        with suppress(OSError), os.scandir(self._workspace.root) as entries:
            for entry in islice(entries, _MOST_FILES):
                if entry.name.startswith(".") or entry.name in ours:
                    continue
                with suppress(OSError):
                    found = entry.stat(follow_symlinks=False)
                    if stat.S_ISREG(found.st_mode) and (found.st_dev, found.st_ino) not in streams:
                        yield entry.name, _seen(Path(entry.path), found)

    def _name(self, path: Path) -> str:
        return str(path.relative_to(self._workspace.root))


def _streams() -> Iterator[tuple[int, int]]:
    """The files that this process's own output goes to."""
    for descriptor in (1, 2):
        with suppress(OSError):
            found = os.fstat(descriptor)
            yield found.st_dev, found.st_ino


def _seen(path: Path, found: os.stat_result) -> _Seen:
    stamp = (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
    small = found.st_size <= _MOST_READ
    return _Seen(stamp, found.st_size, _digest(path, found.st_size) if small else "")


def _digest(path: Path, size: int) -> str:
    """The digest of a file's first bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while size > 0 and (piece := file.read(min(size, _PIECE))):
            digest.update(piece)
            size -= len(piece)
    return digest.hexdigest()


def _bytes(path: Path) -> bytes | None:
    """A file's content; None where there is none, and nothing where it is no file to read."""
    try:
        return read_regular(path, _MOST_HELD)
    except Missing:
        return None
    except Unreadable:
        return b""
