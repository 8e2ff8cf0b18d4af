"""Which values of constants were tried, and what came of each: what a question about them asks."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gitcollab.swarm.grouping import base_fingerprint_of, key_of
from gitcollab.swarm.progress import Mark
from gitcollab.swarm.ranking import Standings
from gitcollab.swarm.runs import Run
from gitcollab.swarm.search.pieces import Piece

MOST = 40  # values that an answer lists


@dataclass(frozen=True, slots=True)
class Value:
    """A value that a constant was set to, by ``n`` results, whatever else they changed.

    ``best`` is the best metric of them, on its ``tier``; ``gain`` the best of a program over its
    base on the same tier (positive is better, in the metric's unit), of the result ``id``. All
    three are None where nothing was measured, or compared.
    """

    constant: str
    value: str  # as Python writes it
    n: int
    best: float | None
    tier: str | None
    gain: float | None
    id: str | None
    verdicts: Mapping[Mark, int]


def tried(
    where: Standings, found: Iterable[tuple[Piece, str, str]], most: int = MOST
) -> tuple[Sequence[Value], int]:
    """The values that results set constants to, and how many there are.

    ``found`` are results with a constant and its value. Where there are more than ``most``, of each
    constant those that were kept and the most tried are given; always by constant and value.
    """
    together: dict[tuple[str, str], list[Piece]] = defaultdict(list)
    for piece, constant, value in found:
        together[constant, value].append(piece)
    often = {one: (any(p.verdict == "keep" for p in of), len(of)) for one, of in together.items()}
    chosen = sorted(_telling(often)[:most], key=lambda one: (one[0], _size(one[1])))
    return [_value(where, *one, together[one]) for one in chosen], len(together)


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


def _value(where: Standings, constant: str, value: str, found: Sequence[Piece]) -> Value:
    runs = [where.results[piece.id] for piece in found]
    counted = [run for run in runs if where.is_counted(run) and key_of(run) not in where.flagged]
    best = min(counted, key=lambda run: (run.metric or 0.0) * where.task.sign, default=None)
    gains = [(gain, run) for run in counted if (gain := gain_of(where, run)) is not None]
    gain, by = max(gains, key=lambda one: (one[0], one[1].id), default=(None, best))
    marks = Counter(piece.verdict for piece in found)
    return Value(
        constant,
        value,
        len(found),
        None if best is None else best.metric,
        None if best is None else best.tier,
        None if gain is None else float(f"{gain:.6g}"),
        None if by is None else by.id,
        dict(marks.most_common()),  # type: ignore[arg-type]
    )


def _size(value: str) -> tuple[bool, float, str]:
    """Numbers by size, and then all else by its text."""
    try:
        return False, float(value), value
    except ValueError:
        return True, 0.0, value
