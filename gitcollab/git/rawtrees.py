"""Trees as they are, byte for byte: what a stranger's commit changes, and what no tree may hold.

Nothing is believed: not that names are text, that folders are sorted, that objects are there or
small. What two trees share is not looked at, and the work is bounded whatever they hold.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from gitcollab.git.failures import CacheCorrupt
from gitcollab.git.loose import BLOB, TREE
from gitcollab.git.objects import ObjectStore
from gitcollab.git.trees import FILE, FOLDER, MAX_DEPTH, Entry

MAX_BLOB_BYTES = 1_500_000
MAX_FILES = 5_000  # that one commit changes; derived files may be a thousand and more
_MAX_TREE_BYTES = 8_000_000  # of one folder: 100,000 entries and more
_MAX_LOOKED_AT = 300_000  # entries, of all folders that differ
_MAX_NAME, _MAX_PATH = 255, 1000  # bytes

_ODD = {b"120000": "a symbolic link", b"160000": "a submodule", b"100755": "executable"}
# What some file system does not allow in a name, or takes for another one.
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f\\:<>"|?*]')
_DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|\Z)", re.IGNORECASE)
_UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")  # HFS+ passes over some of these


class Change(NamedTuple):
    """A file that differs; None where there is none. Folders are what their files make them."""

    path: bytes
    was: Entry | None
    now: Entry | None


class Fault(NamedTuple):
    """What no tree of a hub may hold, and where."""

    path: bytes
    reason: str


@dataclass
class Difference:
    """How two trees differ. ``complete`` is False when it was too much to look at."""

    changes: list[Change] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    complete: bool = True


def difference(
    objects: ObjectStore,
    old: str | None,
    new: str | None,
    max_files: int = MAX_FILES,
    max_entries: int = _MAX_LOOKED_AT,
) -> Difference:
    """How the tree ``new`` differs from ``old`` (None: empty), and what is wrong with that.

    Only what differs can be at fault: an odd entry that stays as it was is not the new tree's.
    Sizes are read from the objects' headers. Beyond ``max_files`` changed files, or as many faults,
    or ``max_entries`` of folders looked at, it ends and says so.
    """
    comparison = _Comparison(objects, max_files, max_entries)
    found = comparison.found
    try:
        comparison.folders(_Place(b"", 0, None), old, new)
    except _TooMuch as e:
        found.complete = False
        found.faults.append(Fault(b"", str(e)))
    return found


@lru_cache(maxsize=4096)
def path_fault(path: bytes) -> str | None:
    """Why nothing may be at ``path``; None when something may."""
    parts = path.split(b"/")
    if len(path) > _MAX_PATH or len(parts) > MAX_DEPTH:
        return "the path is too long"
    return next((fault for part in parts if (fault := name_fault(part))), None)


@lru_cache(maxsize=4096)
def name_fault(raw: bytes) -> str | None:
    """Why a file or folder may not be called so; None when it may, on every system."""
    try:
        name = raw.decode()
    except UnicodeDecodeError:
        return "the name is not UTF-8"
    if name.rstrip(". ") != name or not name:
        return "the name is empty, or ends in a dot or a space"
    if unicodedata.normalize("NFC", name) != name:
        return "the name is not in Unicode's normal form NFC"
    if _FORBIDDEN.search(name) or "/" in name:
        return "the name holds a character that some system does not allow"
    if any(unicodedata.category(c) in _UNSEEN for c in name):
        return "the name holds a character that is not seen"
    if len(raw) > _MAX_NAME:
        return "the name is too long"
    if folded(name) == ".git" or re.fullmatch(r"\.?git~[0-9]+", name, re.IGNORECASE):
        return "the name is git's own"
    return "the name is a device on some systems" if _DEVICE.match(name) else None


@lru_cache(maxsize=4096)
def folded(name: str) -> str:
    """What two names share that some file system takes for one."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


class _TooMuch(Exception):  # noqa: N818
    """More differs than a commit may change."""


class _Malformed(Exception):  # noqa: N818
    """A tree that git would not write."""


class _Place(NamedTuple):
    """A folder on the way: its path with a slash, how deep it is, why nothing may be in it."""

    path: bytes
    depth: int
    fault: str | None


class _Comparison:
    """One comparison, with what it may still look at."""

    def __init__(self, objects: ObjectStore, max_files: int, max_entries: int) -> None:
        self.found = Difference()
        self._objects = objects
        self._max_files = max_files
        self._left = max_entries

    def folders(self, at: _Place, old: str | None, new: str | None) -> None:
        """Tell how the folder ``at`` differs."""
        if old == new:
            return
        if at.depth > MAX_DEPTH or len(at.path) > _MAX_PATH:
            self._fault(at.path.rstrip(b"/"), "the folder lies too deep")
            return
        before = {} if old is None else self._standing(old)
        try:
            after = {} if new is None else self._new(new)
        except _Malformed as e:
            self._fault(at.path.rstrip(b"/"), str(e))
            return
        clashing = _clashing(before, after)
        for name in dict.fromkeys((*before, *after)):
            was, now = before.get(name), after.get(name)
            if was != now:
                fault = at.fault or (name in clashing and _CLASH) or name_fault(name)
                self._entry(at, name, was, now, fault or None)

    def _entry(
        self, at: _Place, name: bytes, was: Entry | None, now: Entry | None, fault: str | None
    ) -> None:
        path = at.path + name
        files = [None if e is None or e.is_tree else e for e in (was, now)]
        if files[0] != files[1]:
            self.found.changes.append(Change(path, *files))
            if len(self.found.changes) > self._max_files:
                raise _TooMuch(f"more than {self._max_files} files are changed at once")
            if files[1] is not None and (why := fault or self._file_fault(path, files[1])):
                self._fault(path, why)
        folders = [None if e is None or not e.is_tree else e for e in (was, now)]
        if now is not None and now.is_tree and now.mode != FOLDER:
            self._fault(path, f"a folder of the mode {_shown(now.mode)}")
        old, new = (None if e is None else e.oid for e in folders)
        self.folders(_Place(path + b"/", at.depth + 1, fault), old, new)

    def _file_fault(self, path: bytes, entry: Entry) -> str | None:
        if len(path) > _MAX_PATH:
            return "the path is too long"
        if entry.mode != FILE:
            what = _ODD.get(entry.mode, f"of the mode {_shown(entry.mode)}")
            return f"it is {what}; only plain files may be here"
        header = self._objects.header(entry.oid)
        if header is None or header[0] != BLOB:
            return "its contents are missing"
        if header[1] > MAX_BLOB_BYTES:
            return f"it has {header[1]} bytes, more than the {MAX_BLOB_BYTES} allowed"
        return None

    def _fault(self, path: bytes, reason: str) -> None:
        self.found.faults.append(Fault(path, reason))
        if len(self.found.faults) > self._max_files:
            raise _TooMuch("too much is wrong to tell all of it")

    def _standing(self, tree: str) -> dict[bytes, Entry]:
        """What a tree that the hub has holds, if it can be read at all."""
        try:
            return self._counted(list(_parse(self._tree(tree))))
        except _Malformed:
            return {}

    def _new(self, tree: str) -> dict[bytes, Entry]:
        entries = list(_parse(self._tree(tree)))
        if not entries:
            raise _Malformed("the folder is empty")
        if len({name for name, _ in entries}) < len(entries):
            raise _Malformed("two entries of the folder have one name")
        order = [name + b"/" if entry.is_tree else name for name, entry in entries]
        if any(one >= two for one, two in itertools.pairwise(order)):
            raise _Malformed("the folder is not sorted")
        return self._counted(entries)

    def _counted(self, entries: Sequence[tuple[bytes, Entry]]) -> dict[bytes, Entry]:
        self._left -= len(entries)
        if self._left < 0:
            raise _TooMuch("the folders that are changed hold too much")
        return dict(entries)

    def _tree(self, oid: str) -> bytes:
        header = self._objects.header(oid)
        if header is None or header[0] != TREE:
            raise _Malformed("the folder's contents are missing")
        if header[1] > _MAX_TREE_BYTES:
            raise _Malformed("the folder holds too much")
        try:
            return self._objects.raw_tree(oid)
        except CacheCorrupt as e:
            raise _Malformed("the folder cannot be read") from e


_CLASH = "another name in the folder differs from it in case or spelling only"


def _clashing(before: Mapping[bytes, Entry], after: Mapping[bytes, Entry]) -> set[bytes]:
    """The names of ``after`` that are new there and that some system takes for another one's."""
    added = after.keys() - before.keys()
    if not added:
        return set()
    owners: dict[str, list[bytes]] = {}
    for name in after:
        owners.setdefault(folded(name.decode("utf-8", "replace")), []).append(name)
    return {name for names in owners.values() if len(names) > 1 for name in names} & added


def _parse(data: bytes) -> Iterator[tuple[bytes, Entry]]:
    at = 0
    while at < len(data):
        space = data.find(b" ", at, at + 8)
        end = data.find(b"\0", space)
        if space < 0 or end < 0 or end + 21 > len(data) or not data[at:space].isdigit():
            raise _Malformed("the folder is cut short or malformed")
        yield data[space + 1 : end], Entry(data[at:space], data[end + 1 : end + 21].hex())
        at = end + 21


def _shown(mode: bytes) -> str:
    return mode.decode("ascii", "replace")
