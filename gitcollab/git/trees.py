"""Trees: what a folder of a commit holds, its bytes, and which paths may be written into one.

Names are bytes: in a stranger's tree they need not be text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from gitcollab.errors import GitcollabError
from gitcollab.git.failures import CacheCorrupt

FOLDER = b"40000"  # modes
FILE = b"100644"
_FILE_MODES = (FILE, b"100755", b"100664")
MAX_DEPTH = 32  # folders below one another; a hub uses five


class BadPath(GitcollabError):  # noqa: N818 - reads as what it is
    """A path that must not be written into a hub's tree."""

    def __init__(self, path: str) -> None:
        super().__init__(f"{path[:200]!r} cannot be a path in a hub", "use plain relative paths")


class Entry(NamedTuple):
    """One entry of a tree."""

    mode: bytes
    oid: str  # hex

    @property
    def is_tree(self) -> bool:
        """Whether this is a folder."""
        return self.mode in (FOLDER, b"040000")

    @property
    def is_file(self) -> bool:
        """Whether this is a regular file (not a symbolic link, not a submodule)."""
        return self.mode in _FILE_MODES


def check_path(path: str) -> str:
    """``path`` when it may be written into a tree, else BadPath.

    The rules are those that let any git on any system check it out: relative, no empty, ``.``,
    ``..`` or ``.git`` component in any spelling, no backslash, colon or control character.
    """
    parts = path.split("/")
    if len(path.encode("utf-8", "surrogatepass")) > 1000 or len(parts) > MAX_DEPTH:
        raise BadPath(path)
    for part in parts:
        plain = part.rstrip(". ").lower()
        if plain in ("", ".git", "git~1") or re.search(r"[\x00-\x1f\x7f\\:\ud800-\udfff]", part):
            raise BadPath(path)
    return path


def nested(changes: Mapping[str, bytes | None]) -> dict[bytes, object]:
    """``changes`` by path as folders within folders, by raw name.

    Raises BadPath for a path that must not be in a tree, TypeError for what is no bytes.
    """
    nested: dict[bytes, object] = {}
    for path, data in changes.items():
        if data is not None and not isinstance(data, bytes):
            raise TypeError(f"{path[:200]!r} is given {type(data).__name__}, not bytes")
        *folders, name = (part.encode() for part in check_path(path).split("/"))
        at = nested
        for folder in folders:
            below = at.setdefault(folder, {})
            if not isinstance(below, dict):
                raise BadPath(path)
            at = below
        if isinstance(at.get(name), dict):
            raise BadPath(path)
        at[name] = data
    return nested


def parse(data: bytes) -> dict[bytes, Entry]:
    """What a tree of these bytes holds, in its order. Raises CacheCorrupt when it is cut short."""
    entries: dict[bytes, Entry] = {}
    at = 0
    while at < len(data):
        space = data.find(b" ", at)
        end = data.find(b"\0", space)
        if space < 0 or end < 0 or end + 21 > len(data):
            raise CacheCorrupt("a tree is cut short")
        entries[data[space + 1 : end]] = Entry(data[at:space], data[end + 1 : end + 21].hex())
        at = end + 21
    return entries


def to_bytes(entries: Mapping[bytes, Entry]) -> bytes:
    """The bytes of the tree that holds ``entries``, in git's order."""
    # git sorts a folder as if its name ended in a slash.
    ordered = sorted(entries.items(), key=lambda e: e[0] + b"/" if e[1].is_tree else e[0])
    return b"".join(b"%b %b\0%b" % (e.mode, name, bytes.fromhex(e.oid)) for name, e in ordered)
