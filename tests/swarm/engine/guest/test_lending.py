"""Rounds that outlive what ends an experiment which is not to blame, and what they came to."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gitcollab.errors import GitcollabError, UsageError
from gitcollab.runner import process
from gitcollab.swarm import measuring, running
from gitcollab.swarm.engine import rounds
from gitcollab.swarm.engine.guest import guest, lending
from gitcollab.swarm.engine.guest.presence import Lease, lent, noting, presence
from gitcollab.swarm.engine.guest.summary import Ended
from gitcollab.swarm.engine.guest.turn import Turn
from gitcollab.swarm.engine.tally import Count, Tally
from gitcollab.swarm.engine.terms import Terms
from gitcollab.swarm.interrupted import Interrupted
from gitcollab.swarm.outcomes import RunReport
from gitcollab.swarm.reports import RunProgress
from gitcollab.swarm.swarm import Swarm
from gitcollab.swarm.workspace import Workspace

Agent = Callable[[str], Swarm]


@pytest.fixture
def nova(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> Swarm:
    monkeypatch.setattr(process, "TICK_SECONDS", 0.05)
    monkeypatch.setattr(guest, "LOOK_SECONDS", 0.01)
    return agent("nova")


def endless(swarm: Swarm) -> None:
    """The working program runs until somebody ends it, or the file ``stop`` is beside it."""
    program = swarm.workspace / "train.py"
    waits = "import os, time\nwhile not os.path.exists({!r}): time.sleep(0.01)\n"
    program.write_text(waits.format(str(swarm.workspace / "stop")) + program.read_text())


def test_a_pause_at_once_ends_the_run_and_it_is_begun_anew(nova: Swarm) -> None:
    endless(nova)
    seen: list[str] = []
    held: list[int] = []

    def progress(now: RunProgress) -> None:
        if now.phase != (seen[-1] if seen else ""):
            seen.append(now.phase)
        if now.phase == "run" and "wait" not in seen:
            nova.pause(now=True)
        elif now.phase == "wait":
            assert not nova.presence().running
            held.append(len(nova.status().claims))
            (nova.workspace / "stop").touch()
            nova.resume()

    reports: list[RunReport] = []
    done = nova.run_many(1, "wait", progress=progress, on_report=reports.append, sandbox="off")
    assert seen.count("note") == 1
    assert "wait" in seen
    assert held == [0]
    assert [one.outcome for one in reports] == ["published"]
    assert (done.rounds, nova.status().results) == (1, 1)


def test_a_pause_at_once_ends_what_was_run_by_hand(nova: Swarm) -> None:
    endless(nova)
    before = (nova.workspace / "train.py").read_text()

    def progress(now: RunProgress) -> None:
        if now.phase == "run":
            nova.pause(now=True)

    with pytest.raises(GitcollabError, match=r"paused: .*the claim was given back"):
        nova.run("wait", progress=progress, sandbox="off")
    assert (nova.workspace / "train.py").read_text() == before
    assert (nova.status().claims, nova.status().results) == ([], 0)
    (nova.workspace / "stop").touch()
    assert (
        nova.run("wait", sandbox="off").outcome == "published"
    )  # while others are paused it is meant


def stand_still(monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """Let all have stood still for a minute during so many runs."""
    real, still = process.run, [60.0] * times

    def run(*args: object, **how: object) -> process.Finished:
        done = real(*args, **how)  # type: ignore[arg-type]
        found = still.pop() if still else 0.0
        return process.Finished(done.exit_code, done.timed_out, done.seconds, stood_still=found)

    monkeypatch.setattr(measuring.process, "run", run)


def test_what_stood_still_is_not_published_and_begun_anew(
    nova: Swarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes: list[str] = []
    stand_still(monkeypatch, 1)

    def progress(now: RunProgress) -> None:
        notes.extend([now.description] if now.phase == "note" else [])

    reports: list[Any] = []
    hear = {"progress": progress, "on_report": lambda one: reports.append(one.result)}
    nova.run_many(2, set_values={"RATE": "0.2"}, **hear)  # type: ignore[arg-type]
    assert len(notes) == 1
    assert notes[0].startswith("everything stood still for 60 s during the run")
    assert [one.metric for one in reports] == [1.01] * 2  # what was asked for was done
    assert nova.status().results == 2


def test_a_budget_in_steps_does_not_mind(nova: Swarm, monkeypatch: pytest.MonkeyPatch) -> None:
    real = process.run

    def run(*args: object, **how: object) -> process.Finished:
        done = real(*args, **how)  # type: ignore[arg-type]
        return process.Finished(done.exit_code, done.timed_out, done.seconds, stood_still=60.0)

    monkeypatch.setattr(measuring.process, "run", run)
    budget = nova.task.budget.model_copy(update={"seconds": None, "steps": 5})
    counted = nova.task.model_copy(update={"budget": budget})
    how = {
        "hidden": [],
        "started_at": nova.member.clock(),
        "description": "x",
        "progress": lambda _: None,
        "tick": lambda: None,
    }
    program = (nova.workspace / "train.py").read_text()

    def measured(task: object, name: str) -> measuring.Measurement:
        folder = nova.workspace / name
        folder.mkdir()
        return measuring.measure(task, folder, program, 1, **how)  # type: ignore[arg-type]

    assert measured(counted, "a").status == "ok"
    with pytest.raises(Interrupted):
        measured(nova.task, "b")


def test_programs_step_back_as_far_as_the_terms_say(
    nova: Swarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    real = running.measure

    def measure(*args: object, **how: object) -> object:
        asked.append(how["nice"])
        return real(*args, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(running, "measure", measure)
    nova.run_many(1, terms=Terms(nice=7))
    nova.run(set_values={"RATE": "0.2"}, nice=3)
    nova.run(set_values={"RATE": "0.25"})
    assert asked == [7, 3, 0]


def test_where_there_is_no_time_nothing_is_begun(nova: Swarm) -> None:
    with pytest.raises(GitcollabError, match=r"no experiment was begun: .* takes about 5s"):
        nova.run_many(terms=Terms(hours=0.0001))
    assert nova.status().results == 0


def test_experiments_are_counted_by_what_made_them(tmp_path: Path) -> None:
    tally = Tally()
    tally.note(RunReport("published", verdict="better", kind="proposal"))
    tally.note(RunReport("queued", kind="proposal"))
    tally.note(RunReport("failed"))
    assert tally.kinds == {"proposal": Count(2, 1, queued=1), "asked": Count(1, unpublished=1)}
    Ended(tally, whole=True).write(tmp_path / "left")
    assert Ended.read(tmp_path / "left") == Ended(tally, whole=True)
    twice = Tally()
    twice.add(tally)
    twice.add(tally)
    assert twice.ends == {"published": 2, "queued": 2, "failed": 2}
    assert twice.total == Count(6, 2, queued=2, unpublished=2)
    for broken in ("", "[]", '{"kinds": {"x": {"y": 1}}}'):
        (tmp_path / "left").write_text(broken)
        assert Ended.read(tmp_path / "left") == Ended(Tally())


def test_the_footing_is_what_the_agent_is_credited_with(nova: Swarm, agent: Agent) -> None:
    assert nova.footing().best is None
    nova.run()
    nova.run(set_values={"RATE": "0.3"})
    found = nova.footing()
    assert (found.kept, found.confirmed, found.replications, found.best) == (1, 0, 0, 1.0)
    vega = agent("vega")
    vega.run_many(1)
    assert vega.footing().replications == 1


def test_a_machine_is_lent_to_one_at_a_time(nova: Swarm) -> None:
    workspace, now = nova.member.workspace, nova.member.clock()
    lease = Lease(1, now, None, when_idle=True, gpus=(0, 1))
    with lent(workspace, lease):
        seen = presence(workspace, now).lease
        assert seen is not None
        assert (seen.when_idle, seen.gpus) == (True, (0, 1))
        with pytest.raises(GitcollabError, match="already"), lent(workspace, lease):
            pass
    assert presence(workspace, now).lease is None


def test_a_pause_while_the_mind_learns_begins_nothing_that_was_not_asked_for(
    nova: Swarm, tmp_path: Path
) -> None:
    script = tmp_path / "mind.py"
    script.write_text(
        "import os, time\n"
        "if os.environ['GITCOLLAB_PHASE'] == 'learn': time.sleep(60)\n"
        "program = open('train.py').read()\n"
        "open('train.py', 'w').write(program.replace('RATE = 0.1', 'RATE = 0.2'))\n"
    )
    learned: list[str] = []

    def progress(now: RunProgress) -> None:
        if now.phase == "think" and now.description == "what was learned":
            learned.append(now.description)
            nova.pause(now=True)

    reports: list[RunReport] = []
    think = shlex.join([sys.executable, str(script)])
    how = {"progress": progress, "on_report": reports.append, "terms": Terms(think=think)}
    done = nova.run_many(1, sandbox="off", **how)  # type: ignore[arg-type]
    assert (done.rounds, done.stopped, len(reports), len(learned)) == (1, "", 1, 1)


@pytest.mark.parametrize("count", [0, -1])
def test_a_number_below_one_is_refused(nova: Swarm, count: int) -> None:
    with pytest.raises(UsageError):
        nova.run_many(count)


def test_the_hours_are_from_the_beginning_on(nova: Swarm, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    guests: list[guest.Guest] = []

    def lent_guest(*args: Any) -> guest.Guest:
        how: dict[str, Any] = {"clock": lambda: now[0], "running": lambda: now[0]}
        guests.append(guest.Guest(*args, **how, sleep=lambda _: now.__setitem__(0, 5 * 3600.0)))
        return guests[-1]

    monkeypatch.setattr(lending, "Guest", lent_guest)
    monkeypatch.setattr(rounds, "Guest", lent_guest)
    nova.pause()

    def progress(seen: RunProgress) -> None:
        if seen.phase == "wait":
            nova.resume()
        elif seen.phase == "run":
            now[0] = 9 * 3600.0

    done = nova.run_many(terms=Terms(hours=8), progress=progress)
    assert (done.rounds, len(guests)) == (1, 1)
    assert done.stopped == "the time for which this machine is lent is over"


def test_what_is_run_by_hand_while_the_loop_waits_is_not_held_up(
    nova: Swarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the loop waits for it, and keeps off its claim."""
    by_hand: list[RunReport] = []
    other = Swarm.open(nova.workspace)
    nova.pause()

    def progress(seen: RunProgress) -> None:
        if seen.phase == "wait" and not by_hand:
            assert not nova.presence().running
            by_hand.append(other.run(set_values={"RATE": "0.3"}, sandbox="off"))
            nova.resume()
        elif seen.phase == "run":
            assert nova.presence().running

    done = nova.run_many(1, progress=progress, sandbox="off")
    assert [one.outcome for one in by_hand] == ["published"]
    assert (done.rounds, nova.status().results) == (1, 2)
    assert not nova.presence().running


def test_who_comes_back_waits_for_what_is_run_by_hand(nova: Swarm) -> None:
    said: list[str] = []
    turn = Turn(Workspace(nova.workspace))
    nova.pause()

    def progress(seen: RunProgress) -> None:
        if seen.phase == "wait":
            said.append(seen.description)
            if seen.description.startswith("paused"):
                turn.take()
                nova.resume()
            else:
                turn.pass_on()

    assert nova.run_many(1, progress=progress, sandbox="off").rounds == 1
    assert said[1:] == ["an experiment is run by hand here"]


def test_a_machine_that_stalls_again_and_again_is_left_alone_longer_and_longer(
    nova: Swarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept = [0.0]
    monkeypatch.setattr(guest.time, "sleep", lambda _: None)

    def lent_guest(*args: Any) -> guest.Guest:
        how: dict[str, Any] = {"clock": lambda: slept[0]}
        return guest.Guest(*args, **how, sleep=lambda s: slept.__setitem__(0, slept[0] + s))

    monkeypatch.setattr(guest, "LOOK_SECONDS", 100.0)
    monkeypatch.setattr(lending, "Guest", lent_guest)
    waited: list[str] = []
    stand_still(monkeypatch, 4)

    def progress(seen: RunProgress) -> None:
        waited.extend([seen.description.partition(";")[0]] if seen.phase == "wait" else [])

    assert nova.run_many(1, progress=progress, sandbox="off").rounds == 1
    said = [f"{n} experiments in a row were interrupted" for n in (2, 3, 4)]
    assert list(dict.fromkeys(waited)) == said
    assert slept[0] == 60 + 120 + 240


def test_what_is_waited_for_is_known_to_others(tmp_path: Path) -> None:
    told: list[RunProgress] = []
    workspace = Workspace(tmp_path)
    workspace.folder.mkdir()
    now = datetime.now(UTC)
    note = noting(workspace, told.append)
    note(RunProgress("wait", "too early"))
    assert presence(workspace, now).waiting is None  # it is not lent
    with lent(workspace, Lease(1, now)):
        assert presence(workspace, now).waiting == "too early"
        note(RunProgress("note", "x"))
        assert presence(workspace, now).waiting == "too early"
        note(RunProgress("run", "LR"))
        assert presence(workspace, now).waiting is None
    assert [one.phase for one in told] == ["wait", "note", "run"]
