"""The leaderboard page: programs overall and within each tier, and agents."""

from __future__ import annotations

from collections.abc import Iterator

from gitcollab.faces.dashboard.facts import Facts
from gitcollab.faces.dashboard.pages import render
from gitcollab.swarm.views import main_tiers, ranked_agents

MAX_OVERALL, MAX_OF_TIER, MAX_AGENTS = 500, 100, 500  # rows; the rest is counted


def files(facts: Facts) -> Iterator[tuple[str, bytes]]:
    """The page with its rankings."""
    where = facts.where
    rankings = [("overall", "Overall", where.ranked[:MAX_OVERALL], len(where.ranked))]
    for tier in main_tiers(where) if len(where.by_tier) > 1 else ():
        found = where.by_tier[tier]
        rankings.append((f"tier-{tier}", f"Tier {tier}", found[:MAX_OF_TIER], len(found)))
    agents = ranked_agents(where)
    page = "leaderboard.html"
    more = {"rankings": rankings, "agents": agents[:MAX_AGENTS], "all_agents": len(agents)}
    yield page, render(page, facts, page, **more)
