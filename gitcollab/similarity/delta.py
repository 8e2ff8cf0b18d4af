"""The change between two programs as the set of constants that changed, from code or from words."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from gitcollab.similarity.constants import (
    Constant,
    InvalidValue,
    Value,
    constants,
    edit,
    read_value,
)
from gitcollab.similarity.literal import canonical, plain, same, shown, spell
from gitcollab.similarity.program import skeleton

MAX_WORDS = 500
MAX_SHOWN = 80
MAX_EXACT = 2**53  # up to here every integer is a float


@dataclass(frozen=True, eq=False, slots=True)
class Change:
    """A constant's value before and after; equal by value (8 is 8.0, True is not 1)."""

    before: Value
    after: Value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Change) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[str, str]:
        return canonical(self.before), canonical(self.after)


@dataclass(frozen=True, slots=True)
class Delta:
    """The constants whose values differ, and whether anything else does (``structural``)."""

    changes: Mapping[str, Change] = field(default_factory=dict)
    structural: bool = False

    @property
    def empty(self) -> bool:
        """Nothing differs but form."""
        return not self.changes and not self.structural


def between(base: str, source: str) -> Delta:
    """What changed from ``base`` to ``source``; a constant that came or went is structural.

    Raises ProgramSyntaxError and ProgramTooComplex.
    """
    old, new = constants(base), constants(source)
    changes = {
        name: Change(old[name].value, constant.value)
        for name, constant in new.items()
        if name in old and not same(old[name].value, constant.value)
    }
    return Delta(changes, structural=skeleton(base) != skeleton(source))


def apply(source: str, delta: Delta) -> str:
    """The program with the delta's constants set to their values after; form and all else kept.

    A constant that is a float now stays one; a structural delta gives its constants only. Raises
    UnknownConstant, ProgramSyntaxError, ProgramTooComplex, and InvalidValue for a value whose text
    is longer than an edit takes.
    """
    known = constants(source)
    return edit(
        source,
        {
            name: spell(_in_kind(change.after, known.get(name)))
            for name, change in delta.changes.items()
        },
    )


def describe(delta: Delta) -> str | None:
    """``MATRIX_LR 0.04 → 0.05, DEPTH 8 → 9``; None when structural or empty.

    Long values and long lists are cut, so that the text stays within MAX_WORDS characters.
    """
    if delta.structural or not delta.changes:
        return None
    return _within_limit(
        [
            f"{name} {_cut(change.before)} → {_cut(change.after)}"
            for name, change in delta.changes.items()
        ]
    )


def canonical_json(delta: Delta) -> str:
    """``{name: value after}`` as JSON, sorted: the identity of a delta that is not structural."""
    return values_json({name: change.after for name, change in delta.changes.items()})


def values_json(after: Mapping[str, Value]) -> str:
    """The values by name as JSON, sorted: the same for equal values (8 and 8.0, not True and 1)."""
    values = {name: plain(value) for name, value in after.items()}
    return json.dumps(values, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


# One change in words. A value is quoted, in round brackets, or a run without blanks and arrows.
_VALUE = r"""("[^"]*"|'[^']*'|\([^()]*\)|(?:(?!->)[^\s,;()"'=→])+)"""
_CHANGE = re.compile(
    rf"\s*([A-Z_][A-Z0-9_]*)(?:\s*=\s*{_VALUE}"
    rf"|\s*(?:→|->)\s*{_VALUE}"
    rf"|\s+{_VALUE}\s*(?:→|->|\sto\s)\s*{_VALUE})\s*(?:[,;]|$)"
)


def from_text(text: str, known: Mapping[str, Constant]) -> Delta | None:
    """The delta that the words spell out, or None when any part of them is something else.

    Understood are only ``NAME a → b``, ``NAME a -> b``, ``NAME a to b``, ``NAME → b`` and
    ``NAME=b`` with the exact names of constants, separated by commas or semicolons. The value
    before is the program's own, whatever the words say it is; a change to the present value is
    none. Never more than MAX_WORDS characters are considered.
    """
    if len(text) > MAX_WORDS:
        return None
    changes: dict[str, Change] = {}
    position, text = 0, text.rstrip()
    while position < len(text):
        found = _CHANGE.match(text, position)
        if found is None or found[1] not in known or found[1] in changes:
            return None
        change = _change(found, known[found[1]].value)
        if change is None:
            return None
        changes[found[1]] = change
        position = found.end()
    real = {name: change for name, change in changes.items() if not same(*_pair(change))}
    return Delta(real) if real else None


def _change(found: re.Match[str], current: Value) -> Change | None:
    _, assigned, pointed, before, after = found.groups()
    try:
        if before is not None:
            read_value(before, current)
        return Change(current, read_value(assigned or pointed or after, current)[1])
    except InvalidValue:
        return None


def _pair(change: Change) -> tuple[Value, Value]:
    return change.before, change.after


def _in_kind(value: Value, constant: Constant | None) -> Value:
    """Values that came through JSON lost the difference between 1 and 1.0."""
    if constant is None or not isinstance(constant.value, float):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MAX_EXACT:
        return float(value)
    return value


def _cut(value: Value) -> str:
    text = shown(value)
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 1]}…"


def _within_limit(changes: list[str]) -> str:
    whole = ", ".join(changes)
    if len(whole) <= MAX_WORDS:
        return whole
    kept = changes
    while kept and len(", ".join(kept)) > MAX_WORDS - len(", and 1000000 more"):
        kept = kept[:-1]
    return f"{', '.join(kept)}, and {len(changes) - len(kept)} more"
