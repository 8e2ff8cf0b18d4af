"""The values of a constant where they are many: neighbours taken together. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from gitcollab.swarm.maps.coverage import Explored, Tried


@dataclass(frozen=True, slots=True)
class Range:
    """Values of a constant that lie beside each other, from the first to the last.

    Counts are sums. ``gain`` is the mean of the values' gains, each weighted by 1/error², and
    ``error`` its standard error as if the values had no runs in common.
    """

    first: str
    last: str
    values: int
    n: int
    alone: int
    kept: int
    discarded: int
    noise: int
    crashed: int
    gain: float | None
    error: float | None
    best: Tried  # the value that ranks first; where none ranks, one that was measured, if any
    transfers: Sequence[str]  # the tiers that one of the changes was kept on, if two or more


def ranges(one: Explored, most: int) -> list[Range]:
    """At most ``most`` ranges of about as many values each."""
    size = math.ceil(len(one.tried) / max(1, most))
    return [_range(one.tried[at : at + size]) for at in range(0, len(one.tried), max(1, size))]


def _range(tried: Sequence[Tried]) -> Range:
    known = [(t.gain, t.error) for t in tried if t.gain is not None and t.error]
    weight = math.fsum(1 / error**2 for _, error in known)
    return Range(
        first=tried[0].value,
        last=tried[-1].value,
        values=len(tried),
        n=sum(t.n for t in tried),
        alone=sum(t.alone for t in tried),
        kept=sum(t.kept for t in tried),
        discarded=sum(t.discarded for t in tried),
        noise=sum(t.noise for t in tried),
        crashed=sum(t.crashed for t in tried),
        gain=math.fsum(gain / error**2 for gain, error in known) / weight if known else None,
        error=1 / math.sqrt(weight) if known else None,
        best=min(tried, key=lambda t: (t.rank or math.inf, t.best is None)),
        transfers=sorted({tier for t in tried for tier in t.transfers}),
    )
