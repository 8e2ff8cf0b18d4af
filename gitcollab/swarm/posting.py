"""Delivering many results: in pushes that a hub can take, and what became of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice
from typing import NamedTuple, TypeVar

from gitcollab.records.models import Task
from gitcollab.records.signing import KeyPair
from gitcollab.store.requests import Outcome, Request
from gitcollab.swarm import imported
from gitcollab.swarm.delivering import request_of
from gitcollab.swarm.imported import Brought
from gitcollab.swarm.member import Member

Progress = Callable[[str, float], None]  # what is done, and the share of it that is, 0 to 1

_T = TypeVar("_T")

_COMMITS = 100  # in one push, of a result each
_VOUCHED = 5  # in one push, of imported.MOST results each


class Parcel(NamedTuple):
    """A request, and the ids of the results that it brings."""

    request: Request
    ids: Sequence[str]


def deliver(
    author: Member,
    task: Task,
    maintainer: tuple[str, KeyPair] | None,
    results: Sequence[Brought],
    progress: Progress,
) -> dict[str, Outcome]:
    """What became of each of the author's results, by its id.

    Those without a program go with the word of the ``maintainer``, where there is one. Once the hub
    turns out to be away, the rest is only queued.
    """
    found: dict[str, Outcome] = {}
    pushes = _pushes(author, task, maintainer, results)
    while push := next(pushes, None):
        progress("publishing", len(found) / len(results))
        outcomes = author.submit(*(parcel.request for parcel in push))
        for parcel, outcome in zip(push, outcomes, strict=True):
            found |= dict.fromkeys(parcel.ids, outcome)
        if any(outcome["outcome"] == "queued" for outcome in outcomes):
            pushes = iter(filter(None, [list(chain.from_iterable(pushes))]))
    progress("publishing", 1.0)
    return found


def _pushes(
    author: Member,
    task: Task,
    maintainer: tuple[str, KeyPair] | None,
    results: Sequence[Brought],
) -> Iterator[Sequence[Parcel]]:
    alone = results
    if maintainer is not None:
        bare = [one for one in results if one.result.fingerprint is None]
        alone = [one for one in results if one.result.fingerprint is not None]
        parts = _batched(bare, imported.MOST)
        yield from _batched((_vouched(author, task, maintainer, p) for p in parts), _VOUCHED)
    own = (Parcel(request_of(author, r, files), [r.id]) for r, files in alone)
    yield from _batched(own, _COMMITS)


def _vouched(
    author: Member, task: Task, maintainer: tuple[str, KeyPair], part: Sequence[Brought]
) -> Parcel:
    reason = f"{len(part)} results of {author.config.agent}, imported from a log"
    now = author.now(author.store.snapshot())
    asked = imported.payload(maintainer, task, now, part, reason)
    request = replace(author.request(imported.KIND, asked), agent=maintainer[0])
    return Parcel(request, [one.result.id for one in part])


def _batched(items: Iterable[_T], size: int) -> Iterator[Sequence[_T]]:
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch
