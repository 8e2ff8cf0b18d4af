"""The dashboard in a real browser: it loads, filters, sorts, follows links, and text stays text."""

from __future__ import annotations

import contextlib
import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from gitcollab.faces.dashboard import experiments, site
from gitcollab.faces.dashboard.facts import Facts
from tests.bench import big_hub
from tests.browser import Visit
from tests.faces.dashboards import HOSTILE, facts_of, with_experiments

PAGES = ("index", "experiments", "leaderboard", "lineage", "hypotheses", "agents")
RESULTS = 120


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Facts:
    path = tmp_path_factory.mktemp("hub") / "hub.git"
    big_hub.make(path, RESULTS)
    return facts_of(path)


@pytest.fixture(scope="module")
def built(facts: Facts, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages") / "gpt"
    site.build(facts, folder)
    return folder


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a folder's parent on a web server."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

    handler = functools.partial(Quiet, directory=str(folder.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("name", PAGES)
def test_every_page_loads_from_a_folder(visit: Visit, built: Path, name: str) -> None:
    page = visit.open(built, f"{name}.html")
    expect(page.locator("h1")).to_have_count(1)
    expect(page.locator("nav a[aria-current=page]")).to_have_count(1)
    assert visit.strangers == []


def test_it_works_below_a_path_of_a_web_server(visit: Visit, built: Path) -> None:
    with served(built) as address:
        page = visit.page
        page.goto(f"{address}/gpt/")
        page.get_by_role("link", name="Experiments", exact=True).click()
        expect(page.locator("#found")).to_have_text(f"{RESULTS} of {RESULTS} experiments")
        page.locator("#list tbody a").first.click()
        expect(page.locator("h1")).to_have_count(1)
        page.locator(".brand").click()
        expect(page).to_have_url(f"{address}/gpt/index.html")
        assert all(url.startswith((address, "data:")) for url in visit.asked)


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_wider_than_the_screen(visit: Visit, built: Path, name: str, width: int) -> None:
    visit.page.set_viewport_size({"width": width, "height": 800})
    page = visit.open(built, f"{name}.html")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_filters_choose_what_chart_and_list_show(visit: Visit, built: Path, facts: Facts) -> None:
    page = visit.open(built, "experiments.html")
    found = page.locator("#found")
    agent = facts.progress.runs[5].agent
    mine = sum(run.agent == agent for run in facts.progress.runs)
    page.get_by_label("Agent").select_option(agent)
    expect(found).to_have_text(f"{mine} of {RESULTS} experiments")
    expect(page.locator("#list tbody tr")).to_have_count(mine)
    page.reload()  # the address keeps what was chosen
    expect(found).to_have_text(f"{mine} of {RESULTS} experiments")
    page.get_by_role("button", name="Clear filters").click()
    expect(found).to_have_text(f"{RESULTS} of {RESULTS} experiments")
    crashes = sum(mark == "crash" for mark in facts.marks.values())
    page.get_by_role("checkbox", name="crash").uncheck()
    expect(found).to_have_text(f"{RESULTS - crashes} of {RESULTS} experiments")
    page.get_by_role("checkbox", name="crash").check()
    tier = facts.progress.runs[0].tier
    page.get_by_label("Tier").select_option(tier)
    same = sum(run.tier == tier for run in facts.progress.runs)
    expect(found).to_have_text(f"{same} of {RESULTS} experiments")
    page.get_by_label("Tier").select_option("all")
    word = facts.progress.runs[-1].description.split()[0]
    page.get_by_label("Text").fill(word.lower())
    held = sum(word.lower() in run.description.lower() for run in facts.progress.runs)
    expect(found).to_have_text(f"{held} of {RESULTS} experiments")


def test_the_list_is_sorted_and_paged(visit: Visit, built: Path, facts: Facts) -> None:
    page = visit.open(built, "experiments.html")
    numbers = page.locator("#list tbody tr td:first-child")
    expect(numbers.first).to_have_text(str(RESULTS))
    page.get_by_role("button", name="Next").click()
    expect(page.locator("#place")).to_have_text("51 to 100 of 120")
    expect(numbers.first).to_have_text("70")
    page.locator("#list thead").get_by_role("button", name="val_bpb").click()
    least = min(run.metric for run in facts.progress.runs if run.metric is not None)
    expect(page.locator("#list tbody tr td:nth-child(3)").first).to_have_text(f"{least:.6f}")
    expect(page.locator("#list th[data-by=metric]")).to_have_attribute("aria-sort", "ascending")


def test_the_leaderboard_is_sorted_by_any_column(visit: Visit, built: Path) -> None:
    page = visit.open(built, "leaderboard.html")
    table = page.locator("table.sortable").first
    ranks = table.locator("tbody tr td:first-child")
    expect(ranks.first).to_have_text("1")
    table.get_by_role("button", name="#").click()
    expect(ranks.last).to_have_text("1")
    table.get_by_role("button", name="val_bpb").click()
    values = [float(v) for v in table.locator("tbody tr td:nth-child(2)").all_inner_texts()]
    assert values == sorted(values)


def test_the_chart_is_read_by_keys(visit: Visit, built: Path, facts: Facts) -> None:
    page = visit.open(built, "experiments.html")
    page.locator("#chart").focus()
    page.keyboard.press("End")
    last = facts.progress.runs[-1]
    expect(page.locator(".tip")).to_contain_text(f"#{RESULTS} by {last.agent}")
    expect(page.locator("#announce")).to_contain_text(last.agent)
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".tip")).to_contain_text(f"#{RESULTS - 1} by")
    expect(page.locator("#zoom-out")).to_be_disabled()
    page.keyboard.press("+")
    expect(page.locator("#zoom-out")).to_be_enabled()
    page.keyboard.press("Escape")
    expect(page.locator("#zoom-out")).to_be_disabled()
    page.keyboard.press("Enter")
    before = facts.progress.runs[-2]
    expect(page).to_have_url((built / f"results/{before.id}.html").as_uri())


def test_the_chart_is_read_and_zoomed_by_the_pointer(visit: Visit, built: Path) -> None:
    page = visit.open(built, "experiments.html")
    page.locator("#chart").focus()
    page.keyboard.press("Home")
    ring = page.locator(".ring").bounding_box()
    assert ring is not None
    page.mouse.move(ring["x"] + 60, ring["y"] + 60)
    page.mouse.move(ring["x"] + 7, ring["y"] + 7)
    expect(page.locator(".tip")).to_contain_text("#1 by")
    box = page.locator(".u-over").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 30, steps=5)
    page.mouse.up()
    expect(page.locator("#zoom-out")).to_be_enabled()
    page.locator("#zoom-out").click()
    expect(page.locator("#zoom-out")).to_be_disabled()


def test_hostile_text_stays_text(visit: Visit, facts: Facts, tmp_path: Path) -> None:
    site.build(with_experiments(facts, 20, HOSTILE), tmp_path / "out")
    page = visit.open(tmp_path / "out", "experiments.html")
    expect(page.locator("#list tbody tr")).to_have_count(20)
    page.get_by_label("Text").fill("onerror")
    expect(page.locator("#list tbody a")).to_have_text(HOSTILE[1])
    page.locator("#chart").focus()
    page.keyboard.press("Home")
    expect(page.locator(".tip")).to_contain_text(HOSTILE[1])
    for name in ("index", "leaderboard"):
        visit.open(tmp_path / "out", f"{name}.html")
        assert page.evaluate("window.taken") is None
        assert "49" not in page.locator("main").inner_text().split()


def test_older_experiments_are_loaded_on_demand(
    visit: Visit, facts: Facts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(experiments, "CHUNK", 40)
    site.build(with_experiments(facts, 100), tmp_path / "out")
    page = visit.open(tmp_path / "out", "experiments.html")
    expect(page.locator("#found")).to_have_text("40 of the newest 40 (there are 100) experiments")
    page.locator("#load").click()
    expect(page.locator("#found")).to_have_text("80 of the newest 80 (there are 100) experiments")
    page.locator("#load").click()
    expect(page.locator("#found")).to_have_text("100 of 100 experiments")
    expect(page.locator("#more")).to_be_hidden()
    page.locator("#chart").focus()
    page.keyboard.press("Home")
    expect(page.locator(".tip")).to_contain_text("#1 by")


def test_an_empty_hub_can_be_looked_at(visit: Visit, facts: Facts, tmp_path: Path) -> None:
    site.build(with_experiments(facts, 0), tmp_path / "out")
    for name in PAGES:
        page = visit.open(tmp_path / "out", f"{name}.html")
        expect(page.locator("h1")).to_have_count(1)
    visit.open(tmp_path / "out", "experiments.html")
    expect(page.locator("#place")).to_have_text("nothing matches")
