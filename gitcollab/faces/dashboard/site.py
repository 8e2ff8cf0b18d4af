"""Building the dashboard: which pages there are.

A folder is built again in place: what did not change is not touched, pages of what is gone are
removed (see ``folder``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from gitcollab.faces.dashboard import (
    agents,
    experiments,
    folder,
    hypotheses,
    leaderboard,
    lineage,
    overview,
    results,
)
from gitcollab.faces.dashboard.facts import Facts

Progress = Callable[[int, int], None]  # pages made, of how many


@dataclass(frozen=True)
class Built:
    """What was built: where, the number of its pages and files, how many were new or changed."""

    folder: Path
    results: int
    files: int
    written: int


def build(facts: Facts, out: Path, progress: Progress = lambda done, total: None) -> Built:
    """Build the dashboard of a hub in the folder ``out``; ``progress`` hears of pages of results.

    Only those are made that are not there as they should be. Raises UsageError where ``out`` holds
    something else or cannot be used, GitcollabError where a file cannot be written.
    """
    with folder.opened(out) as place:
        for name, data in files(facts):
            place.write(name, data)
        stale = [page for page in results.pages(facts) if not place.keep(page.path, page.key)]
        place.doubt([page.path for page in stale])
        for done, page in enumerate(stale, 1):
            place.write(page.path, page.make(), page.key)
            progress(done, len(stale))
        place.finish()
        return Built(out, len(facts.progress.runs), len(place), place.written)


def files(facts: Facts) -> Iterator[tuple[str, bytes]]:
    """Every file of the dashboard but the pages of results, by its path in the folder."""
    yield from static().items()
    yield from overview.files(facts)
    yield from experiments.files(facts)
    yield from leaderboard.files(facts)
    yield from lineage.files(facts)
    yield from hypotheses.files(facts)
    yield from agents.files(facts)


def static() -> Mapping[str, bytes]:
    """The files that are the same for every hub: style, scripts, the chart library's licence."""
    place = resources.files("gitcollab.faces.dashboard") / "static"
    return {
        f"static/{f.name}": f.read_bytes() for f in sorted(place.iterdir(), key=lambda f: f.name)
    }
