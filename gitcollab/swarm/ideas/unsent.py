"""Hypotheses and insights of this host that wait for the hub."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from pydantic import ValidationError

from gitcollab.records.models import Hypothesis, Insight
from gitcollab.store.requests import Request
from gitcollab.swarm.member import Member

_Thought = TypeVar("_Thought", Hypothesis, Insight)


def hypotheses(member: Member) -> dict[str, Hypothesis]:
    """Those that wait, by id."""
    return {one.id: one for _, one in _waiting(member, "propose", Hypothesis)}


def insights(member: Member) -> dict[str, Insight]:
    """Those that wait, by id."""
    return {one.id: one for _, one in _waiting(member, "learn", Insight)}


def request_of(member: Member, record_id: str) -> Request | None:
    """The request that brings one of them; None where it does not wait here."""
    for request, one in _waiting(member, "propose", Hypothesis):
        if one.id == record_id:
            return request
    for request, other in _waiting(member, "learn", Insight):
        if other.id == record_id:
            return request
    return None


def _waiting(
    member: Member, kind: str, model: type[_Thought]
) -> Iterator[tuple[Request, _Thought]]:
    for waiting in member.store.pending():
        request = waiting.request
        if request.kind != kind:
            continue
        try:
            yield request, model.model_validate(request.payload[model.__name__.lower()])
        except (ValidationError, KeyError):  # of a newer gitcollab
            continue
