"""How the pages of a hub and of its dashboard write numbers."""

from __future__ import annotations


def count(number: int, noun: str, plural: str = "") -> str:
    """A number with its noun: 1 run, 1,200 runs."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def number(value: float) -> str:
    """Six decimals, as the field writes its metric; far from one, six digits."""
    return f"{value:.6f}" if value == 0 or 1e-3 <= abs(value) < 1e6 else f"{value:.6g}"


def small(value: float) -> str:
    """Two digits, for an error or a spread: no more is known of them."""
    return f"{value:.2g}"
