"""Axes that end at round numbers, and what is far off all others."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitcollab.faces.axes import counted, measured, spread

NUMBERS = st.floats(-1e100, 1e100)


@given(st.integers(0, 10**9))
def test_experiments_fit_and_fill_most_of_their_axis(number: int) -> None:
    axis = counted(number)
    assert axis.low == 0
    assert number <= axis.high <= max(10, 1.5 * number)
    assert 4 <= len(axis.ticks) <= 11
    assert axis.ticks[0] == (0, "0")


def test_the_axis_of_experiments_seldom_moves() -> None:
    ends = {counted(number).high for number in range(1, 100_001)}
    assert len(ends) == 33


@given(NUMBERS, NUMBERS)
def test_numbers_fit_and_ticks_can_be_told_apart(one: float, other: float) -> None:
    low, high = sorted((one, other))
    axis = measured(low, high)
    assert axis.low <= low <= high <= axis.high
    assert axis.low < axis.high
    assert 2 <= len(axis.ticks) <= 10
    assert all(a < b for (a, _), (b, _) in pairwise(axis.ticks))
    names = [name for _, name in axis.ticks]
    assert len(set(names)) == len(names)
    assert all(len(name) <= 24 for name in names)


@pytest.mark.parametrize(
    ("low", "high", "names"),
    [
        (0.969686, 0.9979, ["0.970", "0.975", "0.980", "0.985", "0.990", "0.995"]),
        (0.0, 100.0, ["0", "20", "40", "60", "80", "100"]),
        (-0.3, 0.3, ["-0.3", "-0.2", "-0.1", "0.0", "0.1", "0.2", "0.3"]),
        (1e30, 2e30, ["1.0e30", "1.2e30", "1.4e30", "1.6e30", "1.8e30", "2.0e30"]),
        (1e-7, 3e-7, ["1.0e-7", "1.5e-7", "2.0e-7", "2.5e-7", "3.0e-7"]),
    ],
)
def test_ticks_are_round(low: float, high: float, names: list[str]) -> None:
    assert [name for _, name in measured(low, high).ticks] == names


def noisy(number: int) -> list[float]:
    chance = random.Random(1)
    return [chance.gauss(1.0, 0.002) for _ in range(number)]


@pytest.mark.parametrize("number", [2, 5, 20, 2000])
@pytest.mark.parametrize("odd", [1e30, -1e30, 1e300, 5.0])
def test_what_is_far_off_does_not_widen_the_range(number: int, odd: float) -> None:
    values = noisy(number)
    low, high = spread([*values, odd], [values[0], odd], 0.002)
    assert min(values) == low
    assert max(values) == high


def test_forty_sigma_do_not_squash_the_rest() -> None:
    values = noisy(500)
    assert spread([*values, 1.08, 0.92], values[:1], 0.002) == (min(values), max(values))


def test_where_the_best_came_from_is_shown() -> None:
    values = [0.9979, *(v - 0.026 for v in noisy(200))]
    assert spread(values, [0.9979, 0.98, 0.971], 0.0005)[1] == 0.9979


def test_few_numbers_are_all_shown() -> None:
    assert spread([1.0, 0.9, 1.2], [1.0, 0.9], 0.002) == (0.9, 1.2)
