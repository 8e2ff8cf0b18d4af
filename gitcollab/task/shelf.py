"""Prepared splits on disk: tokens and document starts, with a manifest of digests."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gitcollab.task.errors import TaskError
from gitcollab.task.storage import sha256, sha256_of, written

if TYPE_CHECKING:
    from gitcollab.task.packing import Documents

_SPLITS = ("train", "val")


class Shelf:
    """One prepared dataset's folder.

    ``manifest.json`` is written last and holds the SHA-256 of every file, so that a folder without
    it is not prepared, and files that differ from it are damaged.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self.name = name
        self._again = f"gitcollab data prepare {name}"

    def put(
        self, split: str, batches: Iterable[Sequence[bytes | Sequence[int]]], wide: bool
    ) -> None:
        """Write a split: documents in batches, as token ids (two bytes each if ``wide``)."""
        import numpy as np

        kind = "<u2" if wide else "u1"
        lengths: list[int] = []
        with written(self.folder / f"{split}.tokens") as file:
            for batch in batches:
                for document in batch:
                    if len(document):
                        lengths.append(len(document))
                        file.write(np.array(list(document), kind).tobytes())
        starts = np.concatenate(([0], np.cumsum(np.array(lengths, dtype="<i8"))))
        with written(self.folder / f"{split}.starts") as file:
            file.write(starts.astype("<i8").tobytes())

    def close(self, extra: dict[str, Any]) -> None:
        """Write the manifest: the digests of all files of the folder, and ``extra``."""
        names = sorted(p.name for p in self.folder.iterdir() if p.is_file() and _is_data(p))
        files = {name: _facts(self.folder / name) for name in names}
        with written(self.folder / "manifest.json") as file:
            file.write(json.dumps({"files": files, **extra}, indent=1, sort_keys=True).encode())

    def manifest(self) -> dict[str, Any] | None:
        """Return the manifest, or None when the dataset is not prepared."""
        try:
            content = json.loads((self.folder / "manifest.json").read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise TaskError(f"{self.name}: its manifest is damaged", self._again) from error
        if not isinstance(content, dict) or not isinstance(content.get("files"), dict):
            raise TaskError(f"{self.name}: its manifest is damaged", self._again)
        return content

    def digest(self) -> str:
        """Return the digest of all files, as the manifest has them."""
        files = self._prepared()["files"]
        text = "".join(f"{name} {files[name]['sha256']}\n" for name in sorted(files))
        return f"sha256:{sha256(text.encode())}"

    def damaged(self, names: Iterable[str] | None = None) -> list[str]:
        """Return which files (default: all) are not what the manifest says."""
        files = self._prepared()["files"]
        wanted = files if names is None else names
        return [name for name in wanted if _facts(self.folder / name) != files.get(name)]

    def get(self, *, wide: bool) -> dict[str, Documents]:
        """Return the splits, mapped into memory.

        Sizes are checked for all files and digests for all but the training split, whose
        gigabytes would take seconds at every start (`damaged` checks them).
        """
        import numpy as np

        from gitcollab.task.packing import Documents

        files = self._prepared()["files"]
        for name, facts in files.items():
            path = self.folder / name
            size = path.stat().st_size if path.exists() else -1
            if size != facts["size"] or (
                not name.startswith("train.") and sha256_of(path) != facts["sha256"]
            ):
                raise TaskError(f"{self.name}: {path} is damaged", f"run: {self._again}")
        kind = "<u2" if wide else "u1"
        return {
            split: Documents(
                np.memmap(self.folder / f"{split}.tokens", dtype=kind, mode="r"),
                np.fromfile(self.folder / f"{split}.starts", dtype="<i8"),
            )
            for split in _SPLITS
        }

    def _prepared(self) -> dict[str, Any]:
        manifest = self.manifest()
        if manifest is None:
            raise TaskError(f"the dataset {self.name} is not prepared", f"run: {self._again}")
        return manifest


def _is_data(path: Path) -> bool:
    return not path.name.startswith(".") and path.name != "manifest.json"


def _facts(path: Path) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    return {"sha256": sha256_of(path), "size": path.stat().st_size}
