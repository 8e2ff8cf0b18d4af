"""A file as it was at the commits of somebody's repository."""

from __future__ import annotations

import subprocess
import zlib
from pathlib import Path

import pytest

from gitcollab.errors import UsageError
from gitcollab.git.command import environment
from gitcollab.git.loose import BLOB, name_of
from gitcollab.store.programs import Programs
from tests.repos import git


def lazily(folder: Path, *args: str) -> bool:
    """Let git do in the folder what it does for who does not take care; whether it said yes."""
    env = {k: v for k, v in environment().items() if k != "GIT_NO_LAZY_FETCH"}
    argv = ["git", "-C", str(folder), *args]
    return subprocess.run(argv, env=env, capture_output=True, check=False).returncode == 0


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


# -- a stranger's repository -----------------------------------------------------------------------


HOSTILE = """\
[core]
    repositoryformatversion = 1
    bare = false
    sshCommand = touch {mark};
    fsmonitor = touch {mark};
    pager = touch {mark};
[extensions]
    partialClone = origin
[remote "origin"]
    url = {url}
    promisor = true
    partialclonefilter = blob:none
    uploadpack = touch {mark};
[protocol]
    allow = always
"""


@pytest.mark.parametrize("url", ["ssh://host.invalid/x", "{folder}"])
@pytest.mark.parametrize("form", [0, 1])  # 1 is that of partial clones, and 0 does as well
def test_what_its_settings_say_is_not_done(
    checkout: Path, tmp_path: Path, url: str, form: int
) -> None:
    one = commit(checkout, b"A = 1\n")
    mark = tmp_path / "mark"
    blob = git(checkout, "rev-parse", f"{one}:train.py")
    settings = HOSTILE.format(url=url.format(folder=checkout), mark=mark)
    if form == 0:
        settings = settings.replace("version = 1", "version = 0").replace("partialClone =", "x =")
    (checkout / ".git" / "config").write_text(settings)
    programs = Programs(checkout, "train.py")
    assert programs.at(one, 100) == b"A = 1\n"
    (checkout / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    for said in (one, one[:7], "0123456", "f" * 40):
        assert Programs(checkout, "train.py").at(said, 100) is None
    assert not mark.exists()
    assert not lazily(checkout, "cat-file", "blob", blob)  # to who asks git, they are done
    assert mark.exists()


def test_what_a_partial_clone_lacks_is_told_of_it(checkout: Path, tmp_path: Path) -> None:
    one, two = commit(checkout, b"A = 1\n"), commit(checkout, b"A = 2\n")
    git(checkout, "config", "uploadpack.allowFilter", "true")
    partial = tmp_path / "partial"
    assert lazily(tmp_path, "clone", "--filter=blob:none", f"file://{checkout}", str(partial))
    programs = Programs(partial, "train.py")
    assert programs.at(two, 100) == b"A = 2\n"
    assert not programs.incomplete
    assert programs.at(one, 100) is None
    assert programs.incomplete


def test_a_branch_that_is_called_like_a_commit_is_none(checkout: Path) -> None:
    one = commit(checkout, b"A = 1\n")
    git(checkout, "branch", "abcdef0")
    git(checkout, "tag", one[:7], "HEAD")
    two = commit(checkout, b"A = 2\n")
    git(checkout, "branch", one[:8])
    programs = Programs(checkout, "train.py")
    assert programs.at("abcdef0", 100) is None
    assert programs.at(one[:8], 100) == programs.at(one[:7].upper(), 100) == b"A = 1\n"
    assert programs.at(two[:7], 100) == b"A = 2\n"


def test_a_beginning_that_others_have_too_is_the_commits(checkout: Path) -> None:
    one = commit(checkout, b"A = 1\n")
    objects, n = checkout / ".git" / "objects", 0
    while not name_of(BLOB, b"%d" % n).startswith(one[:4]):
        n += 1
    loose = objects / one[:2] / name_of(BLOB, b"%d" % n)[2:]
    loose.write_bytes(zlib.compress(b"blob %d\0%d" % (len(str(n)), n)))
    assert Programs(checkout, "train.py").at(one[:4], 100) == b"A = 1\n"


def test_objects_that_lie_elsewhere(checkout: Path, tmp_path: Path) -> None:
    one = commit(checkout, b"A = 1\n")
    git(tmp_path, "clone", "-q", "--shared", str(checkout), str(tmp_path / "shared"))
    git(tmp_path, "clone", "-q", "--shared", str(tmp_path / "shared"), str(tmp_path / "again"))
    for name in ("shared", "again"):
        assert Programs(tmp_path / name, "train.py").at(one, 100) == b"A = 1\n"
    blob = git(checkout, "rev-parse", f"{one}:train.py")
    path = checkout / ".git" / "objects" / blob[:2] / blob[2:]
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-5])  # from which libgit2 would never return
    for name in ("shared", "again"):
        programs = Programs(tmp_path / name, "train.py")
        assert programs.at(one, 100) is None
        assert programs.incomplete


def test_other_names_of_objects_are_not_read(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "--object-format=sha256", "other")
    with pytest.raises(UsageError, match="names its objects by sha256"):
        Programs(tmp_path / "other", "train.py")
