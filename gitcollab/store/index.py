"""A local index of the records in a hub's tree: SQLite, brought forward by the difference of trees.

Two tables. ``parsed`` holds what a blob says, by the blob's name: true whatever the tip is, so a
record is parsed once. ``placed`` says which blob lies where in the one tree named by ``meta``.
Several processes may want different trees: each moves the index and reads it in one transaction.
The index can be deleted at any time; a damaged or foreign one is made again, and where none can be
written it lives in memory.
"""

from __future__ import annotations

import hashlib
import itertools
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from gitcollab.git.failures import DiskFull
from gitcollab.store.decoding import MISPLACED, READ_CAP, Broken, decode, own_id

if TYPE_CHECKING:
    from gitcollab.git.objects import Entry, ObjectStore
    from gitcollab.store.decoding import Decoded

_T = TypeVar("_T")

_SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE parsed (
    oid TEXT NOT NULL, kind TEXT NOT NULL, says TEXT, json TEXT, error TEXT,
    PRIMARY KEY (oid, kind)
);
CREATE TABLE placed (
    path TEXT PRIMARY KEY, kind TEXT NOT NULL, id TEXT NOT NULL, oid TEXT NOT NULL
);
CREATE INDEX placed_kind ON placed (kind, id);
CREATE INDEX placed_oid ON placed (oid);
"""
_VERSION = "1"
_VALID = "(error IS NULL AND (says IS NULL OR says = id))"
_PIECE = 500  # below SQLite's limit of variables in one statement

Progress = Callable[[int], None]


class Index:
    """The index in the file ``path`` of trees whose objects are in ``objects``.

    ``objects`` is asked for each time: a damaged copy is replaced under us. ``progress`` hears the
    number of records parsed so far, for long first runs.
    """

    def __init__(
        self, path: Path, objects: Callable[[], ObjectStore], progress: Progress | None = None
    ) -> None:
        self.path = path
        self._objects = objects
        self._progress = progress
        self._local = threading.local()

    def rows(self, tree: str, kind: str) -> dict[str, tuple[str, str]]:
        """id -> (path, blob) of the valid records of ``kind`` in ``tree``, in the order of ids."""
        query = (
            f"SELECT id, path, placed.oid FROM placed JOIN parsed USING (oid, kind)"
            f" WHERE kind = ? AND {_VALID} ORDER BY id"
        )
        found = self._ask(tree, lambda db: db.execute(query, (kind,)).fetchall())
        return {row[0]: (row[1], row[2]) for row in found}

    def invalid(self, tree: str) -> dict[str, str]:
        """path -> why it holds no valid record."""
        query = (
            "SELECT path, ifnull(error, ?) FROM placed JOIN parsed USING (oid, kind)"
            f" WHERE NOT {_VALID} ORDER BY path"
        )
        return dict(self._ask(tree, lambda db: db.execute(query, (MISPLACED,)).fetchall()))

    def fields(self, tree: str, kind: str, *names: str) -> list[tuple[object, ...]]:
        """(id, field, field, ...) of the valid records of ``kind``: cheaper than the records.

        A name is a key of the record's JSON, dots go deeper ("hardware.tier"); absent gives None.
        """
        columns = "".join(", json_extract(json, ?)" for _ in names)
        query = (
            f"SELECT id{columns} FROM placed JOIN parsed USING (oid, kind)"
            f" WHERE kind = ? AND {_VALID} ORDER BY id"
        )
        values = [*(f"$.{name}" for name in names), kind]
        return self._ask(tree, lambda db: db.execute(query, values).fetchall())

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

    def _ask(self, tree: str | None, ask: Callable[[sqlite3.Connection], _T]) -> _T:
        """``ask`` of an index that is at ``tree`` (None: wherever it is), made again if damaged."""
        for attempt in itertools.count():
            try:
                return self._asked(self._connection(), tree, ask)
            except sqlite3.DatabaseError as e:
                self._forget()
                _raise_if_full(e)
                if attempt == 0 and not _is_usage(e):
                    _delete(self.path)
                elif attempt <= 1:
                    self._local.db = _in_memory()
                else:
                    raise
        raise AssertionError

    def _asked(
        self, db: sqlite3.Connection, tree: str | None, ask: Callable[[sqlite3.Connection], _T]
    ) -> _T:
        with _transaction(db, "DEFERRED"):
            if tree is None or _tree_of(db) == tree:
                return ask(db)
        with _transaction(db, "IMMEDIATE"):
            self._advance(db, tree)
            return ask(db)

    def _advance(self, db: sqlite3.Connection, tree: str) -> None:
        at = _tree_of(db)
        if at == tree:
            return
        objects = self._objects()
        if at is None or not _has(objects, at):
            changes = _against(db, objects.files(tree))
        else:
            changes = ((c.path, c.entry) for c in objects.diff(at, tree))
        displaced: set[str] = set()
        count = 0
        for path, entry in changes:
            displaced |= _remove(db, path)
            if entry is not None and self._add(db, objects, path, entry):
                count += 1
                if self._progress is not None and count % 100 == 0:
                    self._progress(count)
        _sweep(db, displaced)
        db.execute("INSERT OR REPLACE INTO meta VALUES ('tree', ?)", (tree,))

    def _add(self, db: sqlite3.Connection, objects: ObjectStore, path: str, entry: Entry) -> bool:
        """Place the record at ``path``; whether it had to be parsed."""
        from gitcollab.records import names

        identity = names.kind_of(path)
        if identity is None:
            return False
        kind, record_id = identity
        db.execute("INSERT INTO placed VALUES (?, ?, ?, ?)", (path, kind, record_id, entry.oid))
        known = "SELECT 1 FROM parsed WHERE oid = ? AND kind = ?"
        if db.execute(known, (entry.oid, kind)).fetchone():
            return False
        data = objects.blob(entry.oid, READ_CAP) if entry.is_file else None
        decoded = decode(kind, data)
        text = reason = says = None
        if isinstance(decoded, Broken):
            reason = decoded.reason.encode("utf-8", "replace").decode()
        else:
            text, says = decoded.model_dump_json(by_alias=True), own_id(decoded)
        db.execute(
            "INSERT INTO parsed VALUES (?, ?, ?, ?, ?)", (entry.oid, kind, says, text, reason)
        )
        return True

    def _connection(self) -> sqlite3.Connection:
        db: sqlite3.Connection | None = getattr(self._local, "db", None)
        if db is None:
            db = self._local.db = _open(self.path)
        return db

    def _forget(self) -> None:
        db: sqlite3.Connection | None = getattr(self._local, "db", None)
        self._local.db = None
        if db is not None:
            db.close()


def _texts(db: sqlite3.Connection, kind: str, blobs: list[str]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for start in range(0, len(blobs), _PIECE):
        piece = blobs[start : start + _PIECE]
        marks = ",".join("?" * len(piece))
        where = f"kind = ? AND json NOT NULL AND oid IN ({marks})"
        found += db.execute(f"SELECT oid, json FROM parsed WHERE {where}", [kind, *piece])
    return found


def _tree_of(db: sqlite3.Connection) -> str | None:
    row = db.execute("SELECT value FROM meta WHERE name = 'tree'").fetchone()
    return None if row is None else row[0]


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


def _remove(db: sqlite3.Connection, path: str) -> set[str]:
    found = {row[0] for row in db.execute("SELECT oid FROM placed WHERE path = ?", (path,))}
    if found:
        db.execute("DELETE FROM placed WHERE path = ?", (path,))
    return found


def _sweep(db: sqlite3.Connection, displaced: set[str]) -> None:
    """Forget what displaced blobs said, where no path holds them any more."""
    query = "DELETE FROM parsed WHERE oid = ? AND NOT EXISTS (SELECT 1 FROM placed WHERE oid = ?)"
    db.executemany(query, [(oid, oid) for oid in displaced])


@contextmanager
def _transaction(db: sqlite3.Connection, mode: str) -> Iterator[None]:
    db.execute(f"BEGIN {mode}")
    try:
        yield
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


def _open(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=30, isolation_level=None)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = OFF")  # made again when damaged
        with _transaction(db, "DEFERRED"):
            if _made_by(db) == _maker():
                return db
        with _transaction(db, "IMMEDIATE"):
            if _made_by(db) != _maker():
                _make(db)
    except BaseException:
        db.close()
        raise
    return db


def _in_memory() -> sqlite3.Connection:
    db = sqlite3.connect(":memory:", isolation_level=None)
    _make(db)
    return db


def _made_by(db: sqlite3.Connection) -> str | None:
    if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone():
        return None
    row = db.execute("SELECT value FROM meta WHERE name = 'maker'").fetchone()
    return None if row is None else row[0]


def _make(db: sqlite3.Connection) -> None:
    for table in ("meta", "parsed", "placed"):
        db.execute(f"DROP TABLE IF EXISTS {table}")
    for statement in _SCHEMA.split(";"):
        db.execute(statement)
    db.execute("INSERT INTO meta VALUES ('maker', ?)", (_maker(),))


@cache
def _maker() -> str:
    """What decides the index's contents: its own form, and the code that reads records."""
    import gitcollab.records

    folder = Path(gitcollab.records.__file__).parent
    digest = hashlib.sha256(_VERSION.encode())
    for name in ("codec.py", "models.py", "names.py"):
        digest.update((folder / name).read_bytes())
    return digest.hexdigest()


def _is_usage(e: sqlite3.DatabaseError) -> bool:
    """Whether the trouble is how the file may be used (locked, read-only), not what is in it."""
    words = str(e).lower()
    usage = ("locked", "busy", "readonly", "read-only", "unable to open")
    return any(part in words for part in usage)


def _raise_if_full(e: sqlite3.DatabaseError) -> None:
    if "disk is full" in str(e).lower():
        raise DiskFull(str(e)) from e


def _delete(path: Path) -> None:
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        try:
            path.with_name(name).unlink(missing_ok=True)
        except OSError:  # then it cannot be written either: memory is next
            return
