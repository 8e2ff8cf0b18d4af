"""The embedded corpus: stories made here, the same bytes everywhere, and their entropy floor.

**The floor.** `ENTROPY_FLOOR` is -log2 of the validation stories' exact probability under the
grammar that made them (see `gitcollab.task.grammar`), divided by their bytes. No honest result can
be below it: let P be the grammar's probability and Q(x) what a model's predictions assign to the
bytes x, where the model knows nothing of the validation stories but the grammar. The Q(x) of all
texts sum to at most 1 (Kraft), so the expected value of Q(x)/P(x) under P is at most 1, and by
Markov's inequality a sample is coded t bits shorter than -log2 P(x) with probability at most 2^-t.
A thousandth of a bit per byte is 500 bits here. A result below the floor has seen the validation
stories, or the future, or does not predict with probabilities that sum to one.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from functools import cache

from gitcollab.task.errors import TaskError
from gitcollab.task.grammar import SplitMix, Writer, bits
from gitcollab.task.storage import data_folder, sha256, written
from gitcollab.task.stories import story

# Number of stories and the SHA-256 of all of them, one after the other.
STORIES = {"train": 21_200, "val": 1_330}
SHA256 = {
    "train": "c8ab2fb5e460d65bcdac09d78e134137e8f82b660f5bde07f08f1fa1390bb0cf",
    "val": "13015bdff9fddb2b78b8928ccd9a8e12f3a613ceedd9caebf2c35717a9772907",
}
ENTROPY_FLOOR = 0.2809513191693176  # bits per byte of the validation stories


def digest() -> str:
    """Return the digest of the whole corpus; nothing is read or made for it."""
    return f"sha256:{sha256(''.join(SHA256.values()).encode())}"


def stories(split: str) -> Iterator[Writer]:
    """Make a split's stories, each from a seed of its own."""
    for index in range(STORIES[split]):
        seed = hashlib.sha256(f"gitcollab stories 1, {split}, {index}".encode()).digest()
        pen = Writer(SplitMix(int.from_bytes(seed[:8], "big")))
        story(pen)
        yield pen


@cache
def load(split: str) -> bytes:
    """Return a split ("train" or "val"): ASCII stories, each ended by the only newline it has.

    Kept in the data folder after it was made once (about 4 seconds); a damaged copy is replaced.
    """
    path = data_folder() / "embedded" / f"{split}.txt"
    try:
        data = path.read_bytes()
    except OSError:
        data = b""
    if sha256(data) == SHA256[split]:
        return data
    data = make(split)
    with written(path) as file:
        file.write(data)
    return data


def make(split: str) -> bytes:
    """Make a split's text and check it against its pinned digest."""
    data = "".join(pen.text() for pen in stories(split)).encode("ascii")
    if sha256(data) != SHA256[split]:
        raise TaskError(
            f"the embedded corpus came out differently than everywhere else ({split})",
            "gitcollab/task has been changed, or this Python is broken: install it again",
        )
    return data


def entropy_floor() -> float:
    """Compute the floor anew, in bits per byte (`ENTROPY_FLOOR` is its pinned value)."""
    factors: Counter[tuple[int, int]] = Counter()
    length = 0
    for pen in stories("val"):
        factors.update(pen.factors)
        length += pen.written
    return bits(factors) / length
