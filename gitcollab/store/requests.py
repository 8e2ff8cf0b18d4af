"""What is asked of the store and what is decided: plain, frozen values.

A *decider* turns a request into a decision on a snapshot. It is pure and idempotent: it is called
again on every retry, and when the request's effect is already in the snapshot it returns the same
outcome and no changes. That is how a lost reply, or a replay after a crash, is recognised.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from gitcollab.errors import GitcollabError

if TYPE_CHECKING:
    from gitcollab.store.snapshot import Snapshot

Outcome = dict[str, Any]

# How a hub's door says of a derived file that it derives another; records then come without.
NOT_DERIVED = "it is not what the records give"


@dataclass(frozen=True)
class Request:
    """One write, as it waits in the outbox.

    ``id`` names it in the outbox and in the commit message (1 to 100 of ``A-Za-z0-9_-``, unique:
    it carries the nonce). ``payload`` is JSON. ``when_offline``: "keep" stays queued until the hub
    is back, "drop" is given up. After ``not_after`` it is given up unsent. ``may_create``: it may
    create the state branch (seeding a hub); any other request on a hub without the branch waits or
    is refused, so that a mistyped branch or an emptied hub is not quietly begun anew. Requests are
    decided in the order of ``created_at``, then of ``order``: their place in one submit, which the
    store sets.
    """

    id: str
    kind: str
    agent: str
    created_at: datetime
    payload: Mapping[str, Any]
    when_offline: Literal["drop", "keep"] = "keep"
    not_after: datetime | None = None
    may_create: bool = False
    order: int = field(default=0, compare=False)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,100}", self.id):
            raise GitcollabError(f"{self.id[:120]!r} cannot be the id of a request")


@dataclass(frozen=True)
class Decision:
    """What a decider found: the outcome for the requester and the changes to the hub's files.

    The outcome is what the decider says; two words mean something to the store: "refused" sets a
    "keep" request aside, "queued" (with no changes) lets it wait for a later delivery.

    ``changes`` maps paths to their new bytes, None removes; entries equal to what is there do not
    count. ``message`` is the subject of the commit, ``trailers`` stand below it, a line each. A
    decision without changes may rest on an outdated snapshot, so the store makes it again
    on a fetched one (or on one that a push of the same batch proves current) before it is told.
    ``final`` says that no newer state can alter it: the record is there, the request is malformed.
    """

    outcome: Outcome
    changes: Mapping[str, bytes | None] = field(default_factory=dict)
    message: str = ""
    final: bool = False
    trailers: Mapping[str, str] = field(default_factory=dict)


Decider = Callable[["Snapshot", Request, datetime], Decision]

# (snapshot before, effective changes, message, now) -> why a commit of them breaks the hub's rules,
# in a line each; empty when it breaks none. Asked of every commit before it is pushed.
Rules = Callable[["Snapshot", Mapping[str, bytes | None], str, datetime], Sequence[str]]

# (snapshot including the batch's changes, changed paths) -> changes of derived files. Merged into
# the last commit of a batch: a record and the views it changes land together.
Deriver = Callable[["Snapshot", Collection[str]], Mapping[str, bytes | None]]


def to_json(request: Request) -> bytes:
    """``request`` as one line of JSON."""
    value = {
        "id": request.id,
        "kind": request.kind,
        "agent": request.agent,
        "created_at": request.created_at.astimezone(UTC).isoformat(),
        "payload": dict(request.payload),
        "when_offline": request.when_offline,
        "not_after": request.not_after.astimezone(UTC).isoformat() if request.not_after else None,
        "may_create": request.may_create,
        "order": request.order,
    }
    return json.dumps(value, ensure_ascii=False, allow_nan=False).encode() + b"\n"


def from_json(data: bytes) -> Request:
    """The request that ``to_json`` wrote. Raises ValueError for anything else."""
    try:
        value = json.loads(data)
        not_after = value["not_after"]
        return Request(
            id=str(value["id"]),
            kind=str(value["kind"]),
            agent=str(value["agent"]),
            created_at=datetime.fromisoformat(value["created_at"]),
            payload=dict(value["payload"]),
            when_offline="drop" if value["when_offline"] == "drop" else "keep",
            not_after=datetime.fromisoformat(not_after) if not_after else None,
            may_create=value["may_create"] is True,
            order=int(value["order"]),
        )
    except (KeyError, TypeError, AttributeError, GitcollabError) as e:
        raise ValueError(f"not a request: {e}") from e
