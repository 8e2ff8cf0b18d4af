"""``climbmix``: web text from the Hugging Face dataset karpathy/climbmix-400b-shuffle.

Training shards 0 to n-1 and the pinned validation shard, as parquet files with a column ``text``.
The tokenizer is trained on the first training shard only, so that it does not depend on n.

A broken connection is resumed where it stopped (by huggingface_hub, in pieces of 10 MB); a
preparation that was ended keeps the shards it has. The digest of each download is compared with
what the server announces, and kept: a later preparation finds a file that has changed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from gitcollab.task.errors import TaskError
from gitcollab.task.packing import Documents
from gitcollab.task.shelf import Shelf
from gitcollab.task.storage import data_folder, sha256_of
from gitcollab.task.tokenizers import BpeTokenizer

REPOSITORY = "karpathy/climbmix-400b-shuffle"
VAL_SHARD = 6542
CONTEXT = 2048  # tokens
VAL_TOKENS = 40 * 2**19  # tokens of the validation shard that are evaluated
VOCAB_SIZE = 8192  # tokens, BOS included
_TOKENIZER_CHARACTERS = 200_000_000  # how much text the tokenizer is trained on
_DOCUMENT_CHARACTERS = 10_000  # at most, of one document
_AGAIN = "run again: gitcollab data prepare climbmix (it goes on where it stopped)"

Report = Callable[[str, float], None]


def prepare(shards: int, report: Report) -> None:
    """Download the shards, train the tokenizer and write the tokens; what is done stays done."""
    if not 1 <= shards <= VAL_SHARD:
        raise TaskError(f"{shards} shards: choose 1 to {VAL_SHARD}")
    shelf = _shelf()
    wanted = [*range(shards), VAL_SHARD]
    paths = {}
    for n, shard in enumerate(wanted):
        report(f"downloading shard {shard} ({n + 1} of {len(wanted)})", 0.6 * n / len(wanted))
        paths[shard] = _download(shard)
    manifest = shelf.manifest()
    sources = _check_sources(paths, manifest)
    if manifest is not None and manifest["sources"] == sources and not shelf.damaged():
        return
    report("training the tokenizer", 0.6)
    texts = _first_characters(paths[0])
    tokenizer = BpeTokenizer.train(texts, VOCAB_SIZE)
    tokenizer.save(shelf.folder / "tokenizer.json")
    for n, split in enumerate(("train", "val")):
        shards_of = wanted[:-1] if split == "train" else wanted[-1:]
        tokens = _tokens(tokenizer, [paths[shard] for shard in shards_of], n, report)
        shelf.put(split, tokens, wide=True)
    shelf.close({"sources": sources})


def load() -> tuple[BpeTokenizer, dict[str, Documents]]:
    """Return the tokenizer and the prepared splits."""
    shelf = _shelf()
    documents = shelf.get(wide=True)
    return BpeTokenizer.load(shelf.folder / "tokenizer.json"), documents


def digest() -> str:
    """Return the prepared dataset's digest."""
    return _shelf().digest()


def _shelf() -> Shelf:
    return Shelf(data_folder() / "climbmix", "climbmix")


def _download(shard: int) -> Path:
    """Return a shard's file, fetched unless it is there."""
    name = f"shard_{shard:05d}.parquet"
    folder = data_folder() / "climbmix" / "shards"
    path = folder / name
    if path.is_file():
        return path
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError

    # Its bases are the HTTP library's own error, whichever library that is.
    transport_errors: tuple[type[Exception], ...]
    transport_errors = (*HfHubHTTPError.__bases__, OSError, ValueError)
    endpoint = os.environ.get("HF_ENDPOINT")
    try:
        hf_hub_download(REPOSITORY, name, repo_type="dataset", local_dir=folder, endpoint=endpoint)
    except transport_errors as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise TaskError(
            f"cannot download {name} of {REPOSITORY}: {reason}", f"check the network, then {_AGAIN}"
        ) from error
    return path


def _check_sources(paths: dict[int, Path], manifest: dict[str, Any] | None) -> dict[str, str]:
    """Return each shard's digest; raise when one is not what was announced or recorded."""
    recorded = manifest["sources"] if manifest else {}
    sources = {}
    for path in paths.values():
        found = sha256_of(path)
        expected = recorded.get(path.name) or _announced(path)
        if expected is not None and expected != found:
            raise TaskError(
                f"{path} has the SHA-256 {found[:12]}..., expected {expected[:12]}...",
                f"delete it and {_AGAIN}",
            )
        sources[path.name] = found
    return sources


def _announced(path: Path) -> str | None:
    """Return the SHA-256 that the server announced with a download: the ETag of a large file.

    huggingface_hub keeps it beside the file: the commit, the ETag and the time, one a line.
    """
    note = path.parent / ".cache" / "huggingface" / "download" / f"{path.name}.metadata"
    try:
        lines = note.read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    etag = lines[1].strip('"') if len(lines) > 1 else ""
    return etag if re.fullmatch(r"[0-9a-f]{64}", etag) else None


def _batches(path: Path) -> Iterator[list[str]]:
    """Yield a shard's documents, a row group at a time."""
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as shard:
            for group in range(shard.num_row_groups):
                column = shard.read_row_group(group, columns=["text"]).column("text")
                yield [text for text in column.to_pylist() if text]
    except (pyarrow.ArrowException, OSError, KeyError) as error:
        raise TaskError(f"{path} is not a shard: {error}", f"delete it and {_AGAIN}") from error


def _first_characters(path: Path) -> Iterator[str]:
    left = _TOKENIZER_CHARACTERS
    for batch in _batches(path):
        for text in batch:
            if left <= 0:
                return
            yield text[:_DOCUMENT_CHARACTERS]
            left -= min(len(text), _DOCUMENT_CHARACTERS)


def _tokens(
    tokenizer: BpeTokenizer, paths: list[Path], begun: int, report: Report
) -> Iterator[list[list[int]]]:
    for n, path in enumerate(paths):
        report(f"tokenizing {path.name}", 0.65 + 0.3 * max(begun, n / len(paths)))
        for batch in _batches(path):
            documents = iter(batch)
            while part := list(islice(documents, 1024)):
                yield tokenizer.encode(part)
