"""When an experiment may begin on a machine of somebody: the clock is a number, nothing sleeps."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from gitcollab.swarm.engine.guest.guest import BUSY_SECONDS, LAST_BACK_OFF, Guest, back_off
from gitcollab.swarm.engine.guest.pausing import pause, resume
from gitcollab.swarm.engine.terms import Terms
from gitcollab.swarm.reports import RunProgress
from gitcollab.swarm.swarm import Swarm

Agent = Callable[[str], Swarm]


class Machine:
    """Somebody's machine: its time passes when the guest sleeps, and ``then`` may happen."""

    def __init__(self, swarm: Swarm) -> None:
        self.member = swarm.member
        self.now = 1000.0
        self.slept: list[float] = []
        self.said: list[str] = []
        self.busy: list[str | None] = []
        self.then: Callable[[], object] = lambda: None

    def guest(self, **terms: object) -> Guest:
        return Guest(
            self.member,
            Terms(**terms),  # type: ignore[arg-type]
            self._hear,
            clock=lambda: self.now,
            running=lambda: self.now,
            sleep=self._sleep,
            busy=lambda: self.busy.pop(0) if self.busy else None,
        )

    def _hear(self, progress: RunProgress) -> None:
        assert progress.phase == "wait"
        self.said.append(progress.description)

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        assert len(self.slept) < 5000
        self.now += seconds
        self.then()


@pytest.fixture
def machine(agent: Agent) -> Machine:
    return Machine(agent("nova"))


def test_freely_nothing_is_waited_for(machine: Machine) -> None:
    guest = machine.guest()
    assert (guest.wait(), guest.wait(1), guest.why_stop()) == (None, None, None)
    assert guest.is_free()
    assert (machine.slept, machine.said) == ([], [])


def test_a_pause_is_waited_for_until_somebody_ends_it(machine: Machine) -> None:
    guest, workspace = machine.guest(), machine.member.workspace
    pause(workspace, machine.member.clock(), None, now=False)
    assert not guest.is_free()
    machine.then = lambda: resume(workspace) if len(machine.slept) == 3 else None
    assert guest.wait() is None
    assert len(machine.slept) == 3
    assert set(machine.said) == {"paused; gitcollab resume goes on"}


def test_a_pause_for_a_time_ends_by_itself(machine: Machine) -> None:
    member = machine.member
    now = member.clock()
    member.clock = lambda: now + timedelta(seconds=machine.now - 1000)
    pause(member.workspace, now, now + timedelta(hours=2), now=False)
    assert machine.guest().wait() is None
    assert 7200 <= sum(machine.slept) < 7210
    assert all(said.startswith("paused until ") for said in machine.said)


def test_a_busy_machine_is_waited_for_only_where_that_was_asked(machine: Machine) -> None:
    machine.busy = ["the CPUs do something else", "a GPU computes something else"]
    assert machine.guest().wait() is None
    assert machine.slept == []
    idle = machine.guest(when_idle=True)
    assert not idle.is_free()
    assert idle.wait() is None
    assert machine.slept == [BUSY_SECONDS] * 2
    assert [said.partition(";")[0] for said in machine.said] == [
        "the CPUs do something else",
        "a GPU computes something else",
    ]


@pytest.mark.parametrize(
    ("failures", "minutes"), [(0, 0), (1, 0), (2, 1), (3, 2), (4, 4), (7, 32), (8, 60), (9999, 60)]
)
def test_failures_in_a_row_back_off(machine: Machine, failures: int, minutes: float) -> None:
    assert back_off(failures) == 60 * minutes <= LAST_BACK_OFF
    guest = machine.guest()
    assert guest.wait(failures) is None
    assert sum(machine.slept) == pytest.approx(60 * minutes)
    if minutes:
        assert machine.said[0].startswith(f"{failures} experiments in a row failed; the next ")
        assert not guest.is_free(failures)


def test_after_the_hours_nothing_begins(machine: Machine) -> None:
    guest = machine.guest(hours=2)
    assert guest.wait() is None
    machine.now += 7201
    assert guest.why_stop() == "the time for which this machine is lent is over"
    assert guest.wait() == guest.sleep(60) == guest.why_stop()
    assert not guest.is_free()


def test_nothing_begins_that_would_end_much_later(machine: Machine) -> None:
    guest = machine.guest(hours=1)
    assert guest.wait() is None
    machine.now += 1500  # the first experiment
    assert guest.wait() is None
    machine.now += 1500
    assert guest.wait() == (
        "10m of the time for which this machine is lent are left, and an experiment takes about 25m"
    )


def test_waiting_is_no_part_of_an_experiment(machine: Machine) -> None:
    guest = machine.guest(hours=1)
    assert guest.wait() is None
    machine.now += 60
    assert guest.sleep(3000) is None
    assert guest.why_stop() is None


def test_the_budget_says_how_long_the_first_takes(machine: Machine) -> None:
    assert machine.member.task.budget.seconds == 5
    assert machine.guest(hours=4.4 / 3600).wait() is not None
    assert machine.guest(hours=5 / 3600).wait() is None


def test_a_wait_ends_with_the_hours(machine: Machine) -> None:
    pause(machine.member.workspace, machine.member.clock(), None, now=False)
    assert machine.guest(hours=0.5).wait() is not None
    assert sum(machine.slept) == pytest.approx(1800, abs=10)


def test_an_interrupt_while_it_waits_says_that_nothing_is_lost(machine: Machine) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    machine.then = interrupt
    with pytest.raises(KeyboardInterrupt) as caught:
        machine.guest().sleep(5)
    assert caught.value.__notes__ == ["nothing was running, so nothing is lost"]


def test_one_that_took_long_is_forgotten(machine: Machine) -> None:
    guest = machine.guest(hours=24)
    for seconds in (9 * 3600, 60, 60):
        assert guest.wait() is None
        machine.now += seconds
    assert guest.wait() is None
    machine.now += 14 * 3600
    guest.interrupted()  # and what tells nothing of its own is not counted
    assert guest.wait() is None


def test_what_the_machine_slept_is_no_part_of_an_experiment(machine: Machine) -> None:
    guest, running = machine.guest(hours=24), [0.0]
    guest._running = lambda: running[0]
    assert guest.wait() is None
    machine.now += 13 * 3600
    running[0] += 60
    assert guest.wait() is None
