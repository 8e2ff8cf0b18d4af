"""The board of hypotheses: what somebody thinks would help, who tries it, what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

from gitcollab.faces.dashboard.facts import Facts
from gitcollab.faces.dashboard.pages import idea_anchor, insight_anchor, render, result_page
from gitcollab.faces.dashboard.words import words
from gitcollab.records import quoting
from gitcollab.swarm.changes import changed
from gitcollab.swarm.ideas.board import Idea
from gitcollab.swarm.ideas.insights import Learned
from gitcollab.swarm.runs import Run

MOST_OPEN, MOST_CLAIMED, MOST_TESTED, MOST_LEARNED = 200, 100, 200, 100
MOST_RUNS, MOST_CLAIMS, MOST_EVIDENCE, MOST_ALIKE = 10, 5, 8, 5
PATCH_LINES, PATCH_CHARS = 40, 4_000
REASON_CHARS = 1_500


class Card(NamedTuple):
    """A hypothesis as it is shown; ``evidence`` are ids with the addresses of those shown here."""

    idea: Idea
    reasoning: str
    values: Sequence[tuple[str, str]]
    patch: str
    patch_cut: bool
    evidence: Sequence[tuple[str, str | None]]
    runs: Sequence[Run]  # the newest that test it
    related: Sequence[Run]  # the newest that only name it


class Taught(NamedTuple):
    """An insight as it is shown; ``evidence`` as of a card."""

    learned: Learned
    text: str
    evidence: Sequence[tuple[str, str | None]]
    runs: Sequence[Run]  # the newest that test it


def files(facts: Facts) -> Iterator[tuple[str, bytes]]:
    """The page; of what is not shown nothing is read but its line."""
    most = {"open": MOST_OPEN, "claimed": MOST_CLAIMED, "tested": MOST_TESTED}
    found = {
        status: [place for place in facts.board.places if place.status == status] for status in most
    }
    shown = {status: found[status][:number] for status, number in most.items()}
    anchors = {line.id: insight_anchor(line.id) for line in facts.lessons.lines[:MOST_LEARNED]}
    for place in chain.from_iterable(shown.values()):
        anchors |= dict.fromkeys(place.ids, idea_anchor(place.guess.id))
    columns = {
        status: [_card(facts, idea, anchors) for idea in facts.board.ideas(part)]
        for status, part in shown.items()
    }
    page = "hypotheses.html"
    more: dict[str, Any] = {
        "columns": columns,
        "counts": {status: len(part) for status, part in found.items()},
        "taught": list(_taught(facts, anchors)),
        "most_claims": MOST_CLAIMS,
        "most_alike": MOST_ALIKE,
    }
    yield page, render(page, facts, page, **more)


def _taught(facts: Facts, anchors: Mapping[str, str]) -> Iterator[Taught]:
    for line in facts.lessons.lines[:MOST_LEARNED]:
        if (one := facts.lessons.learned(line)) is not None:
            yield Taught(
                one,
                _shortened(one.insight.text),
                _evidence(facts, one.insight.evidence, anchors),
                list(reversed(one.runs[-MOST_RUNS:])),
            )


def _evidence(
    facts: Facts, ids: Sequence[str], anchors: Mapping[str, str]
) -> list[tuple[str, str | None]]:
    return [(i, _address(facts, i, anchors)) for i in ids[:MOST_EVIDENCE]]


def _card(facts: Facts, idea: Idea, anchors: Mapping[str, str]) -> Card:
    one = idea.hypothesis
    lines = quoting.lines((one.patch or "").rstrip("\n")).split("\n")
    patch = "\n".join(lines[:PATCH_LINES])[:PATCH_CHARS]
    return Card(
        idea=idea,
        reasoning=_shortened(one.reasoning),
        values=[(c.name, words(c.after, 60)) for c in changed(one.set or {}, None)],
        patch=patch,
        patch_cut=len(patch) < len("\n".join(lines)),
        evidence=_evidence(facts, one.evidence, anchors),
        runs=list(reversed(idea.runs[-MOST_RUNS:])),
        related=list(reversed(idea.related[-MOST_RUNS:])),
    )


def _shortened(text: str) -> str:
    shown = quoting.lines(text.strip())
    return shown if len(shown) <= REASON_CHARS else f"{shown[: REASON_CHARS - 1].rstrip()}…"


def _address(facts: Facts, record_id: str, anchors: Mapping[str, str]) -> str | None:
    """Where a record is shown on the dashboard; None where it is not."""
    if record_id in facts.paged:
        return result_page(record_id)
    return f"#{anchors[record_id]}" if record_id in anchors else None
