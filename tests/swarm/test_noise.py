"""σ, as all runs tell it: nobody sets it alone, and an honest hub learns its true noise."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitcollab.swarm.grouping import grouped
from gitcollab.swarm.noise import FAR, PRIOR_RUNS, Noise
from gitcollab.swarm.ranking import standings
from gitcollab.swarm.runs import Run
from tests.swarm.factories import Bench

PRIOR = 0.002
A_RUN = Bench().add("a", 1.0)
ANY_METRIC = st.floats(-1e6, 1e6)


def run(program: str, metric: float, agent: str, number: int = 0) -> Run:
    return A_RUN._replace(
        id=f"{agent}/{program}-{number}", fingerprint=program, metric=metric, agent=agent
    )


def noise(runs: Sequence[Run]) -> Noise:
    return Noise(PRIOR, list(grouped(runs).values()))


def design(runs: Sequence[Run]) -> float:
    """The plain pooled deviation, shrunk to the prior."""
    drafts = [draft for draft in grouped(runs).values() if len(draft.runs) > 1]
    squares = PRIOR_RUNS * PRIOR**2 + sum(draft.squares for draft in drafts)
    return math.sqrt(squares / (PRIOR_RUNS + sum(len(draft.runs) - 1 for draft in drafts)))


def honest(sigma: float, programs: int, seed: int = 0, reruns: int = 0) -> list[Run]:
    """Programs that two agents have run, and some that their finder alone has run twice."""
    rng = random.Random(seed)
    found = []
    for number in range(programs + reruns):
        for at in range(2):
            agent = f"agent-{number % 5 + at * (number < programs)}"
            value = 1 - 0.01 * number + rng.gauss(0, sigma)
            found.append(run(f"p{number}", value, agent, at))
    return found


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("factor", [0.1, 1, 10])
def test_a_hub_learns_its_true_noise_however_wrong_the_task_was(factor: float, seed: int) -> None:
    runs = honest(PRIOR * factor, 60, seed, reruns=20)
    assert noise(runs).sigma == pytest.approx(design(runs), rel=0.05)
    few = honest(PRIOR * factor, 12, seed, reruns=4)
    assert noise(few).sigma == pytest.approx(design(few), rel=0.25)


def test_two_reruns_by_one_agent_move_it_hardly() -> None:
    runs = honest(PRIOR, 10)
    wild = [run("mine", 8.0, "mallory"), run("mine", 0.5, "mallory", 1)]
    assert design([*runs, *wild]) > 1
    assert noise([*runs, *wild]).sigma < 1.35 * noise(runs).sigma
    alone = [run("theirs", 1.0, "nova"), *wild]  # on a hub that knows nothing yet
    assert noise(alone).sigma < 1.7 * PRIOR


def test_verdicts_stand_and_the_best_stays_whatever_one_agent_reruns() -> None:
    bench = Bench()
    for metric, program, base in ((1.0, "old", None), (0.98, "good", "old")):
        for agent in ("nova", "vega", "lyra"):
            bench.add(program, metric, agent, base=base)
    good = bench.results[3]
    assert standings(bench.task, bench.results).verdict(good) == "better"
    bench.add("mine", 8.0, "mallory")
    bench.add("mine", 0.5, "mallory")
    bench.add("old", 40.0, "mallory", replicates="nova/old-0")
    where = standings(bench.task, bench.results)
    assert where.best is not None
    assert (where.best.fingerprint, where.verdict(good)) == (good.fingerprint, "better")


@given(st.lists(st.tuples(st.integers(0, 3), ANY_METRIC), max_size=40))
def test_whatever_one_agent_reruns_of_its_own(own: list[tuple[int, float]]) -> None:
    runs = honest(PRIOR, 15)
    before = noise(runs).sigma
    wild = [run(f"m{p}", metric, "mallory", n) for n, (p, metric) in enumerate(own)]
    # At most half of all says something else, and no more than FAR of what the others say.
    assert before / 2 < noise([*runs, *wild]).sigma < before * FAR


@given(ANY_METRIC, st.integers(0, 14))
def test_whatever_one_run_says_of_others_programs(metric: float, program: int) -> None:
    runs = honest(PRIOR, 15)
    before = noise(runs).sigma
    after = noise([*runs, run(f"p{program}", metric, "mallory")]).sigma
    assert 0.9 * before < after < 1.25 * before


def test_who_repeats_one_seed_a_thousand_times_has_not_shown_that_there_is_no_noise() -> None:
    runs = honest(PRIOR, 15)
    same = [run("mine", 1.0, "mallory", number) for number in range(1000)]
    assert design([*runs, *same]) < noise(runs).sigma / 5
    assert noise([*runs, *same]).sigma > 0.6 * noise(runs).sigma


def test_an_agent_alone_is_believed_whatever_it_says() -> None:
    runs = [run("a", value, "nova", n) for n, value in enumerate((1.0, 1.5, 0.2, 7.0))]
    assert noise(runs).sigma == pytest.approx(design(runs))


@given(
    st.lists(st.tuples(st.integers(0, 5), st.floats(0.998, 1.002), st.integers(0, 3)), max_size=20),
    st.randoms(use_true_random=False),
)
def test_the_order_of_runs_does_not_matter(
    said: list[tuple[int, float, int]], rng: random.Random
) -> None:
    runs = [run(f"p{p}", value, f"agent-{a}", n) for n, (p, value, a) in enumerate(said)]
    again = rng.sample(runs, len(runs))
    assert noise(again).sigma == noise(runs).sigma


@given(st.lists(st.tuples(st.integers(0, 5), st.floats(0.999, 1.001)), max_size=20))
def test_where_nothing_is_far_off_it_is_the_plain_pooled_deviation(
    said: list[tuple[int, float]],
) -> None:
    """The reach is at least 3·√(4/(4 + N))·√½ of the prior, which is more than these are apart."""
    runs = [run(f"p{p}", value, f"agent-{n}", n) for n, (p, value) in enumerate(said)]
    assert noise(runs).sigma == pytest.approx(design(runs))


def test_without_one_program_is_what_the_others_say() -> None:
    runs = honest(PRIOR, 15)
    drafts = grouped(runs)
    some = next(iter(drafts.values()))
    others = [r for r in runs if r.fingerprint != some.key[0]]
    assert noise(runs).without(some) == pytest.approx(design(others), rel=0.02)


@pytest.mark.parametrize("seed", range(5))
def test_what_is_run_again_for_its_first_number_makes_the_noise_look_larger(seed: int) -> None:
    rng = random.Random(seed)
    runs = [run(f"p{n}", rng.gauss(1, PRIOR), f"agent-{n % 5}") for n in range(600)]
    chosen = sorted(runs, key=lambda one: one.metric or 0)[:60]
    runs += [run(one.fingerprint, rng.gauss(1, PRIOR), "vega", 1) for one in chosen]
    found = noise([one._replace(changed=1) for one in runs])
    assert found.sigma > 1.3 * PRIOR
    assert found.unchosen < 1.2 * PRIOR
    # Nobody chose the task's own program for its number.
    plain = noise([one._replace(changed=0) for one in runs])
    assert plain.unchosen == plain.sigma
