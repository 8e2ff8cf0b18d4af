"""Looking at a hub again and again: few reads of it, no writes, and never in anybody's way."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gitcollab.errors import GitcollabError
from gitcollab.records.models import Claim, Task
from gitcollab.swarm import claims, looking
from gitcollab.swarm.member import Member
from gitcollab.swarm.reports import Entry, QueuedItem, ResultPage
from gitcollab.swarm.trend import Course

LEAST_EVERY = 10.0  # seconds: hosts ask for few reads
_REST = 5  # after a read, at least so many times what it took: a slow hub is left alone


@dataclass(frozen=True)
class Running:
    """A claim that holds, and until when by this machine's clock."""

    claim: Claim
    until: datetime


@dataclass(frozen=True)
class Away:
    """The hub cannot be asked."""

    since: datetime
    reason: str


@dataclass(frozen=True)
class Watched:
    """What this host knows of a hub."""

    hub: str
    branch: str
    agent: str
    task: Task
    best: Entry | None
    course: Course
    running: list[Running]  # oldest first
    results: ResultPage  # the last ones, newest first
    queued: list[QueuedItem]  # what waits on this host for the hub
    refused: list[QueuedItem]
    asked: datetime | None  # when a process of this host last asked the hub
    away: Away | None = None


class Watch:
    """A hub, asked at most every ``every`` seconds, by whichever process of this host."""

    def __init__(
        self,
        member: Member,
        every: float,
        results: int = 50,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._member, self._results, self._timer = member, results, timer
        self._every = max(LEAST_EVERY, every)
        self._rests_until = timer()
        self._away: Away | None = None
        self._seen: tuple[object, Watched] | None = None

    def look(self) -> Watched:
        """What is known now; the hub is asked first where that is due.

        Raises GitcollabError only while nothing is known at all.
        """
        if self._seen is not None and self._is_due():
            self._ask()
        try:
            found = self._known()
        except GitcollabError as e:
            if self._seen is None:
                raise
            found = self._seen[1]
            self._note_away(e)
        return replace(found, away=self._away, asked=self._member.store.asked())

    def ask(self) -> Watched:
        """As ``look``; the hub is asked in any case."""
        self._ask()
        return self.look()

    def _is_due(self) -> bool:
        if self._timer() < self._rests_until:
            return False
        asked = self._member.store.asked()
        if self._away is not None or asked is None:
            return True
        ago = self._member.clock() - asked
        return not timedelta(0) <= ago < timedelta(seconds=self._every)

    def _ask(self) -> None:
        began = self._timer()
        try:
            self._member.store.refresh()
            self._away = None
        except GitcollabError as e:
            self._note_away(e)
        ended = self._timer()
        self._rests_until = ended + max(self._every, _REST * (ended - began))

    def _note_away(self, error: GitcollabError) -> None:
        since = self._member.clock() if self._away is None else self._away.since
        self._away = Away(since, error.message)

    def _known(self) -> Watched:
        """What this host knows, read anew where it has changed."""
        member, store = self._member, self._member.store
        queued, refused = looking.kept_here(member)
        key = store.snapshot().tip, queued, refused
        if self._seen is None or self._seen[0] != key:
            self._seen = key, self._read(queued, refused)
        return self._seen[1]

    def _read(self, queued: list[QueuedItem], refused: list[QueuedItem]) -> Watched:
        member = self._member
        snapshot, task, now = member.store.snapshot(), member.task, member.clock()
        rankings = member.rankings
        return Watched(
            hub=member.config.hub,
            branch=member.config.branch,
            agent=member.config.agent,
            task=task,
            best=rankings.best(),
            course=rankings.course,
            running=[
                Running(claim, now + claims.left(snapshot, claim, task))
                for claim in claims.active(snapshot)
            ],
            results=looking.results(member, limit=self._results),
            queued=queued,
            refused=refused,
            asked=None,
        )
