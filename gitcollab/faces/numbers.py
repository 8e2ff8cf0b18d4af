"""How the pages of a hub write numbers."""

from __future__ import annotations


def count(number: int, noun: str) -> str:
    """So many of them: ``1 run``, ``1,234 runs``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def number(value: float) -> str:
    """Six decimals, as the field writes its metric; far from one, six digits."""
    return f"{value:.6f}" if value == 0 or 1e-3 <= abs(value) < 1e6 else f"{value:.6g}"


def small(value: float) -> str:
    """Two digits, for what is only about so much."""
    return f"{value:.2g}"
