"""The page of all experiments: a chart to zoom, filters, a table; made in the browser from columns.

The newest experiments come with the page; older ones lie in files that it asks for when it is told
to. They are scripts, since a page that is opened from a folder may read nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from gitcollab.faces.dashboard import words
from gitcollab.faces.dashboard.facts import Facts
from gitcollab.faces.dashboard.pages import render
from gitcollab.swarm.runs import Run

CHUNK = 10_000  # experiments in a file
MAX_DESCRIPTION = 120
NEWEST = 50  # for readers without scripts
STANDINGS = ("refuted", "", "provisional", "confirmed")  # of programs, the worst first; "": of none


def files(facts: Facts) -> Iterator[tuple[str, bytes]]:
    """The page, and what it shows: newest experiments first in files, oldest first in each."""
    runs = facts.progress.runs
    ends = list(range(len(runs), 0, -CHUNK))
    chunks = [runs[max(0, end - CHUNK) : end] for end in ends] or [[]]
    page = "experiments.html"
    older = [_name(n) for n in range(1, len(chunks))]
    tiers = sorted({facts.where.tier_of(run) for run in runs})
    agents = sorted({run.agent for run in runs})
    more = {"older": older, "tiers": tiers, "agents": agents, "newest": runs[: -NEWEST - 1 : -1]}
    yield page, render("experiments.html", facts, page, **more)
    for number, chunk in enumerate(chunks):
        yield _name(number), _script(_columns(facts, chunk) | {"chunk": number})


def _name(chunk: int) -> str:
    return f"data/experiments-{chunk}.js"


def _script(value: Any) -> bytes:
    """A script that hands the value to the page; in ASCII, so that nothing in it acts."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return f"gitcollab.add({text.replace('<', chr(92) + 'u003c')});\n".encode("ascii")


def _columns(facts: Facts, runs: Sequence[Run]) -> dict[str, Any]:
    """The experiments as columns; what repeats is named once and counted off."""
    tiers = sorted({facts.where.tier_of(r) for r in runs})
    agents = sorted({r.agent for r in runs})
    agent_at = {name: n for n, name in enumerate(agents)}
    tier_at = {name: n for n, name in enumerate(tiers)}
    marks = list(words.MARKS)
    known = [facts.where.standing_of(r) for r in runs]
    first = facts.number_of[runs[0].id] if runs else 1
    return {
        "first": first,
        "marks": list(words.MARKS.items()),
        "agents": agents,
        "tiers": tiers,
        "agent": [agent_at[r.agent] for r in runs],
        "tier": [tier_at[facts.where.tier_of(r)] for r in runs],
        "slug": [r.id.partition("/")[2] for r in runs],
        "time": [int(datetime.fromisoformat(r.created_at).timestamp()) for r in runs],
        "metric": [r.metric for r in runs],
        "standings": list(STANDINGS),
        "standing": [STANDINGS.index(one or "") for one in known],
        "built": [int(facts.where.built_on_refuted(r) is not None) for r in runs],
        "mark": [marks.index(facts.marks[r.id]) for r in runs],
        "text": [words.words(r.description, MAX_DESCRIPTION) for r in runs],
        "best": _best(facts, first, len(runs)),
    }


def _best(facts: Facts, first: int, length: int) -> list[tuple[int, float]]:
    """The steps of the best that lie in the chunk, with the one that it begins with."""
    steps = facts.progress.steps
    before = [s for s in steps if s.number < first]
    inside = [s for s in steps if first <= s.number < first + length]
    found = [(s.number, s.value) for s in inside]
    return [(first, before[-1].value), *found] if before else found
