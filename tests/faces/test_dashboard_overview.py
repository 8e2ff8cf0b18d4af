"""The overview, as it is read: the best, where it came from, who found it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitcollab.faces.dashboard import leaderboard, lineage, overview
from tests.faces.auditing import Parsed
from tests.faces.hubs import Hub, changed

SMALL = {"hardware": {"device": "CPU", "tier": "cpu"}}


@pytest.fixture
def hub(toy_hub: Path) -> Hub:
    return Hub(toy_hub)


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
