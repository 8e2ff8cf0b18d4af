"""Objects of a bare repository, read and written in process: blobs, nested trees, commits.

Trees are handled as bytes: names in a stranger's tree need not be text, and whatever an agent
does not touch must come out as it went in. Nothing here talks to a hub (libgit2's push to a path is
not a compare-and-swap).
"""

from __future__ import annotations

import math
import os
import re
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from pathlib import Path
from typing import Any, NamedTuple

import pygit2

from gitcollab.git.failures import CacheCorrupt, DiskFull
from gitcollab.git.loose import BLOB, COMMIT, TREE, Loose, name_of
from gitcollab.git.trees import FILE, FOLDER, MAX_DEPTH, Entry, nested, parse, to_bytes

_OID = re.compile(r"[0-9a-f]{40}\Z")
_SIGNATURES = ("gpgsig", "gpgsig-sha256")
_PERSON = re.compile(r"(author|committer) ([^<>]*)<[^<>]*> ([0-9]{1,12}) [+-][0-9]{4}\Z")

# How many trees stay parsed, and of how many entries at most: some 10 MB when all are full. One
# larger tree does, too: some 10 MB. Folders of more than a few entries are mostly added to: of
# those that begin with the same entry only the last that was read stays.
_KEPT, _FEW, _SMALL, _LARGE = 64, 16, 500, 50_000
_CACHE_BYTES = 32 * 2**20  # of decompressed objects; libgit2 would keep 256 MiB
_WINDOW_BYTES = 16 * 2**20  # of a pack that are mapped at once, four times; libgit2: all of it
_ALTERNATES_BYTES, _DEEPEST = 65_536, 5

# The last second that every calculation with a day's margin can still represent.
_LATEST = datetime(9000, 1, 1, tzinfo=UTC)


class CommitFields(NamedTuple):
    """What a commit says, read as git reads it; but the names of objects, nothing is checked."""

    tree: str
    parents: tuple[str, ...]
    message: str
    committer: str = ""  # the name, a character for each byte
    seconds: int = 0  # since 1970, when it says it was made
    odd: str = ""  # what no commit of an honest writer has in its head

    @property
    def made(self) -> datetime:
        """When the commit says it was made, UTC; times no calendar holds are brought into it."""
        return datetime.fromtimestamp(min(self.seconds, int(_LATEST.timestamp())), UTC)


class TreeChange(NamedTuple):
    """A file that differs between two trees; ``entry`` is None where it is gone."""

    path: str
    entry: Entry | None


def create(path: Path) -> None:
    """Make ``path`` an empty bare repository. Raises DiskFull, CacheCorrupt."""
    with _translated():
        pygit2.init_repository(str(path), bare=True)


class ObjectStore:
    """The objects of the bare repository at ``path``; safe to share between threads.

    ``also`` are folders of more objects: what a push brings is kept apart until it is accepted
    (git-receive-pack(1), quarantine). Object names are hex strings. Anything unreadable raises
    CacheCorrupt; a full disk DiskFull.
    """

    def __init__(self, path: Path, also: Sequence[Path] = ()) -> None:
        self.path = path
        self._folders = (*also, path / "objects")
        self._local = threading.local()
        self._lately: dict[str, dict[bytes, Entry]] = {}  # small trees that were read last
        # Of those of more than a few entries, by the entry that they begin with.
        self._last: dict[tuple[bytes, Entry], str] = {}
        self._large: tuple[str, dict[bytes, Entry]] | None = None  # the last of the others
        self._lock = threading.Lock()  # for dropping the oldest
        _ = self._repo

    # -- reading ---------------------------------------------------------------------------------

    def tip(self, ref: str) -> str | None:
        """The commit that ``ref`` names, None where there is no such reference."""
        with _translated():
            # pygit2 never lets go of a name that it looked up: let it be one and the same.
            found = self._repo.references.get(sys.intern(ref))
            return None if found is None else str(found.target)

    def tree(self, commit: str) -> str:
        """The tree of ``commit``."""
        return self._fields(commit).tree

    def commit_time(self, commit: str) -> datetime:
        """When ``commit`` says it was made, see ``CommitFields.made``."""
        return self._fields(commit).made

    def commit_fields(self, commit: str, cap: float) -> CommitFields | None:
        """What ``commit`` says; None when it is no commit, or has more than ``cap`` bytes."""
        data = self._read(commit, COMMIT, cap)
        if data is None:
            return None
        head, _, message = data.partition(b"\n\n")
        first, *lines = head.decode("latin-1").split("\n")
        parents = list(takewhile(lambda line: line.startswith("parent "), lines))
        oids = [first.removeprefix("tree "), *(line.removeprefix("parent ") for line in parents)]
        if not first.startswith("tree ") or not all(map(_OID.match, oids)):
            return None
        text = message.decode("utf-8", "replace")
        return CommitFields(oids[0], tuple(oids[1:]), text, *_people(lines[len(parents) :]))

    def header(self, oid: str) -> tuple[int, int] | None:
        """The kind (see ``loose``) and size of an object, unread; None where it is missing."""
        loose = self._loose(oid)
        if loose is not None:
            return loose.header()
        with suppress(CacheCorrupt), _translated():
            kind, size = self._repo.odb.read_header(oid)
            return int(kind), int(size)
        return None

    def committers(self, commit: str, within: timedelta, most: int) -> set[str]:
        """Who made ``commit`` and those before it, ``most`` of them and not older than ``within``.

        Where history ends in the copy, or is damaged, it ends here too.
        """
        found: set[str] = set()
        oldest = self.commit_time(commit) - within
        at: str | None = commit
        with suppress(CacheCorrupt):
            for _ in range(most):
                if at is None:
                    break
                made = self._fields(at)
                if made.seconds < oldest.timestamp():
                    break
                found.add(made.committer)
                at = made.parents[0] if made.parents else None
        return found

    def entries(self, tree: str) -> Mapping[bytes, Entry]:
        """What ``tree`` holds, by raw name, in git's order."""
        entries, large = self._lately.get(tree), self._large
        if entries is None and large is not None and large[0] == tree:
            return large[1]
        if entries is None:
            entries = parse(self.raw_tree(tree))
            if _SMALL < len(entries) <= _LARGE:  # an agent's results, of which one reads many
                self._large = (tree, entries)
            elif len(entries) <= _SMALL:
                with self._lock:
                    self._keep(tree, entries)
        return entries

    def _keep(self, tree: str, entries: dict[bytes, Entry]) -> None:
        if len(entries) > _FEW:
            first = next(iter(entries.items()))
            self._lately.pop(self._last.pop(first, ""), None)
            self._last[first] = tree
        self._lately[tree] = entries
        _drop_oldest(self._lately)
        _drop_oldest(self._last)

    def raw_tree(self, tree: str) -> bytes:
        """The bytes of ``tree``, as they are."""
        data = self._read(tree, TREE)
        if data is None:
            raise CacheCorrupt(f"{tree} is not a tree")
        return data

    def find(self, tree: str, path: str) -> Entry | None:
        """The entry at ``path``, None where there is none."""
        entry = Entry(FOLDER, tree)
        for part in path.split("/"):
            if not entry.is_tree:
                return None
            found = self.entries(entry.oid).get(part.encode("utf-8", "surrogateescape"))
            if found is None:
                return None
            entry = found
        return entry

    def blob(self, oid: str, cap: int) -> bytes | None:
        """The bytes of blob ``oid``; None when they are more than ``cap`` or it is no blob."""
        return self._read(oid, BLOB, cap)

    def files(self, tree: str, prefix: str = "") -> Iterator[tuple[str, Entry]]:
        """Every path that starts with ``prefix`` and is no folder, of those that are UTF-8."""
        yield from self._walk(tree, "", prefix, 0)

    def diff(self, old: str | None, new: str | None) -> Iterator[TreeChange]:
        """The files that differ from tree ``old`` to tree ``new`` (None: empty)."""
        yield from self._diff(old, new, "", 0)

    # -- writing ---------------------------------------------------------------------------------

    @staticmethod
    def check(changes: Mapping[str, bytes | None]) -> None:
        """Raise BadPath for a path that must not be in a tree, TypeError for what is no bytes."""
        nested(changes)

    def write_tree(self, base: str | None, changes: Mapping[str, bytes | None]) -> str:
        """The tree ``base`` with ``changes`` (None removes); only touched folders are rewritten.

        A folder that loses its last file goes. Raises as ``check`` does.
        """
        written = self._write(base, nested(changes))
        return self._store(TREE, b"") if written is None else written

    def commit(
        self,
        tree: str,
        parent: str | None,
        message: str,
        author: tuple[str, str],
        committer: tuple[str, str],
        when: datetime,
    ) -> str:
        """Make a commit; people are (name, address). Nothing refers to it yet."""
        seconds = int(when.timestamp())
        for oid, kind in ((tree, TREE), (parent, COMMIT)):
            self._check(oid, kind)
        wrote, made = (f"{name} <{mail}> {seconds} +0000" for name, mail in (author, committer))
        # Written here: libgit2 makes none upon a commit that is malformed, which git takes.
        head = [f"tree {tree}", *([] if parent is None else [f"parent {parent}"])]
        lines = [*head, f"author {wrote}", f"committer {made}", "", message]
        return self._store(COMMIT, "\n".join(lines).encode("utf-8", "surrogateescape"))

    def set_tip(self, ref: str, commit: str) -> None:
        """Let ``ref`` name ``commit``."""
        with _translated():
            self._repo.references.create(ref, commit, force=True)

    def forget_tip(self, ref: str) -> None:
        """Let there be no ``ref``."""
        with _translated():
            if self._repo.references.get(ref) is not None:
                self._repo.references.delete(ref)

    # -- inside ----------------------------------------------------------------------------------

    @property
    def _repo(self) -> pygit2.Repository:
        repo: pygit2.Repository | None = getattr(self._local, "repo", None)
        if repo is None:
            with _translated():
                pygit2.settings.cache_max_size(_CACHE_BYTES)
                pygit2.settings.mwindow_size = _WINDOW_BYTES
                pygit2.settings.mwindow_mapped_limit = 4 * _WINDOW_BYTES
                repo = self._open()
            self._local.repo = repo
        return repo

    def _open(self) -> pygit2.Repository:
        if len(self._folders) > 1:  # within git's own call, which has looked at the owner
            pygit2.settings.owner_validation = False
        repo = pygit2.Repository(str(self.path), pygit2.enums.RepositoryOpenFlag.NO_SEARCH)
        for folder in self._folders[:-1]:
            repo.odb.add_disk_alternate(str(folder))
        return repo

    def _read(self, oid: str, kind: int, cap: float = math.inf) -> bytes | None:
        """The bytes of the object; None when it is of another kind or larger than ``cap``."""
        loose = self._loose(oid)
        if loose is not None:
            return loose.read(kind, cap)
        with _translated():
            found, size = self._repo.odb.read_header(oid)
            return self._repo.odb.read(oid)[1] if found == kind and size <= cap else None

    def _loose(self, oid: str) -> Loose | None:
        """The object's own file, if it has one.

        libgit2 1.9 never returns from one that is cut short (a power cut leaves such).
        """
        for folder in self._folders:
            path = f"{folder}/{oid[:2]}/{oid[2:]}"
            if os.path.exists(path):  # noqa: PTH110 - each write looks for a dozen
                return Loose(oid, path)
        return None

    def _check(self, oid: str | None, kind: int) -> None:
        """Raise CacheCorrupt where libgit2 would not return from reading, or take for written."""
        loose = None if oid is None else self._loose(oid)
        if loose is not None:
            loose.read(kind, math.inf)

    def _fields(self, oid: str) -> CommitFields:
        found = self.commit_fields(oid, math.inf)
        if found is None:
            raise CacheCorrupt(f"commit {oid} is missing")
        return found

    def _walk(self, tree: str, at: str, prefix: str, depth: int) -> Iterator[tuple[str, Entry]]:
        if depth > MAX_DEPTH:
            return
        for raw, entry in self.entries(tree).items():
            path = _join(at, raw)
            if path is None:
                continue
            if entry.is_tree:
                if f"{path}/".startswith(prefix) or prefix.startswith(f"{path}/"):
                    yield from self._walk(entry.oid, path, prefix, depth + 1)
            elif path.startswith(prefix):
                yield path, entry

    def _diff(self, old: str | None, new: str | None, at: str, depth: int) -> Iterator[TreeChange]:
        if old == new or depth > MAX_DEPTH:
            return
        before = {} if old is None else self.entries(old)
        after = {} if new is None else self.entries(new)
        for raw in before.keys() | after.keys():
            was, now = before.get(raw), after.get(raw)
            path = _join(at, raw)
            if was == now or path is None:
                continue
            # A file may have become a folder or the other way round: both halves are told.
            trees = [e.oid if e is not None and e.is_tree else None for e in (was, now)]
            if was is not None and not was.is_tree and (now is None or now.is_tree):
                yield TreeChange(path, None)
            yield from self._diff(trees[0], trees[1], path, depth + 1)
            if now is not None and not now.is_tree:
                yield TreeChange(path, now)

    def _write(self, base: str | None, changes: Mapping[bytes, object]) -> str | None:
        entries = {} if base is None else dict(self.entries(base))
        for name, change in changes.items():
            if isinstance(change, dict):
                old = entries.get(name)
                below = self._write(old.oid if old is not None and old.is_tree else None, change)
                entry = None if below is None else Entry(FOLDER, below)
            elif isinstance(change, bytes):
                entry = Entry(FILE, self._store(BLOB, change))
            else:
                entry = None
            if entry is None:
                entries.pop(name, None)
            else:
                entries[name] = entry
        return self._store(TREE, to_bytes(entries)) if entries else None

    def _store(self, kind: int, data: bytes) -> str:
        self._check(name_of(kind, data), kind)
        with _translated():
            return str(self._repo.odb.write(kind, data))


def _drop_oldest(kept: dict[Any, Any]) -> None:
    if len(kept) > _KEPT:
        del kept[next(iter(kept))]


class ForeignObjects(ObjectStore):
    """The objects of somebody's repository, which are only read.

    Its settings and references are not looked at, so that nothing it says is done: git would fetch
    what is missing, with a command that the repository names. Whose it is, is not looked at either.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, _alternates(path / "objects"))

    def commit_named(self, prefix: str) -> str | None:
        """The one commit whose name begins with ``prefix`` (4 hex digits at least)."""
        try:
            with _translated():
                found = [str(self._repo.expand_id(prefix.lower()))]
        except CacheCorrupt as e:
            if not isinstance(e.__cause__, pygit2.AmbiguousError):
                return None
            with _translated():
                found = [n for n in map(str, self._repo.odb) if n.startswith(prefix.lower())]
        commits = [name for name in found if (self.header(name) or (0, 0))[0] == COMMIT]
        return commits[0] if len(commits) == 1 else None

    def _open(self) -> pygit2.Repository:
        repo = pygit2.Repository()
        repo.set_odb(pygit2.Odb(str(self.path / "objects")))
        return repo


def _alternates(folder: Path) -> list[Path]:
    """The folders where more of a folder's objects lie (gitrepository-layout(5)), as libgit2 looks.

    They are asked first: see ``ObjectStore._loose``.
    """
    found: dict[Path, None] = {}
    waiting = [(folder, 0)]
    for at, depth in waiting:
        text = ""
        with suppress(OSError, ValueError), (at / "info" / "alternates").open("rb") as file:
            text = os.fsdecode(file.read(_ALTERNATES_BYTES))
        fresh = [at / line for line in text.split("\n") if line and not line.startswith("#")]
        fresh = [other for other in fresh if other not in found and other != folder]
        found |= dict.fromkeys(fresh)
        if depth < _DEEPEST:
            waiting += ((other, depth + 1) for other in fresh)
    return list(found)


def _people(lines: Sequence[str]) -> tuple[str, int, str]:
    """The committer, when, and what is odd about a commit's head after its parents ("": nothing).

    git passes over what it does not know, so that others would read another commit than it does.
    """
    author, committer = (_PERSON.match(line) for line in [*lines, "", ""][:2])
    if not (author and author[1] == "author" and committer and committer[1] == "committer"):
        return "", 0, "its head is malformed"
    names = (line.split(" ")[0] for line in lines[2:] if not line.startswith(" "))
    odd = next((name for name in names if name not in _SIGNATURES), None)
    said = "" if odd is None else f"it has a header {odd[:40]!a}"
    return committer[2], int(committer[3]), said


def _join(at: str, raw: bytes) -> str | None:
    try:
        name = raw.decode()
    except UnicodeDecodeError:
        return None
    return f"{at}/{name}" if at else name


@contextmanager
def _translated() -> Iterator[None]:
    """libgit2's errors as ours."""
    try:
        yield
    except (pygit2.GitError, KeyError, OSError, ValueError) as e:
        words = str(e)
        if "No space left on device" in words:
            raise DiskFull(words) from e
        raise CacheCorrupt(words) from e


def unified(old: bytes, new: bytes) -> tuple[bytes, int, int]:
    """The hunks of a unified diff of two texts, and how many lines it adds and removes."""
    made = pygit2.Patch.create_from(old, new, flag=pygit2.enums.DiffOption.FORCE_TEXT)
    _, added, removed = made.line_stats
    return made.data[made.data.find(b"\n@@ ") + 1 :], added, removed
