"""Long-lived processes of our own command line, side by side, and what they say."""

from __future__ import annotations

import signal
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import IO, Literal

from gitcollab.runner import process

_MAX_LINE = 1 << 20
Stream = Literal["out", "err", "end"]


@dataclass(frozen=True, slots=True)
class Said:
    """A line of a worker's; ``end``: a stream of its has been closed."""

    worker: str
    stream: Stream
    text: str = ""


class Worker:
    """A process that has begun, in a session of its own; it puts what it says into a queue.

    On Linux it gets SIGTERM when we are gone, however that came.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        said: SimpleQueue[Said],
    ) -> None:
        self.name = name
        self._process = process.begin(command, cwd=cwd, env=env)
        self._said = said
        streams: dict[Stream, IO[bytes] | None] = {
            "out": self._process.stdout,
            "err": self._process.stderr,
        }
        self._threads = [
            threading.Thread(target=self._read, args=(kind, stream), daemon=True)
            for kind, stream in streams.items()
            if stream is not None
        ]
        for thread in self._threads:
            thread.start()

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    def ended(self) -> int | None:
        """Its exit code, negative for a signal; None while it goes on, or has more to say."""
        code = self._process.poll()
        return None if any(thread.is_alive() for thread in self._threads) else code

    def signal(self, number: int) -> None:
        """Send it a signal, where it has not ended."""
        if self._process.poll() is None:
            self._process.send_signal(number)

    def end(self, patience: float) -> None:
        """Ask it to end and, when it has not in so many seconds, end it."""
        self.signal(signal.SIGTERM)
        process.wait(self._process, patience)
        self._process.kill()
        process.wait(self._process, patience)

    def _read(self, kind: Stream, stream: IO[bytes]) -> None:
        with stream:
            while data := stream.readline(_MAX_LINE):
                text = data.decode(errors="replace").removesuffix("\n")
                self._said.put(Said(self.name, kind, text))
        self._said.put(Said(self.name, "end"))
