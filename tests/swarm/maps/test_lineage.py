"""The line that led to a program: what each change gained, whose it was, and what ends it."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitcollab.swarm.maps.lineage import Lineage, credits_of, lineage
from gitcollab.swarm.ranking import Standings, standings
from tests.swarm.factories import Bench, digest, make_task


@pytest.fixture
def bench() -> Bench:
    return Bench()


def where(bench: Bench, **more: object) -> Standings:
    return standings(bench.task, bench.results, **more)  # type: ignore[arg-type]


def line_of_best(bench: Bench) -> Lineage:
    best = where(bench).best
    assert best is not None
    return lineage(where(bench), best)


def names(line: Lineage) -> list[str]:
    return [link.run.description for link in line.links]


def begin(bench: Bench) -> None:
    bench.add("baseline", 1.0, "nova", base_fingerprint=digest("baseline"))


def test_change_by_change_from_the_baseline_to_the_best(bench: Bench) -> None:
    begin(bench)
    bench.add("a", 0.98, "vega", base="baseline")
    bench.add("aside", 0.99, "vega", base="baseline")
    bench.add("b", 0.95, "lyra", base="a")
    line = line_of_best(bench)
    assert names(line) == ["baseline", "a", "b"]
    assert line.origin == "begun"
    assert line.began.first.description == "baseline"
    assert [link.gain for link in line.links] == [None, pytest.approx(0.02), pytest.approx(0.03)]
    assert line.links[1].error == pytest.approx(where(bench).sigma * 2**0.5)
    assert line.gain == pytest.approx(0.05)


def test_of_a_maximised_metric_gains_are_the_other_way_round() -> None:
    bench = Bench(make_task(direction="maximize"))
    begin(bench)
    bench.add("a", 1.5, "vega", base="baseline")
    assert line_of_best(bench).gain == pytest.approx(0.5)


def test_means_of_all_runs_count_and_replications_are_no_links(bench: Bench) -> None:
    begin(bench)
    a = bench.add("a", 0.90, "vega", base="baseline")
    bench.add("a", 0.94, "lyra", base="a", replicates=a.id)
    bench.add("b", 0.80, "lyra", base="a")
    line = line_of_best(bench)
    assert names(line) == ["baseline", "a", "b"]
    assert line.links[1].run == a
    assert line.links[1].gain == pytest.approx(0.08)
    assert line.links[1].group is not None
    assert line.links[1].group.standing == "confirmed"


def test_a_baseline_that_nobody_ran_still_begins_it(bench: Bench) -> None:
    bench.add("a", 0.9, base_fingerprint=digest("baseline"))
    line = line_of_best(bench)
    assert (names(line), line.origin, line.gain) == (["a"], "begun", None)


def test_a_program_that_was_not_run_on_the_tier_is_bridged(bench: Bench) -> None:
    begin(bench)
    bench.add("a", 2.0, "vega", base="baseline", tier="large")
    bench.add("b", 0.9, "vega", base="a")
    line = line_of_best(bench)
    assert names(line) == ["baseline", "a", "b"]
    assert [link.group is None for link in line.links] == [False, True, False]
    assert line.links[2].gain == pytest.approx(0.1)  # over the baseline
    assert [link.back for link in line.links] == [0, 0, 2]
    # What the program between had to do with it is not known: nobody is credited alone.
    assert [(c.agent, c.changes, c.gain) for c in credits_of(where(bench), line)] == [
        ("nova", 1, 0.0),
        ("vega", 2, 0.0),
    ]


@pytest.mark.parametrize("fields", [{"base": None}, {"base": "nova/gone-7"}])
def test_a_base_that_is_gone_ends_the_line_or_is_found_by_its_program(
    bench: Bench, fields: dict[str, str | None]
) -> None:
    bench.add("lost", 0.9, base_fingerprint=digest("vanished"))
    begun = line_of_best(bench)
    assert begun.origin == "begun"  # from a baseline that is no longer the task's
    fields = {"base": None} | fields
    run = bench.results[0]._replace(base=fields["base"])
    best = standings(bench.task, [run]).best
    assert best is not None
    line = lineage(standings(bench.task, [run]), best)
    assert line.origin == ("begun" if fields["base"] is None else "unknown")
    other = bench.add("vanished", 1.0, "vega")
    both = standings(bench.task, [run, other])
    assert both.best is not None
    assert names(lineage(both, both.best)) == ["vanished", "lost"]


def test_a_base_that_is_not_the_tasks_own_is_not_the_beginning(bench: Bench) -> None:
    bench.add("stray", 0.9, base_fingerprint=digest("vanished"))
    for baseline, origin in (("vanished", "begun"), ("baseline", "unknown")):
        found = where(bench, baseline=digest(baseline))
        assert found.best is not None
        assert lineage(found, found.best).origin == origin


def test_withdrawn_bases_are_not_in_the_line(bench: Bench) -> None:
    begin(bench)
    a = bench.add("a", 0.98, "vega", base="baseline")
    bench.add("b", 0.95, "lyra", base="a")
    found = standings(bench.task, bench.results, [a.id])
    assert found.best is not None
    line = lineage(found, found.best)
    assert (names(line), line.origin) == (["b"], "unknown")


def test_circles_end(bench: Bench) -> None:
    a = bench.add("a", 0.9, base_fingerprint=digest("b"))
    b = bench.add("b", 1.0, base_fingerprint=digest("a"))
    runs = [a._replace(base=b.id), b._replace(base=a.id)]
    found = standings(bench.task, runs)
    assert found.best is not None
    line = lineage(found, found.best)
    assert (names(line), line.origin) == (["b", "a"], "circle")


def test_a_program_is_of_who_found_it_on_any_tier(bench: Bench) -> None:
    begin(bench)
    a = bench.add("a", 0.98, "vega", base="baseline")
    b = bench.add("b", 0.95, "lyra", base="a")
    # On the other tier there is nothing but runs of what others found.
    bench.add("a", 0.58, "orion", base="a", tier="xl", replicates=a.id)
    bench.add("b", 0.55, "orion", base="b", tier="xl", replicates=b.id)
    line = line_of_best(bench)
    assert line.tier == "xl"
    assert [link.run.agent for link in line.links] == ["nova", "vega", "lyra"]
    assert [link.group and link.group.mean for link in line.links] == [None, 0.58, 0.55]
    assert line.gain == pytest.approx(0.03)


def test_a_base_that_crashed_is_named(bench: Bench) -> None:
    begin(bench)
    bench.add("broken", None, "vega", base="baseline")
    bench.add("mended", 0.9, "lyra", base="broken")
    line = line_of_best(bench)
    assert names(line) == ["baseline", "broken", "mended"]
    assert line.links[1].group is None


def test_credits_are_sums_with_their_noise(bench: Bench) -> None:
    begin(bench)
    bench.add("a", 0.98, "vega", base="baseline")
    bench.add("b", 0.95, "vega", base="a")
    bench.add("c", 0.94, "lyra", base="b")
    found = where(bench)
    line = line_of_best(bench)
    vega, lyra, nova = credits_of(found, line)
    assert (vega.agent, vega.changes) == ("vega", 2)
    assert vega.gain == pytest.approx(0.05)
    # What lies between its two changes cancels: only the first and the last mean are noise.
    assert vega.error == pytest.approx(found.sigma * 2**0.5)
    assert (lyra.agent, lyra.gain) == ("lyra", pytest.approx(0.01))
    assert (nova.agent, nova.changes, nova.gain, nova.error) == ("nova", 1, 0.0, 0.0)
    assert sum(c.gain for c in (vega, lyra, nova)) == pytest.approx(line.gain)


@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.none() | st.integers(0, 5), st.floats(0.5, 2)), max_size=12
    ),
    st.randoms(use_true_random=False),
)
def test_whatever_bases_are_named_it_ends_and_order_does_not_matter(
    runs: list[tuple[int, int | None, float]], rng: random.Random
) -> None:
    bench = Bench()
    for program, base, metric in runs:
        named = None if base is None else digest(f"p{base}")
        bench.add(f"p{program}", metric, rng.choice(["nova", "vega"]), base_fingerprint=named)
    before = [lineage(where(bench), group) for group in where(bench).groups]
    for line in before:
        prints = [link.run.fingerprint for link in line.links]
        assert len(prints) == len(set(prints))
    rng.shuffle(bench.results)
    assert [lineage(where(bench), group) for group in where(bench).groups] == before
