"""The one stateful object: a hub's snapshot, and writes that land exactly once or say why not."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from gitcollab.errors import GitcollabError
from gitcollab.git.command import end_running
from gitcollab.git.failures import CacheCorrupt, HubEmpty, HubUnreachable
from gitcollab.store.answers import Answers
from gitcollab.store.cache import Cache, folder_of
from gitcollab.store.columns import Columns
from gitcollab.store.index import Index, Progress
from gitcollab.store.lock import HostLock, pauses
from gitcollab.store.outbox import Outbox, Quarantined
from gitcollab.store.parts import Pace, Parts
from gitcollab.store.requests import Decider, Deriver, Outcome, Request, Rules
from gitcollab.store.snapshot import Snapshot, utc_now

if TYPE_CHECKING:
    from gitcollab.store.drain import Drain
    from gitcollab.store.health import Access, Copy


@dataclass(frozen=True)
class Waiting:
    """A request in the outbox, and why the last delivery failed (None: not tried yet)."""

    request: Request
    reason: str | None


class Store:
    """One hub and branch, as this host sees it; see ``open``. Usable from several threads."""

    def __init__(self, folder: Path, parts: Parts) -> None:
        self.folder = folder
        self._parts = parts
        self._cache = parts.cache
        self._outbox = parts.outbox
        self._answers = Answers(folder / "answers")
        self._lock = HostLock(folder / "lock")

    @classmethod
    def open(
        cls,
        hub: str,
        branch: str = "swarm",
        *,
        home: Path,
        deciders: Mapping[str, Decider],
        derive: Deriver | None = None,
        rules: Rules | None = None,
        columns: Sequence[Columns] = (),
        author: str = "gitcollab",
        clock: Callable[[], datetime] = utc_now,
        rng: Random | None = None,
        sleep: Callable[[float], None] = time.sleep,
        pace: Pace | None = None,
        idle: float = 30.0,
        progress: Progress | None = None,
    ) -> Store:
        """The store of ``branch`` on ``hub`` (a path or git URL), kept below ``home``.

        Touches neither disk nor network. ``deciders`` by request kind, ``derive`` and ``rules`` are
        what the hub is for (see requests); ``columns`` is what records can be selected
        by; ``author`` commits what this process delivers. A git call silent for ``idle`` seconds
        means that the hub does not answer.
        Raises GitcollabError when ``hub`` cannot be one.
        """
        folder = folder_of(home, hub, branch)
        cache = Cache(folder, hub, branch, idle=idle)
        parts = Parts(
            cache=cache,
            index=Index(folder / "index.sqlite", cache.objects, columns, progress),
            outbox=Outbox(folder / "outbox"),
            deciders=deciders,
            derive=derive,
            rules=rules,
            author=author,
            clock=clock,
            rng=rng or Random(),
            sleep=sleep,
            pace=pace or Pace(),
        )
        return cls(folder, parts)

    def snapshot(self, *, allow_empty: bool = False) -> Snapshot:
        """The hub as last seen; fetches only when it never was.

        Raises HubUnreachable and, unless ``allow_empty``, HubEmpty when there is no such branch.
        """
        self._cache.prepare()
        try:
            tip = self._cache.tip()
            if tip is not None:
                self._cache.objects().tree(tip)
                return self._snapshot(tip)
        except CacheCorrupt:
            pass
        return self.refresh(allow_empty=allow_empty)

    def refresh(self, *, allow_empty: bool = False) -> Snapshot:
        """The hub as it is now. Raises as ``snapshot`` does."""
        self._cache.prepare()
        with self._lock.required(self._patience):
            tip = None
            try:
                tip = self._parts.fetch()
            except HubEmpty:
                if not allow_empty:
                    raise
            self._cache.tidy()
            return self._snapshot(tip)

    def submit(self, *requests: Request) -> list[Outcome]:
        """Have ``requests`` decided and delivered; their outcomes, in order.

        They go out in one push if nothing is in the way, with whatever else waits on this host.
        Beside what the deciders say, an outcome can be "offline" ("drop" requests that the hub
        could not be asked about), "queued" ("keep" requests; delivered by a later call), "refused"
        (by a rule of the hub, in its words; like a decider's "refused", set aside in quarantine if
        "keep") or "failed" (a bug
        in a decider). On any error, "drop" requests are withdrawn and "keep" ones stay queued,
        except where the error is that they could not be stored.
        """
        unknown = {request.kind for request in requests} - self._parts.deciders.keys()
        if unknown:
            raise KeyError(f"no decider for {sorted(unknown)}")
        self._cache.prepare()
        requests = tuple(replace(request, order=n) for n, request in enumerate(requests))
        self._outbox.put(requests)
        told = False
        try:
            outcomes = self._wait(requests)
            told = True
        finally:
            if not told:
                self._outbox.withdraw(r for r in requests if r.when_offline == "drop")
        return outcomes

    def keep(self, request: Request) -> None:
        """Store a request before there is time to submit it: what becomes of us, it is delivered.

        Whoever submits next on this host delivers it; ``submit`` of the same tells its outcome.
        """
        self._cache.prepare()
        self._outbox.put([request])

    def flush(self) -> list[Outcome]:
        """Deliver what is pending now, whoever asked for it; what became of it."""
        self._cache.prepare()
        if not self._outbox.pending():
            return []
        from gitcollab.store.drain import Drain

        with self._lock.required(self._patience):
            drain = Drain(self._parts)
            wanted = self._outbox.pending()  # not what others ask for meanwhile: it must end
            drain.run(lambda: self._are_settled(wanted, drain))
            return list(drain.told.values())

    def pending(self) -> list[Waiting]:
        """What waits to be delivered, oldest first."""
        reason = self._outbox.offline()
        return [Waiting(request, reason) for request in self._outbox.pending()]

    def quarantined(self) -> list[Quarantined]:
        """The "keep" requests that were refused, by the hub or by a decider, and why."""
        return self._outbox.quarantined()

    def retry(self, request: Request) -> None:
        """Let a quarantined request wait for delivery again."""
        with self._lock.required(self._patience):
            self._outbox.retry(request)

    def redeliver(self, *requests: Request) -> list[Outcome]:
        """Retry quarantined requests now; their outcomes as of ``submit``, in order.

        Raises GitcollabError, and leaves all as they are, where one cannot be decided here.
        """
        for request in requests:
            if request.kind not in self._parts.deciders:
                raise GitcollabError(
                    f"{request.id} is a {request.kind!r}, which this gitcollab does not know",
                    "upgrade gitcollab, or leave it to the version that made it",
                )
        with self._lock.required(self._patience):  # or a drain could refuse it again meanwhile
            for request in requests:
                self._outbox.take(request)  # what was told when it was refused
                self._outbox.retry(request)
        return self._wait(requests)

    def drop(self, request: Request) -> None:
        """Forget a waiting or quarantined request."""
        self._outbox.withdraw([request])
        self._outbox.drop(request)

    def skew(self) -> timedelta:
        """How far the hub's clocks are ahead of ours (negative: behind), as far as proved."""
        return self._cache.sightings.skew()

    def asked(self) -> datetime | None:
        """When a process of this host last asked the hub."""
        return self._cache.sightings.asked()

    @staticmethod
    def stop_asking() -> None:
        """End what other threads are asking a hub just now: theirs fails, and nobody waits."""
        end_running()

    def answer(self, key: Callable[[], str], name: str, make: Callable[[], Any]) -> Any:
        """What ``make`` gives (plain JSON data), kept on this host while ``key`` is the same."""
        return self._answers.get(name, key, make)

    # -- looking without mending -----------------------------------------------------------------

    def known(self) -> Snapshot:
        """The hub as last seen, if ever; a damaged copy raises CacheCorrupt when it is read."""
        return self._parts.snapshot(self._cache.tip())

    def access(self, seconds: float) -> Access:
        """What the hub gives us, asked within ``seconds``. Raises HubUnreachable, OSError."""
        from gitcollab.store import health

        return health.access(self._cache.remote, seconds)

    def copy(self, seconds: float) -> Copy:
        """How this host's copy is, as far as can be seen in ``seconds``."""
        from gitcollab.store import health

        return health.copy(self._cache, self.folder / "index.sqlite", seconds)

    def broken(self) -> list[Path]:
        """Files of the outbox that hold no request."""
        return self._outbox.broken()

    # -- inside ----------------------------------------------------------------------------------

    @property
    def _patience(self) -> float:
        """Seconds to wait for other processes: every drain is bounded, two may be in the way."""
        return 2 * self._parts.pace.deadline + self._cache.remote.idle

    def _snapshot(self, tip: str | None) -> Snapshot:
        return self._parts.snapshot(tip, self._heal)

    def _heal(self, tip: str) -> None:
        """Make the local copy afresh, with ``tip`` in it if the hub still has it there."""
        with self._lock.required(self._patience):
            self._cache.remake(self._parts.clock())
            with suppress(HubUnreachable):  # reading goes on, and says what is missing
                self._cache.bring(tip)

    def _wait(self, requests: Sequence[Request]) -> list[Outcome]:
        """Until each has its outcome: by whoever holds the lock, or by us once it is free."""
        outcomes: dict[str, Outcome] = {}
        patient_until = time.monotonic() + self._patience
        waits = chain([self._parts.gathering.expected()], pauses())
        while True:
            self._collect(requests, outcomes)
            if len(outcomes) < len(requests):
                with self._lock.tried() as mine:
                    if mine:
                        self._drain_for(requests, outcomes)
            if len(outcomes) < len(requests) and time.monotonic() > patient_until:
                self._give_up([r for r in requests if r.id not in outcomes], outcomes)
            if len(outcomes) == len(requests):
                return [outcomes[request.id] for request in requests]
            time.sleep(next(waits))

    def _drain_for(self, requests: Sequence[Request], outcomes: dict[str, Outcome]) -> None:
        self._collect(requests, outcomes)  # the last holder may have served them
        requests = [request for request in requests if request.id not in outcomes]
        from gitcollab.store.drain import Drain  # looking needs none

        # One that neither waits nor has an outcome was lost to something outside: deciders are
        # idempotent, so asking again is harmless.
        lost = [request for request in requests if not self._outbox.is_pending(request)]
        if lost:
            self._outbox.put(lost)
        drain = Drain(self._parts, {request.id for request in requests})
        drain.run(lambda: self._are_settled(requests, drain))
        outcomes |= {r.id: drain.told[r.id] for r in requests if r.id in drain.told}

    def _are_settled(self, requests: Sequence[Request], drain: Drain) -> bool:
        """Whether none of ``requests`` is left that ``drain`` could still deliver."""
        return all(r.id in drain.waiting or not self._outbox.is_pending(r) for r in requests)

    def _collect(self, requests: Sequence[Request], outcomes: dict[str, Outcome]) -> None:
        for request in requests:
            if request.id not in outcomes:
                outcome = self._outbox.take(request)
                if outcome is not None:
                    outcomes[request.id] = outcome
                    if outcome["outcome"] != "queued":  # who told it may have been killed since
                        self._outbox.withdraw([request])

    def _give_up(self, requests: Sequence[Request], outcomes: dict[str, Outcome]) -> None:
        reason = "another process on this host holds the hub's lock"
        for request in requests:
            drop = request.when_offline == "drop"
            if drop:
                self._outbox.withdraw([request])
            outcomes[request.id] = {"outcome": "offline" if drop else "queued", "reason": reason}
