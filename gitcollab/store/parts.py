"""What a store is put together from, and how patient its deliveries are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from random import Random

from gitcollab.git.failures import CacheCorrupt
from gitcollab.store.cache import Cache
from gitcollab.store.gathering import Gathering
from gitcollab.store.index import Index
from gitcollab.store.outbox import Outbox
from gitcollab.store.requests import Decider, Deriver, Rules
from gitcollab.store.snapshot import Snapshot


@dataclass(frozen=True)
class Pace:
    """How long a delivery may take, and how lost races are spread.

    ``deadline`` seconds and ``attempts`` pushes for one batch. After a lost race the wait is
    random, so long that about ``at_once`` of the writers try at any time: a *turn* is the time in
    which each of them could land once, and the longest wait is that divided by ``at_once``. It
    shrinks with the turns waited, to an ``eager`` part of it: whoever has waited long wins against
    those who just came. There is no fixed time in it, since hubs differ.
    """

    deadline: float = 60.0
    attempts: int = 1000
    at_once: float = 3.0
    eager: float = 0.05


@dataclass(frozen=True)
class Parts:
    """What a drain works with; see Store.open."""

    cache: Cache
    index: Index
    outbox: Outbox
    deciders: Mapping[str, Decider]
    derive: Deriver | None
    rules: Rules | None
    author: str
    clock: Callable[[], datetime]
    rng: Random
    sleep: Callable[[float], None]
    pace: Pace

    @cached_property
    def gathering(self) -> Gathering:
        """The agents of this host that share pushes."""
        return Gathering(self.cache.folder / "gathering", self.outbox.waiting, self.sleep)

    def snapshot(self, tip: str | None, heal: Callable[[str], None] | None = None) -> Snapshot:
        """The hub at ``tip``; ``heal`` replaces a damaged copy."""
        sighting = None if tip is None else self.cache.sightings.of(tip)
        return Snapshot(
            self.cache.objects, self.index, tip, heal=heal, sighting=sighting, clock=self.clock
        )

    def fetch(self) -> str:
        """Bring the copy to the hub's tip, which is given; the lock is held. Raises as Cache.fetch.

        What came before is noted first: it keeps its own time of arrival.
        """
        self.note_arrivals()
        return self.cache.fetch(self.clock())

    def note_arrivals(self) -> None:
        """Let the index have what the known tip brought."""
        with suppress(CacheCorrupt):
            self.snapshot(self.cache.tip()).note_arrivals()
