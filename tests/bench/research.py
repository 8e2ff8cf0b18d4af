"""A made-up history of research: who tried what on which base, and what came of it.

Deterministic in its seed, and the same from the start however long it goes on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

from gitcollab.records.names import short_hash, slug
from gitcollab.similarity import literal
from tests.bench.shape import Shape, Values

BEGAN = datetime(2025, 9, 1, tzinfo=UTC)
SPAN = timedelta(weeks=6)
AGENTS = 200
# tier, device, GB of its memory, share of the agents, how much worse its numbers are
TIERS = (
    ("large", "NVIDIA H100 80GB HBM3", 79.6, 0.4, 0.0),
    ("xl", "NVIDIA H200", 139.8, 0.1, -0.01),
    ("medium", "NVIDIA GeForce RTX 4090", 24.0, 0.25, 0.04),
    ("small", "NVIDIA GeForce RTX 4060", 8.0, 0.15, 0.11),
    ("cpu", "AMD EPYC 7763 64-Core Processor", None, 0.1, 0.4),
)
NOISE = 0.0015
FLOOR = 0.9
FAILURES = (
    "exit code 1 (torch.OutOfMemoryError, tried to allocate 2.00 GiB)",
    "the loss is nan at step 41",
    "exit code 1 (RuntimeError, mat1 and mat2 shapes cannot be multiplied)",
)


@dataclass(frozen=True)
class Agent:
    """One agent and its machine; ``tier`` is a row of TIERS."""

    name: str
    tier: int


@dataclass(frozen=True)
class Run:
    """One result to be, but for its files."""

    number: int
    id: str
    agent: Agent
    at: datetime
    description: str
    shape: Shape
    values: Values
    fingerprint: str
    quality: float  # the metric without noise and tier
    metric: float | None
    failure: str | None
    seed: int
    base: Run | None
    changed: Values = field(default_factory=dict)
    structural: bool = False
    replicates: str | None = None

    @property
    def program(self) -> str:
        return self.shape.text(self.values)


class Research:
    """The history of a hub of ``results`` results; it can be followed beyond them."""

    def __init__(self, baseline: str, results: int, seed: int = 0) -> None:
        self.step = SPAN / max(results, 1)
        self._rng = Random(seed)
        self._baseline = Shape(baseline)
        self.agents = [Agent(_name(n), _tier(self._rng.random())) for n in range(AGENTS)]
        self._bests: list[Run] = []
        self._done: list[Run] = []  # of late, with a metric

    def runs(self) -> Iterator[Run]:
        """The results in the order in which they are made; there is no end."""
        number = 0
        while True:
            run = self._next(number)
            if run.metric is not None:
                self._done = [*self._done[-99:], run]
                if not self._bests or run.quality < self._bests[-1].quality:
                    self._bests.append(run)
            yield run
            number += 1

    def _next(self, number: int) -> Run:
        if not self._bests:
            return self._baseline_run(number)
        rng = self._rng
        agent = rng.choice(self.agents)
        draw = rng.random()
        if draw < 0.1:
            return self._replicate(number, agent)
        base = self._bests[-1] if rng.random() < 0.8 else rng.choice(self._bests[-20:])
        if draw < 0.12:
            return self._structural(number, agent, base)
        return self._constants(number, agent, base)

    def _baseline_run(self, number: int) -> Run:
        shape, agent = self._baseline, self.agents[0]
        return self._run(number, agent, "baseline", shape, {}, 1.05, None)

    def _replicate(self, number: int, agent: Agent) -> Run:
        of = self._rng.choice(self._done if self._rng.random() < 0.5 else self._bests[-5:])
        return self._run(
            number, agent, of.description, of.shape, of.values, of.quality, of,
            seed=42 + number % 50, replicates=of.replicates or of.id, fails=0.02,
        )  # fmt: skip

    def _structural(self, number: int, agent: Agent, base: Run) -> Run:
        shape = base.shape.grown(number)
        what = f"experiment {number}: rescale the residual stream by its norm"
        quality = self._quality(number, base)
        return self._run(
            number, agent, what, shape, base.values, quality, base, structural=True, fails=0.4
        )

    def _constants(self, number: int, agent: Agent, base: Run) -> Run:
        rng = self._rng
        standing = {**base.shape.values, **base.values}
        names = rng.sample(sorted(standing), rng.choice((1, 1, 1, 2)))
        changed = {name: _another(rng, standing[name]) for name in names}
        what = ", ".join(
            f"{n} {literal.shown(standing[n])} → {literal.shown(v)}" for n, v in changed.items()
        )
        return self._run(
            number, agent, what, base.shape, {**base.values, **changed},
            self._quality(number, base), base, changed=changed, fails=0.15,
        )  # fmt: skip

    def _quality(self, number: int, base: Run) -> float:
        """Gains become rarer and smaller; most changes make it a little worse."""
        if self._rng.random() < 1 / (1 + number / 50):
            return base.quality - (base.quality - FLOOR) * 0.02 * self._rng.expovariate(1)
        return base.quality + 0.004 * self._rng.expovariate(1)

    def _run(
        self,
        number: int,
        agent: Agent,
        what: str,
        shape: Shape,
        values: Values,
        quality: float,
        base: Run | None,
        *,
        seed: int = 42,
        changed: Values | None = None,
        structural: bool = False,
        replicates: str | None = None,
        fails: float = 0.0,
    ) -> Run:
        rng = self._rng
        crashed = rng.random() < fails
        metric = round(quality + TIERS[agent.tier][4] + rng.gauss(0, NOISE), 6)
        return Run(
            number,
            f"{agent.name}/{slug(what)}-{short_hash(f'{number}', length=8)}",
            agent,
            BEGAN + self.step * number,
            what,
            shape,
            values,
            shape.fingerprint(values),
            quality,
            None if crashed else metric,
            rng.choice(FAILURES) if crashed else None,
            seed,
            base,
            changed or {},
            structural,
            replicates,
        )


def _another(rng: Random, value: float) -> int | float:
    if isinstance(value, int):
        whole = max(1, round(value * rng.choice((0.5, 0.75, 1.25, 1.5, 2))))
        return whole if whole != value else value + 1
    if value == 0.0:
        return round(rng.uniform(0.001, 0.2), 4)
    new = max(0.001, float(f"{value * rng.uniform(0.5, 1.6):.3g}"))
    return new if new != value else value * 2


def _name(number: int) -> str:
    stems = ("nova", "lyra", "vega", "orion", "altair", "rigel", "mira", "deneb", "castor", "atlas")
    return f"{stems[number % len(stems)]}-{number}"


def _tier(draw: float) -> int:
    for row, (*_, share, _offset) in enumerate(TIERS):
        draw -= share
        if draw < 0:
            return row
    return 0
