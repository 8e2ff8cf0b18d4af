"""What must not end a machine that is lent without end, and what it leaves where it is killed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gitcollab.errors import GitcollabError, RefusedError
from gitcollab.store.store import Store
from gitcollab.swarm.claiming import renew_one
from gitcollab.swarm.competing import Picked, Wanted, claim_first
from gitcollab.swarm.engine import candidates, choosing, picking, rounds
from gitcollab.swarm.engine.edits import Edits
from gitcollab.swarm.engine.guest.guest import Guest
from gitcollab.swarm.engine.picking import Picker
from gitcollab.swarm.engine.proposer.proposing import Suggestion
from gitcollab.swarm.outcomes import Duplicate, Granted, Refused, RunReport
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

        def wait(_: Guest, failures: int = 0, *__: object, **___: object) -> str | None:
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


@pytest.mark.parametrize("at", ["fetch", "edits", "choose"])
def test_trouble_at_the_very_beginning_is_waited_for(
    agent: Agent, nights: Callable[..., list[int]], monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    nova = agent("nova")
    reports: list[RunReport] = []
    waits = nights(lambda: len(reports) == 1)
    where, name = {
        "fetch": (Store, "refresh"),
        "edits": (Edits, "take"),
        "choose": (Picker, "candidates"),
    }[at]
    real, faults = getattr(where, name), iter([True])

    def once(*given: Any, **named: Any) -> Any:
        if next(faults, False):
            raise OSError(28, "No space left on device")
        return real(*given, **named)

    monkeypatch.setattr(where, name, once)
    done = nova.run_many(on_report=reports.append)
    assert (done.stopped, done.counts) == ("it is morning", {"published": 1})
    assert next(faults, False) is False
    assert (2 in waits) is (at != "fetch")


def test_what_somebody_has_to_put_right_is_said_at_the_beginning(
    agent: Agent, nights: Callable[..., list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    nights(lambda: False)

    def no_sandbox(*_: object) -> Any:
        raise RefusedError("there is no sandbox", "install one")

    monkeypatch.setattr(Picker, "candidates", no_sandbox)
    with pytest.raises(RefusedError):
        agent("nova").run_many()


def test_what_was_refused_is_asked_for_again_after_a_while(
    agent: Agent, nights: Callable[..., list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    nova = agent("nova")
    done = nova.run().result
    reports: list[RunReport] = []
    real, watched = picking.claim_first, []
    nights(lambda: len(reports) == 1)
    sleep = Guest.sleep

    def slept(self: Guest, seconds: float) -> str | None:
        watched.append(seconds)
        return "nothing is asked for" if len(watched) > 3 else sleep(self, seconds)

    def claim_one(member: Any, wanted: Any, *more: Any) -> Any:
        if watched:
            return real(member, wanted, *more)
        return [], Picked(wanted[0], Duplicate(wanted[0].key, done, "of late"))

    monkeypatch.setattr(Guest, "sleep", slept)
    monkeypatch.setattr(picking, "claim_first", claim_one)
    assert nova.run_many(on_report=reports.append).counts == {"published": 1}


def test_a_refused_result_does_not_count_in_what_is_chosen_next(
    agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing was claimed with it, since the machine is not free at once."""
    nova = agent("nova")
    nova.run()
    built_on: list[object] = []
    pick = Picker.pick

    def noted(self: Picker, *given: Any) -> Any:
        built_on.append(self.past.result)
        return pick(self, *given)

    monkeypatch.setattr(rounds, "outcome_of", lambda *_: Refused("key", "no results today"))
    monkeypatch.setattr(Guest, "is_free", lambda *_: False)
    monkeypatch.setattr(Picker, "pick", noted)
    nova.run_many(2)
    assert built_on == [None, None]


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


def test_what_a_killed_one_had_claimed_stays_once_it_is_claimed_by_hand(
    agent: Agent, toy_hub: Path
) -> None:
    nova = agent("nova")
    nova.run()
    left = take(nova, "0.7").claim
    assert nova.claim("RATE=0.7") == Granted(left)
    assert isinstance(nova.claim("RATE=0.8"), Granted)  # of one alone, the run would be that
    mine = on_hub(toy_hub, "claims")
    nova.run_many(1)
    assert on_hub(toy_hub, "claims") == mine
    assert left in nova.member.workspace.claims()
    assert nova.member.workspace.chosen() == []


def test_a_renewed_claim_of_rounds_is_theirs_still(agent: Agent) -> None:
    nova = agent("nova")
    renewed, _ = renew_one(nova.member, take(nova, "0.7").claim)
    assert nova.member.workspace.chosen() == [renewed]


def test_without_the_hub_what_is_held_goes_before_what_is_not(agent: Agent, toy_hub: Path) -> None:
    nova = agent("nova")
    held = take(nova, "0.7")
    toy_hub.rename(toy_hub.with_name("away.git"))
    plans = [
        propose(toy.PROGRAM, Base(None, toy.PROGRAM), lambda _: [], set_values={"RATE": rate})
        for rate in ("0.8", "0.7")
    ]
    wanted = [Wanted(one.experiment, one.seed) for one in plans]
    assert claim_first(nova.member, wanted)[1] == Picked(wanted[1], held)


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
