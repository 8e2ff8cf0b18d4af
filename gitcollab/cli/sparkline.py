"""The running best as a line of bars, one character high."""

from __future__ import annotations

import sys
from bisect import bisect_right
from collections.abc import Sequence
from typing import TYPE_CHECKING

from gitcollab.cli.render import count, metric
from gitcollab.cli.text import can_show

if TYPE_CHECKING:
    from gitcollab.swarm.trend import Course

BARS = "▁▂▃▄▅▆▇█"
PLAIN_BARS = "_.,-=+*#"  # where the terminal's encoding has no bars
_NONE, _PLAIN_NONE = "·", "'"  # before the first best
_CELLS = 24


def sparkline(went: Course, width: int, bars: str = BARS) -> str:
    """The best after each experiment, as bars: at most ``width``, of equal shares of experiments.

    A bar is as high as the metric is, from the lowest to the highest best there was: where lower is
    better, the line falls. What never changed is drawn at half height. Empty without a best.
    """
    if not went.points or width < 1:
        return ""
    numbers = [point.number for point in went.points]
    cells = min(width, went.experiments)
    ends = [went.experiments * (cell + 1) // cells for cell in range(cells)]
    places = [bisect_right(numbers, end) - 1 for end in ends]
    values = [went.points[at].value if at >= 0 else None for at in places]
    return drawn(values, bars)


def drawn(values: Sequence[float | None], bars: str = BARS) -> str:
    """A bar a value, from the lowest to the highest; equal ones at half height. Empty for none."""
    none = _NONE if bars == BARS else _PLAIN_NONE
    known = [value for value in values if value is not None]
    if not known:
        return ""
    low, high = min(known), max(known)
    return "".join(none if v is None else bars[_level(v, low, high, len(bars))] for v in values)


def _level(value: float, low: float, high: float, levels: int) -> int:
    span = high / 2 - low / 2  # halves: the whole may be too large for a float
    if span <= 0:
        return levels // 2 - 1
    return min(levels - 1, int((value / 2 - low / 2) / span * levels))


def summary(went: Course | None, width: int = _CELLS) -> str | None:
    """The sparkline between the first best and the last; None while there is none."""
    if went is None or not went.points:
        return None
    first, last = (metric(went.points[at].value) for at in (0, -1))
    bars = sparkline(went, width, bars_of_terminal())
    return f"{first} {bars} {last} in {count(went.experiments, 'experiment')}"


def bars_of_terminal() -> str:
    """The bars that standard output can show."""
    return BARS if can_show(BARS + _NONE, sys.stdout) else PLAIN_BARS
