"""Every test runs with a HOME, a git configuration and a gitcollab home of its own."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def isolated_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A temporary HOME; nothing a test does can touch the user's own files or configuration."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(home / ".gitconfig"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GITCOLLAB_HOME", str(home / "gitcollab"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    for name in ("GITCOLLAB_TASK", "GITCOLLAB_SEED"):
        monkeypatch.delenv(name, raising=False)
    return home
