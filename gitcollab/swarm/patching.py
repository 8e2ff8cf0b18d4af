"""Patches: unified diffs against the one file that agents may change. Pure: no file, no process.

A patch comes from a stranger. It is read strictly: what is more than changed lines of one named
file (modes, renames, new, deleted or binary files, links) is refused, as is what does not match
the text exactly. A patch never says where anything is written: only a text becomes another.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass

from gitcollab.errors import RefusedError
from gitcollab.records.models import MAX_PROGRAM_BYTES
from gitcollab.records.quoting import line as inert

MAX_HUNKS = 1000
_HINT = "make it by `git diff` or `gitcollab diff ID`, against this version of the program"
_HUNK = re.compile(r"@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@(?: .*)?\r?\n?\Z")
_INDEX = re.compile(r"index [0-9a-f]+\.\.[0-9a-f]+(?: 100(?:644|755))?\Z")
# What git writes above changes that are more than changed lines, and other forms of patches.
_MORE = (
    *("old mode", "new mode", "deleted file mode", "new file mode"),
    *("copy from", "copy to", "rename from", "rename to", "rename old", "rename new"),
    *("similarity index", "dissimilarity index", "GIT binary patch", "Binary files"),
    *("diff --cc", "diff --combined", "@@@"),
)
_NO_NEWLINE = "\\ "


@dataclass(frozen=True)
class _Hunk:
    """``old`` at line ``start`` (1 is the first; 0 with an empty ``old``) becomes ``new``."""

    start: int
    old: str
    new: str


@dataclass(frozen=True)
class _Patch:
    named: frozenset[str]
    hunks: tuple[_Hunk, ...]


def touched(patch: str) -> frozenset[str]:
    """The paths that a patch names, without the ``a/`` and ``b/`` of git.

    Raises RefusedError for what is no patch of lines in files that stay where they are.
    """
    return _parsed(patch).named


def applied(patch: str, text: str, program: str) -> str:
    """``text`` with the patch, which may name no file but ``program``.

    Every hunk has to match exactly: at its line, or, where lines were added or removed since, at
    the only other place. Raises RefusedError, which says what does not fit.
    """
    parsed = _parsed(patch)
    if others := sorted(parsed.named - {program}):
        raise _refused(f"it names {others[0]!r}, and only {program} may be changed")
    result = _spliced(parsed.hunks, text)
    size = len(_utf8(result))
    if size > MAX_PROGRAM_BYTES:
        raise _refused(f"it makes a program of {size:,} bytes; {MAX_PROGRAM_BYTES:,} are allowed")
    if result == text:
        raise _refused("it changes nothing")
    return result


def _refused(why: str) -> RefusedError:
    return RefusedError(f"the patch cannot be used: {inert(why)[:300]}", _HINT)


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as e:
        raise _refused("it is not UTF-8 text") from e


# -- reading ---------------------------------------------------------------------------------------


def _parsed(patch: str) -> _Patch:
    if len(_utf8(patch)) > MAX_PROGRAM_BYTES:
        raise _refused(f"it has more than {MAX_PROGRAM_BYTES:,} bytes")
    if "\0" in patch:
        raise _refused("it holds a NUL")
    reader = _Reader(patch)
    reader.read()
    if not reader.hunks:
        raise _refused("it holds no changed lines (a unified diff has lines that begin with @@)")
    return _Patch(frozenset(reader.named), tuple(reader.hunks))


class _Reader:
    """Reads a patch from its first line to its last."""

    def __init__(self, patch: str) -> None:
        self._lines = patch.split("\n")
        if self._lines[-1] == "":
            self._lines.pop()
        self._at = 0
        self._files = 0
        self.named: set[str] = set()
        self.hunks: list[_Hunk] = []

    def read(self) -> None:
        while self._at < len(self._lines):
            self._section(self._next().removesuffix("\r"))

    def _next(self) -> str:
        self._at += 1
        return self._lines[self._at - 1]

    def _following(self) -> str:
        return self._lines[self._at] if self._at < len(self._lines) else ""

    def _section(self, line: str) -> None:
        """One line between hunks: a heading, or words around the patch, which do not count."""
        if line.startswith(_MORE):
            raise _refused(f"more than changed lines: {line[:60]!r}")
        if line.startswith("--- ") and self._following().startswith("+++ "):
            self._heading(line[4:], self._next().removesuffix("\r")[4:])
        elif line.startswith("diff --git "):
            self.named |= _names_of_git(line.removeprefix("diff --git "))
        elif line.startswith("Index: "):
            self.named.add(_name(line.removeprefix("Index: ")))
        elif re.match(r"index [0-9a-f]+\.\.", line) and not _INDEX.match(line):
            raise _refused(f"more than changed lines: {line[:60]!r}")
        elif line.startswith("@@"):
            self._hunk(line)
        elif self.hunks and line[:1] in (" ", "+", "-") and line not in ("-- ", "--"):
            raise _refused("a hunk has more lines than its heading says")

    def _heading(self, old: str, new: str) -> None:
        self._files += 1
        if self._files > 1:
            raise _refused("it changes more than one file, or one twice")
        self.named |= {_name(old), _name(new)}

    def _hunk(self, heading: str) -> None:
        if not self._files:
            raise _refused("lines are changed before a file is named")
        if len(self.hunks) == MAX_HUNKS:
            raise _refused(f"it has more than {MAX_HUNKS} hunks")
        found = _HUNK.match(heading)
        if found is None:
            raise _refused(f"{heading[:60]!r} is no heading of a hunk")
        start, before, _, after = (1 if n is None else int(n) for n in found.groups())
        old, new = self._body(before, after)
        self.hunks.append(_Hunk(start, old, new))

    def _body(self, before: int, after: int) -> tuple[str, str]:
        old: list[str] = []
        new: list[str] = []
        while len(old) < before or len(new) < after:
            if self._at == len(self._lines):
                raise _refused("it ends within a hunk")
            line = self._next()
            mark, rest = line[:1] or " ", line[1:] + "\n"  # editors cut the blank of an empty line
            if self._following().startswith(_NO_NEWLINE):
                self._at += 1
                rest = rest[:-1]
            if mark not in (" ", "+", "-"):
                raise _refused(f"a line in a hunk begins with {mark!r}")
            if mark != "+":
                old.append(rest)
            if mark != "-":
                new.append(rest)
        if len(old) > before or len(new) > after:
            raise _refused("a hunk has other lines than its heading says")
        if any(not line.endswith("\n") for side in (old, new) for line in side[:-1]):
            raise _refused("a line without an end is not the last")
        return "".join(old), "".join(new)


def _names_of_git(names: str) -> set[str]:
    parts = names.split(" ")
    if len(parts) != 2:
        raise _refused(f"{names[:60]!r} does not name one file")
    return {_name(part) for part in parts}


def _name(written: str) -> str:
    """The path that a heading names, as plainly as a program is named; a time behind a tab goes."""
    name = written.partition("\t")[0]
    bare = name[2:] if name.startswith(("a/", "b/")) else name
    bare = bare.removeprefix("./")
    plain = re.fullmatch(r"[A-Za-z0-9_.][A-Za-z0-9_./-]*", bare) is not None
    if not plain or bare.startswith("/") or {"", ".", ".."} & set(bare.split("/")):
        raise _refused(f"it names {name[:60]!r}, which is no plain path")
    return bare


# -- applying --------------------------------------------------------------------------------------


def _spliced(hunks: tuple[_Hunk, ...], text: str) -> str:
    """The text with all hunks, each found in what the one before left behind itself."""
    starts = list(_line_starts(text))
    parts: list[str] = []
    done = shift = 0  # what is copied of the text; by how many lines the last hunk was off
    for number, hunk in enumerate(hunks, 1):
        expected = hunk.start - (1 if hunk.old else 0) + shift
        at = _place(hunk, text, starts, expected, done)
        if at is None:
            raise _refused(f"hunk {number} (line {hunk.start}) does not match the program")
        shift += _line_of(starts, at) - expected if hunk.old else 0
        parts += (text[done:at], hunk.new)
        done = at + len(hunk.old)
    if any(not part.endswith("\n") for part in [p for p in [*parts, text[done:]] if p][:-1]):
        raise _refused("a line without an end would not be the last")
    return "".join((*parts, text[done:]))


def _line_starts(text: str) -> Iterator[int]:
    yield 0
    at = text.find("\n")
    while at >= 0:
        yield at + 1
        at = text.find("\n", at + 1)


def _line_of(starts: list[int], at: int) -> int:
    return bisect_left(starts, at)


def _place(hunk: _Hunk, text: str, starts: list[int], expected: int, done: int) -> int | None:
    """Where the hunk's old lines are: at the expected line, else the one place where they are."""
    if not hunk.old:  # nothing to find it by: only an empty program has one place
        return 0 if not text else None
    if 0 <= expected < len(starts) and starts[expected] >= done:
        at = starts[expected]
        if text.startswith(hunk.old, at) and _is_whole(hunk, text, at):
            return at
    return _only_place(hunk, text, done)


def _only_place(hunk: _Hunk, text: str, done: int) -> int | None:
    if not hunk.old.endswith("\n"):
        at = len(text) - len(hunk.old)
        fits = at >= done and text.endswith(hunk.old) and (at == 0 or text[at - 1] == "\n")
        return at if fits else None
    lead = done == 0 and text.startswith(hunk.old)
    found = [0] if lead else []
    at = text.find("\n" + hunk.old, max(0, done - 1))
    while at >= 0 and len(found) < 2:
        found.append(at + 1)
        at = text.find("\n" + hunk.old, at + 1)
    return found[0] if len(found) == 1 else None


def _is_whole(hunk: _Hunk, text: str, at: int) -> bool:
    """Whether the old lines end where a line of the text does."""
    return hunk.old.endswith("\n") or at + len(hunk.old) == len(text)
