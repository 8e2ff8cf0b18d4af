"""What is asked of a value: above 0.05, at most 2**18, about 0.1, twice what it was, raised."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from gitcollab.similarity.literal import Value, shown
from gitcollab.similarity.quantities import Quantity, same_number
from gitcollab.similarity.resolving import same_value
from gitcollab.similarity.tokens import Amount

Op: TypeAlias = Literal["=", "≠", "≈", "<", "≤", ">", "≥", "raised", "lowered"]

ABOUT = 0.2  # what is "about 0.1" lies within a fifth of it
_AS_GOOD_AS = 0.01  # what is doubled comes to twice the value, but for rounding
_SAID: dict[Op, str] = {
    "=": "= ", "≠": "not ", "≈": "about ", "<": "below ", "≤": "at most ", ">": "above ",
    "≥": "at least ",
}  # fmt: skip
_ALTERNATIVES = frozenset(("=", "≈"))


@dataclass(frozen=True, slots=True)
class Bound:
    """One thing asked of a value. ``amount`` is None where only its direction counts.

    An amount that says nothing without what was there before (double, +10%) is compared with that;
    ``was`` asks what that is to be, where it is known.
    """

    op: Op
    amount: Amount | None = None
    was: Amount | None = None

    def holds(self, value: Value, before: Value = None) -> bool:
        """Whether a value is as asked; ``before`` is what it was changed from, None: not known."""
        if self.amount is None:
            return _moved(value, before, up=self.op == "raised")
        if self.was is not None and before is not None and not Bound("=", self.was).holds(before):
            return False
        if isinstance(self.amount, Quantity):
            return self._compared(self.amount, value, before)
        return _same(self.amount, value) == (self.op != "≠")

    def _compared(self, amount: Quantity, value: Value, before: Value) -> bool:
        number, base = as_number(value), as_number(before)
        if number is None or (amount.relative and not base):
            return False
        by_ratio = amount.relative or amount.kind == "fraction"  # half the batch
        if by_ratio and base and self.op == "=":
            parts = amount.applied(base) if amount.relative else [base * r for r in amount.readings]
            if any(_near(number, one) for one in parts):
                return True
        readings = amount.applied(base or 0.0) if amount.relative else amount.readings
        return _holds(self.op, number, readings)

    @property
    def text(self) -> str:
        """The bound in words, as after a constant's name."""
        if self.amount is None:
            return self.op
        if self.was is not None:
            return f"{spelled(self.was)} → {spelled(self.amount)}"
        return f"{_SAID[self.op]}{spelled(self.amount)}"


def all_hold(bounds: Iterable[Bound], value: Value, before: Value = None) -> bool:
    """Whether a value is as asked: one of the values that are named, and within every bound."""
    named = [b for b in bounds if b.op in _ALTERNATIVES]
    if named and not any(b.holds(value, before) for b in named):
        return False
    return all(b.holds(value, before) for b in bounds if b.op not in _ALTERNATIVES)


def text_of(bounds: Iterable[Bound]) -> str:
    """The bounds in words: ``= 8 or 12``, ``above 0.02 and below 0.05``."""
    found = list(bounds)
    named = " or ".join(b.text for b in found if b.op in _ALTERNATIVES)
    others = [b.text for b in found if b.op not in _ALTERNATIVES]
    return " and ".join(filter(None, [named.replace("or = ", "or "), *others]))


def spelled(amount: Amount) -> str:
    """An amount as people write it; of several readings the power of two, else the first."""
    if isinstance(amount, str):
        return amount
    if isinstance(amount, tuple):
        return shown(amount)
    powers = [one for one in amount.readings if one >= 1 and math.log2(one).is_integer()]
    number = f"{(powers or amount.readings)[0]:.12g}"
    return f"{number} times what it was" if amount.kind == "factor" else number


def as_number(value: Value) -> float | None:
    """The value where it is a number that can be compared."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    return None


def _holds(op: Op, number: float, readings: tuple[float, ...]) -> bool:
    """262K is 262,000 or 262,144: what may be equal is not above, and is at least that."""
    equal = any(same_number(number, one) for one in readings)
    match op:
        case "=":
            return equal
        case "≠":
            return not equal
        case "≈":
            return any(math.isclose(number, one, rel_tol=ABOUT) for one in readings)
        case "<":
            return not equal and number < min(readings)
        case "≤":
            return equal or number < max(readings)
        case ">":
            return not equal and number > max(readings)
        case _:
            return equal or number > min(readings)


def _near(number: float, other: float) -> bool:
    return math.isclose(number, other, rel_tol=_AS_GOOD_AS, abs_tol=1e-15)


def _moved(value: Value, before: Value, *, up: bool) -> bool:
    now, then = as_number(value), as_number(before)
    if now is None or then is None or now == then:
        return False
    return (now > then) == up


def _same(amount: str | tuple[float, ...], value: Value) -> bool:
    if isinstance(amount, tuple):
        return same_value(amount, value)
    if isinstance(value, bool) or value is None:
        return amount.casefold() == str(value).casefold()
    alike = amount.casefold() == str(value).casefold()
    return isinstance(value, str) and (alike or same_value(amount, value))
