"""Rulings: what a maintainer decided, signed for one hub. Making them, and pure decisions.

The rule book says whether a ruling counts; what is decided here is only whether the hub is still
as it was when the maintainer looked.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from gitcollab.records import codec
from gitcollab.records.models import Ruling, Task, sha256
from gitcollab.records.names import path_of, short_hash
from gitcollab.records.signing import KeyPair
from gitcollab.store.requests import Decider, Decision, Request
from gitcollab.store.snapshot import Snapshot
from gitcollab.swarm.roster import roster, rulings

Files = Mapping[str, bytes | None]  # by path; None: there is none


def make(
    maintainer: tuple[str, KeyPair], task: Task, now: datetime, does: str, **fields: Any
) -> Ruling:
    """A signed ruling; ``fields`` as in the record. InvalidRecord where they cannot be so."""
    name, key = maintainer
    nonce = secrets.token_hex(16)
    about = fields.get("subject") or "files"
    ruling = codec.from_mapping(
        "ruling",
        {
            "id": f"{name}/{does}-{about}-{short_hash(nonce)}",
            "agent": name,
            "created_at": now,
            "nonce": nonce,
            "hub": task.hub,
            "does": does,
        }
        | fields,
    )
    assert isinstance(ruling, Ruling)
    return key.sign(ruling)


def edit(
    maintainer: tuple[str, KeyPair], task: Task, now: datetime, files: Files, reason: str
) -> Ruling:
    """A ruling that these are the maintained files from now on."""
    kept = {path: sha256(data) for path, data in sorted(files.items()) if data is not None}
    gone = sorted(path for path, data in files.items() if data is None)
    return make(maintainer, task, now, "edit", files=kept, removes=gone, reason=reason)


def latest(snapshot: Snapshot, now: datetime) -> datetime:
    """When a ruling is made so that it comes after all that stand: times are whole seconds."""
    made = [r.created_at for r in rulings(snapshot)]
    return max([now, *(at + timedelta(seconds=1) for at in made)])


def payload(
    ruling: Ruling, files: Files | None = None, before: Files | None = None
) -> dict[str, Any]:
    """The request that delivers a ruling: with what it puts there, and what it was made upon."""
    return {
        "ruling": codec.to_mapping(ruling),
        "files": _texts(files or {}),
        "before": {p: None if data is None else sha256(data) for p, data in (before or {}).items()},
    }


def _texts(files: Files) -> dict[str, str | None]:
    return {path: None if data is None else data.decode() for path, data in files.items()}


def decide_rule(snapshot: Snapshot, request: Request, now: datetime) -> Decision:
    """Add the ruling in the request with what it puts on the hub.

    Outcomes: ``ruled``; ``refused`` where the hub is no longer what it was made upon.
    """
    ruling = Ruling.model_validate(request.payload["ruling"])
    path = path_of("ruling", ruling.id)
    standing = snapshot.record(path)
    if isinstance(standing, Ruling) and standing.nonce == ruling.nonce:
        return Decision({"outcome": "ruled"}, {}, "", final=True)
    if _is_outdated(snapshot, ruling, request.payload["before"]):
        reason = "the hub was changed meanwhile: look at it, and decide again"
        return Decision({"outcome": "refused", "reason": reason}, {}, "")
    files: Mapping[str, str | None] = request.payload["files"]
    changes = {p: None if text is None else text.encode() for p, text in files.items()}
    about = ruling.subject or ", ".join(sorted(changes))
    return Decision(
        {"outcome": "ruled"},
        {path: codec.encode(ruling)} | changes,
        f"{ruling.does} {about} (by {ruling.agent})",
    )


def _is_outdated(snapshot: Snapshot, ruling: Ruling, before: Mapping[str, str | None]) -> bool:
    """Whether a later ruling stands on the same agent, or a file is not what it was."""
    for path, digest in before.items():
        data = snapshot.read(path)
        if digest != (None if data is None else sha256(data)):
            return True
    return ruling.subject is not None and any(
        r.subject == ruling.subject and r.created_at >= ruling.created_at for r in rulings(snapshot)
    )


def when_admitted(decider: Decider) -> Decider:
    """``decider`` for agents that were admitted: what others keep waits, what cannot is away."""

    def decide(snapshot: Snapshot, request: Request, now: datetime) -> Decision:
        agent = roster(snapshot).agents.get(request.agent)
        if agent is None or agent.status != "waiting":
            return decider(snapshot, request, now)
        outcome = "queued" if request.when_offline == "keep" else "offline"
        reason = f"{request.agent} waits for a maintainer to admit it"
        return Decision({"outcome": outcome, "reason": reason, "waits": "admission"}, {}, "")

    return decide
