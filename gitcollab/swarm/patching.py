"""Patches: unified diffs against the one file that agents may change. Pure: no file, no process.

A patch comes from a stranger. It is read strictly: what is more than changed lines of one named
file (modes, renames, new, deleted or binary files, links) is refused, as is what does not match
the text exactly. A patch never says where anything is written: only a text becomes another.

Hunks are placed as ``git apply`` places them without options: one that begins at line 1 lies at
the beginning of the file, one without a line behind its last change lies at the end, and others
may have moved. What is accepted here, git accepts with the same result. It is stricter with
- a moved hunk that has several places (git takes the one nearest to its line), and any that has
  them behind a moved one, since its line says little then; more than MAX_MOVED moved hunks;
- hunks in another order than that of the file;
- a hunk that only adds and is not at its line (git puts it at the end);
- a line without an end that would not be the last (git glues the next to it).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from gitcollab.errors import RefusedError, UsageError
from gitcollab.records.models import MAX_PROGRAM_BYTES
from gitcollab.records.quoting import line as inert

MAX_HUNKS = 1000
MAX_MOVED = 100  # each is looked for in the whole program, which may take 20 ms
_HINT = "make it by `git diff` or `gitcollab diff ID --raw`, against this version of the program"
_SPAN = "([0-9]{1,9})(?:,([0-9]{1,9}))?"
_HUNK = re.compile(rf"@@ -{_SPAN} \+{_SPAN} @@(?: .*)?\r?\n?\Z")
_INDEX = re.compile(r"index [0-9a-f]+\.\.[0-9a-f]+(?: 100(?:644|755))?\Z")
# What git writes above changes that are more than changed lines, and other forms of patches.
_MORE = (
    *("old mode", "new mode", "deleted file mode", "new file mode"),
    *("copy from", "copy to", "rename from", "rename to", "rename old", "rename new"),
    *("similarity index", "dissimilarity index", "GIT binary patch", "Binary files"),
    *("diff --cc", "diff --combined", "@@@"),
)
_NO_NEWLINE = re.compile(r"\\ .{10}")  # in any language, but never shorter: so git knows it


@dataclass(frozen=True)
class _Hunk:
    """``old``, at line ``start`` of the file, becomes ``new``, at line ``now`` of the result.

    The first line is 1; a side without lines names the line before. ``last``: no line follows
    the last change.
    """

    start: int
    now: int
    old: str
    new: str
    last: bool

    @property
    def first(self) -> bool:
        """Whether it can only lie at the beginning."""
        return self.start <= 1

    @property
    def growth(self) -> int:
        """By how many lines it makes the file longer."""
        return self.new.count("\n") - self.old.count("\n")

    def fits(self, text: str, at: int) -> bool:
        """Whether its old lines are those of the text at ``at``, up to the end if it is last."""
        end = at + len(self.old)
        begins = at == 0 or text[at - 1 : at] == "\n"
        ends = end == len(text) or (self.old.endswith("\n") and not self.last)
        return begins and ends and text.startswith(self.old, at)


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
    the only other place; at the beginning or the end of the text where its own lines begin or end
    there. Raises RefusedError, which says what does not fit.
    """
    parsed = _parsed(patch)
    if others := sorted(parsed.named - {program}):
        raise _refused(f"it names {others[0]!r}, and only {program} may be changed")
    try:
        result = _spliced(parsed.hunks, text)
    except RefusedError as e:
        if _is_in(parsed.hunks, text):
            raise RefusedError(
                f"{program} has the patch's change already", "gitcollab run, without the patch"
            ) from e
        raise
    size = len(_utf8(result))
    if size > MAX_PROGRAM_BYTES:
        raise _refused(f"it makes a program of {size:,} bytes; {MAX_PROGRAM_BYTES:,} are allowed")
    if result == text:
        raise _refused("it changes nothing")
    return result


def source(patch: str) -> str | None:
    """The result whose program a patch of ``gitcollab diff`` leads to, as its heading says."""
    found = re.search(r"^\+\+\+ [^\t\r\n]+\t([^\t\r\n]{1,200})\r?$", patch, re.MULTILINE)
    return found[1] if found else None


class NoPatch(RefusedError, UsageError):  # noqa: N818
    """What was given is something else."""

    exit_code = UsageError.exit_code

    def __init__(self, why: RefusedError) -> None:
        super().__init__(why.message, why.hint)


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
        raise NoPatch(_refused("it holds no changed lines (they begin with @@ in a unified diff)"))
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
            raise _refused(f"no file is named right above {line[:60]!r}")
        elif self.hunks and line[:1] in (" ", "+", "-") and line not in ("-- ", "--"):
            raise _refused("a hunk has more lines than its heading says")

    def _heading(self, old: str, new: str) -> None:
        self._files += 1
        if self._files > 1:
            raise _refused("it changes more than one file, or one twice")
        self.named |= {_name(old), _name(new)}
        while self._following().startswith("@@"):
            self._hunk(self._next())

    def _hunk(self, heading: str) -> None:
        if len(self.hunks) == MAX_HUNKS:
            raise _refused(f"it has more than {MAX_HUNKS} hunks")
        found = _HUNK.match(heading)
        if found is None:
            raise _refused(f"{heading[:60]!r} is no heading of a hunk")
        start, before, now, after = (1 if n is None else int(n) for n in found.groups())
        old, new, marks = self._body(before, after)
        if not marks.strip():
            raise _refused("a hunk changes nothing")
        self.hunks.append(_Hunk(start, now, old, new, last=not marks.endswith(" ")))

    def _body(self, before: int, after: int) -> tuple[str, str, str]:
        """The lines of both sides, and what every line of the hunk begins with."""
        old: list[str] = []
        new: list[str] = []
        marks = ""
        while len(old) < before or len(new) < after:
            if self._at == len(self._lines):
                raise _refused("it ends within a hunk")
            line = self._next()
            mark, rest = line[:1] or " ", line[1:] + "\n"  # editors cut the blank of an empty line
            if _NO_NEWLINE.match(self._following()):
                self._at += 1
                rest = rest[:-1]
            if mark not in (" ", "+", "-"):
                raise _refused(f"a line in a hunk begins with {mark!r}")
            marks += mark
            if mark != "+":
                old.append(rest)
            if mark != "-":
                new.append(rest)
        if len(old) > before or len(new) > after:
            raise _refused("a hunk has other lines than its heading says")
        if any(not line.endswith("\n") for side in (old, new) for line in side[:-1]):
            raise _refused("a line without an end is not the last")
        return "".join(old), "".join(new), marks


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
    """The text with all hunks, each found behind the one before."""
    starts = list(_line_starts(text))
    kept: list[tuple[int, int]] = []  # from where to where the text stays as it is
    parts: list[str] = []
    done = growth = moved = 0
    for number, hunk in enumerate(hunks, 1):
        line = max(hunk.now - 1, 0) - growth
        stated = starts[line] if not moved and 0 <= line < len(starts) else None
        if not hunk.old and (len(hunks) > 1 or (text and stated != len(text))):
            raise _refused(f"hunk {number} (line {hunk.start}) has no lines to find its place by")
        if moved == MAX_MOVED:
            raise _refused(f"more than {MAX_MOVED} of its hunks are not at their lines")
        at = _place(hunk, text, stated, [*kept, (done, len(text))])
        if at is None or at < done:
            raise _refused(f"hunk {number} (line {hunk.start}) does not match {_where(hunk)}")
        parts += (text[done:at], hunk.new)
        kept.append((done, at))
        done = at + len(hunk.old)
        growth += hunk.growth
        moved += at != stated
    if any(not part.endswith("\n") for part in [p for p in [*parts, text[done:]] if p][:-1]):
        raise _refused("a line without an end would not be the last")
    return "".join((*parts, text[done:]))


def _is_in(hunks: tuple[_Hunk, ...], text: str) -> bool:
    """Whether the text is what the hunks make: they can be taken back."""
    back = tuple(_Hunk(h.now, h.start, h.new, h.old, h.last) for h in hunks)
    try:
        _spliced(back, text)
    except RefusedError:
        return False
    return True


def _line_starts(text: str) -> Iterator[int]:
    yield 0
    at = text.find("\n")
    while at >= 0:
        yield at + 1
        at = text.find("\n", at + 1)


def _where(hunk: _Hunk) -> str:
    """Where the hunk should have matched, in words."""
    if hunk.first:
        return "the whole program" if hunk.last else "the beginning of the program"
    return "the end of the program" if hunk.last else "the program in one place"


def _place(hunk: _Hunk, text: str, stated: int | None, kept: list[tuple[int, int]]) -> int | None:
    """Where the hunk's old lines are: where they have to be, else at their line, else alone."""
    if hunk.first or hunk.last:
        at = 0 if hunk.first else len(text) - len(hunk.old)
    elif stated is not None and hunk.fits(text, stated):
        at = stated
    else:
        found = list(islice(_places(hunk, text, kept), 2))
        at = found[0] if len(found) == 1 else -1
    return at if at >= 0 and hunk.fits(text, at) else None


def _places(hunk: _Hunk, text: str, kept: list[tuple[int, int]]) -> Iterator[int]:
    """Where the old lines begin in what is kept; a line without an end may be longer there."""
    for begin, end in kept:
        at = begin if text.startswith(hunk.old, begin, end) else _next_place(hunk, text, begin, end)
        while at >= 0:
            yield at
            at = _next_place(hunk, text, at, end)


def _next_place(hunk: _Hunk, text: str, begin: int, end: int) -> int:
    """The place behind ``begin``; below 0 when there is none."""
    at = text.find("\n" + hunk.old, begin, end)
    return at + 1 if at >= 0 else -1
