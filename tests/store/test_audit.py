"""A history judged in place: what it gives, what it refuses, and that nothing of it stays."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gitcollab.errors import UsageError
from gitcollab.git.command import environment
from gitcollab.git.objects import ObjectStore, create
from gitcollab.records import codec
from gitcollab.store import audit, history
from gitcollab.store.audit import Repository
from gitcollab.store.history import BadHistory
from tests.records import samples

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
WHO = ("nova", "nova@gitcollab.invalid")
CLAIM = codec.encode(samples.record("claim"))
CLAIM_PATH = "claims/lr-0.05-12ab.yaml"
Files = Mapping[str, bytes | None]


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    create(tmp_path / "hub.git")
    return tmp_path / "hub.git"


def add(hub: Path, parent: str | None, files: Files, when: datetime = NOW) -> str:
    """A commit of these files on ``parent``; nothing refers to it."""
    objects = ObjectStore(hub)
    tree = objects.write_tree(None if parent is None else objects.tree(parent), files)
    return objects.commit(tree, parent, f"set {', '.join(files)}", WHO, WHO, when)


def opened(hub: Path, **more: object) -> Repository:
    return Repository(hub, "swarm", clock=lambda: NOW, **more)  # type: ignore[arg-type]


def test_each_commit_is_given_on_the_one_before(hub: Path) -> None:
    root = add(hub, None, {"a": b"1", "b": b"2"})
    one = add(hub, root, {"a": b"3", CLAIM_PATH: CLAIM})
    two = add(hub, one, {CLAIM_PATH: None})

    steps = list(opened(hub).steps(root, two))

    assert [step.commit for step in steps] == [one, two]
    assert [step.changes for step in steps] == [{"a": b"3", CLAIM_PATH: CLAIM}, {CLAIM_PATH: None}]
    assert [step.message for step in steps] == [f"set a, {CLAIM_PATH}", f"set {CLAIM_PATH}"]
    assert [step.before.read("a") for step in steps] == [b"1", b"3"]
    assert list(steps[1].before.records("claim")) == ["lr-0.05-12ab"]
    assert list(steps[1].after.records("claim")) == []
    assert not any(step.faults for step in steps)


def test_a_new_branch_is_its_whole_history(hub: Path) -> None:
    root = add(hub, None, {"a": b"1"})
    steps = list(opened(hub).steps(None, add(hub, root, {"b": b"2"})))
    assert [step.changes for step in steps] == [{"a": b"1"}, {"b": b"2"}]
    assert steps[0].before.tip is None


def test_history_is_one_line_from_the_old_commit(hub: Path) -> None:
    root = add(hub, None, {"a": b"1"})
    old = add(hub, root, {"a": b"2"})
    aside = add(hub, root, {"b": b"2"})
    merge = git(hub, "commit-tree", f"{old}^{{tree}}", "-p", old, "-p", aside, "-m", "x")
    for new, words in ((root, "only added to"), (aside, "only added to"), (merge, "is a merge")):
        with pytest.raises(BadHistory, match=words):
            list(opened(hub).steps(old, new))
    assert list(opened(hub).steps(old, old)) == []


def test_pushes_are_bounded(hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "MAX_COMMITS", 3)
    monkeypatch.setattr(audit, "MAX_PUSH_BYTES", 1000)
    tip = root = add(hub, None, {"a": b"1"})
    for n in range(4):
        tip = add(hub, tip, {"a": b"%d" % n})
    with pytest.raises(BadHistory, match="more than 3 commits"):
        list(opened(hub).steps(root, tip))

    large = add(hub, root, {"a": b"x" * 800})
    steps = list(opened(hub).steps(root, add(hub, large, {"b": b"y" * 800})))
    assert [[f.rule for f in step.faults] for step in steps] == [[], ["size"]]


def test_a_commit_that_is_none(hub: Path) -> None:
    root = add(hub, None, {"a": b"1"})
    tree = ObjectStore(hub).tree(root)
    head = f"tree {tree}\nparent {root}\nauthor x <x> 1 +0000\ncommitter x <x> 1 +0000\n\n"
    for text in (head + "x" * 100_000, head.replace(f"tree {tree}\n", ""), "junk"):
        new = git(hub, "hash-object", "-t", "commit", "-w", "--stdin", "--literally", data=text)
        with pytest.raises(BadHistory, match="malformed"):
            list(opened(hub).steps(root, new))


def test_a_commit_is_what_git_takes_it_for(hub: Path) -> None:
    """git passes over headers that it does not know, and over parents below the author."""
    root = add(hub, None, {"a": b"1"})
    tree = ObjectStore(hub).tree(add(hub, root, {"a": b"2"}))
    people = "author x <x> 1 +0000\ncommitter x <x> 1 +0000\n"

    def judged(head: str) -> list[str]:
        text = f"{head}\nx\n"
        new = git(hub, "hash-object", "-t", "commit", "-w", "--stdin", "--literally", data=text)
        return [f.reason for step in opened(hub).steps(root, new) for f in step.faults]

    plain = f"tree {tree}\nparent {root}\n{people}"
    assert judged(plain) == judged(f"{plain}gpgsig x\n y\n") == []
    assert judged(f"{plain}encoding nonsense\n") == ["it has a header 'encoding'"]
    for odd in (
        f"x y\n{people}",
        people.replace("<x>", ""),
        people.replace("1 +", "9" * 20 + " +"),
    ):
        assert judged(f"tree {tree}\nparent {root}\n{odd}") == ["its head is malformed"]
    for head in (f"tree {tree}\n{people}parent {root}\n", f"{people}{plain}"):
        with pytest.raises(BadHistory, match=r"does not follow|malformed"):
            judged(head)


def test_dates_are_believed_within_what_can_be(hub: Path) -> None:
    """Judged later, a commit is of when it says; but not before what was there, nor after now."""
    hour = timedelta(hours=1)
    root = add(hub, None, {"a": b"0"}, NOW - 50 * hour)
    old = add(hub, add(hub, root, {"a": b"1"}, NOW - 40 * hour), {"a": b"2"}, NOW - 9999 * hour)
    one = add(hub, old, {"a": b"3"}, NOW - 9999 * hour)
    two = add(hub, one, {"a": b"4"}, NOW - 30 * hour)
    new = add(hub, two, {"a": b"5"}, NOW + hour)
    steps = list(opened(hub).steps(old, new))
    assert [NOW - step.moment(NOW) for step in steps] == [40 * hour, 30 * hour, 0 * hour]
    (late,) = opened(hub).steps(new, add(hub, new, {"a": b"6"}, NOW + 30 * hour))
    assert [fault.reason for fault in late.faults] == ["it says it was made in the future"]


def test_commits_change_something_and_are_short(hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = add(hub, None, {"a": b"1"})
    empty = add(hub, root, {"a": b"1"})
    assert [f.reason for s in opened(hub).steps(root, empty) for f in s.faults] == [
        "it changes nothing"
    ]
    monkeypatch.setattr(audit, "MAX_PUSH_BYTES", 1000)
    one = git(
        hub, "commit-tree", add(hub, root, {"a": b"2"}) + "^{tree}", "-p", root, "-m", "x" * 950
    )
    two = git(
        hub, "commit-tree", add(hub, root, {"a": b"3"}) + "^{tree}", "-p", one, "-m", "x" * 99
    )
    assert [[f.rule for f in s.faults] for s in opened(hub).steps(root, two)] == [[], ["size"]]


def test_what_cannot_be_a_file_of_the_hub_is_a_fault_and_no_change(hub: Path) -> None:
    root = add(hub, None, {"a": b"1", "x": b"1"})
    listed = git(hub, "ls-tree", root) + "\n"
    blob = git(hub, "hash-object", "-w", "--stdin", data="target")
    listed = (
        listed.replace("100644 blob", "120000 blob", 1) + f"100644 blob {blob}\tb\\c\u3164\u2800\n"
    )
    tree = git(hub, "mktree", data=listed)
    new = git(hub, "commit-tree", tree, "-p", root, "-m", "x")
    (step,) = opened(hub).steps(root, new)
    assert {fault.path for fault in step.faults} == {"a", r"b\c\u3164\u2800"}
    assert step.changes == {}  # what is refused whatever it holds is not read
    assert step.paths == ["a"]


def test_objects_that_are_not_accepted_yet(hub: Path, tmp_path: Path) -> None:
    root = add(hub, None, {"a": b"1"})
    apart = tmp_path / "apart.git"
    shutil.copytree(hub, apart)
    new = add(apart, root, {CLAIM_PATH: CLAIM})
    folder = tmp_path / "kept"
    folder.mkdir()

    (step,) = opened(hub, also=[apart / "objects"], folder=folder).steps(root, new)
    assert list(step.after.records("claim")) == ["lr-0.05-12ab"]
    assert list(step.before.records("claim")) == []

    git(apart, "update-ref", "refs/heads/x", new)
    git(apart, "repack", "-adq")
    (step,) = opened(hub, also=[apart / "objects"], folder=folder).steps(root, new)
    assert step.changes == {CLAIM_PATH: CLAIM}

    shutil.rmtree(apart)  # the push was refused: its objects vanish
    (step,) = opened(hub, folder=folder).steps(root, add(hub, root, {"b": b"2"}))
    assert list(step.before.records("claim")) == []


def test_claims_are_as_old_as_their_push(hub: Path, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    folder.mkdir()
    root = add(hub, None, {"a": b"1"})
    new = add(hub, root, {CLAIM_PATH: CLAIM}, NOW + timedelta(days=300))  # a clock that lies
    opened(hub, folder=folder).accept(new)
    opened(hub, folder=folder).accept(root)  # another push of the same moment, which lost

    later = Repository(hub, "swarm", folder=folder, clock=lambda: NOW + timedelta(minutes=20))
    assert later.snapshot(new).arrival(CLAIM_PATH).then == NOW
    assert later.snapshot(new).arrival(CLAIM_PATH).ago == timedelta(minutes=20)


def test_what_is_remembered_is_bounded(hub: Path, tmp_path: Path) -> None:
    repository = opened(hub, folder=tmp_path)
    for n in range(1000):
        repository.accept(f"{n:040x}")
    assert (tmp_path / "accepted").stat().st_size < 40_000
    assert repository.snapshot(f"{999:040x}")._sighting.seen == NOW


def test_a_checkout_and_a_bare_one(hub: Path, tmp_path: Path) -> None:
    tip = add(hub, None, {"a": b"1"})
    git(hub, "update-ref", "refs/heads/swarm", tip)
    git(hub, "clone", "--quiet", "--branch", "swarm", str(hub), str(tmp_path / "checkout"))
    for place in (hub, tmp_path / "checkout", tmp_path / "checkout" / ".git"):
        assert opened(place).tip() == tip
        assert opened(place).resolve(tip[:10]) == tip
    with pytest.raises(UsageError, match="no git repository"):
        opened(tmp_path)
    for name in ("nothing", "--all", f"{tip[:-1]}x"):
        with pytest.raises(UsageError, match="no commit"):
            opened(hub).resolve(name)


def test_a_work_tree_of_a_repository(hub: Path, tmp_path: Path) -> None:
    tip = add(hub, None, {"a": b"1"})
    git(hub, "update-ref", "refs/heads/swarm", tip)
    git(hub, "worktree", "add", "--quiet", "--detach", str(tmp_path / "tree"), tip)
    for place in (tmp_path / "tree", tmp_path / "tree" / ".git", hub / "worktrees" / "tree"):
        found = opened(place)
        assert (found.path, found.tip(), found.resolve("swarm")) == (hub, tip, tip)
    for said in (b"gitdir: /nowhere\n", b"gitdir: ", b"\xff\0", b"gitdir: \0\n", b"a gitdir: .\n"):
        (tmp_path / "tree" / ".git").write_bytes(said)
        with pytest.raises(UsageError, match="no git repository"):
            opened(tmp_path / "tree")


def git(hub: Path, *args: str, data: str = "") -> str:
    who = ["-c", "user.name=x", "-c", "user.email=x@example.invalid"]
    command = ["git", f"--git-dir={hub}", *who, *args]
    dates = dict.fromkeys(("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"), NOW.isoformat())
    env = environment() | dates
    return subprocess.run(
        command, input=data, check=True, capture_output=True, text=True, env=env
    ).stdout.strip()
