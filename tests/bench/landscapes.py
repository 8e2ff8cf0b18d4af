"""Tasks whose true value is known: constants between 0 and 1, a start, and an optimum elsewhere.

Sizes are those of real ones: most gains are near 0.001 where the seed alone moves a number by
SIGMA. Rules were chosen on ``valley`` alone; ``ridges`` is another kind of ground.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gitcollab.records.models import Dimension
from gitcollab.similarity.literal import Value

SIGMA = 0.002
AXES = 14


@dataclass(frozen=True)
class Landscape:
    """``loss`` is the true value above what is possible; None where the program crashes."""

    space: Mapping[str, Dimension]
    start: Mapping[str, Value]
    loss: Callable[[Mapping[str, Value]], float | None]


def valley(seed: int) -> Landscape:
    """A smooth bowl: gains from 0 to a few σ an axis, neighbours that depend on each other."""
    chance = random.Random(f"valley {seed}")
    names = [f"C{n:02}" for n in range(AXES)]
    start: dict[str, Value] = dict.fromkeys(names, 0.5)
    best = {n: 0.5 + chance.choice((-1, 1)) * chance.uniform(0.05, 0.3) for n in names}
    bend = {n: chance.expovariate(1 / 0.0012) / (best[n] - 0.5) ** 2 for n in names}
    pairs = [tuple(chance.sample(names, 2)) for _ in range(AXES // 2)]
    twist = {(a, b): chance.uniform(-0.8, 0.8) * math.sqrt(bend[a] * bend[b]) for a, b in pairs}

    def loss(at: Mapping[str, Value]) -> float:
        away = {name: float(at[name]) - best[name] for name in names}
        alone = sum(bend[name] * away[name] ** 2 for name in names)
        return alone + sum(t * away[a] * away[b] for (a, b), t in twist.items())

    return Landscape({n: Dimension(low=0.0, high=1.0) for n in names}, start, loss)


def slopes(seed: int) -> Landscape:
    """As a small task was seen to be: most of its constants are well chosen, two or three are not.

    Each of those gains 10 to 40 σ, some steps away on one side; every other change costs something.
    """
    chance = random.Random(f"slopes {seed}")
    names = [f"L{n:02}" for n in range(18)]
    start: dict[str, Value] = {n: chance.uniform(0.3, 0.7) for n in names}
    terms = []
    for name in (large := chance.sample(names, chance.choice((2, 3)))):
        side = 1 if float(start[name]) < 0.5 else -1  # type: ignore[arg-type]
        gain, gap = chance.uniform(10, 40) * SIGMA, side * chance.uniform(0.25, 0.5)
        terms.append(_vee(name, Dimension(low=0.0, high=1.0), start[name], gain, gap))
    for name in sorted(set(names) - set(large)):
        best = float(start[name]) + chance.uniform(-0.15, 0.15)  # type: ignore[arg-type]
        terms.append(_bowl(name, best, chance.expovariate(1 / (40 * SIGMA))))
    space = {n: Dimension(low=0.0, high=1.0) for n in names}
    return Landscape(space, start, lambda at: sum(term(at) for term in terms))


def ridges(seed: int) -> Landscape:
    """V-shaped valleys, flat ends, cliffs that crash, sizes by ratio and choices without order."""
    chance = random.Random(f"ridges {seed}")
    space: dict[str, Dimension] = {}
    start: dict[str, Value] = {}
    terms: list[Callable[[Mapping[str, Value]], float]] = []
    for n in range(AXES - 3):
        name = f"R{n:02}"
        if n % 3 == 0:
            space[name], start[name] = Dimension(low=0.0, high=1.0), 0.4
        elif n % 3 == 1:
            space[name], start[name] = Dimension(low=0.001, high=1.0, log=True), 0.03
        else:
            space[name], start[name] = Dimension(low=1, high=32), 8
        gain, gap = (
            chance.expovariate(1 / 0.0016),
            chance.choice((-1, 1)) * chance.uniform(0.1, 0.4),
        )
        terms.append(_vee(name, space[name], start[name], gain, gap))
    for n, chosen in enumerate((["a", "b", "c", "d"], [1, 2, 4, 8, 16], [True, False])):
        name = f"S{n}"
        space[name], start[name] = Dimension(choices=chosen), chosen[0]
        worth = [0.0, *(chance.gauss(0.001, 0.0015) for _ in chosen[1:])]
        terms.append(_table(name, chosen, worth))

    def loss(at: Mapping[str, Value]) -> float | None:
        if _along(space["R00"], at["R00"]) + _along(space["R01"], at["R01"]) > 1.6:
            return None
        return sum(term(at) for term in terms)

    return Landscape(space, start, loss)


def _along(dimension: Dimension, value: Value) -> float:
    low, high, size = float(dimension.low or 0), float(dimension.high or 0), float(value)  # type: ignore[arg-type]
    if dimension.log:
        return math.log(size / low) / math.log(high / low)
    return (size - low) / (high - low)


def _vee(
    name: str, dimension: Dimension, start: Value, gain: float, gap: float
) -> Callable[[Mapping[str, Value]], float]:
    best = _along(dimension, start) + gap
    best = best if 0.05 <= best <= 0.95 else _along(dimension, start) - gap

    def term(at: Mapping[str, Value]) -> float:
        away = abs(_along(dimension, at[name]) - best) / abs(gap)
        return gain * away if away < 1 else gain + 6 * gain * math.tanh((away - 1) / 2)

    return term


def _bowl(name: str, best: float, bend: float) -> Callable[[Mapping[str, Value]], float]:
    return lambda at: bend * (float(at[name]) - best) ** 2  # type: ignore[arg-type]


def _table(
    name: str, chosen: list[object], worth: list[float]
) -> Callable[[Mapping[str, Value]], float]:
    return lambda at: worth[chosen.index(at[name])]
