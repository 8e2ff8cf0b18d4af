"""Lengths of time as they are typed: 90m, 2h, 1d."""

from __future__ import annotations

import re
from datetime import timedelta

_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
_LENGTH = re.compile(r"(\d{1,9}(?:\.\d{1,9})?) ?(s|m|min|h|d)")


def length_of(text: str) -> timedelta | None:
    """A length of time; None for what is none."""
    found = _LENGTH.fullmatch(text.strip().lower())
    return timedelta(seconds=float(found[1]) * _SECONDS[found[2]]) if found else None
