"""What questions ask for beside constants and words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from gitcollab.similarity.bounds import all_hold
from gitcollab.swarm.search.filters import Filters, filtered

NOW = datetime(2026, 3, 9, 12, 30, tzinfo=UTC)
BAD = {"discard", "noise", "crash"}


def read(question: str) -> tuple[Filters, str]:
    found, rest = filtered(
        question,
        agents={"nova", "vega-2", "gating", "me-too"},
        tiers={"cpu", "large", "h100-pod"},
        me="nova",
        now=NOW,
        names={"FAIL", "NOISE"},
        is_word=lambda name: name in ("gating", "learning"),
    )
    return found, " ".join(rest.split())


@pytest.mark.parametrize(
    ("question", "wanted", "rest"),
    [
        ("what failed with gating?", {"marks": {"discard", "crash"}}, "what with gating?"),
        ("which changes kept", {"marks": {"keep"}}, "which changes"),
        ("what did not help", {"marks": BAD}, "what"),
        ("what didn't work", {"marks": BAD}, "what"),
        ("gating without success", {"marks": BAD}, "gating"),
        ("what made no difference", {"marks": {"noise"}}, "what"),
        ("what was within noise", {"marks": {"noise"}}, "what was"),
        ("what crashed or timed out", {"marks": {"crash"}}, "what or"),
        ("reruns", {"marks": {"rerun"}}, ""),
        ("unconfirmed", {"marks": {"unconfirmed"}}, ""),
        # whether it is so is what is asked
        ("is gating worse?", {}, "is gating ?"),
        ("does SwiGLU help", {}, "does SwiGLU"),
        ("FAIL above 3", {}, "FAIL above 3"),
        ("NOISE", {}, "NOISE"),
        ("what has been tried", {"kinds": {"result", "claim"}}, "what has"),
        ("experiments", {"kinds": {"result"}}, ""),
        ("what is being run now", {"kinds": {"claim"}}, "what is now"),
        ("insights about gating", {"kinds": {"insight"}}, "about gating"),
        ("open hypotheses", {"kinds": {"hypothesis"}, "states": {"open"}}, ""),
        ("tested hypotheses", {"kinds": {"hypothesis"}, "states": {"tested"}}, ""),
        ("which hypothesis was refuted",
         {"kinds": {"hypothesis"}, "states": {"refuted", "contradicted"}}, "which was"),
        ("what did nova try", {"agents": {"nova"}}, "what try"),
        ("gating by vega-2", {"agents": {"vega-2"}}, "gating"),
        ("nova's results", {"agents": {"nova"}, "kinds": {"result"}}, ""),
        ("what have I tried", {"agents": {"nova"}, "kinds": {"result", "claim"}}, "what"),
        ("by @gating", {"agents": {"gating"}}, ""),
        ("effects of gating", {}, "effects of gating"),
        ("by stranger", {}, "by stranger"),
        ("results not by nova", {"others": {"nova"}, "kinds": {"result"}}, ""),
        ("not by me", {"others": {"nova"}}, ""),
        ("what kept on cpu", {"marks": {"keep"}, "tiers": {"cpu"}}, "what"),
        ("gating in the large tier", {"tiers": {"large"}}, "gating"),
        ("gating on h100-pod machines", {"tiers": {"h100-pod"}}, "gating on"),
        ("large batches", {}, "large batches"),
        ("the best learning rate", {"order": "best"}, "learning rate"),
        ("latest results", {"order": "newest", "kinds": {"result"}}, ""),
        # with the best, and the most, every verdict counts
        ("which value works best?", {"order": "best"}, "which value ?"),
        ("what gave the largest gain?", {"order": "largest gain"}, "what gave ?"),
        ("biggest improvement", {"order": "largest gain"}, ""),
        ("what helped most?", {"order": "largest gain"}, "what ?"),
        ("what hurt the most?", {"order": "largest loss"}, "what ?"),
        ("the best of what kept", {"order": "best", "marks": {"keep"}}, "of what"),
        # what no record answers
        ("what has not been tried?", {"elsewhere": {"untried"}}, "what ?"),
        ("what values of FAIL have not been tried?", {"elsewhere": {"untried"}},
         "what values of FAIL ?"),
        ("what has nobody tried yet", {"elsewhere": {"untried"}}, "what has"),
        ("what haven't we tried", {"elsewhere": {"untried"}}, "what"),
        ("what should I try next?", {"elsewhere": {"next"}}, "?"),
        ("what should be replicated?", {"elsewhere": {"again"}}, "?"),
        ("which constants matter most?", {"elsewhere": {"constants"}}, "?"),
        ("hypotheses not yet tested", {"kinds": {"hypothesis"}, "states": {"open", "untested"}},
         ""),
        ("what did vega-2 propose?", {"agents": {"vega-2"}, "kinds": {"hypothesis"}}, "what ?"),
        ("what did vega-2 learn?", {"agents": {"vega-2"}, "kinds": {"insight"}}, "?"),
        ("what learned positions", {}, "what learned positions"),
        # times, by the clock that is given
        ("results since yesterday", {"since": "2026-03-08T00:00:00Z", "kinds": {"result"}}, ""),
        ("yesterday", {"since": "2026-03-08T00:00:00Z", "before": "2026-03-09T00:00:00Z"}, ""),
        ("today's results", {"since": "2026-03-09T00:00:00Z", "kinds": {"result"}}, ""),
        ("gating of the last week", {"since": "2026-03-02T12:30:00Z"}, "gating"),
        ("in the past 3 hours", {"since": "2026-03-09T09:30:00Z"}, ""),
        ("gating since 2026-03-01", {"since": "2026-03-01T00:00:00Z"}, "gating"),
        ("gating before 2026-03-01", {"before": "2026-03-01T00:00:00Z"}, "gating"),
        ("on 2026-03-01", {"since": "2026-03-01T00:00:00Z", "before": "2026-03-02T00:00:00Z"}, ""),
        ("what worked best in the last day?", {"since": "2026-03-08T12:30:00Z", "order": "best"},
         "what ?"),
        ("gating since Monday", {"missed": ("since Monday",)}, "gating"),
        ("gating since 2026-13-01", {"missed": ("since 2026-13-01",)}, "gating"),
        ("results before today", {"before": "2026-03-09T00:00:00Z", "kinds": {"result"}}, ""),
        ("before yesterday", {"before": "2026-03-08T00:00:00Z"}, ""),
        ("until yesterday", {"before": "2026-03-08T00:00:00Z"}, ""),
        ("yesterday or earlier", {"before": "2026-03-09T00:00:00Z"}, ""),
        ("after yesterday", {"since": "2026-03-09T00:00:00Z"}, ""),
        ("gating older than a week", {"before": "2026-03-02T12:30:00Z"}, "gating"),
        ("gating older than 3 hours", {"before": "2026-03-09T09:30:00Z"}, "gating"),
        ("older than 2026-03-01", {"before": "2026-03-01T00:00:00Z"}, ""),
        ("newer than two", {}, "newer than two"),
        ("gating newer than 3 days", {"since": "2026-03-06T12:30:00Z"}, "gating"),
        ("before the last week", {"before": "2026-03-02T12:30:00Z"}, ""),
        ("more than a day ago", {"before": "2026-03-08T12:30:00Z"}, ""),
        ("less than 2 days ago", {"since": "2026-03-07T12:30:00Z"}, ""),
        ("until 2 days ago", {"before": "2026-03-07T12:30:00Z"}, ""),
        ("since 2026-03-01 and before yesterday",
         {"since": "2026-03-01T00:00:00Z", "before": "2026-03-08T00:00:00Z"}, "and"),
        ("gating but not yesterday", {"missed": ("not yesterday",)}, "gating but"),
        ("gating by today", {"missed": ("by today",)}, "gating"),
        ("not before today", {"missed": ("not before today",)}, ""),
        # no day: its digits are no amounts
        ("since 31.02.2026", {"missed": ("since 31.02.2026",)}, ""),
        ("before 2026/02/31", {"missed": ("before 2026/02/31",)}, ""),
        ("since 2026-02-31", {"missed": ("since 2026-02-31",)}, ""),
        ("gating in the last layer", {}, "gating in the last layer"),
    ],
)  # fmt: skip
def test_what_is_asked_for(question: str, wanted: dict[str, Any], rest: str) -> None:
    found, left = read(question)
    given = {name: value for name, value in vars(found).items() if value}
    if "marks" in wanted:
        wanted = {"kinds": {"result"}, **wanted}  # only results have verdicts
    assert given == wanted
    assert left == rest


@pytest.mark.parametrize(
    ("question", "yes", "no"),
    [
        ("worse by more than 0.005", [-0.006, -1.0], [-0.005, 0.006]),
        ("loss of less than 0.1", [-0.01], [-0.1, 0.01]),
        ("better by at least 0.01", [0.01, 0.5], [0.009, -0.5]),
        ("a gain above .01", [0.02], [0.01, -0.02]),
        ("gained more than -0.1", [-0.05, 0.2], [-0.1, -0.2]),
        ("gained less than -0.1", [-0.2], [-0.05, 0.2]),
        ("improved by 0.01", [0.01, 0.011], [0.02, -0.01]),
    ],
)
def test_gains_have_amounts(question: str, yes: list[float], no: list[float]) -> None:
    found, _ = read(question)
    assert found.marks == frozenset()
    assert [gain for gain in yes if not all_hold(found.gains, gain)] == []
    assert [gain for gain in no if all_hold(found.gains, gain)] == []


def test_verdicts_are_of_results_alone() -> None:
    found, _ = filtered("what failed", agents=(), tiers=(), me="nova", now=NOW, only="hypothesis")
    assert (found.marks, found.missed) == (frozenset(), ("failed",))


def test_what_was_understood_is_said() -> None:
    found, _ = read("what failed on cpu by vega-2, newest")
    assert list(found.lines()) == [
        "in: results",
        "verdict: discard or crash",
        "agent: vega-2",
        "tier: cpu",
        "order: newest first",
    ]


def test_a_hub_without_runs_has_no_tiers() -> None:
    assert filtered("on cpu", agents=(), tiers=(), me="nova", now=NOW) == (Filters(), "on cpu")
