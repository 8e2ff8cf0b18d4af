"""Where labels of a chart find room: beside their points, upon nothing else, never on each other.

Nobody knows with which font a picture will be shown, so the width of a text is a model that is
generous for common fonts. Letters that fonts draw as wide as they like make a text ``wild``: it
has to be squeezed into the width of the model by whoever draws it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from math import inf
from typing import Literal, NamedTuple, TypeAlias

from gitcollab.faces.ground import Box, Ground

Side: TypeAlias = Literal["left", "right"]

ELLIPSIS = "…"
LINE = 1.25  # the height of a line of text, in sizes of its font
_GAP = 5  # between a pole and its text
_ROWS = 9  # how far from its point a text may be, in lines
_COVERING = 40.0  # how many lines further away a text had rather be than wholly on dots
_CROWDED = 0.06  # and of how much it must not be on them
# Widths of letters in sizes of the font, as the wider ones of common fonts have them.
_WIDTHS = {
    char: wide
    for chars, wide in (
        (" '.,:;|ijlI", 0.36),
        ('tfr()[]!/`-"*', 0.47),
        ("csxyzvkJ", 0.6),
        ("ABCEFKLPRSTVXYZ", 0.71),
        ("DGHNOQU{}", 0.81),
        ("mwMW@%&+=<>~^#—…→←↑↓", 1.02),
    )
    for char in chars
}
# Common letters beyond ASCII, which fonts for Latin text draw with ordinary widths.
_JOINING = re.compile("[\u0300-\u036f\u200d\ufe0f]")  # these are drawn with the letter before
_TAME = frozenset("αβγδεζηθικλμνξπρςστυφχψωΔΘΛΣΦΨΩ–—‘’“”•…→←↑↓−×÷≈≠≤≥√∞∑°±²³µ")


class Wanted(NamedTuple):
    """A text for a point."""

    text: str
    x: float
    y: float


class Label(NamedTuple):
    """A text that has found its place; an upright pole leads from the point to it.

    ``box`` is what the text takes, on the given side of the pole.
    """

    text: str
    x: float  # of the point
    y: float
    box: Box
    side: Side

    @property
    def pole(self) -> Box:
        """What the pole takes: from the point to the far edge of the text."""
        top, bottom = min(self.y, self.box.top), max(self.y, self.box.bottom)
        return Box(self.x - 1, top, self.x + 1, bottom)


def width(text: str, size: float) -> float:
    """How wide ``text`` may become in a font of that size; generous."""
    return size * sum(map(_em, text))


def is_wild(text: str) -> bool:
    """Whether fonts may draw some of its letters far wider than others do."""
    return any(ord(char) > 0x17F and char not in _TAME for char in text)


def cut(text: str, size: float, most: float) -> str:
    """``text``, cut with an ellipsis where it is wider than ``most``."""
    if width(text, size) <= most:
        return text
    room, kept = most - width(ELLIPSIS, size), 0
    for char in text:
        room -= _em(char) * size
        if room < 0:
            break
        kept += 1
    return text[:kept].rstrip() + ELLIPSIS


def place(
    wanted: Iterable[Wanted], size: float, within: Box, down: bool, ground: Ground
) -> list[Label]:
    """Labels for ``wanted``, the most important first; what finds no room is left out.

    Texts hang below their points where ``down``, else they stand above; where there is no room
    for that, the other way round. ``ground`` is what is there already, and stays as it is; poles
    may cross it, since they begin on it.
    """
    ground, others, placed = ground.copy(), ground.blank(), []
    for one in wanted:
        if (found := _cheapest(_places(one, size, down), within, ground, others)) is not None:
            placed.append(found)
            for taken in (found.box, found.pole):
                ground.take(taken)
                others.take(taken)
    return placed


def _cheapest(
    places: Iterable[tuple[float, Label]], within: Box, ground: Ground, others: Ground
) -> Label | None:
    best, least = None, inf
    for price, label in places:
        if price >= least or not within.holds(label.box):
            continue
        if not (ground.is_free(label.box) and others.is_free(label.pole)):
            continue
        covered = ground.covered(label.box)
        if covered <= _CROWDED and price + covered * _COVERING < least:
            best, least = label, price + covered * _COVERING
    return best


def _places(one: Wanted, size: float, down: bool) -> Iterator[tuple[float, Label]]:
    """Where a text may be, with how little that place is liked."""
    wide, high = width(one.text, size), size * LINE
    liked: tuple[Side, Side] = ("left", "right")
    for row in range(_ROWS):
        for way in (1, -1):
            wanted = (way > 0) == down
            middle = one.y + way * (size * 1.1 + row * high)
            for side in liked if wanted else reversed(liked):
                left = one.x - _GAP - wide if side == "left" else one.x + _GAP
                box = Box(left, middle - high / 2, left + wide, middle + high / 2)
                price = row + (0.0 if wanted else 2.5) + (0.0 if side == "left" else 0.5)
                yield price, Label(one.text, one.x, one.y, box, side)


def _em(char: str) -> float:
    """The width of a letter in sizes of its font."""
    if char.isascii() or char in _TAME:
        return _WIDTHS.get(char, 0.66)
    if _JOINING.match(char):
        return 0.0
    return 1.1 if ord(char) >= 0x1100 else 0.85
