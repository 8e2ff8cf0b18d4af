"""The hub's files as they are at one tip, with any number of changes laid over them.

A snapshot never changes. Records come through the index, so their cost follows what is asked for;
what strangers wrote that is no valid record is listed by ``invalid`` and is nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol, TypeVar

from gitcollab.store.decoding import READ_CAP, Broken, decode_at

if TYPE_CHECKING:
    from gitcollab.git.objects import ObjectStore
    from gitcollab.records.models import Record
    from gitcollab.store.decoding import Decoded


class RecordIndex(Protocol):
    """What a snapshot needs of the index: the records of a tree."""

    def rows(self, tree: str, kind: str) -> dict[str, tuple[str, str]]:
        """id -> (path, blob) of the valid records of ``kind`` in ``tree``."""

    def load(self, kind: str, blobs: list[str]) -> dict[str, Decoded]:
        """blob -> the record it holds, for blobs that ``rows`` named."""

    def fields(self, tree: str, kind: str, *names: str) -> list[tuple[object, ...]]:
        """(id, field, ...) of the valid records of ``kind`` in ``tree``."""

    def invalid(self, tree: str) -> dict[str, str]:
        """path -> why it holds no valid record."""


_T = TypeVar("_T")

_BELIEVABLE = timedelta(days=1)

_NONE: Mapping[str, bytes | None] = MappingProxyType({})


class Snapshot:
    """The files of ``tip`` (None: there is no branch yet) under ``changes``.

    ``objects`` is asked for each time: a damaged copy is replaced under us. ``heal`` replaces it.
    """

    def __init__(
        self,
        objects: Callable[[], ObjectStore],
        index: RecordIndex,
        tip: str | None,
        changes: Mapping[str, bytes | None] = _NONE,
        heal: Callable[[str], None] | None = None,
    ) -> None:
        self.tip = tip
        self._open = objects
        self._heal = heal
        self._index = index
        self._changes = changes

    @cached_property
    def commit_time(self) -> datetime | None:
        """When the tip says it was made."""
        tip = self.tip
        return None if tip is None else self._reading(lambda: self._open().commit_time(tip))

    def time(self, local: datetime) -> datetime:
        """When it is, as far as expiry goes: the later of ``local`` and the tip's time.

        A tip further ahead than a day has a broken clock, not a skewed one, and is not believed.
        """
        theirs = self.commit_time
        return theirs if theirs is not None and local < theirs <= local + _BELIEVABLE else local

    @cached_property
    def _tree(self) -> str | None:
        tip = self.tip
        return None if tip is None else self._reading(lambda: self._open().tree(tip))

    def read(self, path: str, cap: int = READ_CAP) -> bytes | None:
        """The bytes of the file at ``path``; None when there is none or more than ``cap``."""
        if path in self._changes:
            data = self._changes[path]
            return None if data is None or len(data) > cap else data
        return self._reading(lambda: self._stored(path, cap)[1])

    def list(self, prefix: str = "") -> list[str]:
        """The paths that start with ``prefix``, sorted."""
        found = self._reading(lambda: self._stored_paths(prefix))
        for path, data in self._changes.items():
            if path.startswith(prefix):
                (found.discard if data is None else found.add)(path)
        return sorted(found)

    def records(self, kind: str) -> Mapping[str, Record]:
        """The valid records of ``kind`` by id, ordered by id; each is parsed when asked for."""
        tree = self._tree
        rows = {} if tree is None else self._reading(lambda: self._index.rows(tree, kind))
        over: dict[str, Record] = {}
        for path, data in self._changes.items():
            identity = _identity(path)
            if identity is None or identity[0] != kind:
                continue
            rows.pop(identity[1], None)
            decoded = Broken("gone") if data is None else decode_at(identity, data)
            if not isinstance(decoded, Broken):
                over[identity[1]] = decoded
        return Records(kind, rows, over, self._index.load)

    def fields(self, kind: str, *names: str) -> Sequence[tuple[object, ...]]:
        """(id, field, ...) of the valid records of ``kind``: cheaper than parsing each.

        A name is a key of the record's JSON, dots go deeper ("hardware.tier"); absent gives None.
        Mappings and lists come as JSON text. Changes laid over the tip are not seen: raises
        ValueError where there are any.
        """
        if self._changes:
            raise ValueError("fields are read from a tip, not from changes")
        tree = self._tree
        return [] if tree is None else self._reading(lambda: self._index.fields(tree, kind, *names))

    def record(self, path: str) -> Record | None:
        """The record at ``path``; None when there is none or it is invalid."""
        identity = _identity(path)
        if identity is None:
            return None
        data = self.read(path)
        decoded = Broken("gone") if data is None else decode_at(identity, data)
        return None if isinstance(decoded, Broken) else decoded

    def invalid(self) -> dict[str, str]:
        """path -> why it is no valid record, for every record file that is none."""
        tree = self._tree
        found = {} if tree is None else self._reading(lambda: self._index.invalid(tree))
        for path, data in self._changes.items():
            found.pop(path, None)
            identity = _identity(path)
            if identity is None or data is None:
                continue
            decoded = decode_at(identity, data)
            if isinstance(decoded, Broken):
                found[path] = decoded.reason
        return found

    def with_changes(self, changes: Mapping[str, bytes | None]) -> Snapshot:
        """This snapshot with ``changes`` (None removes) laid over it."""
        over = {**self._changes, **changes}
        return Snapshot(self._open, self._index, self.tip, over, self._heal)

    def effective(self, changes: Mapping[str, bytes | None]) -> dict[str, bytes | None]:
        """Those of ``changes`` that alter what is there."""
        return {path: data for path, data in changes.items() if self._differs(path, data)}

    def _differs(self, path: str, data: bytes | None) -> bool:
        if path in self._changes:
            return self._changes[path] != data
        # The cap is the data's own size: anything larger differs anyway.
        there, stored = self._reading(lambda: self._stored(path, len(data or b"")))
        return there if data is None else stored != data

    def _stored(self, path: str, cap: int) -> tuple[bool, bytes | None]:
        """Whether anything is at ``path`` below the changes, and the file's bytes up to ``cap``."""
        objects = self._open()
        entry = None if self._tree is None else objects.find(self._tree, path)
        if entry is None or not entry.is_file:
            return entry is not None, None
        return True, objects.blob(entry.oid, cap)

    def _stored_paths(self, prefix: str) -> set[str]:
        if self._tree is None:
            return set()
        return {path for path, entry in self._open().files(self._tree, prefix) if entry.is_file}

    def _reading(self, read: Callable[[], _T]) -> _T:
        """``read``, once more on a fresh copy when the local one turns out to be damaged."""
        from gitcollab.git.failures import CacheCorrupt

        try:
            return read()
        except CacheCorrupt:
            if self._heal is None or self.tip is None:
                raise
            self._heal(self.tip)
        return read()


class Records(Mapping[str, "Record"]):
    """Records by id, parsed on access; iterating over all of them parses in larger pieces."""

    _PIECE = 500

    def __init__(
        self,
        kind: str,
        rows: Mapping[str, tuple[str, str]],
        over: Mapping[str, Record],
        load: Callable[[str, list[str]], dict[str, Decoded]],
    ) -> None:
        self._kind = kind
        self._rows = rows
        self._loaded: dict[str, Record] = dict(over)
        self._ids = sorted({**rows, **over})
        self._load = load

    def __len__(self) -> int:
        return len(self._ids)

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids)

    def __contains__(self, key: object) -> bool:
        return key in self._rows or key in self._loaded

    def __getitem__(self, key: str) -> Record:
        if key not in self._loaded:
            if key not in self._rows:
                raise KeyError(key)
            self._fill([key])
        return self._loaded[key]

    def values(self) -> list[Record]:  # type: ignore[override]
        """All records, in the order of their ids."""
        self._fill([key for key in self._ids if key not in self._loaded])
        return [self._loaded[key] for key in self._ids]

    def items(self) -> list[tuple[str, Record]]:  # type: ignore[override]
        """All ids and records, in the order of the ids."""
        return list(zip(self._ids, self.values(), strict=True))

    def _fill(self, keys: list[str]) -> None:
        for start in range(0, len(keys), self._PIECE):
            piece = keys[start : start + self._PIECE]
            found = self._load(self._kind, [self._rows[key][1] for key in piece])
            for key in piece:
                record = found[self._rows[key][1]]
                if isinstance(record, Broken):  # cannot be: rows names valid ones only
                    raise KeyError(key)
                self._loaded[key] = record


def _identity(path: str) -> tuple[str, str] | None:
    from gitcollab.records import names

    return names.kind_of(path)
