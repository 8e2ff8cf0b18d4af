"""A real browser for tests of what people look at: Chromium without a window or a network."""

from __future__ import annotations

import shutil

from playwright.sync_api import Browser, Playwright

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
