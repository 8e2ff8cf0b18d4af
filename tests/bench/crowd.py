"""Crowds: 64 agents on one host that share a queue, 16 writers that share nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.bench import contest
from tests.bench.contest import Score
from tests.bench.figures import Figure
from tests.bench.toys import toy_hub

AGENTS, TURNS = 64, 12
CLONES, CLONE_TURNS = 16, 6


def measure(root: Path, *, plain_64: bool = False) -> Iterator[Figure]:
    """Claims and their releases; ``plain_64`` adds the plain loop at 64, which takes minutes."""
    yield from _one_host(root)
    yield from _separate(root, plain_64)


def _one_host(root: Path) -> Iterator[Figure]:
    hub = toy_hub(root / "host")
    home = root / "host" / "home"
    got = contest.swarm(hub, lambda _: home, AGENTS, TURNS)
    what = f"{AGENTS} agents on one host"
    yield Figure(f"{what}: landed", got.rate, "/s", least=150)
    yield from _waits(what, got, 1.5)
    yield from _missing(what, got)


def _separate(root: Path, plain_64: bool) -> Iterator[Figure]:
    loop = contest.plain(toy_hub(root / "plain"), root / "plain", CLONES, CLONE_TURNS)
    hub = toy_hub(root / "clones")
    got = contest.swarm(hub, lambda n: root / "clones" / f"home-{n}", CLONES, CLONE_TURNS)
    what = f"{CLONES} writers, separate clones"
    beside = f"commit; pull --rebase; push at {CLONES}"
    yield Figure(f"{what}: landed", got.rate, "/s", beside, loop.rate, least_ratio=1.5)
    yield Figure(f"{what}: p50", got.p50, "s", beside, loop.p50)
    yield Figure(f"{what}: p99", got.p99, "s", beside, loop.p99, most=4)
    yield Figure(f"{what}: longest", got.worst, "s", beside, loop.worst)
    yield from _missing(what, got)
    yield from _missing(beside, loop, bounded=False)
    for writers, each in ((1, 20), *([(64, 2)] if plain_64 else [])):
        folder = root / f"plain-{writers}"
        loop = contest.plain(toy_hub(folder), folder, writers, each)
        what = f"commit; pull --rebase; push at {writers}"
        yield Figure(f"{what}: landed", loop.rate, "/s")
        yield Figure(f"{what}: p99", loop.p99, "s")


def _waits(what: str, got: Score, most: float) -> Iterator[Figure]:
    yield Figure(f"{what}: p50", got.p50, "s")
    yield Figure(f"{what}: p99", got.p99, "s", most=most)
    yield Figure(f"{what}: longest", got.worst, "s")


def _missing(what: str, got: Score, *, bounded: bool = True) -> Iterator[Figure]:
    none = 0 if bounded else None
    yield Figure(f"{what}: failed", got.failed, "", most=none)
    yield Figure(f"{what}: lost or doubled", got.lost, "", most=none)
