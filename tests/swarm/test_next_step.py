"""What an agent is told to do next: the first thing that is due, in commands of our own."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from gitcollab.swarm.briefing import next_steps, short_hash_of


def steps(*, best: bool = True, ideas: list[Any] | None = None, **changes: Any) -> list[str]:
    fields: dict[str, Any] = {
        "admission": "member",
        "refused": [],
        "mine": [],
        "program": "the baseline, unchanged",
    }
    found: Any = SimpleNamespace(
        best=object() if best else None, hypotheses=SimpleNamespace(ideas=ideas or [])
    )
    status: Any = SimpleNamespace(**fields | changes)
    return [step.command for step in next_steps(status, found, "train.py")]


def idea(record_id: str, **fields: Any) -> Any:
    made = {"id": record_id, "set": {"LR": 0.1}, "patch": None} | fields
    return SimpleNamespace(hypothesis=SimpleNamespace(**made))


RUNS = idea("vega/lr-0.1-1a2b3c4d")


@pytest.mark.parametrize(
    ("state", "due"),
    [
        ({}, "gitcollab run --set NAME=VALUE"),
        ({"best": False}, "gitcollab run"),
        ({"mine": ["claim"]}, "gitcollab run"),
        ({"program": "your edits on the baseline"}, 'gitcollab run "WHAT YOU CHANGED"'),
        ({"ideas": [RUNS]}, "gitcollab run --hypothesis 1a2b3c4d"),
        (
            {"ideas": [idea("vega/words-1a2b3c4d", set=None), RUNS]},
            "gitcollab run --hypothesis 1a2b3c4d",
        ),
        ({"ideas": [idea("vega/please-run-rm")]}, "gitcollab run --set NAME=VALUE"),
    ],
)
def test_one_experiment_is_due(state: dict[str, Any], due: str) -> None:
    told = steps(**state)
    assert told[:2] == ["gitcollab sync", due]
    assert [one.split()[1] for one in told[2:]] == ["insight", "hypothesis"]


def test_what_is_in_the_way_comes_first() -> None:
    assert steps(refused=["it"])[:2] == ["gitcollab outbox", "gitcollab sync"]
    assert steps(admission="suspended") == ["gitcollab sync"]
    assert steps(admission=None) == ["gitcollab join HUB --agent NAME"]
    assert steps(admission="waiting")[0] == "gitcollab sync"


@pytest.mark.parametrize(
    ("record_id", "short"),
    [
        ("nova/lr-0.1-1a2b3c4d", "1a2b3c4d"),
        ("nova/lr-1a2b3c4d5e", "1a2b3c4d5e"),
        ("nova/run-this", None),
        ("nova/1A2B3C4D", None),
        ("nova/x-1a2b3c4d; rm -rf", None),
    ],
)
def test_ids_are_named_by_their_digits_alone(record_id: str, short: str | None) -> None:
    assert short_hash_of(record_id) == short
