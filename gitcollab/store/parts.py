"""What a store is put together from, and how patient its deliveries are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from random import Random

from gitcollab.store.cache import Cache
from gitcollab.store.index import Index
from gitcollab.store.outbox import Outbox
from gitcollab.store.requests import Decider, Deriver


@dataclass(frozen=True)
class Pace:
    """How long a delivery may take, and how lost races are spread.

    ``deadline`` seconds and ``attempts`` pushes for one batch. After a lost race the wait is random
    below a window that doubles from ``first`` seconds to ``spread`` with every race lost (many
    writers thin out), and is halved for every ``half`` seconds of the oldest request's age: whoever
    has waited long pushes at once, and wins against those who just came.
    """

    deadline: float = 60.0
    attempts: int = 1000
    first: float = 0.05
    spread: float = 3.0
    half: float = 1.5


@dataclass(frozen=True)
class Parts:
    """What a drain works with; see Store.open."""

    cache: Cache
    index: Index
    outbox: Outbox
    deciders: Mapping[str, Decider]
    derive: Deriver | None
    author: str
    clock: Callable[[], datetime]
    rng: Random
    sleep: Callable[[float], None]
    pace: Pace
