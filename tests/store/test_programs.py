"""A file as it was at the commits of somebody's repository."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from gitcollab.errors import UsageError
from gitcollab.git.command import environment
from gitcollab.store.programs import Programs


def git(folder: Path, *args: str) -> str:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    argv = ["git", "-C", str(folder), *who, *args]
    done = subprocess.run(argv, env=environment(), capture_output=True, check=True, text=True)
    return done.stdout.strip()


def commit(folder: Path, data: bytes, name: str = "train.py") -> str:
    (folder / name).write_bytes(data)
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "x")
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    git(folder, "init", "-q")
    return folder


def test_each_commit_has_its_own(checkout: Path, tmp_path: Path) -> None:
    first, second = commit(checkout, b"A = 1\n"), commit(checkout, b"A = 2\n")
    git(checkout, "reset", "-q", "--hard", first)  # as the field does with what it discards
    (checkout / "below").mkdir()
    git(checkout, "worktree", "add", "-q", str(tmp_path / "tree"), first)
    for place in (checkout, checkout / "below", checkout / ".git", tmp_path / "tree"):
        programs = Programs(place, "train.py")
        assert programs.at(first[:7], 100) == b"A = 1\n"
        assert programs.at(second, 100) == b"A = 2\n"


def test_what_is_not_there(checkout: Path) -> None:
    one = commit(checkout, b"A = 1\n")
    other = commit(checkout, b"", "other.py")
    programs = Programs(checkout, "train.py")
    assert programs.at(one, 3) is None
    assert Programs(checkout, "missing.py").at(other, 100) is None
    (checkout / "link.py").symlink_to("train.py")
    assert Programs(checkout, "link.py").at(commit(checkout, b"", "x"), 100) is None
    for said in ("baseline", "0" * 40, "HEAD", "-h", "--all", "", one + "^", f"{one}:train.py"):
        assert programs.at(said, 100) is None, said


def test_no_repository(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(UsageError, match="cannot be read as a git repository"):
            Programs(place, "train.py")
