"""The update hook on a real hub, against real pushes."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from gitcollab.git.command import run_git
from gitcollab.swarm.swarm import Swarm

HOOK = Path(__file__).parents[2] / "hooks" / "update"


@pytest.fixture
def guarded(toy_hub: Path) -> Path:
    (toy_hub / "hooks").mkdir(exist_ok=True)
    run_git("config", "receive.denyDeleteCurrent", "ignore", git_dir=toy_hub)  # the hook decides
    shutil.copy(HOOK, toy_hub / "hooks" / "update")
    return toy_hub


def push(hub: Path, refspec: str) -> subprocess.CompletedProcess[str]:
    """A plain git client that pushes from inside the hub's own objects."""
    return subprocess.run(
        ["git", "--git-dir", str(hub), "push", "--force", str(hub), refspec],
        capture_output=True,
        text=True,
    )


def test_adding_is_let_through(guarded: Path, agent: Callable[[str], Swarm]) -> None:
    nova = agent("nova")
    assert nova.run().outcome == "published"


def test_history_is_neither_deleted_nor_rewritten(
    guarded: Path, agent: Callable[[str], Swarm]
) -> None:
    agent("nova").run()
    tip = run_git("rev-parse", "swarm", git_dir=guarded).out
    deleted = push(guarded, ":refs/heads/swarm")
    assert deleted.returncode != 0
    assert "is not deleted" in deleted.stderr
    rewritten = push(guarded, "swarm~1:refs/heads/swarm")
    assert rewritten.returncode != 0
    assert "only added to" in rewritten.stderr
    assert run_git("rev-parse", "swarm", git_dir=guarded).out == tip


def test_other_branches_are_not_its_business(guarded: Path) -> None:
    assert push(guarded, "swarm:refs/heads/scratch").returncode == 0
    assert push(guarded, ":refs/heads/scratch").returncode == 0
