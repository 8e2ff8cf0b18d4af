"""The overview, as it is read: the best, where it came from, who found it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gitcollab.faces.dashboard import activity, agents, leaderboard, lineage, overview
from gitcollab.faces.pages import pages as hub_pages
from gitcollab.records.models import Claim
from gitcollab.swarm.identity import key_of
from gitcollab.swarm.seeding import init_hub
from tests import toy
from tests.faces.auditing import Parsed
from tests.faces.hubs import BEGAN, Hub, changed

SMALL = {"hardware": {"device": "CPU", "tier": "cpu"}}


@pytest.fixture
def hub(toy_hub: Path) -> Hub:
    return Hub(toy_hub)


def seeded(folder: Path, task: str) -> Path:
    folder.mkdir(parents=True)
    (folder / "train.py").write_text(toy.PROGRAM)
    (folder / "task.yaml").write_text(task)
    hub = folder / "hub.git"
    assert init_hub(str(hub), task_file=folder / "task.yaml", pages=hub_pages).seeded
    return hub


def overview_of(hub: Hub) -> Parsed:
    return Parsed(dict(overview.files(hub.facts))["index.html"].decode())


def lineage_of(hub: Hub) -> Parsed:
    return Parsed(dict(lineage.files(hub.facts))["lineage.html"].decode())


def test_the_gain_is_over_where_the_line_began_on_the_bests_own_tier(hub: Hub) -> None:
    base = hub.run("baseline", 1.2, **SMALL)
    large = hub.run("baseline-large", 1.0, "vega", replicates=base.id)
    hub.run("x", 0.99, "lyra", program=changed(0.2), base=large)
    page = overview_of(hub)
    assert "0.010000 better than where it began (1.000000)" in page.words
    assert "0.010000 better in all" in lineage_of(hub).words


def test_a_best_that_is_worse_than_where_it_began_is_said_to_be(hub: Hub) -> None:
    base = hub.run("lucky", 0.9, "vega")
    x = hub.run("solid", 0.9005, program=changed(0.2), base=base)
    for n, agent in enumerate(("lyra", "orion", "vega", "lyra", "orion")):
        hub.run(f"again-{n}", 0.9005, agent, program=changed(0.2), base=base, replicates=x.id)
    page = overview_of(hub)
    assert "0.0005 worse than where it began (0.900000)" in page.words
    assert "worse in all" in lineage_of(hub).words


def test_who_runs_it_on_another_tier_did_not_find_it(hub: Hub) -> None:
    base = hub.run("baseline", 1.2, **SMALL)
    x = hub.run("x", 1.1, "lyra", program=changed(0.2), base=base, **SMALL)
    hub.run("x-again", 0.9, "vega", program=changed(0.2), base=base, replicates=x.id)
    page = overview_of(hub)
    assert "found by lyra on 2026-03-01 12:02 UTC, run on this tier by vega" in page.words
    board = Parsed(dict(leaderboard.files(hub.facts))["leaderboard.html"].decode())
    assert "large lyra x" in board.words
    assert "large vega" not in board.words


def test_the_trend_says_what_counts(hub: Hub) -> None:
    base = hub.run("baseline", 1.0)
    for n in range(20):
        hub.run(f"crash-{n}", None, "vega", program=changed(9 + n), base=base)
    hub.run("maybe", 0.9955, "vega", program=changed(0.2), base=base)
    page = overview_of(hub)
    noise = 2 * hub.facts.where.sigma * 2**0.5
    word = "improving" if noise <= 0.0045 else "flat"
    assert f"Trend: {word}" in page.words
    assert "One run has a standard deviation of" in page.words
    assert "a gain counts from 2 standard errors of the difference on" in page.words


def test_the_unit_is_said(tmp_path: Path) -> None:
    task = toy.TASK.replace("metric: {name: score,", "metric: {name: score, unit: points,")
    assert task != toy.TASK
    page = overview_of(Hub(seeded(tmp_path / "hub", task)))
    assert "lower score (points) is better" in page.words


def test_a_program_on_two_tiers_is_one(hub: Hub) -> None:
    base = hub.run("baseline", 1.2, **SMALL)
    assert "1 experiment 1 program ranked 1 agent has run some" in overview_of(hub).words
    hub.run("baseline-large", 1.0, "vega", replicates=base.id)
    assert "2 experiments 1 program ranked 2 agents have run some" in overview_of(hub).words


def test_a_date_far_ahead_empties_nothing(hub: Hub) -> None:
    base = hub.run("baseline", 1.0)
    for n in range(3):
        hub.run(f"run-{n}", 1.0, "vega", program=changed(n), base=base)
    ahead = {"created_at": BEGAN.replace(year=2999)}
    hub.run("ahead", 1.0, "lyra", program=changed(9), base=base, **ahead)
    bars = activity.bars(hub.facts)
    assert bars is not None
    assert (bars.unit, bars.most, bars.last) == ("hour", 4, "2026-03-01 12:00")
    _, days = agents._activity(hub.facts)
    assert days == {"nova": {agents.DAYS - 1: 1}, "vega": {agents.DAYS - 1: 3}}


def test_who_is_at_work_is_as_of_the_building(hub: Hub) -> None:
    assert "when this page was made." in overview_of(hub).words  # nobody
    now = datetime.now(UTC)
    own = hub.own() | {"created_at": now, "expires_at": now + timedelta(seconds=1000)}
    claim = Claim(id="x", agent="lyra", description="trying", **own)
    hub.put("claim", claim.model_copy(update={"id": key_of(claim)}))
    facts = hub.facts
    (held,) = facts.claims
    assert timedelta(0) < facts.left(held) <= timedelta(seconds=1000)
    page = Parsed(dict(overview.files(facts))["index.html"].decode())
    assert f"As of {facts.now:%Y-%m-%d %H:%M} UTC, when this page was made." in page.words
