"""What was made of texts, kept on this host in one file: as good as it goes, never in the way."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, suppress
from itertools import islice
from pathlib import Path

# At most so many are kept in the file (vectors of about 1.6 kB each); the oldest go.
KEPT = 200_000

_SCHEMA = """CREATE TABLE IF NOT EXISTS kept (
    id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, data BLOB NOT NULL)"""
# Another process holds the file for a few thousandths of a second; one that is stopped, for good.
_BUSY_SECONDS = 2.0
# So many keys are asked for at a time: old versions of SQLite take 999 parameters.
_KEYS_AT_ONCE = 500
# What SQLite says of a file that is damaged, or is somebody else's; not of one that is in use,
# may not be written, or finds no room.
_UNUSABLE = (
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_ERROR,
    sqlite3.SQLITE_CONSTRAINT,
    sqlite3.SQLITE_MISMATCH,
)


class Kept:
    """Bytes by key in the SQLite file ``path``: it answers nothing rather than raise.

    The file can be deleted at any time and be used by several processes; a damaged one is moved
    aside (``.damaged``). What comes back is whole: each entry carries a checksum of its own.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def get(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """What is kept under these keys, and is whole."""
        found: list[tuple[bytes, object]] = []
        try:
            with closing(self._open()) as db:
                for part in batches(keys, _KEYS_AT_ONCE):
                    marks = ",".join("?" * len(part))
                    ask = f"SELECT key, data FROM kept WHERE key IN ({marks})"
                    found += db.execute(ask, part)
        except sqlite3.Error as e:
            self._after(e)
        whole = ((key, _unsealed(key, data)) for key, data in found)
        return {key: data for key, data in whole if data is not None}

    def put(self, entries: Sequence[tuple[bytes, bytes]]) -> None:
        """Keep these, and let go of the oldest beyond ``KEPT``."""
        rows = [(key, data + _checksum(key, data)) for key, data in entries]
        try:
            with closing(self._open()) as db, db:  # all or nothing, then closed
                db.executemany("INSERT OR REPLACE INTO kept (key, data) VALUES (?, ?)", rows)
                oldest = "(SELECT max(id) FROM kept) - ?"
                db.execute(f"DELETE FROM kept WHERE id <= {oldest}", (KEPT,))
        except sqlite3.Error as e:
            self._after(e)

    def _open(self) -> sqlite3.Connection:
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(self._path, timeout=_BUSY_SECONDS)
        try:
            db.execute("PRAGMA synchronous = OFF")  # what a power cut takes is made again
            if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'kept'").fetchone():
                db.execute(_SCHEMA)
        except sqlite3.Error:
            db.close()
            raise
        return db

    def _after(self, error: sqlite3.Error) -> None:
        """Make way for a new file, where the trouble is what is in this one."""
        if getattr(error, "sqlite_errorcode", 0) & 0xFF not in _UNUSABLE:
            return
        with suppress(OSError):
            self._path.replace(self._path.with_name(f"{self._path.name}.damaged"))


def _unsealed(key: bytes, sealed: object) -> bytes | None:
    """The data without its checksum; None where it is not what was kept under ``key``."""
    if not isinstance(sealed, bytes) or len(sealed) <= 4:
        return None
    data = sealed[:-4]
    return data if sealed[-4:] == _checksum(key, data) else None


def _checksum(key: bytes, data: bytes) -> bytes:
    return zlib.crc32(key + data).to_bytes(4, "little")


def batches(items: Iterable[bytes], size: int) -> Iterator[list[bytes]]:
    """The items in lists of ``size``, the last one perhaps shorter."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch
