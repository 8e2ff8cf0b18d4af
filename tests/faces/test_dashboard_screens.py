"""The dashboard on small screens, on paper, by keys, without scripts; and with wild numbers."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from gitcollab.faces.dashboard import experiments, site
from tests import people
from tests.faces.hubs import BEGAN, Hub, changed, everything
from tests.faces.test_dashboard_results import seeded

AGENT, TIER = "w" * 39, "w" * 32  # the longest that there are
PAGES = ("index", "experiments", "leaderboard", "lineage", "hypotheses", "agents")
CUT = """[...document.querySelectorAll("main *")].filter(one => !one.closest("svg")
    && one.getBoundingClientRect().right > window.innerWidth + 1).map(one => one.outerHTML)"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hub with one of everything, and the longest names and widest words that there can be."""
    folder = tmp_path_factory.mktemp("wide")
    hub = everything(seeded(folder / "hub"), "W" * 300)
    people.plant(hub.path, people.cards([AGENT], BEGAN))
    machine = {"hardware": {"device": "N" * 80, "tier": TIER}}
    base = hub.run("baseline", 1.0, AGENT, **machine)
    wide = hub.run("x" * 60, 0.5, AGENT, program=changed(7.0), base=base, description="W" * 400,
                   metrics={"m" * 40: 1e308, "n": -1e-300}, **machine)  # fmt: skip
    hub.run("y", 0.4, AGENT, program=changed(8.0), base=wide, **machine)
    hub.run("z", 0.51, "vega", program=changed(7.0), base=base, replicates=wide.id, **machine)
    site.build(hub.facts, folder / "out")
    return folder / "out"


def names(built: Path) -> list[str]:
    found = [str(path.relative_to(built)) for path in sorted((built / "results").rglob("*.html"))]
    return [f"{name}.html" for name in PAGES] + found


# -- small screens -------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [320, 390])
def test_the_longest_names_fit_on_a_phone(page: Page, built: Path, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    for name in names(built):
        page.goto((built / name).as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name


def test_words_in_pictures_can_be_read_on_a_phone(page: Page, built: Path) -> None:
    sizes = """[...document.querySelectorAll("svg.plot text")].map(text => {
        const plot = text.ownerSVGElement;
        const scale = plot.getBoundingClientRect().width / plot.viewBox.baseVal.width;
        return scale * parseFloat(getComputedStyle(text).fontSize); }).filter(size => size > 0)"""
    seen = 0
    for width in (360, 480, 560, 740, 840, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        for name in ("index.html", "lineage.html", "results/vega/best.html"):
            page.goto((built / name).as_uri())
            found = page.evaluate(sizes)
            seen += len(found)
            least = 10 if width < 600 else 8.5
            assert all(least <= size < 25 for size in found), (name, width, min(found), max(found))
    assert seen > 50


def test_headings_are_large_enough_to_be_pressed(page: Page, built: Path) -> None:
    page.set_viewport_size({"width": 320, "height": 800})
    sizes = """[...document.querySelectorAll("nav a, button, summary, input, select")]
        .map(one => one.closest("label") ?? one).map(one => one.getBoundingClientRect())
        .filter(box => box.width && (box.height < 24 || box.width < 24))
        .map(box => [box.x, box.y, box.width, box.height])"""
    for name in names(built):
        page.goto((built / name).as_uri())
        assert page.evaluate(sizes) == [], name


def test_what_is_scrolled_is_reached_by_keys(page: Page, built: Path) -> None:
    page.goto((built / "results/vega/best.html").as_uri())
    box = page.locator(".scroll", has=page.locator("table.measured"))
    for width, number in ((1280, 0), (320, 3), (1280, 0)):  # the fourth is narrow
        page.set_viewport_size({"width": width, "height": 800})
        expect(page.locator(".scroll[role=region][tabindex='0']")).to_have_count(number)
    region = page.get_by_role("region", name="What the run measured, to be scrolled")
    expect(region).to_have_count(0)
    page.set_viewport_size({"width": 320, "height": 800})
    region.focus()
    expect(box).to_be_focused()


# -- paper ---------------------------------------------------------------------------------------


def test_nothing_is_cut_off_on_paper(page: Page, built: Path) -> None:
    page.set_viewport_size({"width": 700, "height": 900})  # A4 with its margins
    page.emulate_media(media="print")
    for name in names(built):
        page.goto((built / name).as_uri())
        page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
        assert page.evaluate(CUT) == [], name


# -- without scripts -----------------------------------------------------------------------------


def test_without_scripts_the_newest_experiments_are_listed(
    chromium: Browser, page: Page, built: Path
) -> None:
    context = chromium.new_context(java_script_enabled=False)
    plain = context.new_page()
    plain.goto((built / "experiments.html").as_uri())
    expect(plain.locator("#explorer")).to_be_hidden()
    for dead in ("form", "#chart", "button"):
        expect(plain.locator(dead).first).to_be_hidden()
    expect(plain.get_by_text("made by JavaScript")).to_be_visible()
    rows = plain.locator("#newest tbody tr")
    count = rows.count()
    assert 5 < count <= experiments.NEWEST
    expect(rows.first.locator("td").first).to_have_text(str(count))
    listed = rows.all_inner_texts()
    rows.first.locator("td").last.get_by_role("link").click()
    expect(plain.locator("h1")).to_have_count(1)
    context.close()

    page.goto((built / "experiments.html").as_uri())
    expect(page.locator("#newest")).to_have_count(0)
    expect(page.locator("#list tbody tr")).to_have_count(count)
    assert page.locator("#list tbody tr").all_inner_texts() == listed  # by both in the same words


# -- numbers -------------------------------------------------------------------------------------

WILD = (1.7e308, -1.7e308, 1e308, -1e99, -1e31, -5.0)


# The range of the axis of the chart that was drawn last.
WATCH = """let real;
Object.defineProperty(window, "uPlot", {
    set(made) { real = made; },
    get() {
        const watched = function (options, ...more) {
            window.heights = options.scales.y.range();
            return new real(options, ...more);
        };
        return Object.assign(watched, real);
    },
});"""


@pytest.mark.parametrize("usual", [0, 3, 20])
def test_what_does_not_count_does_not_set_the_scale(page: Page, tmp_path: Path, usual: int) -> None:
    hub = Hub(seeded(tmp_path / "hub"))
    base = hub.run("baseline", 1.0)
    for n, metric in enumerate(WILD):
        hub.run(f"wild-{n}", metric, "vega", program=changed(100 + n), base=base)
    for n in range(usual):
        hub.run(f"usual-{n}", 0.9 + n / 1000, "lyra", program=changed(200 + n), base=base)
    hub.run("exploded", 1e99, "lyra", program=changed(300), base=base)  # counts, and is as wild
    facts = hub.facts
    assert {facts.marks[f"vega/wild-{n}"] for n in range(len(WILD))} == {"uncounted"}
    assert facts.marks["lyra/exploded"] != "uncounted"
    site.build(facts, tmp_path / "out")
    page.add_init_script(WATCH)
    page.goto((tmp_path / "out/experiments.html").as_uri())
    for _ in range(2):
        low, high = page.evaluate("window.heights")
        assert 0 < low < high < 10
        page.locator("#outliers").check()
    page.locator("#chart").focus()
    for key in ("Home", "End", "+", "-", "Escape"):
        page.keyboard.press(key)
    for box in page.locator("input[name=mark]").all():
        if box.get_attribute("value") != "uncounted":
            box.uncheck()
        low, high = page.evaluate("window.heights")
        assert -1e31 < low < high < 1e31
    expect(page.locator("#found")).to_contain_text("of ")
