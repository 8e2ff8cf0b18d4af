"""What the verbs answer: values, not exceptions, for all that may happen to a good request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from gitcollab.records.models import Claim, Hypothesis, Insight, Result

if TYPE_CHECKING:
    from gitcollab.swarm.reports import Adopted

Verdict: TypeAlias = Literal["better", "worse", "within noise"]
# What is told of a run: its verdict, or that it is too good to be believed from one agent alone.
Judgement: TypeAlias = Verdict | Literal["unconfirmed"]
# How well a program is known: by one agent; by two; or by so much more that it is no longer what
# it was believed to be (see ``refuting``).
Standing: TypeAlias = Literal["provisional", "confirmed", "refuted"]


@dataclass(frozen=True)
class Effect:
    """How well a run's program is known with it; ``before`` is without it, None: it is the first.

    ``no_better_than`` is what a refuted program was believed to be better than.
    """

    standing: Standing
    before: Standing | None
    n: int
    agents: int
    no_better_than: str | None = None


@dataclass(frozen=True)
class Granted:
    """The experiment is this agent's until the claim expires."""

    claim: Claim
    notes: tuple[str, ...] = field(default=())  # what the user should know: words against code

    @property
    def experiment(self) -> str:
        """The experiment's key."""
        return self.claim.id


@dataclass(frozen=True)
class Taken:
    """Somebody is doing the same experiment now."""

    experiment: str
    other: Claim
    reason: str


@dataclass(frozen=True)
class Duplicate:
    """The same experiment has been finished; its result is more useful than another run."""

    experiment: str
    other: Result
    reason: str


@dataclass(frozen=True)
class Offline:
    """The hub did not answer, so nothing is claimed; work may go on alone."""

    experiment: str
    reason: str


@dataclass(frozen=True)
class Refused:
    """A rule said no, in these words."""

    experiment: str
    reason: str
    hint: str = "gitcollab sync, then try again"


ClaimOutcome: TypeAlias = Granted | Taken | Duplicate | Offline | Refused


@dataclass(frozen=True)
class Published:
    """The result is on the hub."""

    result: Result
    verdict: Verdict | None  # against its base; None when there is nothing to compare
    is_best: bool
    flagged: bool = False  # a larger gain than the task believes of one run
    effect: Effect | None = None  # what it did to the standing of its program


@dataclass(frozen=True)
class Queued:
    """The result is safe on this host and is delivered when the hub is back."""

    result: Result
    reason: str


PublishOutcome: TypeAlias = Published | Queued | Refused


@dataclass(frozen=True)
class Told:
    """The hypothesis or insight is on the hub."""

    record: Hypothesis | Insight
    notes: tuple[str, ...] = field(default=())  # what the user should know


@dataclass(frozen=True)
class Known:
    """Somebody has said so before; theirs is the one to support, test or refer to."""

    other: Hypothesis | Insight
    reason: str


@dataclass(frozen=True)
class Kept:
    """The hypothesis or insight is safe on this host and is told when the hub is back."""

    record: Hypothesis | Insight
    reason: str


@dataclass(frozen=True)
class NotTold:
    """A rule said no, in these words."""

    reason: str
    hint: str = "gitcollab sync, then try again"


TellOutcome: TypeAlias = Told | Known | Kept | NotTold


@dataclass(frozen=True)
class Withdrawn:
    """A record of this agent's that no longer counts; ``queued``: once the hub is back."""

    id: str
    kind: Literal["hypothesis", "insight", "result"]
    queued: bool = False
    reason: str = ""  # why it is queued


@dataclass(frozen=True)
class RunReport:
    """What became of one experiment.

    ``failed`` means that nothing was published (the program could not be started);
    a crash that was published is ``published``, with its reason in ``error``. ``kind`` is what was
    chosen (see ``engine.choice``) and ``why`` a line on it; None where the user said what to run.
    """

    outcome: Literal["published", "queued", "refused", "failed"]
    result: Result | None = None
    verdict: Verdict | None = None
    is_best: bool = False
    effect: Effect | None = None  # what it did to the standing of its program
    kept: bool | None = None  # whether the working program was kept; None: nothing to decide
    error: str = ""
    hint: str = ""
    claim: ClaimOutcome | None = None
    notes: tuple[str, ...] = field(default=())  # what the user should know: files kept aside, ...
    adopted: Adopted | None = None  # what took the working program's place afterwards
    kind: str | None = None
    why: str = ""

    @property
    def is_keep(self) -> bool:
        """Whether it is better than what it was changed from, as far as is known."""
        return self.verdict == "better"

    @property
    def is_replication(self) -> bool:
        """Whether it measured again what was measured before."""
        return self.result is not None and self.result.replicates is not None


@dataclass(frozen=True)
class RoundsReport:
    """What several experiments came to, the last of them in full.

    ``counts``: how many ended as what, an outcome of RunReport or "crashed". ``stopped``: why they
    ended before their number was full, empty when it was; ``failing``: since too many failed.
    ``kinds``: how many were of which kind of choice, "asked" where the user said what to run.
    ``keeps`` were better than their base when they were published; ``replications`` other runs of
    what was measured before.
    """

    last: RunReport
    rounds: int
    counts: Mapping[str, int]
    stopped: str = ""
    failing: bool = False
    kinds: Mapping[str, int] = field(default_factory=dict)
    keeps: int = 0
    replications: int = 0
