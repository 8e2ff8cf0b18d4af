"""A log of experiments as the field keeps it: a row each, with what came of it.

    commit  val_bpb  memory_gb  status  description

The status is keep, discard or crash; a crash has 0.000000 where others have their metric, and what
has that and is not said to be kept is one. Columns go by their names, in any order; of others,
numbers become metrics. Our own exports say by ids what a row builds on, and which it ran again; of
these, what crashed says so.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from gitcollab.errors import UsageError
from gitcollab.records.models import MAX_DESCRIPTION
from gitcollab.records.names import kind_of, path_of
from gitcollab.records.quoting import line
from gitcollab.swarm.tables import Fault, Row, Table, number, unguarded, unique

FIELDS = ("commit", "memory_gb", "status", "description")
MAX_DEVICE = 120  # characters
_MOST_METRICS = 64

# What a status may be called.
_KEPT = frozenset(("keep", "kept", "baseline", "better", "best", "accept", "accepted"))
_LEFT = frozenset(
    ("", "discard", "discarded", "ok", "done", "worse", "revert", "reverted", "reject", "rejected")
)
_CRASHED = frozenset(("crash", "crashed", "fail", "failed", "error", "timeout", "oom"))

# Columns of our own exports that are read, and those that are derived or another hub's.
_OWN = ("seed", "tier", "device", "wall_seconds", "id", "base", "replicates")
_DERIVED = ("agent", "created_at", "verdict", "fingerprint", "counts")

_TIER = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_BASELINE = re.compile(r"\W*(the )?(original |unchanged )?baseline( run)?\W*(\(.*\)\W*)?", re.I)


@dataclass(frozen=True)
class Entry:
    """One row. ``seen`` tells it from rows that say the same, in the order of the file."""

    line: int
    raw: str
    commit: str
    status: Literal["ok", "crash"]
    metric: float | None
    kept: bool
    description: str
    metrics: Mapping[str, float]
    seen: int = 0
    seed: int | None = None
    tier: str | None = None
    device: str | None = None
    wall_seconds: float | None = None
    known: str = ""  # the id of the result that it was exported from
    base: str | None = None  # the id of what it builds on ("": nothing), where the file says it
    replicates: str = ""  # the id of what it ran again
    is_zero: bool = False  # its metric is exactly 0, and no word says that it crashed

    @property
    def identity(self) -> str:
        """What the row says, however the file writes it: the same in each import."""
        status = "crash" if self.status == "crash" else "keep" if self.kept else "discard"
        said = (self.commit, repr(self.metric), status, self.description, str(self.seen))
        return "\0".join(said)

    @property
    def is_baseline(self) -> bool:
        """Whether it is called the baseline."""
        return bool(_BASELINE.fullmatch(self.description))


def entries(table: Table, metric: str, name: str) -> tuple[list[Entry], list[Fault]]:
    """The rows of the log ``name``, and those that cannot be read with the table's own faults.

    They are in the order of the file, but that none comes before what it says it builds on.
    ``metric`` is its column. Raises UsageError where that, or the description, is missing.
    """
    columns = _Columns(table, metric, name)
    seen: Counter[str] = Counter()
    found: list[Entry] = []
    faults = list(table.faults)
    for row in table.rows:
        try:
            entry = columns.entry(row, seen)
        except ValueError as e:
            faults.append(Fault(row.line, line(str(e))))
        else:
            found.append(entry)
    return _in_order(found), sorted(faults)


def _in_order(entries: Sequence[Entry]) -> list[Entry]:
    """The entries, none before its base where that is among them. (A circle is cut somewhere.)"""
    by_id = {e.known: e for e in reversed(entries) if e.base is not None}
    placed: dict[int, Entry] = {}  # by line
    for entry in entries:
        way: dict[int, Entry] = {}
        at: Entry | None = entry
        while at is not None and at.line not in placed and at.line not in way:
            way[at.line] = at
            at = by_id.get(at.base) if at.base else None
        placed |= reversed(way.items())
    return list(placed.values())


class _Columns:
    """Where what stands in a table."""

    def __init__(self, table: Table, metric: str, log: str) -> None:
        names = table.columns
        self._bare = unguarded if table.for_spreadsheets else str
        self._at = {name.casefold(): n for n, name in enumerate(names) if name}
        for wanted in (metric, "description"):
            if wanted.casefold() not in self._at:
                has = ", ".join(filter(None, names))[:200]
                hint = f"name it: --metric COLUMN (it has {line(has)})"
                if wanted == "description":
                    hint = f"the first line names the columns; it has {line(has)}"
                raise UsageError(f"{log} has no column {wanted}", hint)
        self._metric = metric.casefold()
        ours = {self._metric, "commit", "status", "description", *_OWN, *_DERIVED}
        others = [n for n in names if n and n.casefold() not in ours]
        self._metrics = dict(zip(others, unique([_metric_name(n) for n in others]), strict=True))

    def entry(self, row: Row, seen: Counter[str]) -> Entry:
        """The row as an experiment. Raises ValueError, which says why it is none."""
        status, kept = _status(self._cell(row, "status").casefold())
        metric = number(self._cell(row, self._metric))
        is_zero = status == "ok" and metric == 0
        if status == "crash" or metric is None or (is_zero and not (kept or self._tells(row))):
            status, metric, kept = "crash", None, False
        commit = self._cell(row, "commit")
        base = self._cell(row, "base") if self._tells(row) else None
        if base and not _is_result(base):
            raise ValueError(f"its base {base[:40]!r} is not the id of a result")
        entry = Entry(
            line=row.line,
            raw=row.raw,
            commit=commit,
            status=status,
            metric=metric,
            kept=kept,
            description=_description(self._cell(row, "description"), commit),
            metrics=self._numbers(row, crashed=status == "crash"),
            seed=_seed(self._cell(row, "seed")),
            tier=_matching(_TIER, self._cell(row, "tier")),
            device=shown(self._cell(row, "device"), MAX_DEVICE) or None,
            wall_seconds=_seconds(self._cell(row, "wall_seconds")),
            is_zero=is_zero,
            known=self._cell(row, "id"),
            base=base,
            replicates=self._cell(row, "replicates") if self._tells(row) else "",
        )
        seen[entry.identity] += 1
        again = seen[entry.identity] - 1
        return entry if not again else Entry(**{**vars(entry), "seen": again})

    def _tells(self, row: Row) -> bool:
        """Whether the row says of which results it comes: it is of our exports."""
        return "base" in self._at and _is_result(self._cell(row, "id"))

    def _cell(self, row: Row, column: str) -> str:
        at = self._at.get(column)
        return "" if at is None else self._bare(row.cells[at].strip())

    def _numbers(self, row: Row, *, crashed: bool) -> dict[str, float]:
        """The numbers in other columns; of a crash, 0 stands for none."""
        found: dict[str, float] = {}
        for column, name in self._metrics.items():
            try:
                value = number(self._cell(row, column.casefold()))
            except ValueError:
                continue  # words
            if value is not None and not (crashed and value == 0):
                found[name] = value
        return dict(list(found.items())[:_MOST_METRICS])


def _is_result(text: str) -> bool:
    return kind_of(path_of("result", text)) is not None


def _status(word: str) -> tuple[Literal["ok", "crash"], bool]:
    """How a run ended, and whether it was kept."""
    if word in _CRASHED:
        return "crash", False
    if word in _KEPT | _LEFT:
        return "ok", word in _KEPT
    raise ValueError(f"its status {word[:40]!r} is none of keep, discard, crash")


def shown(text: str, limit: int) -> str:
    """The words as a record may hold them: on one line that does nothing, cut to the limit."""
    said = line(unicodedata.normalize("NFC", text), stored=True)
    return said if len(said) <= limit else f"{said[: limit - 1].rstrip()}…"


def _description(text: str, commit: str) -> str:
    unnamed = f"commit {shown(commit, 60)}" if commit else "not described"
    return shown(text, MAX_DESCRIPTION) or unnamed


def _metric_name(column: str) -> str:
    """The column's name as a metric may be called."""
    name = re.sub(r"[^A-Za-z0-9_.-]+", "_", column)[:64]
    return name if re.match(r"[A-Za-z_]", name) else f"_{name}"[:64]


def _seed(cell: str) -> int | None:
    return int(cell) if re.fullmatch(r"-?[0-9]{1,18}", cell) else None


def _seconds(cell: str) -> float | None:
    try:
        value = number(cell)
    except ValueError:
        return None
    return value if value is not None and value >= 0 else None


def _matching(pattern: re.Pattern[str], cell: str) -> str | None:
    return cell if pattern.fullmatch(cell) else None
