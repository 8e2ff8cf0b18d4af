"""Whether the search gets anywhere: the window, the gains, the word."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitcollab.swarm.progress import progress
from gitcollab.swarm.ranking import standings
from gitcollab.swarm.trend import Course, Point, Trend, course, trend
from tests.swarm.factories import START, Bench, make_task


def went(bench: Bench) -> Course:
    where = standings(bench.task, bench.results)
    return course(where, progress(where))


def after(bench: Bench, *, hours: float = 0, recent: int = 4) -> Trend:
    """The trend so long after the last run."""
    last = timedelta(minutes=len(bench.results) - 1)
    return trend(went(bench), START + last + timedelta(hours=hours), recent)


def runs(*metrics: float | None, direction: str = "minimize") -> Bench:
    bench = Bench(make_task(direction=direction))
    for number, metric in enumerate(metrics):
        bench.add(f"p{number}", metric)
    return bench


def test_a_best_that_gained_more_than_the_noise_is_improving() -> None:
    told = after(runs(1.0, 0.99, 0.98, 0.97, 0.96), hours=30)
    assert told.word == "improving"
    assert told.gain == told.gain_recent == pytest.approx(0.04)
    assert told.gain_day == 0.0
    assert (told.best, told.noise, told.since) == (0.96, pytest.approx(2 * 0.002 * 2**0.5), 0)
    assert told.led_at == told.last_at == "2026-01-01T00:04:00Z"


def test_gains_within_the_noise_are_flat() -> None:
    told = after(runs(1.0, 0.9999, 0.9998, 1.0, 1.0), hours=30)
    assert told.word == "flat"
    assert told.since == 2


def test_nobody_taking_the_lead_is_stuck() -> None:
    told = after(runs(0.9, 1.0, None, 1.0, 0.95), hours=30)
    assert (told.word, told.gain, told.since) == ("stuck", 0.0, 4)


def test_a_best_that_replicates_disprove_is_falling_back() -> None:
    bench = runs(0.99, 0.95)
    for _ in range(3):
        bench.add("p1", 0.99, agent="vega")
    told = after(bench, hours=30, recent=3)
    assert told.word == "falling back"
    assert told.gain is not None
    assert told.noise is not None
    assert told.gain < -told.noise


def test_a_maximised_metric_gains_upwards() -> None:
    assert after(runs(1.0, 1.1, 1.2, direction="maximize"), hours=30, recent=2).word == "improving"
    told = after(runs(1.0, 1.1, 1.2, direction="maximize"), hours=30, recent=2)
    assert told.gain == pytest.approx(0.2)


@pytest.mark.parametrize("metrics", [(), (None, None), (0.9,), (0.9, 0.8, 0.7)])
def test_a_young_hub_is_not_judged(metrics: tuple[float | None, ...]) -> None:
    told = after(runs(*metrics), hours=30)
    assert (told.word, told.gain, told.gain_recent) == ("too early to say", None, None)
    assert told.experiments == len(metrics)
    assert (told.since is None) == (told.best is None) == (told.led_at is None)


def test_a_hub_without_a_past_is_judged_since_its_beginning() -> None:
    told = after(runs(1.0, 0.99, 0.98, 0.97, 0.96), recent=20)
    assert (told.word, told.gain_day, told.gain_recent) == ("improving", None, None)
    assert told.gain == pytest.approx(0.04)
    assert after(runs(1.0, 0.99, 0.98, 0.97), recent=20).word == "too early to say"
    assert after(runs(0.9, 1.0, 1.0, 1.0, 1.0), recent=20).word == "stuck"


def test_numbers_of_two_tiers_are_not_compared() -> None:
    bench = Bench()
    bench.add("p0", 1.2)
    for n in range(5):
        bench.add(f"q{n}", 1.0, tier="xl")
    told = after(bench, recent=20)
    assert (told.word, told.gain) == ("stuck", 0.0)


def test_other_tiers_that_led_between_are_left_out() -> None:
    bench = Bench()
    for n, (metric, tier) in enumerate(
        [(1.0, "xl"), (0.99, "xl"), (0.95, "small"), (0.94, "small"), (0.93, "xl")]
    ):
        bench.add(f"p{n}", metric, tier=tier)
    told = after(bench, recent=2)
    assert [p.value for p in went(bench).points] == [1.0, 0.99, 0.93]
    assert told.gain_recent == pytest.approx(0.06)


def test_a_busy_hub_is_judged_by_the_day() -> None:
    bench = runs(1.0, 0.9, *[0.95] * 8)
    told = after(bench, hours=24 - 8.5 / 60, recent=4)  # the first run is more than a day ago
    assert (told.word, told.gain_day, told.gain_recent) == ("improving", pytest.approx(0.1), 0.0)
    assert after(bench, hours=30, recent=4).word == "stuck"


@given(
    st.lists(st.one_of(st.none(), st.floats(-1e99, 1e99)), max_size=30),
    st.integers(-3, 60),
    st.integers(1, 12),
    st.sampled_from(["minimize", "maximize"]),
)
def test_the_word_follows_from_the_numbers(
    metrics: list[float | None], hours: int, recent: int, direction: str
) -> None:
    told = after(runs(*metrics, direction=direction), hours=hours, recent=recent)
    if told.gain is None or told.noise is None:
        assert told.word == "too early to say"
    elif abs(told.gain) >= told.noise:
        assert told.word == ("improving" if told.gain > 0 else "falling back")
    else:
        assert told.word in ("flat", "stuck")
    since_it_began = told.gain_day is None or told.gain_recent is None
    assert told.gain in (told.gain_day, told.gain_recent) or since_it_began
    assert told.since is None or 0 <= told.since < told.experiments


def test_the_window_reaches_to_the_earlier_of_both() -> None:
    points = [
        Point(1, "2026-01-01T00:00:00Z", 1.0, True, 1),
        Point(9, "2026-01-09T00:00:00Z", 0.9, True, 1),
    ]
    made = Course(10, 1, 0.001, "2026-01-09T01:00:00Z", points)
    now = START + timedelta(days=8, hours=2)
    assert trend(made, now, 1).gain == pytest.approx(0.1)  # a day
    assert trend(made, now + timedelta(days=1), 1).gain == 0.0
    assert trend(made, now + timedelta(days=1), 2).gain == pytest.approx(0.1)  # two experiments
    assert trend(replace(made, sign=-1), now, 2).word == "falling back"


@pytest.mark.parametrize("gain", [0.0045, 0.0056, 0.0057, 0.02])
def test_the_trend_and_the_verdict_agree(gain: float) -> None:
    bench = Bench()
    bench.add("a", 1.0)
    found = bench.add("b", 1.0 - gain, base="a")
    verdict = standings(bench.task, bench.results).verdict(found)
    told = after(bench, hours=30, recent=1)
    assert (verdict, told.word) in (("better", "improving"), ("within noise", "flat"))
    assert (verdict == "better") == (gain > 0.00566)


def test_more_runs_make_smaller_gains_count() -> None:
    """What is known of four runs each differs by more than what is known of one each."""
    bench = Bench()
    for program, metric in (("a", 1.0), ("b", 0.9955)):
        for n in range(4):
            bench.add(program, metric, base="a", minute=100 * (program == "b") + n)
    where = standings(bench.task, bench.results)
    told = trend(course(where, progress(where)), START + timedelta(hours=30), 4)
    assert told.noise == told.noise_recent == pytest.approx(2 * where.sigma * 0.5**0.5)
    assert told.word == "improving"
    assert (told.gain_day, told.noise_day) == (0.0, told.noise)


def test_a_best_that_stays_gains_nothing_where_nothing_is_noise() -> None:
    point = Point(1, "2026-01-01T00:00:00Z", 1.0, True, 1)
    calm = Course(9, 1, 0.0, "2026-01-09T01:00:00Z", [point])
    assert trend(calm, START + timedelta(days=8), 2).word == "stuck"
