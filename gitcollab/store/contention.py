"""What this host remembers of crowds at a hub, from one delivery to the next.

Whoever just landed knows the tip and could push again at once, while those who lost must fetch
first: the winner would win again and again. So after lost races a host lets others go first, for a
while; alone, there is nothing to remember and nothing is delayed.
"""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

_FORGET_SECONDS = 10.0


class Contention:
    """The number of races lost lately, kept in the file ``path``."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def level(self) -> int:
        """How crowded it was: 0 when no race was lost within the last seconds."""
        try:
            if time.time() - self.path.stat().st_mtime > _FORGET_SECONDS:
                return 0
            return max(0, min(int(self.path.read_text()), 20))
        except (OSError, ValueError):
            return 0

    def note(self, races: int) -> None:
        """A delivery ended after losing ``races``; without any, the memory fades by one."""
        level = self.level()
        now = max(races, level - 1)
        if now != level or races:
            with suppress(OSError):  # a courtesy to others, no more
                self.path.write_text(str(now))
