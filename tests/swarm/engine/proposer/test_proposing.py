"""The proposer on a real hub."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest

from gitcollab.swarm.engine.proposer.proposing import Suggestion, suggestions, why_none
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
    with toy_task.open("a") as file:
        file.write(SPACE)


def suggested(swarm: Swarm, most: int = 5) -> list[Suggestion]:
    member = swarm.member
    return list(islice(suggestions(member, member.standings(), []), most))


def test_nothing_without_a_space(agent: Agent) -> None:
    nova = agent("nova")
    nova.run()
    assert suggested(nova) == []
    assert "no search space" in (why_none(nova.member) or "")


def test_constants_of_the_space_are_changed_on_the_best(toy_space: None, agent: Agent) -> None:
    nova = agent("nova")
    assert suggested(nova) == []  # nothing to be better than
    nova.run()
    better = nova.run(set_values={"RATE": "0.3"}).result
    found = suggested(nova)
    assert {one.base.id for one in found} == {better.id}
    assert {name for one in found for name in one.values} == {"RATE", "WIDTH"}
    assert len({str(one.values) for one in found}) == 5
