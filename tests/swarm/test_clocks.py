"""Machines whose clocks are hours off: claims are neither immortal nor stillborn."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from gitcollab.swarm.outcomes import Granted, Taken
from tests.swarm.world import World

AHEAD, BEHIND, RIGHT = timedelta(hours=2), timedelta(hours=-2), timedelta(0)
TTL = timedelta(minutes=15)  # of the toy task


@pytest.fixture
def world(tmp_path: Path, toy_hub: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path, toy_hub, monkeypatch)


@pytest.mark.parametrize(
    ("holder", "other"), [(AHEAD, RIGHT), (BEHIND, RIGHT), (RIGHT, AHEAD), (RIGHT, BEHIND)]
)
@pytest.mark.parametrize("met_before", [True, False])
def test_a_claim_lasts_its_time_to_live(
    world: World, holder: timedelta, other: timedelta, met_before: bool
) -> None:
    nova = world.agent("nova", holder)
    if met_before:
        atlas = world.agent("atlas", other)
    assert isinstance(nova.claim("RATE=0.2"), Granted)
    world.passes(minutes=1)
    if not met_before:
        atlas = world.agent("atlas", other)
    assert isinstance(atlas.claim("RATE=0.2"), Taken)
    world.passes(minutes=12)
    assert isinstance(atlas.claim("RATE=0.2"), Taken)
    assert [c.agent for c in atlas.status(ask=True).claims] == ["nova"]
    world.passes(minutes=4)
    assert atlas.status(ask=True).claims == []
    assert isinstance(atlas.claim("RATE=0.2"), Granted)
    world.passes(minutes=1)
    assert isinstance(nova.claim("RATE=0.2"), Taken)


@pytest.mark.parametrize("skew", [AHEAD, BEHIND])
def test_a_claim_that_is_renewed_goes_on(world: World, skew: timedelta) -> None:
    nova, atlas = world.agent("nova", skew), world.agent("atlas", RIGHT)
    assert isinstance(nova.claim("RATE=0.2"), Granted)
    for _ in range(6):
        world.passes(minutes=5)
        assert len(nova.renew()) == 1
        world.passes(minutes=5)
        assert isinstance(atlas.claim("RATE=0.2"), Taken)
    assert atlas.sync().swept == []
    world.passes(minutes=16)
    assert isinstance(atlas.claim("RATE=0.2"), Granted)


def test_whose_clock_is_ahead_does_not_end_others_claims(world: World) -> None:
    vega, nova, atlas = (
        world.agent(name, skew)
        for name, skew in (("vega", RIGHT), ("nova", AHEAD), ("atlas", RIGHT))
    )
    assert isinstance(vega.claim("RATE=0.2"), Granted)
    atlas.sync()
    world.passes(minutes=1)
    assert isinstance(nova.claim("RATE=0.4"), Granted)
    assert nova.sync().swept == []
    world.passes(minutes=1)
    assert isinstance(atlas.claim("RATE=0.2"), Taken)
    assert isinstance(nova.claim("RATE=0.2"), Taken)
    assert [c.agent for c in vega.status(ask=True).mine] == ["vega"]


def test_one_s_own_claim_is_one_s_own_whatever_the_others_clocks(world: World) -> None:
    vega, nova = world.agent("vega", RIGHT), world.agent("nova", AHEAD)
    mine = vega.claim("RATE=0.2")
    nova.claim("RATE=0.4")
    vega.sync()
    assert vega.claim("RATE=0.2") == mine


def test_stale_claims_are_swept_by_who_watched_them(world: World) -> None:
    nova, atlas = world.agent("nova", AHEAD), world.agent("atlas", RIGHT)
    granted = nova.claim("RATE=0.2")
    assert isinstance(granted, Granted)
    assert atlas.sync().swept == []
    world.passes(minutes=17)
    assert atlas.sync().swept == [granted.experiment]


def test_a_claim_on_a_hub_that_was_quiet_for_days_is_void_at_once(world: World) -> None:
    world.agent("nova", RIGHT).claim("RATE=0.2")
    world.passes(minutes=3 * 24 * 60)
    assert isinstance(world.agent("atlas", RIGHT).claim("RATE=0.2"), Granted)


def test_a_claim_is_not_stillborn_when_others_write_before_it_is_seen(world: World) -> None:
    nova, vega, atlas = (
        world.agent(name, skew)
        for name, skew in (("nova", BEHIND), ("vega", RIGHT), ("atlas", RIGHT))
    )
    world.passes(minutes=200)  # the hub has been quiet: nova cannot know that its clock is behind
    for swarm in (nova, vega, atlas):
        swarm.sync()
    assert isinstance(nova.claim("RATE=0.2"), Granted)
    assert isinstance(vega.claim("RATE=0.4"), Granted)
    world.passes(minutes=1)
    assert isinstance(atlas.claim("RATE=0.2"), Taken)
    world.passes(minutes=15)
    assert isinstance(atlas.claim("RATE=0.2"), Granted)


@pytest.mark.parametrize("skew", [AHEAD, BEHIND])
def test_renewals_count_when_others_write_too(world: World, skew: timedelta) -> None:
    nova, vega, atlas = (
        world.agent(name, clock)
        for name, clock in (("nova", skew), ("vega", RIGHT), ("atlas", RIGHT))
    )
    assert isinstance(nova.claim("RATE=0.2"), Granted)
    for n in range(5):
        world.passes(minutes=5)
        assert len(nova.renew()) == 1
        assert isinstance(vega.claim(f"RATE=0.4{n}"), Granted)
        assert isinstance(atlas.claim("RATE=0.2"), Taken)


@pytest.mark.parametrize("wrong", [AHEAD, BEHIND])
def test_setting_a_clock_right_leaves_no_claim_in_force(world: World, wrong: timedelta) -> None:
    nova, atlas = world.agent("nova", RIGHT), world.agent("atlas", wrong)
    assert isinstance(nova.claim("RATE=0.2"), Granted)
    assert isinstance(atlas.claim("RATE=0.2"), Taken)
    world.set_right(atlas)
    world.passes(minutes=16)
    assert isinstance(atlas.claim("RATE=0.2"), Granted)


@pytest.mark.parametrize("skew", [AHEAD, BEHIND])
def test_skew_is_reported(world: World, skew: timedelta) -> None:
    nova, atlas = world.agent("nova", skew), world.agent("atlas", RIGHT)
    for _ in range(2):
        world.passes(minutes=1)
        atlas.claim("RATE=0.2")
        atlas.release()
        nova.sync()
    assert nova.status().skew_seconds == pytest.approx(-skew.total_seconds(), abs=180)
