"""The page of the best's lineage: change by change, who found what, and what each gained."""

from __future__ import annotations

from collections.abc import Iterator

from gitcollab.faces.dashboard.facts import Facts
from gitcollab.faces.dashboard.pages import render
from gitcollab.faces.dashboard.stairs import pictures
from gitcollab.swarm.maps.lineage import credits_of, lineage
from gitcollab.swarm.ranking import NOISE_WIDTH
from gitcollab.swarm.views import main_tiers

MOST_ROWS, MOST_OF_TIER, MOST_AGENTS = 500, 60, 100  # rows


def files(facts: Facts) -> Iterator[tuple[str, bytes]]:
    """The page, with the line of the best of each tier."""
    where, best = facts.where, facts.where.best
    leaders = [where.by_tier[tier][0] for tier in main_tiers(where)]
    wanted = [best, *(g for g in leaders if g.key != best.key)] if best is not None else []
    lines = [lineage(where, group) for group in wanted]
    shown = [(line, pictures(line.links), credits_of(where, line)[:MOST_AGENTS]) for line in lines]
    page = "lineage.html"
    most = {"most_rows": MOST_ROWS, "most_of_tier": MOST_OF_TIER}
    more = {"lines": shown, "enough": NOISE_WIDTH, **most}
    yield page, render(page, facts, page, **more)
