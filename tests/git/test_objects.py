from __future__ import annotations

import subprocess
import tracemalloc
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gitcollab.git.failures import CacheCorrupt
from gitcollab.git.objects import ObjectStore, create
from gitcollab.git.trees import BadPath, check_path

NOW = datetime(2026, 1, 2, tzinfo=UTC)
WHO = ("nova", "nova@gitcollab.invalid")


@pytest.fixture
def objects(tmp_path: Path) -> ObjectStore:
    create(tmp_path / "repo.git")
    return ObjectStore(tmp_path / "repo.git")


def git(objects: ObjectStore, *args: str, data: bytes = b"") -> str:
    command = ["git", f"--git-dir={objects.path}", *args]
    return subprocess.run(command, input=data, check=True, capture_output=True).stdout.decode()


def content(objects: ObjectStore, tree: str | None) -> dict[str, bytes | None]:
    if tree is None:
        return {}
    return {path: objects.blob(entry.oid, 100) for path, entry in objects.files(tree)}


def test_trees_are_what_git_would_write(objects: ObjectStore) -> None:
    # "a.b" and "a0" sort on either side of the folder "a".
    tree = objects.write_tree(None, {"a/x": b"1", "a.b": b"2", "a0": b"3", "ü/é": b"4"})

    assert git(objects, "mktree", data=git(objects, "ls-tree", tree).encode()).strip() == tree
    git(objects, "fsck", "--strict", tree)


def test_only_touched_folders_change_and_empty_ones_go(objects: ObjectStore) -> None:
    one = objects.write_tree(None, {"a/b/c": b"1", "d/e": b"2"})
    two = objects.write_tree(one, {"a/b/c": None})

    assert content(objects, two) == {"d/e": b"2"}
    assert objects.find(one, "d") == objects.find(two, "d")
    assert objects.find(two, "a") is None
    assert content(objects, objects.write_tree(two, {"d/e": None, "no/such": None})) == {}


def test_a_file_gives_way_to_a_folder_and_back(objects: ObjectStore) -> None:
    one = objects.write_tree(None, {"a": b"1"})
    two = objects.write_tree(one, {"a/b": b"2"})
    three = objects.write_tree(two, {"a": b"3"})

    assert content(objects, two) == {"a/b": b"2"}
    assert content(objects, three) == {"a": b"3"}
    assert {c.path: c.entry is not None for c in objects.diff(one, two)} == {
        "a": False,
        "a/b": True,
    }


PATHS = st.lists(st.sampled_from(["a", "b", "a.b", "a-b"]), min_size=1, max_size=3).map("/".join)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(rounds=st.lists(st.dictionaries(PATHS, st.none() | st.binary(max_size=2)), max_size=4))
def test_against_a_model(objects: ObjectStore, rounds: list[dict[str, bytes | None]]) -> None:
    tree: str | None = None
    for changes in rounds:
        try:
            after = objects.write_tree(tree, changes)
        except BadPath:  # a path that is both a file and a folder of one batch
            continue
        before, now = content(objects, tree), content(objects, after)
        for path, data in changes.items():
            assert now.get(path) == data
        # The difference leads from one to the other.
        patched = dict(before)
        for change in sorted(objects.diff(tree, after), key=lambda c: c.entry is not None):
            if change.entry is None:
                del patched[change.path]
            else:
                patched[change.path] = objects.blob(change.entry.oid, 100)
        assert patched == now
        tree = after


@pytest.mark.parametrize(
    "path",
    [
        "", "/a", "a/", "a//b", ".", "..", "a/../b", ".git/config", "a/.GIT/b", "a/.git", "git~1/x",
        "a\\b", "a\nb", "a\0b", "c:x", ".git./x", ".. /x", "a/" * 40 + "b", "x" * 1001, "\ud800",
    ],
)  # fmt: skip
def test_paths_that_must_not_be(objects: ObjectStore, path: str) -> None:
    with pytest.raises(BadPath):
        objects.write_tree(None, {path: b"x"})


@pytest.mark.parametrize("path", ["a", "a/b.c", "a b/ü", ".github/workflows/x.yml", "a/.gitignore"])
def test_paths_that_may_be(path: str) -> None:
    assert check_path(path) == path


def test_both_a_file_and_a_folder(objects: ObjectStore) -> None:
    for changes in ({"a": b"1", "a/b": b"2"}, {"a/b": b"2", "a": b"1"}):
        with pytest.raises(BadPath):
            objects.write_tree(None, changes)


def test_strangers_trees_survive_what_we_add(objects: ObjectStore) -> None:
    blob = git(objects, "hash-object", "-w", "--stdin", data=b"x").strip()
    entries = (
        b"100644 blob %(b)s\tbad\xff\n120000 blob %(b)s\tlink\n160000 commit %(m)s\tmodule\n"
        b"100755 blob %(b)s\trun\n" % {b"b": blob.encode(), b"m": b"1" * 40}
    )
    hostile = git(objects, "mktree", "--missing", data=entries).strip()

    tree = objects.write_tree(hostile, {"new": b"y"})

    assert len(git(objects, "ls-tree", tree).splitlines()) == 5
    files = dict(objects.files(tree))
    assert {path for path, entry in files.items() if entry.is_file} == {"new", "run"}
    assert set(files) == {"link", "module", "new", "run"}
    assert [change.path for change in objects.diff(hostile, tree)] == ["new"]


def test_blobs_are_capped(objects: ObjectStore) -> None:
    tree = objects.write_tree(None, {"a": b"12345"})
    entry = objects.find(tree, "a")
    assert entry is not None
    assert objects.blob(entry.oid, 5) == b"12345"
    assert objects.blob(entry.oid, 4) is None
    assert objects.blob(tree, 100) is None


def test_prefixes(objects: ObjectStore) -> None:
    tree = objects.write_tree(None, dict.fromkeys(("a/x", "a/y/z", "ab/c", "b"), b""))

    def found(prefix: str) -> list[str]:
        return sorted(path for path, _ in objects.files(tree, prefix))

    assert found("") == ["a/x", "a/y/z", "ab/c", "b"]
    assert found("a") == ["a/x", "a/y/z", "ab/c"]
    assert found("a/") == ["a/x", "a/y/z"]
    assert found("a/y/z") == ["a/y/z"]
    assert found("c") == []


def test_commits_and_tips(objects: ObjectStore) -> None:
    tree = objects.write_tree(None, {"a": b"1"})
    one = objects.commit(tree, None, "one\n", WHO, WHO, NOW)
    two = objects.commit(tree, one, "two\n", WHO, WHO, NOW)
    assert objects.tip("refs/heads/x") is None
    objects.set_tip("refs/heads/x", two)

    assert objects.tip("refs/heads/x") == two
    assert objects.tree(two) == tree
    assert objects.commit_time(two) == NOW
    assert git(objects, "rev-list", "x").split() == [two, one]
    objects.forget_tip("refs/heads/x")
    assert objects.tip("refs/heads/x") is None


def test_a_look_at_the_tip_leaves_nothing_in_memory(objects: ObjectStore) -> None:
    tree = objects.write_tree(None, {"a": b"1"})
    objects.set_tip("refs/heads/x", objects.commit(tree, None, "one\n", WHO, WHO, NOW))
    branch = "x"
    objects.tip(f"refs/heads/{branch}")
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(1000):
            objects.tip(f"refs/heads/{branch}")
        assert tracemalloc.get_traced_memory()[0] - before < 20_000
    finally:
        tracemalloc.stop()


def test_who_made_a_commit_need_be_no_text(objects: ObjectStore) -> None:
    tree = objects.write_tree(None, {"a": b"1"})
    when = int(NOW.timestamp())
    head = b"tree %b\n" % tree.encode()
    head += b"author \xff <x> %d +0000\ncommitter \xff <x> %d +0000\n" % (when, when)
    for more in (b"", b"encoding nonsense\n", b"encoding UTF-8\n"):
        data = head + more + b"\nx\n"
        write = ("hash-object", "-t", "commit", "-w", "--stdin", "--literally")
        commit = git(objects, *write, data=data)
        assert objects.committers(commit.strip(), timedelta(1), 9) == {"\xff "}


def test_damage_has_one_name(objects: ObjectStore, tmp_path: Path) -> None:
    with pytest.raises(CacheCorrupt):
        objects.tree("1" * 40)
    with pytest.raises(CacheCorrupt):
        objects.entries("1" * 40)
    with pytest.raises(CacheCorrupt):
        objects.blob("1" * 40, 10)
    with pytest.raises(CacheCorrupt):
        ObjectStore(tmp_path / "nowhere")


@pytest.mark.parametrize("size", [0, 1, 56, 64, 5000])
def test_an_object_cut_short_is_damage(objects: ObjectStore, size: int) -> None:
    tree = objects.write_tree(None, {"file": bytes(n % 251 for n in range(size))})
    oid = objects.entries(tree)[b"file"].oid
    whole = objects.blob(oid, size)
    assert whole is not None
    assert len(whole) == size
    assert objects.blob(oid, size - 1) is None
    path = objects.path / "objects" / oid[:2] / oid[2:]
    data = path.read_bytes()
    path.chmod(0o644)
    for length in {*range(0, len(data), 7), len(data) - 1}:
        path.write_bytes(data[:length])
        with pytest.raises(CacheCorrupt):
            objects.blob(oid, size)


def test_a_commit_cut_short_is_damage(objects: ObjectStore) -> None:
    who = ("n", "e@x")
    when = datetime(2026, 1, 1, tzinfo=UTC)
    commit = objects.commit(objects.write_tree(None, {"a": b"b"}), None, "m", who, who, when)
    path = objects.path / "objects" / commit[:2] / commit[2:]
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:30])
    for act in (
        lambda: objects.tree(commit),
        lambda: objects.commit(objects.write_tree(None, {"a": b"c"}), commit, "m", who, who, when),
    ):
        with pytest.raises(CacheCorrupt):
            act()


def test_writing_what_is_there_but_cut_short_is_damage(objects: ObjectStore) -> None:
    tree = objects.write_tree(None, {"a": b"b"})
    path = objects.path / "objects" / tree[:2] / tree[2:]
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:10])
    with pytest.raises(CacheCorrupt):
        objects.write_tree(None, {"a": b"b"})
    who, when = ("n", "e@x"), datetime(2026, 1, 1, tzinfo=UTC)
    with pytest.raises(CacheCorrupt):
        objects.commit(tree, None, "m", who, who, when)


def test_of_a_folder_that_grows_one_version_is_kept(
    objects: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But of two folders whose first entries only have one name, both are."""
    monkeypatch.setattr(f"{ObjectStore.__module__}._FEW", 2)
    trees = [
        objects.write_tree(None, {f"{n}": b"%d %d" % (n, of) for n in range(size)})
        for of, size in ((1, 3), (1, 4), (2, 3))
    ]
    for tree in trees:
        objects.entries(tree)
    read: list[str] = []
    monkeypatch.setattr(objects, "raw_tree", lambda tree: read.append(tree) or b"")
    for tree in reversed(trees):
        objects.entries(tree)
    assert read == [trees[0]]


def test_a_large_tree_that_was_read_last_is_not_read_again(
    objects: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An agent's thousands of results lie in one folder, and many of them are read in a row."""
    monkeypatch.setattr(f"{ObjectStore.__module__}._SMALL", 2)
    tree, other = (
        objects.write_tree(None, {f"{name}/{n}": b"%d" % n for n in range(5)}) for name in "ab"
    )
    folder = objects.find(tree, "a")
    assert folder is not None
    objects.entries(folder.oid)
    with monkeypatch.context() as patch:
        patch.setattr(f"{ObjectStore.__module__}.parse", None)
        assert len(objects.entries(folder.oid)) == 5
    for top, name in ((other, "b"), (tree, "a"), (other, "b")):
        found = objects.find(top, f"{name}/3")
        assert found is not None
        assert objects.blob(found.oid, 9) == b"3"
