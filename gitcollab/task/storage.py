"""Where the datasets are kept, and how a file gets there: built aside, checked, swapped in."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import platformdirs

from gitcollab.task.errors import TaskError


def data_folder() -> Path:
    """Return the folder of all datasets: below ``GITCOLLAB_HOME``, else the user's data folder."""
    home = os.environ.get("GITCOLLAB_HOME") or platformdirs.user_data_dir("gitcollab")
    return Path(home) / "data"


@contextmanager
def written(path: Path) -> Iterator[BinaryIO]:
    """Open a file that takes ``path``'s place when the block ends well, and never half-written.

    Any number of processes may do so at once: one of the complete files stays.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        Path(name).replace(path)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        Path(name).unlink(missing_ok=True)


def _unwritable(path: Path, error: OSError) -> TaskError:
    return TaskError(
        f"cannot write {path}: {error.strerror or error}",
        "free some space, or move the data with GITCOLLAB_HOME",
    )


def sha256(data: bytes) -> str:
    """Return the hexadecimal SHA-256 of some bytes."""
    return hashlib.sha256(data).hexdigest()


def sha256_of(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
