"""Rows of tokens for training and evaluation: every piece of a document begins with BOS.

A document longer than the context is cut into pieces of the context's length. A *row* has one
token more than the context: its inputs are all but the last, its targets all but the first.
Pieces share rows by best fit: the first is whichever is next, and then always the longest waiting
piece that still fits.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

# Pieces that wait to be packed: more fit better, fewer start sooner.
_WAITING = 512


@dataclass(frozen=True)
class Documents:
    """Documents one after the other: ``tokens[starts[i]:starts[i + 1]]`` is number i."""

    tokens: Array
    starts: Array

    def __len__(self) -> int:
        return len(self.starts) - 1


@dataclass(frozen=True)
class _Pieces:
    """Where each piece begins in the tokens, and its length without BOS."""

    starts: Array
    lengths: Array


def _pieces(documents: Documents, context: int) -> _Pieces:
    import numpy as np

    begins, ends = documents.starts[:-1], documents.starts[1:]
    counts = -(-(ends - begins) // context)
    starts = np.repeat(begins, counts)
    first = np.repeat(np.cumsum(counts) - counts, counts)
    starts = starts + (np.arange(len(starts)) - first) * context
    return _Pieces(starts, np.minimum(np.repeat(ends, counts) - starts, context))


def training_rows(
    documents: Documents, context: int, bos: int, seed: int
) -> Iterator[tuple[Array, int]]:
    """Yield rows without end, each with its epoch (from 1): the same rows for the same seed.

    Every epoch has all pieces once, in an order of its own. Rows are full: when no waiting piece
    fits the rest of a row, the shortest one is cut there and its remainder dropped.
    """
    import numpy as np

    pieces = _pieces(documents, context)
    order = _endless_order(len(pieces.starts), seed)
    epoch = 1

    def drawn() -> tuple[int, int]:
        nonlocal epoch
        index, epoch = next(order)
        return int(pieces.lengths[index]), int(pieces.starts[index])

    waiting = sorted(drawn() for _ in range(_WAITING))  # (length, start)
    while True:
        row = np.empty(context + 1, dtype=np.int64)
        length, start = drawn()
        at = 0
        while True:
            length = min(length, context - at)
            row[at] = bos
            row[at + 1 : at + 1 + length] = documents.tokens[start : start + length]
            at += 1 + length
            if at > context:
                break
            length, start = waiting.pop(max(_last_that_fits(waiting, context - at), 0))
            insort(waiting, drawn())
        yield row, epoch


def _last_that_fits(waiting: list[tuple[int, int]], room: int) -> int:
    """Return the index of the longest waiting piece of at most ``room`` tokens, or -1."""
    return bisect_right(waiting, room, key=lambda piece: piece[0]) - 1


def _endless_order(n: int, seed: int) -> Iterator[tuple[int, int]]:
    import numpy as np

    epoch = 0
    while True:
        epoch += 1
        for index in np.random.default_rng([seed % (1 << 63), epoch]).permutation(n):
            yield int(index), epoch


def evaluation_rows(documents: Documents, context: int, bos: int, limit: int | None) -> Array:
    """Return rows (n, context + 1) in which every token of the documents is a target exactly once.

    Nothing is cut: what is left of a row is filled with BOS. ``limit`` ends it after the pieces
    with the first ``limit`` tokens.
    """
    import numpy as np

    pieces = _pieces(documents, context)
    n = len(pieces.starts)
    if limit is not None:
        n = min(n, int(np.searchsorted(np.cumsum(pieces.lengths), limit)) + 1)
    waiting = sorted((int(pieces.lengths[i]), int(pieces.starts[i])) for i in range(n))
    rows = []
    while waiting:
        row = np.full(context + 1, bos, dtype=np.int64)
        at = 0
        index = len(waiting) // 2  # from the middle: long ones then find short ones to go with
        while index >= 0:
            length, start = waiting.pop(index)
            row[at + 1 : at + 1 + length] = documents.tokens[start : start + length]
            at += 1 + length
            index = _last_that_fits(waiting, context - at)
        rows.append(row)
    return np.stack(rows)
