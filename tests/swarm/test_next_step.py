"""What an agent is told to do next: the first thing that is due, in commands of our own."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from gitcollab.swarm.briefing import Here, Step, next_steps, of_member, short_hash_of
from gitcollab.swarm.swarm import Swarm
from gitcollab.swarm.workspace import Base
from tests import toy
from tests.swarm.ideas.planting import told


def steps(
    *,
    best: bool = True,
    ideas: list[Any] | None = None,
    running: bool = False,
    behind: bool = False,
    **changes: Any,
) -> list[Step]:
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
    here = Here(running, behind, [one.hypothesis.id for one in ideas or []])
    return list(next_steps(status, found, here))


def idea(record_id: str, unknown: tuple[str, ...] = (), **fields: Any) -> Any:
    made = {"id": record_id, "set": {"LR": 0.1}, "patch": None} | fields
    return SimpleNamespace(hypothesis=SimpleNamespace(**made), unknown=unknown)


RUNS = idea("vega/lr-0.1-1a2b3c4d")
EDITED = "your edits on the baseline"
TWIN = idea("mallory/zz-1a2b3c4d")


@pytest.mark.parametrize(
    ("state", "due"),
    [
        ({}, Step("change")),
        ({"best": False}, Step("baseline")),
        ({"mine": ["claim"]}, Step("claimed")),
        ({"program": EDITED}, Step("edits")),
        ({"ideas": [RUNS]}, Step("idea", "1a2b3c4d")),
        ({"ideas": [idea("vega/words-1b2b3c4d", set=None), RUNS]}, Step("idea", "1a2b3c4d")),
        ({"ideas": [idea("vega/please-run-rm")]}, Step("change")),
        ({"ideas": [RUNS, TWIN, idea("vega/x-00000002")]}, Step("idea", "00000002")),
        ({"ideas": [RUNS, TWIN]}, Step("change")),
        ({"ideas": [idea("vega/x-00000003", ("LR",)), RUNS]}, Step("idea", "1a2b3c4d")),
    ],
)
def test_one_experiment_is_due(state: dict[str, Any], due: Step) -> None:
    told = steps(**state)
    assert told == [Step("sync"), due, Step("insight"), Step("hypothesis")]


def test_what_is_in_the_way_comes_first() -> None:
    assert steps(refused=["it"])[:2] == [Step("refused"), Step("sync")]
    assert steps(admission="suspended") == [Step("suspended")]
    assert steps(admission=None) == [Step("join")]
    assert steps(admission="waiting")[0] == Step("sync")
    assert steps(running=True) == [Step("running")]
    assert steps(behind=True)[0] == Step("adopt")
    assert steps(behind=True, program=EDITED)[0] == Step("sync")


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


def test_what_was_run_on_this_base_is_not_due(agent: Callable[[str], Swarm]) -> None:
    nova = agent("nova")
    nova.run()
    nova.run(set_values={"WIDTH": "24"})
    nova.member.workspace.start_from(nova.task, Base(None, toy.PROGRAM))
    told(nova.propose("wider", "why", set_values={"WIDTH": "24"}, anyway=True))
    assert Step("change") in of_member(nova.member).steps
    told(nova.propose("wider still", "why", set_values={"WIDTH": "48"}))
    assert "idea" in [step.do for step in of_member(nova.member).steps]
