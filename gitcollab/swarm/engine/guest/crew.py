"""Workers of one agent, side by side: begun anew when they die, ended together."""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue

from gitcollab.errors import UsageError
from gitcollab.runner.clock import awake
from gitcollab.runner.worker import Said, Worker
from gitcollab.swarm.engine.guest.guest import back_off
from gitcollab.swarm.engine.guest.summary import Ended
from gitcollab.swarm.engine.tally import Tally
from gitcollab.swarm.workspace import FOLDER

_LOOK_SECONDS = 0.2
_PATIENCE = 30.0  # for a worker that was asked to end: it gives its claim back
_LONG_LIFE = 600.0  # seconds; who lived so long and dies does not die again and again


def ending(folder: Path) -> Path:
    """Where the worker of a folder says what it did, and how it ended."""
    return folder / FOLDER / "ending.json"


OnSaid = Callable[[Said], None]
OnDeath = Callable[[str, int, float], None]  # whose, its exit code, seconds until it begins anew


@dataclass
class Post:
    """A worker's place: its folder, and what was done in it by all that had it."""

    name: str
    folder: Path
    wanted: int | None = None  # experiments; None: no number
    done: Tally = field(default_factory=Tally)
    code: int = 0
    is_failing: bool = False  # the last worker gave up, since too many experiments failed
    deaths: int = 0  # in a row
    again: float | None = 0.0  # when the next worker begins; None: never
    worker: Worker | None = None
    began: float = 0.0

    @property
    def left(self) -> int | None:
        """How many experiments are still wanted; None: no number."""
        return None if self.wanted is None else self.wanted - self.done.total.experiments


class Crew:
    """All the workers. ``begin`` makes the process of a post, or None where nothing is left."""

    def __init__(
        self,
        posts: Sequence[Post],
        begin: Callable[[Post, SimpleQueue[Said]], Worker | None],
        on_said: OnSaid,
        on_death: OnDeath,
        clock: Callable[[], float] = awake,
    ) -> None:
        self.posts = posts
        self._begin = begin
        self._on_said = on_said
        self._on_death = on_death
        self._clock = clock
        self._said: SimpleQueue[Said] = SimpleQueue()

    def work(self) -> None:
        """Until all have ended for good. ^C and SIGTERM end them all, and are raised then."""
        try:
            while any(post.worker or post.again is not None for post in self.posts):
                self._begin_due()
                self._hear()
                self._look()
        except KeyboardInterrupt as e:
            self._end(signal.SIGTERM)  # SIGINT may be ignored, as in the background
            e.add_note("all workers have ended")
            raise
        finally:
            self._end_all()

    def signal(self, number: int) -> None:
        """Pass a signal on to all workers."""
        for post in self.posts:
            if post.worker:
                post.worker.signal(number)

    def _begin_due(self) -> None:
        now = self._clock()
        for post in self.posts:
            if post.worker is None and post.again is not None and post.again <= now:
                ending(post.folder).unlink(missing_ok=True)
                post.worker, post.began, post.again = self._begin(post, self._said), now, None

    def _hear(self) -> None:
        with suppress(Empty):
            self._on_said(self._said.get(timeout=_LOOK_SECONDS))
            while True:
                self._on_said(self._said.get_nowait())

    def _look(self) -> None:
        for post in self.posts:
            if post.worker is not None and (code := post.worker.ended()) is not None:
                self._hear_last()
                self._note(post, code)

    def _hear_last(self) -> None:
        with suppress(Empty):
            while True:
                self._on_said(self._said.get_nowait())

    def _note(self, post: Post, code: int) -> None:
        """A worker has ended: what it did, and when another takes its post."""
        left = Ended.read(ending(post.folder))
        post.done.add(left.tally)
        post.worker, post.code = None, code
        post.is_failing = left.failing
        if left.whole or code == UsageError.exit_code:  # another one would say the same
            return
        lived = self._clock() - post.began
        useful = left.tally.total.experiments > left.tally.total.crashed
        post.deaths = 1 if useful or lived > _LONG_LIFE else post.deaths + 1
        wait = back_off(post.deaths + 1)
        post.again = self._clock() + wait
        self._on_death(post.name, code, wait)

    def _end(self, number: int) -> None:
        """Ask all to end, and hear them out; another ^C asks again, and at last does not ask."""
        self.signal(number)
        until = self._clock() + _PATIENCE
        while any(post.worker for post in self.posts) and self._clock() < until:
            try:
                self._hear()
                for post in self.posts:
                    if post.worker is not None and (code := post.worker.ended()) is not None:
                        post.done.add(Ended.read(ending(post.folder)).tally)
                        post.worker, post.code = None, code
            except KeyboardInterrupt:
                self.signal(number)
                until = min(until, self._clock() + _PATIENCE / 10)

    def _end_all(self) -> None:
        for post in self.posts:
            if post.worker is not None:
                post.worker.end(_PATIENCE / 10)
                post.done.add(Ended.read(ending(post.folder)).tally)
                post.worker = None
        self._hear_last()
