"""How a program differs from its base, coloured: strangers' lines, marked up by Pygments alone."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from markupsafe import Markup

from gitcollab.records import quoting
from gitcollab.store.differences import difference

if TYPE_CHECKING:
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import DiffLexer

MOST_LINES, MOST_WIDE = 400, 300
MOST_BYTES = 40_000  # of a page


class Shown(NamedTuple):
    """A difference; ``left_out`` counts the lines of it that are not shown."""

    markup: Markup
    added: int
    removed: int
    lines: int
    left_out: int


def differing(base: str, program: str, name: str) -> Shown | None:
    """How ``base`` became ``program``, cut where it is very long; None where they are equal."""
    found = difference(base, program, name)
    if not found.patch:
        return None
    every = found.patch.rstrip("\n").split("\n")[2:]  # the names of the files are the page's to say
    lines = [_fit(line) for line in every[:MOST_LINES]]
    rows, size = [], 0
    for row in _marked("\n".join(lines)):
        size += len(row.encode()) + 1
        if size > MOST_BYTES:
            break
        rows.append(row)
    markup = Markup("\n".join(rows))  # Pygments has escaped it
    return Shown(markup, found.added, found.removed, len(every), len(every) - len(rows))


def _marked(text: str) -> list[str]:
    """Each line as HTML, in which nothing of the text acts."""
    from pygments import highlight

    lexer, formatter = _pygments()
    marked: str = highlight(text, lexer, formatter)
    return marked.rstrip("\n").split("\n")


@cache
def _pygments() -> tuple[DiffLexer, HtmlFormatter[str]]:
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import DiffLexer

    return DiffLexer(stripnl=False, ensurenl=True), HtmlFormatter(nowrap=True)


def _fit(line: str) -> str:
    shown = quoting.lines(line)
    return shown if len(shown) <= MOST_WIDE else f"{shown[: MOST_WIDE - 1]}…"
