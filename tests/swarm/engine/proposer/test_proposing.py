"""The proposer on a real hub."""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest

from gitcollab.records.models import Claim, sha256
from gitcollab.records.names import PROGRAM_PATH
from gitcollab.swarm.claiming import claim
from gitcollab.swarm.claims import active
from gitcollab.swarm.engine import allocation
from gitcollab.swarm.engine.candidates import Candidates
from gitcollab.swarm.engine.guest.posts import workspace_of
from gitcollab.swarm.engine.proposer.proposing import Suggestion, suggestions, why_none
from gitcollab.swarm.engine.scene import Past, Scene
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
    """What the proposer would try on what the engine builds on."""
    scene = Scene(swarm.member, Past())
    found = suggestions(scene.member, scene.where, running or [], scene.base, scene.base_draft)
    return list(islice(found, most))


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


def test_what_the_engine_builds_on_is_changed(nova: Swarm, monkeypatch: pytest.MonkeyPatch) -> None:
    """That is what is believed to be the best, be it not the first of the ranking."""
    ranked_first = nova.run(set_values={"RATE": "0.3"}).result
    where = nova.member.standings()
    assert where.ranked[0].first.id == ranked_first.id
    led = list(reversed(where.by_tier[nova.member.tier]))
    monkeypatch.setattr(allocation, "leaders", lambda *_: iter(led))
    scene = Scene(nova.member, Past())
    (first, *_) = Candidates(scene, None, lambda _: None).proposals()
    assert first.choice.base is not None
    assert first.choice.base.id == led[0].first.id != ranked_first.id
    assert {one.base.id for one in suggested(nova)} == {led[0].first.id}


def test_workers_of_one_agent_do_not_try_the_same(nova: Swarm) -> None:
    one, other = (Swarm.open(workspace_of(nova.member, name).root) for name in ("gpu-0", "gpu-1"))
    assert suggested(one) == suggested(one)
    assert suggested(one) != suggested(other)


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
    (first_run, _), *_ = nova.results().results
    assert first_run.metric is not None
    plan = plan_of(nova, suggested(nova, 1)[0])
    new: dict[str, object] = {"id": "nova/fresh-1", "fingerprint": plan.experiment.fingerprint}
    new["files"] = {**first_run.files, PROGRAM_PATH: sha256(plan.program.encode())}
    better = {"metric": first_run.metric - 5 * member.task.sigma, "base": first_run.id}
    fresh, text = first_run.model_copy(update=new | better), plan.program
    scene = Scene(member, Past(fresh, text))
    first = next(suggestions(member, scene.where, [], scene.base, scene.base_draft))
    assert first.base.text == text


def test_a_program_that_is_not_python_has_no_constants(nova: Swarm) -> None:
    task = nova.member.task.model_copy(update={"program": "train.sh", "editable": ["train.sh"]})

    class Other:
        pass

    other = Other()
    other.task = task  # type: ignore[attr-defined]
    assert "not Python" in (why_none(other) or "")  # type: ignore[arg-type]
