from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitcollab.swarm.ranking import Group, Standings, standings
from tests.swarm.factories import Bench, digest, make_task


def stand(bench: Bench, retracted: tuple[str, ...] = ()) -> Standings:
    return standings(bench.task, bench.results, retracted)


def names(groups: tuple[Group, ...]) -> list[str]:
    return [g.first.description for g in groups]


def test_nothing_measured() -> None:
    where = stand(Bench())
    assert where.best is None
    assert where.ranked == where.groups == ()
    assert where.by_tier == {}
    assert where.by_agent == {}
    assert where.sigma == pytest.approx(0.002)


def test_hand_computed_group(bench: Bench) -> None:
    # s² of {1.000, 1.004} = 8e-6; σ² = (4·4e-6 + 8e-6) / 5 = 4.8e-6
    bench.add("a", 1.000, "nova")
    bench.add("a", 1.004, "vega")
    bench.add("b", 0.999, "vega")
    sigma = math.sqrt(4.8e-6)
    where = stand(bench)
    a = next(g for g in where.groups if g.n == 2)
    assert where.sigma == a.sigma == pytest.approx(sigma)
    assert a.mean == pytest.approx(1.002)
    assert a.pessimistic == pytest.approx(1.002 + sigma / math.sqrt(2))
    assert a.optimistic == pytest.approx(1.002 - sigma / math.sqrt(2))
    assert (a.agents, a.standing, a.flagged) == (("nova", "vega"), "confirmed", False)
    assert a.runs == ("nova/a-0", "vega/a-1")
    assert a.first.id == "nova/a-0"
    b = next(g for g in where.groups if g.n == 1)
    assert b.standing == "provisional"
    assert b.pessimistic == pytest.approx(0.999 + 2 * sigma)  # a single run was chosen for it
    assert names(where.ranked) == ["b", "a"]


def test_sigma_is_pooled_over_groups_and_tiers(bench: Bench) -> None:
    for program, tier in (("a", "cpu"), ("b", "large")):
        for metric in (1.0, 1.01, 1.02):
            bench.add(program, metric, tier=tier)
    # each group: Σ(x−m)² = 2e-4 with two degrees of freedom
    assert stand(bench).sigma == pytest.approx(math.sqrt((4 * 4e-6 + 4e-4) / (4 + 4)))


def test_one_lucky_run_does_not_displace_a_replicated_program(bench: Bench) -> None:
    for agent in ("nova", "vega", "lyra", "deneb"):
        bench.add("solid", 1.0, agent)
    bench.add("lucky", 0.9995)
    assert names(stand(bench).ranked) == ["solid", "lucky"]
    bench.add("real", 0.99)
    assert names(stand(bench).ranked) == ["real", "solid", "lucky"]


def test_best_falls_back_when_replicates_disprove_it(bench: Bench) -> None:
    bench.add("base", 1.0)
    bench.add("base", 1.0, "vega")
    bench.add("wonder", 0.99, base="base")
    assert names(stand(bench).ranked)[0] == "wonder"
    bench.add("wonder", 1.006, "vega")
    bench.add("wonder", 1.008, "lyra")
    where = stand(bench)
    assert names(where.ranked)[0] == "base"
    assert where.verdict(bench.results[2]) != "better"


def test_what_ends_with_its_finder_alone_does_not_rank() -> None:
    bench = Bench()
    bench.add("base", 1.0)
    bench.add("lie", 0.95, agent="mallory", base="base")
    bench.add("lie", None, agent="atlas", base="base")
    assert [group.first.description for group in stand(bench).ranked] == ["lie", "base"]
    bench.add("lie", None, agent="vega", base="base")
    assert [group.first.description for group in stand(bench).ranked] == ["base"]
    bench.add("lie", 0.951, agent="lyra", base="base")
    assert [group.first.description for group in stand(bench).ranked] == ["lie", "base"]


def test_z_of_the_task_widens_the_margin() -> None:
    bench = Bench(make_task(z=3.0))
    bench.add("a", 1.0)
    assert stand(bench).groups[0].pessimistic == pytest.approx(1.0 + 3 * 2 * 0.002)


def test_equal_scores_rank_by_age_then_id(bench: Bench) -> None:
    bench.add("late", 1.0, minute=9)
    bench.add("b", 1.0, "zed", minute=1)
    bench.add("c", 1.0, "abe", minute=1)
    assert names(stand(bench).ranked) == ["c", "b", "late"]


@pytest.mark.parametrize("status", ["crash", "timeout"])
def test_a_run_without_metric_counts_nowhere_but_in_its_agents_row(
    bench: Bench, status: str
) -> None:
    failed = bench.add("a", None, status=status)
    where = stand(bench)
    assert where.groups == ()
    assert where.group_of(failed) is None
    assert where.verdict(failed) is None
    assert where.by_agent["nova"].crashes == where.by_agent["nova"].experiments == 1


def test_other_task_does_not_count(bench: Bench) -> None:
    other = bench.add("a", 0.5, task=digest("another task"))
    where = stand(bench)
    assert where.groups == ()
    assert where.by_agent == {}
    assert where.group_of(other) is None


def test_retracted_run_does_not_count(bench: Bench) -> None:
    bench.add("a", 0.5)
    bench.add("b", 1.0)
    where = stand(bench, ("nova/a-0",))
    assert names(where.ranked) == ["b"]
    assert where.by_agent["nova"].experiments == 1
    assert where.group_of(bench.results[0]) is None


def test_wrong_dataset_does_not_count() -> None:
    bench = Bench(make_task(dataset={"name": "embedded", "sha256": digest("data")}))
    bench.add("right", 1.0, environment={"dataset": digest("data")})
    bench.add("wrong", 0.9, environment={"dataset": digest("other data")})
    bench.add("silent", 0.8)
    assert names(stand(bench).groups) == ["right"]


@pytest.mark.parametrize("metric", [-0.1, 9.0, 1e300])
def test_outside_the_plausible_bounds_does_not_count(metric: float) -> None:
    bench = Bench(make_task(plausible={"min": 0.0, "max": 8.0}))
    bench.add("edge", 0.0)
    bench.add("odd", metric)
    assert names(stand(bench).groups) == ["edge"]


def test_metrics_near_the_largest_float_do_no_harm(bench: Bench) -> None:
    for metric in (1e308, -1e308, 1e100, -1e100):
        bench.add("huge", metric)
    assert math.isfinite(stand(bench).sigma)


def test_runs_are_grouped_by_tier(bench: Bench) -> None:
    bench.add("a", 1.0, tier="cpu")
    bench.add("a", 0.5, "vega", tier="large")
    where = stand(bench)
    assert list(where.by_tier) == ["cpu", "large"]
    assert where.best is not None
    assert where.best.tier == "large"
    assert {g.standing for g in where.groups} == {"provisional"}


def test_results_without_fingerprint_are_programs_of_their_own(bench: Bench) -> None:
    bench.add("a", 1.0, fingerprint=None)
    bench.add("a", 1.1, fingerprint=None)
    bench.add("b", 1.2, fingerprint=None, files={"train.py": digest("text")})
    bench.add("b", 1.3, fingerprint=None, files={"train.py": digest("text")})
    assert [g.n for g in stand(bench).ranked] == [1, 1, 2]


def test_a_replication_with_an_earlier_clock_does_not_take_the_credit(bench: Bench) -> None:
    found = bench.add("a", 1.0, "nova", minute=10)
    bench.add("a", 1.0, "vega", minute=1, replicates=found.id)
    where = stand(bench)
    assert where.groups[0].first.agent == "nova"
    assert where.by_agent["vega"].replications == 1
    assert where.by_agent["vega"].best is None


class TestVerdict:
    # σ stays 0.002: noise is |Δ| < 2·0.002·√2 = 0.005657 for one run each.
    @pytest.mark.parametrize(
        ("metric", "verdict"),
        [
            (0.9943, "better"),
            (0.9944, "within noise"),
            (1.0, "within noise"),
            (1.0056, "within noise"),
            (1.0057, "worse"),
        ],
    )
    def test_against_its_base(self, bench: Bench, metric: float, verdict: str) -> None:
        bench.add("base", 1.0)
        assert stand(bench).verdict(bench.add("new", metric, base="base")) is None  # not in it
        assert stand(bench).verdict(bench.results[1]) == verdict

    def test_more_runs_narrow_the_noise(self, bench: Bench) -> None:
        base = bench.add("base", 1.0)
        new = bench.add("new", 0.996, base="base")
        assert stand(bench).verdict(new) == "within noise"
        for _ in range(5):
            bench.add("base", 1.0)
            bench.add("new", 0.996, base="base")
        assert stand(bench).verdict(new) == "better"
        assert stand(bench).verdict(base) is None

    def test_nothing_to_compare(self, bench: Bench) -> None:
        base = bench.add("base", 1.0, base_fingerprint=digest("base"))
        elsewhere = bench.add("new", 0.9, base="base", tier="large")
        orphan = bench.add("orphan", 0.9, base="nobody has run this")
        unsaid = bench.add("unsaid", 0.9)
        where = stand(bench)
        assert [where.verdict(r) for r in (base, elsewhere, orphan, unsaid)] == [None] * 4

    def test_base_known_by_its_fingerprint_alone(self, bench: Bench) -> None:
        bench.add("base", 1.0, "vega")
        new = bench.add("new", 0.9, base_fingerprint=digest("base"))
        assert stand(bench).verdict(new) == "better"

    def test_retracted_base(self, bench: Bench) -> None:
        bench.add("base", 1.0)
        new = bench.add("new", 0.9, base="base")
        assert stand(bench, ("nova/base-0",)).verdict(new) is None


class TestFlagged:
    @pytest.fixture
    def bench(self) -> Bench:
        bench = Bench(make_task(plausible={"max_step": 0.1}))
        bench.add("base", 1.0, base_fingerprint=digest("base"))
        return bench

    def test_too_large_a_step_waits_for_a_second_agent(self, bench: Bench) -> None:
        bench.add("leap", 0.5, base="base")
        bench.add("leap", 0.5, base="base")
        where = stand(bench)
        assert names(where.ranked) == ["base"]
        assert [g.flagged for g in where.groups] == [True, False]
        assert where.by_agent["nova"].kept == 0
        bench.add("leap", 0.5, "vega", replicates="nova/leap-1")
        assert names(stand(bench).ranked) == ["leap", "base"]

    def test_the_largest_believable_step_counts(self, bench: Bench) -> None:
        bench.add("step", 0.91, base="base")
        bench.add("bad", 5.0, base="base")
        assert names(stand(bench).ranked) == ["step", "base", "bad"]

    def test_building_on_a_flagged_program_does_not_launder_it(self, bench: Bench) -> None:
        bench.add("leap", 0.5, base="base")
        bench.add("child", 0.49, base="leap")
        bench.add("grandchild", 0.48, base="child")
        bench.add("honest", 0.95, base="leap")
        assert names(stand(bench).ranked) == ["honest", "base"]

    def test_a_long_honest_way_is_no_leap(self, bench: Bench) -> None:
        before = "base"
        for n in range(1, 8):
            bench.add(f"step{n}", 1.0 - 0.09 * n, base=before)
            before = f"step{n}"
        assert not any(g.flagged for g in stand(bench).groups)

    def test_unknown_base_is_measured_by_the_baseline(self, bench: Bench) -> None:
        bench.add("leap", 0.5, base="nobody has run this")
        bench.add("silent", 0.5)
        assert names(stand(bench).ranked) == ["base"]

    def test_on_a_new_tier_other_tiers_are_the_measure(self, bench: Bench) -> None:
        bench.add("leap", 0.5, base="base", tier="large")
        assert names(stand(bench).ranked) == ["base"]
        bench.add("base", 0.55, base_fingerprint=digest("base"), tier="large")
        assert names(stand(bench).by_tier["large"]) == ["leap", "base"]

    def test_a_program_that_others_know_may_be_faster_elsewhere(self, bench: Bench) -> None:
        bench.add("leap", 0.99, agent="atlas", base="base")
        bench.add("leap", 0.5, base="base", tier="large")
        assert names(stand(bench).by_tier["large"]) == ["leap"]

    def test_the_baseline_is_the_tasks_whoever_came_first(self, bench: Bench) -> None:
        own = {"base_fingerprint": digest("feint"), "minute": -999}
        bench.add("feint", 0.2, agent="mallory", **own)
        baseline = digest("base")
        where = standings(bench.task, bench.results, baseline=baseline)
        assert names(where.ranked) == ["base"]
        bench.results.pop()
        bench.add("feint", 100.0, agent="mallory", **own)
        bench.add("step", 0.95, base="base")
        where = standings(bench.task, bench.results, baseline=baseline)
        assert names(where.ranked) == ["step", "base", "feint"]

    def test_a_program_that_calls_itself_the_baseline_is_none(self, bench: Bench) -> None:
        bench.add("wonder", 0.5, agent="mallory", base_fingerprint=digest("wonder"), tier="zzz")
        assert names(stand(bench).ranked) == ["base"]
        bench.add("heir", 0.45, agent="mallory", base="wonder", tier="zzz")
        assert names(stand(bench).ranked) == ["base"]

    def test_bases_in_a_circle_end(self, bench: Bench) -> None:
        bench.add("x", 0.5, base_fingerprint=digest("y"))
        bench.add("y", 0.5, base_fingerprint=digest("x"))
        assert names(stand(bench).ranked) == ["base"]

    def test_flagged_runs_do_not_add_to_the_noise(self, bench: Bench) -> None:
        bench.add("leap", 0.5, base="base")
        bench.add("leap", 0.1, base="base")
        assert stand(bench).sigma == pytest.approx(0.002)


def test_credit(bench: Bench) -> None:
    bench.add("base", 1.0, "nova", base_fingerprint=digest("base"))
    bench.add("good", 0.9, "nova", base="base")
    bench.add("good", 0.9, "vega", base="base")
    bench.add("good", 0.9, "vega", base="base", tier="large")
    bench.add("bad", 1.2, "vega", base="base")
    bench.add("worse", None, "vega", base="base")
    bench.add("fine", 0.95, "lyra", base="base")
    rows = stand(bench).by_agent
    assert list(rows) == ["lyra", "nova", "vega"]
    nova, vega, lyra = rows["nova"], rows["vega"], rows["lyra"]
    assert nova.best is not None
    assert nova.best.first.description == "good"
    assert (nova.experiments, nova.kept, nova.confirmed, nova.replications) == (2, 1, 1, 0)
    assert (vega.experiments, vega.kept, vega.replications, vega.crashes) == (4, 0, 2, 1)
    assert (lyra.kept, lyra.confirmed) == (1, 0)


Event = tuple[str, float | None, str, str, str | None, int]
EVENTS = st.lists(
    st.tuples(
        st.sampled_from("abcdef"),  # program
        st.none() | st.floats(0.5, 1.5),
        st.sampled_from(["nova", "vega", "lyra"]),
        st.sampled_from(["cpu", "large"]),
        st.none() | st.sampled_from("abcdef"),  # base
        st.integers(0, 5),  # minute
    ),
    max_size=25,
)


def bench_of(events: list[Event]) -> Bench:
    bench = Bench(make_task(plausible={"max_step": 0.3}))
    for program, metric, agent, tier, base, minute in events:
        bench.add(program, metric, agent, tier=tier, base=base, minute=minute)
    return bench


@given(EVENTS, st.randoms(use_true_random=False))
def test_order_does_not_matter(events: list[Event], rng: random.Random) -> None:
    bench = bench_of(events)
    where = stand(bench)
    shuffled = rng.sample(bench.results, len(bench.results))
    again = standings(bench.task, shuffled)
    assert again == where
    assert again.by_agent == where.by_agent
    assert [again.verdict(r) for r in bench.results] == [where.verdict(r) for r in bench.results]


@given(st.permutations(range(4)))
def test_a_circle_of_bases_is_cut_open_in_one_place(order: list[int]) -> None:
    bench = Bench(make_task(plausible={"max_step": 0.3}))
    bench.add("start", 2.0, base="start")
    for program, base, metric in (("a", "c", 1.8), ("b", "a", 1.6), ("c", "b", 1.4)):
        bench.add(program, metric, base=base)
    bench.add("d", 1.2, base="c")
    runs = [*bench.results[:1], *(bench.results[1:][n] for n in order)]
    # The digest of c comes first: its base is passed over, so that it leaps from the start.
    where = standings(bench.task, runs)
    assert sorted(g.first.description for g in where.groups if g.flagged) == ["c", "d"]


@given(EVENTS)
def test_a_maximised_metric_ranks_as_its_mirror(events: list[Event]) -> None:
    low, high = (
        bench_of(events),
        Bench(make_task(plausible={"max_step": 0.3}, direction="maximize")),
    )
    for program, metric, agent, tier, base, minute in events:
        mirrored = None if metric is None else -metric
        high.add(program, mirrored, agent, tier=tier, base=base, minute=minute)
    down, up = stand(low), stand(high)
    assert names(up.groups) == names(down.groups)
    assert [g.pessimistic for g in up.groups] == [-g.pessimistic for g in down.groups]
    assert [up.verdict(r) for r in high.results] == [down.verdict(r) for r in low.results]


@given(EVENTS)
def test_what_always_holds(events: list[Event]) -> None:
    where = stand(bench_of(events))
    counted = [r for g in where.groups for r in g.runs]
    assert len(counted) == len(set(counted))
    assert set(counted) == {i for i, r in where.results.items() if r.metric is not None}
    assert where.sigma > 0
    for group in where.groups:
        assert group.optimistic <= group.mean <= group.pessimistic
        assert group.n == len(group.runs)
        sound = "confirmed" if len(group.agents) > 1 else "provisional"
        assert group.standing in (sound, "refuted")
        assert not (group.flagged and group.standing != "provisional")
        assert group.n > 1 or group.standing == "provisional"
        assert (group.standing == "refuted") == (group.no_better_than is not None)
    for ranking in where.by_tier.values():
        assert ranking[0].standing != "refuted"  # what leads is no worse than what it led before
    assert sum(r.experiments for r in where.by_agent.values()) == len(where.results)


def test_the_runs_of_a_base_are_those_on_the_tier(bench: Bench) -> None:
    bench.add("base", 1.0, base_fingerprint=digest("base"))
    bench.add("base", 1.1, "vega", base="base", replicates="nova/base-0")
    bench.add("base", 5.0, tier="large")
    mine = bench.add("new", 0.9, base="base")
    elsewhere = bench.add("new", 4.0, base="base", tier="small")
    where = standings(bench.task, bench.results)
    base = where.base_of(mine)
    assert base is not None
    assert (base.mean, base.n, base.tier) == (pytest.approx(1.05), 2, "cpu")
    assert where.base_of(elsewhere) is None
    assert where.base_of(bench.results[1]) is None  # a run of that program itself
