"""Where the swarm stands: what was kept, what failed, how wide the search is, what is next."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from gitcollab.swarm.maps.analysis import CODE, FAILED, RECENT, WORDS, Diversity, facts
from gitcollab.swarm.ranking import standings
from gitcollab.swarm.swarm import Swarm
from tests.swarm.factories import Bench, digest

Agent = Callable[[str], Swarm]


def spread(bench: Bench) -> Diversity:
    where = standings(bench.task, bench.results)
    told = facts(where, "cpu")["diversity"]
    return Diversity(**told)


def begin(bench: Bench) -> None:
    bench.add("base", 1.0, base_fingerprint=digest("base"))


def test_an_empty_hub_says_nothing(bench: Bench) -> None:
    assert spread(bench) == Diversity(0, 0, 0, 0, 0, None, 0.0, 0.0)
    told = facts(standings(bench.task, []), "cpu")
    assert told["kept"] == told["failed"] == told["replicate"] == told["transfers"] == []


def test_diversity_is_of_what_experiments_were_about(bench: Bench) -> None:
    begin(bench)
    a = bench.add("a", 0.9, base="base", delta={"LR": 0.2})
    bench.add("b", 0.9, base="base", delta={"LR": 0.3, "DEPTH": 9})
    bench.add("c", 0.9, base="a", structural=True)
    bench.add("a", 0.9, "lyra", base="a", replicates=a.id)
    found = spread(bench)
    assert (found.experiments, found.reruns, found.structural) == (4, 1, 1)
    assert (found.constants, found.bases) == (2, 2)
    assert (found.most, found.most_share) == ("LR", pytest.approx(1.5 / 3))
    shares = (1.5 / 3, 0.5 / 3, 1 / 3)
    assert found.effective == pytest.approx(math.exp(-sum(s * math.log(s) for s in shares)))


def test_a_baseline_is_neither_an_experiment_nor_a_rerun(bench: Bench) -> None:
    begin(bench)
    bench.add("base", 1.5, base_fingerprint=digest("base"), tier="xl")
    bench.add("base", None, base_fingerprint=digest("base"), tier="small")
    assert spread(bench) == Diversity(0, 0, 0, 0, 0, None, 0.0, 0.0)
    first = bench.add("a", 0.9, base="base", delta={"LR": 0.2})
    bench.add("base", 1.0, "lyra", replicates=bench.results[0].id, base_fingerprint=digest("base"))
    assert (spread(bench).experiments, spread(bench).reruns) == (2, 1)
    for n in range(RECENT):
        bench.add("base", 1.0, base_fingerprint=digest("base"), tier=f"t{n}")
    bench.add("a", 0.9, base="base", replicates=first.id)
    assert (spread(bench).experiments, spread(bench).reruns) == (3, 2)


@pytest.mark.parametrize("number", [1, 2, 5])
def test_so_many_subjects_tried_equally_are_so_many(bench: Bench, number: int) -> None:
    begin(bench)
    for n in range(number * 3):
        bench.add(f"p{n}", 0.9, base="base", delta={f"C{n % number}": n})
    assert spread(bench).effective == pytest.approx(number)


def test_the_code_is_one_subject(bench: Bench) -> None:
    begin(bench)
    bench.add("other", 0.9, base="base")
    found = spread(bench)
    assert (found.most, found.most_share, found.effective) == (CODE, 1.0, 1.0)


def test_what_nobody_has_is_known_by_words_and_worth_no_run(bench: Bench) -> None:
    begin(bench)
    bench.add("said", 0.8, base="base", fingerprint=None)
    bench.add("told", 0.85, base="base", fingerprint=None)
    bench.add("other", 0.9, base="base")
    found = spread(bench)
    assert (found.most, found.most_share) == (WORDS, pytest.approx(2 / 3))
    assert (found.structural, found.constants) == (3, 0)
    told = facts(standings(bench.task, bench.results), "cpu")
    assert [one["description"] for one in told["replicate"]] == ["other"]
    assert (told["bare"], told["leaves"]) == (2, 1)


def test_what_was_kept_and_what_failed_newest_first(bench: Bench) -> None:
    begin(bench)
    bench.add("good", 0.9, "vega", base="base", delta={"LR": 0.2})
    bench.add("noise", 0.9001, base="good")
    bench.add("bad", 0.95, base="good")
    bench.add("broken", None, base="good")
    bench.add("broken", None, "lyra", base="good")  # the same once more
    told = facts(standings(bench.task, bench.results), "cpu")
    (kept,) = told["kept"]
    assert (kept["description"], kept["agent"], kept["gain"]) == (
        *("good", "vega"),
        pytest.approx(0.1),
    )
    assert [(one["description"], one["status"]) for one in told["failed"]] == [
        ("broken", "crash"),
        ("bad", "ok"),
    ]
    assert told["failed"][0]["gain"] is None
    assert told["failed"][1]["gain"] == pytest.approx(-0.05)
    assert told["replicate"][0]["description"] == "good"


def test_lists_are_short(bench: Bench) -> None:
    begin(bench)
    for n in range(20):
        bench.add(f"broken{n}", None, base="base")
    told = facts(standings(bench.task, bench.results), "cpu")["failed"]
    assert [one["description"] for one in told] == [f"broken{19 - n}" for n in range(FAILED)]


def test_changes_that_several_tiers_kept_stand_in_their_best_program(bench: Bench) -> None:
    for tier in ("cpu", "xl"):
        bench.add("base", 1.0, base_fingerprint=digest("base"), tier=tier)
        bench.add(f"lr-{tier}", 0.8, base="base", tier=tier, delta={"LR": 0.2})
        bench.add(f"more-{tier}", 0.7, base=f"lr-{tier}", tier=tier, delta={"LR": 0.2, "D": 2})
    told = facts(standings(bench.task, bench.results), "cpu")["transfers"]
    assert [(one["description"], one["transfers"]) for one in told] == [
        ("more-cpu", ("cpu", "xl")),
        ("lr-cpu", ("cpu", "xl")),
    ]


def test_of_a_hub(agent: Agent) -> None:
    nova = agent("nova")
    empty = nova.analyze()
    assert (empty.best, empty.by_tier, empty.trend.word) == (None, {}, "too early to say")
    nova.run()
    report = nova.run(set_values={"RATE": "0.2"})
    assert report.result is not None
    nova.claim("WIDTH 8 → 16")
    nova.propose("wider", "it has room", set_values={"WIDTH": "16"})
    nova.learn("RATE matters", evidence=[report.result.id])
    for found in (nova.analyze(), nova.analyze()):  # worked out, and remembered
        assert found.best is not None
        assert found.best.id == report.result.id == found.kept[0].id
        assert found.by_tier == {"cpu": found.best}
        assert [(one.agent, one.experiments, one.kept) for one in found.active] == [("nova", 2, 1)]
        assert found.diversity == Diversity(1, 0, 0, 1, 1, "RATE", 1.0, 1.0)
        assert found.replicate[0].id == report.result.id
        assert [one.description for one in found.claims] == ["WIDTH 8 → 16"]
        assert [one.hypothesis.title for one in found.hypotheses.ideas] == ["wider"]
        assert [one.insight.text for one in found.insights.insights] == ["RATE matters"]
        assert (found.transfers, found.failed) == ([], [])
