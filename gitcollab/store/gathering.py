"""Who shares pushes with whom: a host's agents are let catch up before their next push.

Agents that were just served ask again a moment later. Without a pause the first of them would push
alone while the others wait, and every push would carry half of them. Alone, nothing is delayed.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gitcollab.store.memory import Memory

_CROWD = 4  # a batch of fewer requests is no crowd
_FORGET_SECONDS = 5.0
_LOOK_SECONDS = 0.01
_LONGEST_SECONDS = 0.25


class Gathering:
    """Remembers in the file ``path`` how many requests the last push carried, and how long it took.

    ``count`` says how many requests wait.
    """

    def __init__(
        self, path: Path, count: Callable[[], int], sleep: Callable[[float], None]
    ) -> None:
        self.path = path
        self._memory = Memory(path, _FORGET_SECONDS)
        self._count = count
        self._sleep = sleep

    def wait(self) -> None:
        """Until as many wait as last time, for half the time that their push took at most."""
        size, seconds = self._last()
        left = min(seconds / 2, _LONGEST_SECONDS)
        while size >= _CROWD and left > 0 and self._count() < size:
            self._sleep(_LOOK_SECONDS)
            left -= _LOOK_SECONDS

    def expected(self) -> float:
        """Seconds that a push for a crowd takes, as far as is known; 0 where there is no crowd."""
        size, seconds = self._last()
        return min(seconds, 1.0) if size >= _CROWD else 0.0

    def note(self, size: int, seconds: float) -> None:
        """A push carried ``size`` requests and took so long."""
        if size >= _CROWD or self._last()[0] >= _CROWD:
            self._memory.tell(size, seconds)

    def _last(self) -> tuple[int, float]:
        return self._memory.get() or (0, 0.0)
