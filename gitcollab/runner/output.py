"""Bounded room for a program's output: the lines as they come, and the log on disk."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from gitcollab.errors import GitcollabError

MAX_LINE_BYTES = 8192
MAX_TAIL_BYTES = 4 * 1024 * 1024
_LINE_END = re.compile(rb"[\r\n]")


class LogUnwritable(GitcollabError):  # noqa: N818
    """The log can't be written: the disk is full, or the folder is not there."""

    def __init__(self, path: Path, error: OSError) -> None:
        super().__init__(
            f"the log {path} cannot be written: {error.strerror or error}",
            "free some disk space, or check the folder, and run again",
        )


class Lines:
    """Cuts output into lines of at most MAX_LINE_BYTES; empty ones are not passed on.

    A carriage return ends a line too: programs draw their progress with it.
    """

    def __init__(self, on_line: Callable[[str], None] | None) -> None:
        self._on_line = on_line
        self._line = bytearray()

    def feed(self, data: bytes) -> None:
        """Take the next bytes, and pass on the lines that they complete."""
        if self._on_line is None:
            return
        *complete, rest = _LINE_END.split(data)
        for part in complete:
            self._add(part)
            self.end()
        self._add(rest)

    def end(self) -> None:
        """Pass on the line so far."""
        line = self._line.decode(errors="replace")
        self._line.clear()
        if line and self._on_line is not None:
            self._on_line(line)

    def _add(self, part: bytes) -> None:
        self._line += part[: MAX_LINE_BYTES - len(self._line)]


class Log:
    """A log file of at most about ``limit`` bytes: of more output, the head and the tail.

    The file is complete up to the limit while the program runs; ``close`` puts a line that says
    how much was left out between head and tail. Raises LogUnwritable.
    """

    def __init__(self, path: Path, limit: int) -> None:
        self.path = path
        self.total = 0
        self.left_out = 0
        self._limit = limit
        self._tail_size = min(limit // 2, MAX_TAIL_BYTES)
        self._tail = bytearray()
        try:
            # Unbuffered: closing must have nothing left to write that could fail.
            self._file = path.open("wb", buffering=0)
        except OSError as error:
            raise LogUnwritable(path, error) from error

    def __enter__(self) -> Log:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def write(self, data: bytes) -> None:
        """Append; the file is up to date when this returns."""
        room = max(0, self._limit - self.total)
        self.total += len(data)
        self._tail += data
        if len(self._tail) > 2 * self._tail_size:  # seldom, so that cutting costs little
            del self._tail[: -self._tail_size or None]
        if room:
            self._write(data[:room])

    def close(self) -> None:
        """Put the tail in place, if there is one, and close the file."""
        if self._file.closed:
            return
        with self._file:
            if self.total > self._limit:
                self._write_tail()

    def _write_tail(self) -> None:
        tail = bytes(self._tail[-self._tail_size :] if self._tail_size else b"")
        tail = tail[tail.find(b"\n", 0, MAX_LINE_BYTES) + 1 :]  # whole lines, where there are any
        head = self._limit - self._tail_size
        self.left_out = self.total - head - len(tail)
        try:
            self._file.truncate(head)
            self._file.seek(head)
        except OSError as error:
            raise LogUnwritable(self.path, error) from error
        self._write(f"\n... {self.left_out:,} bytes left out ...\n".encode() + tail)

    def _write(self, data: bytes) -> None:
        try:
            while data:
                data = data[self._file.write(data) :]
        except OSError as error:
            raise LogUnwritable(self.path, error) from error
