"""When a claim arrived, told by a hub's history alone: for doors that keep no memory of their own.

Commits say themselves when they were made, so this is no proof: whoever writes a commit may date it
back, which makes nobody's claim older, or into the future, which makes its own claims older.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from gitcollab.git.failures import CacheCorrupt
from gitcollab.git.loose import BLOB, name_of
from gitcollab.store.snapshot import Arrivals, Arrived

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gitcollab.git.objects import ObjectStore
    from gitcollab.store.snapshot import Snapshot

_MOST = 2_000  # commits that are looked back
_CAP = 100_000_000  # bytes of a commit

# Clocks of two honest hosts may differ by so much: then a claim is void for one and not for the
# other, and what was taken in good faith stays.
SKEW = timedelta(minutes=2)


class _Commit(NamedTuple):
    """What is looked at of a commit."""

    parent: str | None
    made: datetime
    folder: str | None  # the tree of the claims' folder


class Past:
    """The history of a hub whose objects are in ``objects``, along first parents."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects
        self._look = lru_cache(maxsize=4 * _MOST)(self._looked)

    def up_to(self, commit: str, now: datetime) -> Arrivals:
        """What history before ``commit`` tells of claims, to whom it is ``now``."""
        return Arrivals(
            lambda state, path: self.arrival(commit, state, path, now),
            lambda path, data: self.had(commit, path, data),
        )

    def made(self, commit: str) -> datetime:
        """When the commit says it was made."""
        return self._objects.commit_time(commit)

    def had(self, commit: str, path: str, data: bytes) -> bool:
        """Whether the claim was there as it is in a state before ``commit``."""
        parent = self._look(commit, _folder(path)).parent
        return self._put(list(islice(self._line(parent, path), _MOST)), data, path) is not None

    def arrival(self, commit: str, state: Snapshot, path: str, now: datetime) -> Arrived:
        """How old the claim at ``path`` in ``state`` was when ``commit`` was made, at least.

        It is as old as the first commit before that which had it there as it is.
        """
        judged = self._look(commit, _folder(path))
        line = list(islice(self._line(judged.parent, path), _MOST))
        put = self._put(line, state.read(path), path)
        if put is None:
            return Arrived(min(judged.made, now), None, timedelta(0))
        # Whose clock is ahead of ours, its claim is as old as what was there before.
        then = next((one.made for one in line[put:] if one.made <= now), now)
        return Arrived(then, None, min(max(judged.made, then), now) - then + SKEW)

    def _line(self, commit: str | None, path: str) -> Iterator[_Commit]:
        with suppress(CacheCorrupt):  # history ends in this copy
            while commit is not None:
                found = self._look(commit, _folder(path))
                yield found
                commit = found.parent

    def _put(self, line: list[_Commit], data: bytes | None, path: str) -> int | None:
        """Which of the commits, newest first, had it there first; None: none of them.

        Whoever takes it away and puts it there again makes it no older and no younger: a renewal
        is another file.
        """
        oid = name_of(BLOB, data or b"")
        name = path.rpartition("/")[2].encode()
        found: int | None = None
        folder: str | None = ""
        there = False
        for place, one in enumerate(line):
            if one.folder != folder:
                folder = one.folder
                entry = None if folder is None else self._objects.entries(folder).get(name)
                there = entry is not None and entry.oid == oid
            found = place if there else found
        return found

    def _looked(self, commit: str, folder: str) -> _Commit:
        fields = self._objects.commit_fields(commit, _CAP)
        if fields is None:
            raise CacheCorrupt(f"{commit} is no commit that can be read")
        entry = self._objects.find(fields.tree, folder)
        tree = entry.oid if entry is not None and entry.is_tree else None
        parent = fields.parents[0] if fields.parents else None
        return _Commit(parent, self._objects.commit_time(commit), tree)


def _folder(path: str) -> str:
    return path.rpartition("/")[0]
