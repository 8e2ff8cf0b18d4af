"""The search space as axes: where a constant's values lie between 0 and 1.

An axis is made from a task's dimension and the value that the constant has now. Only what the task
names is ever suggested: numbers within its range, or one of its choices.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from gitcollab.records.models import Dimension
from gitcollab.similarity.literal import Value, canonical, from_plain, same

_OUTSIDE = 0.5  # so far beyond its range, in ranges, a measured value still tells something
_DIGITS = 3  # that a suggested number has

Point = Mapping[str, Value]  # the values of constants, by name


@dataclass(frozen=True)
class Axis:
    """A constant that may be changed; ``now`` is its value in the program that is built on."""

    name: str
    dimension: Dimension
    now: Value

    @cached_property
    def choices(self) -> tuple[Value, ...]:
        """The choices, numbers in order of their size; none for a range.

        A present value that has no place among them stands at the end: no step leads to it.
        """
        found = tuple(from_plain(one) for one in self.dimension.choices or ())
        if all(map(is_number, found)):
            return tuple(sorted(found, key=_size))
        return found if any(same(one, self.now) for one in found) else (*found, self.now)

    @property
    def is_ordered(self) -> bool:
        """Whether values lie on a line: for numbers, also where there are few of them."""
        return not self.choices or all(map(is_number, self.choices))

    def place(self, value: Value) -> float | None:
        """Where a value lies: 0 to 1 from low to high, the number of a choice that has no order.

        None for what the axis does not hold: another kind, another choice, or far out of range.
        """
        if not self.is_ordered:
            found = (n for n, one in enumerate(self.choices) if same(one, value))
            return next((float(n) for n in found), None)
        if not is_number(value):
            return None
        place = self._among(_size(value)) if self.choices else self._along(_size(value))
        return place if place is not None and -_OUTSIDE <= place <= 1 + _OUTSIDE else None

    def value(self, place: float) -> Value:
        """The value at a place; what lies outside the range is its end."""
        if self.choices:
            scale = len(self.choices) - 1 if self.is_ordered else 1
            return self.choices[min(len(self.choices) - 1, max(0, round(place * scale)))]
        low, high = _bounds(self.dimension)
        place = min(1.0, max(0.0, place))
        if self.dimension.log:
            found = _rounded(low * (high / low) ** place, None)
        else:
            found = _rounded(low + (high - low) * place, high - low)
        return self._in_kind(min(high, max(low, found)))

    @property
    def is_whole(self) -> bool:
        """Whether it is of whole numbers: the range's bounds are, and the constant is one now.

        ``DECAY = 0.5`` from 0 to 1 has a thousand values between these, whoever left out the dots.
        """
        return self.dimension.is_whole and isinstance(self.now, int)

    def _in_kind(self, number: float) -> Value:
        """Written as the constant is now; 1.0 in a real range stays one."""
        return round(number) if self.is_whole else float(number)

    def _along(self, size: float) -> float | None:
        low, high = _bounds(self.dimension)
        if self.dimension.log:
            # No quotient: that of a tiny number underflows to 0, which has no logarithm.
            scale = math.log(high) - math.log(low)
            return (math.log(size) - math.log(low)) / scale if size > 0 else None
        return (size - low) / (high - low)

    def _among(self, size: float) -> float | None:
        """Between the choices that are next to it, by ratio where all are positive."""
        sizes = [_size(one) for one in self.choices]
        if sizes[0] > 0:
            if size <= 0:
                return None
            sizes, size = [math.log(one) for one in sizes], math.log(size)
        last = len(sizes) - 1
        at = next((n for n in range(1, last) if size <= sizes[n]), last)
        gap = sizes[at] - sizes[at - 1]
        return (at - 1 + (size - sizes[at - 1]) / gap) / last if gap > 0 else None


def axes(space: Mapping[str, Dimension], constants: Point) -> list[Axis]:
    """The axes by name: of those constants that the program has, in the kind that is searched."""
    found = (Axis(name, space[name], constants[name]) for name in sorted(space.keys() & constants))
    return [axis for axis in found if _is_of_its_kind(axis) and axis.place(axis.now) is not None]


def is_number(value: Value) -> bool:
    """Whether it is a finite number; True is none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and _is_finite(value)


def placed(along: Sequence[Axis], point: Point) -> tuple[float, ...] | None:
    """Where the values of a point lie on each axis; None where one of them does not."""
    places = [axis.place(point[axis.name]) for axis in along if axis.name in point]
    whole = [place for place in places if place is not None]
    return tuple(whole) if len(whole) == len(along) else None


def key_of(point: Point) -> str:
    """What is equal exactly for equal values."""
    return "\n".join(f"{name} {canonical(point[name])}" for name in sorted(point))


def _is_of_its_kind(axis: Axis) -> bool:
    if axis.dimension.choices is None:
        return is_number(axis.now)
    kinds = {_kind(from_plain(one)) for one in axis.dimension.choices}
    return _kind(axis.now) in kinds


def _kind(value: Value) -> type:
    return float if is_number(value) else type(value)


def _bounds(dimension: Dimension) -> tuple[float, float]:
    assert dimension.low is not None
    assert dimension.high is not None
    return float(dimension.low), float(dimension.high)


def _size(value: Value) -> float:
    assert isinstance(value, int | float)
    return float(value)


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(float(value))
    except OverflowError:
        return False


def _rounded(number: float, scale: float | None) -> float:
    """To three digits: of the number itself, or of the length of its range."""
    size = abs(number) if scale is None else scale
    if size == 0:
        return number
    return round(number, _DIGITS - 1 - math.floor(math.log10(size)))
