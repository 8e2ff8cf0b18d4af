"""Which values of constants were tried, and what came of each: what a question about them asks."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gitcollab.swarm.grouping import base_fingerprint_of, key_of
from gitcollab.swarm.pieces import Piece
from gitcollab.swarm.progress import Mark
from gitcollab.swarm.ranking import Standings
from gitcollab.swarm.runs import Run

MOST = 100  # values that an answer lists


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

    ``found`` are results with a constant and its value. Where there are more than ``most``, those
    that the most results tried are given; always in the order of constants and values.
    """
    together: dict[tuple[str, str], list[Piece]] = defaultdict(list)
    for piece, constant, value in found:
        together[constant, value].append(piece)
    often = sorted(together, key=lambda one: (not _kept(together[one]), -len(together[one]), one))
    chosen = sorted(often[:most], key=lambda one: (one[0], _size(one[1])))
    return [_value(where, *one, together[one]) for one in chosen], len(together)


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
        gain,
        None if by is None else by.id,
        dict(marks.most_common()),  # type: ignore[arg-type]
    )


def _kept(found: Iterable[Piece]) -> bool:
    return any(piece.verdict == "keep" for piece in found)


def _size(value: str) -> tuple[bool, float, str]:
    """Numbers by size, and then all else by its text."""
    try:
        return False, float(value), value
    except ValueError:
        return True, 0.0, value
