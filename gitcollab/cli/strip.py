"""A gain with its error on one line: a point on an axis whose middle is zero."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass

from gitcollab.cli.text import can_show

_MARKS = ("●", "─", "│", "·")  # the gain, its error, zero, what is noise
_PLAIN = ("o", "-", "|", ".")
_LEFT, _RIGHT = "<>"  # beyond the axis
_WIDEST = 10  # times the noise that an axis is long at most: one wreck must not flatten the others


@dataclass(frozen=True)
class Axis:
    """From ``-span`` to ``span`` in ``cells``; a gain within ``noise`` of zero may be luck."""

    span: float
    noise: float
    cells: int
    marks: tuple[str, str, str, str] = _MARKS

    @classmethod
    def of(cls, gains: Iterable[tuple[float, float]], noise: float, cells: int) -> Axis:
        """The axis for gains, each with its error, in characters that the terminal has."""
        reach = max((abs(gain) + error for gain, error in gains), default=0.0)
        span = min(max(reach, 1.25 * noise), _WIDEST * noise)
        marks = _MARKS if can_show("".join(_MARKS), sys.stdout) else _PLAIN
        return cls(span, noise, cells | 1, marks)

    def strip(self, gain: float | None, error: float | None) -> str:
        """The line of a gain; the axis alone where there is none."""
        point, bar, zero, band = self.marks
        middle, reach = self.cells // 2, self._place(self.noise) - self.cells // 2
        drawn = [band if abs(at - middle) <= reach else " " for at in range(self.cells)]
        drawn[middle] = zero
        if gain is None:
            return "".join(drawn)
        error = error or 0.0
        for at in range(self._place(gain - error), self._place(gain + error) + 1):
            drawn[at] = bar
        if abs(gain) <= self.span:
            drawn[self._place(gain)] = point
        else:
            drawn[-1 if gain > 0 else 0] = _RIGHT if gain > 0 else _LEFT
        return "".join(drawn)

    def _place(self, value: float) -> int:
        share = (max(-1.0, min(1.0, value / self.span)) + 1) / 2
        return round(share * (self.cells - 1))


def bar(share: float, cells: int) -> str:
    """So much of ``cells`` cells, filled; ``share`` is 0 to 1."""
    full = "█" if can_show("█", sys.stdout) else "#"
    return full * round(max(0.0, min(1.0, share)) * cells)
