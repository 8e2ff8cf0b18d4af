"""Programs that nobody has built on: which they are, in what order, and who is about to."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from gitcollab.errors import UsageError
from gitcollab.records.models import Claim
from gitcollab.swarm.maps.frontier import Frontier, frontier
from gitcollab.swarm.ranking import standings
from gitcollab.swarm.swarm import Swarm
from tests.swarm.factories import START, Bench, digest

NOW = START + timedelta(days=2)
Agent = Callable[[str], Swarm]


def of(bench: Bench, *claims: Claim, tier: str | None = None, limit: int | None = None) -> Frontier:
    return frontier(standings(bench.task, bench.results), claims, NOW, tier, limit)


def begin(bench: Bench) -> None:
    bench.add("base", 1.0, base_fingerprint=digest("base"))


def names(found: Frontier) -> list[str]:
    return [leaf.entry.description for leaf in found.leaves]


def claim(**fields: object) -> Claim:
    return Claim.model_validate(
        {
            "id": "x",
            "agent": "vega",
            "created_at": datetime.now(UTC),
            "expires_at": datetime.now(UTC) + timedelta(minutes=5),
            "nonce": "0" * 32,
            "description": "x",
        }
        | fields
    )


def test_what_others_built_on_is_no_leaf_even_where_that_failed(bench: Bench) -> None:
    begin(bench)
    bench.add("a", 0.9, base="base")
    bench.add("b", 0.95, base="base")
    bench.add("broken", None, base="a")
    assert names(of(bench)) == ["b"]


def test_another_run_does_not_build_on_it(bench: Bench) -> None:
    begin(bench)
    a = bench.add("a", 0.9, base="base")
    bench.add("a", 0.9, "lyra", base="a", replicates=a.id)
    (leaf,) = of(bench).leaves
    assert (leaf.entry.description, leaf.entry.n, leaf.verdict) == ("a", 2, "keep")
    assert leaf.age_days == pytest.approx(2 - 1 / 1440)


def test_kept_before_noise_before_discarded_and_by_rank_within(bench: Bench) -> None:
    begin(bench)
    bench.add("worse", 1.2, base="base")
    bench.add("noise", 0.9999, base="base")
    bench.add("good", 0.9, base="base")
    bench.add("better", 0.8, base="base")
    bench.add("noise-of-good", 0.7999, base="better")
    bench.add("nothing-to-compare", 0.95, base_fingerprint=digest("vanished"))
    found = of(bench)
    assert names(found) == ["good", "nothing-to-compare", "noise-of-good", "noise", "worse"]
    assert [leaf.entry.rank for leaf in found.leaves] == [3, 4, 1, 5, 7]
    assert (found.total, found.counts) == (
        5,
        {"discard": 1, "keep": 1, "noise": 2, "unjudged": 1},
    )
    few = of(bench, limit=2)
    assert (names(few), few.total) == (["good", "nothing-to-compare"], 5)


def test_a_program_is_one_leaf_on_whatever_tiers_it_was_run(bench: Bench) -> None:
    begin(bench)
    bench.add("a", 0.9, base="base")
    bench.add("a", 0.8, base="base", tier="xl")
    assert [(leaf.entry.tier, leaf.entry.rank) for leaf in of(bench).leaves] == [("xl", 1)]
    assert [(leaf.entry.tier, leaf.entry.rank) for leaf in of(bench, tier="cpu").leaves] == [
        ("cpu", 1)
    ]
    assert of(bench, tier="large").leaves == []


def test_claims_that_build_on_it_are_counted(bench: Bench) -> None:
    begin(bench)
    a = bench.add("a", 0.9, base="base")
    by_id, by_program = claim(base=a.id), claim(base_fingerprint=digest("a"))
    rerun = claim(base=a.id, replicates=a.id)
    (leaf,) = of(bench, by_id, by_program, rerun).leaves
    assert leaf.claimed == 2


def test_nobody_can_build_on_what_nobody_has(bench: Bench) -> None:
    begin(bench)
    bench.add("said", 0.8, base="base", fingerprint=None)
    bench.add("worse", 1.2, base="base")
    found = of(bench)
    assert (names(found), found.total, found.counts) == (["worse"], 1, {"discard": 1})
    assert found.bare == 1
    assert found.leaves[0].entry.rank == 3  # of all


def test_circles_of_bases_have_no_leaf(bench: Bench) -> None:
    bench.add("a", 0.9, base_fingerprint=digest("b"))
    bench.add("b", 0.8, base_fingerprint=digest("a"))
    assert names(of(bench)) == []


def test_of_a_hub(agent: Agent) -> None:
    nova = agent("nova")
    assert nova.frontier() == Frontier([], 0, {}, 0)
    nova.run()
    report = nova.run(set_values={"RATE": "0.2"})
    assert report.result is not None
    nova.claim("WIDTH 8 → 16")
    (leaf,) = nova.frontier().leaves
    assert (leaf.entry.id, leaf.verdict, leaf.claimed) == (report.result.id, "keep", 1)
    with pytest.raises(UsageError, match="there is no tier"):
        nova.frontier("nowhere")
