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
from gitcollab.store.decoding import READ_CAP, decode
from gitcollab.store.snapshot import Arrivals, Arrived

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gitcollab.git.objects import ObjectStore
    from gitcollab.store.snapshot import Snapshot

_MOST = 2_000  # commits that are looked back for a claim that stands
# For one that is gone: until so many, one after the other, are older than any that could come back.
_MOST_LATELY, _SURELY, _LATELY = 50_000, 200, timedelta(days=3)
_CAP = 100_000_000  # bytes of a commit

# Clocks of two honest hosts may differ by so much: then a claim is void for one and not for the
# other, and what was taken in good faith stays.
SKEW = timedelta(minutes=2)


class _Commit(NamedTuple):
    """What is looked at of a commit."""

    parent: str | None
    made: datetime
    who: str  # its committer
    folder: str | None  # the tree of the claims' folder


class Past:
    """The history of a hub whose objects are in ``objects``, along first parents."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects
        self._look = lru_cache(maxsize=2 * _MOST_LATELY)(self._looked)

    def up_to(self, commit: str, now: datetime) -> Arrivals:
        """What history before ``commit`` tells of claims, to whom it is ``now``."""
        return Arrivals(
            lambda state, path: self.arrival(commit, state, path, now),
            lambda path, term: self.had(commit, path, term, now),
        )

    def standing(self, tip: str, now: datetime, behind: timedelta) -> Arrivals:
        """What history up to ``tip`` tells of the claims there, to whom it is ``now``.

        A claim came after all that was there before it, whatever it says of itself, and before what
        others put there after it. Where these do not tell, its holder's clock does, which may be
        so much ``behind``.
        """
        return Arrivals(
            lambda state, path: self._youngest(tip, state, path, now, behind),
            lambda path, term: self._had(tip, path, term, now),
        )

    def had(self, commit: str, path: str, term: str, now: datetime) -> bool:
        """Whether a claim of that term was there lately, in a state before ``commit``."""
        return self._had(self._look(commit, _folder(path)).parent, path, term, now)

    def _had(self, last: str | None, path: str, term: str, now: datetime) -> bool:
        oids = self._oids(self._lately(last, path, now), path)
        return any(self._term(oid) == term for oid in oids)

    def _lately(self, commit: str | None, path: str, now: datetime) -> Iterator[_Commit]:
        """The newest commits, until many one after the other say that they are old."""
        old = 0
        for one in islice(self._line(commit, path), _MOST_LATELY):
            old = old + 1 if one.made < now - _LATELY else 0
            if old > _SURELY:
                return
            yield one

    def _oids(self, line: Iterable[_Commit], path: str) -> set[str]:
        """The blobs that were at ``path`` in the states after these commits."""
        name = path.rpartition("/")[2].encode()
        folders = {one.folder for one in line if one.folder is not None}
        entries = (self._objects.entries(folder).get(name) for folder in folders)
        return {entry.oid for entry in entries if entry is not None and entry.is_file}

    def _term(self, oid: str) -> str | None:
        data = self._objects.blob(oid, READ_CAP)
        return getattr(decode("claim", data), "term", None)

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

    def _youngest(
        self, tip: str, state: Snapshot, path: str, now: datetime, behind: timedelta
    ) -> Arrived:
        line = list(islice(self._line(tip, path), _MOST))
        put = self._put(line, state.read(path), path)
        if put is None:
            return Arrived(now, timedelta(0), timedelta(0))
        first = max((one.made for one in line[put:] if one.made <= now), default=now)
        # The first that another clock says of it; one that is behind, too, says nothing.
        others = (one.made for one in reversed(line[:put]) if one.who != line[put].who)
        seen = next((made for made in others if first <= made <= now), now)
        then = min(seen, first + behind)
        return Arrived(then, timedelta(0), now - then)

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
        return _Commit(parent, fields.made, fields.committer, tree)


def _folder(path: str) -> str:
    return path.rpartition("/")[0]
