"""What is put into an agent's files, and taken out again: sections of text, entries of JSON.

A piece knows the file it belongs to, how that file is with it, and how it is without it. Texts are
whole files with newlines as they are; None stands for a file that is not there. NotAsExpected says
why a file cannot be changed.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from gitcollab.faces.setup import jsontext
from gitcollab.faces.setup.jsontext import NotAsExpected

What = Literal["instructions", "MCP server", "session hook"]
_OURS = re.compile(r"gitcollab\b.*\bprime\b")


class Piece(Protocol):
    """Something of ours in a file of an agent's."""

    @property
    def path(self) -> str:
        """The file, below the workspace."""

    @property
    def what(self) -> What:
        """What it is to its agent."""

    def put(self, text: str | None) -> str:
        """The file with it: anew, in the place of an older one, else at the end."""

    def take(self, text: str, before: str | None) -> str | None:
        """The file without it; what it took the place of in ``before`` is put back."""


@dataclass(frozen=True)
class Section:
    """Lines between two marks; ``head`` begins a file that was not there."""

    path: str
    what: What
    body: str
    begin: str
    end: str
    head: str = ""

    def put(self, text: str | None) -> str:
        """The file with it."""
        newline = "\r\n" if text and "\r\n" in text else "\n"
        lines = "\n".join((self.begin, self.body.strip("\n"), self.end))
        ours = lines.replace("\n", newline)
        if text is None or not text.strip():
            return self.head + ours + newline
        if (place := self._place(text)) is not None:
            return text[: place[0]] + ours + text[place[1] :]
        gap = newline * (1 if text.endswith("\n") else 2)
        return text + gap + ours + newline

    def take(self, text: str, before: str | None) -> str | None:
        """The file without it."""
        place = self._place(text)
        if place is None:
            return text
        rest, after = text[: place[0]], text[place[1] :].lstrip("\r\n")
        kept = rest + after if after else rest.rstrip("\r\n") + text[-1:] * bool(rest.strip())
        return None if kept.strip() in ("", self.head.strip()) else kept

    def _place(self, text: str) -> tuple[int, int] | None:
        """Where it is. Raises NotAsExpected where the marks are not one pair."""
        if self.begin not in text and self.end not in text:
            return None
        start, stop = text.find(self.begin), text.find(self.end)
        if text.count(self.begin) != 1 or text.count(self.end) != 1 or stop < start:
            raise NotAsExpected(f"has not one pair of the marks {self.begin} and {self.end}")
        return start, stop + len(self.end)


@dataclass(frozen=True)
class Table(Section):
    """A section of a TOML file that is a table of its own, named ``table``."""

    table: tuple[str, ...] = ()

    def put(self, text: str | None) -> str:
        """The file with it."""
        self._check(text)
        made = super().put(text)
        _toml(made)
        return made

    def _check(self, text: str | None) -> None:
        """Raises NotAsExpected where others' part of the file has such a table already."""
        others = None if text is None else super().take(text, None)
        value: Any = _toml(text or "") and _toml(others or "")
        for name in self.table:
            value = value.get(name) if isinstance(value, dict) else None
        if value is not None:
            raise NotAsExpected(f"has a table [{'.'.join(self.table)}] that setup did not write")

    def take(self, text: str, before: str | None) -> str | None:
        """The file without it."""
        _toml(text)
        return super().take(text, before)


def _toml(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as e:
        raise NotAsExpected(f"is no TOML ({e})") from e


@dataclass(frozen=True)
class Member:
    """An MCP server at a path of names in a JSON file."""

    path: str
    what: What
    at: tuple[str, ...]
    value: Any

    def put(self, text: str | None) -> str:
        """The file with it."""
        if text is None or not text.strip():
            return _document(self.at, self.value)
        return jsontext.with_member(text, self.at, self.value)

    def take(self, text: str, before: str | None) -> str | None:
        """The file without it."""
        earlier = jsontext.found(before, self.at) if before and before.strip() else None
        if not is_server(jsontext.found(text, self.at)):
            return text  # somebody's own
        if earlier is not None and not is_server(earlier):
            return jsontext.with_member(text, self.at, earlier)
        return jsontext.without_member(text, self.at)


@dataclass(frozen=True)
class Hook:
    """A command among those of an event in a JSON file; ``version`` is what the file has to say."""

    path: str
    what: What
    at: tuple[str, ...]
    value: Any
    version: int | None = None

    def put(self, text: str | None) -> str:
        """The file with it."""
        if text is None or not text.strip():
            head = {} if self.version is None else {"version": self.version}
            return _document(self.at, [self.value], head)
        if self.version is not None and jsontext.found(text, ("version",)) is None:
            text = jsontext.with_member(text, ("version",), self.version)
        return jsontext.with_item(text, self.at, self.value, is_prime)

    def take(self, text: str, before: str | None) -> str | None:
        """The file without it."""
        rest = jsontext.without_items(text, self.at, is_prime)
        bare = rest is None or jsontext.loads(rest) == {"version": self.version}
        return None if bare else rest


def is_prime(value: Any) -> bool:
    """Whether a hook, or a group of them, runs ``gitcollab prime`` and nothing else."""
    if not isinstance(value, dict):
        return False
    if isinstance(group := value.get("hooks"), list):
        return bool(group) and all(map(is_prime, group))
    return isinstance(said := value.get("command"), str) and _OURS.search(said) is not None


def is_server(value: Any) -> bool:
    """Whether an entry for an MCP server is one that setup writes: it names its workspace."""
    args = value.get("args") if isinstance(value, dict) else None
    return isinstance(args, list) and {"mcp", "--workspace"} <= {
        a for a in args if isinstance(a, str)
    }


def _document(at: Sequence[str], value: Any, head: dict[str, Any] | None = None) -> str:
    """A JSON file that holds ``value`` at this path."""
    for name in reversed(at):
        value = {name: value}
    return json.dumps((head or {}) | value, indent=2, ensure_ascii=False) + "\n"
