"""The axes of a chart: which part of the numbers is shown, where it begins and ends, its ticks.

Ends are round numbers, so that a chart that grows by one number keeps its axes. What lies far from
the rest does not widen the range: it is drawn at the edge. Bytes made of these numbers are the same
on every machine: ends and ticks are exact fractions, and only + - * / act on floats.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import ceil, floor
from typing import NamedTuple

_ENDS = (Fraction(1), Fraction(3, 2), *map(Fraction, (2, 3, 4, 5, 6, 8)))
_FEW = 10  # numbers that say little about how far apart they usually are
_LED = 8  # spreads that a best may lie off the rest and is still shown
_TICKS = 7  # at most one more than so many on an upright axis
_PARTS = 5  # an axis ends at a tick or at such a part of the way to the next


class Axis(NamedTuple):
    """A range that begins and ends at round numbers, with its ticks and what is written there."""

    low: float
    high: float
    ticks: Sequence[tuple[float, str]]


def counted(number: int) -> Axis:
    """An axis from 0 for ``number`` experiments, at most half as long again."""
    end = _round_up(Fraction(max(number, 10)), _ENDS)
    step = max(Fraction(1), _round_up(end / 6, (Fraction(1), Fraction(2), Fraction(5))))
    ticks = [int(step * n) for n in range(floor(end / step) + 1)]
    return Axis(0.0, float(end), [(float(tick), f"{tick:,}") for tick in ticks])


def measured(low: float, high: float) -> Axis:
    """An axis that holds ``low`` to ``high``, which may be one number."""
    least, most = Fraction(low), Fraction(high)
    if most - least < abs(least) * Fraction(1, 10**9):
        least, most = least - abs(least) * Fraction(1, 1000), most + abs(most) * Fraction(1, 1000)
    if least == most:
        least, most = least - 1, most + 1
    step = _round_up((most - least) / _TICKS, (Fraction(1), Fraction(2), Fraction(5)))
    part = step / _PARTS
    start, end = floor(least / part) * part, ceil(most / part) * part
    ticks = [step * n for n in range(ceil(start / step), floor(end / step) + 1)]
    return Axis(float(start), float(end), _named(ticks, step))


def spread(values: Sequence[float], leads: Sequence[float], sigma: float) -> tuple[float, float]:
    """The lowest and the highest of what a chart shows; both sequences hold something.

    ``values`` are shown but for those further from the middle nine tenths than these are wide;
    ``leads``, what was best once, may lie further off. ``sigma`` is the noise of one number.
    """
    ordered = sorted(values)
    last = len(ordered) - 1
    low, high = ordered[ceil(last / 20)], ordered[last * 19 // 20]
    low, high = min(low, high), max(low, high)
    few = 0.25 * abs(low) if len(ordered) <= _FEW else 0.0
    wide = max(high - low, few, 4 * sigma, abs(low) * 1e-6)
    near = [v for v in ordered if low - wide <= v <= high + wide]
    near += [v for v in leads if low - _LED * wide <= v <= high + _LED * wide]
    return min(near, default=low), max(near, default=high)


def _round_up(value: Fraction, mantissas: Sequence[Fraction]) -> Fraction:
    """The least of ``mantissas`` times a power of ten that is not below ``value`` (above 0)."""
    power = Fraction(10) ** int(f"{float(value):e}".partition("e")[2])
    above = (m * power * by for by in (1, 10) for m in mantissas)
    return next(end for end in above if end >= value)


def _named(ticks: Sequence[Fraction], step: Fraction) -> list[tuple[float, str]]:
    """Ticks with their texts, all with the digits that ``step`` needs."""
    digit = int(f"{float(step):e}".partition("e")[2])
    largest = max(abs(tick) for tick in ticks)
    power = int(f"{float(largest):e}".partition("e")[2])
    if digit >= -8 and -3 <= power < 6:
        return [(float(tick), f"{float(tick):.{max(0, -digit)}f}") for tick in ticks]
    digits = min(15, max(0, power - digit))
    return [(float(tick), _scientific(float(tick), digits)) for tick in ticks]


def _scientific(value: float, digits: int) -> str:
    mantissa, _, power = f"{value:.{digits}e}".partition("e")
    return f"{mantissa}e{int(power)}" if value else "0"
