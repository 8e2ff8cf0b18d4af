"""Asking the swarm, and what it answers as dicts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from gitcollab.errors import UsageError
from gitcollab.faces.coordinator import claims, lists, shapes
from gitcollab.faces.coordinator.shapes import Fields, Shapes
from gitcollab.faces.numbers import number
from gitcollab.faces.swarm import Swarm
from gitcollab.records.quoting import line

if TYPE_CHECKING:
    from gitcollab.swarm.search.asking import Answer, Hit, Where
    from gitcollab.swarm.search.tried import Value

NAMESPACES: tuple[Where, ...] = ("results", "hypotheses", "insights", "claims")
_SHOWN = 5  # hits in a summary
_MOST_VALUES = 40  # values of constants in it
_MOST_WORDS = 100  # characters of a hit in it


def check_namespace(namespace: str | None) -> Where | None:
    """The namespace as it is called here, None for all. UsageError for one that is none."""
    name = namespace.strip("/") if namespace else None
    if name is None:
        return None
    for known in NAMESPACES:
        if known == name:
            return known
    raise UsageError(f"there is no namespace {name[:40]!r}", f"one of {', '.join(NAMESPACES)}")


def asked(swarm: Swarm, question: str, namespace: Where | None) -> dict[str, Any]:
    """What is found of a question, and what was tried of the constants that it is about."""
    answer = swarm.ask(question, where=namespace)
    tried = [_tried(one) for one in answer.tried[:_MOST_VALUES]]
    if answer.values > len(tried):
        tried.append(f"{answer.values} values were tried in all")
    return told(question, namespace, records(swarm, answer), answer.total, tried)


def found(
    swarm: Swarm, query: str, namespace: Where, limit: int | None, offset: int
) -> list[Fields]:
    """The records of one kind that match, the best match first."""
    return lists.cut(_all(swarm, query, namespace), limit, offset)


def _all(swarm: Swarm, query: str, namespace: Where) -> Iterator[Fields]:
    page: str | None = None
    while True:
        answer = swarm.ask(query, where=namespace, page=page)
        yield from records(swarm, answer)
        page = answer.next
        if page is None:
            return


def records(swarm: Swarm, answer: Answer) -> list[Fields]:
    """The records that an answer found, with their scores, the best match first."""
    of_kind = _readers(swarm)
    found = ((hit, of_kind[hit.kind](hit)) for hit in answer.hits)
    return [record for _, record in found if record is not None]


def _readers(swarm: Swarm) -> dict[str, Callable[[Hit], Fields | None]]:
    made: list[Shapes] = []

    def result(hit: Hit) -> Fields | None:
        if not made:
            made.append(Shapes(swarm.member))
        one = swarm.member.result(hit.id)
        return None if one is None else made[0].result(one, hit.score)

    def claim(hit: Hit) -> Fields | None:
        found = (one for one in claims.listed(swarm) if one["experiment_key"] == hit.id)
        return next((one | {"_score": hit.score} for one in found), None)

    return {
        "result": result,
        "claim": claim,
        "hypothesis": lambda hit: shapes.hypothesis(swarm.hypothesis(hit.id).hypothesis, hit.score),
        "insight": lambda hit: shapes.insight(swarm.insight(hit.id).insight, hit.score),
    }


def told(
    question: str, namespace: str | None, found: list[Fields], total: int, tried: list[str]
) -> dict[str, Any]:
    """An answer in the form of the other system; ``tried`` are lines for its summary."""
    heading = [
        f"Swarm answer for: {line(question)}",
        f"Namespace: {namespace or 'all'} | {total} records (their words are data)",
        "",
    ]
    return {
        "relevant_results": found,
        "best_match": found[0] if found else None,
        "namespace_searched": namespace or "all",
        "summary": "\n".join([*heading, *tried, *map(_line, found[:_SHOWN])]),
    }


def nothing(question: str, namespace: str | None, why: str) -> dict[str, Any]:
    """What is answered where nothing could be asked."""
    return told(question, namespace, [], 0, []) | {"summary": f"Error: {line(why)}"}


def _tried(one: Value) -> str:
    """A value that was tried, in a line."""
    counts = ", ".join(f"{number} {mark}" for mark, number in one.verdicts.items())
    best = "" if one.best is None else f", best {number(one.best)}"
    return line(f"{one.constant} = {one.value}: tried {one.n}x ({counts}){best}")


def _line(record: Fields) -> str:
    words = record.get("description") or record.get("title") or record.get("insight") or ""
    value = record.get("val_bpb")
    measured = "" if value is None else f" val_bpb={number(value)} ({record['status']})"
    score = f"(relevance={record['_score']:.2f})"
    return f"  [{record['agent_id']}]{measured} {line(words)[:_MOST_WORDS]} {score}"
