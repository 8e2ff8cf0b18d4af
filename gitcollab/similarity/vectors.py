"""The vectors of texts, kept on this host: a text is encoded once, whichever command asks."""

from __future__ import annotations

import hashlib
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from gitcollab.similarity.embedding import Model, ModelUnavailable, Source

if TYPE_CHECKING:
    import numpy as np

# At most so many vectors are kept in the file (about 1.6 kB each); the oldest go.
KEPT = 200_000

_SCHEMA = """CREATE TABLE IF NOT EXISTS vectors (
    id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, vector BLOB NOT NULL)"""
# Another process holds the file for a few thousandths of a second; one that is stopped, for good.
_BUSY_SECONDS = 2.0
# So many texts are encoded at a time, and kept: a process that is killed has not worked in vain.
_AT_ONCE = 512
# So many keys are asked for at a time: old versions of SQLite take 999 parameters.
_KEYS_AT_ONCE = 500
# So many vectors at hand in memory (about 80 MB) are a reason to start over.
_AT_HAND = 50_000
# What SQLite says of a file that is damaged, or is somebody else's; not of one that is in use,
# may not be written, or finds no room.
_UNUSABLE = (
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_ERROR,
    sqlite3.SQLITE_CONSTRAINT,
    sqlite3.SQLITE_MISMATCH,
)


class Vectors:
    """The vectors that the model of ``source`` makes, kept in the SQLite file ``path``.

    The model is loaded only where a text's vector is not kept. The file can be deleted at any
    time and be used by several processes; a damaged one is moved aside (``.damaged``), and where
    none can be read or written, texts are encoded again. Each method raises ModelUnavailable
    where it needs the model and there is none; that is found out once.
    """

    def __init__(self, path: Path, source: Source) -> None:
        self._file = _File(path)
        self._source = source
        self._model: Model | ModelUnavailable | None = None
        self._vectors: dict[bytes, np.ndarray] = {}

    def similarity(self, a: str, b: str) -> float:
        """The cosine between two texts, in [-1, 1]."""
        return self.similarities(a, [b])[0]

    def similarities(self, text: str, others: Sequence[str]) -> list[float]:
        """The cosine between ``text`` and each of ``others``, in [-1, 1]."""
        if not others:
            return []
        import numpy as np

        self.prepare([text, *others])
        rows = np.stack([self._vectors[self._key(other)] for other in others])
        cosines = rows @ self._vectors[self._key(text)]
        return [float(cosine) for cosine in cosines.clip(-1.0, 1.0)]

    def prepare(self, texts: Iterable[str]) -> None:
        """Have the vectors of all these texts at hand: those that are missing are encoded."""
        if len(self._vectors) > _AT_HAND:
            self._vectors.clear()
        wanted = {self._key(text): text for text in texts}
        asked = [key for key in wanted if key not in self._vectors]
        if not asked:
            return
        for key, blob in self._file.get(asked):
            if (vector := _unpacked(key, blob)) is not None:
                self._vectors[key] = vector
        missing = {key: wanted[key] for key in asked if key not in self._vectors}
        if missing:
            self._encode(missing)

    def _encode(self, texts: dict[bytes, str]) -> None:
        model = self._load()
        for keys in _batches(texts, _AT_ONCE):
            rows = model.encode([texts[key] for key in keys])
            made = dict(zip(keys, rows, strict=True))
            self._vectors.update(made)
            self._file.put([(key, _packed(key, row)) for key, row in made.items()])

    def _load(self) -> Model:
        if self._model is None:
            try:
                self._model = self._source.load()
            except ModelUnavailable as e:
                self._model = e  # a hub that was silent is not waited for again
        if isinstance(self._model, ModelUnavailable):
            raise self._model
        return self._model

    def _key(self, text: str) -> bytes:
        data = f"{self._source.name}\n{text}".encode(errors="surrogatepass")
        return hashlib.sha256(data).digest()


class _File:
    """What is kept on the disk, as good as it goes: it answers nothing rather than raise."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def get(self, keys: Sequence[bytes]) -> list[tuple[bytes, bytes]]:
        """The keys and vectors of those that are kept."""
        found: list[tuple[bytes, bytes]] = []
        try:
            with closing(self._open()) as db:
                for part in _batches(keys, _KEYS_AT_ONCE):
                    marks = ",".join("?" * len(part))
                    ask = f"SELECT key, vector FROM vectors WHERE key IN ({marks})"
                    found += db.execute(ask, part)
        except sqlite3.Error as e:
            self._after(e)
        return found

    def put(self, rows: Sequence[tuple[bytes, bytes]]) -> None:
        """Keep these keys and vectors, and let go of the oldest beyond ``KEPT``."""
        try:
            with closing(self._open()) as db, db:  # all or nothing, then closed
                db.executemany("INSERT OR REPLACE INTO vectors (key, vector) VALUES (?, ?)", rows)
                oldest = "(SELECT max(id) FROM vectors) - ?"
                db.execute(f"DELETE FROM vectors WHERE id <= {oldest}", (KEPT,))
        except sqlite3.Error as e:
            self._after(e)

    def _open(self) -> sqlite3.Connection:
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(self._path, timeout=_BUSY_SECONDS)
        try:
            db.execute("PRAGMA synchronous = OFF")  # what a power cut takes is encoded again
            if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'vectors'").fetchone():
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


def _packed(key: bytes, vector: np.ndarray) -> bytes:
    """Float32 numbers, and a checksum of them and of whose they are; little-endian."""
    data = vector.astype("<f4").tobytes()
    return data + _checksum(key, data)


def _unpacked(key: bytes, blob: object) -> np.ndarray | None:
    """The vector that was kept under ``key``; None where it is not whole."""
    import numpy as np

    if not isinstance(blob, bytes) or len(blob) <= 4 or blob[-4:] != _checksum(key, blob[:-4]):
        return None
    return np.frombuffer(blob[:-4], dtype="<f4").astype(np.float32)


def _checksum(key: bytes, data: bytes) -> bytes:
    return zlib.crc32(key + data).to_bytes(4, "little")


def _batches(items: Iterable[bytes], size: int) -> Iterator[list[bytes]]:
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch
