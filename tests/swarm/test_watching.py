"""Watching a hub: when it is read, what is known meanwhile, and what is left alone."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from gitcollab.errors import OfflineError
from gitcollab.store.store import Store
from gitcollab.swarm.outcomes import Granted
from gitcollab.swarm.swarm import Swarm
from gitcollab.swarm.watching import Watch

Agent = Callable[[str], Swarm]


class Time:
    """A timer, and how often the hub was asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.takes, self.asked = 0.0, 0.0, 0
        real = Store.refresh

        def refresh(store: Store, **keywords: bool) -> object:
            self.asked += 1
            self.now += self.takes
            return real(store, **keywords)

        monkeypatch.setattr(Store, "refresh", refresh)

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Time:
    return Time(monkeypatch)


@pytest.fixture
def nova(agent: Agent, clock: Time) -> Swarm:
    """A workspace, with time that passes for its member as it does for the timer."""
    swarm = agent("nova")
    real = swarm.member.clock
    clock.asked = 0
    swarm.member.clock = lambda: real() + timedelta(seconds=clock.now)
    return swarm


def test_what_there_is_to_see(nova: Swarm, clock: Time) -> None:
    assert nova.run().outcome == "published"
    claimed = nova.claim("set LR to 0.2")
    assert isinstance(claimed, Granted)
    seen = Watch(nova.member, 15, timer=clock).look()
    assert (seen.agent, seen.task.name) == ("nova", nova.task.name)
    assert seen.best is not None
    assert seen.best.agent == "nova"
    assert seen.course.experiments == seen.results.total == len(seen.results.results) == 1
    (running,) = seen.running
    assert running.claim.id == claimed.claim.id
    ttl = timedelta(seconds=nova.task.policy.claim_ttl_seconds)
    assert timedelta(0) < running.until - nova.member.clock() <= ttl
    assert (seen.queued, seen.refused, seen.away) == ([], [], None)


def test_the_hub_is_read_seldom(nova: Swarm, clock: Time) -> None:
    watch = Watch(nova.member, 15, timer=clock)
    for now in (0.0, 1.0, 14.0, 16.0, 17.0, 29.0, 32.0):
        clock.now = now
        watch.look()
    assert clock.asked == 2  # at 16 and 32: joining had asked at 0
    often = Watch(nova.member, 1, timer=clock)
    for now in range(33, 43):
        clock.now = now
        often.look()
    assert clock.asked == 3  # never more than once in ten seconds


def test_a_slow_hub_is_left_alone_for_longer(nova: Swarm, clock: Time) -> None:
    watch = Watch(nova.member, 15, timer=clock)
    watch.look()
    clock.now, clock.takes = 16.0, 20.0
    watch.look()
    asked = clock.asked
    clock.takes = 0.0
    clock.now = 16.0 + 20.0 + 99.0
    watch.look()
    assert clock.asked == asked
    clock.now += 2.0
    watch.look()
    assert clock.asked == asked + 1


def test_what_another_process_of_this_host_brought_is_seen_without_a_read(
    nova: Swarm, agent: Agent, clock: Time
) -> None:
    watch = Watch(nova.member, 15, timer=clock)
    assert watch.look().best is None
    vega = agent("vega")
    assert vega.run().outcome == "published"
    asked = clock.asked
    best = watch.look().best
    assert best is not None
    assert best.agent == "vega"
    assert clock.asked == asked


def test_a_hub_that_is_away_and_comes_back(nova: Swarm, toy_hub: Path, clock: Time) -> None:
    watch = Watch(nova.member, 15, timer=clock)
    watch.look()
    aside = toy_hub.with_name("aside.git")
    shutil.move(toy_hub, aside)
    clock.now = 20.0
    gone = watch.look()
    assert gone.away is not None
    assert "cannot reach the hub" in gone.away.reason
    assert gone.task == nova.task
    clock.now = 60.0
    still = watch.look()
    assert still.away is not None
    assert still.away.since == gone.away.since
    shutil.move(aside, toy_hub)
    clock.now = 100.0
    back = watch.look()
    assert back.away is None
    assert back.asked is not None
    assert gone.asked is not None
    assert back.asked > gone.asked


def test_a_hub_that_was_never_seen_is_an_error(
    nova: Swarm, toy_hub: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GITCOLLAB_HOME", str(tmp_path / "another"))
    shutil.move(toy_hub, toy_hub.with_name("aside.git"))
    with pytest.raises(OfflineError):
        Watch(Swarm.open(nova.workspace).member, 15).ask()


def test_nothing_is_written(nova: Swarm, toy_hub: Path, clock: Time) -> None:
    def state() -> dict[Path, bytes]:
        files = [p for p in (*toy_hub.rglob("*"), *nova.workspace.rglob("*")) if p.is_file()]
        return {path: path.read_bytes() for path in files}

    nova.run()
    before = state()
    watch = Watch(nova.member, 15, timer=clock)
    for now in range(0, 120, 10):
        clock.now = now
        watch.look()
    assert clock.asked > 3
    assert state() == before
