"""What the index keeps of records beside their text, to rank and find them without parsing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

Scalar: TypeAlias = str | float | int | None
Row: TypeAlias = tuple[Any, ...]  # an id and the values of the columns asked for


@dataclass(frozen=True)
class Columns:
    """The columns of one kind of record.

    ``of`` gives a record's values in the order of ``names``. By the ``keyed`` ones records are
    found at a cost that does not grow with their number. ``text`` gives the words that a record is
    searched by; without it none are kept. ``version`` changes whenever what ``of`` or ``text``
    gives does: the index is then made again.
    """

    kind: str
    names: tuple[str, ...]
    keyed: tuple[str, ...]
    of: Callable[[Any], tuple[Scalar, ...]]
    version: int
    text: Callable[[Any], str] | None = None

    def row(self, record_id: str, record: object, names: tuple[str, ...]) -> Row:
        """The id and the values of the columns ``names``."""
        values = dict(zip(self.names, self.of(record), strict=True))
        return (record_id, *(values[name] for name in names))
