"""Withdrawals: an agent takes back a record of its own, once. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from gitcollab.records import codec
from gitcollab.records.models import Retraction
from gitcollab.records.names import kind_of, path_of
from gitcollab.store.requests import Decision, Request
from gitcollab.store.snapshot import Snapshot
from gitcollab.swarm import reading
from gitcollab.swarm.roster import roster

_DEPENDS = ("task.yaml", "agents/", "rulings/", "retractions/")


def decide_retract(snapshot: Snapshot, request: Request, now: datetime) -> Decision:
    """Add the retraction in the request.

    Outcomes: ``withdrawn``, also where its target is withdrawn already; ``refused``.
    """
    mine = Retraction.model_validate(request.payload["retraction"])
    standing = snapshot.record(path_of("retraction", mine.id))
    if isinstance(standing, Retraction) and standing.nonce == mine.nonce:
        return Decision({"outcome": "withdrawn"}, {}, "", final=True)
    if mine.target in withdrawn(snapshot):
        return Decision({"outcome": "withdrawn"}, {}, "", final=True)
    if snapshot.record(mine.target) is None:
        reason = f"there is no record at {mine.target}"
        return Decision({"outcome": "refused", "reason": reason}, {}, "")
    kind, record_id = kind_of(mine.target) or ("", "")
    changes = {path_of("retraction", mine.id): codec.encode(mine)}
    return Decision({"outcome": "withdrawn"}, changes, f"withdraw the {kind} {record_id}")


def withdrawn(snapshot: Snapshot) -> frozenset[str]:
    """The paths of the records that their own agents have withdrawn."""
    return snapshot.once("withdrawn-paths", _DEPENDS, lambda: frozenset(_withdrawn(snapshot)))


def _withdrawn(snapshot: Snapshot) -> Iterator[str]:
    signed = snapshot.signed("retraction", roster(snapshot).keys)
    for record_id, record in reading.retractions(snapshot).items():
        _, target = kind_of(record.target) or ("", "")
        if record_id in signed and target.split("/")[0] == record.agent:
            yield record.target
