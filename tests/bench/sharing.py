"""What sharing is worth: 400 runs by 16 agents on tasks whose true value is known.

With the hub; without it, each alone with a sixteenth of the runs; and with the hub, but with random
changes of the shared best. The same tasks and seeds, and the engine's own code for what is ranked,
run again and proposed. What is compared is how much better the program that is led at the end truly
is than the task's own. An experiment is wasted that is no replication and whose constants all lie
where those of an earlier one did, within a hundredth of their ranges.
"""

from __future__ import annotations

import heapq
import os
import random
import statistics
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from gitcollab.records.names import short_hash
from gitcollab.similarity.delta import values_json
from gitcollab.similarity.literal import Value, same
from gitcollab.swarm.engine import allocation
from gitcollab.swarm.engine.proposer.searching import moves
from gitcollab.swarm.engine.proposer.space import Axis, Point, axes, key_of, placed
from gitcollab.swarm.engine.proposer.trials import Seen
from gitcollab.swarm.ranking import Group, Standings, standings
from gitcollab.swarm.runs import Run
from tests.bench.figures import Figure
from tests.bench.landscapes import SIGMA, Landscape, ridges, valley
from tests.swarm.factories import a_run, make_task

AGENTS, RUNS = 16, 400
SEEDS = 4  # of each kind of ground
TIER = "cpu"
_TASK = make_task(sigma=SIGMA)
_NEAR = 0.01  # of a range
_UNSEEN = 2  # claims of others since an agent fetched

Change: TypeAlias = Mapping[str, Value]
Propose: TypeAlias = Callable[["Community", Standings, Group, int], Iterator[Change]]


def measure(root: Path) -> Iterator[Figure]:
    """The true improvement at the end in each way, in the noise of one run; and what was wasted."""
    del root  # nothing is written
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # small matrices: threads only wait
    for name, ground in (("valley", valley), ("ridges", ridges)):
        lands = [(seed, ground(seed)) for seed in range(SEEDS)]
        hub = [together(land, seed, engine) for seed, land in lands]
        alone = [apart(land, seed) for seed, land in lands]
        drawn = [together(land, seed, chance) for seed, land in lands]
        what, unit = f"{RUNS} runs by {AGENTS} agents with the hub, {name}", "sigma"
        yield Figure(what, _gain(hub), unit, "each alone", _gain(alone), least_ratio=1.5)
        yield Figure(what, _gain(hub), unit, "random changes", _gain(drawn), least_ratio=1.1)
        wasted = 100 * statistics.fmean(one.wasted for one in hub)
        yield Figure(f"experiments wasted on duplicates, {name}", wasted, "%", most=1)


def _gain(outcomes: list[Outcome]) -> float:
    return statistics.fmean(one.improvement for one in outcomes) / SIGMA


@dataclass(frozen=True)
class Outcome:
    """What came of it: how much better the best truly is, and the share of wasted proposals."""

    improvement: float
    wasted: float


def together(
    land: Landscape, seed: int, propose: Propose, agents: int = AGENTS, runs: int = RUNS
) -> Outcome:
    """All agents share what they find."""
    swarm = Community(land, seed, [f"agent-{n:02}" for n in range(agents)], propose)
    swarm.live(runs)
    return _outcome(land, swarm.runs, swarm.points)


def apart(land: Landscape, seed: int) -> Outcome:
    """Each knows its own runs; at the end the best of all that they have found is taken."""
    runs: list[Run] = []
    points: dict[str, Point] = {}
    for n in range(AGENTS):
        one = Community(land, seed, [f"agent-{n:02}"], engine)
        one.live(RUNS // AGENTS)
        runs += one.runs
        points |= one.points
    return _outcome(land, runs, points)


def _outcome(land: Landscape, runs: list[Run], points: Mapping[str, Point]) -> Outcome:
    where = standings(_TASK, runs, baseline=key_of(land.start))
    led = allocation.leader(where, TIER)
    assert led is not None
    best, start = land.loss(points[led.fingerprint]), land.loss(land.start)
    assert best is not None
    assert start is not None
    tried = [points[run.fingerprint] for run in runs if run.replicates is None]
    return Outcome(start - best, _repeated(axes(land.space, land.start), tried) / len(tried))


def _repeated(along: list[Axis], tried: list[Point]) -> int:
    """How many lie where an earlier one does."""
    places = [found for point in tried if (found := placed(along, point)) is not None]
    return sum(
        any(all(map(_is_near, place, other)) for other in places[:n])
        for n, place in enumerate(places)
    )


def _is_near(place: float, other: float) -> bool:
    return abs(place - other) <= _NEAR


@dataclass
class Community:
    """Agents that share what they know; ``propose`` gives changes of a base, the best first.

    The hub takes no claim of a program that was run or is claimed, as in ``claims.decide_claim``;
    whoever is refused takes its next choice. An agent decides by what it fetched before the last
    claims of others, so that they do collide.
    """

    land: Landscape
    seed: int
    names: list[str]
    propose: Propose
    runs: list[Run] = field(default_factory=list)
    points: dict[str, Point] = field(default_factory=dict)  # of programs
    running: dict[str, tuple[str, str | None]] = field(default_factory=dict)  # by agent

    def live(self, budget: int) -> None:
        """Let the agents run until ``budget`` runs are done; they take equal times ±10 %."""
        self.points[self.start] = self.land.start
        clock = random.Random(f"clock {self.seed} {self.names[0]}")
        queue = [(0.0, name) for name in self.names]
        while queue:
            now, name = heapq.heappop(queue)
            if name in self.running:
                self._finish(name)
            if len(self.runs) + len(self.running) < budget:
                self.running[name] = self._choice(name)
                heapq.heappush(queue, (now + clock.uniform(0.9, 1.1), name))

    @property
    def start(self) -> str:
        """The task's own program."""
        return key_of(self.land.start)

    @property
    def known(self) -> list[tuple[str, str | None]]:
        """What an agent that fetched a moment ago knows to be running."""
        return list(self.running.values())[:-_UNSEEN]

    def _choice(self, name: str) -> tuple[str, str | None]:
        """The program that is run next, and the one it is changed from (None: another run)."""
        where = standings(_TASK, self.runs, baseline=self.start)
        led = allocation.leader(where, TIER)
        if led is None:
            return self.start, None
        claimed = Counter(program for program, base in self.running.values() if base is None)
        for group in allocation.wanted(where, TIER, claimed):
            if len(self.names) == 1 or name not in group.agents:
                return group.fingerprint, None
        base = led.fingerprint
        seed = int(short_hash(name, str(self.seed), str(len(self.runs))), 16)
        for change in self.propose(self, where, led, seed):
            point = {**self.points[base], **change}
            if (program := key_of(point)) not in self.points:  # else the hub refuses the claim
                self.points[program] = point
                return program, base
        return base, None

    def _finish(self, name: str) -> None:
        program, base = self.running.pop(name)
        loss = self.land.loss(self.points[program])
        again = sum(run.fingerprint == program for run in self.runs)
        noise = random.Random(f"{self.seed} {program} {name} {again}").gauss(0, SIGMA)
        metric = None if loss is None else 1 + loss + noise
        self.runs.append(self._run(name, program, base, metric))

    def _run(self, name: str, program: str, base: str | None, metric: float | None) -> Run:
        before = self.points[base or program]
        delta = {n: v for n, v in self.points[program].items() if not same(v, before[n])}
        number = len(self.runs)
        first = next((run.id for run in self.runs if run.fingerprint == program), None)
        return a_run(
            _TASK,
            number,
            name,
            program,
            metric,
            tier=TIER,
            base_fingerprint=base or program,
            replicates=first if base is None else None,
            changed=int(bool(delta)),
            delta=values_json(delta) if delta else None,
            structural=0,
        )


def engine(swarm: Community, where: Standings, base: Group, seed: int) -> Iterator[Change]:
    """What the engine's proposer would try."""
    at = swarm.points[base.fingerprint]
    along = axes(swarm.land.space, at)
    seen = Seen(where, where.drafts[base.key], at, along, swarm.land.start)
    pending = [swarm.points[program] for program, of in swarm.known if of is not None]
    done = {run.fingerprint for run in swarm.runs}
    for move in moves(seen, pending, lambda point: key_of(point) in done, seed):
        yield move.values


def chance(swarm: Community, where: Standings, base: Group, seed: int) -> Iterator[Change]:
    """Other values of one to three constants of the best, at random."""
    drawn = random.Random(seed)
    along = axes(swarm.land.space, swarm.points[base.fingerprint])
    while True:
        chosen = drawn.sample(along, drawn.choice((1, 2, 3)))
        change = [(axis, _any_value(axis, drawn)) for axis in chosen]
        yield {axis.name: value for axis, value in change if not same(value, axis.now)}


def _any_value(axis: Axis, drawn: random.Random) -> Value:
    if axis.is_ordered:
        return axis.value(drawn.random())
    return axis.value(drawn.randrange(len(axis.choices)))
