"""The proposer on a real hub."""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest

from gitcollab.records.models import Claim
from gitcollab.swarm.claiming import claim
from gitcollab.swarm.claims import active
from gitcollab.swarm.engine.proposer.proposing import Suggestion, suggestions, why_none
from gitcollab.swarm.outcomes import Granted
from gitcollab.swarm.proposal import Proposal, propose
from gitcollab.swarm.swarm import Swarm

Agent = Callable[[str], Swarm]

SPACE = """\
space:
  RATE: {low: 0.01, high: 1.0, log: true}
  WIDTH: {choices: [4, 8, 16]}
  GONE: {low: 1, high: 2}
"""


@pytest.fixture
def toy_space(toy_task: Path) -> None:
    """The toy task names what may be searched."""
    with toy_task.open("a") as file:
        file.write(SPACE)


@pytest.fixture
def nova(toy_space: None, agent: Agent) -> Swarm:
    """An agent that has run the baseline."""
    found = agent("nova")
    found.run()
    return found


def suggested(swarm: Swarm, most: int = 5, running: list[Claim] | None = None) -> list[Suggestion]:
    member = swarm.member
    return list(islice(suggestions(member, member.standings(), running or []), most))


def plan_of(swarm: Swarm, one: Suggestion) -> Proposal:
    return propose(one.base.text, one.base, lambda _: [], set_values=one.values)


def test_nothing_without_a_space(agent: Agent) -> None:
    nova = agent("nova")
    nova.run()
    assert suggested(nova) == []
    assert "no search space" in (why_none(nova.member) or "")


def test_nothing_without_optuna(nova: Swarm, monkeypatch: pytest.MonkeyPatch) -> None:
    assert why_none(nova.member) is None
    monkeypatch.setitem(sys.modules, "optuna", None)
    assert suggested(nova) == []
    assert "pip install 'gitcollab[propose]'" in (why_none(nova.member) or "")


def test_nothing_before_there_is_something_to_be_better_than(toy_space: None, agent: Agent) -> None:
    nova = agent("nova")
    assert suggested(nova) == []
    assert why_none(nova.member) is None


def test_the_best_is_changed(nova: Swarm) -> None:
    better = nova.run(set_values={"RATE": "0.3"}).result
    found = suggested(nova, 8)
    assert {one.base.id for one in found} == {better.id}
    assert {name for one in found for name in one.values} == {"RATE", "WIDTH"}
    texts = {plan_of(nova, one).program for one in found}
    assert len(texts) == 8
    assert all("RATE = " in text and "NOISE = 0.0" in text for text in texts)


def test_the_same_snapshot_gives_an_agent_the_same(nova: Swarm, agent: Agent) -> None:
    atlas = agent("atlas")
    atlas.sync()
    assert suggested(nova) == suggested(nova)
    assert suggested(atlas) != suggested(nova)
    again = Swarm.open(nova.member.workspace.root)
    assert suggested(again) == suggested(nova)


def test_what_was_run_or_is_run_is_not_suggested(nova: Swarm, agent: Agent) -> None:
    atlas = agent("atlas")
    atlas.sync()
    small = {"WIDTH": "4"}
    nova.run(set_values=small)
    wide = next(one for one in suggested(nova, 200) if one.values == {"WIDTH": "16"})
    assert isinstance(claim(atlas.member, plan_of(atlas, wide).experiment), Granted)
    nova.sync()
    assert small not in [one.values for one in suggested(nova, 200)]
    running = active(nova.member.store.snapshot())
    assert wide.values in [one.values for one in suggested(nova, 200)]
    assert wide.values not in [one.values for one in suggested(nova, 200, running)]


def test_a_way_back_is_not_suggested(nova: Swarm) -> None:
    """The program that the best was made from was run: it is no experiment, whatever its change."""
    nova.run(set_values={"WIDTH": "4", "RATE": "0.3"})
    nova.run(set_values={"WIDTH": "8"})
    values = [one.values for one in suggested(nova, 200)]
    assert {"WIDTH": "8"} not in values
    assert {"WIDTH": "16"} in values


def test_a_result_that_is_on_its_way_counts(nova: Swarm) -> None:
    member = nova.member
    one = suggested(nova, 1)[0]
    report = nova.run(set_values=one.values)
    fresh = report.result.model_copy(update={"id": "nova/fresh-1", "metric": 0.5})
    text = nova.show(report.result.id).program
    where = member.standings([fresh])
    first = next(suggestions(member, where, [], fresh, text))
    assert first.base.text == text


def test_a_program_that_is_not_python_has_no_constants(nova: Swarm) -> None:
    task = nova.member.task.model_copy(update={"program": "train.sh", "editable": ["train.sh"]})

    class Other:
        pass

    other = Other()
    other.task = task  # type: ignore[attr-defined]
    assert "not Python" in (why_none(other) or "")  # type: ignore[arg-type]
