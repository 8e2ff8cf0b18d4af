"""An experiment that runs in a thread: its progress is asked for, and it can be ended.

What ends it unwinds the run as ^C does: the program is ended, its change undone, the claim given
back. A run that has its number already is published all the same.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import anyio
from anyio import to_thread

from gitcollab.faces.swarm import Swarm
from gitcollab.swarm.outcomes import RunReport
from gitcollab.swarm.reports import RunProgress

EVERY_SECONDS = 1.0
Report = Callable[[float, float | None, str], Any]  # progress, of how much, in words


class Ended(BaseException):
    """Nobody waits for the experiment any more. No error: nothing on its way may catch it."""


@dataclass
class Experiment:
    """One call of ``Swarm.run`` with these arguments."""

    swarm: Swarm
    what: str | None
    how: Mapping[str, Any]
    _seen: RunProgress | None = None
    _unwanted: threading.Event = field(default_factory=threading.Event)
    _over: threading.Event = field(default_factory=threading.Event)

    def work(self) -> RunReport:
        """Run it. Raises as ``Swarm.run``, and Ended."""
        try:
            return self.swarm.run(self.what, progress=self._look, **self.how)
        finally:
            self._over.set()

    def end(self) -> None:
        """Have it ended as soon as its program can be."""
        self._unwanted.set()

    def wait(self) -> None:
        """Until it is over, and what it changed is undone."""
        self._over.wait()

    def _look(self, seen: RunProgress) -> None:
        self._seen = seen
        if seen.phase == "run" and self._unwanted.is_set():
            raise Ended

    def told(self) -> tuple[float, float | None, str] | None:
        """Where it is: seconds, of how many, in words of ours; None before it says so."""
        seen = self._seen
        if seen is None:
            return None
        total = None if seen.left is None else seen.elapsed + seen.left
        return seen.elapsed, total, _words(seen)


_DOING = {"claim": "claiming", "publish": "publishing", "wait": "waiting", "think": "thinking"}


def _words(seen: RunProgress) -> str:
    said: Sequence[str] = [
        _DOING.get(seen.phase, "running"),
        *([] if seen.step is None else [f"step {seen.step}"]),
        *([] if seen.loss is None else [f"loss {seen.loss:g}"]),
    ]
    return ", ".join(said)


class Experiments:
    """Those that are under way, to be ended when the server is."""

    def __init__(self) -> None:
        self._running: dict[int, Experiment] = {}

    async def run(self, one: Experiment, report: Report) -> RunReport:
        """Run it in a thread and report on it; when that is cancelled, it is ended first."""
        self._running[id(one)] = one
        found: RunReport | Exception
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(_report, one, report)
                try:
                    found = await self._finished(one)
                except Exception as e:  # it leaves the group as it is, not as a group of errors
                    found = e
                group.cancel_scope.cancel()
        finally:
            del self._running[id(one)]
        if isinstance(found, Exception):
            raise found
        return found

    async def _finished(self, one: Experiment) -> RunReport:
        try:
            return await to_thread.run_sync(one.work, abandon_on_cancel=True)
        except anyio.get_cancelled_exc_class():
            one.end()
            with anyio.CancelScope(shield=True):
                await to_thread.run_sync(one.wait)
            raise

    async def end(self) -> None:
        """End all, and wait until what they changed is undone."""
        for one in list(self._running.values()):
            one.end()
            await to_thread.run_sync(one.wait)


async def _report(one: Experiment, report: Report) -> None:
    last: object = None
    while True:
        told = one.told()
        if told is not None and told != last:
            await report(*told)
            last = told
        await anyio.sleep(EVERY_SECONDS)
