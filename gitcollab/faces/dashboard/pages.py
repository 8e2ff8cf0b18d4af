"""The frame that every page of the dashboard shares: templates, filters, links between pages."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from gitcollab import __version__
from gitcollab.faces import numbers
from gitcollab.faces.dashboard import words
from gitcollab.faces.dashboard.facts import Facts
from gitcollab.swarm import tracks

# The pages that the navigation names, by file.
PAGES = {
    "index.html": "Overview",
    "experiments.html": "Experiments",
    "leaderboard.html": "Leaderboard",
    "lineage.html": "Lineage",
    "hypotheses.html": "Hypotheses",
    "agents.html": "Agents",
}


def result_page(result_id: str) -> str:
    """The file of a result's page, from the dashboard's folder: ids hold nothing that acts."""
    return f"results/{result_id}.html"


def idea_anchor(hypothesis_id: str) -> str:
    """The place of a hypothesis on the page of hypotheses."""
    return f"hypothesis-{hypothesis_id}"


def insight_anchor(insight_id: str) -> str:
    """The place of an insight on the page of hypotheses."""
    return f"insight-{insight_id}"


def render(template: str, facts: Facts, page: str, **more: Any) -> bytes:
    """The page ``page`` (its file, from the dashboard's folder) made by a template.

    Every page works from any folder, on any server and on none: links are relative.
    """
    text = (
        environment()
        .get_template(template)
        .render(
            facts=facts,
            task=facts.task,
            where=facts.where,
            page=page,
            pages=PAGES,
            root="../" * page.count("/"),
            unit=f" ({words.words(unit, 20)})" if (unit := facts.task.metric.unit) else "",
            version=__version__,
            **more,
        )
    )
    return text.encode()


@lru_cache(maxsize=1)
def environment() -> Environment:
    """The templates, in which everything is escaped that is not said to be markup."""
    made = Environment(
        loader=PackageLoader("gitcollab.faces.dashboard"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in ("metric", "signed", "words", "day", "span", "lasted"):
        made.filters[name] = getattr(words, name)
    for name in ("small", "count"):
        made.filters[name] = getattr(numbers, name)
    made.globals["result_page"] = result_page
    made.globals["idea_anchor"] = idea_anchor
    made.globals["insight_anchor"] = insight_anchor
    made.globals["marks"] = words.MARKS
    made.globals |= {"in_one": tracks.in_one, "told": tracks.told, "place": tracks.place}
    made.globals |= {"budget": tracks.budget}
    return made
