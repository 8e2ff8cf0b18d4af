"""The training curve of a run, beside its base's. A curve.csv holds what a stranger wrote."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from gitcollab.faces import axes
from gitcollab.faces.dashboard.plots import Line, Scale, Spot, Tick, path, thinned, ticks

WIDE, HIGH = 440, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 428, 12, 202
_MOST_ROWS = 5_000  # that are read; what runs write has far fewer
_MOST_POINTS = 160  # that are drawn
_LARGEST = 1e12  # beyond it nothing is a step, a time or a loss
_SKIPPED = 0.1  # of a run, in which the loss falls so steeply that nothing else would be seen


class Point(NamedTuple):
    """One line of a curve."""

    step: float
    seconds: float | None
    loss: float


class Picture(NamedTuple):
    """Two curves or one, ready to be drawn; ``says`` tells the same in words."""

    lines: Sequence[Line]
    across: Sequence[Tick]
    up: Sequence[Tick]
    unit: str
    says: str


def read(text: str | None) -> list[Point]:
    """The points of a curve.csv (step,seconds,loss), by step; lines that are none are left out."""
    if not text:
        return []
    rows = islice(csv.reader(text.splitlines()), _MOST_ROWS)
    found = {point.step: point for row in _usable(rows) if (point := _point(row)) is not None}
    return [found[step] for step in sorted(found)]


def picture(mine: Sequence[Point], base: Sequence[Point]) -> Picture | None:
    """The loss of a run over time, or over steps where a time is missing; None without points."""
    if len(mine) < 2:
        return None
    other = base if len(base) > 1 else ()
    timed = all(point.seconds is not None for point in (*mine, *other))
    curves = [[_spot(point, timed) for point in points] for points in (other, mine) if points]
    most = max(spots[-1][0] for spots in curves)
    late = [y for spots in curves for x, y in spots if x >= most * _SKIPPED]
    seen = late or [y for spots in curves for _, y in spots]
    across, up = axes.measured(0.0, max(most, 1e-9)), axes.measured(min(seen), max(seen))
    x, y = Scale(across.low, across.high, _LEFT, _RIGHT), Scale(up.low, up.high, _BOTTOM, _TOP)
    names = ("line-base", "line") if other else ("line",)
    lines = [
        Line(name, path((x(a), y(b)) for a, b in thinned(_seen(spots, up.high), _MOST_POINTS)))
        for name, spots in zip(names, curves, strict=True)
    ]
    return Picture(
        lines, ticks(across, x), ticks(up, y), "seconds" if timed else "steps", _said(curves)
    )


def _seen(spots: Sequence[Spot], high: float) -> Sequence[Spot]:
    """The curve from where it comes into the picture; all of it where it never does."""
    first = next((n for n, (_, loss) in enumerate(spots) if loss <= high), 0)
    return spots[first:]


def _said(curves: Sequence[Sequence[Spot]]) -> str:
    ends = [f"{spots[-1][1]:.4g}" for spots in curves]
    said = f"The loss of this run ends at {ends[-1]}"
    return f"{said}, that of its base at {ends[0]}" if len(ends) > 1 else said


def _usable(rows: Iterator[list[str]]) -> Iterator[list[str]]:
    """The rows up to the first that csv cannot read."""
    while True:
        try:
            yield next(rows)
        except (StopIteration, csv.Error):
            return


def _point(row: Sequence[str]) -> Point | None:
    if len(row) != 3:
        return None
    step, seconds, loss = (_number(cell) for cell in row)
    if step is None or loss is None or step < 0 or (seconds is not None and seconds < 0):
        return None
    return Point(step, seconds, loss)


def _number(cell: str) -> float | None:
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if math.isfinite(value) and abs(value) <= _LARGEST else None


def _spot(point: Point, timed: bool) -> Spot:
    return (point.seconds or 0.0) if timed else point.step, point.loss
