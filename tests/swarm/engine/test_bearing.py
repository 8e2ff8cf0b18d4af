"""What must not end a machine that is lent without end, and what it leaves where it is killed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gitcollab.errors import GitcollabError
from gitcollab.swarm.claiming import Wanted, claim_first
from gitcollab.swarm.engine import candidates, choosing, rounds
from gitcollab.swarm.engine.guest.guest import Guest
from gitcollab.swarm.engine.picking import Picker
from gitcollab.swarm.engine.proposer.proposing import Suggestion
from gitcollab.swarm.outcomes import Granted, RunReport
from gitcollab.swarm.proposal import propose
from gitcollab.swarm.swarm import Swarm
from gitcollab.swarm.workspace import Base
from tests import toy
from tests.swarm.engine.test_rounds import on_hub

Agent = Callable[[str], Swarm]


@pytest.fixture
def nights(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[int]]:
    """Let a guest be waited for without waiting, and let it end after so many experiments.

    Gives how many failures in a row there were at each wait.
    """

    def until(ended: Callable[[], bool]) -> list[int]:
        waits: list[int] = []

        def wait(_: Guest, failures: int = 0) -> str | None:
            waits.append(failures)
            return "it is morning" if ended() else None

        monkeypatch.setattr(Guest, "wait", wait)
        monkeypatch.setattr(Guest, "sleep", wait)
        return waits

    return until


def test_crashes_in_a_row_are_waited_for(
    tmp_path: Path, toy_task: Path, nights: Callable[..., list[int]]
) -> None:
    from gitcollab.swarm.joining import join
    from gitcollab.swarm.seeding import init_hub

    (toy_task.parent / "train.py").write_text("raise SystemExit(3)\n")
    hub = tmp_path / "broken.git"
    init_hub(str(hub), task_file=toy_task)
    join(tmp_path / "w", str(hub), agent="nova")
    reports: list[RunReport] = []
    waits = nights(lambda: len(reports) > rounds.MAX_FAILURES - 2)
    done = Swarm.open(tmp_path / "w").run_many(on_report=reports.append)
    assert (done.stopped, done.failing) == ("it is morning", False)
    assert waits[-5:] == [0, 1, 2, 3, 4]
    assert on_hub(hub, "claims") == []


def test_trouble_of_nobodys_making_is_waited_for(
    agent: Agent, nights: Callable[..., list[int]], monkeypatch: pytest.MonkeyPatch, toy_hub: Path
) -> None:
    """A full disk while a result is published, and while something is chosen: none is lost."""
    nova = agent("nova")
    reports: list[RunReport] = []
    waits = nights(lambda: len(reports) == 4)
    publish, choose = rounds.submit_with_named, Picker.candidates
    faults = iter([False, True, False, False, True, False])  # each time something is chosen
    full = iter([True, True, False])

    def published(*given: Any) -> Any:
        if next(full, False):
            raise GitcollabError("the disk is full", "make room")
        return publish(*given)

    def chosen(self: Picker, *given: Any) -> Any:
        if next(faults, False):
            raise OSError(28, "No space left on device")
        return choose(self, *given)

    monkeypatch.setattr(rounds, "submit_with_named", published)
    monkeypatch.setattr(Picker, "candidates", chosen)
    done = nova.run_many(on_report=reports.append)
    assert (done.stopped, done.counts) == ("it is morning", {"published": 4})
    assert len(on_hub(toy_hub, "results")) == 4
    assert 3 in waits  # it waited longer the second time
    assert on_hub(toy_hub, "claims") == []


def test_a_number_of_rounds_ends_with_trouble(
    agent: Agent, monkeypatch: pytest.MonkeyPatch, toy_hub: Path
) -> None:
    nova = agent("nova")

    def full(*_: object) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Picker, "candidates", full)
    with pytest.raises(OSError, match="No space left"):
        nova.run_many(3)
    assert on_hub(toy_hub, "claims") == []


def test_alone_an_agent_tries_what_nobody_else_thinks_of(
    agent: Agent, toy_hub: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nova, atlas = agent("nova"), agent("atlas")
    atlas.run()
    _ = nova.member.store.snapshot()
    monkeypatch.setattr(
        candidates,
        "suggestions",
        lambda member, where, *_: iter(
            [Suggestion(Base(None, toy.PROGRAM), {"RATE": "0.2"}, "it may help")]
        ),
    )
    toy_hub.rename(toy_hub.with_name("away.git"))
    reports: list[RunReport] = []
    nova.run_many(2, on_report=reports.append)
    assert [r.outcome for r in reports] == ["queued"] * 2
    assert (reports[0].kind, reports[0].result.delta) == ("proposal", {"RATE": 0.2})
    assert reports[0].kept is None  # it ran beside the working program


# -- what was claimed ------------------------------------------------------------------------------


def take(swarm: Swarm, rate: str) -> Granted:
    """Claim as rounds do that are killed before they run it."""
    plan = propose(toy.PROGRAM, Base(None, toy.PROGRAM), lambda _: [], set_values={"RATE": rate})
    picked = claim_first(swarm.member, [Wanted(plan.experiment, plan.seed)])[1]
    assert isinstance(picked.answer, Granted)
    return picked.answer


def test_what_a_killed_one_had_claimed_is_given_back(agent: Agent, toy_hub: Path) -> None:
    nova = agent("nova")
    take(nova, "0.7")
    assert len(on_hub(toy_hub, "claims")) == 1
    seen: list[list[str]] = []
    nova.run_many(1, progress=lambda now: seen.append(on_hub(toy_hub, "claims")))
    assert len(seen[-1]) == 1  # that of what is run alone
    assert on_hub(toy_hub, "claims") == []
    assert nova.member.workspace.claims() == []


def test_what_a_killed_one_had_claimed_is_gone_on_with(agent: Agent, toy_hub: Path) -> None:
    nova = agent("nova")
    (first,) = choosing.outlook(nova.member, count=1).choices
    picked = claim_first(nova.member, [Wanted(first.plan.experiment, first.plan.seed)])[1]
    assert isinstance(picked.answer, Granted)
    done = nova.run_many(1)
    assert done.last.result.claim == picked.answer.claim.nonce
    assert on_hub(toy_hub, "claims") == []


def test_claims_made_by_hand_stay(agent: Agent, toy_hub: Path) -> None:
    nova = agent("nova")
    nova.run()
    for words in ("RATE=0.7", "RATE=0.8", "count the steps twice"):
        assert isinstance(nova.claim(words), Granted)
    mine = on_hub(toy_hub, "claims")
    nova.run_many(3)
    assert on_hub(toy_hub, "claims") == mine
    assert len(nova.status().mine) == 3


def test_what_was_not_granted_is_forgotten(agent: Agent, toy_hub: Path) -> None:
    nova, atlas = agent("nova"), agent("atlas")
    take(atlas, "0.7")
    plans = [
        propose(toy.PROGRAM, Base(None, toy.PROGRAM), lambda _: [], set_values={"RATE": rate})
        for rate in ("0.7", "0.8", "0.9")
    ]
    wanted = [Wanted(one.experiment, one.seed) for one in plans]
    _, picked = claim_first(nova.member, wanted)
    assert (picked.wanted, type(picked.answer)) == (wanted[1], Granted)
    (kept,) = nova.member.workspace.chosen()
    assert kept.id == wanted[1].key
    assert len(on_hub(toy_hub, "claims")) == 2
