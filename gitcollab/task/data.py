"""The datasets by name: prepared once, then loaded by every run.

- ``embedded``: made here, no download (`gitcollab.task.embedded`); bytes; context 768.
- ``climbmix``: web text, downloaded (`gitcollab.task.climbmix`); 8,192-token BPE; context 2,048.
- ``text:<folder>``: the UTF-8 files of a folder (`gitcollab.task.folder`); bytes; context 768.

Importing this module is cheap; numpy and the download tools are imported by what needs them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from gitcollab.task import embedded
from gitcollab.task.errors import TaskError
from gitcollab.task.packing import Documents
from gitcollab.task.tokenizers import ByteTokenizer, Tokenizer

# Called with what is being done and the share of it that is done, 0.0 to 1.0.
Progress = Callable[[str, float], None]

BYTE_CONTEXT = 768  # tokens: two embedded stories of the common length, and any one


@dataclass(frozen=True)
class Dataset:
    """What a run trains on and is measured with."""

    name: str
    tokenizer: Tokenizer
    context: int  # tokens: the length of a row of inputs, in training and in evaluation
    train: Documents
    val: Documents
    val_limit: int | None = None  # tokens of the validation split that are evaluated (None: all)


def prepare(name: str, progress: Progress | None = None, *, shards: int = 8) -> str:
    """Make or download a dataset so that `load` finds it, and return its digest.

    What is there already is checked, not fetched again; an interrupted download goes on where it
    stopped. ``shards`` is the number of climbmix's training shards (about 90 MB each). Raises
    `TaskError` when the name is unknown, the network is down, the disk is full or a digest differs.
    """
    report = progress or (lambda what, share: None)
    kind, folder = _kind(name)
    report(f"{name}: preparing", 0.0)
    if kind == "embedded":
        for split in embedded.STORIES:
            embedded.load(split)
    elif kind == "climbmix":
        from gitcollab.task import climbmix

        climbmix.prepare(shards, report)
    else:
        from gitcollab.task import folder as text

        text.prepare(folder, report)
    report(f"{name}: ready", 1.0)
    dataset_digest.cache_clear()
    return dataset_digest(name)


def load(name: str) -> Dataset:
    """Return a prepared dataset (the embedded one prepares itself).

    Raises `TaskError` when it is not prepared or its files are damaged.
    """
    kind, folder = _kind(name)
    if kind == "embedded":
        train, val = (_embedded_documents(split) for split in ("train", "val"))
        return Dataset(name, ByteTokenizer(), BYTE_CONTEXT, train, val)
    if kind == "climbmix":
        from gitcollab.task import climbmix

        tokenizer, documents = climbmix.load()
        train, val = documents["train"], documents["val"]
        return Dataset(name, tokenizer, climbmix.CONTEXT, train, val, climbmix.VAL_TOKENS)
    from gitcollab.task import folder as text

    documents = text.load(folder)
    return Dataset(name, ByteTokenizer(), BYTE_CONTEXT, documents["train"], documents["val"])


@cache
def dataset_digest(name: str) -> str:
    """Return "sha256:..." of everything a dataset consists of; cheap (a manifest is read).

    Raises `TaskError` when the dataset is not prepared.
    """
    kind, folder = _kind(name)
    if kind == "embedded":
        return embedded.digest()
    if kind == "climbmix":
        from gitcollab.task import climbmix

        return climbmix.digest()
    from gitcollab.task import folder as text

    return text.digest(folder)


def entropy_floor(name: str) -> float | None:
    """Return the bits per byte that no honest result can be below, where they are known."""
    return embedded.ENTROPY_FLOOR if name == "embedded" else None


def _kind(name: str) -> tuple[str, Path]:
    if name in ("embedded", "climbmix"):
        return name, Path()
    if name.startswith("text:") and len(name) > len("text:"):
        return "text", Path(name.removeprefix("text:")).expanduser()
    raise TaskError(f"there is no dataset {name!r}", "choose embedded, climbmix or text:<folder>")


def _embedded_documents(split: str) -> Documents:
    import numpy as np

    tokens = np.frombuffer(embedded.load(split), dtype=np.uint8)
    ends = np.flatnonzero(tokens == ord("\n")) + 1
    return Documents(tokens, np.concatenate(([0], ends)))
