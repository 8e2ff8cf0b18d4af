"""Records by id: those of a tip, parsed when asked for, and changes laid over them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from gitcollab.store.decoding import Broken

if TYPE_CHECKING:
    from gitcollab.records.models import Record
    from gitcollab.store.decoding import Decoded


class Records(Mapping[str, "Record"]):
    """Records by id, parsed on access; iterating over all of them parses in larger pieces."""

    _PIECE = 500

    def __init__(
        self,
        kind: str,
        rows: Mapping[str, tuple[str, str]],
        load: Callable[[str, list[str]], dict[str, Decoded]],
    ) -> None:
        self._kind = kind
        self._rows = rows
        self._loaded: dict[str, Record] = {}
        self._load = load

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __contains__(self, key: object) -> bool:
        return key in self._rows

    def __getitem__(self, key: str) -> Record:
        if key not in self._loaded:
            if key not in self._rows:
                raise KeyError(key)
            self._fill([key])
        return self._loaded[key]

    def values(self) -> list[Record]:  # type: ignore[override]
        """All records, in the order of their ids."""
        self._fill([key for key in self._rows if key not in self._loaded])
        return [self._loaded[key] for key in self._rows]

    def items(self) -> list[tuple[str, Record]]:  # type: ignore[override]
        """All ids and records, in the order of the ids."""
        return list(zip(self._rows, self.values(), strict=True))

    def passing(self, keys: Sequence[str]) -> Iterator[Record]:
        """The records of these ids that there are, in that order; what is read is not kept."""
        for start in range(0, len(keys), self._PIECE):
            piece = [key for key in keys[start : start + self._PIECE] if key in self._rows]
            found = self._load(self._kind, [self._rows[key][1] for key in piece])
            for key in piece:
                record = found[self._rows[key][1]]
                if not isinstance(record, Broken):
                    yield record

    def _fill(self, keys: list[str]) -> None:
        for start in range(0, len(keys), self._PIECE):
            piece = keys[start : start + self._PIECE]
            found = self._load(self._kind, [self._rows[key][1] for key in piece])
            for key in piece:
                record = found[self._rows[key][1]]
                if isinstance(record, Broken):  # cannot be: rows names valid ones only
                    raise KeyError(key)
                self._loaded[key] = record


class Overlaid(Mapping[str, "Record"]):
    """``below`` with some records changed, added, or (None) gone."""

    def __init__(self, below: Records, changed: Mapping[str, Record | None]) -> None:
        self._below = below
        self._changed = changed

    @cached_property
    def _ids(self) -> list[str]:
        there = {key for key, record in self._changed.items() if record is not None}
        return sorted(there.union(key for key in self._below if key not in self._changed))

    def __len__(self) -> int:
        return len(self._ids)

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids)

    def __getitem__(self, key: str) -> Record:
        if key not in self._changed:
            return self._below[key]
        record = self._changed[key]
        if record is None:
            raise KeyError(key)
        return record
