"""The geometry of the small pictures: scales, ticks, paths. Templates draw it; nothing here is text
of strangers, and every number is rounded to a tenth, so that the same facts give the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from gitcollab.faces.axes import Axis

Spot = tuple[float, float]


class Scale(NamedTuple):
    """Where numbers from ``low`` to ``high`` lie in a picture; what is beyond lies at the edge."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Where ``value`` lies."""
        wide = self.high - self.low
        share = (min(max(value, self.low), self.high) - self.low) / wide if wide > 0 else 0.5
        return round(self.start + share * (self.end - self.start), 1)


class Tick(NamedTuple):
    """A place on an axis, and what is written there."""

    at: float
    text: str


class Line(NamedTuple):
    """A line through points, in the form of an SVG path."""

    name: str
    path: str


def ticks(axis: Axis, scale: Scale, most: int = 6) -> list[Tick]:
    """The ticks of an axis: every one, or every second, third, ... of too many."""
    step = -(-len(axis.ticks) // most)
    return [Tick(scale(value), text) for value, text in axis.ticks[::step]]


def path(spots: Iterable[Spot]) -> str:
    """The line through some points."""
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in spots)


def staircase(spots: Sequence[Spot]) -> str:
    """A line that keeps each point's height until the next."""
    parts = [f"M{spots[0][0]:g} {spots[0][1]:g}"]
    parts += [f"H{x:g}V{y:g}" for x, y in spots[1:]]
    return "".join(parts)


def thinned(points: Sequence[Spot], most: int) -> Sequence[Spot]:
    """At most ``most`` of the points, evenly, with the first and the last."""
    if len(points) <= most:
        return points
    last = len(points) - 1
    return [points[last * n // (most - 1)] for n in range(most)]
