"""What is tried next, from standings alone: within the space, never twice, the same every time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitcollab.records.models import Dimension
from gitcollab.similarity.literal import Value, same
from gitcollab.swarm.engine.proposer import searching, trials
from gitcollab.swarm.engine.proposer.searching import Move
from gitcollab.swarm.engine.proposer.space import Point, axes, key_of, placed
from gitcollab.swarm.engine.proposer.trials import Seen
from gitcollab.swarm.ranking import standings
from tests.swarm.factories import Bench, digest, make_task

SPACE = {
    "A": Dimension(low=0.0, high=1.0),
    "B": Dimension(low=0.001, high=1.0, log=True),
    "C": Dimension(low=1, high=16),
    "D": Dimension(choices=[2, 4, 8, 16]),
    "E": Dimension(choices=["x", "y", "z"]),
}
START: Point = {"A": 0.5, "B": 0.03, "C": 8, "D": 4, "E": "x"}


def seen(
    bench: Bench,
    base: str = "base",
    tier: str = "cpu",
    space: Mapping[str, Dimension] = SPACE,
    **values: Value,
) -> Seen:
    """The standings, looked at from the program ``base``, whose constants have these values."""
    where = standings(bench.task, bench.results, baseline=digest("base"))
    at = {**START, **values}
    along = axes(space, at)
    draft = where.drafts[digest(base), tier]
    return Seen(where, draft, {axis.name: at[axis.name] for axis in along}, along, START)


def found(
    view: Seen, most: int = 20, seed: int = 1, pending: list[Point] | None = None
) -> list[Move]:
    return list(islice(searching.moves(view, pending or [], lambda _: False, seed), most))


@pytest.fixture
def started(bench: Bench) -> Bench:
    """A baseline and two changes of it, one of which helped."""
    bench.add("base", 1.0)
    bench.add("good", 0.98, base="base", delta={"A": 0.7})
    bench.add("bad", 1.05, base="base", delta={"C": 16})
    return bench


def test_each_is_another_change_within_the_space(started: Bench) -> None:
    view = seen(started, "good", A=0.7)
    moves = found(view, 40)
    assert len({key_of({**view.at, **move.values}) for move in moves}) == len(moves) == 40
    for move in moves:
        assert 1 <= len(move.values) <= 3
        assert move.why
        for name, value in move.values.items():
            assert not same(value, view.at[name])
            assert is_within(SPACE[name], value)


def is_within(dimension: Dimension, value: Value) -> bool:
    if dimension.choices is not None:
        return value in dimension.choices
    assert isinstance(value, int | float)
    assert dimension.low is not None
    assert dimension.high is not None
    return dimension.low <= value <= dimension.high


@given(
    metrics=st.lists(st.none() | st.floats(0.9, 1.1), min_size=1, max_size=8),
    seed=st.integers(0, 2**48),
    now=st.floats(0.0, 1.0),
)
def test_whatever_was_measured(metrics: list[float | None], seed: int, now: float) -> None:
    bench = Bench()
    bench.add("base", 1.0)
    for n, metric in enumerate(metrics):
        bench.add(f"p{n}", metric, base="base", delta={"A": n / 8, "B": 0.001 * (n + 1)})
    view = seen(bench, A=now)
    for move in found(view, 5, seed):
        assert all(is_within(SPACE[name], value) for name, value in move.values.items())
        assert all(not same(value, view.at[name]) for name, value in move.values.items())


def test_the_same_agent_gets_the_same_and_others_get_others(started: Bench) -> None:
    assert found(seen(started), seed=7) == found(seen(started), seed=7)
    firsts = {str(found(seen(started), 1, seed)[0].values) for seed in range(8)}
    assert len(firsts) > 4


def test_the_order_of_results_does_not_matter(started: Bench) -> None:
    expected = found(seen(started))
    started.results.reverse()
    assert found(seen(started)) == expected


def test_what_is_taken_or_pending_is_not_tried(started: Bench) -> None:
    view = seen(started)
    usual = found(view, 10)
    pending = [{**view.at, **move.values} for move in usual[:5]]
    taken = [key_of({**view.at, **move.values}) for move in usual[5:]]
    rest = searching.moves(view, pending, lambda point: key_of(point) in taken, 1)
    keys = {key_of({**view.at, **move.values}) for move in rest}
    assert keys
    assert not keys & {key_of(point) for point in pending}
    assert not keys & set(taken)


def test_what_is_pending_is_counted_as_it_is_expected() -> None:
    """Fewer agents try what lies beside it: it will tell of that, too."""
    bench = Bench()
    bench.add("base", 1.0)
    for n in range(4):
        bench.add(f"p{n}", 1.003, base="base", delta={"A": 0.5 - n / 8})
    view = seen(bench, space={"A": SPACE["A"]})
    pending: list[Point] = [{"A": 0.9 + n / 100} for n in range(-8, 9)]

    def beside(pending: list[Point]) -> int:
        firsts = [found(view, 1, seed, pending)[0].values["A"] for seed in range(40)]
        return sum(value > 0.75 for value in firsts)  # type: ignore[operator]

    assert beside(pending) < beside([]) - 5


def test_what_hardly_differs_is_not_tried(started: Bench) -> None:
    """Runs of the same are for what chooses what is run again."""
    view = seen(started, space={"A": SPACE["A"]})
    pending: list[Point] = [{"A": 0.9}]
    for seed in range(10):
        for move in found(view, 100, seed, pending):
            value = move.values["A"]
            assert isinstance(value, float)
            assert min(abs(value - known) for known in (0.5, 0.7, 0.9)) > 0.0199


def test_what_was_run_elsewhere_may_be_tried_here() -> None:
    """On another tier, or before more than constants was changed: whatever it came to there."""
    bench = Bench()
    bench.add("base", 1.0)
    bench.add("base", 2.0, tier="gpu", fingerprint=digest("base"))
    bench.add("there", 1.98, base="base", delta={"D": 8}, tier="gpu")
    assert 8 in [move.values["D"] for move in found(seen(bench, space={"D": SPACE["D"]}))]
    bench.add("here", 1.05, base="base", delta={"D": 16})
    assert 16 not in [move.values["D"] for move in found(seen(bench, space={"D": SPACE["D"]}))]
    bench.add("new", 0.9, base="base", structural=True)
    values = [move.values["D"] for move in found(seen(bench, "new", space={"D": SPACE["D"]}))]
    assert set(values) == {2, 8, 16}


def test_a_space_that_is_exhausted_ends(started: Bench) -> None:
    view = seen(started, space={"D": SPACE["D"]})
    assert {move.values["D"] for move in searching.moves(view, [], lambda _: False, 3)} == {
        2,
        8,
        16,
    }
    assert found(seen(started, space={})) == []


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_what_helped_is_gone_further(direction: str) -> None:
    """Both directions of the metric: the side that helped comes first far more often."""
    bench = Bench(make_task(direction=direction))
    sign = 1 if direction == "minimize" else -1
    bench.add("base", 1.0)
    for n in range(1, 6):
        for side in (1, -1):
            name = f"p{n * side}"
            bench.add(
                name, 1 - sign * side * n / 100, base="base", delta={"A": 0.5 + side * n / 20}
            )
    view = seen(bench, "p5", space={"A": SPACE["A"], "C": SPACE["C"]}, A=0.75)
    firsts = [found(view, 1, seed)[0].values.get("A", 0.75) for seed in range(20)]
    assert sum(value >= 0.75 for value in firsts) >= 18  # type: ignore[operator]
    told = [found(view, 1, seed)[0].why for seed in range(20)]
    assert any("A helped at 0.75: further" in why for why in told)


def test_changes_that_helped_alone_are_combined() -> None:
    bench = Bench()
    bench.add("base", 1.0)
    for n in range(3):
        bench.add(f"a{n}", 0.98, base="base", delta={"A": 0.7 + n / 100})
        bench.add(f"b{n}", 0.982, base="base", delta={"B": 0.1 + n / 100})
        bench.add(f"c{n}", 1.1, base="base", delta={"C": 1 + n})
    view = seen(bench, "a0", A=0.7)
    tried = [found(view, 5, seed) for seed in range(10)]
    assert sum(any("B" in move.values for move in moves) for moves in tried) >= 8
    view = seen(bench)
    both = [m for seed in range(10) for m in found(view, 5, seed) if {"A", "B"} <= m.values.keys()]
    assert any("combines" in move.why for move in both)


def test_what_nobody_has_run_is_tried_alone(started: Bench) -> None:
    """Most changes make it worse: several at once only of what was run alone, and helped."""
    for seed in range(5):
        for move in found(seen(started), 30, seed):
            assert len(move.values) == 1 or move.why.startswith("TPE")
    started.add("both", 0.97, base="base", delta={"B": 0.1, "E": "y"})
    started.add("other", 0.98, base="base", delta={"D": 16})
    for seed in range(5):
        for move in found(seen(started), 30, seed):
            if "combines" in move.why:
                assert move.values == {"A": 0.7, "D": 16}


def test_a_step_that_cost_much_speaks_for_the_other_side() -> None:
    bench = Bench()
    bench.add("base", 1.0)
    bench.add("up", 1.04, base="base", delta={"A": 0.8})
    view = seen(bench, space={"A": SPACE["A"]})
    firsts = [found(view, 1, seed)[0].values["A"] for seed in range(20)]
    assert sum(value < 0.5 for value in firsts) >= 16  # type: ignore[operator]


def test_crashes_are_avoided() -> None:
    bench = Bench()
    bench.add("base", 1.0)
    for n in range(8):
        bench.add(f"x{n}", None, base="base", delta={"A": 0.8 + n / 50})
    view = seen(bench, space={"A": SPACE["A"]})
    firsts = [found(view, 1, seed)[0].values["A"] for seed in range(20)]
    assert sum(value > 0.75 for value in firsts) <= 2  # type: ignore[operator]


def test_numbers_of_strangers_are_only_numbers() -> None:
    bench = Bench()
    bench.add("base", 1.0)
    hostile = (1e300, -1e300, 1.7976931348623157e308, 5e-324, -5e-324, 2.2250738585072014e-308)
    for n, value in enumerate((*hostile, 10**39, "import os", True, None, 0.9999999)):
        bench.add(f"x{n}", 0.5, "mallory", base="base", delta={"A": value, "B": value})
        bench.add(f"y{n}", -1e99, "mallory", base="base", delta={"C": value, "E": value})
        bench.add(f"z{n}", 5e-324, "mallory", base="base", delta={"D": value})
    view = seen(bench)
    assert all(abs(place) < 2 for trial in view.trials for place in trial.places[:4])
    for move in found(view, 50):
        assert all(is_within(SPACE[name], value) for name, value in move.values.items())


def test_nobody_crowds_out_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trials, "MOST", 40)
    monkeypatch.setattr(trials, "MOST_ALONE", 5)
    bench = Bench()
    bench.add("base", 1.0)
    for n in range(30):
        bench.add(f"h{n}", 1.01, f"honest-{n % 10}", base="base", delta={"A": n / 60})
    for n in range(300):
        bench.add(f"f{n}", 0.95, "mallory", base="base", delta={"A": 0.5 + n / 600})
    view = seen(bench)
    places = [trial.places[0] for trial in view.trials]
    assert len(places) <= 40
    assert sum(place < 0.5 for place in places) == 30
    assert sum(place > 0.5 for place in places) <= 5


def test_replicates_are_one_trial_that_is_known_better(started: Bench) -> None:
    started.add("good", 0.99, "atlas", replicates=started.results[1].id, fingerprint=digest("good"))
    view = seen(started)
    good = [trial for trial in view.trials if trial.places[0] == pytest.approx(0.7)]
    assert len(good) == 1
    assert good[0].variance == 0.5
    assert good[0].loss == pytest.approx(-0.015 / view.where.sigma)


def test_other_tiers_count_by_what_was_run_on_both() -> None:
    bench = Bench()
    bench.add("base", 1.0)
    bench.add("there", 1.9, base="base", delta={"A": 0.7}, tier="gpu")
    assert len(seen(bench).trials) == 1  # nothing says how the tiers compare
    bench.add("base", 2.0, tier="gpu", fingerprint=digest("base"))
    there = next(trial for trial in seen(bench).trials if trial.places[0] != 0.5)
    assert there.loss == pytest.approx(-0.1 / seen(bench).where.sigma)
    assert there.variance > 2


def test_another_structure_counts_less_and_what_it_gained_is_not_a_constant() -> None:
    bench = Bench()
    bench.add("base", 1.0)
    bench.add("tuned", 0.98, base="base", delta={"A": 0.7})
    bench.add("new", 0.9, base="base", structural=True)
    bench.add("newer", 0.88, base="new", delta={"B": 0.1})
    view = seen(bench, "newer", B=0.1)
    assert len(view.trials) == 4
    sigma = view.where.sigma
    old = next(t for t in view.trials if t.places[0] == pytest.approx(0.7))
    assert old.loss == pytest.approx((0.98 - 0.1 - 0.88) / sigma)
    assert old.variance == 3.0
    mine = next(t for t in view.trials if t.places == placed(view.along, view.at))
    assert mine.loss == 0
    assert mine.variance == 1.0


def test_ten_thousand_results_are_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What grows faster than the number of results is bounded: counted, not timed."""
    bench = Bench()
    bench.add("base", 1.0)
    one = bench.add("p", 1.0, base="base", delta={"A": 0.6})
    bench.results += many(one, 10_000)
    learned: list[int] = []
    looked: list[str] = []
    real, line = searching.judging.believed, trials.Lines.of

    def believed(along: object, at: object, told: list[object], pending: object) -> object:
        learned.append(len(told))
        return real(along, at, told, pending)  # type: ignore[arg-type]

    def of(self: trials.Lines, program: str) -> object:
        looked.append(program)
        return line(self, program)

    monkeypatch.setattr(searching.judging, "believed", believed)
    monkeypatch.setattr(trials.Lines, "of", of)
    assert len(found(seen(bench), 5)) == 5
    assert learned == [trials.MOST]
    assert len(looked) < 6 * trials.MOST


def many(run: object, number: int) -> Iterator[object]:
    for n in range(number):
        yield run._replace(  # type: ignore[attr-defined]
            id=f"agent-{n % 50}/x-{n}",
            agent=f"agent-{n % 50}",
            fingerprint=digest(f"x{n}"),
            metric=1 + n % 7 / 100,
            delta=f'{{"A":{n / 10_000},"B":0.02}}',
        )
