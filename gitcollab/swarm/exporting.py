"""Results for other tools: in the order of time, a line each, one after the other.

The first columns are those of the field's own logs, so that what reads these reads ours, and
``import`` too; see ``logbook``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

from gitcollab.records.models import Result, rfc3339
from gitcollab.records.quoting import line
from gitcollab.store.overlay import Records
from gitcollab.swarm import looking
from gitcollab.swarm.member import Member
from gitcollab.swarm.outcomes import Judgement
from gitcollab.swarm.roster import uncounted, why_void
from gitcollab.swarm.runs import Run

Cell: TypeAlias = str | float | int | None

# Behind the field's columns.
OURS = (
    *("id", "agent", "created_at", "verdict", "tier", "device", "base", "replicates"),
    *("seed", "wall_seconds", "counts"),
)
NUMBERS = frozenset(("memory_gb", "seed", "wall_seconds"))  # and the metric

_MEBI = 1024
_PIECE = 500  # records that are read at once


class Exported(NamedTuple):
    """A result, what it is judged as by now, and why it does not count (None: it may)."""

    result: Result
    verdict: Judgement | None
    void: str | None

    @property
    def crashed(self) -> bool:
        """Whether there is no metric."""
        return self.result.status != "ok"


def exported(
    member: Member,
    *,
    limit: int | None = None,
    progress: Callable[[str, float], None] = lambda _, __: None,
    **filters: str | None,
) -> Iterator[Exported]:
    """The results that match (see ``looking.results``), oldest first; the newest ``limit``.

    Each is read when it is asked for, and not kept.
    """
    where, snapshot = member.standings(), member.store.snapshot()
    runs = looking.selected(member, **filters)[:limit]
    void = uncounted(snapshot)
    for number, result in enumerate(_read(member, [run.id for run in reversed(runs)])):
        progress("reading results", number / len(runs))
        why = why_void(snapshot, result) if result.id in void else None
        yield Exported(result, where.judgement(Run.of(result)), why)


def _read(member: Member, ids: Sequence[str]) -> Iterator[Result]:
    """These results, of the hub or waiting for it; in pieces, none of which is kept."""
    waiting, known = member.queued(), member.store.snapshot().records("result")
    for start in range(0, len(ids), _PIECE):
        piece = ids[start : start + _PIECE]
        there = known.passing(piece) if isinstance(known, Records) else map(known.get, piece)
        found = {r.id: r for r in there if isinstance(r, Result)}
        yield from (r for i in piece if (r := found.get(i) or waiting.get(i)) is not None)


def columns(metric: str) -> Sequence[str]:
    """The names of the columns."""
    field = ["commit", metric, "memory_gb", "status", "description"]
    others = {name.casefold() for name in field}
    return [*field, *(f"{name}_" if name in others else name for name in OURS)]


def cells(one: Exported) -> Sequence[Cell]:
    """A cell for each column; text is on one line and does nothing."""
    result, verdict, void = one
    crashed = one.crashed
    return [
        short(result.id),
        result.metric,
        _memory(result),
        "crash" if crashed else "keep" if _is_kept(result, verdict) else "discard",
        line(result.description),
        result.id,
        result.agent,
        rfc3339(result.created_at),
        verdict,
        result.hardware.tier,
        line(result.hardware.device),
        result.base,
        result.replicates,
        result.seed,
        result.wall_seconds,
        "yes" if void is None else "no",
    ]


def short(result_id: str) -> str:
    """The hash at the end of an id, where there is one."""
    last = result_id.rpartition("-")[2]
    return last if len(last) >= 6 else result_id


def _is_kept(result: Result, verdict: Judgement | None) -> bool:
    """Whether it is better than its base, or the baseline."""
    is_base = result.base is None and result.replicates is None
    return verdict == "better" or (is_base and not (result.delta or result.structural))


def _memory(result: Result) -> float | None:
    """What it used of memory, in GB, in the words of the field's programs or of ours."""
    found = result.metrics.get("memory_gb")
    if found is None and (mebi := result.metrics.get("peak_vram_mb")) is not None:
        return mebi / _MEBI
    return found
