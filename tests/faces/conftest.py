from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests import browser
from tests.browser import Visit
from tests.swarm.factories import Bench


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser for the tests of a file; where there is none they are skipped."""
    if browser.executable() is None:
        pytest.skip("there is no Chromium")
    with sync_playwright() as playwright:
        one = browser.launch(playwright)
        yield one
        one.close()


@pytest.fixture
def visit(chromium: Browser) -> Iterator[Visit]:
    """A page, which has nothing to complain of in the end."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    found = Visit(context.new_page())
    yield found
    assert found.wrong == []
    context.close()


@pytest.fixture
def page(visit: Visit) -> Iterator[Page]:
    """As ``visit``: a page that asks nobody for anything but files."""
    yield visit.page
    assert visit.strangers == []
