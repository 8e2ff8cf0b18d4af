"""Numbers as people write them: 2**18, 2^18, 262K, 4e-2, 5%, 1/8, 1.5x, +10%, half, double."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["number", "fraction", "factor", "added"]

NUMBER = r"(?:\d[\d_]*(?:,\d{3}(?!\d))*(?:\.\d+|\.(?=[eE][+-]?\d))?|\.\d+)(?:[eE][+-]?\d{1,3})?"
_MAX_POWER = 1024  # of two, as literals in programs
_SUFFIXED = re.compile(r"([+-]?.*?)([kKmM])(i|ib)?")
_SIGNED = re.compile(rf"[+-]?{NUMBER}")


@dataclass(frozen=True, slots=True)
class Quantity:
    """What a number may mean: 262K is 262,000, and 262,144 too. The plain reading is the first.

    ``kind`` is how it acts on what was there: a ``number`` and a ``fraction`` (5%, half) take its
    place, a ``factor`` multiplies it, what is ``added`` is added to it.
    """

    readings: tuple[float, ...]
    kind: Kind = "number"

    def agrees(self, other: Quantity) -> bool:
        """Whether some reading of both is the same number."""
        return any(same_number(a, b) for a in self.readings for b in other.readings)

    @property
    def relative(self) -> bool:
        """It says nothing without what was there before."""
        return self.kind in ("factor", "added")

    def applied(self, before: float) -> tuple[float, ...]:
        """The values it may come to, from ``before``."""
        match self.kind:
            case "factor":
                return tuple(before * reading for reading in self.readings)
            case "added":
                return tuple(before + reading for reading in self.readings)
            case _:
                return self.readings


def same_number(a: float, b: float) -> bool:
    """Equal but for rounding in arithmetic."""
    return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-15)


def number(text: str) -> Quantity | None:
    """The quantity in ``0.04``, ``4e-2``, ``262,144``, ``524K``, ``1.5M``; None beyond bounds."""
    text = text.replace("_", "").strip()
    suffixed = _SUFFIXED.fullmatch(text)
    digits = re.sub(r",(?=\d{3})", "", suffixed[1] if suffixed else text)
    value = _finite(digits)
    if value is None or suffixed is None:
        return None if value is None else Quantity((value,))
    power = 1 if suffixed[2] in "kK" else 2
    plain = value * 1000**power
    readings = {plain, value * 1024**power}
    decimals = len(digits.partition(".")[2])
    within = 1000.0**power / 10**decimals
    readings |= _power_of_two_near(plain, within)
    blocks = round(plain / 1024) * 1024.0  # 49K tokens are 48 * 1,024
    readings |= {blocks} if abs(blocks - plain) < within / 2 else set()
    return Quantity((plain, *sorted(readings - {plain})))


def power(text: str) -> Quantity | None:
    """The quantity in ``2**18`` or ``2^18``; None when it is too large."""
    base, exponent = (int(part) for part in re.split(r"\s?(?:\*\*|\^)\s?", text))
    if base == 0 or abs(exponent) * max(1, math.log2(base)) > _MAX_POWER - 1:
        return None
    return Quantity((float(base) ** exponent,))


def ratio(text: str) -> Quantity | None:
    """The quantity in ``1/8``."""
    above, below = (float(part) for part in text.split("/"))
    return Quantity((above / below,), "fraction") if below else None


def percent(text: str) -> Quantity | None:
    """The quantity in ``5%``; with a sign it is a change, ``+5%`` is the factor 1.05."""
    value = _first(text)
    if value is None:
        return None
    if text.lstrip()[0] in "+-":
        return Quantity((1 + value / 100,), "factor")
    return Quantity((value / 100,), "fraction")


def factor(text: str) -> Quantity | None:
    """The quantity in ``1.5x``, ``x0.5``, ``*2``, ``10-fold``."""
    found = re.search(NUMBER, text)
    value = _finite(found[0].replace("_", "").replace(",", "")) if found else None
    return None if value is None else Quantity((value,), "factor")


def several(text: str) -> tuple[float, ...] | None:
    """The numbers of ``(0.8, 0.95)``."""
    values = [_finite(found.replace("_", "")) for found in _SIGNED.findall(text)]
    return None if None in values else tuple(v for v in values if v is not None)


def _first(text: str) -> float | None:
    found = _SIGNED.search(text)
    return _finite(found[0].replace("_", "").replace(",", "")) if found else None


def _finite(digits: str) -> float | None:
    try:
        value = float(digits)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _power_of_two_near(target: float, within: float) -> set[float]:
    """The power of two that the number is rounded or cut from, as 524K from 2**19."""
    if target < 1:
        return set()
    nearest = 2.0 ** round(math.log2(target))
    return {nearest} if abs(nearest - target) < within else set()
