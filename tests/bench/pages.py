"""What a hub's pages cost: how long the dashboard takes to open in a browser, and to build."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from gitcollab.faces.dashboard import site
from gitcollab.faces.dashboard.facts import Facts
from gitcollab.faces.pages import pages
from gitcollab.store.snapshot import utc_now
from gitcollab.swarm import reading, verifying
from tests import browser
from tests.bench import big_hub
from tests.bench.figures import Figure, clocked
from tests.bench.toys import BRANCH

TIMES = 5
OPENS = 2.0  # seconds
WEIGHS = 3.0  # MB
_FEW = 100  # results: the page that opening is compared with
_LISTED = "document.querySelectorAll('#list tbody tr').length > 0"


def measure(root: Path, results: int) -> Iterator[Figure]:
    """The dashboard of a hub with so many results, and the pages on the hub itself."""
    few, _ = _built(root, _FEW)
    many, facts = _built(root, results)
    yield from _opening(few.folder, many.folder, results)
    yield from _building(many, facts, results)


class _Dashboard:
    def __init__(self, folder: Path, seconds: float) -> None:
        self.folder, self.seconds = folder, seconds


def _built(root: Path, results: int) -> tuple[_Dashboard, Facts]:
    hub, out = root / f"pages-{results}.git", root / f"pages-{results}"
    big_hub.make(hub, results)
    repository = verifying.open_hub(hub, BRANCH, remembers=False)
    tip = repository.tip()
    assert tip is not None
    facts = Facts.of(repository.standing(tip, utc_now()))
    return _Dashboard(out, clocked(lambda: site.build(facts, out))), facts


def _opening(few: Path, many: Path, results: int) -> Iterator[Figure]:
    if browser.executable() is None:
        return
    with sync_playwright() as playwright:
        one = browser.launch(playwright)
        for name in ("index.html", "experiments.html"):
            beside, value = (_opens(one, folder / name) for folder in (few, many))
            what = f"{results:,} results: {name} opens"
            yield Figure(what, value, "s", f"at {_FEW}", beside, most=OPENS)
        one.close()
    weight = sum(
        (many / name).stat().st_size for name in ("experiments.html", "data/experiments-0.js")
    ) + sum(f.stat().st_size for f in (many / "static").iterdir())
    yield Figure(f"{results:,} results: the page weighs", weight / 1e6, "MB", most=WEIGHS)


def _opens(chromium: Browser, page: Path) -> float:
    """Seconds until the page shows what it has, the median of some visits by new readers."""
    times = []
    for _ in range(TIMES):
        tab = chromium.new_page()

        def visit() -> None:
            tab.goto(page.as_uri())  # noqa: B023 - called at once
            if page.name == "experiments.html":
                tab.wait_for_function(_LISTED)  # noqa: B023

        times.append(clocked(visit))
        tab.close()
    return statistics.median(times)


def _building(many: _Dashboard, facts: Facts, results: int) -> Iterator[Figure]:
    again = clocked(lambda: site.build(facts, many.folder))
    yield Figure(f"{results:,} results: building the dashboard", many.seconds, "s")
    what = f"{results:,} results: building it again"
    yield Figure(what, again, "s", "the first time", many.seconds, most_ratio=0.25)
    cards = reading.cards(facts.snapshot)
    drawn = clocked(lambda: pages(facts.where, cards, facts.snapshot.read))
    yield Figure(f"{results:,} results: README, LEADERBOARD, progress.svg", drawn * 1000, "ms")
