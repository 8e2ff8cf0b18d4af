"""Files of results for other tools: tables of text, and Parquet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import BinaryIO

from gitcollab.errors import GitcollabError
from gitcollab.swarm.exporting import NUMBERS, Cell, Exported, cells, columns
from gitcollab.swarm.tables import guarded

_PIECE = 2000  # rows that are held at once


def write_table(found: Iterable[Exported], metric: str, out: BinaryIO, *, delimiter: str) -> int:
    """Write a table of UTF-8 text as the rows come; how many there were.

    In a CSV, which spreadsheets open, no text can be a formula.
    """
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerow(columns(metric))
    number = 0
    for number, one in enumerate(found, 1):
        writer.writerow(map(_guarded if delimiter == "," else _shown, _as_the_field(one)))
        if not number % 100:
            _pass_on(text, out)
    _pass_on(text, out)
    return number


def _as_the_field(one: Exported) -> Sequence[Cell]:
    """The cells; a crash has zeros where others have their metric and memory."""
    commit, metric, memory, *others = cells(one)
    shown = _decimals(0.0 if one.crashed else metric)
    return [commit, shown, 0.0 if one.crashed else memory, *others]


def _pass_on(text: io.StringIO, out: BinaryIO) -> None:
    out.write(text.getvalue().encode("utf-8", "replace"))
    text.seek(0)
    text.truncate()


def _decimals(metric: Cell) -> Cell:
    """The metric with six decimals, as the field writes it, where these say all of it."""
    if not isinstance(metric, float) or abs(metric) >= 1e9:
        return metric
    shown = f"{metric:.6f}"
    return _Number(shown) if float(shown) == metric else metric


class _Number(str):
    """Text that is a number."""


def _shown(cell: Cell) -> str:
    return "" if cell is None else str(cell)


def _guarded(cell: Cell) -> str:
    is_text = isinstance(cell, str) and not isinstance(cell, _Number)
    return guarded(str(cell)) if is_text else _shown(cell)


def write_parquet(found: Iterable[Exported], metric: str, out: BinaryIO) -> int:
    """Write a Parquet file as the rows come; how many there were.

    Raises GitcollabError where pyarrow is missing.
    """
    try:
        import pyarrow as arrow
        from pyarrow import parquet
    except ImportError as e:
        raise GitcollabError(
            "Parquet needs pyarrow, which is not installed", "pip install 'gitcollab[data]'"
        ) from e
    names = columns(metric)
    kinds = [arrow.float64() if n in NUMBERS | {metric} else arrow.string() for n in names]
    schema = arrow.schema(list(zip(names, kinds, strict=True)))
    number = 0
    with parquet.ParquetWriter(out, schema) as writer:
        for piece in _pieces(found):
            number += len(piece)
            columns_of = zip(names, zip(*piece, strict=True), strict=True)
            held = [_held(column, name, metric) for name, column in columns_of]
            writer.write_table(arrow.table(held, schema=schema))
    return number


def _held(column: Sequence[Cell], name: str, metric: str) -> list[Cell]:
    """The cells as Parquet has them."""
    if name in NUMBERS | {metric}:
        return [None if cell is None else float(cell) for cell in column]
    return [None if cell is None else str(cell) for cell in column]


def _pieces(found: Iterable[Exported]) -> Iterator[Sequence[Sequence[Cell]]]:
    rows = map(cells, found)
    while piece := list(islice(rows, _PIECE)):
        yield piece
