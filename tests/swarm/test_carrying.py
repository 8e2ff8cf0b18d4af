"""A bare run carries out what its workspace has claimed, or says what is left."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gitcollab.swarm.outcomes import Granted
from gitcollab.swarm.swarm import Swarm
from gitcollab.swarm.workspace import Base
from tests import toy
from tests.swarm.ideas.planting import told

Agent = Callable[[str], Swarm]


@pytest.fixture
def nova(agent: Agent) -> Swarm:
    made = agent("nova")
    made.run()
    return made


def test_a_claimed_change_is_made_and_run(nova: Swarm) -> None:
    match nova.claim("RATE 0.1 → 0.12"):
        case Granted(claim):
            report = nova.run()
    assert report.result is not None
    assert (report.verdict, report.result.metric) == ("better", pytest.approx(1.0324))
    assert (report.result.claim, report.notes) == (claim.nonce, ())
    assert "RATE = 0.12" in (nova.workspace / "train.py").read_text()
    assert nova.member.workspace.claims() == []
    assert nova.run().result.replicates  # type: ignore[union-attr]


def test_what_was_claimed_of_another_base_is_made_of_this_one(nova: Swarm) -> None:
    nova.claim("double the width")
    assert nova.run(set_values={"RATE": "0.3"}).kept
    ran = nova.run(cites=[]).result
    assert ran is not None
    assert (ran.description, ran.delta) == ("WIDTH 8 → 16", {"WIDTH": 16})
    assert nova.member.workspace.claims() == []


def test_what_is_edited_is_run_and_not_what_was_claimed(nova: Swarm) -> None:
    nova.claim("WIDTH 8 → 16")
    (nova.workspace / "train.py").write_text(toy.PROGRAM.replace("RATE = 0.1", "RATE = 0.2"))
    assert nova.run().result.delta == {"RATE": 0.2}  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        (["rotary embeddings"], "the claim of 'rotary embeddings': edit train.py and run, or give"),
        (["WIDTH 8 → 16", "WIDTH 8 → 24"], "'WIDTH 8 → 16', 'WIDTH 8 → 24': edit"),
    ],
)
def test_what_is_left_is_said(nova: Swarm, claims: list[str], said: str) -> None:
    for what in claims:
        assert isinstance(nova.claim(what), Granted)
    again = nova.run()
    assert again.result is not None
    assert again.result.replicates
    assert any(said in note for note in again.notes)
    assert len(nova.member.workspace.claims()) == len(claims)


def test_what_was_claimed_for_a_hypothesis_is_run_and_not_what_that_says(nova: Swarm) -> None:
    idea = told(nova.propose("raise the rate", "it is low", set_values={"RATE": "0.3"}))
    assert isinstance(nova.claim("RATE 0.1 → 0.12", hypothesis=idea.id), Granted)
    ran = nova.run()
    assert ran.result is not None
    assert (ran.result.delta, ran.result.hypothesis) == ({"RATE": 0.12}, idea.id)
    assert any("another change than" in note for note in ran.notes)
    assert nova.member.workspace.claims() == []


def test_what_was_claimed_for_one_in_words_is_run_where_that_is_named(nova: Swarm) -> None:
    idea = told(nova.propose("a wider model", "others do"))
    nova.claim("rotary embeddings")
    nova.claim("RATE 0.1 → 0.2")
    nova.claim("WIDTH 8 → 24", hypothesis=idea.id)
    ran = nova.run(hypothesis=idea.id)
    assert ran.result is not None
    assert (ran.result.delta, ran.result.hypothesis) == ({"WIDTH": 24}, idea.id)


def test_what_was_claimed_anyway_is_run_anyway(nova: Swarm) -> None:
    idea = told(nova.propose("raise the rate", "it is low", set_values={"RATE": "0.12"}))
    assert nova.run(set_values={"RATE": "0.12"}).outcome == "published"
    nova.member.workspace.start_from(nova.task, Base(None, toy.PROGRAM))
    for call in (
        lambda: nova.claim("RATE 0.1 → 0.12", anyway=True),
        lambda: nova.claim(hypothesis=idea.id, anyway=True),
    ):
        assert isinstance(call(), Granted)
        ran = nova.run()
        assert ran.outcome == "published", ran
        assert ran.result is not None
        assert ran.result.delta == {"RATE": 0.12}
        assert nova.member.workspace.claims() == []
        nova.member.workspace.start_from(nova.task, Base(None, toy.PROGRAM))


def test_what_is_left_beside_what_is_run_is_said(nova: Swarm) -> None:
    nova.claim("rotary embeddings")
    nova.claim("WIDTH 8 → 80")
    ran = nova.run()
    assert ran.result is not None
    assert ran.result.delta == {"WIDTH": 80}
    (note,) = [note for note in ran.notes if "you still hold" in note]
    assert "the claim of 'rotary embeddings': edit train.py and run, or give it back" in note
