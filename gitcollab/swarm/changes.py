"""What a result's delta changed: the constants as they were in its base, and as they became."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from gitcollab.errors import GitcollabError
from gitcollab.similarity.constants import Value, constants
from gitcollab.similarity.literal import from_plain, shown

_PROGRAMS = 64  # bases whose constants are remembered: many results have the same one


class Changed(NamedTuple):
    """A constant, with its values as Python writes them; ``before`` None: not known."""

    name: str
    before: str | None
    after: str


def changed(delta: Mapping[str, object], base: str | None) -> list[Changed]:
    """The constants of ``delta``, by name; ``base`` is the program that was changed, if known."""
    before = values_of(base) if base is not None and delta else {}
    return [
        Changed(name, shown(before[name]) if name in before else None, _text(value))
        for name, value in sorted(delta.items())
    ]


@lru_cache(maxsize=_PROGRAMS)
def values_of(program: str) -> Mapping[str, Value]:
    """The values of a program's constants by name; none where it cannot be read as one."""
    try:
        return {name: one.value for name, one in constants(program).items()}
    except GitcollabError:
        return {}


def _text(value: object) -> str:
    return shown(from_plain(value))
