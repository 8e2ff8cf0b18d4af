"""Lending a machine without end: nobody runs one thing again and again; it waits for others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from gitcollab.swarm.engine import rounds
from gitcollab.swarm.engine.guest.guest import Guest
from gitcollab.swarm.engine.policy import MOST_OWN
from gitcollab.swarm.outcomes import RunReport
from gitcollab.swarm.reports import RunProgress
from gitcollab.swarm.swarm import Swarm

Agent = Callable[[str], Swarm]


def test_without_end_it_waits_for_others(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    nova, atlas = agent("nova"), agent("atlas")
    reports: list[RunReport] = []
    told: list[RunProgress] = []
    waits: list[float] = []

    def pause(_: Guest, seconds: float) -> str | None:
        waits.append(seconds)
        if len(waits) == 1:
            assert len(reports) == MOST_OWN
            atlas.run(set_values={"RATE": "0.3"})
            return None
        return "it is morning"

    monkeypatch.setattr(Guest, "sleep", pause)
    done = nova.run_many(on_report=reports.append, progress=told.append)
    assert (done.stopped, waits) == ("it is morning", [rounds.LOOK_EVERY] * 2)
    runs = Counter(report.result.fingerprint for report in reports)
    assert sorted(runs.values()) == [MOST_OWN, MOST_OWN]
    waiting = [one.description for one in told if one.phase == "wait"]
    assert waiting[0] == (
        f"nothing to run that this agent has not run {MOST_OWN} times; the hub is watched"
    )
    assert nova.status().mine == []


def test_an_edit_that_stands_ends_the_wait(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    nova = agent("nova")
    program = nova.workspace / "train.py"
    reports: list[RunReport] = []
    waits: list[int] = []

    def edit(_: Guest, seconds: float) -> str | None:
        waits.append(len(reports))
        if len(waits) == 1:
            program.write_text(program.read_text().replace("WIDTH = 8", "WIDTH = 9"))
        return "it is morning" if len(waits) == 4 else None

    monkeypatch.setattr(Guest, "sleep", edit)
    nova.run_many(on_report=reports.append)
    # seen after the first wait, run after the second: it stood unchanged between the two
    assert waits[:3] == [MOST_OWN, MOST_OWN, MOST_OWN + 1]
    assert (reports[MOST_OWN].kind, reports[MOST_OWN].result.delta) == ("edit", {"WIDTH": 9})


def test_a_number_that_was_asked_for_is_filled(agent: Agent) -> None:
    assert agent("nova").run_many(MOST_OWN + 2).rounds == MOST_OWN + 2


def test_a_claim_of_a_constant_that_is_not_there(agent: Agent) -> None:
    nova = agent("nova")
    note = "the program has no constant LR: its constants are NOISE, RATE, WIDTH"
    assert nova.claim("LR=3").notes == (note,)
    assert nova.claim("RATE=0.2").notes == ()
    assert nova.claim("a gate=3 in the MLP").notes == ()
