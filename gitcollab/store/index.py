"""A local index of the records in a hub's tree: SQLite, brought forward by the difference of trees.

``parsed`` holds what a blob says, by the blob's name: true whatever the tip is, so a record is
parsed once. ``placed`` says which blob lies where in the one tree named by ``meta``. ``arrived``
says when claims were first seen where they are, and outlives their being displaced for a while.
For each kind with columns, ``of_<kind>`` holds those of the valid records that are placed, and
``said_<kind>`` their words for full-text search, a row for each in ``placed``. Several
processes may want different trees: each moves the index and reads it in one transaction. The index
can be deleted at any time.
"""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from gitcollab.store import database, proofs
from gitcollab.store.columns import Columns, Row, Scalar
from gitcollab.store.database import Database, transaction
from gitcollab.store.decoding import MISPLACED, READ_CAP, Broken, decode, own_id

if TYPE_CHECKING:
    from gitcollab.git.objects import ObjectStore
    from gitcollab.git.trees import Entry
    from gitcollab.records.models import Record
    from gitcollab.store.decoding import Decoded

_T = TypeVar("_T")

_SCHEMA = (
    """CREATE TABLE parsed (
        oid TEXT NOT NULL, kind TEXT NOT NULL, says TEXT, json TEXT, error TEXT, digest TEXT,
        PRIMARY KEY (oid, kind)
    )""",
    """CREATE TABLE placed (
        path TEXT PRIMARY KEY, kind TEXT NOT NULL, id TEXT NOT NULL, oid TEXT NOT NULL
    )""",
    """CREATE TABLE arrived (
        path TEXT NOT NULL, oid TEXT NOT NULL, seen REAL NOT NULL, made REAL NOT NULL, before REAL,
        term TEXT, PRIMARY KEY (path, oid)
    )""",
    proofs.TABLE,
    "CREATE INDEX placed_kind ON placed (kind, id)",
    "CREATE INDEX placed_oid ON placed (oid)",
)
_VERSION = "7"
_TIMED = "claim"  # the kind whose arrivals matter
_REMEMBERED_SECONDS = 2 * 86_400.0  # of arrivals of what is displaced
_VALID = "(error IS NULL AND (says IS NULL OR says = id))"
_MADE = 3  # answers of ``once`` that are kept of a name: of the tip, and with changes on it
_PIECE = 500  # below SQLite's limit of variables in one statement

Progress = Callable[[int, int], None]  # records read, of how many


class Version(NamedTuple):
    """A state of the hub: its tree, when its commit says it was made, when we learnt of it.

    ``before`` is when we last knew that the hub was in another state; None: we knew nothing of it.
    """

    tree: str
    made: datetime
    seen: datetime
    before: datetime | None


class Arrival(NamedTuple):
    """When a file was first seen as it is; see Version."""

    seen: datetime
    made: datetime
    before: datetime | None


class Index:
    """The index in the file ``path`` of trees whose objects are in ``objects``.

    ``objects`` is asked for each time: a damaged copy is replaced under us. ``progress`` hears how
    many of the changed records have been read: there may be many at first.
    """

    def __init__(
        self,
        path: Path,
        objects: Callable[[], ObjectStore],
        columns: Sequence[Columns] = (),
        progress: Progress | None = None,
    ) -> None:
        self.columns: Mapping[str, Columns] = {one.kind: one for one in columns}
        self._objects = objects
        self._progress = progress
        self._made: dict[str, dict[tuple[tuple[str, ...], Hashable], Any]] = {}  # by name
        self._making = threading.Lock()  # for looking at it and changing it
        self._sizes: dict[str, int] = {}
        schema = [*_SCHEMA, *(line for one in columns for line in _table(one))]
        self._database = Database(path, partial(_maker, columns), schema)

    def rows(self, at: Version, kind: str) -> dict[str, tuple[str, str]]:
        """id -> (path, blob) of the valid records of ``kind``, in the order of ids."""
        query = (
            f"SELECT id, path, placed.oid FROM placed JOIN parsed USING (oid, kind)"
            f" WHERE kind = ? AND {_VALID} ORDER BY id"
        )
        found = self._ask(at, lambda db: db.execute(query, (kind,)).fetchall())
        return {row[0]: (row[1], row[2]) for row in found}

    def invalid(self, at: Version) -> dict[str, str]:
        """path -> why it holds no valid record."""
        query = (
            "SELECT path, ifnull(error, ?) FROM placed JOIN parsed USING (oid, kind)"
            f" WHERE NOT {_VALID} ORDER BY path"
        )
        return dict(self._ask(at, lambda db: db.execute(query, (MISPLACED,)).fetchall()))

    def select(
        self, at: Version, kind: str, names: Sequence[str], where: Mapping[str, Scalar]
    ) -> list[Row]:
        """(id, value, ...) of the valid records of ``kind`` whose columns are as in ``where``."""
        columns = ", ".join(["id", *names])
        condition = " AND ".join(f"{name} = ?" for name in where) or "1"
        query = f"SELECT {columns} FROM of_{kind} WHERE {condition} ORDER BY id"
        return self._ask(at, lambda db: db.execute(query, list(where.values())).fetchall())

    def search(
        self, at: Version, kind: str, words: Sequence[str], most: int
    ) -> list[tuple[str, float]]:
        """Ids of the valid records of ``kind`` that hold any of the words, and how well they match.

        The best first, at most so many; words are matched by their stems, scores are of BM25: more
        is better.
        """
        if not words:
            return []
        said = f"said_{kind}"
        query = (
            f"SELECT id, -bm25({said}) FROM {said} JOIN placed ON placed.rowid = {said}.rowid"
            f" WHERE {said} MATCH ? ORDER BY 2 DESC, id LIMIT ?"
        )
        match = " OR ".join(map(_quoted, words))
        return self._ask(at, lambda db: db.execute(query, (match, most)).fetchall())

    def count(self, at: Version, kind: str) -> int:
        """How many valid records of ``kind`` there are."""
        query = f"SELECT count(*) FROM of_{kind}"
        return int(self._ask(at, lambda db: db.execute(query).fetchone())[0])

    def digests(self, at: Version, kind: str, ids: Sequence[str]) -> dict[str, str]:
        """id -> the digest of its file, as records write it, of those that are valid records."""
        return dict(self._ask(at, lambda db: _digests(db, kind, ids)))

    def note(self, at: Version) -> None:
        """Let what ``at`` brought count as seen, before a newer version takes its place."""
        self._ask(at, lambda db: None)

    def arrival(self, at: Version, path: str) -> Arrival | None:
        """When the claim at ``path`` arrived as it is; None where there is none."""
        columns = "seen, made, before"
        query = f"SELECT {columns} FROM arrived JOIN placed USING (path, oid) WHERE path = ?"
        row = self._ask(at, lambda db: db.execute(query, (path,)).fetchone())
        if row is None:
            return None
        before = None if row[2] is None else _time(row[2])
        return Arrival(_time(row[0]), _time(row[1]), before)

    def had(self, at: Version, path: str, term: str) -> bool:
        """Whether a claim of this term (see ``Claim.term``) was seen at ``path`` lately."""
        query = "SELECT 1 FROM arrived WHERE path = ? AND term = ?"
        return self._ask(at, lambda db: db.execute(query, (path, term)).fetchone()) is not None

    def signed(self, at: Version, kind: str, keys: Mapping[str, Sequence[str]]) -> set[str]:
        """Ids of the valid records of ``kind`` that one of the ``keys`` of their agent signed.

        What has not been checked yet is, and the answer is kept.
        """
        records = self._ask(at, lambda db: proofs.signables(db, kind, _VALID))
        left = proofs.unchecked(records, keys)
        for start in range(0, len(left), _PIECE):
            self._check(kind, left[start : start + _PIECE])
            if self._progress is not None:
                self._progress(min(start + _PIECE, len(left)), len(left))
        return {r.id for r in records if proofs.is_signed(r, keys.get(r.agent, ()))}

    def _check(self, kind: str, piece: Sequence[tuple[proofs.Signable, list[str]]]) -> None:
        loaded = self.load(kind, [record.oid for record, _ in piece])
        for record, untried in piece:
            decoded = loaded[record.oid]
            record.known.update(
                proofs.check(None if isinstance(decoded, Broken) else decoded, untried)
            )

        def keep(db: sqlite3.Connection) -> None:
            with transaction(db, "IMMEDIATE"):
                for record, _ in piece:
                    proofs.keep(db, record.oid, record.known)

        self._database.ask(keep)

    def size(self, tree: str) -> int:
        """The bytes of the files in that folder: kept in this process."""
        if tree not in self._sizes:
            objects = self._objects()
            headers = (objects.header(e.oid) for e in objects.entries(tree).values() if e.is_file)
            self._sizes[tree] = sum(header[1] for header in headers if header is not None)
        return self._sizes[tree]

    def once(
        self, name: str, depends: tuple[str, ...], contents: Hashable, make: Callable[[], _T]
    ) -> _T:
        """What ``make`` gave lately for these contents of what it depends on, or gives now.

        It is kept in this process. Of large hubs these are large, so that few are.
        """
        key = depends, contents
        with self._making:
            made = self._made.setdefault(name, {})
            if key in made:
                found: _T = made[key]
                return found
        new = make()  # it may take a while, and ask for others
        with self._making:
            while len(made) >= _MADE:
                del made[next(iter(made))]
            made[key] = new
        return new

    def inherit(
        self,
        before: Callable[[tuple[str, ...]], Hashable],
        after: Callable[[tuple[str, ...]], Hashable],
    ) -> None:
        """Let what ``once`` has of contents as they were count for them as they are."""
        with self._making:
            depending = {depends for made in self._made.values() for depends, _ in made}
        moved = {(d, before(d)): (d, after(d)) for d in depending}
        with self._making:
            for made in self._made.values():
                for old, new in moved.items():
                    if old in made:
                        made[new] = made.pop(old)

    def load(self, kind: str, blobs: list[str]) -> dict[str, Decoded]:
        """blob -> what it holds, from the index or, where another tree displaced it, the object."""
        from gitcollab.records import codec

        model = codec.model_of(kind)
        found: dict[str, Decoded] = {}
        for oid, json in self._ask(None, lambda db: _texts(db, kind, blobs)):
            found[oid] = model.model_validate_json(json)
        for oid in blobs:
            if oid not in found:
                found[oid] = decode(kind, self._objects().blob(oid, READ_CAP))
        return found

    # -- inside ----------------------------------------------------------------------------------

    def _ask(self, at: Version | None, ask: Callable[[sqlite3.Connection], _T]) -> _T:
        """``ask`` of the index brought to ``at`` (None: wherever it is)."""
        return self._database.ask(lambda db: self._asked(db, at, ask))

    def _asked(
        self, db: sqlite3.Connection, at: Version | None, ask: Callable[[sqlite3.Connection], _T]
    ) -> _T:
        with transaction(db, "DEFERRED"):
            if at is None or database.get(db, "tree") == at.tree:
                return ask(db)
        with transaction(db, "IMMEDIATE"):
            self._advance(db, at)
            return ask(db)

    def _advance(self, db: sqlite3.Connection, at: Version) -> None:
        here = database.get(db, "tree")
        if here == at.tree:
            return
        from gitcollab.records import names

        objects = self._objects()
        if here is None or not _has(objects, here):
            changes = _against(db, objects.files(at.tree))
        else:
            changes = ((c.path, c.entry) for c in objects.diff(here, at.tree))
        records = [change for change in changes if names.kind_of(change[0]) is not None]
        arrival = Arrival(at.seen, at.made, at.before)
        displaced: set[str] = set()
        for count, (path, entry) in enumerate(records, start=1):
            displaced |= self._remove(db, path)
            if entry is not None:
                self._add(db, objects, path, entry, arrival)
            if self._progress is not None and (count % 100 == 0 or count == len(records)):
                self._progress(count, len(records))
        _sweep(db, displaced, at.seen.timestamp() - _REMEMBERED_SECONDS)
        database.put(db, "tree", at.tree)

    def _remove(self, db: sqlite3.Connection, path: str) -> set[str]:
        query = "SELECT oid, kind, id, rowid FROM placed WHERE path = ?"
        found = db.execute(query, (path,)).fetchall()
        for _, kind, record_id, row in found:
            db.execute("DELETE FROM placed WHERE path = ?", (path,))
            if kind in self.columns:
                db.execute(f"DELETE FROM of_{kind} WHERE id = ?", (record_id,))
                if self.columns[kind].text is not None:
                    db.execute(f"DELETE FROM said_{kind} WHERE rowid = ?", (row,))
        return {row[0] for row in found}

    def _add(
        self,
        db: sqlite3.Connection,
        objects: ObjectStore,
        path: str,
        entry: Entry,
        arrival: Arrival,
    ) -> None:
        """Place the record at ``path``."""
        from gitcollab.records import names

        identity = names.kind_of(path)
        if identity is None:
            return
        kind, record_id = identity
        placed = (path, kind, record_id, entry.oid)
        row = db.execute("INSERT INTO placed VALUES (?, ?, ?, ?)", placed).lastrowid
        decoded = _known(db, kind, entry.oid) or _parse(db, objects, kind, entry)
        if kind == _TIMED:
            times = (None if t is None else t.timestamp() for t in arrival)
            arrived = (path, entry.oid, *times, getattr(decoded, "term", None))
            db.execute("INSERT OR IGNORE INTO arrived VALUES (?, ?, ?, ?, ?, ?)", arrived)
        if not isinstance(decoded, Broken) and own_id(decoded) in (None, record_id):
            self._add_columns(db, kind, record_id, decoded)
            self._add_words(db, kind, row, decoded)

    def _add_columns(
        self, db: sqlite3.Connection, kind: str, record_id: str, record: Record
    ) -> None:
        columns = self.columns.get(kind)
        if columns is not None:
            row = columns.row(record_id, record, columns.names)
            marks = ", ".join("?" * len(row))
            db.execute(f"INSERT OR REPLACE INTO of_{kind} VALUES ({marks})", row)

    def _add_words(
        self, db: sqlite3.Connection, kind: str, row: int | None, record: Record
    ) -> None:
        columns = self.columns.get(kind)
        if columns is not None and columns.text is not None:
            words = columns.text(record).encode("utf-8", "replace").decode()
            db.execute(f"INSERT INTO said_{kind} (rowid, words) VALUES (?, ?)", (row, words))


def _known(db: sqlite3.Connection, kind: str, oid: str) -> Decoded | None:
    """What the blob was found to hold before, None when it has not been parsed."""
    from gitcollab.records import codec

    query = "SELECT json, error FROM parsed WHERE oid = ? AND kind = ?"
    row = db.execute(query, (oid, kind)).fetchone()
    if row is None:
        return None
    return Broken(row[1]) if row[0] is None else codec.model_of(kind).model_validate_json(row[0])


def _parse(db: sqlite3.Connection, objects: ObjectStore, kind: str, entry: Entry) -> Decoded:
    data = objects.blob(entry.oid, READ_CAP) if entry.is_file else None
    decoded = decode(kind, data)
    text = reason = says = None
    if isinstance(decoded, Broken):
        reason = decoded.reason.encode("utf-8", "replace").decode()
    else:
        text, says = decoded.model_dump_json(by_alias=True), own_id(decoded)
    digest = None if data is None else "sha256:" + hashlib.sha256(data).hexdigest()
    row = (entry.oid, kind, says, text, reason, digest)
    db.execute("INSERT INTO parsed VALUES (?, ?, ?, ?, ?, ?)", row)
    return decoded


def _texts(db: sqlite3.Connection, kind: str, blobs: list[str]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for start in range(0, len(blobs), _PIECE):
        piece = blobs[start : start + _PIECE]
        marks = ",".join("?" * len(piece))
        where = f"kind = ? AND json NOT NULL AND oid IN ({marks})"
        found += db.execute(f"SELECT oid, json FROM parsed WHERE {where}", [kind, *piece])
    return found


def _digests(db: sqlite3.Connection, kind: str, ids: Sequence[str]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for start in range(0, len(ids), _PIECE):
        piece = ids[start : start + _PIECE]
        where = f"kind = ? AND id IN ({','.join('?' * len(piece))}) AND {_VALID}"
        query = f"SELECT id, digest FROM placed JOIN parsed USING (oid, kind) WHERE {where}"
        found += db.execute(query, [kind, *piece])
    return found


def _has(objects: ObjectStore, tree: str) -> bool:
    from gitcollab.git.failures import CacheCorrupt

    try:
        objects.entries(tree)
    except CacheCorrupt:  # a copy made afresh knows nothing of older trees
        return False
    return True


def _against(
    db: sqlite3.Connection, files: Iterable[tuple[str, Entry]]
) -> Iterator[tuple[str, Entry | None]]:
    """The changes from what is placed to ``files``, where the tree in between is unknown."""
    placed: dict[str, str] = dict(db.execute("SELECT path, oid FROM placed"))
    for path, entry in files:
        if placed.pop(path, None) != entry.oid:
            yield path, entry
    for path in placed:
        yield path, None


def _quoted(word: str) -> str:
    """A string of FTS5's language, whatever is in the word; a zero byte would end the query."""
    text = word.encode("utf-8", "replace").decode().replace("\0", " ").replace('"', '""')
    return f'"{text}"'


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _sweep(db: sqlite3.Connection, displaced: set[str], oldest: float) -> None:
    """Forget what displaced blobs said, where no path holds them any more, and old arrivals."""
    query = "DELETE FROM parsed WHERE oid = ? AND NOT EXISTS (SELECT 1 FROM placed WHERE oid = ?)"
    db.executemany(query, [(oid, oid) for oid in displaced])
    proofs.forget(db, displaced)
    query = "SELECT 1 FROM placed WHERE placed.path = arrived.path AND placed.oid = arrived.oid"
    db.execute(f"DELETE FROM arrived WHERE seen < ? AND NOT EXISTS ({query})", (oldest,))


def _table(columns: Columns) -> list[str]:
    """The statements that make the table of a kind's columns."""
    kind, names = columns.kind, ", ".join(columns.names)
    table = f"CREATE TABLE of_{kind} (id TEXT PRIMARY KEY, {names}) WITHOUT ROWID"
    keys = [f"CREATE INDEX of_{kind}_{name} ON of_{kind} ({name})" for name in columns.keyed]
    if columns.text is None:
        return [table, *keys]
    tokens = "tokenize = 'porter unicode61 remove_diacritics 2'"
    return [table, *keys, f"CREATE VIRTUAL TABLE said_{kind} USING fts5 (words, {tokens})"]


def _maker(columns: Sequence[Columns]) -> str:
    """What decides the index's contents: its own form, and the code that reads records."""
    import gitcollab.records

    folder = Path(gitcollab.records.__file__).parent
    digest = hashlib.sha256(_VERSION.encode())
    for one in columns:
        made = one.kind, one.names, one.keyed, one.version, one.text is not None
        digest.update(repr(made).encode())
    for name in ("codec.py", "models.py", "names.py"):
        digest.update((folder / name).read_bytes())
    return digest.hexdigest()
