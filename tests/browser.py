"""A real browser for tests of what people look at: Chromium without a window or a network."""

from __future__ import annotations

import shutil
from pathlib import Path

from playwright.sync_api import Browser, Page, Playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
_OPTIONS = (
    "--no-sandbox",  # containers have no user namespaces; pages of tests come from tests
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def executable() -> str | None:
    """The path of a Chromium on this machine; None where there is none."""
    found = (shutil.which(name) for name in _NAMES)
    return next((path for path in found if path), None)


def launch(playwright: Playwright) -> Browser:
    """A browser to be closed by who asked for it; ``executable()`` has to be there."""
    path = executable()
    if path is None:
        raise RuntimeError("there is no Chromium on this machine: skip the test")
    return playwright.chromium.launch(executable_path=path, args=list(_OPTIONS))


class Visit:
    """A page of a browser that keeps what went wrong on it, and whom it asked."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.wrong: list[str] = []
        self.asked: list[str] = []
        page.on("console", lambda said: self.wrong.append(said.text))
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("requestfailed", lambda request: self.wrong.append(request.url))
        page.on("request", lambda request: self.asked.append(request.url))

    def open(self, folder: Path, file: str) -> Page:
        """The page shows a file."""
        self.page.goto((folder / file).as_uri())
        return self.page

    @property
    def strangers(self) -> list[str]:
        """The addresses it asked that are no files."""
        return [url for url in self.asked if not url.startswith(("file:", "data:"))]
