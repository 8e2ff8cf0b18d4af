"""The write path: all waiting requests into one compare-and-swap push, until they landed or cannot.

A Drain lives for one holding of the host's lock. Deciding, not the network, says what happened to a
request: after every lost race, lost reply or rebuilt copy all of them are decided again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, assert_never

from gitcollab.git.failures import CacheCorrupt, HubEmpty, HubUnreachable
from gitcollab.git.remote import Landed, Moved, Refused, Unreachable
from gitcollab.store.contention import Contention
from gitcollab.store.parts import Pace, Parts
from gitcollab.store.plan import Plan, make
from gitcollab.store.requests import NOT_DERIVED, Outcome, Request

if TYPE_CHECKING:
    from gitcollab.store.snapshot import Snapshot

# Requests in one push; more wait for the next.
_BATCH = 256

# A hub that refused so many single requests in the same words is closed.
_CLOSED_AFTER = 5

# Whose commits are among the newest, and not older than the newest by more, is writing now.
_LATEST, _LATELY = 64, timedelta(seconds=30)


@dataclass(frozen=True)
class GaveUp:
    """The batch could not be delivered now; ``unsure``: all the same it may have landed."""

    reason: str
    hint: str
    unsure: bool = False


@dataclass(frozen=True)
class Offended:
    """A rule of the hub refused the push of ``plan``."""

    plan: Plan
    reason: str


@dataclass(frozen=True)
class Divided:
    """The group has to be delivered in parts, the last of ``groups`` first."""

    groups: Sequence[Sequence[Request]]


Verdict = Plan | GaveUp | Offended | Divided  # a Plan: it landed


@dataclass
class Attempt:
    """How the delivery of one group is going."""

    group: Sequence[Request]
    started: float
    crowd: int  # see Contention.level
    races: int = 0
    lost_replies: int = 0
    unsure: bool = False  # a push may have landed, and the hub was not asked since

    def is_spent(self, pace: Pace) -> bool:
        """Whether to stop trying."""
        spent = time.monotonic() - self.started
        return self.races >= pace.attempts or spent > pace.deadline


class Drain:
    """One drain; the lock is held from before it is made until after its last use.

    ``own`` are the ids of its owner's requests, who learns their outcomes from ``told`` and needs
    no file of them.
    """

    def __init__(self, parts: Parts, own: Collection[str] = ()) -> None:
        self._parts = parts
        self._own = own
        self._cache = parts.cache
        self._outbox = parts.outbox
        self._contention = Contention(parts.cache.folder / "contention")
        self._gathering = parts.gathering
        self._fresh = False  # the tip was fetched, or proved by a push, within this drain
        self._remade = False
        self._deriving = True
        self._push_seconds = 0.0  # that the last push took
        self._fetch_seconds = 0.0
        self._refusals = 0  # of single requests in the same words, with nothing taken between
        self._words = ""
        self._handled: set[str] = set()  # whatever became of them: once is enough for a drain
        self.waiting: set[str] = set()
        self.told: dict[str, Outcome] = {}  # by the request's id

    def run(self, done: Callable[[], bool]) -> None:
        """Deliver what is pending, oldest first, until ``done`` or nothing more can be."""
        while not done():
            self._gathering.wait()
            batch = self._pending()[:_BATCH]
            if not batch:
                break
            self._deliver(batch)
            self._gathering.note(len(batch), self._push_seconds)
            if len(batch) > 1:  # a crowd asks again in a moment: what landed is known by then
                self._parts.note_arrivals()
            self._handled.update(request.id for request in batch)
        self._outbox.tidy()
        self._cache.tidy()

    def _pending(self) -> list[Request]:
        """What this drain may still do something about."""
        return [
            request
            for request in self._outbox.pending(mend=True)
            if request.id not in self.waiting
            and request.id not in self._handled
            and request.kind in self._parts.deciders
        ]

    def _deliver(self, batch: Sequence[Request]) -> None:
        groups: list[Sequence[Request]] = [self._timely(batch)]
        until = time.monotonic() + self._parts.pace.deadline
        while groups:
            group = groups.pop()
            if not group:
                continue
            if why := self._why_stop(until):
                self._postpone(self._pending(), why)
                return
            match self._settle(group):
                case GaveUp() as why:
                    # All that waits, newcomers too: nobody waits out a dead hub twice.
                    self._postpone(self._pending(), why)
                    return
                case Offended() as offended if self._deriving and NOT_DERIVED in offended.reason:
                    # Another version stands at the hub's door: records do not wait for views.
                    self._deriving = False
                    groups.append(group)
                case Offended() as offended:
                    groups += self._without_offender(group, offended)
                case Divided() as divided:
                    groups += divided.groups
                case Plan() as plan:
                    self._tell(plan)

    def _why_stop(self, until: float) -> GaveUp | None:
        """Why the rest of a batch is left for another time, if it is: nobody may wait long."""
        if self._refusals >= _CLOSED_AFTER:
            reason = f"the hub refuses all that it is sent: {self._words}"
            return GaveUp(reason, "ask the hub's owner, then run: gitcollab sync")
        if time.monotonic() > until:
            return GaveUp("the hub is slow", "the rest is delivered by: gitcollab sync")
        return None

    def _settle(self, group: Sequence[Request]) -> Verdict:
        """Deliver ``group``, deciding again as long as races are lost."""
        attempt = Attempt(group, time.monotonic(), self._contention.level())
        while True:
            try:
                if attempt.crowd and not attempt.races and not self._fresh:
                    self._parts.sleep(self._delay(attempt))
                    self._fetch()
                verdict = self._attempt(attempt)
            except HubUnreachable as e:
                return GaveUp(e.message, e.hint, attempt.unsure)
            except CacheCorrupt as e:
                verdict = self._remake(e)
            if verdict is not None:
                self._contention.note(attempt.races, self._fetch_seconds + self._push_seconds)
                return verdict
            if attempt.races and attempt.is_spent(self._parts.pace):
                return GaveUp(
                    f"{attempt.races} pushes lost the race to other writers",
                    "the hub is busy; try again",
                )

    def _attempt(self, attempt: Attempt) -> Verdict | None:
        """Decide and push once; None when it has to be decided again, on what was fetched."""
        tip = self._cache.tip()
        if tip is None and not self._fresh:
            self._fetch()
            tip = self._cache.tip()
        if tip is None and not all(request.may_create for request in attempt.group):
            return self._without_branch(attempt.group)
        plan = self._plan(attempt.group, tip)
        if plan.head is None:
            if self._fresh or plan.settled:
                return plan
            self._fetch()
            return None
        began = time.monotonic()
        pushed = self._cache.remote.push(plan.head, expect=tip)
        self._push_seconds = time.monotonic() - began
        match pushed:
            case Landed():
                self._land(plan.head, plan.after)
                return plan
            case Refused():
                return Offended(plan, pushed.reason)
            case Moved():
                attempt.races += 1
                self._parts.sleep(self._delay(attempt))
            case Unreachable():
                attempt.lost_replies += 1
                attempt.unsure = not pushed.certain
                if pushed.certain or pushed.silent or attempt.lost_replies > 2:
                    return GaveUp(pushed.reason, pushed.hint, attempt.unsure)
            case _:
                assert_never(pushed)
        self._fetch()  # where a push landed and only the reply was lost, the deciders will see it
        attempt.unsure = False
        return None

    def _land(self, head: str, after: Snapshot | None) -> None:
        self._cache.set_tip(head, self._parts.clock())
        self._refusals = 0
        self._fresh = True
        if after is not None:
            with suppress(Exception):  # it has landed, whatever becomes of what is only remembered
                self._parts.snapshot(head).inherit(after)

    def _plan(self, group: Sequence[Request], tip: str | None) -> Plan:
        parts = self._parts
        objects = self._cache.objects()
        snapshot = parts.snapshot(tip)
        return make(
            objects,
            snapshot,
            group,
            parts.deciders,
            parts.derive if self._deriving else None,
            parts.rules,
            parts.author,
            parts.clock(),
        )

    def _fetch(self) -> None:
        began = time.monotonic()
        with suppress(HubEmpty):  # then the copy has no tip, which is how the rest knows
            self._parts.fetch()
        self._fetch_seconds = time.monotonic() - began
        self._fresh = True

    def _remake(self, e: CacheCorrupt) -> GaveUp | None:
        if self._remade:  # the fault is in what the hub sends
            return GaveUp(e.message, e.hint)
        self._remade = True
        try:
            with suppress(HubEmpty):
                self._cache.remake(self._parts.clock())
        except (HubUnreachable, CacheCorrupt) as again:
            return GaveUp(again.message, again.hint)
        self._fresh = True
        return None

    def _delay(self, attempt: Attempt) -> float:
        """Seconds to wait after a lost race; see Pace."""
        pace = self._parts.pace
        cycle = self._fetch_seconds + self._push_seconds or self._contention.cycle_seconds()
        turn = cycle * self._writers(attempt)
        waited = (time.monotonic() - attempt.started) / turn
        share = max(1.0 - waited / 2, pace.eager)
        return self._parts.rng.random() * share * turn / pace.at_once

    def _writers(self, attempt: Attempt) -> int:
        """How many take part in the race: those who landed lately, or as our losses suggest."""
        lost = 1 << min(max(attempt.races, attempt.crowd), 4)
        tip = self._cache.tip()
        if tip is None:
            return lost
        return max(lost, len(self._cache.objects().committers(tip, _LATELY, _LATEST)))

    # -- what becomes of requests ----------------------------------------------------------------

    def _tell(self, plan: Plan) -> None:
        for one in plan.decided:
            if one.failure is not None:
                self._set_aside(one.request, one.failure, one.outcome, "bug")
            elif one.outcome.get("outcome") == "refused":
                self._refuse(one.request, one.outcome, "rules")
            elif one.outcome.get("outcome") == "queued" and one.request.when_offline == "keep":
                self._wait(one.request, one.outcome)
            else:
                self._finish(one.request, one.outcome)
        if self._fresh and self._outbox.offline() is not None:
            self._outbox.set_offline(None)

    def _finish(self, request: Request, outcome: Outcome) -> None:
        self._outbox.finish(request, self._for_others(request, outcome))

    def _set_aside(self, request: Request, reason: str, outcome: Outcome, by: str) -> None:
        self._outbox.quarantine(request, reason, self._for_others(request, outcome), by)

    def _refuse(self, request: Request, outcome: Outcome, by: str) -> None:
        """Refused, by us or by the hub: "keep" holds work and is set aside, "drop" is over."""
        if request.when_offline == "keep":
            self._set_aside(request, str(outcome.get("reason", "")), outcome, by)
        else:
            self._finish(request, outcome)

    def _postpone(self, group: Sequence[Request], why: GaveUp) -> None:
        """The hub cannot be had: "keep" waits on, "drop" is over."""
        self._outbox.set_offline(why.reason)
        told = {"reason": why.reason, "hint": why.hint}
        for request in group:
            if request.when_offline == "drop":
                reason = f"{why.reason}; it may have arrived" if why.unsure else why.reason
                self._finish(request, {"outcome": "offline", **told, "reason": reason})
            else:
                self._wait(request, {"outcome": "queued", **told})

    def _wait(self, request: Request, outcome: Outcome) -> None:
        """It stays in the outbox for a later delivery."""
        if (told := self._for_others(request, outcome)) is not None:
            self._outbox.tell(request, told)
        self.waiting.add(request.id)

    def _for_others(self, request: Request, outcome: Outcome) -> Outcome | None:
        """Note the outcome; None where nobody else asked for it."""
        self.told[request.id] = outcome
        return None if request.id in self._own else outcome

    def _timely(self, batch: Sequence[Request]) -> list[Request]:
        """Those of ``batch`` that are still wanted, by this host's clock."""
        now = self._parts.clock()
        timely = []
        for request in batch:
            if request.not_after is not None and now > request.not_after:
                reason = "it could not be delivered in its time"
                self._finish(request, {"outcome": "offline", "reason": reason})
            else:
                timely.append(request)
        return timely

    def _without_branch(self, group: Sequence[Request]) -> Verdict:
        """There is no branch: only what may create it goes on, ahead of the rest."""
        empty = HubEmpty(self._cache.remote.url, self._cache.remote.branch)
        creating = [request for request in group if request.may_create]
        if not creating:
            return GaveUp(empty.message, empty.hint)
        return Divided([[request for request in group if not request.may_create], creating])

    def _without_offender(
        self, group: Sequence[Request], offended: Offended
    ) -> list[Sequence[Request]]:
        """What is left of ``group``, last first: two halves, or all but the one that offended."""
        changing = [one.request for one in offended.plan.decided if one.changes]
        if len(changing) > 1:
            middle = group.index(changing[len(changing) // 2])
            return [group[middle:], group[:middle]]
        offender = changing[0]
        self._refusals = self._refusals + 1 if offended.reason == self._words else 1
        self._words = offended.reason
        self._refuse(offender, {"outcome": "refused", "reason": offended.reason}, "hub")
        return [rest] if (rest := [r for r in group if r is not offender]) else []
