"""Signals to a process that works as a guest: SIGUSR1 pauses it, SIGUSR2 lets it go on."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gitcollab.swarm.swarm import Swarm

_Handler = Callable[[int, FrameType | None], object]


class _Early:
    """What came before anybody knew what to do then."""

    def __init__(self) -> None:
        self.last: int | None = None

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self.last = number


@contextmanager
def heeded(*, worker: bool) -> Iterator[None]:
    """Within the block these signals end nothing: ``pausing`` in it obeys them.

    A ``worker`` stops at ^Z, that is SIGTSTP, as well: its session has no terminal, and there the
    kernel would not stop it.
    """
    early = _Early()
    wanted: dict[str, _Handler] = {"SIGUSR1": early, "SIGUSR2": early}
    if worker:
        wanted["SIGTSTP"] = _stop
    with _handled(wanted):
        yield


@contextmanager
def pausing(swarm: Swarm) -> Iterator[None]:
    """Within the block these signals do what `gitcollab pause` and `resume` do; not on Windows.

    A second ^C, or SIGTERM, while the first is obeyed cuts that short; see ``runner.process``.
    """

    def pause(number: int, frame: FrameType | None) -> None:
        swarm.pause()

    def resume(number: int, frame: FrameType | None) -> None:
        swarm.resume()

    with _handled({"SIGUSR1": pause, "SIGUSR2": resume}) as before:
        for early in before.values():
            if isinstance(early, _Early) and early.last is not None:
                number, early.last = early.last, None
                os.kill(os.getpid(), number)
        yield


@contextmanager
def _handled(wanted: Mapping[str, _Handler]) -> Iterator[Mapping[int, object]]:
    """Within the block these are handled so, as far as there are any; it gets who did before."""
    numbers = {getattr(signal, name): act for name, act in wanted.items() if hasattr(signal, name)}
    before = {number: signal.signal(number, act) for number, act in numbers.items()}
    try:
        yield before
    finally:
        for number, act in before.items():
            signal.signal(number, act)


def _stop(number: int, frame: FrameType | None) -> None:
    os.kill(os.getpid(), signal.SIGSTOP)  # until somebody lets us go on
