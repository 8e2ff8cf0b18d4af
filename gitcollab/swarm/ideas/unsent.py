"""Hypotheses and insights of this host that wait for the hub.

What says the same as another's is not told when its turn comes, unless an experiment names it: what
records name has to be there, and the board folds what says the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TypeVar

from pydantic import ValidationError

from gitcollab.records.models import Experiment, Hypothesis, Insight, Retraction
from gitcollab.records.names import path_of
from gitcollab.store.requests import Outcome, Request
from gitcollab.swarm.member import Member

_Thought = TypeVar("_Thought", Hypothesis, Insight, Retraction)


def hypotheses(member: Member) -> dict[str, Hypothesis]:
    """Those that wait and were not taken back, by id."""
    gone = _taken_back(member)
    found = (one for _, one in _waiting(member, "propose", Hypothesis))
    return {one.id: one for one in found if path_of("hypothesis", one.id) not in gone}


def insights(member: Member) -> dict[str, Insight]:
    """Those that wait and were not taken back, by id."""
    gone = _taken_back(member)
    found = (one for _, one in _waiting(member, "learn", Insight))
    return {one.id: one for one in found if path_of("insight", one.id) not in gone}


def request_of(member: Member, record_id: str) -> Request | None:
    """The request that brings one of them; None where it does not wait here."""
    for request, one in _waiting(member, "propose", Hypothesis):
        if one.id == record_id:
            return request
    for request, other in _waiting(member, "learn", Insight):
        if other.id == record_id:
            return request
    return None


def is_named(member: Member, record_id: str) -> bool:
    """Whether an experiment of this host names it, which will not take that back."""
    experiments: list[Experiment] = [*member.queued().values(), *member.workspace.claims()]
    return any(record_id in _named(one) for one in experiments)


def submit_with_named(
    member: Member, experiments: Iterable[Experiment], *requests: Request
) -> list[Outcome]:
    """The outcomes of requests that tell of experiments.

    What these name and waits here is told with them, whatever was said before.
    """
    named = dict.fromkeys(one for experiment in experiments for one in _named(experiment))
    waiting = [found for one in named if (found := request_of(member, one))]
    left = [request for request in waiting if not request.payload.get("anyway")]
    told = [
        replace(request, id=member.nonce(), payload={**request.payload, "anyway": True})
        for request in left
    ]
    outcomes = member.submit(*told, *requests)
    for request in left:
        member.store.drop(request)
    return outcomes[len(told) :]


def _named(experiment: Experiment) -> list[str]:
    return [*filter(None, [experiment.hypothesis]), *(experiment.cites or ())]


def _taken_back(member: Member) -> set[str]:
    return {one.target for _, one in _waiting(member, "retract", Retraction)}


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
