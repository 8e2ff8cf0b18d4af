"""What a mind may not touch is put back as it was, and told of."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gitcollab.swarm.engine.mind import guard
from gitcollab.swarm.engine.mind.guard import Guard
from gitcollab.swarm.swarm import Swarm
from gitcollab.swarm.workspace import Base
from tests import toy
from tests.swarm.engine.mind.conftest import EDIT, MakeMind

MINE = "WIDTH = 16\n"


@pytest.fixture
def files(nova: Swarm) -> Guard:
    """The files of nova's workspace, in which a user's notes lie."""
    (nova.workspace / "notes.md").write_text("one\n")
    return Guard(nova.member.workspace, nova.task)


def inside(nova: Swarm, name: str) -> Path:
    return nova.workspace / ".gitcollab" / name


def test_nothing_changed_is_nothing_told(files: Guard) -> None:
    assert files.restore() == []


def test_the_program_is_put_back_and_its_version_kept(files: Guard, nova: Swarm) -> None:
    (nova.workspace / "train.py").write_text(MINE)
    (told,) = files.restore()
    kept = ".gitcollab/aside/train-of-a-mind.py"
    assert told == f"train.py (put back; as it was changed: {kept})"
    assert (nova.workspace / "train.py").read_text() == toy.PROGRAM
    assert (nova.workspace / kept).read_text() == MINE


@pytest.mark.parametrize("how", ["removed", "a link", "a pipe"])
def test_whatever_took_its_place(files: Guard, nova: Swarm, tmp_path: Path, how: str) -> None:
    path, other = nova.workspace / "train.py", tmp_path / "other.py"
    other.write_text(MINE)
    path.unlink()
    if how == "a link":
        path.symlink_to(other)
    if how == "a pipe":
        os.mkfifo(path)
    assert files.restore() == ["train.py (put back)"]
    assert path.read_text() == toy.PROGRAM
    assert not path.is_symlink()
    assert other.read_text() == MINE


def test_a_folder_in_its_place_is_told_of(files: Guard, nova: Swarm) -> None:
    path = nova.workspace / "train.py"
    path.unlink()
    path.mkdir()
    (told,) = files.restore()
    assert told.startswith("train.py (it cannot be put back: ")


def test_who_says_whose_the_workspace_is(files: Guard, nova: Swarm) -> None:
    config, base = inside(nova, "config.yaml"), inside(nova, "base.json")
    before = config.read_bytes(), base.read_bytes()
    config.write_text(config.read_text() + "sandbox: off\n")
    base.write_text('{"id": null, "text": "A = 1"}')
    inside(nova, "trial.json").write_text("{}")
    told = [one.split(" (")[0] for one in files.restore()]
    assert told == [f".gitcollab/{name}" for name in ("config.yaml", "base.json", "trial.json")]
    assert (config.read_bytes(), base.read_bytes()) == before
    assert not inside(nova, "trial.json").exists()


def test_an_adopted_program_is_nobodys_edit(files: Guard, nova: Swarm) -> None:
    nova.member.workspace.start_from(nova.task, Base("vega/x-1", MINE))
    assert files.restore() == []
    assert (nova.workspace / "train.py").read_text() == MINE


def test_other_files_are_told_of_and_left(files: Guard, nova: Swarm) -> None:
    (nova.workspace / "notes.md").write_text("two\n")
    (nova.workspace / "more.md").touch()
    assert files.restore() == ["more.md (new)", "notes.md"]
    (nova.workspace / "notes.md").unlink()
    assert files.restore() == ["more.md (new)", "notes.md (removed)"]


def test_logs_grow_and_editors_and_programs_leave_files(files: Guard, nova: Swarm) -> None:
    with (nova.workspace / "notes.md").open("a") as file:
        file.write("two\n")
    (nova.workspace / ".notes.md.swp").touch()
    (nova.workspace / "__pycache__").mkdir()
    os.utime(nova.workspace / "train.py")
    assert files.restore() == []


def test_large_files_are_not_read(nova: Swarm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "_MOST_READ", 100_000)
    data = nova.workspace / "data.bin"
    with data.open("wb") as file:
        file.truncate(200_000)
    monkeypatch.setattr(guard, "_digest", None)
    for path in nova.workspace.glob("*.md"):
        path.unlink()
    files = Guard(nova.member.workspace, nova.task)
    assert files.restore() == []
    os.truncate(data, 150_000)
    assert files.restore() == ["data.bin"]


def test_what_a_run_prints_to_in_the_workspace_is_no_edit(
    nova: Swarm, capfd: pytest.CaptureFixture[str]
) -> None:
    with (nova.workspace / "run.log").open("w") as log, capfd.disabled():
        saved = os.dup(1)
        os.dup2(log.fileno(), 1)
        try:
            files = Guard(nova.member.workspace, nova.task)
            os.ftruncate(log.fileno(), 0)
            os.write(1, b"anew\n")
            found = files.restore()
        finally:
            os.dup2(saved, 1)
            os.close(saved)
    assert found == []


def test_who_edits_the_workspace_has_no_thought(mind: MakeMind, nova: Swarm) -> None:
    code = EDIT + f'Path("{nova.workspace}/train.py").write_text("A = 1")'
    asked = mind(code + f'\nPath("{nova.workspace}/x.md").touch()')
    assert asked.think() is None
    (note,) = asked.notes
    assert note.startswith(
        "the mind had no thought: it changed files of the workspace: train.py (put back; as it was "
        "changed: .gitcollab/aside/train-of-a-mind.py), x.md (new) (its words: .gitcollab/mind/"
    )
    assert (nova.workspace / "train.py").read_text() == toy.PROGRAM
