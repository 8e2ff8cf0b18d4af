"""What this host remembers of crowds at a hub, from one delivery to the next.

Whoever just landed knows the tip and could push again at once, while those who lost must fetch
first: the winner would win again and again. So after lost races a host lets others go first, for a
while; alone, there is nothing to remember and nothing is delayed.
"""

from __future__ import annotations

from pathlib import Path

from gitcollab.store.memory import Memory

_FORGET_SECONDS = 10.0
_USUAL_SECONDS = 0.06  # for a try


class Contention:
    """The number of races lost lately and the seconds a try took, kept in the file ``path``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._memory = Memory(path, _FORGET_SECONDS)

    def level(self) -> int:
        """How crowded it was: 0 when no race was lost within the last seconds."""
        return self._last()[0]

    def cycle_seconds(self) -> float:
        """How long a try, a fetch and a push, took lately; a guess where none is remembered."""
        return self._last()[1]

    def note(self, races: int, seconds: float) -> None:
        """A delivery ended after losing ``races``; without any, the memory fades by one.

        ``seconds`` is how long its last try took.
        """
        level, before = self._last()
        now = max(races, level - 1)
        if now != level or races:
            self._memory.tell(now, seconds or before)

    def _last(self) -> tuple[int, float]:
        races, seconds = self._memory.get() or (0, _USUAL_SECONDS)
        return max(0, min(races, 20)), min(max(seconds, 0.001), 60.0)
