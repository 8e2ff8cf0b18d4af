"""The order of kinds, and whose find is run again by whom."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from gitcollab.records.models import Policy, Task
from gitcollab.swarm.engine import candidates, choosing, policy
from gitcollab.swarm.engine.belief import beliefs
from gitcollab.swarm.engine.proposer.proposing import Suggestion
from gitcollab.swarm.engine.scene import Scene
from gitcollab.swarm.swarm import Swarm
from gitcollab.swarm.workspace import Base
from tests import toy

Agent = Callable[[str], Swarm]


@pytest.fixture(autouse=True)
def ideas(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine has one proposal."""
    one = Suggestion(Base(None, toy.PROGRAM), {"RATE": "0.2"}, "it may help")
    monkeypatch.setattr(candidates, "suggestions", lambda *_: iter([one]))


def kinds(swarm: Swarm) -> list[str]:
    return [one.kind for one in choosing.outlook(swarm.member).choices]


def test_the_usual_order(agent: Agent) -> None:
    nova, atlas = agent("nova"), agent("atlas")
    assert kinds(nova) == ["baseline", "proposal"]
    atlas.run()
    atlas.propose("raise it", "it is low", set_values={"RATE": "0.25"})
    assert kinds(nova) == ["replication", "hypothesis", "proposal"]
    program = nova.workspace / "train.py"
    program.write_text(toy.PROGRAM.replace("WIDTH = 8", "WIDTH = 9"))
    assert kinds(nova)[:2] == ["edit", "replication"]


@pytest.fixture
def toy_task(toy_task: Path, request: pytest.FixtureRequest) -> Path:
    """The task, with these lines more."""
    toy_task.write_text(toy_task.read_text() + getattr(request, "param", ""))
    return toy_task


ORDER = "policy: {next: [proposal, replication]}\n"


@pytest.mark.parametrize("toy_task", [ORDER], indirect=True)
def test_a_hubs_task_may_say_otherwise(agent: Agent) -> None:
    nova, atlas = agent("nova"), agent("atlas")
    atlas.run()
    atlas.propose("raise it", "it is low", set_values={"RATE": "0.25"})
    assert kinds(nova) == ["proposal", "replication"]


def test_the_order_in_a_task() -> None:
    assert policy.order(task_with(None)) == policy.USUAL
    assert policy.order(task_with(["hypothesis"])) == ["hypothesis"]
    for wrong in ([], ["hypothesis"] * 2, ["edit"]):
        with pytest.raises(ValidationError):
            task_with(wrong)


def task_with(order: list[str] | None) -> Task:
    from gitcollab.records import codec

    task = codec.decode("task", toy.TASK.encode())
    assert isinstance(task, Task)
    return task.model_copy(update={"policy": Policy.model_validate({"next": order})})


def test_a_finder_leaves_its_find_to_others_that_are_there(agent: Agent) -> None:
    nova, atlas = agent("nova"), agent("atlas")
    nova.run()
    assert Scene(nova.member, choosing.Past()).alone
    assert kinds(nova)[0] == "replication"  # nobody else is there to
    atlas.run()
    assert not Scene(nova.member, choosing.Past()).alone
    mine = nova.run(set_values={"RATE": "0.3"}).result
    (first, *_) = choosing.outlook(atlas.member).choices
    assert (first.kind, first.plan.experiment.replicates) == ("replication", mine.id)
    assert first.why == "what the swarm builds on: 1 run, found by nova"
    found = choosing.outlook(nova.member)
    assert [one.kind for one in found.choices][:2] == ["proposal", "rerun"]
    assert found.choices[1].plan.experiment.replicates == mine.id  # where nothing else is left
    reasons = {one.why for one in found.passed if one.id == mine.id}
    assert reasons == {"your own find: another agent's run of it tells more"}


def test_the_figures_told_are_those_that_decide(agent: Agent) -> None:
    nova, atlas = agent("nova"), agent("atlas")
    nova.run()
    nova.run(set_values={"RATE": "0.3"})
    (first, *_) = choosing.outlook(atlas.member).choices
    known = beliefs(nova.member.standings(), nova.member.tier)
    best = min(known.values(), key=lambda one: one.mean)
    assert first.scores == {"runs": 1, "believed": best.mean, "error": best.error}


def test_why_something_is_passed_over(agent: Agent) -> None:
    nova, atlas = agent("nova"), agent("atlas")
    atlas.run()
    for title, rate in (("done", "0.3"), ("claimed", "0.4"), ("fits", "0.5")):
        atlas.propose(title, "to see", set_values={"RATE": rate})
    atlas.propose("in words", "to see")
    atlas.run(set_values={"RATE": "0.3"})
    assert atlas.claim("RATE=0.4")
    found = choosing.outlook(nova.member)
    assert "fits" in [one.hypothesis.title for one in found.choices if one.hypothesis]
    reasons = {one.what: one.why for one in found.passed}
    assert reasons["in words"] == "it says its change in words"
    assert "claimed by atlas" in reasons.values()


def test_what_was_run_without_naming_a_hypothesis_takes_no_look(
    agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(candidates, "_IDEAS", 1)
    nova, atlas = agent("nova"), agent("atlas")
    nova.run()
    for n in (9, 8):
        nova.propose(f"idea {n}", "to see", set_values={"RATE": f"0.{n}"})
    nova.propose("new", "to see", set_values={"WIDTH": "9"})
    atlas.sync()
    done = [atlas.run(set_values={"RATE": f"0.{n}"}).result.id for n in (9, 8)]
    nova.sync()
    found = choosing.outlook(nova.member)
    assert [one.hypothesis.title for one in found.choices if one.hypothesis] == ["new"]
    reasons = {one.what: one.why for one in found.passed}
    assert reasons["idea 9"] == f"atlas has done it: {done[0]}"
    assert reasons["idea 8"] == f"atlas has done it: {done[1]}"
