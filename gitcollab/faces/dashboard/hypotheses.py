"""The board of hypotheses: what somebody thinks would help, who tries it, what came of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

from gitcollab.faces.dashboard.facts import Facts
from gitcollab.faces.dashboard.pages import idea_anchor, render, result_page
from gitcollab.faces.dashboard.words import words
from gitcollab.records import quoting
from gitcollab.swarm.changes import changed
from gitcollab.swarm.hypotheses import Idea
from gitcollab.swarm.runs import Run

MOST_OPEN, MOST_CLAIMED, MOST_TESTED = 200, 100, 200
MOST_RUNS, MOST_CLAIMS, MOST_EVIDENCE = 10, 5, 8
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
    runs: Sequence[Run]  # the newest that name it


def files(facts: Facts) -> Iterator[tuple[str, bytes]]:
    """The page."""
    ideas = {
        status: [idea for idea in facts.board if idea.status == status]
        for status in ("open", "claimed", "tested")
    }
    shown = {
        "open": ideas["open"][:MOST_OPEN],
        "claimed": ideas["claimed"][:MOST_CLAIMED],
        "tested": ideas["tested"][:MOST_TESTED],
    }
    anchors = {idea.hypothesis.id for column in shown.values() for idea in column}
    columns = {
        status: [_card(facts, idea, anchors) for idea in column] for status, column in shown.items()
    }
    page = "hypotheses.html"
    more: dict[str, Any] = {"columns": columns, "ideas": ideas, "most_claims": MOST_CLAIMS}
    yield page, render(page, facts, page, **more)


def _card(facts: Facts, idea: Idea, anchors: Collection[str]) -> Card:
    one = idea.hypothesis
    lines = quoting.lines((one.patch or "").rstrip("\n")).split("\n")
    patch = "\n".join(lines[:PATCH_LINES])[:PATCH_CHARS]
    return Card(
        idea=idea,
        reasoning=_shortened(one.reasoning),
        values=[(c.name, words(c.after, 60)) for c in changed(one.set or {}, None)],
        patch=patch,
        patch_cut=len(patch) < len("\n".join(lines)),
        evidence=[(i, _address(facts, i, anchors)) for i in one.evidence[:MOST_EVIDENCE]],
        runs=list(reversed(idea.runs[-MOST_RUNS:])),
    )


def _shortened(text: str) -> str:
    shown = quoting.lines(text.strip())
    return shown if len(shown) <= REASON_CHARS else f"{shown[: REASON_CHARS - 1].rstrip()}…"


def _address(facts: Facts, record_id: str, anchors: Collection[str]) -> str | None:
    """Where a record is shown on the dashboard; None where it is not."""
    if record_id in facts.paged:
        return result_page(record_id)
    return f"#{idea_anchor(record_id)}" if record_id in anchors else None
