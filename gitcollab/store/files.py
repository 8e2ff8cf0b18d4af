"""Writing files that others read at any moment."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def write_aside(path: Path, data: bytes, *, durable: bool = False, mode: int | None = None) -> None:
    """Write aside and rename: readers, and what a crash leaves, see all of it or nothing.

    ``durable``: it is on the disk when this returns; ``mode`` are its permissions, from the first
    byte on. A killed process may leave ``.*.tmp``.
    """
    aside = path.with_name(f".{path.name[:100]}.{secrets.token_hex(4)}.tmp")
    try:
        with aside.open("wb") as file:
            if mode is not None:
                aside.chmod(mode)
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        aside.replace(path)
    except OSError:
        aside.unlink(missing_ok=True)
        raise
