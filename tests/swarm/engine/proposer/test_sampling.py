"""Draws of Optuna's: near the base, the same every time, and silent."""

from __future__ import annotations

import warnings

import pytest

from gitcollab.records.models import Dimension
from gitcollab.swarm.engine.proposer.sampling import drawn
from gitcollab.swarm.engine.proposer.space import axes
from gitcollab.swarm.engine.proposer.trials import Trial

ALONG = axes(
    {"A": Dimension(low=0.0, high=1.0), "B": Dimension(choices=["x", "y", "z"])},
    {"A": 0.5, "B": "x"},
)
TRIALS = [Trial((n / 20, float(n % 3)), (n - 15) / 3, 1.0) for n in range(20)]
FAILED = Trial((0.5, 2.0), None, 1.0)


def test_only_what_is_free_is_drawn() -> None:
    for seed in range(10):
        a, b = drawn(ALONG, (0.5, 0.0), [0], [*TRIALS, FAILED], [(1.4, 1.0)], seed)
        assert b == 0.0
        assert 0 <= a <= 1
        a, b = drawn(ALONG, (0.5, 0.0), [1], TRIALS, [], seed)
        assert a == 0.5
        assert b in (0.0, 1.0, 2.0)


def test_the_same_seed_draws_the_same() -> None:
    several = {drawn(ALONG, (0.5, 0.0), [0, 1], TRIALS, [], seed) for seed in (1, 2, 3, 1, 2, 3)}
    assert len(several) == 3


def test_draws_lean_to_what_was_good() -> None:
    places = [drawn(ALONG, (0.5, 0.0), [0], TRIALS, [], seed)[0] for seed in range(20)]
    assert sum(place < 0.5 for place in places) > 14


def test_nothing_is_printed_or_warned_of(capfd: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        drawn(ALONG, (0.5, 0.0), [0, 1], TRIALS, [(0.1, 1.0)], 2**60)
    assert capfd.readouterr() == ("", "")
