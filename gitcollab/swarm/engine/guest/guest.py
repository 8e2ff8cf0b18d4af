"""When an experiment may begin on a machine that belongs to somebody."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median

from gitcollab.errors import GitcollabError
from gitcollab.runner import idle
from gitcollab.runner.clock import awake, length
from gitcollab.swarm.engine.guest.pausing import paused
from gitcollab.swarm.engine.guest.turn import Turn
from gitcollab.swarm.engine.terms import Terms
from gitcollab.swarm.member import Member
from gitcollab.swarm.preparing import Progress
from gitcollab.swarm.reports import RunProgress

LOOK_SECONDS = 3.0  # between two looks at whether a pause is over
BUSY_SECONDS = 30.0  # between two looks at a machine that is busy
FIRST_BACK_OFF = 60.0  # seconds, from the second failure in a row on; it doubles
LAST_BACK_OFF = 3600.0
_RECENT = 5  # experiments, of which the median says how long one takes
_LATE = 0.1  # of an experiment's time: so late it may end, as far as is known before

Clock = Callable[[], float]
Sleep = Callable[[float], object]
Busy = Callable[[], str | None]


class Guest:
    """A guest on this machine, from now on, on these terms.

    With ``hours``, no experiment begins that would probably end later: the last few, or the task's
    budget, say how long one takes, what the machine slept apart. Where ``when_idle`` is asked for
    the machine is looked at before each; what has begun goes on when it becomes busy, and steps
    back by its priority.
    """

    def __init__(
        self,
        member: Member,
        terms: Terms,
        progress: Progress,
        *,
        clock: Clock = awake,
        running: Clock = time.monotonic,
        sleep: Sleep | None = None,
        busy: Busy = idle.busy,
    ) -> None:
        self._member = member
        self._terms = terms
        self._progress = progress
        self._clock = clock
        self._running = running
        self._sleep: Sleep = sleep or time.sleep
        self._busy = busy
        self._until = None if terms.hours is None else clock() + 3600 * terms.hours
        self._began: float | None = None  # the experiment under way
        self._took: deque[float] = deque(maxlen=_RECENT)  # those that have ended
        self._turn = Turn(member.workspace)
        self._is_at_work = False

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Within the block it is our turn to run experiments in the workspace.

        Apart from while ``wait`` waits: what somebody runs by hand then is waited for. Raises
        GitcollabError where it is another's turn now.
        """
        if self._is_at_work:
            yield
            return
        self._turn.take()
        self._is_at_work = True
        try:
            yield
        finally:
            self._is_at_work = False
            self._turn.pass_on()

    def why_stop(self) -> str | None:
        """Why no other experiment begins; None while one may."""
        if self._until is None:
            return None
        left, takes = self._until - self._clock(), self._takes()
        if left <= 0:
            return "the time for which this machine is lent is over"
        if takes * (1 - _LATE) > left:
            rest = f"{length(left)} of the time for which this machine is lent are left"
            return f"{rest}, and an experiment takes about {length(takes)}"
        return None

    def is_free(self, failures: int = 0) -> bool:
        """Whether ``wait`` would return None at once, as far as is known without looking long.

        What is claimed long before it can begin would be lost to others.
        """
        late = self.why_stop() is not None
        return not (late or self._terms.when_idle or back_off(failures) or self._pause())

    def interrupted(self) -> None:
        """The experiment under way was ended for nothing of its own: it tells no time."""
        self._began = None

    def wait(
        self,
        failures: int = 0,
        stalls: int = 0,
        *,
        hold: bool = False,
        before: Callable[[], object] | None = None,
    ) -> str | None:
        """Return once an experiment may begin: None; or why none will.

        Waits while the machine is paused, or busy where that counts, and longer the more
        ``failures`` or ``stalls`` there were in a row. ``hold``: it stays our turn meanwhile.
        ``before`` is called once where it waits at all, while it still is. ^C is raised.
        """
        how = "failed" if failures >= stalls else "were interrupted"
        in_a_row = max(failures, stalls)
        why = f"{in_a_row} experiments in a row {how}"
        return self._wait(back_off(in_a_row), why, hold=hold, before=before)

    def sleep(self, seconds: float) -> str | None:
        """As ``wait``, after so many seconds."""
        return self._wait(seconds, "")

    def _wait(
        self,
        seconds: float,
        why: str,
        *,
        hold: bool = False,
        before: Callable[[], object] | None = None,
    ) -> str | None:
        if self._began is not None:
            self._took.append(self._running() - self._began)
            self._began = None  # what comes now is no part of an experiment
        over = self._clock() + seconds
        while (stop := self.why_stop()) is None:
            reason, rest = self._obstacle(over, why)
            if rest <= 0 and not self._is_our_turn():
                reason, rest = "an experiment is run by hand here", LOOK_SECONDS
            if rest <= 0:
                self._began = self._running()
                return None
            if before is not None:
                before()
                before = None
            if not hold:
                self._turn.pass_on()
            if reason:
                self._progress(RunProgress("wait", reason))
            self._rest(rest)
        return stop

    def _is_our_turn(self) -> bool:
        if not self._is_at_work:
            return True
        try:
            self._turn.take()
        except GitcollabError:
            return False
        return True

    def _obstacle(self, over: float, why: str) -> tuple[str, float]:
        """What is in the way of an experiment, in words, and for how long to look away."""
        if said := self._pause():
            return said, LOOK_SECONDS
        if (left := over - self._clock()) > 0:
            said = f"{why}; the next begins in {length(round(left))}" if why else ""
            return said, min(left, LOOK_SECONDS)
        if self._terms.when_idle and (busy := self._busy()):
            return f"{busy}; it is looked at every {BUSY_SECONDS:g} s", BUSY_SECONDS
        return "", 0.0

    def _pause(self) -> str:
        """The pause, in words; "" where there is none."""
        found = paused(self._member.workspace, self._member.clock())
        if found is None:
            return ""
        if found.until is None:
            return "paused; gitcollab resume goes on"
        return f"paused until {found.until.astimezone():%Y-%m-%d %H:%M}; gitcollab resume ends it"

    def _rest(self, seconds: float) -> None:
        if self._until is not None:
            seconds = max(0.0, min(seconds, self._until - self._clock()))
        try:
            self._sleep(seconds)
        except KeyboardInterrupt as e:
            e.add_note("nothing was running, so nothing is lost")
            raise

    def _takes(self) -> float:
        """How long an experiment takes, as far as is known; 0 where it is not."""
        took = list(self._took)
        if self._began is not None:
            took.append(self._running() - self._began)
        return (median(took) if took else 0.0) or float(self._member.task.budget.seconds or 0.0)


def back_off(failures: int) -> float:
    """Seconds to wait after so many failures in a row: one may be an accident."""
    if failures < 2:
        return 0.0
    return float(min(LAST_BACK_OFF, FIRST_BACK_OFF * 2.0 ** min(failures - 2, 16)))
