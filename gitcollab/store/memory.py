"""A count and a span that a host's processes tell each other, forgotten after a while."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path


class Memory:
    """Kept in the file ``path`` for ``seconds``; a courtesy to others, so nothing fails by it."""

    def __init__(self, path: Path, seconds: float) -> None:
        self.path = path
        self._seconds = seconds

    def get(self) -> tuple[int, float] | None:
        """What was told last; None when that is too long ago, or was nothing of ours."""
        try:
            if time.time() - self.path.stat().st_mtime > self._seconds:
                return None
            count, span = self.path.read_text().split()
            return int(count), float(span)
        except (OSError, ValueError):
            return None

    def tell(self, count: int, span: float) -> None:
        """Tell the others."""
        with suppress(OSError):
            self.path.write_text(f"{count} {span:.4f}")
