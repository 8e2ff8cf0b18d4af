"""The overview: the best and where it came from, how the search goes, who is at work."""

from __future__ import annotations

from collections.abc import Iterator

from gitcollab.faces.chart import CHART, chart
from gitcollab.faces.dashboard import activity
from gitcollab.faces.dashboard.facts import Facts
from gitcollab.faces.dashboard.pages import render
from gitcollab.faces.objective import objective
from gitcollab.swarm.maps.lineage import lineage
from gitcollab.swarm.ranking import NOISE_WIDTH, Group
from gitcollab.swarm.trend import course, trend

LATEST, AT_WORK = 12, 12  # rows


def files(facts: Facts) -> Iterator[tuple[str, bytes]]:
    """The page, which is the first that people see, with the picture that the hub has, too."""
    yield CHART, chart(facts.where, facts.progress)
    where, runs = facts.where, facts.progress.runs
    page = "index.html"
    yield (
        page,
        render(
            "overview.html",
            facts,
            page,
            trend=trend(course(where, facts.progress), facts.as_of),
            objective=objective(facts.task),
            enough=NOISE_WIDTH,
            gain=_gain(facts),
            crashes=sum(run.status != "ok" for run in runs),
            bars=activity.bars(facts),
            latest=runs[: -LATEST - 1 : -1],
            at_work=facts.claims[:AT_WORK],
        ),
    )


def _gain(facts: Facts) -> tuple[Group, float] | None:
    """Where the line of the best began on its tier, and how much better it is; None before."""
    best = facts.where.best
    if best is None:
        return None
    line = lineage(facts.where, best)
    return None if line.gain is None else (line.began, line.gain)
