"""What a mind thought of: the program and the words that it left, if they are fit to be tried."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from gitcollab.errors import GitcollabError
from gitcollab.records.models import MAX_DESCRIPTION, MAX_PROGRAM_BYTES
from gitcollab.records.quoting import blanked, line
from gitcollab.similarity import delta
from gitcollab.similarity.constants import constants
from gitcollab.similarity.program import fingerprint
from gitcollab.similarity.source import parse
from gitcollab.store.differences import difference
from gitcollab.swarm.engine.mind.room import Room
from gitcollab.swarm.measuring import without_places
from gitcollab.swarm.proposal import checked_description
from gitcollab.swarm.regular import Missing, Unreadable, read_regular
from gitcollab.swarm.workspace import Base

_MOST_WORDS = 64_000  # bytes of a description, of which the first line counts
_MOST_NAMES = 5


@dataclass(frozen=True)
class Thought:
    """A program that it wrote, from which base, and its line of description (or none).

    None is where the constants that it changed describe themselves.
    """

    base: Base
    program: str
    description: str | None


class NoThought(Exception):  # noqa: N818
    """What the mind left is nothing to try: why, in a few words."""


def thought_in(
    room: Room, base: Base, places: Mapping[Path, str] | None = None
) -> tuple[Thought, list[str]]:
    """The thought, and what its user should know of it. Raises NoThought.

    ``places`` are this machine's folders, and what is said instead of them.
    """
    _expect_nothing_else(room)
    text = _program(room)
    python = room.program.suffix == ".py"
    try:
        if python:
            constants(text)
        same = fingerprint(text) == fingerprint(base.text)
    except GitcollabError as e:
        raise NoThought(f"what it wrote cannot be run: {e.message}") from e
    if same:
        meant = "" if text == base.text else " but comments and form"
        raise NoThought(f"it changed nothing{meant} in {room.program_name}")
    said, notes = _description(room, {room.work: ".", **(places or {})})
    if said is None and not _describes_itself(base.text, text, python):
        said = _described(base.text, text, python)
        notes = [*notes, f"it wrote no description, so this is it: {said}"]
    return Thought(base, text, said), notes


def _expect_nothing_else(room: Room) -> None:
    try:
        foreign = sorted(room.foreign())
    except Unreadable as e:
        raise NoThought(f"its folder {e}") from e
    if foreign:
        raise NoThought(f"it wrote beside {room.program_name}: {listed(foreign)}")


def _program(room: Room) -> str:
    try:
        return read_regular(room.program, MAX_PROGRAM_BYTES).decode()
    except Unreadable as e:
        raise NoThought(f"{room.program_name} {e}") from e
    except UnicodeDecodeError as e:
        raise NoThought(f"{room.program_name} is not UTF-8 text (byte {e.start})") from e


def _description(room: Room, places: Mapping[Path, str]) -> tuple[str | None, list[str]]:
    """The first line that it wrote, fit for a record, and a note where it is not as written."""
    name = room.description.name
    try:
        text = read_regular(room.description, _MOST_WORDS).decode()
    except Missing:
        return None, []
    except Unreadable as e:
        return None, [f"{name} {e}"]
    except UnicodeDecodeError:
        return None, [f"{name} is not UTF-8 text"]
    written = next((row for row in text.splitlines() if row.strip()), "")
    said = blanked(without_places(written, places))
    if len(said) > MAX_DESCRIPTION:
        said = f"{said[: MAX_DESCRIPTION - 1].rstrip()}…"
    try:
        said = checked_description(said) if said else ""
    except GitcollabError as e:
        return None, [e.message]
    changed = said and said != " ".join(written.split())
    return said or None, [f"its description was cut and cleaned: {said}"] if changed else []


def _describes_itself(base: str, text: str, python: bool) -> bool:
    """Whether only constants were changed."""
    if not python:
        return False
    try:
        return bool(delta.describe(delta.between(base, text)))
    except GitcollabError:
        return False


def _described(base: str, text: str, python: bool) -> str:
    """A line on a change that nobody described: what it is in, and how large."""
    size = difference(base, text)
    names = list(_changed_names(base, text)) if python else []
    where = f" in {', '.join(names[:_MOST_NAMES])}" if names else ""
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    said = f"code changed{where}{more} (+{size.added} -{size.removed} lines)"
    return said if len(said) <= MAX_DESCRIPTION else f"code changed (+{size.added} lines)"


def _changed_names(base: str, text: str) -> Iterator[str]:
    """The functions and classes of a program that are not in its base as they are now."""
    try:
        before, after = (dict(_definitions(program)) for program in (base, text))
    except (GitcollabError, RecursionError):  # the base is no program
        return
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            yield name


def _definitions(program: str) -> Iterator[tuple[str, str]]:
    for node in parse(program).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name, ast.dump(node)


def listed(names: list[str] | list[Path]) -> str:
    """Some names of files, whatever characters are in them."""
    shown = [line(str(name))[:80] for name in names[:_MOST_NAMES]]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")
