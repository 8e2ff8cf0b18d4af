"""Time that passes while a machine sleeps, or a process is stopped."""

from __future__ import annotations

import time
from collections.abc import Callable

_TENTHS_BELOW = 9.95  # seconds
_UNITS = {86_400: "d", 3600: "h", 60: "m", 1: "s"}
STILL_SECONDS = 10.0  # between two looks: so long no machine is merely busy


def awake() -> float:
    """Seconds that pass while the machine sleeps, too; what they count from is no matter."""
    of_all = getattr(time, "CLOCK_BOOTTIME", None) or getattr(time, "CLOCK_MONOTONIC", None)
    return time.monotonic() if of_all is None else time.clock_gettime(of_all)


class Clock:
    """A stop watch from now on, which stands still with what uses it.

    Who uses it looks at it often: what passes between two looks and is longer than
    ``STILL_SECONDS`` is time in which nothing went on.
    """

    def __init__(self, running: Callable[[], float], always: Callable[[], float] = awake) -> None:
        self._running = running  # may stand still while the machine sleeps
        self._always = always
        self._started = running()
        self._seen = self._started, always()
        self.stood_still = 0.0  # seconds

    def elapsed(self) -> float:
        """Seconds since the start, as far as something went on."""
        return self._running() - self._started

    def look(self) -> None:
        """Say that something goes on."""
        ran, passed = (now - before for now, before in zip(self._now(), self._seen, strict=True))
        if max(ran, passed) > STILL_SECONDS:
            self._started += ran
            self.stood_still += max(ran, passed)
        self._seen = self._now()

    def skip(self) -> None:
        """Say that what took long since the last look was no standing still."""
        self._seen = self._now()

    def _now(self) -> tuple[float, float]:
        return self._running(), self._always()


def length(seconds: float) -> str:
    """A length of time in words, in its two largest units: 0.4s, 45s, 1h 30m, 2d 3h.

    Rounded to the nearest of the smaller unit; tenths of a second count below ten.
    """
    seconds = max(0.0, seconds)
    if seconds < _TENTHS_BELOW:
        return f"{seconds:.1f}".removesuffix(".0") + "s"
    for large, small in ((86_400, 3600), (3600, 60), (60, 1)):
        count, rest = divmod(round(seconds / small), large // small)
        if count:
            names = _UNITS[large], _UNITS[small]
            return f"{count}{names[0]} {rest}{names[1]}" if rest else f"{count}{names[0]}"
    return f"{round(seconds)}s"
