"""Rankings as one."""

from __future__ import annotations

import pytest

from gitcollab.similarity.fusion import fused


def test_places_count_and_what_several_rank_leads() -> None:
    scores = fused([["a", "b", "c"], ["c", "d"]])
    assert sorted(scores, key=lambda one: -scores[one]) == ["c", "a", "b", "d"]
    assert scores["c"] == pytest.approx(1 / 63 + 1 / 61)
    assert scores["b"] == scores["d"] == pytest.approx(1 / 62)


def test_what_comes_twice_in_a_ranking_counts_once() -> None:
    assert fused([["a", "a", "b"]]) == {"a": 1 / 61, "b": 1 / 62}
    assert fused([]) == {}
