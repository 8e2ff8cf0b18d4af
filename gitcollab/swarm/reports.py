"""What the looking verbs answer: plain frozen data, for the command line, pages and programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from gitcollab.records.models import Claim, Result
from gitcollab.swarm.outcomes import Judgement, Standing
from gitcollab.swarm.roster import Status as Admission
from gitcollab.swarm.workspace import Mode


@dataclass(frozen=True)
class Entry:
    """A program in a ranking: the earliest result that ran it stands for all its runs."""

    rank: int
    id: str
    agent: str
    description: str
    metric: float  # the mean over its runs
    n: int
    sigma: float  # of one run: pooled, shrunk to the task's prior
    pessimistic: float
    standing: Standing
    tier: str  # what it is ranked in: a tier of hardware, or ``tracks.ANY``
    fingerprint: str
    transfers: Sequence[str] = ()  # the tiers that its change was kept on, if two or more
    no_better_than: str | None = None  # of a refuted one: what it was believed to be better than
    builds_on_refuted: str | None = None  # the nearest refuted program in its line of bases


@dataclass(frozen=True)
class AgentEntry:
    """An agent in the ranking of agents, by its best program."""

    rank: int
    agent: str
    experiments: int
    kept: int
    confirmed: int
    replications: int  # runs of other agents' programs
    crashes: int
    best: Entry | None


@dataclass(frozen=True)
class QueuedItem:
    """A request that waits on this host for the hub."""

    kind: str
    id: str
    since: datetime
    reason: str


@dataclass(frozen=True)
class OutboxItem:
    """A request that waits on this host, or (``refused_by``) was refused and is kept here."""

    id: str  # of the record it brings, of the experiment, or its own
    request: str  # its own id
    kind: str
    agent: str
    description: str
    since: datetime
    reason: str  # why it was refused, or why it could not be delivered; "" before it was tried
    refused_by: str | None = None  # "hub", "rules" (those of the protocol, here), "bug" (ours)
    refused_at: datetime | None = None


@dataclass(frozen=True)
class OutboxReport:
    """All that this host keeps for a hub, oldest first."""

    waiting: list[OutboxItem]
    refused: list[OutboxItem]


@dataclass(frozen=True)
class Retried:
    """A refused request that was tried again; ``outcome`` is "queued", "refused" or a yes."""

    item: OutboxItem
    outcome: str
    reason: str


@dataclass(frozen=True)
class Dropped:
    """A request that was forgotten, and the file that still holds it."""

    item: OutboxItem
    path: Path


@dataclass(frozen=True)
class Status:
    """Where this workspace stands, from what this host knows; ``online`` None: not asked."""

    hub: str
    branch: str
    agent: str
    online: bool | None
    queued: list[QueuedItem]
    refused: list[QueuedItem]  # what the hub refused; kept on this host
    claims: list[Claim]
    mine: list[Claim]
    best: Entry | None
    results: int
    skew_seconds: float  # how far the hub's clocks are ahead of this one, as far as proved
    admission: Admission | None  # of this agent; None: its card is not on the hub
    sandbox: Mode = "auto"  # when programs run in one
    sandbox_lacking: str = ""  # why there is none here, where one would be used
    program: str = ""  # what the working program is, in words
    reason: str = ""  # why the hub could not be reached
    to_admit: list[str] = field(default_factory=list)  # agents that wait for who is a maintainer
    results_waiting: int = 0  # on this host, for the hub; not among ``results``


@dataclass(frozen=True)
class Adopted:
    """The program now in the workspace, whose code it is, and where an edited one was put.

    ``signature_ok``: its agent signed it; None where nobody did. ``also_by``: who else wrote in it,
    as far as is known here. ``added`` and ``removed`` are lines, against what was there before.
    ``tier`` is the one that it leads; None where it was not chosen for that.
    """

    id: str | None  # None: the task's baseline
    path: Path
    kept_aside: Path | None
    changed: bool
    agent: str | None = None  # None: the hub's maintainers
    signature_ok: bool | None = None
    added: int = 0
    removed: int = 0
    also_by: str = ""
    tier: str | None = None


@dataclass(frozen=True)
class Compared:
    """How one program became another: a unified diff, with its size in lines."""

    old: str | None  # a result's id; None: the task's baseline
    new: str
    patch: str
    added: int
    removed: int


@dataclass(frozen=True)
class SyncReport:
    """What a sync did."""

    online: bool
    reason: str
    delivered: int
    refused: list[str]
    swept: list[str]
    new_results: int
    best: Entry | None
    adopted: str | None
    note: str
    adoption: Adopted | None = None  # whose code was adopted, and how much of it is new
    delivered_results: int = 0  # among what was ``delivered``: one record may bring many
    fetched: bool = True  # the hub was reached; where ``online`` is false it took nothing


@dataclass(frozen=True)
class ResultPage:
    """Results, newest first, each with its verdict; ``next`` is the token of the next page.

    ``void`` are those that do not count, by id with the reason; ``programs`` what the others count
    for, by id; ``built_on_refuted`` the nearest refuted program that each was built on, if any.
    """

    results: list[tuple[Result, Judgement | None]]
    next: str | None
    total: int
    void: Mapping[str, str] = field(default_factory=dict)
    programs: Mapping[str, Entry] = field(default_factory=dict)
    built_on_refuted: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Shown:
    """One result with all that belongs to it; ``signature_ok`` None: unsigned or no card.

    ``void``: why it does not count; None when it may.
    """

    result: Result
    verdict: Judgement | None
    group: Entry | None
    program: str
    log: str
    signature_ok: bool | None
    void: str | None = None
    builds_on_refuted: str | None = None  # the nearest refuted program in its line of bases


@dataclass(frozen=True)
class RunProgress:
    """Where a run is: seconds since its start, what its program last said of itself.

    ``think`` is while an external mind is asked, or told; a ``note`` is to be read, and not to be
    written over by what comes next.
    """

    phase: Literal["claim", "run", "publish", "wait", "think", "note"]
    description: str
    elapsed: float = 0.0
    step: int | None = None
    loss: float | None = None
    left: float | None = None  # seconds, by the program's own word; None before it says so
    line: str = ""


@dataclass(frozen=True)
class InitReport:
    """What init did to a hub; ``key`` is the file of the maintainer's key, where it seeded one."""

    hub: str
    branch: str
    created: bool
    seeded: bool
    task: str
    note: str
    maintainers: list[str]
    admission: Literal["open", "invite", "approval"]
    key: Path | None = None


@dataclass(frozen=True)
class JoinReport:
    """What join did to a folder; ``admission``: "member", or why the agent is none (yet).

    ``adoption`` says whose program was written there; ``sandbox`` is when programs run in one from
    now on, ``sandbox_before`` when they did until now where that is another.
    """

    hub: str
    branch: str
    agent: str
    workspace: Path
    registered: bool
    program: Literal["written", "kept", "unchanged"]
    note: str
    admission: Admission
    maintainers: list[str]
    sandbox: Mode
    sandbox_before: Mode | None = None
    adoption: Adopted | None = None


@dataclass(frozen=True)
class AgentInfo:
    """An agent of a hub, as its card and the maintainers' rulings have it."""

    name: str
    status: Admission
    fingerprint: str | None  # of its present key, as ssh-keygen -l shows it; None: it proves none
    joined: datetime
    since: datetime | None  # from when on what a suspended agent made does not count
    admitted_by: str | None  # the maintainer who admitted or invited it
    reason: str | None  # of its suspension
    contact: str | None
    device: str | None
    tier: str | None
    former_keys: int


@dataclass(frozen=True)
class Ruled:
    """What a maintainer decided of an agent; ``changed`` False: it was so already (``note``)."""

    changed: bool
    agent: AgentInfo
    note: str


@dataclass(frozen=True)
class Invited:
    """A token, which lets its holders join, and what it is good for."""

    token: str
    uses: int
    expires_at: datetime
    admission: Literal["open", "invite", "approval"]  # of the hub


@dataclass(frozen=True)
class TaskChange:
    """Fields of the task that changed: (name, before, after), None where there was no such field.

    ``comparable``: whether older results are still ranked. Where they are not, ``unranked`` is how
    many were till now, and ``ranked`` how many earlier ones of the task as it is now are again.
    ``unknown`` are names of a changed space that the task's program has no constant of.
    """

    changes: list[tuple[str, Any, Any]]
    comparable: bool
    unranked: int = 0
    ranked: int = 0
    unknown: Sequence[str] = ()


@dataclass(frozen=True)
class Rotated:
    """A key that took another's place, by their fingerprints."""

    agent: str
    old: str
    new: str
    key: Path


@dataclass(frozen=True)
class Left:
    """A row of a log that is not imported: its line, and why."""

    line: int
    reason: str


@dataclass(frozen=True)
class Imported:
    """What became of a log's rows. The counts are of results.

    ``there`` were on the hub before, ``waiting`` are on this host since an earlier import. With
    ``dry_run`` it is what would become of them.
    """

    agent: str
    rows: int  # that could be read
    imported: int
    there: int
    waiting: int
    queued: int
    crashes: int  # of what was imported or queued
    refused: Sequence[str]  # why, one for each result that the hub or a rule did not take
    left: Sequence[Left]
    notes: Sequence[str]
    ids: Sequence[str]  # of what was imported or queued, in the order of the rows
    reason: str = ""  # why something is queued
    registered: bool = False  # the agent is new on the hub
    dry_run: bool = False
