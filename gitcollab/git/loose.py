"""Objects in files of their own: a header and the bytes, deflated (gitformat-loose(5))."""

from __future__ import annotations

import hashlib
import zlib
from typing import IO

from gitcollab.git.failures import CacheCorrupt

COMMIT, TREE, BLOB = 1, 2, 3  # git's object types
_KINDS = {b"commit": COMMIT, b"tree": TREE, b"blob": BLOB, b"tag": 4}
NAMES = {kind: name for name, kind in _KINDS.items()}


def name_of(kind: int, data: bytes) -> str:
    """The name of the object of that kind which holds ``data``."""
    head = b"%b %d\0" % (NAMES[kind], len(data))
    return hashlib.sha1(head + data, usedforsecurity=False).hexdigest()


class Loose:
    """The file of one object: a header and the bytes, deflated."""

    def __init__(self, oid: str, path: str) -> None:
        self._oid = oid
        self._path = path

    def read(self, kind: int, cap: float) -> bytes | None:
        """The bytes; None when it is of another kind or larger than ``cap``, which costs little."""
        try:
            with open(self._path, "rb") as file:  # noqa: PTH123 - often
                return self._read(file, kind, cap)
        except (OSError, zlib.error, KeyError, ValueError) as e:
            raise CacheCorrupt(f"object {self._oid} is damaged") from e

    def header(self) -> tuple[int, int]:
        """The kind and size that the object gives."""
        try:
            with open(self._path, "rb") as file:  # noqa: PTH123 - often
                head = zlib.decompressobj().decompress(file.read(4096), 64).partition(b"\0")[0]
            name, _, digits = head.partition(b" ")
            return _KINDS[name], int(digits)
        except (OSError, zlib.error, KeyError, ValueError) as e:
            raise CacheCorrupt(f"object {self._oid} is damaged") from e

    def _read(self, file: IO[bytes], kind: int, cap: float) -> bytes | None:
        inflate = zlib.decompressobj()
        head, _nul, begin = inflate.decompress(file.read(4096), 64).partition(b"\0")
        name, _, digits = head.partition(b" ")
        size = int(digits)
        if _KINDS[name] != kind or size > cap:
            return None
        # One byte more than there is: only then is the end seen.
        rest = inflate.decompress(inflate.unconsumed_tail + file.read(), size + 1)
        if len(begin) + len(rest) != size or not inflate.eof:
            raise CacheCorrupt(f"object {self._oid} is cut short")
        return begin + rest
