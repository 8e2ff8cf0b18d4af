"""What is put into an agent's files, and taken out again: sections of text, entries of JSON.

A piece knows the file it belongs to, how that file is with it, and how it is without it. Texts are
whole files with newlines as they are; None stands for a file that is not there. NotAsExpected says
why a file cannot be changed.
"""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, Protocol

from gitcollab.faces.setup import jsontext
from gitcollab.faces.setup.jsontext import NotAsExpected

What = Literal["instructions", "MCP server", "session hook"]


class Piece(Protocol):
    """Something of ours in a file of an agent's.

    ``entry`` is what is remembered of it, and told as ``known`` when it is put or taken again: by
    that, else by its exact form, what is ours is told from what is somebody's own.
    """

    @property
    def path(self) -> str:
        """The file, below the workspace."""

    @property
    def what(self) -> What:
        """What it is to its agent."""

    @property
    def entry(self) -> Any:
        """The value that it puts into a JSON file; None for text."""

    def put(self, text: str | None, known: Any = None) -> str:
        """The file with it: anew, in the place of an older one, else at the end."""

    def take(self, text: str, before: str | None, known: Any = None) -> str | None:
        """The file without it; what it took the place of in ``before`` is put back."""


@dataclass(frozen=True)
class Section:
    """Lines between two marks, which are lines, too; ``head`` begins a file that was not there."""

    path: str
    what: What
    body: str
    begin: str
    end: str
    head: str = ""

    @property
    def entry(self) -> Any:
        """Its marks tell it."""
        return None

    def put(self, text: str | None, known: Any = None) -> str:
        """The file with it."""
        place = None if text is None else self._place(text)
        newline = jsontext.newline(text if place is None or text is None else text[slice(*place)])
        ours = newline.join((self.begin, *self.body.strip("\n").split("\n"), self.end))
        if text is None or not text.strip():
            return self.head + ours + newline
        if place is not None:
            return text[: place[0]] + ours + text[place[1] :]
        gap = newline * (1 if text.endswith(("\n", "\r")) else 2)
        return text + gap + ours + newline

    def take(self, text: str, before: str | None, known: Any = None) -> str | None:
        """The file without it."""
        place = self._place(text)
        if place is None:
            return text
        rest, after = text[: place[0]], text[place[1] :]
        if before is not None and (earlier := self._place(before)) is not None:
            return rest + before[slice(*earlier)] + after
        newline = jsontext.newline(text[slice(*place)])
        gap = newline if rest.endswith(newline * 2) else ""
        kept = rest.removesuffix(gap) + after.removeprefix(newline)
        kept = kept if rest else kept.lstrip("\r\n")
        return None if kept.strip() in ("", self.head.strip()) else kept

    def _place(self, text: str) -> tuple[int, int] | None:
        """Where it is. Raises NotAsExpected where the marks are not one pair."""
        begins, ends = _lines_of(self.begin, text), _lines_of(self.end, text)
        if not begins and not ends:
            return None
        if len(begins) != 1 or len(ends) != 1 or ends < begins:
            raise NotAsExpected(f"has not one pair of the marks {self.begin} and {self.end}")
        return begins[0], ends[0] + len(self.end)


def _lines_of(mark: str, text: str) -> list[int]:
    """Where the lines begin that are this mark: within a sentence it is only spoken of."""
    whole = re.compile(rf"(?:\A\ufeff?|(?<=[\r\n])){re.escape(mark)}(?=[ \t]*(?:[\r\n]|\Z))")
    return [found.end() - len(mark) for found in whole.finditer(text)]


@dataclass(frozen=True)
class Table(Section):
    """A section of a TOML file that is a table of its own, named ``table``."""

    table: tuple[str, ...] = ()

    def put(self, text: str | None, known: Any = None) -> str:
        """The file with it."""
        others = None if text is None else super().take(text, None)
        if self._found(text or "") is not None and self._found(others or "") is not None:
            name = ".".join(self.table)
            raise NotAsExpected(f"has a table [{name}] that setup did not write")
        made = super().put(text)
        if self._found(made) != self._found(self.body):
            raise NotAsExpected(f"has the marks {self.begin} and {self.end} within a text")
        return made

    def take(self, text: str, before: str | None, known: Any = None) -> str | None:
        """The file without it."""
        left = super().take(text, before)
        ours = self._found(text) is not None and self._found(left or "") is None
        return left if ours else text

    def _found(self, text: str) -> Any:
        """The table in a document, or None."""
        value: Any = _toml(text)
        for name in self.table:
            value = value.get(name) if isinstance(value, dict) else None
        return value


def _toml(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as e:  # an integer of too many digits is a ValueError
        raise NotAsExpected(f"is no TOML ({e})") from e


@dataclass(frozen=True)
class Member:
    """An MCP server at a path of names in a JSON file."""

    path: str
    what: What
    at: tuple[str, ...]
    value: Any

    @property
    def entry(self) -> Any:
        """The server."""
        return self.value

    def put(self, text: str | None, known: Any = None) -> str:
        """The file with it."""
        if text is None or not text.strip():
            return _document(self.at, self.value)
        return jsontext.with_member(text, self.at, self.value)

    def take(self, text: str, before: str | None, known: Any = None) -> str | None:
        """The file without it."""
        if not self._ours(jsontext.found(text, self.at), known):
            return text  # somebody's own
        earlier = jsontext.found(before, self.at) if before and before.strip() else None
        if earlier is not None:
            return jsontext.with_member(text, self.at, earlier)
        return jsontext.without_member(text, self.at)

    def _ours(self, value: Any, known: Any) -> bool:
        """Whether a server is what setup wrote, or serves this workspace as that would."""
        args = value.get("args") if isinstance(value, dict) else None
        served = isinstance(args, list) and args[-3:] == self.value["args"][-3:]
        return value is not None and (served or value == known)


@dataclass(frozen=True)
class Hook:
    """A command among those of an event in a JSON file; ``version`` is what the file has to say."""

    path: str
    what: What
    at: tuple[str, ...]
    value: Any
    version: int | None = None

    @property
    def entry(self) -> Any:
        """The command, with what an agent wants around it."""
        return self.value

    def put(self, text: str | None, known: Any = None) -> str:
        """The file with it."""
        if text is None or not text.strip():
            head = {} if self.version is None else {"version": self.version}
            return _document(self.at, [self.value], head)
        if self.version is not None and jsontext.found(text, ("version",)) is None:
            text = jsontext.with_member(text, ("version",), self.version)
        return jsontext.with_item(text, self.at, self.value, partial(_ours, known))

    def take(self, text: str, before: str | None, known: Any = None) -> str | None:
        """The file without it."""
        rest = jsontext.without_items(text, self.at, partial(_ours, known))
        bare = rest is None or jsontext.loads(rest) == {"version": self.version}
        return None if bare else rest


def _ours(known: Any, value: Any) -> bool:
    return is_prime(value) or (known is not None and value == known)


def is_prime(value: Any) -> bool:
    """Whether a hook, or a group of one, is what setup writes: ``gitcollab prime`` and no more."""
    if not isinstance(value, dict) or not value.keys() <= {"hooks", "type", "command", "timeout"}:
        return False
    if value.keys() == {"hooks"}:
        group = value["hooks"]
        return isinstance(group, list) and len(group) == 1 and is_prime(group[0])
    return isinstance(said := value.get("command"), str) and _primes(said)


def _primes(command: str) -> bool:
    """Whether a command is one that ``agents`` makes, of whichever gitcollab and home."""
    try:
        words = shlex.split(command)
    except ValueError:
        return False
    if shlex.join(words) != command:
        return False  # a shell would do more with it than run it
    if words[:1] == ["env"] and words[1:] and words[1].startswith("GITCOLLAB_HOME="):
        words = words[2:]
    program, rest = words[:1], words[1:]
    if rest[:2] == ["-m", "gitcollab"]:
        rest = rest[2:]
    elif not program or Path(program[0]).stem != "gitcollab":
        return False
    return rest[:1] == ["prime"] and (not rest[1:] or (rest[1] == "--hook" and len(rest) == 3))


def _document(at: Sequence[str], value: Any, head: dict[str, Any] | None = None) -> str:
    """A JSON file that holds ``value`` at this path."""
    for name in reversed(at):
        value = {name: value}
    return json.dumps((head or {}) | value, indent=2, ensure_ascii=False) + "\n"
