"""Lists: complete, the newest first, cut where the caller wants."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TypeVar

from gitcollab.errors import UsageError
from gitcollab.faces.coordinator import claims, given, shapes
from gitcollab.faces.coordinator.shapes import Fields, Shapes
from gitcollab.faces.swarm import Swarm
from gitcollab.swarm.ideas.hypotheses import Idea
from gitcollab.swarm.ideas.insights import Learned
from gitcollab.swarm.runs import Run

T = TypeVar("T")
_PAGE = 100


def cut(found: Iterable[T], limit: int | None, offset: int = 0) -> list[T]:
    """``limit`` of these from ``offset`` on; None: all. UsageError for what is no such number."""
    most = None if limit is None else given.whole(limit, "limit")
    first = given.whole(offset, "offset")
    if not 0 <= first <= sys.maxsize or (most is not None and most < 0):
        raise UsageError("limit and offset are 0 or more", "limit=None gives all")
    last = None if most is None else min(first + most, sys.maxsize)
    return list(islice(found, first, last))


def newest(made: Shapes) -> list[Run]:
    """The results that count under the present task, the newest first."""
    runs = made.where.results.values()
    return sorted(runs, key=lambda run: (run.created_at, run.id), reverse=True)


def results(made: Shapes, runs: Iterable[Run]) -> list[Fields]:
    """These results with their programs."""
    found = (made.member.result(run.id) for run in runs)
    return [made.result(result) for result in found if result is not None]


def ideas(swarm: Swarm, status: str | None = None) -> Iterator[Idea]:
    """The hypotheses, the most useful first, read page by page as they are wanted."""
    page: str | None = None
    while True:
        found = swarm.hypotheses(status=status, limit=_PAGE, page=page)
        yield from found.ideas
        page = found.next
        if page is None:
            return


def lessons(swarm: Swarm) -> Iterator[Learned]:
    """The insights, the newest first, read page by page as they are wanted."""
    page: str | None = None
    while True:
        found = swarm.insights(limit=_PAGE, page=page)
        yield from found.insights
        page = found.next
        if page is None:
            return


def namespace(swarm: Swarm, name: str, limit: int | None, offset: int) -> list[Fields]:
    """The records of a kind, with what tells them apart. UsageError for an unknown kind."""
    kind = str(name).strip("/")
    if kind not in _LISTS:
        raise UsageError(f"there is no namespace {kind[:40]!r}", f"one of {', '.join(_LISTS)}")
    return _LISTS[kind](swarm, limit, offset)


def _results(swarm: Swarm, limit: int | None, offset: int) -> list[Fields]:
    made = Shapes(swarm.member)
    return [
        {
            "key_name": shapes.key_of("result", run.id),
            "agent_id": run.agent,
            "description": run.description,
            "val_bpb": run.metric,
            "status": shapes.status_of(made.where, run),
            "completed_at": run.created_at,
        }
        for run in cut(newest(made), limit, offset)
    ]


def _claims(swarm: Swarm, limit: int | None, offset: int) -> list[Fields]:
    return [_named(one) for one in cut(claims.listed(swarm), limit, offset)]


def _hypotheses(swarm: Swarm, limit: int | None, offset: int) -> list[Fields]:
    found = cut(ideas(swarm), limit, offset)
    return [_named(shapes.hypothesis(one.hypothesis)) | {"status": one.status} for one in found]


def _insights(swarm: Swarm, limit: int | None, offset: int) -> list[Fields]:
    found = cut(lessons(swarm), limit, offset)
    return [_named(shapes.insight(one.insight)) | {"standing": one.standing} for one in found]


def _named(record: Fields) -> Fields:
    return {"key_name": record["_key"]} | {k: v for k, v in record.items() if k[0] != "_"}


_LISTS: dict[str, Callable[[Swarm, int | None, int], list[Fields]]] = {
    "results": _results,
    "claims": _claims,
    "hypotheses": _hypotheses,
    "insights": _insights,
}
