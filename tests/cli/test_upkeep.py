"""`views`, `sweep`, `hooks tend` and `task workflows`, as people and workflows type them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from cli_toys import HOSTILE, Ran

from gitcollab.errors import OfflineError
from gitcollab.git.command import run_git
from tests.people import plant

Cli = Callable[..., Ran]
Join = Callable[[str], Path]
Script = Callable[..., object]


def tip(hub: Path) -> str:
    return run_git("rev-parse", "swarm", git_dir=hub).out.strip()


@pytest.fixture
def clone(hub: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "clone"
    ran = run_git("clone", "--quiet", "--branch", "swarm", str(hub), str(folder))
    assert ran.code == 0, ran.err
    return folder


def test_views_of_a_clone(cli: Cli, hub: Path, clone: Path) -> None:
    right = cli("views", "--git-dir", str(clone))
    assert (right.code, right.out) == (0, "the views are right; nothing was changed\n")
    plant(hub, {"LEADERBOARD.md": b"mallory leads\n"})
    assert cli("views", "--git-dir", ".", cwd=clone).out == "rebuilt LEADERBOARD.md\n"
    assert cli("verify", "--git-dir", str(hub)).code == 0
    assert cli("views", "--git-dir", str(hub), "--json").json == {"changed": []}


def test_sweep_of_a_clone(cli: Cli, hub: Path, clone: Path) -> None:
    assert cli("sweep", "--git-dir", str(clone)).out == "no claim is stale\n"
    before = tip(hub)
    assert cli("sweep", "--git-dir", str(hub), "--json").json == {"swept": []}
    assert tip(hub) == before


def test_sweep_of_a_workspace(cli: Cli, hub: Path, join: Join) -> None:
    nova = join("nova")
    assert cli("sweep", cwd=nova).out == "no claim is stale\n"
    gone = hub.rename(hub.with_name("away.git"))
    away = cli("sweep", cwd=nova)
    assert away.code == 5
    assert "next:" in away.err
    gone.rename(hub)


def test_sweep_is_told(cli: Cli, script: Script) -> None:
    script(sweep=["rate-0.2", HOSTILE])
    told = cli("sweep").out
    assert told.startswith("swept rate-0.2\nswept ")
    assert "\x1b" not in told
    script(sweep=OfflineError("nothing is swept", "try again"))
    assert cli("sweep").code == 5


@pytest.mark.parametrize("verb", ["views", "sweep", "verify", "dashboard"])
def test_a_clone_of_no_hub(cli: Cli, tmp_path: Path, verb: str) -> None:
    other, clone = tmp_path / "other.git", tmp_path / "clone"
    assert run_git("init", "--quiet", "--bare", str(other)).code == 0
    assert run_git("clone", "--quiet", str(other), str(clone)).code == 0
    place = ("--out", "shown") if verb == "dashboard" else ()
    ran = cli(verb, "--git-dir", str(clone), *place)
    assert ran.code == 2
    assert ran.err.endswith("holds no branch swarm\nnext: name it by --branch\n")


@pytest.mark.parametrize("verb", ["views", "sweep"])
def test_what_cannot_be_meant(cli: Cli, hub: Path, clone: Path, tmp_path: Path, verb: str) -> None:
    for argv in (
        ("--git-dir", str(tmp_path)), ("--git-dir", str(tmp_path / "nothing")),
        ("--branch", "swarm"), ("--git-dir", str(hub), "--branch", "a..b"),
        ("--git-dir", str(hub), "--branch", "-x"),
    ):  # fmt: skip
        ran = cli(verb, *argv)
        assert ran.code == 2, (argv, ran.out + ran.err)
        assert len(ran.err.splitlines()) <= 2
    other = cli(verb, "--git-dir", str(hub), "--branch", "other")
    assert other.code == 2
    assert other.err.endswith("holds no branch other\nnext: name it by --branch\n")
    hub.rename(tmp_path / "away.git")
    assert cli(verb, "--git-dir", str(clone)).code == 5


def test_tend(cli: Cli, hub: Path, tmp_path: Path) -> None:
    bare = cli("hooks", "tend", str(hub))
    assert bare.code == 1
    assert "gitcollab hooks install" in bare.err
    assert not (hub / "gitcollab").exists()
    assert cli("hooks", "install", str(hub)).code == 0
    plant(hub, {"LEADERBOARD.md": b"mallory leads\n"})
    told = cli("hooks", "tend", "hub.git", cwd=tmp_path)
    assert (told.code, told.err) == (0, "")
    assert "rebuilt LEADERBOARD.md" in told.out
    assert cli("verify", "--git-dir", str(hub)).code == 0
    again = cli("hooks", "tend", str(hub), "--json")
    assert again.json == {"exit": {"views": 0, "sweep": 0}}
    assert "the views are right" in again.err
    assert cli("hooks", "tend", str(tmp_path / "toy")).code == 2


def test_task_workflows(cli: Cli, hub: Path, join: Join) -> None:
    nova = join("nova")
    assert cli("task", "workflows", cwd=nova).out == (
        "nothing changed: they are on the hub already\n"
    )
    plant(hub, {".github/workflows/sweep.yml": None, ".github/workflows/pages.yml": b"mine\n"})
    told = cli("task", "workflows")
    assert told.code == 0, told.err
    assert told.out.splitlines() == [
        ".github/workflows/sweep.yml is on the hub",
        ".github/workflows/pages.yml differs and is kept; --replace puts gitcollab's own there",
    ]
    assert cli("task", "workflows", "--replace", "--json").json == {
        "put": [".github/workflows/pages.yml"],
        "kept": [],
    }
    assert cli("verify").code == 0
