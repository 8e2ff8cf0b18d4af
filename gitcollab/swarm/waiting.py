"""What waits on this host for the hub, and what was refused: shown, tried again, dropped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any

from gitcollab.errors import GitcollabError, UsageError
from gitcollab.records import codec
from gitcollab.records.models import Owned
from gitcollab.records.names import slug
from gitcollab.records.signing import verify
from gitcollab.store.requests import Request, to_json
from gitcollab.swarm.member import Member
from gitcollab.swarm.reports import Dropped, OutboxItem, OutboxReport, Retried
from gitcollab.swarm.roster import roster

Held = dict[OutboxItem, Request]

# Payload keys under which a request holds the record that it brings.
_RECORDS = (
    *("result", "card", "claim", "record", "ruling"),
    *("hypothesis", "insight", "retraction"),
)
# Those that an agent signs once, and may sign again.
_OWN = {"result", "hypothesis", "insight", "retraction"}


def outbox(member: Member) -> OutboxReport:
    """All that this host keeps for the hub, whichever of its agents made it; oldest first."""
    return OutboxReport(list(_waiting(member)), list(_refused(member)))


def retry(member: Member, wanted: str | None = None) -> list[Retried]:
    """Have one refused request, or all, delivered again; what became of each.

    Raises UsageError when ``wanted`` names none, GitcollabError when that one waits already.
    """
    refused = _refused(member)
    if wanted is not None:
        item = find([*refused, *_waiting(member)], wanted)
        if item not in refused:
            raise GitcollabError(
                f"{item.id} was not refused: it waits for the hub", "deliver it: gitcollab sync"
            )
        refused = {item: refused[item]}
    if not refused:
        return []
    outcomes = member.store.redeliver(*(_signed_anew(member, r) for r in refused.values()))
    return [
        Retried(item, str(o["outcome"]), str(o.get("reason", "")))
        for item, o in zip(refused, outcomes, strict=True)
    ]


def _signed_anew(member: Member, request: Request) -> Request:
    """The request; what this agent signed with a former key is signed with the present one."""
    agent = roster(member.store.snapshot()).agents.get(member.config.agent)
    if agent is None or agent.name != request.agent:
        return request
    for name in _OWN & request.payload.keys():
        with suppress(GitcollabError):  # of a newer gitcollab: not ours to read
            record = codec.from_mapping(name, request.payload[name])
            if isinstance(record, Owned) and any(verify(record, key) for key in agent.keys[:-1]):
                fresh = codec.to_mapping(member.sign(record))
                return replace(request, payload={**request.payload, name: fresh})
    return request


def drop(member: Member, wanted: str) -> Dropped:
    """Forget one request; it is kept in a file of the workspace first.

    Raises UsageError when ``wanted`` does not name exactly one.
    """
    held = _refused(member) | _waiting(member)
    item = find(held, wanted)
    request = held[item]
    label = slug(f"dropped-{item.kind}-{item.description}", 60)
    path = member.workspace.set_aside(to_json(request).decode(), label, ".json")
    member.store.drop(request)
    return Dropped(item, path)


def find(items: Iterable[OutboxItem], wanted: str) -> OutboxItem:
    """The item with this id, or the only one whose id holds it."""
    items = list(items)
    near = [i for i in items if wanted in (i.id, i.request)] or [
        i for i in items if wanted and (wanted in i.id or wanted in i.request)
    ]
    if len(near) == 1:
        return near[0]
    if near:
        names = ", ".join(i.request if _shared(i, near) else i.id for i in near[:4])
        raise UsageError(
            f"{len(near)} in the outbox match {wanted[:80]!r}",
            f"give more of the id, such as {names}",
        )
    raise UsageError(
        f"there is nothing with the id {wanted[:80]!r} in the outbox", "list it: gitcollab outbox"
    )


def _shared(item: OutboxItem, items: list[OutboxItem]) -> bool:
    return sum(other.id == item.id for other in items) > 1


def _waiting(member: Member) -> Held:
    return {_item(one.request, one.reason or ""): one.request for one in member.store.pending()}


def _refused(member: Member) -> Held:
    return {
        _item(one.request, one.reason, one.by, one.at): one.request
        for one in member.store.quarantined()
    }


def _item(
    request: Request, reason: str, by: str | None = None, at: datetime | None = None
) -> OutboxItem:
    record = _record(request)
    return OutboxItem(
        id=str(record.get("id") or request.payload.get("experiment") or request.id),
        request=request.id,
        kind=request.kind,
        agent=request.agent,
        description=str(_said(record)),
        since=request.created_at,
        reason=reason,
        refused_by=by,
        refused_at=at,
    )


def _said(record: Mapping[str, Any]) -> object:
    """What a record says of itself in a line; "" where it does not."""
    said = ("description", "title", "text", "reason", "target")
    return next(filter(None, map(record.get, said)), "")


def _record(request: Request) -> dict[str, Any]:
    """The record that a request brings, as far as it is one: another version may have made it."""
    found = (request.payload.get(key) for key in _RECORDS)
    return next((value for value in found if isinstance(value, dict)), {})
