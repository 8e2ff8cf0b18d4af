"""What questions ask for beside constants and words."""

from __future__ import annotations

from typing import Any

import pytest

from gitcollab.swarm.search.filters import Filters, filtered

BAD = {"discard", "noise", "crash"}


def read(question: str) -> tuple[Filters, str]:
    found, rest = filtered(
        question,
        agents={"nova", "vega-2", "gating", "me-too"},
        tiers={"cpu", "large", "h100-pod"},
        me="nova",
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
        ("what kept on cpu", {"marks": {"keep"}, "tiers": {"cpu"}}, "what"),
        ("gating in the large tier", {"tiers": {"large"}}, "gating"),
        ("gating on h100-pod machines", {"tiers": {"h100-pod"}}, "gating on"),
        ("large batches", {}, "large batches"),
        ("the best learning rate", {"order": "best"}, "learning rate"),
        ("latest results", {"order": "newest", "kinds": {"result"}}, ""),
    ],
)  # fmt: skip
def test_what_is_asked_for(question: str, wanted: dict[str, Any], rest: str) -> None:
    found, left = read(question)
    given = {name: value for name, value in vars(found).items() if value}
    if "marks" in wanted:
        wanted = {"kinds": {"result"}, **wanted}  # only results have verdicts
    assert given == wanted
    assert left == rest


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
    assert filtered("on cpu", agents=(), tiers=(), me="nova") == (Filters(), "on cpu")
