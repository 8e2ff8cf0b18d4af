"""Changing one entry of a JSON text, and nothing else of it: what others wrote keeps its form.

Every function takes a whole document and gives a whole document. Raises NotAsExpected for what is
no JSON, or not of the shape that the change needs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from gitcollab.errors import GitcollabError

_DECODER = json.JSONDecoder()
_BLANK = re.compile(r"[ \t\r\n]*")
_INDENT = re.compile(r"[\[{]\r?\n([ \t]+)\S")
_DEEPEST = 100  # levels; settings have five


class NotAsExpected(GitcollabError):  # noqa: N818 - reads as what it is
    """A document cannot be changed as wanted; ``message`` says why, without its name."""


@dataclass(frozen=True)
class _Part:
    """A value in a text: where it begins and ends, and of a container what it holds.

    ``entries`` are (where the entry begins, its name or None in a list, its value).
    """

    start: int
    end: int
    value: Any
    entries: Sequence[tuple[int, str | None, _Part]] = ()

    def named(self, name: str) -> _Part | None:
        return next((part for _, its, part in self.entries if its == name), None)


def loads(text: str) -> Any:
    """The document's value. Raises NotAsExpected where it is no JSON, or has a name twice."""
    if text.startswith("\ufeff"):
        raise NotAsExpected("begins with a byte order mark, which no JSON has")
    try:
        return json.loads(text, object_pairs_hook=_once)
    except json.JSONDecodeError as e:
        raise NotAsExpected(f"is no JSON (line {e.lineno}: {e.msg})") from e
    except ValueError as e:
        raise NotAsExpected("has a number of too many digits") from e
    except RecursionError as e:
        raise NotAsExpected("is nested too deeply") from e


def found(text: str, at: Sequence[str]) -> Any:
    """The value at this path, or None."""
    value = loads(text)
    for name in at:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def with_member(text: str, at: Sequence[str], value: Any) -> str:
    """The document with ``value`` at this path; objects on the way are made."""
    part = _parsed(text)
    for depth, name in enumerate(at):
        _check(part, dict, at[:depth])
        if (inner := part.named(name)) is None:
            made = value
            for outer in reversed(at[depth + 1 :]):
                made = {outer: made}
            return _inserted(text, part, depth, json.dumps(name, ensure_ascii=False), made)
        part = inner
    return text if _same(part.value, value) else _replaced(text, part, len(at), value)


def with_item(text: str, at: Sequence[str], value: Any, ours: Callable[[Any], bool]) -> str:
    """The document with ``value`` in the list at this path, in the place of the first of ours."""
    part = _at(text, at)
    if part is None:
        return with_member(text, at, [value])
    _check(part, list, at)
    for _, _, item in part.entries:
        if ours(item.value):
            same = _same(item.value, value)
            return text if same else _replaced(text, item, len(at) + 1, value)
    return _inserted(text, part, len(at), None, value)


def without_member(text: str, at: Sequence[str]) -> str | None:
    """The document without what is at this path, nor what is empty then; None: nothing is left."""
    parts = [_parsed(text)]
    for name in at:
        inner = parts[-1].named(name)
        if inner is None:
            return text
        parts.append(inner)
    names: list[str | None] = list(at)
    while len(parts) > 1:
        parts.pop()
        place = [name for _, name, _ in parts[-1].entries].index(names.pop())
        if len(parts[-1].entries) > 1:
            return _cut(text, parts[-1], place)
    return None


def without_items(text: str, at: Sequence[str], ours: Callable[[Any], bool]) -> str | None:
    """The document without our items in the list at this path, nor what is empty then."""
    while True:
        part = _at(text, at)
        places = (
            [n for n, (_, _, item) in enumerate(part.entries) if ours(item.value)]
            if (part is not None and isinstance(part.value, list))
            else []
        )
        if part is None or not places:
            return text
        if len(part.entries) == 1:
            return without_member(text, at)
        text = _cut(text, part, places[0])


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise NotAsExpected(f"has the name {twice[:40]!r} twice in one object")
    return dict(pairs)


def _same(one: Any, other: Any) -> bool:
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _check(part: _Part, kind: type, at: Sequence[str]) -> None:
    if not isinstance(part.value, kind):
        what = "an object" if kind is dict else "a list"
        where = f" in {'.'.join(at)}" if at else ""
        raise NotAsExpected(f"has something else than {what}{where}")


def _parsed(text: str) -> _Part:
    loads(text)
    return _part(text, _after_blank(text, 0), 0)


def _at(text: str, at: Sequence[str]) -> _Part | None:
    part: _Part | None = _parsed(text)
    for name in at:
        part = None if part is None else part.named(name)
    return part


def _part(text: str, start: int, depth: int) -> _Part:
    """The value that begins at ``start`` of a text which is JSON."""
    if depth > _DEEPEST:
        raise NotAsExpected("is nested too deeply")
    value, end = _DECODER.raw_decode(text, start)
    entries = tuple(_entries(text, start, depth)) if text[start] in "{[" else ()
    return _Part(start, end, value, entries)


def _entries(text: str, start: int, depth: int) -> Iterator[tuple[int, str | None, _Part]]:
    at = _after_blank(text, start + 1)
    while text[at] not in "}]":
        begun, name = at, None
        if text[start] == "{":
            name, at = _DECODER.raw_decode(text, at)
            at = _after_blank(text, _after_blank(text, at) + 1)  # behind the colon
        part = _part(text, at, depth + 1)
        yield begun, name, part
        at = _after_blank(text, part.end)
        if text[at] == ",":
            at = _after_blank(text, at + 1)


def _after_blank(text: str, at: int) -> int:
    blank = _BLANK.match(text, at)
    return blank.end() if blank else at


def newline(text: str | None) -> str:
    """What ends the lines of a text; that of Unix where it has none."""
    if not text or ("\r" not in text):
        return "\n"
    return "\r\n" if "\r\n" in text else "\n" if "\n" in text else "\r"


def _unit(text: str) -> str:
    """What the document indents a level by."""
    first = _INDENT.search(text)
    return first[1] if first else "  "


def _written(text: str, value: Any, indent: str) -> str:
    """``value`` in the form of the document, for a line that is indented so."""
    if "\n" not in text.strip() and text.strip() not in ("", "{}", "[]"):
        return json.dumps(value, ensure_ascii=False)
    lines = json.dumps(value, indent=_unit(text), ensure_ascii=False).split("\n")
    return (newline(text) + indent).join(lines)


def _replaced(text: str, part: _Part, depth: int, value: Any) -> str:
    line = text[text.rfind("\n", 0, part.start) + 1 : part.start]
    indent = line[: len(line) - len(line.lstrip())] if "\n" in text else _unit(text) * depth
    return text[: part.start] + _written(text, value, indent) + text[part.end :]


def _inserted(text: str, part: _Part, depth: int, name: str | None, value: Any) -> str:
    """The document with an entry more at the end of a container."""
    label = "" if name is None else f"{name}: "
    if part.entries:
        last = part.entries[-1]
        before = part.entries[-2][2].end if len(part.entries) > 1 else part.start
        gap = text[before : last[0]].lstrip(",{[")
        gap = gap if "\n" in gap else " "
        indent = gap.rpartition("\n")[2] if "\n" in gap else ""
        new = f",{gap}{label}{_written(text, value, indent)}"
        return text[: last[2].end] + new + text[last[2].end :]
    inner = _unit(text) * (depth + 1)
    written = label + _written(text, value, inner)
    if "\n" in text.strip() or text.strip() in ("{}", "[]"):
        end = newline(text) + _unit(text) * depth
        written = f"{newline(text)}{inner}{written}{end}"
    return text[: part.start + 1] + written + text[part.end - 1 :]


def _cut(text: str, part: _Part, place: int) -> str:
    """The document without one of several entries of a container, and the comma beside it."""
    if place:
        start, end = part.entries[place - 1][2].end, part.entries[place][2].end
    else:
        start, end = part.entries[0][0], part.entries[1][0]
    return text[:start] + text[end:]
