"""How a hub and this host's copy of it are: looked at, never mended; neither is written to."""

from __future__ import annotations

import sqlite3
import tempfile
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from gitcollab.git import command
from gitcollab.git.failures import CacheCorrupt, Failure, HubUnreachable
from gitcollab.git.objects import ObjectStore, create
from gitcollab.git.remote import Remote
from gitcollab.store.cache import Cache
from gitcollab.store.decoding import READ_CAP

_AUTHOR = ("gitcollab", "gitcollab@localhost")


@dataclass(frozen=True)
class Access:
    """What the hub gives: its tip (None: no such branch), and why it would take no push."""

    tip: str | None
    closed: Failure | None


@dataclass(frozen=True)
class Copy:
    """This host's copy of a hub: the tip it holds (None: none yet) and how it is.

    ``size`` is in bytes, with the index. ``fault`` and ``index_fault`` are empty where nothing
    wrong was found; ``partly``: there was not the time to look at everything.
    """

    tip: str | None
    made: datetime | None  # when the tip says it was made
    asked: datetime | None  # when the hub was last asked
    size: int
    fault: str
    index_fault: str
    partly: bool


def git_version() -> str:
    """The version of git; raises GitMissing or GitTooOld."""
    return ".".join(map(str, command.version()))


def access(remote: Remote, seconds: float) -> Access:
    """What the hub gives us, asked within ``seconds``. Raises HubUnreachable, and OSError."""
    until = time.monotonic() + seconds
    with tempfile.TemporaryDirectory(prefix="gitcollab-") as folder:
        empty = Path(folder) / "empty.git"
        create(empty)
        objects = ObjectStore(empty)
        commit = objects.commit(
            objects.write_tree(None, {}), None, "a rehearsal", _AUTHOR, _AUTHOR, datetime.now(UTC)
        )
        asked = replace(remote, git_dir=empty, idle=seconds, total=seconds)
        try:
            tip = asked.look()
        except HubUnreachable as e:
            e.hint = remote.remedy(e.hint)
            raise
        left = max(1.0, until - time.monotonic())
        return Access(tip, replace(asked, idle=left, total=left).rehearse(commit))


def copy(cache: Cache, index: Path, seconds: float) -> Copy:
    """How the copy is: every file of its tip is read, for at most ``seconds``; so is the index."""
    until = time.monotonic() + seconds
    tip, made, fault, partly = None, None, "", False
    try:
        tip = cache.tip()
        if tip is not None:
            made = cache.objects().commit_time(tip)
            partly = not _read_all(cache.objects(), tip, until)
    except CacheCorrupt as e:
        fault = e.message
    index_fault, index_partly = _index_fault(index, until)
    return Copy(
        tip=tip,
        made=made,
        asked=cache.sightings.asked(),
        size=sum(map(_size, (cache.repo, *index.parent.glob(f"{index.name}*")))),
        fault=fault,
        index_fault=index_fault,
        partly=partly or index_partly,
    )


def _read_all(objects: ObjectStore, tip: str, until: float) -> bool:
    """Read every file of ``tip``; False when the time was over first. Raises CacheCorrupt."""
    for _, entry in objects.files(objects.tree(tip)):
        if time.monotonic() > until:
            return False
        if entry.is_file:
            objects.blob(entry.oid, READ_CAP)
    return True


def _index_fault(path: Path, until: float) -> tuple[str, bool]:
    """What is wrong with the index, and whether the time was over before all was read."""
    if not path.exists():
        return "", False
    try:
        db = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=1)
        try:
            db.set_progress_handler(lambda: time.monotonic() > until, 100_000)
            found = db.execute("PRAGMA quick_check(1)").fetchone()[0]
        finally:
            db.close()
    except sqlite3.OperationalError as e:
        if "interrupted" in str(e):
            return "", True
        return str(e), False
    except sqlite3.DatabaseError as e:
        return str(e), False
    return ("" if found == "ok" else str(found).splitlines()[-1]), False


def _size(path: Path) -> int:
    """Bytes in a file, or in all files of a folder."""
    try:
        if path.is_dir():
            return sum(map(_size, path.iterdir()))
        return path.stat().st_size
    except OSError:  # swapped or unreadable
        return 0
