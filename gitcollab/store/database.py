"""The SQLite file under the index: made when it is missing, made again when it is not ours."""

from __future__ import annotations

import itertools
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from gitcollab.git.failures import DiskFull

_T = TypeVar("_T")

# How long to wait for another process that writes, and how often: a first index takes minutes.
_BUSY_SECONDS, _BUSY_TIMES = 30.0, 20


class Database:
    """The database in the file ``path``, of a form that ``maker`` names and ``schema`` makes.

    Each thread has a connection. A damaged or foreign file is made again; where none can be
    written, each thread has one in memory.
    """

    def __init__(self, path: Path, maker: Callable[[], str], schema: Sequence[str]) -> None:
        self.path = path
        self._maker = maker
        self._schema = schema
        self._local = threading.local()

    def ask(self, ask: Callable[[sqlite3.Connection], _T]) -> _T:
        """What ``ask`` gives on a connection; it is asked again where the file had to be made."""
        busy = 0
        for attempt in itertools.count():
            try:
                return ask(self._connection())
            except sqlite3.DatabaseError as e:
                self._forget()
                _raise_if_full(e)
                if _is_busy(e) and busy < _BUSY_TIMES:
                    busy += 1  # somebody is making it: a second one would take as long
                elif attempt == busy and not _is_usage(e):
                    _delete(self.path)
                elif attempt <= busy + 1:
                    self._local.db = self._in_memory()
                else:
                    raise
        raise AssertionError

    def _connection(self) -> sqlite3.Connection:
        db: sqlite3.Connection | None = getattr(self._local, "db", None)
        if db is None:
            db = self._local.db = self._open()
        return db

    def _forget(self) -> None:
        db: sqlite3.Connection | None = getattr(self._local, "db", None)
        self._local.db = None
        if db is not None:
            db.close()

    def _open(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, timeout=_BUSY_SECONDS, isolation_level=None)
        try:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = OFF")  # made again when damaged
            db.execute("PRAGMA cache_size = -256")  # KiB, in each process: the system keeps pages
            with transaction(db, "DEFERRED"):
                if _made_by(db) == self._maker():
                    return db
            with transaction(db, "IMMEDIATE"):
                if _made_by(db) != self._maker():
                    self._make(db)
        except BaseException:
            db.close()
            raise
        return db

    def _in_memory(self) -> sqlite3.Connection:
        db = sqlite3.connect(":memory:", isolation_level=None)
        self._make(db)
        return db

    def _make(self, db: sqlite3.Connection) -> None:
        tables = db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (table,) in tables:
            db.execute(f'DROP TABLE "{table}"')
        for statement in self._schema:
            db.execute(statement)
        db.execute("CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID")
        db.execute("INSERT INTO meta VALUES ('maker', ?)", (self._maker(),))


def get(db: sqlite3.Connection, name: str) -> str | None:
    """A remembered value."""
    row = db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
    return None if row is None else row[0]


def put(db: sqlite3.Connection, name: str, value: str) -> None:
    """Remember a value."""
    db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))


@contextmanager
def transaction(db: sqlite3.Connection, mode: str) -> Iterator[None]:
    """All of the block or nothing, in SQLite's ``mode`` (DEFERRED, IMMEDIATE)."""
    db.execute(f"BEGIN {mode}")
    try:
        yield
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


def _made_by(db: sqlite3.Connection) -> str | None:
    if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone():
        return None
    return get(db, "maker")


def _is_busy(e: sqlite3.DatabaseError) -> bool:
    return any(part in str(e).lower() for part in ("locked", "busy"))


def _is_usage(e: sqlite3.DatabaseError) -> bool:
    """Whether the trouble is how the file may be used (locked, read-only), not what is in it."""
    words = str(e).lower()
    usage = ("readonly", "read-only", "unable to open")
    return _is_busy(e) or any(part in words for part in usage)


def _raise_if_full(e: sqlite3.DatabaseError) -> None:
    if "disk is full" in str(e).lower():
        raise DiskFull(str(e)) from e


def _delete(path: Path) -> None:
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        try:
            path.with_name(name).unlink(missing_ok=True)
        except OSError:  # then it cannot be written either: memory is next
            return
