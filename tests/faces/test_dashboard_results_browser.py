"""Pages of results, lineage, agents, hypotheses in a real browser: quiet, inert, narrow enough."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from gitcollab.faces.dashboard import site
from tests.faces.dashboards import HOSTILE
from tests.faces.hubs import everything
from tests.faces.test_dashboard_results import seeded

TEXT = f"{HOSTILE[0]} {HOSTILE[1]} {HOSTILE[2]} {'x' * 200}"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    site.build(everything(seeded(folder / "hub"), TEXT).facts, folder / "out")
    return folder / "out"


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_quiet_inert_and_fits(
    page: Page, built: Path, width: int, scheme: str
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    names = ["lineage.html", "agents.html", "hypotheses.html"]
    names += [str(p.relative_to(built)) for p in sorted((built / "results").rglob("*.html"))]
    assert len(names) > 10
    for name in names:
        page.goto((built / name).as_uri())
        expect(page.locator("h1")).to_have_count(1)
        assert page.evaluate("window.taken") is None, name
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name


def test_lines_of_a_difference_are_coloured(page: Page, built: Path) -> None:
    page.goto((built / "results/vega/best.html").as_uri())
    colour = "one => getComputedStyle(one).backgroundColor"
    colours = [page.locator(f"pre.diff {which}").first.evaluate(colour) for which in (".gi", ".gd")]
    assert len({*colours, "rgba(0, 0, 0, 0)"}) == 3
    wide = "one => one.getBoundingClientRect().width"
    added = page.locator("pre.diff .gi").first.evaluate(wide)
    assert added >= page.locator("pre.diff").evaluate("one => one.clientWidth")


def test_a_link_to_an_agent_leads_to_its_line(page: Page, built: Path) -> None:
    page.goto((built / "results/vega/best.html").as_uri())
    page.locator("a.agent", has_text="vega").first.click()
    expect(page).to_have_url(f"{(built / 'agents.html').as_uri()}#agent-vega")
    expect(page.locator("#agent-vega")).to_be_in_viewport()
    page.get_by_role("button", name="crashes").click()
    page.get_by_role("button", name="crashes").click()
    expect(page.locator("table.agents tbody th").first).to_contain_text("orion")


def test_only_one_shape_of_the_staircase_is_seen(page: Page, built: Path) -> None:
    page.goto((built / "lineage.html").as_uri())
    expect(page.locator(".plot-broad").first).to_be_visible()
    expect(page.locator(".plot-narrow").first).to_be_hidden()
    page.set_viewport_size({"width": 390, "height": 800})
    expect(page.locator(".plot-broad").first).to_be_hidden()
    expect(page.locator(".plot-narrow").first).to_be_visible()
