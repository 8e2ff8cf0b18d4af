"""A hub that takes 200 ms for every push: what matters is how few pushes it takes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from statistics import median

from tests.bench import contest
from tests.bench.contest import Score
from tests.bench.figures import Figure, clocked
from tests.bench.one import BarePusher
from tests.bench.toys import toy_hub

DELAY = 0.2
HOSTS, TURNS = 16, 4
AGENTS, AGENT_TURNS = 64, 6


def measure(root: Path) -> Iterator[Figure]:
    """Separate hosts, and one host with many agents, beside one push after the other."""
    pusher = BarePusher(_slow_hub(root / "slow-bare")[0])
    commits = [pusher.commit(f"{turn}") for turn in range(8)]
    trip = median(clocked(lambda c=c: pusher.push(c)) for c in commits)  # type: ignore[misc]
    yield Figure(f"slow hub ({1000 * DELAY:.0f} ms a push): a bare git push", trip, "s")
    hub, _ = _slow_hub(root / "slow-hosts")
    got = contest.swarm(hub, lambda n: root / "slow-hosts" / f"home-{n}", HOSTS, TURNS)
    what = f"slow hub, {HOSTS} separate hosts"
    beside = "one push a round trip"
    yield Figure(f"{what}: landed", got.rate, "/s", beside, 1 / trip, least_ratio=0.7)
    yield Figure(f"{what}: p99", got.p99, "s")
    yield Figure(f"{what}: failed or lost", got.failed + got.lost, "", most=0)
    yield from _one_host(root, trip)


def _one_host(root: Path, trip: float) -> Iterator[Figure]:
    what = f"slow hub, one host of {AGENTS} agents"
    once, pushes = _with_agents(root / "slow-once", 1)
    yield Figure(f"{what}, one record each: pushes", pushes, "")
    yield Figure(f"{what}, one record each: round trips", once.seconds / trip, "")
    got, pushes = _with_agents(root / "slow-host", AGENT_TURNS)
    yield Figure(f"{what}: records in two round trips", got.rate * 2 * trip, "", least=AGENTS)
    yield Figure(f"{what}: records a push", AGENTS * AGENT_TURNS / pushes, "")
    yield Figure(f"{what}: p99", got.p99, "s")
    yield Figure(f"{what}: failed or lost", got.failed + got.lost, "", most=0)


def _with_agents(folder: Path, each: int) -> tuple[Score, int]:
    """What came of it, and how many pushes it took."""
    hub, log = _slow_hub(folder)
    got = contest.swarm(hub, lambda _: folder / "home", AGENTS, each)
    return got, len(log.read_text().splitlines()) - 2  # two were made before the start


def _slow_hub(folder: Path) -> tuple[Path, Path]:
    """A hub whose hook sleeps, and the file with a line for each push that the hook saw."""
    hub, log = toy_hub(folder), folder / "pushes"
    hook = hub / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\necho push >> '{log}'\nsleep {DELAY}\n")
    hook.chmod(0o755)
    return hub, log
