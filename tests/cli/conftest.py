"""The command line under test: in this process over a scripted swarm, and as a real process."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from cli_toys import TOY_PROGRAM, TOY_TASK, Ran, ScriptedSwarm

from gitcollab.cli import main

Cli = Callable[..., Ran]


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Run a command line in this process, which starts faster than one of its own."""

    def run(*argv: str, cwd: Path | None = None) -> Ran:
        if cwd is not None:
            monkeypatch.chdir(cwd)
        capsys.readouterr()
        code = main.run(argv)
        out, err = capsys.readouterr()
        return Ran(code, out, err)

    return run


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Callable[..., ScriptedSwarm]:
    """Put a scripted swarm in the place of the real one."""

    def place(**answers: Any) -> ScriptedSwarm:
        swarm = ScriptedSwarm(answers)
        module = ModuleType("gitcollab.swarm.swarm")
        module.Swarm = SimpleNamespace(open=lambda *_, **__: swarm)  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "gitcollab.swarm.swarm", module)
        return swarm

    return place


@pytest.fixture
def task_file(tmp_path: Path) -> Path:
    """A toy task: its program prints the summary at once."""
    folder = tmp_path / "toy"
    folder.mkdir()
    (folder / "train.py").write_text(TOY_PROGRAM)
    (folder / "task.yaml").write_text(TOY_TASK)
    return folder / "task.yaml"


@pytest.fixture
def hub(cli: Cli, tmp_path: Path, task_file: Path) -> Path:
    """A real bare repository, seeded with the toy task."""
    made = cli("init", "hub.git", "--task", str(task_file), cwd=tmp_path)
    assert made.code == 0, made.err
    return tmp_path / "hub.git"


@pytest.fixture
def join(cli: Cli, tmp_path: Path, hub: Path) -> Callable[[str], Path]:
    """Make a workspace of an agent of the hub."""

    def workspace(name: str) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        joined = cli("join", str(hub), "--agent", name, cwd=folder)
        assert joined.code == 0, joined.err
        return folder

    return workspace
