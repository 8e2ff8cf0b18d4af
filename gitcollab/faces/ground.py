"""The ground of a picture: what of it is taken, and what had better not be covered."""

from __future__ import annotations

from math import ceil, floor
from typing import NamedTuple

_ROW = 3  # units of height that are one row


class Box(NamedTuple):
    """A rectangle."""

    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: Box) -> bool:
        """Whether they share more than an edge."""
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )

    def holds(self, other: Box) -> bool:
        """Whether ``other`` lies inside."""
        return (
            self.left <= other.left
            and other.right <= self.right
            and self.top <= other.top
            and other.bottom <= self.bottom
        )


class Ground:
    """A picture of that height in rows of bits: looking whether a box is free takes no time.

    Boxes lie inside the picture, or hardly leave it to the left. Those that overlap are always
    told; now and then also some with less than a unit across or a row upright between them.
    """

    def __init__(self, height: int) -> None:
        self._height = height
        self._taken = [0] * (height // _ROW + 1)
        self._dotted = [0] * (height // _ROW + 1)

    def copy(self) -> Ground:
        """Another one with the same on it."""
        other = Ground(self._height)
        other._taken, other._dotted = list(self._taken), list(self._dotted)
        return other

    def blank(self) -> Ground:
        """Another one of this height with nothing on it."""
        return Ground(self._height)

    def take(self, box: Box) -> None:
        """From now on nothing may be put there."""
        mask = _mask(box)
        for row in _rows(box):
            self._taken[row] |= mask

    def dot(self, box: Box) -> None:
        """From now on that had better not be covered."""
        mask = _mask(box)
        for row in _rows(box):
            self._dotted[row] |= mask

    def is_free(self, box: Box) -> bool:
        """Whether nothing was put there."""
        mask = _mask(box)
        return not any(self._taken[row] & mask for row in _rows(box))

    def covered(self, box: Box) -> float:
        """How much of the box, from 0 to 1, had better not be covered."""
        mask = _mask(box)
        rows = _rows(box)
        bits = sum((self._dotted[row] & mask).bit_count() for row in rows)
        return bits / (len(rows) * mask.bit_count())


def _mask(box: Box) -> int:
    left = max(0, floor(box.left))
    return ((1 << max(1, ceil(box.right) - left)) - 1) << left


def _rows(box: Box) -> range:
    top = max(0, floor(box.top / _ROW))
    return range(top, max(ceil(box.bottom / _ROW), top + 1))
