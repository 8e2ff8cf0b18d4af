"""Which values of constants were tried, and what came of each: what a question about them asks.

These are the figures of ``maps.coverage``, of the results that a question is about.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gitcollab.swarm.changes import Changed
from gitcollab.swarm.grouping import base_fingerprint_of, key_of
from gitcollab.swarm.maps.coverage import Tried, size_of, tried_by
from gitcollab.swarm.progress import Mark
from gitcollab.swarm.ranking import Standings
from gitcollab.swarm.runs import Run
from gitcollab.swarm.search.pieces import Piece

MOST = 40  # values that an answer lists


@dataclass(frozen=True, slots=True)
class Value:
    """A value that a constant was set to, by ``n`` experiments, ``alone`` of them nothing else.

    ``best`` is the best metric of all of them, of the program of the result ``id``, on its
    ``tier``. ``gain`` is the mean gain over their base of those that set it alone (positive is
    better, in the metric's unit), ``error`` its standard error. None where nothing was measured,
    or compared.
    """

    constant: str
    value: str  # as Python writes it
    n: int
    best: float | None
    tier: str | None
    gain: float | None
    id: str | None
    verdicts: Mapping[Mark, int]  # of what came to one of keep, discard, noise, crash
    alone: int = 0
    error: float | None = None


def tried(
    where: Standings,
    changes: Mapping[str, Sequence[Changed]],
    found: Iterable[tuple[Piece, str, str]],
    most: int = MOST,
) -> tuple[Sequence[Value], int]:
    """The values that experiments set constants to, and how many there are.

    ``found`` are results with a constant and its value; ``changes`` is what each result changed.
    Where there are more values than ``most``, of each constant those that were kept and the most
    tried are given; always by constant and value.
    """
    runs: dict[str, Run] = {}
    asked: dict[tuple[str, str], None] = {}
    for piece, constant, value in found:
        runs[piece.id] = where.results[piece.id]
        asked[constant, value] = None
    every = tried_by(where, changes, runs.values())
    together = {one: every[one]() for one in asked if one in every}
    often = {one: (of.kept > 0, of.n) for one, of in together.items()}
    chosen = sorted(_telling(often)[:most], key=lambda one: (one[0], size_of(one[1])))
    return [_value(where, name, together[name, value]) for name, value in chosen], len(together)


def telling(values: Sequence[Value], most: int) -> Sequence[Value]:
    """So many of the values as they stand: of each constant those that were kept, or most tried."""
    often = {(v.constant, v.value): (bool(v.verdicts.get("keep")), v.n) for v in values}
    chosen = set(_telling(often)[:most])
    return [value for value in values if (value.constant, value.value) in chosen]


def _telling(often: Mapping[tuple[str, str], tuple[bool, int]]) -> list[tuple[str, str]]:
    """Constants with values, in turns of the constants: the kept first, then the most tried."""
    turns: Counter[str] = Counter()
    places: dict[tuple[str, str], tuple[int, bool, int]] = {}
    for one in sorted(often, key=lambda one: (not often[one][0], -often[one][1], one)):
        kept, n = often[one]
        places[one] = turns[one[0]], not kept, -n
        turns[one[0]] += 1
    return sorted(places, key=lambda one: (*places[one], one))


def gain_of(where: Standings, run: Run) -> float | None:
    """What its program gained over its base, on its tier; None where that is not known."""
    if not where.is_counted(run):
        return None
    mine = where.drafts.get(key_of(run))
    base = where.drafts.get((base_fingerprint_of(run, where.results), run.tier))
    if mine is None or base is None or mine.key == base.key:
        return None
    return (base.mean - mine.mean) * where.task.sign


def _value(where: Standings, constant: str, of: Tried) -> Value:
    best = where.results[of.results[0]] if of.best is not None else None
    marks: dict[Mark, int] = {
        "keep": of.kept, "discard": of.discarded, "noise": of.noise, "crash": of.crashed
    }  # fmt: skip
    return Value(
        constant,
        of.value,
        of.n,
        of.best,
        None if best is None else best.tier,
        None if of.gain is None else float(f"{of.gain:.6g}"),
        None if best is None else best.id,
        {mark: count for mark, count in marks.items() if count},
        of.alone,
        of.error,
    )
