"""An agent at work: its workspace, its hub's store, its key and its clock."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Literal, TypeVar

from gitcollab.errors import OfflineError
from gitcollab.records.models import AgentCard, Experiment, Hardware, Result, Signed, Task
from gitcollab.records.names import path_of, short_hash
from gitcollab.records.signing import KeyPair
from gitcollab.store.index import Progress
from gitcollab.store.requests import Decider, Deriver, Outcome, Request
from gitcollab.store.snapshot import Snapshot
from gitcollab.store.store import Store, Waiting
from gitcollab.swarm import (
    claims,
    derive,
    imported,
    keyring,
    publishing,
    reading,
    rulebook,
    ruling,
    tracks,
    trust,
)
from gitcollab.swarm.home import home
from gitcollab.swarm.ideas import proposing, retracting
from gitcollab.swarm.ranking import Standings, standings
from gitcollab.swarm.rankings import Rankings, code_digest
from gitcollab.swarm.recogniser import Recogniser, Words
from gitcollab.swarm.roster import roster, uncounted
from gitcollab.swarm.runs import Run
from gitcollab.swarm.workspace import Config, Workspace

SignedRecord = TypeVar("SignedRecord", bound=Signed)
Pages = derive.Pages

# A claim that could not be sent within this time is no longer wanted: its agent has gone on.
CLAIM_PATIENCE = timedelta(seconds=90)


def utc_now() -> datetime:
    """The local clock."""
    return datetime.now(UTC)


def new_nonce() -> str:
    """128 random bits in hex."""
    return secrets.token_hex(16)


def open_store(
    hub: str,
    branch: str,
    agent: str,
    pages: Pages | None,
    clock: Callable[[], datetime] = utc_now,
    progress: Progress | None = None,
    recogniser: Recogniser | None = None,
) -> Store:
    """The store of a hub with all deciders of the swarm; no network yet."""
    known = recogniser or Recogniser.of_this_host()
    views = derive.deriver(pages)
    admitted = ruling.when_admitted
    deciders: Mapping[str, Decider] = {
        "claim": admitted(partial(claims.decide_claim, recogniser=known)),
        "propose": admitted(partial(proposing.decide_propose, recogniser=known)),
        "learn": admitted(partial(proposing.decide_learn, recogniser=known)),
        "retract": admitted(retracting.decide_retract),
        "renew": claims.decide_renew,
        "release": claims.decide_release,
        "sweep": claims.decide_sweep,
        "publish": admitted(publishing.decide_publish),
        "join": publishing.decide_join,
        "seed": publishing.decide_seed,
        "rotate": publishing.decide_rotate,
        "rule": ruling.decide_rule,
        imported.KIND: imported.decide_import,
        "views": derive.decider(views),
    }
    wanted: Deriver = derive.when_records_change(views)
    return Store.open(
        hub,
        branch,
        home=home(),
        deciders=deciders,
        derive=wanted,
        rules=rulebook.rules,
        columns=reading.COLUMNS,
        author=agent,
        clock=clock,
        progress=progress,
    )


@dataclass
class Member:
    """One agent of one hub, in one workspace."""

    workspace: Workspace
    config: Config
    pages: Pages | None = None
    clock: Callable[[], datetime] = utc_now
    nonce: Callable[[], str] = new_nonce
    progress: Progress | None = None  # of reading many records
    notice: Callable[[str], None] = lambda _: None  # hears of what takes long
    nice: int = 0  # how far programs that are run step back behind others
    put_back: tuple[str, ...] = ()  # when the workspace was opened: notes for the next run
    # What was read and computed last, and of what: a verb asks more than once.
    _runs: tuple[object, dict[str, Run]] | None = field(default=None, init=False, repr=False)
    _standings: tuple[object, Standings] | None = field(default=None, init=False, repr=False)
    _key: KeyPair | None = field(default=None, init=False, repr=False)

    @cached_property
    def store(self) -> Store:
        """The hub's store."""
        config, pages = self.config, self.pages
        return open_store(
            config.hub,
            config.branch,
            config.agent,
            pages,
            self.clock,
            self.progress,
            self.recogniser,
        )

    @cached_property
    def recogniser(self) -> Recogniser:
        """What tells experiments by their descriptions."""
        return Recogniser.of_this_host(self.notice)

    @property
    def words(self) -> Words:
        """What descriptions say, in the words of the hub as last fetched."""
        return self.recogniser.on(self.store.snapshot())

    @property
    def key(self) -> KeyPair:
        """The agent's signing key: the one that the hub, as last fetched, knows it by.

        Raises RefusedError where it is not on this machine.
        """
        if keyring.is_rotating(self.config.agent):
            self._let_rotation_end()
        registered = self.registered
        if self._key is None or registered not in (None, self._key.public_line):
            self._key = keyring.agent_key(self.config.agent, registered)
        return self._key

    def _let_rotation_end(self) -> None:
        """Wait for one that is under way; one that was cut off has landed by now, or never does.

        Or it could land ahead of what is signed now, with a key that is then a former one.
        """
        name = self.config.agent
        with keyring.one_rotation(name):
            for waiting in self.store.pending():
                if (waiting.request.kind, waiting.request.agent) == ("rotate", name):
                    self.store.drop(waiting.request)
            if keyring.is_rotating(name):
                with suppress(OfflineError):
                    self.store.refresh()
                    if (registered := self.registered) is not None:
                        keyring.settle(name, registered)

    @property
    def registered(self) -> str | None:
        """The public key in the agent's card, as last fetched."""
        path = path_of("agent", self.config.agent)
        card = self.store.snapshot(allow_empty=True).record(path)
        return card.public_key if isinstance(card, AgentCard) else None

    @cached_property
    def hardware(self) -> Hardware:
        """This machine, in the tier it belongs to or the user put it in."""
        from gitcollab.runner import hardware

        found = hardware.detect()
        return Hardware(
            device=found.device[:120],
            tier=self.config.tier or found.tier,
            gpus=found.gpus,
            vram_gb=found.vram_gb,
            cpus=found.cpus,
            memory_gb=found.memory_gb,
        )

    @property
    def tier(self) -> str:
        """What this machine's results are ranked in: its tier, or ``tracks.ANY``."""
        return tracks.ANY if tracks.in_one(self.task) else self.hardware_tier

    @property
    def hardware_tier(self) -> str:
        """The tier of this machine: where it belongs, or where the user put it."""
        return self.config.tier or self.hardware.tier

    @property
    def task(self) -> Task:
        """The hub's task, as last fetched; for what is run, see ``believed_task``."""
        return reading.task_of(self.store.snapshot(), self.config.hub, self.config.branch)

    @property
    def believed_task(self) -> Task:
        """The hub's task. Raises RefusedError where it is not what this workspace believes."""
        task = self.task
        trust.require(self.workspace, self.store.snapshot())
        return task

    def now(self, snapshot: Snapshot) -> datetime:
        """The local clock, or later where a clock of the hub was proved to be."""
        return snapshot.time(self.clock())

    def sign(self, record: SignedRecord) -> SignedRecord:
        """The record with this agent's signature."""
        return self.key.sign(record)

    def request(
        self,
        kind: str,
        payload: Mapping[str, Any],
        *,
        when_offline: Literal["drop", "keep"] = "keep",
        patience: timedelta | None = None,
    ) -> Request:
        """A request of this agent's."""
        now = self.clock()
        return Request(
            id=self.nonce(),
            kind=kind,
            agent=self.config.agent,
            created_at=now,
            payload=payload,
            when_offline=when_offline,
            not_after=now + patience if patience else None,
        )

    def submit(self, *requests: Request) -> list[Outcome]:
        """Outcomes in the order of the requests, which land in one push."""
        return self.store.submit(*requests)

    def runs(self, more: Collection[Result] = ()) -> Mapping[str, Run]:
        """The results on the hub, those that wait to be delivered, and ``more``, a line each."""
        snapshot, extra = self.store.snapshot(), self._not_there(more)
        key = snapshot.tip, frozenset(extra)
        if self._runs is None or self._runs[0] != key:
            runs = {run.id: run for run in reading.runs(snapshot)}
            self._runs = key, runs | {i: Run.of(result) for i, result in extra.items()}
        return self._runs[1]

    def _not_there(self, more: Collection[Result]) -> dict[str, Result]:
        """The results that wait to be delivered, and those of ``more`` that are not on the hub."""
        snapshot = self.store.snapshot()
        new = {r.id: r for r in more if snapshot.record(path_of("result", r.id)) is None}
        return self.queued() | new

    def runs_of(self, task: Task, fingerprint: str) -> list[Result]:
        """The results of a program under a task."""
        found = list(reading.results(self.store.snapshot(), fingerprint=fingerprint))
        found += (r for r in self.queued().values() if r.fingerprint == fingerprint)
        return [r for r in found if r.task == task.digest]

    def with_log(self, digest: str) -> str | None:
        """The id of a result whose log has this digest."""
        found = [str(row[0]) for row in self.store.snapshot().select("result", log=digest)]
        found += (i for i, r in self.queued().items() if r.files.get("log.txt") == digest)
        return found[0] if found else None

    def result(self, result_id: str) -> Result | None:
        """The result with this id, on the hub or waiting to be delivered."""
        found = reading.result(self.store.snapshot(), result_id)
        return self.queued().get(result_id) if found is None else found

    def related(self, mine: Experiment) -> list[Result]:
        """The results, on the hub or waiting, that may be the same experiment."""
        snapshot = self.store.snapshot()
        known = filter(roster(snapshot).trusts, reading.related(snapshot, mine, self.words))
        return [*known, *self.queued().values()]

    def queued(self) -> dict[str, Result]:
        """The results of this host that wait to be delivered."""
        return {
            brought.result.id: brought.result
            for waiting in self._bringing()
            for brought in imported.results_in(waiting.request)
        }

    def _bringing(self) -> Iterator[Waiting]:
        """What waits that brings results."""
        kinds = ("publish", imported.KIND)
        return (one for one in self.store.pending() if one.request.kind in kinds)

    def places(self) -> list[Path]:
        """This machine's folders that a run may name: nobody else's business."""
        return [self.workspace.root, home(), Path(sys.prefix), Path.home()]

    def read(self, path: str) -> bytes | None:
        """A file of the hub, or of a result of this host that waits to be delivered."""
        data = self.store.snapshot().read(path)
        if data is not None:
            return data
        found = (imported.file_in(one.request, path) for one in self._bringing())
        return next((data for data in found if data is not None), None)

    @property
    def rankings(self) -> Rankings:
        """The rankings that ``standings`` gives, as this host remembers them."""
        return Rankings(self.standings, partial(self.store.answer, self._state))

    def remembered(self, name: str, make: Callable[[], Any]) -> Any:
        """What ``make`` gives of the standings (plain JSON data), while they stay as they are."""
        return self.store.answer(self._state, name, make)

    def _state(self) -> str:
        """What changes whenever the rankings might."""
        return short_hash(
            code_digest(), str(self.store.snapshot().tip), *sorted(self.queued()), length=32
        )

    def standings(self, more: Collection[Result] = ()) -> Standings:
        """Where the swarm stands, counting queued results and ``more``."""
        if not self._not_there(more):  # then others may have reckoned it before
            return derive.standings_of(self.store.snapshot(), self.task)
        runs = self.runs(more)
        if self._standings is None or self._standings[0] is not runs:
            snapshot = self.store.snapshot()
            gone, baseline = uncounted(snapshot), reading.baseline(snapshot)
            self._standings = runs, standings(self.task, runs.values(), gone, baseline)
        return self._standings[1]
