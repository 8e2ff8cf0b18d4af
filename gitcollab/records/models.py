"""The records: frozen, valid by construction, one YAML file each on a hub.

``schema`` is the version of a record's form. A field may be added to a schema only with a default
of None, so that signatures made before it stay valid: they cover the fields that are not None.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    model_validator,
)

SCHEMA = 1
MAX_PROGRAM_BYTES = 1_000_000
MAX_LOG_BYTES = 64 * 1024
MAX_CURVE_BYTES = 32 * 1024
MAX_DESCRIPTION = 500
MAX_DIGITS = 40  # of a whole number

_RFC3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})\Z"
)


def sha256(data: bytes) -> str:
    """The digest of some bytes, as records write it."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def statement(what: str, fields: Mapping[str, object]) -> bytes:
    """The bytes that are signed to say ``what``: its name, and the fields as compact JSON."""
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return f"gitcollab {what}\n{text}".encode()


def _utc(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("a time needs its offset, as in 2026-01-31T12:00:00Z")
    # Far from where converting a time, or adding to it, overflows.
    if 1 < value.year < 9999 and 1970 < (utc := value.astimezone(UTC)).year < 3000:
        return utc.replace(microsecond=0)
    raise ValueError("a time lies between 1971 and 2999")


def _from_text(value: object) -> object:
    """Only RFC 3339: pydantic would also read numbers, in text too, as seconds since 1970."""
    if isinstance(value, datetime) or (isinstance(value, str) and _RFC3339.match(value)):
        return value
    raise ValueError("a time is written as in 2026-01-31T12:00:00Z")


def rfc3339(value: datetime) -> str:
    """UTC, whole seconds, as in 2026-01-31T12:00:00Z (RFC 3339)."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _single_line(limit: int) -> Callable[[str], str]:
    """A check that text is one line of 1 to ``limit`` characters, once it is normalised."""

    def check(value: str) -> str:
        text = unicodedata.normalize("NFC", value).strip()
        if not text:
            raise ValueError("it is empty")
        if len(text) > limit:
            raise ValueError(f"it has {len(text)} characters, more than the {limit} allowed")
        if odd := _first_of(text, ("Cc", "Cs", "Zl", "Zp")):
            raise ValueError(f"it holds the control character U+{ord(odd):04X}")
        return text

    return check


def _plain_text(value: str) -> str:
    if odd := _first_of(value.replace("\n", "").replace("\t", ""), ("Cc", "Cs")):
        raise ValueError(f"it holds the control character U+{ord(odd):04X}")
    return value


def _first_of(text: str, categories: Collection[str]) -> str | None:
    return next((c for c in text if unicodedata.category(c) in categories), None)


def _bounded(value: object) -> object:
    """Whole numbers stay short enough for every reader; a longer one would become a float."""
    if isinstance(value, int) and abs(value) >= 10**MAX_DIGITS:
        raise ValueError(f"it has more than {MAX_DIGITS} digits")
    return value


def _exactly_int(value: object) -> object:
    if type(value) is not int:  # 1 == True == 1.0
        raise ValueError("a schema is a whole number")
    return value


Time: TypeAlias = Annotated[
    datetime, BeforeValidator(_from_text), AfterValidator(_utc), PlainSerializer(rfc3339)
]
Number: TypeAlias = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Whole: TypeAlias = Annotated[int, Field(strict=True), BeforeValidator(_bounded)]
Count: TypeAlias = Annotated[int, Field(strict=True, ge=0), BeforeValidator(_bounded)]
Positive: TypeAlias = Annotated[int, Field(strict=True, gt=0), BeforeValidator(_bounded)]
Text: TypeAlias = Annotated[str, Field(strict=True)]
Line: TypeAlias = Annotated[Text, AfterValidator(_single_line(MAX_DESCRIPTION))]
Short: TypeAlias = Annotated[Text, AfterValidator(_single_line(120))]
Prose: TypeAlias = Annotated[
    Text, Field(min_length=1, max_length=4096), AfterValidator(_plain_text)
]
AgentName: TypeAlias = Annotated[Text, Field(pattern=r"^[a-z0-9](?:[a-z0-9-]{0,37}[a-z0-9])?$")]
Stem: TypeAlias = Annotated[Text, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,79}$")]
RecordId: TypeAlias = Annotated[
    Text, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,38}/[a-z0-9][a-z0-9._-]{0,79}$")
]
PublicKey: TypeAlias = Annotated[Text, Field(pattern=r"^ssh-ed25519 [A-Za-z0-9+/=]{68}$")]
Signature: TypeAlias = Annotated[Text, Field(pattern=r"^[A-Za-z0-9+/]{86}==$")]
HubPath: TypeAlias = Annotated[Text, Field(pattern=r"^[A-Za-z0-9._/-]{1,200}$")]
Digest: TypeAlias = Annotated[Text, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
Nonce: TypeAlias = Annotated[Text, Field(pattern=r"^[0-9a-f]{16,64}$")]
Name: TypeAlias = Annotated[Text, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_.-]{0,63}$")]
Scalar: TypeAlias = Annotated[
    Annotated[bool, Field(strict=True)]
    | Annotated[int, Field(strict=True)]
    | Number
    | Annotated[str, Field(strict=True, max_length=500)]
    | None,
    BeforeValidator(_bounded),
]
Row: TypeAlias = Annotated[list[Scalar], Field(max_length=64)]
Value: TypeAlias = Scalar | Annotated[list[Scalar | Row], Field(max_length=64)]
Delta: TypeAlias = Annotated[dict[Name, Value], Field(max_length=64)]
Tier: TypeAlias = Annotated[Text, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]


class Frozen(BaseModel):
    """Immutable, and strict about what it does not know; built when first used."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, allow_inf_nan=False, defer_build=True
    )


class Record(Frozen):
    """What every file with a schema has in common."""

    schema_: Annotated[Literal[1], BeforeValidator(_exactly_int)] = Field(1, alias="schema")


class Signed(Record):
    """A record that an agent wrote: who, when, and a nonce that no other record has."""

    agent: AgentName
    created_at: Time
    nonce: Nonce
    signature: Signature | None = None

    def canonical_bytes(self) -> bytes:
        """The bytes a signature covers: all fields but the signature, as sorted, compact JSON."""
        fields = self.model_dump(
            mode="json", by_alias=True, exclude={"signature"}, exclude_none=True
        )
        return statement(type(self).__name__.lower(), fields)


class Owned(Signed):
    """A record in its agent's own folder: whoever may write there is who it speaks for."""

    id: RecordId

    @model_validator(mode="after")
    def _below_its_agent(self) -> Self:
        if self.id.split("/")[0] != self.agent:
            raise ValueError("a record's id begins with its agent")
        return self


class Metric(Frozen):
    """The one number of a task."""

    name: Name
    direction: Literal["minimize", "maximize"] = "minimize"
    unit: Annotated[Text, Field(max_length=40)] | None = None


class Budget(Frozen):
    """How much a run may use: exactly one of wall seconds, tokens or steps."""

    seconds: Annotated[Number, Field(gt=0, le=1e7)] | None = None
    tokens: Positive | None = None
    steps: Positive | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Budget:
        if sum(v is not None for v in (self.seconds, self.tokens, self.steps)) != 1:
            raise ValueError("a budget is exactly one of seconds, tokens, steps")
        return self


class Dataset(Frozen):
    """Which data a task measures on; the digest is what every result must have used."""

    name: Annotated[Text, Field(pattern=r"^[a-z0-9][a-z0-9:/._-]{0,200}$")]
    sha256: Digest | None = None


class Plausible(Frozen):
    """What a result can honestly be: bounds of the metric, and its largest believable step."""

    min: Number | None = None
    max: Number | None = None
    max_step: Annotated[Number, Field(gt=0)] | None = None


MOST_BOUND = 1e12  # of a dimension, in size


class Dimension(Frozen):
    """The values that a search gives a constant: from ``low`` to ``high``, or one of ``choices``.

    Whole numbers where both bounds are, and the constant is one. ``log``: what matters is the ratio
    of two values.
    """

    low: Whole | Number | None = None
    high: Whole | Number | None = None
    log: bool = False
    choices: Annotated[list[Scalar | Row], Field(max_length=64)] | None = None

    @model_validator(mode="after")
    def _range_or_choices(self) -> Self:
        if self.choices is not None:
            if self.low is not None or self.high is not None or self.log:
                raise ValueError("a dimension has low and high, or choices, not both")
            if len(self.choices) < 2:
                raise ValueError("a dimension has at least two choices")
            return self
        if self.low is None or self.high is None or not self.low < self.high:
            raise ValueError("a dimension has low below high, or choices")
        if self.log and self.low <= 0:
            raise ValueError("a dimension on a log scale lies above 0")
        # Far within what a float holds: no step of a search may overflow, or underflow to nothing.
        bounds = [abs(float(bound)) for bound in (self.low, self.high) if bound]
        if max(bounds) > MOST_BOUND or min(bounds) < 1 / MOST_BOUND:
            raise ValueError(
                f"a dimension's bounds are 0 or between {1 / MOST_BOUND:g} and "
                f"{MOST_BOUND:g} in size"
            )
        if float(self.high) - float(self.low) < max(bounds) / MOST_BOUND:
            raise ValueError("a dimension's bounds lie too close together")
        return self

    @property
    def is_whole(self) -> bool:
        """Whether both bounds are whole numbers.

        Then a constant that is one stays one; one with a fraction has any value between them.
        """
        return isinstance(self.low, int) and isinstance(self.high, int)


class Limits(Frozen):
    """How much one agent may add, and how many may join: against floods.

    Far above what honest work comes to.
    """

    agents_per_day: Positive = 200
    records_per_day: Positive = 2_000
    bytes_per_day: Positive = 100_000_000
    open_hypotheses: Positive = 50


# What a machine that works by itself may run next, beside what its user asks of it.
Due: TypeAlias = Literal["replication", "hypothesis", "proposal"]


class Policy(Frozen):
    """How a hub is run. ``admission``: who may take part.

    ``open``: whoever joins. ``invite``: whom a maintainer gave an invitation. ``approval``: whom a
    maintainer has admitted; an agent may join before that, and waits. ``next``: what machines that
    work by themselves run next, the first first, where it is not as usual; what is left out is not
    run.
    """

    claim_ttl_seconds: Annotated[int, Field(strict=True, ge=30, le=86_400)] = 900
    admission: Literal["open", "invite", "approval"] = "open"
    admission_since: Time | None = None  # who joined before is a member all the same
    limits: Limits = Limits()
    next: Annotated[list[Due], Field(min_length=1, max_length=3)] | None = None

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if self.next is not None and len(set(self.next)) < len(self.next):
            raise ValueError("next names a kind of experiment twice")
        return self


class Task(Record):
    """The objective of a hub: what is run, what is measured, what may be changed."""

    name: Stem
    metric: Metric
    run: Annotated[list[Annotated[Text, Field(min_length=1, max_length=500)]], Field(min_length=1)]
    editable: Annotated[list[Stem], Field(min_length=1, max_length=1)] = ["train.py"]
    program: Stem = "train.py"
    budget: Budget
    timeout_seconds: Annotated[Number, Field(gt=0, le=1e7)]
    dataset: Dataset | None = None
    plausible: Plausible = Plausible()
    sigma: Annotated[Number, Field(gt=0)]
    z: Annotated[Number, Field(ge=0, le=10)] = 1.0
    policy: Policy = Policy()
    space: Annotated[dict[Name, Dimension], Field(max_length=64)] | None = None  # of constants
    hub: Nonce | None = None  # what no other hub has: maintainers' words are for one hub
    maintainers: Annotated[dict[AgentName, PublicKey], Field(max_length=64)] = {}
    retired: Annotated[list[PublicKey], Field(max_length=256)] = []  # former maintainers' keys

    @model_validator(mode="after")
    def _program_is_editable(self) -> Task:
        if self.editable != [self.program]:
            raise ValueError("editable names exactly the program: the one file that agents change")
        return self

    @property
    def digest(self) -> str:
        """The digest of what makes results comparable: metric, command, budget and data.

        Policy, prior noise or a plausibility bound may change without making old results void.
        """
        chosen = {"metric", "run", "budget", "dataset"}
        fields = self.model_dump(mode="json", include=chosen, exclude_none=True)
        text = json.dumps(fields, sort_keys=True, separators=(",", ":"))
        return sha256(text.encode())

    @property
    def sign(self) -> int:
        """+1 when lower is better, -1 when higher is: sign * metric is always minimised."""
        return 1 if self.metric.direction == "minimize" else -1


class Experiment(Frozen):
    """What is tried: the change, the program it makes, and the program it starts from."""

    description: Line
    delta: Delta = {}
    structural: bool = False  # the program differs in more than the constants of the delta
    fingerprint: Digest | None = None
    base: RecordId | None = None  # None: the task's baseline program
    base_fingerprint: Digest | None = None
    hypothesis: RecordId | None = None
    replicates: RecordId | None = None
    anyway: Short | None = None  # the claim or result that it repeats on purpose
    cites: Annotated[list[RecordId], Field(max_length=8)] | None = None  # insights it tests


class Claim(Signed, Experiment):
    """Who is doing which experiment now; void after ``expires_at`` unless renewed."""

    id: Stem
    tier: Tier | None = None
    expires_at: Time

    @property
    def experiment(self) -> str:
        """The experiment's key: the claim's id and its file's name."""
        return self.id

    @property
    def term(self) -> str:
        """Which claim it is and until when, however its file is written: a renewal is another."""
        return f"{self.nonce} {rfc3339(self.expires_at)}"


class Hardware(Frozen):
    """The machine a run used; ``tier`` groups machines whose results compare."""

    device: Short
    tier: Tier
    gpus: Count = 0
    vram_gb: Number | None = None
    cpus: Count | None = None
    memory_gb: Number | None = None


class Environment(Frozen):
    """The software a run used."""

    python: Short | None = None
    torch: Short | None = None
    gitcollab: Short | None = None
    harness: Digest | None = None
    dataset: Digest | None = None


class Result(Owned, Experiment):
    """One run of one program: immutable, added once, never changed."""

    status: Literal["ok", "crash", "timeout"]
    metric: Number | None = None
    failure: Line | None = None  # why there is no metric, in one line
    metrics: Annotated[dict[Name, Number], Field(max_length=64)] = {}
    seed: Whole | None = None
    task: Digest
    hardware: Hardware
    environment: Environment = Environment()
    experiment: Stem | None = None  # the key it was claimed under
    claim: Nonce | None = None  # the claim's nonce
    started_at: Time | None = None
    wall_seconds: Annotated[Number, Field(ge=0)] | None = None
    files: Annotated[dict[Name, Digest], Field(max_length=8)] = {}

    @model_validator(mode="after")
    def _metric_goes_with_ok(self) -> Result:
        if (self.status == "ok") != (self.metric is not None):
            raise ValueError("a result has a metric exactly when its status is ok")
        return self


class Hypothesis(Owned):
    """What somebody thinks would help, and why; perhaps with the change to run."""

    title: Line
    reasoning: Prose
    set: Delta | None = None
    patch: Annotated[Text, Field(max_length=32_768)] | None = None
    base: RecordId | None = None
    evidence: Annotated[list[RecordId], Field(max_length=32)] = []
    priority: Annotated[int, Field(strict=True, ge=1, le=5)] = 3


class Insight(Owned):
    """Something learned, with the records that show it.

    ``expects`` is the verdict that it foretells for experiments which cite it; None is "better".
    """

    text: Prose
    evidence: Annotated[list[RecordId], Field(max_length=32)] = []
    expects: Literal["better", "worse", "within noise"] | None = None


class Retraction(Owned):
    """An agent withdraws a record of its own."""

    target: Annotated[Text, Field(max_length=200)]  # path of the withdrawn record
    reason: Line | None = None


class Ruling(Owned):
    """What a maintainer decided, for one hub (``hub`` is its task's).

    ``admit``, ``suspend`` and ``restore`` speak of the agent ``subject``: what it makes after
    ``since`` does not count while it is suspended. ``edit`` sets ``files`` that are no agent's to
    change, by path with the digest of what is there afterwards, and ``removes`` others.
    """

    hub: Nonce
    does: Literal["admit", "suspend", "restore", "edit"]
    subject: AgentName | None = None
    public_key: PublicKey | None = None  # that the subject had when it was admitted
    since: Time | None = None
    files: Annotated[dict[HubPath, Digest], Field(max_length=500)] = {}
    removes: Annotated[list[HubPath], Field(max_length=500)] = []
    reason: Line | None = None

    @model_validator(mode="after")
    def _speaks_of_one(self) -> Ruling:
        edits = bool(self.files or self.removes)
        if (self.does == "edit") == (self.subject is not None) or (self.does == "edit") != edits:
            raise ValueError("an edit names files, any other ruling its subject")
        return self


class FormerKey(Frozen):
    """A key that an agent had, which signed that the next one takes its place."""

    public_key: PublicKey
    replaced_at: Time
    signature: Signature  # by this key, see ``signing.rotation``


class Invitation(Frozen):
    """A maintainer's leave to join a hub, as it stands in the card of who used it.

    The maintainer signed everything up to ``signature``; ``acceptance`` is by the key of the
    invitation, which only its holder has, over the agent's name and key: what can be read on the
    hub lets nobody else in.
    """

    maintainer: PublicKey
    hub: Nonce
    key: PublicKey
    uses: Annotated[Positive, Field(le=10_000)]
    expires_at: Time
    signature: Signature
    acceptance: Signature


class AgentCard(Signed):
    """Who an agent is: the public key that its records are signed with.

    ``created_at`` stays the time of joining when the card is renewed. ``former`` are the keys it
    had, oldest first.
    """

    id: AgentName
    public_key: PublicKey
    contact: Short | None = None
    hardware: Hardware | None = None
    former: Annotated[list[FormerKey], Field(max_length=64)] | None = None
    invitation: Invitation | None = None

    @model_validator(mode="after")
    def _own_card(self) -> AgentCard:
        if self.id != self.agent:
            raise ValueError("an agent's card is its own")
        return self
