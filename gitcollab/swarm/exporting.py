"""Results for other tools: in the order of time, a line each, one after the other.

The first columns are those of the field's own logs, so that what reads these reads ours, and
``import`` too; see ``logbook``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from gitcollab.records.models import Result, rfc3339
from gitcollab.records.quoting import line
from gitcollab.store.overlay import Records
from gitcollab.swarm import looking
from gitcollab.swarm.grouping import base_fingerprint_of
from gitcollab.swarm.member import Member
from gitcollab.swarm.outcomes import Judgement, Standing
from gitcollab.swarm.roster import uncounted, why_void
from gitcollab.swarm.runs import Run

Cell: TypeAlias = str | float | int | None

# Behind the field's columns.
OURS = (
    *("id", "agent", "created_at", "verdict", "tier", "device", "base", "replicates"),
    *("seed", "wall_seconds", "counts", "standing", "builds_on_refuted"),
)
NUMBERS = frozenset(("memory_gb", "seed", "wall_seconds"))  # and the metric

_MEBI = 1024
_PIECE = 500  # records that are read at once


class Exported(NamedTuple):
    """A result, what it is judged as by now, and why it does not count (None: it may).

    ``base`` and ``replicates`` are the results that first ran its base's and its own program,
    where its record names none; ``built_on``: results that count build on it. ``standing`` is how
    well its program is known by now, None where it does not count.
    """

    result: Result
    verdict: Judgement | None
    void: str | None
    base: str | None = None
    replicates: str | None = None
    built_on: bool = False
    standing: Standing | None = None
    builds_on_refuted: str | None = None

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
    past = _Past(member.runs(), void)
    for number, result in enumerate(_read(member, [run.id for run in reversed(runs)])):
        progress("reading results", number / len(runs))
        why = why_void(snapshot, result) if result.id in void else None
        run = Run.of(result)
        yield Exported(
            result=result,
            verdict=where.judgement(run),
            void=why,
            base=past.base(run),
            replicates=past.first(run),
            built_on=run.id in past.bases,
            standing=where.standing_of(run),
            builds_on_refuted=where.built_on_refuted(run),
        )


class _Past:
    """What results come of, by their ids: files that are read elsewhere know no fingerprints."""

    def __init__(self, runs: Mapping[str, Run], void: Collection[str]) -> None:
        self._runs = runs
        self._firsts: dict[str, str] = {}
        for run in sorted(runs.values(), key=lambda run: (run.created_at, run.id)):
            self._firsts.setdefault(run.fingerprint, run.id)
        counted = (run for run in runs.values() if run.id not in void)
        self.bases = {found for run in counted if (found := self.base(run))}

    def base(self, run: Run) -> str | None:
        """What the run's change was made to, as far as it was run."""
        if run.base is not None:
            return run.base
        base = base_fingerprint_of(run, self._runs)
        return None if base == run.fingerprint else self._firsts.get(base)

    def first(self, run: Run) -> str | None:
        """The run that the program is of, where that was another."""
        found = self._firsts.get(run.fingerprint, run.id)
        return None if found == run.id else found


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
    result, verdict, void = one[:3]
    crashed = one.crashed
    base, again = result.base or one.base, result.replicates or one.replicates
    return [
        short(result.id),
        result.metric,
        _memory(result),
        "crash" if crashed else "keep" if _is_kept(one, base, again) else "discard",
        line(result.description, stored=True),
        result.id,
        result.agent,
        rfc3339(result.created_at),
        verdict,
        result.hardware.tier,
        line(result.hardware.device, stored=True),
        base,
        again,
        result.seed,
        result.wall_seconds,
        "yes" if void is None else "no",
        one.standing,
        one.builds_on_refuted,
    ]


def short(result_id: str) -> str:
    """The hash at the end of an id, where there is one."""
    last = result_id.rpartition("-")[2]
    return last if len(last) >= 6 else result_id


def _is_kept(one: Exported, base: str | None, again: str | None) -> bool:
    """Whether it counts and is better than its base, the baseline, or what others build on."""
    if one.void is not None:
        return False
    changes = bool(one.result.delta) or one.result.structural
    is_baseline = base is None and again is None and not changes
    return one.verdict == "better" or one.built_on or is_baseline


def _memory(result: Result) -> float | None:
    """What it used of memory, in GB, in the words of the field's programs or of ours."""
    found = result.metrics.get("memory_gb")
    if found is None and (mebi := result.metrics.get("peak_vram_mb")) is not None:
        return mebi / _MEBI
    return found
