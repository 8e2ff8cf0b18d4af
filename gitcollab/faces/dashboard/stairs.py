"""The picture of a line of programs: a staircase of their values, with the changes beside it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from gitcollab.faces import axes, labels
from gitcollab.faces.dashboard.plots import Scale, Tick, staircase, ticks
from gitcollab.faces.dashboard.words import metric, words
from gitcollab.faces.ground import Box
from gitcollab.swarm.maps.lineage import Link

_MOST_STEPS = 120  # that a picture has room for
_FONT, _LINE, _TEXT = 12.0, 16.0, 320.0  # of labels: size, height, the widest
_NUMBER = 24.0  # what a number below the picture needs
_SHAPES = {"broad": (960, 360), "narrow": (380, 300)}
_LEFT, _RIGHT, _TOP, _BOTTOM, _INSIDE = 64, 16, 16, 28, 18


class Dot(NamedTuple):
    """A program in the picture: its place in the line, and its mean with the standard error."""

    number: int
    x: float
    y: float
    high: float  # the ends of the error
    low: float
    known: bool  # whether two agents have run it
    says: str


class Label(NamedTuple):
    """A text beside a dot."""

    x: float
    y: float
    anchor: str
    text: str


class Picture(NamedTuple):
    """The values of a line as a staircase, ready to be drawn."""

    shape: str
    wide: int
    high: int
    left: int
    right: int
    stairs: str
    dots: Sequence[Dot]
    numbered: Sequence[Dot]  # those with room for their number
    labels: Sequence[Label]
    up: Sequence[Tick]


def pictures(links: Sequence[Link]) -> list[Picture]:
    """The staircase for broad and for narrow screens; none of fewer than two programs."""
    steps = [(n, link) for n, link in enumerate(links, 1) if link.group is not None]
    if len(steps) < 2:
        return []
    if len(steps) > _MOST_STEPS:
        last = len(steps) - 1
        steps = [steps[last * n // (_MOST_STEPS - 1)] for n in range(_MOST_STEPS)]
    return [_picture(steps, shape) for shape in _SHAPES]


def _picture(steps: Sequence[tuple[int, Link]], shape: str) -> Picture:
    wide, high = _SHAPES[shape]
    right, bottom = wide - _RIGHT, high - _BOTTOM
    ends = [end for _, link in steps for end in _ends(link)]
    axis = axes.measured(min(ends), max(ends))
    y = Scale(axis.low, axis.high, bottom, _TOP)
    x = Scale(0, len(steps) - 1, _LEFT + _INSIDE, right - _INSIDE)
    dots = [_dot(number, link, x(at), y) for at, (number, link) in enumerate(steps)]
    room = (right - _LEFT - 2 * _INSIDE) / (len(dots) - 1)
    return Picture(
        shape,
        wide,
        high,
        _LEFT,
        right,
        staircase([(dot.x, dot.y) for dot in dots]),
        dots,
        dots[:: max(1, math.ceil(_NUMBER / room))],
        list(_labels(steps, dots, Box(_LEFT, 2, right, bottom))) if shape == "broad" else [],
        ticks(axis, y),
    )


def _ends(link: Link) -> tuple[float, float]:
    assert link.group is not None
    error = link.group.sigma / math.sqrt(link.group.n)
    return link.group.mean - error, link.group.mean + error


def _dot(number: int, link: Link, x: float, y: Scale) -> Dot:
    assert link.group is not None
    low, high = _ends(link)
    says = f"{number}: {metric(link.group.mean)}, {words(link.run.description, 100)}"
    confirmed = link.group.standing == "confirmed"
    return Dot(number, x, y(link.group.mean), y(high), y(low), confirmed, says)


def _labels(steps: Sequence[tuple[int, Link]], dots: Sequence[Dot], within: Box) -> Iterator[Label]:
    """The changes that gained most, beside their dots, where nothing else is."""
    taken = [_around(dot) for dot in dots]
    for a, b in pairwise(dots):
        taken.append(Box(a.x, a.y - 2, b.x, a.y + 2))
        taken.append(Box(b.x - 2, min(a.y, b.y), b.x + 2, max(a.y, b.y)))
    gains = {dot.number: link.gain or 0.0 for (_, link), dot in zip(steps, dots, strict=True)}
    texts = {number: words(link.run.description, 60) for number, link in steps}
    for dot in sorted(dots, key=lambda one: (-gains[one.number], one.number)):
        text = labels.cut(f"{dot.number}  {texts[dot.number]}", _FONT, _TEXT)
        for label, box in _places(dot, text):
            if within.holds(box) and not any(box.overlaps(other) for other in taken):
                taken.append(box)
                yield label
                break


def _places(dot: Dot, text: str) -> Iterator[tuple[Label, Box]]:
    """Where the text of a dot may be: to its right or left, above or below, the nearest first."""
    wide = labels.width(text, _FONT)
    for row in range(3):
        for way in (-1, 1):
            middle = dot.y + way * (row + 0.9) * _LINE
            for anchor, left in (("start", dot.x + 4), ("end", dot.x - 4 - wide)):
                box = Box(left, middle - _LINE / 2, left + wide, middle + _LINE / 2)
                at = left if anchor == "start" else left + wide
                yield Label(round(at, 1), round(middle + 4, 1), anchor, text), box


def _around(dot: Dot) -> Box:
    ends = (dot.high, dot.low, dot.y - 7, dot.y + 7)
    return Box(dot.x - 7, min(ends), dot.x + 7, max(ends))
