"""Tables of text that fit their terminal, or 80 cells in a pipe.

Where room is scarce, a table gives way in this order: long texts are cut to ``ROOM`` cells, titles
become short, a column goes below its row, columns that others tell are left out, names are cut, and
at last one column after the other goes below its row, with its title. Numbers are never cut: what
is on the right side. Rich measures what is not ASCII, and is imported for nothing else.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import zip_longest
from types import MappingProxyType
from typing import Literal, NamedTuple, TypeAlias

from gitcollab.cli.text import line, symbol

ROOM = 24  # cells that a column which takes what the others leave should have
_NARROW = 8  # and has as long as all columns are beside each other
LAST = 9  # of ``drop``: left out only where names cannot be cut further
_GAP = "  "
_INDENT = "    "  # before what goes below its row

Row: TypeAlias = Sequence[str]
Paint: TypeAlias = Callable[[str, str], str]  # a text as it is padded, and what it says

# How words that say what became of a run are coloured: SGR parameters.
_TITLE = "\n"  # in the place of a word: no cell is that
_COLOURS = {
    _TITLE: "1",
    "keep": "32",
    "discard": "31",
    "noise": "33",
    "crash": "35",
    "timeout": "35",
    "void": "31",
}


@dataclass(frozen=True)
class Column:
    """A column of a table: at most ``wide`` cells, or what the others leave when None.

    On the right side are numbers: they have the cells that they need, and titles at most ``wide``.
    What is ``whole`` is never cut: on a terminal it is folded (to ``wide``, where it must be),
    elsewhere its row is longer. Where room is scarce, ``short`` is the title, ``under`` puts the
    cell on a line below its row, ``drop`` leaves the column out (1 before 2; from ``LAST`` on only
    where nothing else helps), and ``least`` is what it can be cut to.
    """

    title: str
    wide: int | None = 12
    side: Literal["left", "right"] = "left"
    whole: bool = False
    short: str = ""
    under: bool = False
    drop: int = 0
    least: int | None = None


def table(columns: Sequence[Column], rows: Sequence[Row]) -> None:
    """Print rows under titles. Without rows nothing is printed."""
    folding = sys.stdout.isatty()
    paint = painted if in_colours() else plain
    for shown in laid_out(columns, rows, width(), folding=folding, paint=paint):
        print(shown)


def laid_out(
    columns: Sequence[Column],
    rows: Sequence[Row],
    room: int,
    *,
    folding: bool,
    paint: Paint,
) -> list[str]:
    """The lines of a table of at most ``room`` cells; of more only for what is whole.

    ``folding``: what is whole is folded to fit.
    """
    if not rows:
        return []
    columns = [replace(column, title=line(column.title)) for column in columns]
    cells = [[apart(line(cell)) for cell in row] for row in rows]
    made = _Layout.of(columns, cells, room, folding)
    heads = [made.columns.get(at, column).title for at, column in enumerate(columns)]
    shown = [titled(text, paint) for text in made.beside(heads, plain)]
    for row in cells:
        shown += made.lines_of(row, paint)
    return shown


def apart(text: str) -> str:
    """The text without what joins emoji: how wide these are, no two terminals agree."""
    return text.replace("\u200d", "").replace("\ufe0f", "")


def plain(text: str, word: str) -> str:
    """The text without a colour."""
    return text


def painted(text: str, word: str) -> str:
    """The text in the colour that belongs to the word, which may have a mark beside it."""
    first, _, mark = word.partition(" ")
    colour = _COLOURS.get(word if any(map(str.isalnum, mark)) else first)
    return f"\x1b[{colour}m{text}\x1b[0m" if colour else text


def titled(text: str, paint: Paint) -> str:
    """The text as titles are shown."""
    return paint(text, _TITLE)


def in_colours() -> bool:
    """Whether standard output is to have colours (no-color.org: any value of NO_COLOR)."""
    return is_able() and not os.environ.get("NO_COLOR")


def is_able() -> bool:
    """Whether standard output is a terminal that does more than print."""
    return sys.stdout.isatty() and os.environ.get("TERM", "") not in ("dumb", "unknown")


def width(least: int = 40) -> int:
    """The cells of a line: of the terminal, of COLUMNS, or 80; never fewer than ``least``."""
    return max(least, shutil.get_terminal_size((80, 24)).columns)


def size(text: str) -> int:
    """The cells that a text takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def cut(text: str, room: int) -> str:
    """The text in at most ``room`` cells: what is longer ends in an ellipsis."""
    if size(text) <= room:
        return text
    mark = symbol("…")
    if text.isascii():
        return f"{text[: room - 1]}{mark}"
    from rich.cells import set_cell_size

    return f"{set_cell_size(text, room - 1)}{mark}"


def folded(text: str, room: int) -> list[str]:
    """The text in lines of at most ``room`` cells, parted at blanks where there are any."""
    lines, rest = [], text
    while size(rest) > room:
        part = _begin(rest, room)
        at = part.rfind(" ") if rest[len(part) : len(part) + 1] != " " else len(part)
        if at > 0:
            part = part[:at]
        lines.append(part)
        rest = rest[len(part) :].lstrip(" ")
    return [*lines, rest] if rest or not lines else lines


def _begin(text: str, room: int) -> str:
    if text.isascii():
        return text[:room]
    from rich.cells import chop_cells

    return chop_cells(text, room)[0]


@dataclass(frozen=True)
class _Layout:
    """Which columns of a row are shown, how wide, and which go below it; by place in the row.

    Those that are ``stacked`` go there with their titles.
    """

    columns: Mapping[int, Column]
    widths: Mapping[int, int]
    under: Sequence[int]
    stacked: Mapping[int, Column]
    room: int
    folding: bool

    @classmethod
    def of(
        cls, columns: Sequence[Column], rows: Sequence[Row], room: int, folding: bool
    ) -> _Layout:
        tries = [*_squeezed(columns)]
        measured = partial(_Measured, rows=rows, room=room, folding=folding)
        made = (
            next((one for one in map(measured, tries) if one.fits()), None)
            or next((one for one in map(measured, tries) if one.can_fit()), None)
            or measured(next(one for one in reversed(tries) if not one.stacked))
        )
        return cls(made.columns, made.widths(), made.under, made.stacked, room, folding)

    def lines_of(self, row: Row, paint: Paint) -> Iterator[str]:
        """The lines of a row."""
        yield from self.beside(row, paint)
        told = (self._told(column, row[at]) for at, column in self.stacked.items() if row[at])
        yield from self._below("; ".join(told), folds=True)

    def beside(self, row: Row, paint: Paint) -> Iterator[str]:
        """The lines of a row without what is stacked."""
        yield from self.line_of([row[at] for at in self.columns], paint)
        for at in self.under:
            yield from self._below(row[at], folds=self.folding)

    def _told(self, column: Column, cell: str) -> str:
        told = f"{column.title} {cell}"
        return told if column.side == "right" else cut(told, self.room - len(_INDENT) - len(";"))

    def _below(self, text: str, *, folds: bool) -> Iterator[str]:
        parts = folded(text, self.room - len(_INDENT)) if folds and text else [text]
        yield from (f"{_INDENT}{part}" for part in parts if part)

    def line_of(self, cells: Row, paint: Paint) -> Iterator[str]:
        """The lines of the cells that are beside each other."""
        parts = [
            folded(cell, self.widths[at]) if column.whole and self.folding else [cell]
            for (at, column), cell in zip(self.columns.items(), cells, strict=True)
        ]
        for pieces in zip_longest(*parts, fillvalue=""):
            shown = (
                paint(self._fitted(at, column, piece), cell)
                for (at, column), piece, cell in zip(
                    self.columns.items(), pieces, cells, strict=True
                )
            )
            yield _GAP.join(shown).rstrip()

    def _fitted(self, at: int, column: Column, text: str) -> str:
        wide = self.widths[at]
        text = text if column.whole else cut(text, wide)
        blanks = " " * max(0, wide - size(text))
        return f"{blanks}{text}" if column.side == "right" else f"{text}{blanks}"


class _Shown(NamedTuple):
    """The columns that are tried, and those that go below their row; by place in the row."""

    columns: dict[int, Column]
    under: Sequence[int] = ()
    beyond: int = -1  # how many columns fewer than is usual where room is scarce
    stacked: Mapping[int, Column] = MappingProxyType({})  # those that go there with their titles


def _squeezed(columns: Sequence[Column]) -> Iterator[_Shown]:
    """The columns to try, each time fewer or narrower."""
    shown = dict(enumerate(columns))
    yield _Shown(shown)
    shown = {at: replace(c, title=c.short or c.title) for at, c in shown.items()}
    yield _Shown(shown)
    under = [at for at, column in shown.items() if column.under]
    gone = [at for _, at in sorted((c.drop, at) for at, c in shown.items() if c.drop)]
    usual = sum(shown[at].drop < LAST for at in gone)
    for number in range(len(gone) + 1):
        away = {*under, *gone[:number]}
        left = {at: column for at, column in shown.items() if at not in away}
        yield _Shown(left, under, number - usual)
    # Long texts need most room, and the last columns are the least of the others.
    stacked: dict[int, Column] = {}
    beside = [at for at in [*left][1:] if not left[at].whole]
    for at in sorted(beside, key=lambda at: (left[at].wide is not None, -at)):
        stacked = dict(sorted({**stacked, at: left[at]}.items()))
        yield _Shown(
            {at: column for at, column in left.items() if at not in stacked},
            under,
            len(gone) - usual + len(stacked),
            stacked,
        )


class _Measured:
    """Columns with the cells that the longest text of each takes, and what room there is."""

    def __init__(self, shown: _Shown, rows: Sequence[Row], room: int, folding: bool) -> None:
        columns = self.columns = shown.columns
        self.under, self.stacked, self._beyond = shown.under, shown.stacked, shown.beyond
        self._room, self._folding = room, folding
        self._longest = {
            at: max(_titled(column), *(size(row[at]) for row in rows))
            for at, column in columns.items()
        }
        self._asked = {at: self._ask(at, column) for at, column in columns.items()}

    def fits(self) -> bool:
        """Whether there is room with the usual columns, once long texts are cut to ``ROOM``."""
        return self._beyond <= 0 and self._left(self._asked) >= 0

    def can_fit(self) -> bool:
        """Whether the least columns have room, once texts and names are cut as far as can be."""
        smallest = {at: self._smallest(at) for at in self._asked}
        return self._beyond >= 0 and self._left(smallest) >= 0

    def widths(self) -> dict[int, int]:
        """The cells of each column, more or less than asked for as there is room."""
        widths = dict(self._asked)
        while self._left(widths) < 0 and (at := self._first_to_give(widths)) is not None:
            widths[at] -= 1
        while self._left(widths) > 0 and (at := self._first_to_get(widths)) is not None:
            widths[at] += 1
        return widths

    def _left(self, widths: Mapping[int, int]) -> int:
        return self._room - sum(widths.values()) - len(_GAP) * (len(widths) - 1)

    def _first_to_give(self, widths: Mapping[int, int]) -> int | None:
        """Names before long texts, the widest first."""
        spare = [at for at in widths if widths[at] > self._smallest(at)]
        by_need = {at: (self.columns[at].wide is not None, widths[at]) for at in spare}
        return max(by_need, key=by_need.__getitem__, default=None)

    def _first_to_get(self, widths: Mapping[int, int]) -> int | None:
        wanting = [at for at in widths if widths[at] < self._wanted(at)]
        return min(wanting, key=widths.__getitem__, default=None)

    def _ask(self, at: int, column: Column) -> int:
        """What a column takes unless there is more or less room than that."""
        if column.wide is None and (self._folding or not column.whole):
            return min(self._longest[at], ROOM)
        return min(self._wanted(at), self._room) if self._folding else self._wanted(at)

    def _wanted(self, at: int) -> int:
        column, longest = self.columns[at], self._longest[at]
        free = column.whole or column.side == "right" or column.wide is None
        return longest if free or column.wide is None else min(longest, column.wide)

    def _smallest(self, at: int) -> int:
        column, wanted = self.columns[at], self._wanted(at)
        if column.side == "right" or (column.whole and not self._folding):
            return wanted
        if column.wide is None:
            return min(wanted, column.least or _NARROW)
        return min(wanted, column.wide if column.least is None else column.least)


def _titled(column: Column) -> int:
    """The cells that a column's title may take: over numbers not more than they were given."""
    title = size(column.title)
    return min(title, column.wide or title) if column.side == "right" else title
