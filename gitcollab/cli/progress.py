"""The live line of long work: it updates on a terminal; elsewhere a plain line now and then."""

from __future__ import annotations

import shutil
import sys
from functools import lru_cache
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

from gitcollab.cli.render import clock
from gitcollab.cli.text import line

if TYPE_CHECKING:
    from gitcollab.swarm.reports import RunProgress

EVERY_SECONDS = 10.0
_CELLS = 30  # of a bar
_CLEAR = "\r\x1b[K"


class LiveLine:
    """Shows what goes on on a stream, and leaves a terminal's line clean behind itself.

    ``quiet`` silences it where there is no terminal to watch.
    """

    def __init__(self, stream: TextIO, *, quiet: bool = False) -> None:
        self._stream = stream
        self._live = stream.isatty()
        self._quiet = quiet and not self._live
        self._beat: object = None

    def __enter__(self) -> LiveLine:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.clear()

    @property
    def is_live(self) -> bool:
        """Whether it is a terminal's line, that can be written anew."""
        return self._live

    def clear(self) -> None:
        """Leave the line to what is printed next."""
        if self._live and self._beat is not None:
            self._write(_CLEAR)

    def show(self, text: str, beat: object) -> None:
        """Show the text; where there is no terminal, only when the beat is another than before."""
        if self._quiet:
            return
        if self._live:
            wide = shutil.get_terminal_size((80, 24)).columns - 1
            self._write(_CLEAR + _fit(text, wide))
        elif beat != self._beat:
            self._write(text + "\n")
        self._beat = beat

    def show_run(self, progress: RunProgress) -> None:
        """Show where a run is; a note stays."""
        if progress.phase == "note":
            self.clear()
            self._beat = None
            if not self._quiet:
                self._write(f"note: {line(progress.description)}\n")
            return
        # Of what is waited for, the beginning says what it is, and the rest how it goes.
        waits = progress.description.partition(";")[0] if progress.phase == "wait" else ""
        self.show(describe(progress), (progress.phase, waits, progress.elapsed // EVERY_SECONDS))

    def show_share(self, what: str, share: float) -> None:
        """Show the share, 0.0 to 1.0, of a work that is done."""
        filled = round(share * _CELLS)
        bar = f"[{'#' * filled}{'.' * (_CELLS - filled)}]  " if self._live else ""
        self.show(f"{line(what)}  {bar}{share:.0%}", (what, int(share * 10)))

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


@lru_cache(maxsize=1)
def _reading(stream: TextIO) -> LiveLine:
    return LiveLine(stream)


def show_reading(done: int, total: int) -> None:
    """Show how many of a hub's records have been read."""
    live = _reading(sys.stderr)
    live.show_share(f"reading {total:,} records of the hub", done / total)
    if done == total:
        live.clear()


def describe(progress: RunProgress) -> str:
    """The progress in one line: time, step, loss, time left, what is tried."""
    if progress.phase == "claim":
        return f"claiming: {line(progress.description)}"
    if progress.phase == "publish":
        return f"publishing: {line(progress.description)}"
    if progress.phase == "wait":
        return f"waiting: {line(progress.description)}"
    if progress.phase == "think":
        return f"{clock(progress.elapsed)}  thinking: {line(progress.description)}"
    parts = [clock(progress.elapsed)]
    if progress.step is not None:
        parts.append(f"step {progress.step}")
    if progress.loss is not None:
        parts.append(f"loss {progress.loss:.4f}")
    if progress.left is not None:
        # What comes when its time is over: by the task's harness, measuring on the held-out text.
        parts.append(f"{clock(progress.left)} left" if progress.left >= 1 else "evaluating")
    return f"{'  '.join(parts)}  {line(progress.description)}".rstrip()


def _fit(text: str, wide: int) -> str:
    from rich.cells import cell_len, set_cell_size

    return text if cell_len(text) <= wide else set_cell_size(text, wide - 1) + "…"
