"""What callers pass, checked once where it comes in: UsageError says what was wanted.

Callers are language models and scripts of theirs, which pass None, numbers as text, one key where
several are meant. A measurement is worth more than what is said of it (see ``publishing``).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from numbers import Real
from typing import Any

from gitcollab.errors import UsageError

_MOST_SHOWN = 40  # characters of a wrong value


def text(value: object, name: str) -> str:
    """Text that can be written."""
    if not isinstance(value, str):
        raise UsageError(f"{name} is {_shown(value)}, not text", f'as in {name}="..."')
    try:
        value.encode()
    except UnicodeEncodeError as e:
        raise UsageError(f"{name} is no Unicode text", "leave lone surrogates out") from e
    return value


def words(value: object, name: str) -> str | None:
    """Text, or None."""
    return None if value is None else text(value, name)


def whole(value: object, name: str) -> int:
    """A whole number."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise UsageError(f"{name} is {_shown(value)}, not a whole number", f"as in {name}=3")
    return value


def keys(value: object, name: str) -> list[str]:
    """Keys of records: none, one, or several."""
    if value is None:
        return []
    if isinstance(value, str):
        return [text(value, name)]
    if isinstance(value, Iterable) and not isinstance(value, Mapping | bytes):
        return [text(one, f"a key in {name}") for one in value]
    raise UsageError(f"{name} is {_shown(value)}, no list of keys", f'as in {name}=["results/..."]')


def values(value: object, name: str) -> dict[str, Any]:
    """Values by name; none for None."""
    if value is None:
        return {}
    if isinstance(value, Mapping):
        return {str(one): value[one] for one in value}
    raise UsageError(f"{name} is {_shown(value)}, no dict", f'as in {name}={{"NAME": 0.02}}')


def number(value: object) -> float:
    """A number, finite or not; what is none at all, True too, is nan."""
    if isinstance(value, bool):
        return math.nan
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return math.nan


def is_number(value: object) -> bool:
    """Whether it is a number, and no text of one: numpy's are, True is not."""
    return isinstance(value, Real) and not isinstance(value, bool)


def _shown(value: object) -> str:
    kind = type(value).__name__
    if value is None or isinstance(value, bool | float):
        return repr(value)
    if isinstance(value, str):
        return ascii(value[:_MOST_SHOWN])
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"
