"""``text:<folder>``: any UTF-8 files as a corpus, read as bytes.

Each file is a document. A file belongs to the validation split when the SHA-256 of its path below
the folder says so (one in ten), so adding files moves none; a folder with a single file gives its
last tenth. Preparing takes a copy: later changes to the folder count once it is prepared again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from gitcollab.task.errors import TaskError
from gitcollab.task.packing import Documents
from gitcollab.task.shelf import Shelf
from gitcollab.task.storage import data_folder, sha256


def prepare(folder: Path, report: Callable[[str, float], None]) -> None:
    """Copy the folder's texts to the shelf."""
    texts = _texts(folder, report)
    splits = _split(texts)
    shelf = _shelf(folder)
    for split, documents in splits.items():
        shelf.put(split, [documents], wide=False)
    shelf.close({"folder": str(folder.resolve())})


def load(folder: Path) -> dict[str, Documents]:
    """Return the prepared splits."""
    return _shelf(folder).get(wide=False)


def digest(folder: Path) -> str:
    """Return the prepared dataset's digest: it depends on paths below the folder and contents."""
    return _shelf(folder).digest()


def _shelf(folder: Path) -> Shelf:
    key = sha256(str(folder.resolve()).encode())[:16]
    return Shelf(data_folder() / f"text-{key}", f"text:{folder}")


def _texts(folder: Path, report: Callable[[str, float], None]) -> dict[str, bytes]:
    if not folder.is_dir():
        raise TaskError(f"there is no folder {folder}", "name it as text:/path/to/folder")
    paths = sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and not any(p.startswith(".") for p in path.relative_to(folder).parts)
    )
    texts = {}
    for n, path in enumerate(paths):
        report(f"reading {path.name}", n / len(paths))
        data = path.read_bytes()
        try:
            data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise TaskError(
                f"{path} is not UTF-8 text (byte {error.start})", "move it out, or convert it"
            ) from error
        if data:
            texts[path.relative_to(folder).as_posix()] = data
    if not texts:
        raise TaskError(f"{folder} holds no text", "put UTF-8 files there")
    return texts


def _split(texts: dict[str, bytes]) -> dict[str, list[bytes]]:
    if len(texts) == 1:
        (data,) = texts.values()
        cut = len(data) - max(len(data) // 10, 1)
        return {"train": [data[:cut]], "val": [data[cut:]]}
    order = sorted(texts, key=lambda path: hashlib.sha256(path.encode()).digest())
    chosen = [p for p in order if hashlib.sha256(p.encode()).digest()[0] < 26] or order[:1]
    if len(chosen) == len(texts):
        chosen = order[:1]
    return {
        "train": [data for path, data in texts.items() if path not in chosen],
        "val": [data for path, data in texts.items() if path in chosen],
    }
