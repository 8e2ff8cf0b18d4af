"""A pause is a file: it survives whatever ends the process, and holds for workers, too."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gitcollab.swarm.engine.guest.pausing import Pause, outer, pause, paused, resume, workers
from gitcollab.swarm.workspace import Config, Workspace

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return made(tmp_path / "nova")


def made(folder: Path) -> Workspace:
    folder.mkdir(parents=True)
    workspace = Workspace(folder)
    workspace.create(Config("hub", "swarm", "nova"))
    return workspace


def test_it_holds_until_it_is_ended(workspace: Workspace) -> None:
    assert paused(workspace, NOW) is None
    pause(workspace, NOW, None, now=True)
    again = Workspace(workspace.root)
    assert paused(again, NOW + timedelta(days=900)) == Pause(NOW, None, now=True)
    assert resume(again)
    assert paused(workspace, NOW) is None
    assert not resume(workspace)


def test_it_holds_until_its_time(workspace: Workspace) -> None:
    until = NOW + timedelta(hours=2)
    pause(workspace, NOW, until, now=False)
    assert paused(workspace, until - timedelta(seconds=1)) == Pause(NOW, until)
    assert paused(workspace, until) is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"since": 3}', '{"until": "soon"}', "\udcff"])
def test_what_somebody_broke_holds(workspace: Workspace, text: str) -> None:
    (workspace.folder / "paused.json").write_bytes(text.encode(errors="surrogateescape"))
    found = paused(workspace, NOW)
    assert found is not None
    assert (found.until, found.now) == (None, False)
    assert resume(workspace)


def test_workers_are_paused_with_the_workspace_around_them(workspace: Workspace) -> None:
    worker = made(workspace.folder / "workers" / "gpu1")
    assert outer(worker) is not None
    assert outer(worker).root == workspace.root  # type: ignore[union-attr]
    assert outer(workspace) is None
    assert [one.root for one in workers(workspace)] == [worker.root]
    pause(workspace, NOW, None, now=False)
    assert paused(worker, NOW) == Pause(NOW)
    resume(workspace)
    pause(worker, NOW, None, now=False)  # by a signal to it
    assert paused(workspace, NOW) is None
    assert resume(workspace)
    assert paused(worker, NOW) is None


def test_a_worker_is_paused_until_the_last_pause_is_over(workspace: Workspace) -> None:
    worker = made(workspace.folder / "workers" / "gpu0")
    hour = timedelta(hours=1)
    pause(worker, NOW, NOW + hour, now=False)
    pause(workspace, NOW - hour, NOW + 2 * hour, now=True)
    assert paused(worker, NOW) == Pause(NOW - hour, NOW + 2 * hour, now=True)
    pause(worker, NOW, None, now=False)
    assert paused(worker, NOW) == Pause(NOW - hour, None, now=True)
    assert resume(worker)
    assert paused(worker, NOW) == Pause(NOW - hour, NOW + 2 * hour, now=True)
