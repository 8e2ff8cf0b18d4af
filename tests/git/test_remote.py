from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gitcollab.errors import GitcollabError
from gitcollab.git import failures
from gitcollab.git.failures import CacheCorrupt, DiskFull, HubUnreachable
from gitcollab.git.objects import ObjectStore, create
from gitcollab.git.remote import (
    Moved,
    Refused,
    Remote,
    Unreachable,
    address,
    create_bare,
)

NOW = datetime(2026, 1, 2, tzinfo=UTC)
WHO = ("nova", "nova@gitcollab.invalid")


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    create_bare(tmp_path / "hub.git")
    return tmp_path / "hub.git"


def clone(hub: Path, name: str = "clone") -> tuple[Remote, ObjectStore]:
    path = hub.parent / f"{name}.git"
    create(path)
    return Remote(path, str(hub), "swarm", idle=20), ObjectStore(path)


def commit(objects: ObjectStore, parent: str | None, text: str) -> str:
    tree = objects.write_tree(None, {"file": text.encode()})
    return objects.commit(tree, parent, text, WHO, WHO, NOW)


def test_a_hub_that_is_checked_out_takes_nothing(tmp_path: Path) -> None:
    work = tmp_path / "work"
    subprocess.run(["git", "init", "-q", "-b", "swarm", str(work)], check=True)
    remote, objects = clone(work)
    remote_dir = work / ".git"
    first = commit(objects, None, "x")

    pushed = remote.push(first, expect=None)

    assert isinstance(pushed, Unreachable)
    assert "checked out" in pushed.reason
    assert not (remote_dir / "refs" / "heads" / "swarm").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="giving files away takes root")
def test_somebody_elses_repository(hub: Path) -> None:
    for path in [hub, *hub.rglob("*")]:
        os.chown(path, 12345, 12345)
    remote, _ = clone(hub)

    with pytest.raises(HubUnreachable, match="dubious ownership") as e:
        remote.fetch()
    assert "safe.directory" in e.value.hint


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_hub(hub: Path) -> None:
    for path in [*hub.rglob("*"), hub]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    remote, objects = clone(hub)
    pushed = remote.push(commit(objects, None, "x"), expect=None)
    assert isinstance(pushed, Unreachable)
    assert pushed.certain


READ = "fatal: Could not read from remote repository."


@pytest.mark.parametrize(
    ("said", "reason", "hint"),
    [
        ("fatal: Authentication failed for 'https://x/'", "does not let us in", "credentials"),
        (
            "fatal: could not read Username for 'https://x': terminal prompts disabled",
            "does not let us in", "credentials",
        ),
        (
            f"git@x: Permission denied (publickey).\n{READ}", "does not let us in", "ssh key",
        ),
        (
            "remote: Permission to a/b.git denied to c.\nfatal: unable to access: error: 403",
            "does not let us in", "credentials",
        ),
        (
            "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.\n",
            "not the one it had", "ssh-keygen -R",
        ),
        (
            "Host key verification failed.\nfatal: Could not read from remote repository.",
            "host key is not known", "accept",
        ),
        ("remote: Repository not found.\nfatal: repository 'https://x/' not found",
         "there is no repository", "init"),
        (
            f"ssh: Could not resolve hostname x: Name or service not known\n{READ}",
            "Could not resolve hostname", "connection",
        ),
        (
            "fatal: unable to access 'https://x/': Failed to connect to x: Connection refused",
            "Connection refused", "connection",
        ),
        ("fatal: the remote end hung up unexpectedly", "hung up", "connection"),
        ("", "no reason", "connection"),
    ],
)  # fmt: skip
def test_what_gits_words_mean(said: str, reason: str, hint: str) -> None:
    meaning = failures.meaning(said, "/cache")
    assert reason in meaning.reason
    assert hint in meaning.hint
    assert "\n" not in meaning.reason


@pytest.mark.parametrize(
    "said",
    [
        "fatal: not a git repository: '/cache'",
        "fatal: bad object 0123",
        "error: object file objects/01/23 is empty\nfatal: loose object 0123 is corrupt",
        "fatal: bad config line 1 in file ./config",
    ],
)
def test_faults_of_our_own(said: str) -> None:
    with pytest.raises(CacheCorrupt):
        failures.meaning(said, "/cache")
    with pytest.raises(DiskFull):
        failures.meaning("fatal: write error: No space left on device", "/cache")
    theirs = failures.meaning("remote: fatal: write error: No space left on device", "/cache")
    assert "No space left" in theirs.reason


def test_the_hubs_verdicts_that_need_a_bad_hub(hub: Path) -> None:
    remote, _ = clone(hub)

    def verdict(summary: str, err: str = "") -> object:
        return remote._verdict("!", summary, err)

    for race in (
        "[rejected] (stale info)",
        "[rejected] (fetch first)",
        "[remote rejected] (failed to update ref)",
        "[remote rejected] (cannot lock ref 'refs/heads/swarm': is at 1 but expected 2)",
        "[remote rejected] (reference already exists)",
    ):
        assert isinstance(verdict(race), Moved)
    for closed in (
        "[remote rejected] (unpacker error)",
        "[remote rejected] (protected branch hook declined)",
    ):
        assert isinstance(verdict(closed), Unreachable)
    # git cuts its own progress short when the hub has hung up: no line begins here
    cut = "Writing objects: 100% (1/1)\rerror: remote unpack failed: the disk is read-only\n"
    told = verdict("[remote rejected] (unpacker error)", cut)
    assert isinstance(told, Unreachable)
    assert "unpacker error: the disk is read-only" in told.reason
    assert verdict("[remote rejected] (pre-receive hook declined)", "remote: no   \n") == Refused(
        "no"
    )


def test_addresses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/nova")
    assert address("hub.git") == str(tmp_path / "hub.git")
    assert address("~/hub.git") == "/home/nova/hub.git"
    assert address("./host:x") == str(tmp_path / "host:x")
    for url in ("https://host/x.git", "git@host:x/y.git", "ssh://host/x", "file:///x"):
        assert address(url) == url
    (tmp_path / "odd:name").mkdir()
    assert address("odd:name") == str(tmp_path / "odd:name")
    for bad in ("", "  ", "-x", "--upload-pack=touch x", "a\nb"):
        with pytest.raises(GitcollabError, match="is no hub"):
            address(bad)


def test_creating_a_hub(tmp_path: Path) -> None:
    create_bare(tmp_path / "deep" / "hub.git")
    create_bare(tmp_path / "deep" / "hub.git")  # stays
    (tmp_path / "file").write_text("")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("")
    for bad in ("file", "full", "file/below"):
        with pytest.raises(GitcollabError):
            create_bare(tmp_path / bad)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["deep", "file", "full"]
    assert [p.name for p in (tmp_path / "deep").iterdir()] == ["hub.git"]
