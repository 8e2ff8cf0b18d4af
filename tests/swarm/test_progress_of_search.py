"""How the search went: the best as it was known after each experiment."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitcollab.swarm.grouping import Mean, mean_of
from gitcollab.swarm.progress import mark_of, progress
from gitcollab.swarm.ranking import standings
from tests.swarm.factories import Bench, make_task


def steps(bench: Bench) -> list[tuple[int, float, str, bool]]:
    found = progress(standings(bench.task, bench.results)).steps
    return [(s.number, round(s.value, 9), s.program.description, s.new) for s in found]


def test_each_lower_number_is_the_best_then() -> None:
    bench = Bench()
    for program, metric in (("a", 1.0), ("b", 0.9), ("c", 0.95), ("d", 0.8)):
        bench.add(program, metric)
    assert steps(bench) == [(1, 1.0, "a", True), (2, 0.9, "b", True), (4, 0.8, "d", True)]


def test_the_line_moves_back_when_a_replicate_disproves_the_best() -> None:
    bench = Bench()
    bench.add("a", 0.900)
    bench.add("a", 0.900, agent="atlas")
    bench.add("b", 0.880)
    bench.add("b", 0.920, agent="atlas")
    bench.add("b", 0.922, agent="atlas")
    found = steps(bench)
    assert found[:1] == [(1, 0.9, "a", True)]
    assert (3, 0.88, "b", True) in found
    assert found[-1][1:] == (0.9, "a", True)


def test_more_runs_of_the_best_move_the_line_without_another_program() -> None:
    bench = Bench()
    bench.add("a", 0.900)
    bench.add("a", 0.898, agent="atlas")
    assert steps(bench) == [(1, 0.9, "a", True), (2, 0.899, "a", False)]


def test_crashes_and_what_does_not_count_make_no_step() -> None:
    bench = Bench(make_task(plausible={"min": 0.5}))
    bench.add("a", 0.9)
    bench.add("b", None)
    bench.add("c", 0.1)
    where = standings(bench.task, bench.results)
    found = progress(where)
    assert len(found.steps) == 1
    assert [mark_of(where, run) for run in found.runs] == ["unjudged", "crash", "uncounted"]


def test_marks_are_verdicts_in_the_words_of_the_field() -> None:
    bench = Bench()
    bench.add("a", 0.9)
    for program, metric in (("b", 0.8), ("c", 1.0), ("d", 0.9001)):
        bench.add(program, metric, base="a")
    where = standings(bench.task, bench.results)
    marks = [mark_of(where, run) for run in progress(where).runs]
    assert marks == ["unjudged", "keep", "discard", "noise"]


def test_a_wonder_is_no_keep_before_another_agent_has_seen_it() -> None:
    bench = Bench(make_task(plausible={"max_step": 0.1}))
    bench.add("a", 1.0)
    wonder = bench.add("w", 0.5, base="a")
    where = standings(bench.task, bench.results)
    assert (mark_of(where, wonder), where.judgement(wonder)) == ("unconfirmed", "unconfirmed")
    bench.add("w", 0.5, "vega", base="a", replicates=wonder.id)
    where = standings(bench.task, bench.results)
    assert (mark_of(where, wonder), where.judgement(wonder)) == ("keep", "better")


def test_another_run_of_a_program_is_no_try_without_a_base() -> None:
    bench = Bench()
    first = bench.add("a", 0.9)
    bench.add("a", 0.901, agent="atlas", replicates=first.id)
    bench.add("a", 0.902, agent="atlas", base="a")
    where = standings(bench.task, bench.results)
    assert [mark_of(where, run) for run in progress(where).runs] == ["unjudged", "rerun", "rerun"]


def test_a_maximised_metric_goes_up() -> None:
    bench = Bench(make_task(direction="maximize"))
    for program, metric in (("a", 1.0), ("b", 0.9), ("c", 1.2)):
        bench.add(program, metric)
    assert [s[1] for s in steps(bench)] == [1.0, 1.2]


@pytest.mark.parametrize("seed", range(20))
def test_the_last_best_is_the_best_of_the_standings_in_any_order(seed: int) -> None:
    chance = random.Random(seed)
    bench = Bench(make_task(plausible={"max_step": 0.05}))
    for _ in range(120):
        program = f"p{chance.randrange(30)}"
        metric = None if chance.random() < 0.1 else chance.gauss(0.9, 0.02)
        bench.add(program, metric, agent=chance.choice(["nova", "atlas"]), base="p0")
    where = standings(bench.task, bench.results)
    found = progress(where)
    assert where.best is not None
    assert found.steps[-1].value == where.best.mean
    assert found.steps[-1].program.fingerprint == where.best.fingerprint
    chance.shuffle(bench.results)
    assert progress(standings(bench.task, bench.results)) == found


RUNS = st.tuples(
    st.integers(0, 4),  # the program
    st.sampled_from([0.1, 0.2, 0.3, 0.7, 0.9, 1.1]),  # sums of these depend on their order
    st.integers(0, 3),  # when
    st.booleans(),  # whether it says that it replicates
    st.sampled_from(["nova", "atlas"]),
)


@given(st.lists(RUNS, min_size=1, max_size=40), st.sampled_from(["minimize", "maximize"]))
def test_the_last_step_is_the_hubs_best_to_the_last_bit(
    runs: list[tuple[int, float, int, bool, str]], direction: str
) -> None:
    bench = Bench(make_task(direction=direction, plausible={"max_step": 0.5}))
    for program, metric, minute, again, agent in runs:
        original = f"nova/p{program}-0" if again else None
        bench.add(
            f"p{program}", metric, agent, minute=minute, replicates=original, base=f"p{program - 1}"
        )
    where = standings(bench.task, bench.results)
    best, steps = where.best, progress(where).steps
    assert (best is None) == (not steps)
    if best is not None:
        last = steps[-1]
        assert (last.value, last.n, last.program) == (best.mean, best.n, best.first)


def test_a_replicate_whose_clock_is_behind_does_not_stand_for_the_program() -> None:
    bench = Bench()
    found = bench.add("a", 1.0, minute=10)
    bench.add("a", 1.0, "vega", minute=5, replicates=found.id)
    steps = progress(standings(bench.task, bench.results)).steps
    assert {step.program for step in steps} == {found}


@given(st.lists(st.floats(-1e100, 1e100), min_size=1, max_size=60))
def test_a_mean_of_numbers_that_come_one_by_one_is_the_mean(values: list[float]) -> None:
    mean = Mean()
    for n, value in enumerate(values, 1):
        mean.add(value)
        assert (mean.value, mean.n) == (mean_of(values[:n]), n)
