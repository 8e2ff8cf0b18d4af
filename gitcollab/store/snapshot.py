"""The hub's files as they are at one tip, with any number of changes laid over them.

A snapshot never changes. Records come through the index, so their cost follows what is asked for;
what strangers wrote that is no valid record is listed by ``invalid`` and is nowhere else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

from gitcollab.store.decoding import READ_CAP, Broken, decode_at
from gitcollab.store.index import Arrival, Version
from gitcollab.store.overlay import Overlaid, Records
from gitcollab.store.sightings import Sighting

if TYPE_CHECKING:
    from gitcollab.git.objects import ObjectStore
    from gitcollab.records.models import Record
    from gitcollab.store.columns import Columns, Row, Scalar
    from gitcollab.store.decoding import Decoded


class RecordIndex(Protocol):
    """What a snapshot needs of the index: the records of a version of the hub."""

    columns: Mapping[str, Columns]

    def rows(self, at: Version, kind: str) -> dict[str, tuple[str, str]]:
        """id -> (path, blob) of the valid records of ``kind``."""

    def load(self, kind: str, blobs: list[str]) -> dict[str, Decoded]:
        """blob -> the record it holds, for blobs that ``rows`` named."""

    def select(
        self, at: Version, kind: str, names: Sequence[str], where: Mapping[str, Scalar]
    ) -> list[Row]:
        """(id, value, ...) of the valid records of ``kind`` whose columns are as in ``where``."""

    def search(
        self, at: Version, kind: str, words: Sequence[str], most: int
    ) -> list[tuple[str, float]]:
        """Ids of the valid records of ``kind`` that hold any of the words; the best match first."""

    def count(self, at: Version, kind: str) -> int:
        """How many valid records of ``kind`` there are."""

    def digests(self, at: Version, kind: str, ids: Sequence[str]) -> dict[str, str]:
        """id -> the digest of its file, of those of ``ids`` that are valid records of ``kind``."""

    def signed(self, at: Version, kind: str, keys: Mapping[str, Sequence[str]]) -> set[str]:
        """Ids of the valid records of ``kind`` that one of the ``keys`` of their agent signed."""

    def size(self, tree: str) -> int:
        """The bytes of the files in that folder."""

    def once(
        self, name: str, depends: tuple[str, ...], contents: Hashable, make: Callable[[], _T]
    ) -> _T:
        """What ``make`` gave for these contents of what it depends on lately, or gives now."""

    def inherit(
        self,
        before: Callable[[tuple[str, ...]], Hashable],
        after: Callable[[tuple[str, ...]], Hashable],
    ) -> None:
        """Let what was made of contents as they were count as made of them as they are."""

    def note(self, at: Version) -> None:
        """Let what ``at`` brought count as seen."""

    def arrival(self, at: Version, path: str) -> Arrival | None:
        """When the claim at ``path`` arrived as it is."""

    def had(self, at: Version, path: str, term: str) -> bool:
        """Whether a claim of this term was seen at ``path`` lately."""

    def invalid(self, at: Version) -> dict[str, str]:
        """path -> why it holds no valid record."""


class Arrived(NamedTuple):
    """How a file came to be known here."""

    then: datetime  # when that was: by our clock or the hub's newest commit, the earlier
    age: timedelta | None  # how old it was then at most; None when that is not known
    ago: timedelta  # how long ago that is, by our clock


class Arrivals(NamedTuple):
    """Who tells when claims came, where no index remembers."""

    arrived: Callable[[Snapshot, str], Arrived]  # the claim at a path in a state
    had: Callable[[str, str], bool]  # whether a path had a claim of that term before


_T = TypeVar("_T")

CLOCKS = timedelta(days=1)  # clocks that differ by more are broken, not skewed

_NONE: Mapping[str, bytes | None] = MappingProxyType({})


def utc_now() -> datetime:
    """The local clock."""
    return datetime.now(UTC)


class _Decoded:
    """What was decoded once, shared by a snapshot and all that are made of it by changes."""

    def __init__(self) -> None:
        self.tip: dict[str, Records] = {}  # by kind
        self.changed: dict[tuple[str, bytes], Decoded] = {}  # by path and bytes
        self.proofs: dict[int, dict[str, bool]] = {}  # see Signable.known; by the changed record

    def at(self, path: str, identity: tuple[str, str], data: bytes) -> Decoded:
        found = self.changed.get((path, data))
        if found is None:
            found = self.changed[path, data] = decode_at(identity, data)
        return found


class Snapshot:
    """The files of ``tip`` (None: there is no branch yet) under ``changes``.

    ``objects`` is asked for each time: a damaged copy is replaced under us. ``heal`` replaces it.
    ``sighting`` is what this host knows of the tip's time, by its ``clock``.
    """

    def __init__(
        self,
        objects: Callable[[], ObjectStore],
        index: RecordIndex,
        tip: str | None,
        changes: Mapping[str, bytes | None] = _NONE,
        heal: Callable[[str], None] | None = None,
        sighting: Sighting | None = None,
        clock: Callable[[], datetime] = utc_now,
        decoded: _Decoded | None = None,
        arrivals: Arrivals | None = None,
    ) -> None:
        self.tip = tip
        self._open = objects
        self._heal = heal
        self._index = index
        self._changes = changes
        self._sighting = sighting or Sighting()
        self._clock = clock
        self._decoded = decoded or _Decoded()
        self._arrivals = arrivals

    @cached_property
    def commit_time(self) -> datetime | None:
        """When the tip says it was made."""
        tip = self.tip
        return None if tip is None else self._reading(lambda: self._open().commit_time(tip))

    def time(self, local: datetime) -> datetime:
        """When it is: ``local`` by our clock, or later if a clock of the hub was proved to be so.

        One that is ahead by more than a day is broken, not skewed, and is not believed.
        """
        ahead = self._sighting.ahead
        return local + ahead if ahead <= CLOCKS else local

    def arrival(self, path: str) -> Arrived:
        """When the claim at ``path`` was first seen here as it is; laid over the tip: just now."""
        if self._arrivals is not None:
            return self._arrivals.arrived(self, path)
        now = self._clock()
        found = None
        if path not in self._changes and (at := self._version) is not None:
            found = self._reading(lambda: self._index.arrival(at, path))
        if found is None:
            return Arrived(now, None, timedelta(0))
        believed = found.seen - found.made <= CLOCKS
        earliest = min(found.made, found.seen) if believed else found.seen
        age = None if found.before is None else max(found.seen - found.before, timedelta(0))
        # Seen in our future: our clock was set back since.
        since = found.seen if found.seen <= now else found.made
        return Arrived(earliest, age, max(now - since, timedelta(0)))

    def had(self, path: str, term: str) -> bool:
        """Whether a claim of this term was at ``path`` lately, as far as is remembered."""
        if self._arrivals is not None:
            return self._arrivals.had(path, term)
        at = self._version
        return at is not None and self._reading(lambda: self._index.had(at, path, term))

    def note_arrivals(self) -> None:
        """Let what this tip brought count as seen, before a newer one takes its place."""
        if (at := self._version) is not None:
            self._reading(lambda: self._index.note(at))

    @cached_property
    def _tree(self) -> str | None:
        tip = self.tip
        return None if tip is None else self._reading(lambda: self._open().tree(tip))

    @cached_property
    def _version(self) -> Version | None:
        tree, made = self._tree, self.commit_time
        if tree is None or made is None:
            return None
        seen, before, _ = self._sighting
        return Version(tree, made, seen or self._clock(), before)

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
        tip = self._decoded.tip.get(kind)
        if tip is None:
            at = self._version
            rows = {} if at is None else self._reading(lambda: self._index.rows(at, kind))
            tip = self._decoded.tip[kind] = Records(kind, rows, self._index.load)
        changed = dict(self._changed(kind))
        return tip if not changed else Overlaid(tip, changed)

    def select(self, kind: str, *names: str, **where: Scalar) -> Sequence[Row]:
        """(id, value, ...) of the valid records of ``kind``, ordered by id, without parsing them.

        ``names`` are of the columns that the store keeps of the kind (see Store.open), ``where``
        gives the values that some must have: where these columns are keyed, the cost does not grow
        with the number of records.
        """
        at = self._version
        found = (
            [] if at is None else self._reading(lambda: self._index.select(at, kind, names, where))
        )
        changed = dict(self._changed(kind))
        if not changed:
            return found
        columns = self._index.columns[kind]
        found = [row for row in found if row[0] not in changed]
        for record_id, record in changed.items():
            if record is None:
                continue
            values = columns.row(record_id, record, tuple(where))[1:]
            if values == tuple(where.values()):
                found.append(columns.row(record_id, record, names))
        return sorted(found, key=lambda row: str(row[0]))

    def search(self, kind: str, words: Sequence[str], most: int) -> Sequence[tuple[str, float]]:
        """Ids of the valid records of ``kind`` that hold any of these words, and how well.

        At most so many, the best first (see ``Index.search``); for kinds whose words the store
        keeps. What the changes bring is not found, and what they touch is left out.
        """
        at = self._version
        if at is None:
            return []
        found = self._reading(lambda: self._index.search(at, kind, words, most))
        touched = {record_id for record_id, _ in self._changed(kind)}
        return [one for one in found if one[0] not in touched] if touched else found

    def signed(self, kind: str, keys: Mapping[str, Sequence[str]]) -> frozenset[str]:
        """Ids of the valid records of ``kind`` that one of the ``keys`` of their agent signed.

        ``keys`` are OpenSSH public lines by agent; each signature is checked once on this host.
        """
        from gitcollab.records.models import Signed
        from gitcollab.store import proofs

        at = self._version
        found = set() if at is None else self._reading(lambda: self._index.signed(at, kind, keys))
        for record_id, record in self._changed(kind):
            found.discard(record_id)
            if isinstance(record, Signed):
                known = self._decoded.proofs.setdefault(id(record), {})
                one = proofs.Signable(record_id, "", record.agent, known)
                for _, untried in proofs.unchecked([one], keys):
                    known.update(proofs.check(record, untried))
                if proofs.is_signed(one, keys.get(record.agent, ())):
                    found.add(record_id)
        return frozenset(found)

    def digests(self, kind: str, ids: Sequence[str]) -> Mapping[str, str]:
        """id -> the digest of its file, as records write it, of those of ``ids`` that are valid
        records of ``kind``; nothing is read of what lies at the tip.
        """
        from gitcollab.records.models import sha256
        from gitcollab.records.names import path_of

        at = self._version
        found = {} if at is None else self._reading(lambda: self._index.digests(at, kind, ids))
        changed = dict(self._changed(kind))
        for record_id in changed.keys() & set(ids):
            found.pop(record_id, None)
            data = self._changes[path_of(kind, record_id)]
            if changed[record_id] is not None and data is not None:
                found[record_id] = sha256(data)
        return found

    def once(self, name: str, depends: tuple[str, ...], make: Callable[[], _T]) -> _T:
        """What ``make`` gives, made once in this process as long as what it depends on is the same.

        That is nothing but the files whose paths start with one of ``depends``: files and folders
        (ending in a slash) at the top of the hub.
        """
        return self._index.once(name, depends, self._contents_of(depends), make)

    def inherit(self, other: Snapshot) -> None:
        """Let what was made of ``other`` count as made of this one: their files are the same."""
        self._index.inherit(other._contents_of, self._contents_of)

    def _contents_of(self, depends: tuple[str, ...]) -> Hashable:
        """What is the same as long as these files and folders are."""
        over = frozenset(
            (path, data) for path, data in self._changes.items() if path.startswith(depends)
        )
        there = self._reading(lambda: tuple(self._object(path.rstrip("/")) for path in depends))
        return there, over

    def _object(self, path: str) -> str | None:
        """The name of the object at ``path`` below the changes."""
        entry = None if self._tree is None else self._open().find(self._tree, path)
        return None if entry is None else entry.oid

    def count(self, kind: str) -> int:
        """How many valid records of ``kind`` there are; for kinds with columns."""
        if self._changes:
            return len(self.select(kind))
        at = self._version
        return 0 if at is None else self._reading(lambda: self._index.count(at, kind))

    def contents(self, folder: str) -> Mapping[str, str]:
        """What identifies the content of each file and folder in ``folder`` ("": the top), by name.

        Where it is the same, so is all that is there; nothing is read.
        """
        found = dict(self._reading(lambda: self._stored_contents(folder)))
        above = f"{folder}/" if folder else ""
        for path, data in sorted(self._changes.items()):
            if path.startswith(above):
                name = path.removeprefix(above).partition("/")[0]
                change = hashlib.sha256(repr((found.get(name), path, data)).encode())
                found[name] = change.hexdigest()
        return found

    def _stored_contents(self, folder: str) -> Mapping[str, str]:
        objects, tree = self._open(), self._tree
        if tree is not None and folder:
            entry = objects.find(tree, folder)
            tree = entry.oid if entry is not None and entry.is_tree else None
        below = {} if tree is None else objects.entries(tree)
        return {name.decode(errors="replace"): entry.oid for name, entry in below.items()}

    def sizes(self, folder: str) -> Mapping[str, int]:
        """The bytes of the files in each folder in ``folder``, by its name; nothing is read."""
        found = dict(self._reading(lambda: self._stored_sizes(folder)))
        for path, data in self._changes.items():
            if path.startswith(f"{folder}/") and data is not None:
                name = path.removeprefix(f"{folder}/").partition("/")[0]
                found[name] = found.get(name, 0) + len(data)
        return found

    def _stored_sizes(self, folder: str) -> Mapping[str, int]:
        objects = self._open()
        entry = None if self._tree is None else objects.find(self._tree, folder)
        if entry is None or not entry.is_tree:
            return {}
        below = objects.entries(entry.oid).items()
        return {n.decode(errors="replace"): self._index.size(e.oid) for n, e in below if e.is_tree}

    def record(self, path: str) -> Record | None:
        """The record at ``path``; None when there is none or it is invalid."""
        identity = _identity(path)
        if identity is None:
            return None
        data = self.read(path)
        decoded = Broken("gone") if data is None else self._decoded.at(path, identity, data)
        return None if isinstance(decoded, Broken) else decoded

    def invalid(self) -> dict[str, str]:
        """path -> why it is no valid record, for every record file that is none."""
        at = self._version
        found = {} if at is None else self._reading(lambda: self._index.invalid(at))
        for path, data in self._changes.items():
            found.pop(path, None)
            identity = _identity(path)
            if identity is None or data is None:
                continue
            decoded = self._decoded.at(path, identity, data)
            if isinstance(decoded, Broken):
                found[path] = decoded.reason
        return found

    def _changed(self, kind: str) -> Iterator[tuple[str, Record | None]]:
        """Id and record of what the changes touch; None where there is no valid one any more."""
        for path, data in self._changes.items():
            identity = _identity(path)
            if identity is None or identity[0] != kind:
                continue
            decoded = Broken("gone") if data is None else self._decoded.at(path, identity, data)
            yield identity[1], None if isinstance(decoded, Broken) else decoded

    def with_changes(self, changes: Mapping[str, bytes | None]) -> Snapshot:
        """This snapshot with ``changes`` (None removes) laid over it."""
        over = {**self._changes, **changes}
        return Snapshot(
            self._open,
            self._index,
            self.tip,
            over,
            self._heal,
            self._sighting,
            self._clock,
            self._decoded,
            self._arrivals,
        )

    def arriving(self, arrivals: Arrivals) -> Snapshot:
        """This snapshot, of whose claims ``arrivals`` tells when they came."""
        other = self.with_changes({})
        other._arrivals = arrivals
        return other

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


def _identity(path: str) -> tuple[str, str] | None:
    from gitcollab.records import names

    return names.kind_of(path)
