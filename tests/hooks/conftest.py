"""A hub with its door, over real pushes."""

from __future__ import annotations

from pathlib import Path

import pytest
from plain import Plain

from gitcollab.git.command import run_git
from gitcollab.swarm.home import key_path
from gitcollab.swarm.hooks import install


@pytest.fixture
def guarded(toy_hub: Path) -> Path:
    """The toy hub with the installed door; git's own checks of objects are off, ours are tested.

    Nobody brings it up to date behind a test's back: that is for tests/hooks/test_post_receive.py.
    """
    install(toy_hub).keeper.unlink()
    run_git("config", "receive.fsckObjects", "false", git_dir=toy_hub)
    run_git("config", "receive.denyDeleteCurrent", "ignore", git_dir=toy_hub)
    return toy_hub


@pytest.fixture
def plain(guarded: Path, tmp_path: Path) -> Plain:
    """A hostile client of the hub."""
    return Plain(guarded, tmp_path / "plain.git")


@pytest.fixture
def secret() -> str:
    """The key file of the toy hub's maintainer."""
    return key_path("keeper").read_text()
