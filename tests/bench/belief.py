"""Believing no lucky number: policies on a landscape whose true values are known.

A new program's true value is its base's, better by Exp(mean 0.001) with probability 0.15, else
worse by Exp(mean 0.002); a run shows it with noise σ = 0.002. Sixteen agents, run times equal
±10 %, 400 runs. Each policy gets the same seeds. *Improvement* is what the best at the end is truly
better than the baseline; *gap* how much the best is truly worse than a best before it was, in σ, on
average over the results.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from random import Random
from statistics import fmean, stdev
from typing import NamedTuple, TypeAlias

from gitcollab.swarm.engine import allocation, policy
from gitcollab.swarm.ranking import Standings, standings
from gitcollab.swarm.runs import Run
from tests.bench.figures import Figure
from tests.swarm.factories import a_run, make_task

SIGMA = 0.002
AGENTS, RUNS = 16, 400
SEEDS = range(1000, 1200)  # the engine was tuned on seeds from 0 on
TIER = "large"
TASK = make_task(sigma=SIGMA)
FIRST = 1.0  # the baseline's true value


class Do(NamedTuple):
    """Run ``program`` again; or a new one, made from it."""

    program: int
    again: bool


class Rule(NamedTuple):
    """A policy: what an agent does, and which program it calls the best."""

    choose: Callable[[World, str], Do]
    best: Callable[[World], int]


@dataclass
class World:
    """The landscape as far as it was walked; ``seen`` are the numbers of each program's runs."""

    rng: Random
    true: list[float] = field(default_factory=lambda: [FIRST])
    base: list[int | None] = field(default_factory=lambda: [None])
    seen: list[list[float]] = field(default_factory=lambda: [[]])
    under_way: Counter[int] = field(default_factory=Counter)
    runs: list[Run] = field(default_factory=list)
    _where: tuple[int, Standings] | None = None

    def new(self, base: int) -> int:
        """A program that is made from ``base``."""
        if self.rng.random() < 0.15:
            step = -self.rng.expovariate(1 / 0.001)
        else:
            step = self.rng.expovariate(1 / 0.002)
        self.true.append(self.true[base] + step)
        self.base.append(base)
        self.seen.append([])
        return len(self.true) - 1

    def measure(self, program: int, agent: str) -> None:
        """A run of a program, and its record."""
        value = self.true[program] + self.rng.gauss(0, SIGMA)
        base, again = self.base[program], bool(self.seen[program])
        self.seen[program].append(value)
        made = {
            "base_fingerprint": None if base is None else f"p{base}",
            "replicates": f"program-{program}" if again else None,
            "changed": int(base is not None),
        }
        self.runs.append(a_run(TASK, len(self.runs), agent, f"p{program}", value, **made))

    @property
    def where(self) -> Standings:
        """The real standings of all records."""
        if self._where is None or self._where[0] != len(self.runs):
            self._where = len(self.runs), standings(TASK, self.runs)
        return self._where[1]

    @property
    def measured(self) -> Iterator[int]:
        """The programs that have a number."""
        return (n for n, seen in enumerate(self.seen) if seen)


# -- the policies ----------------------------------------------------------------------------------


def _lowest(world: World) -> int:
    return min(world.measured, key=lambda n: min(world.seen[n]))


ANY_LOWER = Rule(lambda world, _: Do(_lowest(world), again=False), _lowest)


def _score(world: World, program: int, z: float) -> float:
    seen = world.seen[program]
    return sum(seen) / len(seen) + z * SIGMA / math.sqrt(len(seen))


def _pessimistic(world: World) -> int:
    return min(world.measured, key=lambda n: _score(world, n, 1))


def _plainly(world: World, _: str) -> Do:
    """Again what is the best, or has a lower optimistic score, up to three runs."""
    best = _pessimistic(world)
    few = [n for n in world.measured if len(world.seen[n]) + world.under_way[n] < 3]
    if few:
        first = min(few, key=lambda n: _score(world, n, -1))
        if first == best or _score(world, first, -1) < _score(world, best, -1):
            return Do(first, again=True)
    return Do(best, again=False)


PLAIN = Rule(_plainly, _pessimistic)


def _engine(world: World, agent: str) -> Do:
    """What the engine does: the code that decides on every machine."""
    claimed = {f"p{n}": runs for n, runs in world.under_way.items() if runs}
    scene = policy.Scene(agent, TIER, claimed, alone=False)
    for again in policy.replications(world.where, scene, lambda _: None):
        return Do(_program(again.group.fingerprint), again=True)
    led = allocation.leader(world.where, TIER)
    assert led is not None
    return Do(_program(led.fingerprint), again=False)


def _ranked_first(world: World) -> int:
    best = world.where.best
    assert best is not None
    return _program(best.fingerprint)


def _program(fingerprint: str) -> int:
    return int(fingerprint[1:])


ENGINE = Rule(_engine, _ranked_first)


# -- the walk --------------------------------------------------------------------------------------


class Came(NamedTuple):
    """What a policy came to."""

    improvement: float
    gap: float
    error: float = 0.0  # the standard error of a mean improvement


Event: TypeAlias = tuple[float, int, int]  # when it ends, whose it is, the program


def walk(seed: int, rule: Rule, runs: int = RUNS) -> Came:
    """One campaign: a run of the baseline, then so many by all agents."""
    world = World(Random(seed))
    world.measure(0, "agent-0")
    ends: list[Event] = []

    def begin(agent: int, now: float) -> None:
        do = rule.choose(world, f"agent-{agent}")
        program = do.program if do.again else world.new(do.program)
        world.under_way[program] += 1
        heapq.heappush(ends, (now + world.rng.uniform(0.9, 1.1), agent, program))

    for agent in range(AGENTS):
        begin(agent, world.rng.uniform(0, 0.1))
    begun, gaps, reached = AGENTS, [], math.inf
    while ends:
        now, agent, program = heapq.heappop(ends)
        world.under_way[program] -= 1
        world.measure(program, f"agent-{agent}")
        true = world.true[rule.best(world)]
        reached = min(reached, true)
        gaps.append((true - reached) / SIGMA)
        if begun < runs:
            begin(agent, now)
            begun += 1
    return Came(FIRST - world.true[rule.best(world)], sum(gaps) / len(gaps))


RULES = {"any lower": ANY_LOWER, "plain": PLAIN, "engine": ENGINE}


def campaigns(rule: str, seeds: Sequence[int] = SEEDS) -> Came:
    """The means over seeds of a rule, given by its name."""
    with ProcessPoolExecutor() as pool:
        came = list(pool.map(partial(_campaign, rule), seeds, chunksize=4))
    found = [one.improvement for one in came]
    return Came(fmean(found), fmean(one.gap for one in came), stdev(found) / math.sqrt(len(found)))


def _campaign(rule: str, seed: int) -> Came:
    return walk(seed, RULES[rule])


def measure() -> Iterator[Figure]:
    """The engine's policy beside what others do, and beside replicating what looks best."""
    lucky, plain, engine = map(campaigns, RULES)
    unit = "mbpb"  # a thousandth
    yield Figure("true improvement, any lower number wins", 1000 * lucky.improvement, unit)
    yield Figure(
        "true improvement, replicating what looks best",
        1000 * plain.improvement,
        unit,
        "any lower number wins",
        1000 * lucky.improvement,
    )
    yield Figure(
        "true improvement, the engine's policy",
        1000 * engine.improvement,
        unit,
        "any lower number wins",
        1000 * lucky.improvement,
        least_ratio=1.7,
    )
    yield Figure("standard error of the engine's", 1000 * engine.error, unit)
    yield Figure("standard error of any lower number's", 1000 * lucky.error, unit)
    yield Figure("gap to a best before, any lower number wins", lucky.gap, "sigma")
    yield Figure("gap to a best before, replicating what looks best", plain.gap, "sigma")
    yield Figure("gap to a best before, the engine's policy", engine.gap, "sigma", most=0.20)
