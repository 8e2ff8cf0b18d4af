"""A reader of collab.md that takes it at its word: its commands in order, and its samples."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import typer

from gitcollab.cli import main

_FENCE = re.compile(r"^```\n(.*?)^```$", re.M | re.S)
_COMMENT = re.compile(r"\s{2,}# (.*)$")
_EXIT = re.compile(r"exit (\d)")
_SPAN = re.compile(r"`([^`]+)`")
_NAME = re.compile(r"\b[A-Z]+\b")
_CODES = re.compile(r"Exit codes: (.*?)\.\s", re.S)
_AMOUNT = re.compile(r"\b(\d[\d,]*) (minutes|tokens)\b")


@dataclass(frozen=True)
class Typed:
    """A command as the file has it; ``sample`` are the lines that it should print, if any."""

    command: str
    code: int
    sample: tuple[str, ...]
    section: str  # the heading that it stands under

    def argv(self, stand_ins: Mapping[str, str]) -> list[str]:
        """What is typed, with values for the words in capitals."""
        words = shlex.split(self.command)
        assert words[0] == "gitcollab", self
        return [
            _NAME.sub(lambda found: stand_ins.get(found[0], found[0]), word) for word in words[1:]
        ]


@dataclass(frozen=True)
class Trouble:
    """A row of the table of what goes wrong: what is seen, which commands it says to type."""

    seen: str
    does: str

    @property
    def code(self) -> int | None:
        """The exit code that the reader sees, where it says one."""
        found = _EXIT.search(self.seen)
        return int(found[1]) if found else None

    @property
    def marks(self) -> list[str]:
        """The words that the reader sees."""
        return _SPAN.findall(self.seen)

    @property
    def commands(self) -> list[str]:
        """What it is told to type."""
        return [span for span in _SPAN.findall(self.does) if span.startswith("gitcollab ")]


def typed(text: str) -> Iterator[Typed]:
    """The commands in the blocks of the file, in order."""
    for block in _FENCE.finditer(text):
        headings = re.findall(r"^#+ (.*)$", text[: block.start()], re.M)
        lines = block[1].splitlines()
        if lines[0].startswith("$ "):
            yield _typed(lines[0].removeprefix("$ "), tuple(lines[1:]), headings[-1])
        else:
            for line in lines:
                yield _typed(line, (), headings[-1])


def _typed(line: str, sample: tuple[str, ...], section: str) -> Typed:
    comment = _COMMENT.search(line)
    code = _EXIT.search(comment[1]) if comment else None
    return Typed(_COMMENT.sub("", line), int(code[1]) if code else 0, sample, section)


def troubles(text: str) -> list[Trouble]:
    """The rows of the table of what goes wrong."""
    rows = re.findall(r"^\| (.*) \| (.*) \| .* \|$", text, re.M)
    return [Trouble(seen, does) for seen, does in rows[1:]]


def codes(text: str) -> dict[str, int]:
    """What the exit codes mean, by the words that the file has for it."""
    (said,) = _CODES.findall(text)
    told = re.sub(r"\(.*?\)", "", " ".join(said.split())).split(", ")
    return {words.strip(): int(code) for code, words in (one.split(" ", 1) for one in told)}


def amounts(text: str) -> list[tuple[int, str]]:
    """The amounts that its sentences and comments name, with their units."""
    return [(int(number.replace(",", "")), unit) for number, unit in _AMOUNT.findall(text)]


def spans(text: str) -> list[str]:
    """The commands that stand within sentences."""
    prose = _FENCE.sub("", text)
    return [span for span in _SPAN.findall(prose) if span.startswith("gitcollab ")]


@cache
def _verbs() -> Any:
    return typer.main.get_command(main.app)


def check_exists(command: str) -> None:
    """Assert that there are the verb and the options of a command."""
    at: Any = _verbs()
    words = shlex.split(command)[1:]
    while words and hasattr(at, "commands") and words[0] in at.commands:
        at = at.commands[words.pop(0)]
    assert not getattr(at, "commands", {}) or getattr(at, "invoke_without_command", False), command
    options = {name for one in at.params for name in one.opts}
    for word in words:
        assert not word.startswith("--") or word.split("=")[0] in options, command


def shape(lines: Iterator[str] | list[str] | tuple[str, ...]) -> list[str]:
    """Lines without what differs from run to run: numbers, digests, agents' names, alignment."""
    found = []
    for line in lines:
        line = re.sub(r"\b(nova|vega|lyra)\b", "AGENT", " ".join(line.split()))
        line = re.sub(r"\b(?=[0-9a-f]*\d)[0-9a-f]{8,10}\b", "HASH", line)
        found.append(re.sub(r"[-+]?\b\d+(\.\d+)?(e-?\d+)?\b", "N", line))
    return found
