"""Tables in text files: TSV and CSV as people, programs and spreadsheets write them.

What a file holds is a stranger's: reading is bounded, and a line that cannot be read costs no
other.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import NamedTuple

from gitcollab.errors import UsageError

MAX_BYTES = 50_000_000
MAX_ROWS = 100_000
_MAX_COLUMNS = 1000
_CELL_LINES = 50  # that a quoted cell of a CSV may have: then its quote was never closed

_LINE_END = re.compile(r"\r\n|\r|\n")  # no others: a cell may hold what str.splitlines breaks at
# How spreadsheets write text: a byte order mark tells.
_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


class Row(NamedTuple):
    """A line of a table (the first of its lines, from 1): its cells, and how it was written."""

    line: int
    cells: Sequence[str]
    raw: str


class Fault(NamedTuple):
    """A line that is left out, and why."""

    line: int
    reason: str


@dataclass(frozen=True)
class Table:
    """The rows below a header. Every row has a cell for each column.

    ``for_spreadsheets``: its text may be guarded (see ``guarded``), as that of no TSV is.
    """

    columns: Sequence[str]
    rows: Sequence[Row]
    faults: Sequence[Fault]
    for_spreadsheets: bool = False


def read(path: Path) -> Table:
    """The table in a file. Raises UsageError where there is no table of text."""
    return parsed(_text(path), str(path))


def parsed(text: str, name: str) -> Table:
    """The table in a text; ``name`` is what it is called where it is none."""
    lines = _LINE_END.split(text)
    start = next((n for n, line in enumerate(lines) if line.strip()), None)
    if start is None:
        raise UsageError(f"{name} is empty", "give a file whose first line names its columns")
    if lines[start].lstrip().startswith(("{", "[")):
        raise UsageError(f"{name} is no table but JSON", "give a TSV or CSV")
    delimiter = _delimiter(lines[start])
    found = _rows(lines, start, delimiter)
    heading = next(found)
    if isinstance(heading, Fault):
        raise UsageError(f"{name}: its first line cannot be read: {heading.reason}")
    columns = _columns(heading.cells, name)
    rows: list[Row] = []
    faults: list[Fault] = []
    for one in found:
        if isinstance(one, Fault):
            faults.append(one)
        elif any(cell.strip() for cell in one.cells):
            _take(one, len(columns), rows, faults)
        if len(rows) + len(faults) > MAX_ROWS:
            raise UsageError(f"{name} has more than {MAX_ROWS:,} rows", "import it in parts")
    return Table(columns, rows, faults, delimiter == ",")


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as e:
        raise UsageError(f"{path} cannot be read: {e.strerror}", "give the path of a file") from e
    if len(data) > MAX_BYTES:
        raise UsageError(f"{path} has more than {MAX_BYTES:,} bytes", "import it in parts")
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as e:
        line = data.count(b"\n", 0, e.start) + 1
        raise UsageError(
            f"{path} is not UTF-8 text (byte {e.start}, line {line})", "save it in that encoding"
        ) from e
    if "\0" in text:
        raise UsageError(f"{path} is no text: it holds zero bytes", "give a file of text")
    return text


def _delimiter(heading: str) -> str:
    """What parts the columns: a tab wherever there is one, else what there is most of."""
    if "\t" in heading:
        return "\t"
    return max(",;|", key=heading.count)


def _rows(lines: Sequence[str], start: int, delimiter: str) -> Iterator[Row | Fault]:
    at, many = start, 1 if delimiter == "\t" else _CELL_LINES
    while at < len(lines):
        piece = (f"{lines[n]}\n" for n in range(at, min(at + many, len(lines))))
        reader = csv.reader(piece, delimiter=delimiter, strict=True)
        try:
            cells = next(reader, [])
            used = max(1, reader.line_num)
            yield Row(at + 1, cells, "\n".join(lines[at : at + used]))
        except csv.Error as e:
            used = 1
            if delimiter == "\t":  # there a quote is mostly just a quote
                yield Row(at + 1, lines[at].split("\t"), lines[at])
            else:
                yield Fault(at + 1, _why(e))
        at += used


def _why(e: csv.Error) -> str:
    if "field limit" in str(e):
        return f"it has a cell of more than {csv.field_size_limit():,} characters"
    return f"its quotes cannot be read ({e})"


def _take(row: Row, wide: int, rows: list[Row], faults: list[Fault]) -> None:
    """Add the row where it has a cell for each column; empty ones at its end do not count."""
    extra = row.cells[wide:]
    if len(row.cells) < wide or any(cell.strip() for cell in extra):
        number = len(row.cells)
        faults.append(Fault(row.line, f"it has {number} cells, the header {wide}"))
    else:
        rows.append(Row(row.line, row.cells[:wide], row.raw))


def _columns(cells: Sequence[str], name: str) -> Sequence[str]:
    names = [cell.strip() for cell in cells]
    while names and not names[-1]:
        names.pop()
    if len(names) > _MAX_COLUMNS:
        raise UsageError(f"{name} has {len(names):,} columns", f"give {_MAX_COLUMNS:,} at most")
    seen: set[str] = set()
    for column in names:
        if column and column.casefold() in seen:
            raise UsageError(f"{name} has two columns {column[:60]!r}", "rename one of them")
        seen.add(column.casefold())
    return names


# -- cells -----------------------------------------------------------------------------------------

_DIGITS = r"(?:[0-9]{1,400}(?:\.[0-9]{0,400})?|\.[0-9]{1,400})"
_NUMBER = re.compile(rf"[+-]?{_DIGITS}(?:[eE][+-]?[0-9]{{1,5}})?")
_NOTHING = frozenset(("", "-", "na", "n/a", "nan", "none", "null", "inf", "+inf", "-inf"))


def number(cell: str) -> float | None:
    """The finite number in a cell; None where it says that there is none. Raises ValueError."""
    text = cell.strip()
    if text.casefold() in _NOTHING:
        return None
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{text[:40]!r} is no number")
    value = float(text)
    return value if abs(value) != float("inf") else None


# What spreadsheets take for the beginning of a formula, and what tells them that it is text.
_FORMULA = "=+-@"
_GUARD = "'"


def guarded(cell: str) -> str:
    """The text so that no spreadsheet takes it for a formula."""
    return _GUARD + cell if cell.lstrip(" " + _GUARD)[:1] in tuple(_FORMULA) else cell


def unguarded(cell: str) -> str:
    """What ``guarded`` was given."""
    bare = cell[1:]
    return bare if cell.startswith(_GUARD) and guarded(bare) == cell else cell


def unique(names: Sequence[str]) -> list[str]:
    """The names, with a number behind those that came before."""
    seen: set[str] = set()
    found = []
    for name in names:
        numbered = (f"{name[:56]}_{n}" for n in count(2))
        fresh = name if name not in seen else next(n for n in numbered if n not in seen)
        seen.add(fresh)
        found.append(fresh)
    return found
