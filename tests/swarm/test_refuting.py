"""Refuted programs, and what was built on them."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitcollab.swarm.grouping import Key, Runs, base_fingerprint_of, grouped, mean_of
from gitcollab.swarm.noise import Noise
from gitcollab.swarm.ranking import Standings, margin, noise_between, order, standings
from gitcollab.swarm.runs import Run
from tests.swarm.factories import Bench, digest, make_task
from tests.swarm.world import World


def stand(bench: Bench) -> Standings:
    return standings(bench.task, [*bench.results, *getattr(bench, "rock", ())])


def standing(bench: Bench, program: str) -> str:
    where = stand(bench)
    return next(g.standing for g in where.groups if g.fingerprint == digest(program))


def marks(bench: Bench) -> dict[str, str | None]:
    """By program, the one that it is marked with."""
    return {g.first.description: g.builds_on_refuted for g in stand(bench).groups}


@pytest.fixture
def bench() -> Bench:
    """A hub that knows its noise well, so that no run of a test moves it far from 0.002."""
    bench = Bench()
    for number in range(400):
        bench.add("rock", 3.0 + 0.002 * (-1) ** number, ("a", "b")[number % 3 > 0], minute=-number)
    bench.results, bench.rock = [], bench.results
    return bench


@pytest.fixture
def wonder(bench: Bench) -> Bench:
    """A lucky run took the lead; two agents ran it again, and it is no better than its base."""
    bench.add("base", 1.0)
    bench.add("base", 1.0, "vega")
    bench.add("wonder", 0.99, base="base")
    bench.add("wonder", 1.006, "vega", replicates="nova/wonder-2")
    return bench


def test_a_best_that_replicates_disprove_is_refuted_and_what_led_before_leads(
    wonder: Bench,
) -> None:
    wonder.add("wonder", 1.008, "lyra")
    where = stand(wonder)
    first, last, _ = where.groups
    assert (first.first.description, first.standing) == ("base", "confirmed")
    assert (last.first.description, last.standing) == ("wonder", "refuted")
    assert last.no_better_than == "nova/base-0"
    assert first.no_better_than is None


def test_more_runs_may_bring_it_back(wonder: Bench) -> None:
    wonder.add("wonder", 1.008, "lyra")
    for _ in range(30):
        wonder.add("wonder", 0.99, "vega")
    assert standing(wonder, "wonder") == "confirmed"


def test_one_run_is_never_refuted_whatever_becomes_of_its_base(bench: Bench) -> None:
    bench.add("base", 1.0)
    bench.add("new", 0.99, base="base")
    for agent in ("vega", "lyra", "deneb", "mallory"):
        bench.add("base", 0.95, agent)
    assert standing(bench, "new") == "provisional"
    bench.add("new", 0.99, base="base")  # its finder runs it again: the base was the better one
    assert standing(bench, "new") == "refuted"


def test_reruns_that_are_hardly_behind_refute_nobody(bench: Bench) -> None:
    for agent in ("nova", "vega"):
        bench.add("base", 1.0, agent)
    bench.add("new", 0.995, base="base")  # leads
    bench.add("new", 1.0051, "vega")  # all runs are behind, its rerun by two standard errors
    bench.add("other", 0.998)
    assert standing(bench, "new") == "refuted"
    for agent in ("lyra", "vega"):
        bench.add("new", 0.9991, agent)  # the mean of its reruns is behind by 0.7 of them
    assert standing(bench, "new") == "confirmed"


def test_that_a_single_run_is_doubted_twice_refutes_nobody(bench: Bench) -> None:
    bench.add("base", 1.0)
    bench.add("new", 0.9985, base="base")  # leads: both are single runs
    bench.add("new", 1.001, "vega")  # 0.35 standard errors behind
    bench.add("lead", 0.95)
    assert standing(bench, "new") == "confirmed"


def test_later_and_better_programs_refute_nobody(bench: Bench) -> None:
    bench.add("base", 1.0)
    bench.add("step", 0.99, base="base")
    bench.add("step", 0.99, "vega", base="base")
    bench.add("next", 0.98, "vega", base="step")
    bench.add("next", 0.98, "vega", base="step")
    assert "refuted" not in {g.standing for g in stand(bench).groups}


def test_what_never_was_believed_is_not_refuted(bench: Bench) -> None:
    bench.add("base", 1.0)
    bench.add("bad", 1.1, base="base")
    bench.add("bad", 1.1, "vega", base="base")
    assert standing(bench, "bad") == "confirmed"


def test_a_keep_that_never_led_is_refuted_when_its_verdict_no_longer_holds(bench: Bench) -> None:
    bench.add("old", 1.0)
    bench.add("leader", 0.95)
    bench.add("keep", 0.99, base="old")
    assert standing(bench, "keep") == "provisional"
    bench.add("keep", 1.0099, "vega", base="old")
    assert standing(bench, "keep") == "confirmed"  # no longer a keep, and not behind either
    bench.results[-1] = bench.results[-1]._replace(metric=1.011)
    where = stand(bench)
    found = where.group_of(bench.results[2])
    assert found is not None
    assert (found.standing, found.no_better_than) == ("refuted", "nova/old-0")


def test_a_lead_that_is_lost_refutes_no_program_that_is_better_than_its_base(bench: Bench) -> None:
    bench.add("old", 1.0)
    bench.add("leader", 0.95)
    bench.add("new", 0.949, base="old")  # leads by luck, but is far better than what it began from
    for _ in range(4):
        bench.add("new", 0.953, "vega", base="old")
        bench.add("leader", 0.95, "vega")
    where = stand(bench)
    assert where.verdict(bench.results[2]) == "better"
    assert standing(bench, "new") == "confirmed"


def test_the_lead_that_others_left_to_it_is_no_claim_of_its_own(bench: Bench) -> None:
    bench.add("old", 1.0)
    bench.add("lucky", 0.998)
    bench.add("old", 1.0, "vega")  # known better now, but behind
    bench.add("lucky", 1.01, "vega")  # falls: old leads again
    bench.add("lucky", 0.97, "vega")  # and comes back
    assert standing(bench, "old") == "confirmed"


def test_the_first_of_all_is_refuted_by_nothing(bench: Bench) -> None:
    bench.add("first", 0.9)
    bench.add("second", 1.0)
    bench.add("first", 1.2, "vega")
    assert standing(bench, "first") == "confirmed"


def test_tiers_are_judged_apart(wonder: Bench) -> None:
    wonder.add("wonder", 1.008, "lyra")
    wonder.add("wonder", 0.99, "lyra", tier="large")
    wonder.add("wonder", 0.99, "nova", tier="large")
    found = {(g.first.description, g.tier): g.standing for g in stand(wonder).groups}
    assert found["wonder", "cpu"] == "refuted"
    assert found["wonder", "large"] == "confirmed"


class TestDates:
    """What is dated wrong decides only what was believed once."""

    def test_a_rerun_that_is_dated_before_all_others_refutes_no_more_than_one_of_today(
        self, bench: Bench
    ) -> None:
        bench.add("base", 1.0)
        bench.add("base", 1.0, "vega")
        bench.add("good", 0.98, base="base")
        bench.add("good", 0.982, "mallory", minute=-9999, replicates="nova/good-2", base="base")
        assert standing(bench, "good") == "confirmed"

    @pytest.mark.parametrize(("made_from", "is_rerun"), [("p", True), ("p", False), (None, True)])
    def test_a_later_and_better_program_refutes_nobody_though_a_rerun_of_it_is_dated_before(
        self, bench: Bench, made_from: str | None, is_rerun: bool
    ) -> None:
        bench.add("base", 1.0)
        bench.add("p", 0.99, base="base")
        bench.add("p", 0.991, "vega", replicates="nova/p-1")
        bench.add("base", 0.9875, "vega")  # p is not better than it any more, and not refuted
        q = bench.add("q", 0.97, "lyra", base=made_from)
        bench.add("q", 0.97, "vega", replicates=q.id)
        assert standing(bench, "p") == "confirmed"
        rerun = {"replicates": q.id} if is_rerun else {}
        bench.add("q", 0.995, "mallory", minute=0.5, base_fingerprint=None, **rerun)
        for _ in range(30):
            bench.add("q", 0.97, "lyra")
        assert stand(bench).best.fingerprint == digest("q")
        assert standing(bench, "p") == "confirmed"

    def test_dates_do_not_save_a_keep(self, bench: Bench) -> None:
        bench.add("base", 1.0)
        bench.add("keep", 0.99, base="base", minute=-9999)  # before its base was run
        bench.add("keep", 1.02, "vega", base="base", minute=9999)
        assert standing(bench, "keep") == "refuted"

    @pytest.mark.parametrize("minute", [-9999, 0, 9999])
    def test_one_run_is_provisional_whenever(self, bench: Bench, minute: int) -> None:
        bench.add("base", 1.0)
        bench.add("new", 1.5, base="base", minute=minute)
        assert standing(bench, "new") == "provisional"


class TestFoundations:
    @pytest.fixture
    def line(self, wonder: Bench) -> Bench:
        wonder.add("wonder", 1.008, "lyra")
        wonder.add("child", 0.999, base="wonder")
        wonder.add("grandchild", 0.998, base="child")
        wonder.add("beside", 0.999, base="base")
        return wonder

    def test_all_that_goes_through_a_refuted_program_is_marked(self, line: Bench) -> None:
        assert marks(line) == {
            "base": None,
            "beside": None,
            "wonder": None,
            "child": "nova/wonder-2",
            "grandchild": "nova/wonder-2",
            "rock": None,
        }

    def test_nothing_is_marked_before(self, bench: Bench) -> None:
        bench.add("base", 1.0)
        bench.add("wonder", 0.99, base="base")
        bench.add("child", 0.98, base="wonder")
        assert set(marks(bench).values()) == {None}

    def test_better_than_the_last_sound_program_by_one_agent_alone_is_still_marked(
        self, line: Bench
    ) -> None:
        line.add("child", 0.9)
        line.add("child", 0.9)
        assert marks(line)["child"] == "nova/wonder-2"

    def test_confirmed_better_than_the_last_sound_program_stands_by_itself(
        self, line: Bench
    ) -> None:
        for agent in ("vega", "lyra", "vega", "lyra"):
            line.add("child", 0.98, agent, base="wonder")
        found = marks(line)
        assert found["child"] is None
        assert found["grandchild"] is None

    def test_confirmed_and_within_noise_of_it_is_marked(self, line: Bench) -> None:
        line.add("child", 0.999, "vega", base="wonder")
        assert marks(line)["child"] == "nova/wonder-2"

    def test_the_nearest_refuted_program_is_named(self, line: Bench) -> None:
        line.add("second", 0.98, base="child")
        at = line.results[-1].id
        line.add("second", 1.2, "vega", base="child")
        line.add("late", 1.1, base="second")
        found = marks(line)
        assert found["late"] == at
        assert found["second"] == "nova/wonder-2"

    def test_runs_that_crashed_are_marked_and_on_other_tiers_they_are_not(
        self, line: Bench
    ) -> None:
        crashed = line.add("crash", None, base="child")
        elsewhere = line.add("child", 0.9, base="wonder", tier="large")
        where = stand(line)
        assert where.built_on_refuted(crashed) == "nova/wonder-2"
        assert where.built_on_refuted(elsewhere) is None

    def test_a_line_of_thousands(self, line: Bench) -> None:
        last = line.results[-1]
        before = digest("wonder")
        for n in range(20_000):
            line.results.append(
                last._replace(id=f"a/{n}", fingerprint=f"{n}", base=None, base_fingerprint=before)
            )
            before = f"{n}"
        where = stand(line)
        assert where.built_on_refuted(line.results[-1]) == "nova/wonder-2"

    @given(st.permutations(range(4)))
    def test_a_circle_of_bases_is_marked_the_same_wherever_one_begins(
        self, asked: Sequence[int]
    ) -> None:
        bench = Bench()
        bench.add("base", 1.0)
        bench.add("base", 1.0, "vega")
        bench.add("wonder", 0.99, base="base")
        bench.add("wonder", 1.02, "vega")
        for program, base in (("a", "c"), ("b", "a"), ("c", "b")):
            bench.add(program, 1.0, base_fingerprint=digest(base))
        loop = [*bench.results[-3:], bench.results[2]._replace(base_fingerprint=digest("a"))]
        runs = [*bench.results[:2], loop[3], bench.results[3], *loop[:3]]
        where, again = standings(bench.task, runs), standings(bench.task, runs)
        all_of = {run.id: where.built_on_refuted(run) for run in loop}
        assert {loop[n].id: again.built_on_refuted(loop[n]) for n in asked} == all_of


Event = tuple[str, float | None, str, str | None, int]
EVENTS = st.lists(
    st.tuples(
        st.sampled_from("abcd"),
        st.none() | st.sampled_from([0.98, 0.99, 0.995, 1.0, 1.01]),
        st.sampled_from(["nova", "vega"]),
        st.none() | st.sampled_from("abcd"),
        st.integers(0, 6),
    ),
    max_size=16,
)


def bench_of(events: Sequence[Event], **task: object) -> Bench:
    bench = Bench(make_task(plausible={"max_step": 0.5}, **task))
    for program, metric, agent, base, minute in events:
        bench.add(program, metric, agent, base=base, minute=minute)
    return bench


def plainly(where: Standings) -> dict[Key, Key]:
    """What is refuted, from the words of the definition: all is reckoned anew for each time."""
    took, was_better = believed(where)
    found = {}
    for draft in where.eligible[1:]:
        if len(draft.runs) < 2 or where.verdict(draft.first) == "better":
            continue
        base = _base(where, draft) if draft.key in was_better else None
        led = [key for key in took.get(draft.key, ()) if draft.key not in _below(where, key)]
        for key in [*led, *([base] if base else [])][:1]:
            other = where.drafts[key]
            again = [r.metric for r in draft.runs if r != draft.first]
            error = where.sigma * math.sqrt(1 / len(again) + 1 / len(other.runs))
            if mean_of(again) - other.mean >= error and draft.mean >= other.mean:
                found[draft.key] = key
    return found


def _below(where: Standings, key: Key) -> set[Key]:
    """All that a program was made from, as anybody says."""
    found: set[Key] = set()
    new = {key}
    while new:
        runs = [run for one in new if one in where.drafts for run in where.drafts[one].runs]
        new = {(base_fingerprint_of(run, where.results), run.tier) for run in runs} - found
        found |= new
    return found


def believed(where: Standings) -> tuple[dict[Key, list[Key]], set[Key]]:
    """What each took the lead from, and what was better than its base once."""
    eligible = {d.key: d for d in where.eligible}

    def when(run: Run) -> object:
        first = eligible[run.fingerprint, run.tier].first
        own, least = (run.created_at, run.id), (first.created_at, first.id)
        return max(own, least), run != first, own

    runs = sorted((r for d in where.eligible for r in d.runs), key=when)
    noise = where.noise
    took: dict[Key, list[Key]] = {}
    was_better: set[Key] = set()
    leader: Key | None = None
    for number, run in enumerate(runs, 1):
        then = grouped(runs[:number])
        ranked = sorted(then.values(), key=lambda d: _place(where, d, eligible[d.key], noise))
        mine = run.fingerprint, run.tier
        if ranked[0].key == mine and leader not in (None, mine):
            took.setdefault(mine, []).append(leader)
        leader = ranked[0].key
        for draft in then.values():
            base = _base(where, eligible[draft.key])
            if base in then and (draft.key == mine or (base == mine and len(then[base].runs) == 1)):
                gain = then[base].mean - draft.mean
                sigma = noise.without(eligible[draft.key])
                if gain >= noise_between(sigma, len(draft.runs), len(then[base].runs)):
                    was_better.add(draft.key)
    return took, was_better


def _base(where: Standings, draft: Runs) -> Key | None:
    base = where.base_draft(draft.first)
    return None if base is None or base.key == draft.key else base.key


def _place(where: Standings, draft: Runs, now: Runs, noise: Noise) -> object:
    sigma = noise.without(now) if len(now.runs) > 1 else where.sigma
    return order(where.task, draft.mean, margin(where.task, sigma, len(draft.runs)), now.first)


@given(EVENTS)
def test_it_is_what_the_definition_says(events: list[Event]) -> None:
    where = stand(bench_of(events))
    assert dict(where.refuted) == plainly(where)


@given(EVENTS, st.randoms(use_true_random=False))
def test_the_order_in_which_records_come_does_not_matter(
    events: list[Event], rng: random.Random
) -> None:
    bench = bench_of(events)
    where, runs = stand(bench), bench.results
    again = standings(bench.task, rng.sample(runs, len(runs)))
    assert again.refuted == where.refuted
    backwards = {run.id: again.built_on_refuted(run) for run in reversed(runs)}
    assert backwards == {run.id: where.built_on_refuted(run) for run in runs}


@given(EVENTS)
def test_what_always_holds(events: list[Event]) -> None:
    where = stand(bench_of(events))
    refuted = {where.drafts[key].first.id for key in where.refuted}
    for group in where.groups:
        assert group.builds_on_refuted is None or group.builds_on_refuted in refuted
        assert group.builds_on_refuted not in group.runs
    for ranking in where.by_tier.values():
        assert ranking[0].standing != "refuted"


# -- from end to end -------------------------------------------------------------------------------


@pytest.fixture
def world(tmp_path: Path, toy_hub: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path, toy_hub, monkeypatch)


def test_a_lucky_best_is_refuted_and_all_that_is_told_says_so(world: World) -> None:
    nova, vega, lyra = (world.agent(name) for name in ("nova", "vega", "lyra"))
    nova.run(seed=10)
    world.passes(minutes=1)
    found = nova.run(set_values={"RATE": "0.2", "NOISE": "0.1"}, seed=20)  # the seed is lucky
    assert (found.verdict, found.is_best) == ("better", True)
    assert found.result is not None
    wonder = found.result.id
    vega.sync()
    lyra.sync()
    for agent in (vega, lyra):
        assert "NOISE = 0.1" in (agent.workspace / "train.py").read_text()  # it was adopted
    world.passes(minutes=1)
    child = nova.run(set_values={"RATE": "0.19"}, seed=30).result
    assert child is not None
    effects = []
    for agent, seed in ((vega, 19), (lyra, 28)):
        world.passes(minutes=1)
        effects.append(agent.run(seed=seed).effect)
    assert [one.standing for one in effects if one] == ["refuted", "refuted"]
    assert [one.before for one in effects if one] == ["provisional", "refuted"]
    nova.sync()
    best = nova.best()
    assert best is not None
    assert best.id != wonder
    page = nova.results()
    assert page.programs[wonder].standing == "refuted"
    assert page.built_on_refuted == {child.id: wonder}
    shown = nova.show(wonder)
    assert shown.group is not None
    assert (shown.group.standing, shown.group.n) == ("refuted", 3)
    assert nova.show(child.id).builds_on_refuted == wonder
    line = nova.lineage(child.id)
    assert line is not None
    assert line.links[-2].group is not None
    assert line.links[-2].group.standing == "refuted"
    told = nova.member.store.refresh().read("LEADERBOARD.md") or b""
    assert b"| refuted |" in told
    assert f"[builds on a refuted one](results/{wonder}" in told.decode()


def test_one_who_publishes_bad_reruns_of_all_is_outvoted_by_honest_ones(bench: Bench) -> None:
    bench.add("base", 1.0)
    bench.add("base", 1.0, "vega")
    bench.add("good", 0.98, base="base")
    bench.add("good", 1.1, "mallory", replicates="nova/good-2")
    assert standing(bench, "good") == "refuted"  # its word is as good as the finder's
    for agent in ("vega", "lyra", "deneb", "vega", "lyra", "deneb"):
        bench.add("good", 0.98, agent)
    assert standing(bench, "good") == "confirmed"
    without = [run for run in bench.results if run.agent != "mallory"]
    where = standings(bench.task, bench.results, [bench.results[3].id])
    assert where == standings(bench.task, without)  # a suspended agent's runs count nowhere
