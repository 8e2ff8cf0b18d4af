"""Changes that were kept on two tiers or more: by their constants or their program."""

from __future__ import annotations

import random

import pytest

from gitcollab.swarm.ranking import Standings, standings
from tests.swarm.factories import Bench, digest


def where(bench: Bench) -> Standings:
    return standings(bench.task, bench.results)


def begin(bench: Bench) -> None:
    for tier, metric in (("cpu", 1.2), ("xl", 1.0)):
        bench.add("base", metric, base_fingerprint=digest("base"), tier=tier)


def marked(bench: Bench) -> dict[str, tuple[str, ...]]:
    """The marks of all ranked programs, by what they are called and their tier."""
    return {
        f"{group.first.description} {group.tier}": group.transfers for group in where(bench).ranked
    }


def test_the_same_constants_on_any_bases(bench: Bench) -> None:
    begin(bench)
    bench.add("other", 0.9, base="base", tier="xl", structural=True)
    bench.add("on-cpu", 1.1, base="base", tier="cpu", delta={"LR": 0.2})
    bench.add("on-xl", 0.8, base="other", tier="xl", delta={"LR": 0.2})
    bench.add("more", 0.7, base="other", tier="xl", delta={"LR": 0.2, "DEPTH": 9})
    assert where(bench).transfers == {'{"LR":0.2}': ("cpu", "xl")}
    assert marked(bench) == {
        "more xl": (),
        "on-xl xl": ("cpu", "xl"),
        "other xl": (),
        "base xl": (),
        "on-cpu cpu": ("cpu", "xl"),
        "base cpu": (),
    }


def test_the_same_program_even_where_one_tier_only_ran_it_again(bench: Bench) -> None:
    begin(bench)
    found = bench.add("good", 0.9, "vega", base="base", tier="xl", structural=True)
    bench.add("good", 1.0, "lyra", base="good", tier="cpu", replicates=found.id)
    assert where(bench).transfers == {digest("good"): ("cpu", "xl")}
    assert marked(bench)["good cpu"] == ("cpu", "xl")


@pytest.mark.parametrize("metric", [1.2, 1.3, None])
def test_what_was_not_kept_twice_carries_nothing_over(bench: Bench, metric: float | None) -> None:
    begin(bench)
    bench.add("on-xl", 0.8, base="base", tier="xl", delta={"LR": 0.2})
    bench.add("on-cpu", metric, base="base", tier="cpu", delta={"LR": 0.2})
    bench.add("nowhere", 0.1, base="base", tier="large", delta={"LR": 0.2})  # nothing to be better
    assert where(bench).transfers == {}


def test_the_order_of_results_does_not_matter(bench: Bench) -> None:
    begin(bench)
    for tier in ("cpu", "xl"):
        found = bench.add(f"lr-{tier}", 0.5, base="base", tier=tier, delta={"LR": 0.2})
        bench.add(f"lr-{tier}", 0.51, "lyra", tier=tier, replicates=found.id)
    first = where(bench)
    for seed in range(5):
        random.Random(seed).shuffle(bench.results)
        assert where(bench).transfers == first.transfers == {'{"LR":0.2}': ("cpu", "xl")}
        assert list(where(bench).ranked) == list(first.ranked)
