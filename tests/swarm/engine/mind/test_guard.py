"""What a mind may not touch is put back as it was, and told of."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from gitcollab.errors import GitcollabError
from gitcollab.swarm.engine.guest.posts import workspace_of
from gitcollab.swarm.engine.mind import survey
from gitcollab.swarm.engine.mind.guard import Guard
from gitcollab.swarm.member import Member
from gitcollab.swarm.swarm import Swarm
from gitcollab.swarm.workspace import Base
from tests import toy
from tests.swarm.engine.mind.conftest import EDIT, MakeMind

MINE = "WIDTH = 16\n"


@pytest.fixture
def files(nova: Swarm) -> Guard:
    """The files of nova's workspace, in which a user's notes lie."""
    (nova.workspace / "notes.md").write_text("one\n")
    return Guard(nova.member)


def inside(nova: Swarm, name: str) -> Path:
    return nova.workspace / ".gitcollab" / name


def test_nothing_changed_is_nothing_told(files: Guard) -> None:
    assert files.restore() == []


def test_the_program_is_put_back_and_its_version_kept(files: Guard, nova: Swarm) -> None:
    (nova.workspace / "train.py").write_text(MINE)
    (told,) = files.restore()
    kept = ".gitcollab/aside/train-of-a-mind.py"
    assert told == f"train.py (put back; as it was changed, by the mind or by you: {kept})"
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


def test_a_folder_in_its_place_goes_aside(files: Guard, nova: Swarm) -> None:
    path = nova.workspace / "train.py"
    path.unlink()
    path.mkdir()
    (path / "x").touch()
    (told,) = files.restore()
    assert told.endswith(".gitcollab/aside/train-of-a-mind.py)")
    assert path.read_text() == toy.PROGRAM
    assert inside(nova, "aside/train-of-a-mind.py/x").exists()


@pytest.mark.parametrize("name", ["train.py", ".gitcollab/config.yaml"])
def test_what_could_not_be_put_back_forbids_a_call(
    nova: Swarm, mind: MakeMind, tmp_path: Path, name: str
) -> None:
    path, real = nova.workspace / name, tmp_path / "real"
    path.rename(real)
    path.symlink_to(real)
    before = real.read_bytes()
    asked = mind(EDIT)
    assert asked.think() is None
    (note,) = asked.notes
    assert (
        f"no mind is asked while {path.name} could not be put back after it: it is a link" in note
    )
    assert real.read_bytes() == before
    assert path.is_symlink()


def test_a_program_too_large_to_hold_forbids_a_call(nova: Swarm) -> None:
    os.truncate(nova.workspace / "train.py", 9_000_000)
    with pytest.raises(GitcollabError, match=r"train\.py could not be put back"):
        Guard(nova.member)


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


def test_an_adopted_program_is_nobodys_edit(nova: Swarm, agent: Callable[[str], Swarm]) -> None:
    nova.run()
    files = Guard(nova.member)
    vega = agent("vega")
    vega.sync()
    better = vega.run(set_values={"RATE": "0.3"})
    assert better.result is not None, better.error
    nova.sync()
    assert files.restore() == []
    base = nova.member.workspace.base()
    assert base is not None
    assert base.id == better.result.id
    assert "RATE = 0.3" in (nova.workspace / "train.py").read_text()


@pytest.mark.parametrize("of", ["vega/x-1", None, "../../task"])
def test_a_program_that_nobody_published_is_not_adopted(
    files: Guard, nova: Swarm, of: str | None
) -> None:
    nova.member.workspace.start_from(nova.task, Base(of, MINE))
    told = [one.split(" (")[0] for one in files.restore()]
    assert told == ["train.py", ".gitcollab/base.json"]
    assert (nova.workspace / "train.py").read_text() == toy.PROGRAM
    assert nova.member.workspace.base() == Base(None, toy.PROGRAM)


def test_claims_are_put_back(nova: Swarm) -> None:
    nova.claim("RATE=0.3")
    files = Guard(nova.member)
    (path,) = inside(nova, "claims").glob("*.yaml")
    before = path.read_bytes()
    path.unlink()
    inside(nova, "claims/forged.yaml").touch()
    put_back, new = files.restore()
    assert put_back == f".gitcollab/claims/{path.name} (put back)"
    assert new == ".gitcollab/claims/forged.yaml (new)"
    assert path.read_bytes() == before


def test_who_pauses_meanwhile_has_paused(files: Guard, nova: Swarm) -> None:
    nova.pause()
    assert files.restore() == []
    assert nova.resume()


def test_what_workers_are_set_up_from_is_put_back(nova: Swarm) -> None:
    worker = Member(workspace_of(nova.member, "0"), nova.member.config)
    files = Guard(worker)
    config = inside(nova, "config.yaml")
    before = config.read_bytes()
    config.write_bytes(before + b"sandbox: off\n")
    (nova.workspace / "train.py").write_text(MINE)
    first, second = files.restore()
    assert "config.yaml (put back" in first
    assert second == "train.py of the workspace around it"
    assert config.read_bytes() == before


def test_other_files_are_told_of_and_left(files: Guard, nova: Swarm) -> None:
    (nova.workspace / "notes.md").write_text("two\n")
    (nova.workspace / "more.md").touch()
    assert files.restore() == ["more.md (new)", "notes.md"]
    (nova.workspace / "notes.md").unlink()
    assert files.restore() == ["more.md (new)", "notes.md (removed)"]


def test_wherever_in_the_folder(nova: Swarm, tmp_path: Path) -> None:
    top = nova.workspace
    (top / "src" / "deep" / "deeper").mkdir(parents=True)
    for name in ("src/a.py", "src/deep/deeper/b.py", "prepare.py", ".env"):
        (top / name).write_text("x = 1\n")
    (top / "to").symlink_to("src")
    (top / "out.log").write_text("one\n")
    files = Guard(nova.member)
    (top / "src" / "a.py").write_text("x = 2\n")
    (top / "src" / "deep" / "deeper" / "b.py").unlink()
    (top / "new").mkdir()
    (top / "new" / "f").touch()
    (top / "link").symlink_to("/nowhere")
    (top / "to").unlink()
    (top / "to").symlink_to(tmp_path)
    with (top / "prepare.py").open("a") as file:
        file.write("import os\n")
    (top / ".env").write_text("x = 3\n")
    (top / "out.log").write_text("another")
    assert files.restore() == [
        ".env",
        "link (new)",
        "new (new)",
        "out.log",
        "prepare.py",
        "src/a.py",
        "src/deep/deeper/b.py (removed)",
        "to",
    ]


def test_so_many_entries_are_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "c").touch()
    monkeypatch.setattr(survey, "MOST_ENTRIES", 2)
    assert list(survey.survey(tmp_path, ())) == ["b", "b/c"]
    (tmp_path / "a").touch()
    assert list(survey.survey(tmp_path, ())) == ["a", "b"]


def test_logs_grow_and_editors_and_programs_leave_files(nova: Swarm) -> None:
    (nova.workspace / "run.log").write_text("one\n")
    files = Guard(nova.member)
    with (nova.workspace / "run.log").open("a") as file:
        file.write("two\n")
    (nova.workspace / ".notes.md.swp").touch()
    (nova.workspace / "__pycache__").mkdir()
    os.utime(nova.workspace / "train.py")
    assert files.restore() == []


def test_large_files_are_not_read(nova: Swarm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(survey, "_MOST_READ", 100_000)
    data = nova.workspace / "data.bin"
    with data.open("wb") as file:
        file.truncate(200_000)
    monkeypatch.setattr(survey, "_digest", None)
    for path in nova.workspace.glob("*.md"):
        path.unlink()
    files = Guard(nova.member)
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
            files = Guard(nova.member)
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
        "the mind had no thought: files of the workspace were changed meanwhile: train.py (put "
        "back; as it was changed, by the mind or by you: .gitcollab/aside/train-of-a-mind.py), "
        "x.md (new) (its words: .gitcollab/mind/"
    )
    assert (nova.workspace / "train.py").read_text() == toy.PROGRAM
