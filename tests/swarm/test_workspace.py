from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from gitcollab.swarm.workspace import KEPT_RUNS, Config, Workspace


def test_the_newest_runs_are_kept(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    own = workspace.folder / "runs" / "my notes"
    own.mkdir(parents=True)
    began = datetime(2026, 1, 31, 12, tzinfo=UTC)
    made = []
    for number in range(KEPT_RUNS + 8):
        made.append(workspace.new_run(began + timedelta(seconds=number // 2), "depth-9"))
        (made[-1] / "log.txt").write_text("x")

    kept = {path for path in (workspace.folder / "runs").iterdir() if path != own}
    assert kept == set(made[-KEPT_RUNS:])
    assert own.is_dir()


def test_what_is_set_aside_is_kept_once(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    texts = ["a", "b", "a"]
    paths = [workspace.set_aside(text, "dropped", ".json") for text in texts]
    assert [path.name for path in paths] == ["dropped.json", "dropped-2.json", "dropped.json"]


def test_nobody_else_may_look_into_a_workspaces_folder(tmp_path: Path) -> None:
    """One that was made when others could, too."""
    workspace = Workspace(tmp_path)
    runs = workspace.folder / "runs"
    runs.mkdir(parents=True)
    (workspace.folder / "config.yaml").touch(mode=0o644)
    for folder in (workspace.folder, runs):
        folder.chmod(0o755)
    workspace.create(Config("https://me:secret@host/hub", "swarm", "nova"))
    workspace.new_run(datetime(2026, 1, 1, tzinfo=UTC), "x")
    modes = {
        p.name: p.stat().st_mode & 0o777 for p in (workspace.folder, *workspace.folder.iterdir())
    }
    assert (modes[".gitcollab"], modes["config.yaml"], modes["runs"]) == (0o700, 0o600, 0o700)
