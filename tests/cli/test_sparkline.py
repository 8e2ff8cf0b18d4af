"""The running best in one line."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitcollab.cli.sparkline import BARS, PLAIN_BARS, sparkline, summary
from gitcollab.swarm.trend import Course, Point


def course(*values: float | None, sign: int = 1) -> Course:
    """A course whose best is so after each experiment; None: there is none yet, or no other."""
    points = [Point(n, "", v, True, 1) for n, v in enumerate(values, 1) if v is not None]
    return Course(len(values), sign, 0.002, None, points)


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ((), ""),
        ((None, None), ""),
        ((0.9,), "▄"),
        ((0.9, None, None), "▄▄▄"),
        ((0.9, 0.9), "▄▄"),
        ((None, 0.9, 0.8), "·█▁"),
        ((8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0), "█▇▆▅▄▃▂▁"),
        ((1.0, 1e300, -1e300), "▅█▁"),
        ((1.7e308, -1.7e308), "█▁"),
        ((5e-324, 0.0), "▄▄"),
        ((1e100, 1.0, 0.9), "█▁▁"),
    ],
)
def test_shapes(values: tuple[float | None, ...], shown: str) -> None:
    assert sparkline(course(*values), 20) == shown


def test_lower_is_better_falls_and_higher_is_better_rises() -> None:
    assert sparkline(course(3.0, 2.0, 1.0), 3) == "█▅▁"
    assert sparkline(course(1.0, 2.0, 3.0, sign=-1), 3) == "▁▅█"


def test_many_experiments_share_a_bar_and_the_last_is_the_best() -> None:
    went = course(*range(100, 0, -1))
    assert sparkline(went, 4) == "█▆▃▁"
    assert sparkline(went, 4, PLAIN_BARS) == "#+,_"
    assert summary(went, 4) == "100.000000 █▆▃▁ 1.000000 in 100 experiments"
    assert summary(course(None)) is None
    assert summary(None) is None


values = st.one_of(st.none(), st.floats(-1e100, 1e100))


@given(st.lists(values, min_size=1, max_size=80), st.integers(1, 100))
def test_a_bar_for_every_cell(found: list[float | None], width: int) -> None:
    went = course(*found)
    for bars in (BARS, PLAIN_BARS):
        line = sparkline(went, width, bars)
        assert len(line) == (min(width, len(found)) if went.points else 0)
        assert set(line) <= {*bars, "·", "'"}


@given(st.lists(st.floats(-1e100, 1e100), min_size=2, max_size=40))
def test_higher_bars_are_higher_values(found: list[float]) -> None:
    levels = [BARS.index(char) for char in sparkline(course(*found), len(found))]
    for (a, low), (b, high) in zip(
        sorted(zip(found, levels, strict=True)),
        sorted(zip(found, levels, strict=True))[1:],
        strict=False,
    ):
        assert a <= b
        assert low <= high
    assert math.isfinite(sum(levels))
