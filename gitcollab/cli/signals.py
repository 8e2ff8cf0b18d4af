"""Signals to a process that works as a guest: SIGUSR1 pauses it, SIGUSR2 lets it go on."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gitcollab.swarm.swarm import Swarm


@contextmanager
def pausing(swarm: Swarm) -> Iterator[None]:
    """Within the block these signals do what `gitcollab pause` and `resume` do; not on Windows.

    A second ^C, or SIGTERM, while the first is obeyed cuts that short; see ``runner.process``.
    """

    def pause(number: int, frame: FrameType | None) -> None:
        swarm.pause()

    def resume(number: int, frame: FrameType | None) -> None:
        swarm.resume()

    wanted = {"SIGUSR1": pause, "SIGUSR2": resume}
    numbers = {getattr(signal, name): act for name, act in wanted.items() if hasattr(signal, name)}
    before = {number: signal.signal(number, act) for number, act in numbers.items()}
    try:
        yield
    finally:
        for number, act in before.items():
            signal.signal(number, act)
