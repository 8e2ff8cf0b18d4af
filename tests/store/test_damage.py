"""The copy, the index or the branch is not what it was: recovered by itself, nothing waiting lost.

Also the places where a home can be: two hubs, two users, no hard links, nothing to write.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from multiprocessing import get_context
from pathlib import Path

import pygit2
import pytest
from pygit2.enums import ConfigLevel
from store_toys import (
    DECIDERS,
    ask,
    commits,
    files,
    git,
    in_a_process,
    landed,
    make_hub,
    open_store,
)

from gitcollab.errors import GitcollabError
from gitcollab.git.failures import CacheCorrupt
from gitcollab.git.remote import Remote
from gitcollab.store.requests import Decision, Request
from gitcollab.store.snapshot import Snapshot

WHO = ("-c", "user.name=n", "-c", "user.email=e@x")

# -- damage to the copy --------------------------------------------------------------------------


def deleted(folder: Path, rng: random.Random) -> None:
    shutil.rmtree(folder / "repo.git", ignore_errors=True)


def no_folder(folder: Path, rng: random.Random) -> None:
    """All but what waits."""
    for path in folder.iterdir():
        if path.name not in ("outbox", "lock"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def some(pattern: str, how: str) -> Callable[[Path, random.Random], None]:
    """One file of those that match is overwritten, cut, emptied or removed."""

    def damage(folder: Path, rng: random.Random) -> None:
        found = sorted(path for path in folder.glob(pattern) if path.is_file())
        if found:
            spoil(rng.choice(found), how)

    damage.__name__ = f"{how} {pattern}"
    return damage


def every(pattern: str) -> Callable[[Path, random.Random], None]:
    def damage(folder: Path, rng: random.Random) -> None:
        for path in folder.glob(pattern):
            if path.is_file():
                spoil(path, "nonsense")

    damage.__name__ = f"every {pattern}"
    return damage


def spoil(path: Path, how: str) -> None:
    path.chmod(0o644)
    data = path.read_bytes()
    match how:
        case "nonsense":
            path.write_bytes(b"\0 nonsense")
        case "half":
            path.write_bytes(data[: len(data) // 2])
        case "empty":
            path.write_bytes(b"")
        case "flipped":
            middle = len(data) // 2
            path.write_bytes(data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :])
        case "removed":
            path.unlink()


OBJECTS, PACKS = "repo.git/objects/[0-9a-f][0-9a-f]/*", "repo.git/objects/pack/*"
REFS = "repo.git/refs/**/*"
DAMAGES = [
    deleted,
    no_folder,
    every("repo.git/**/*"),
    every("repo.git/objects/**/*"),
    every(REFS),
    *(some(OBJECTS, how) for how in ("nonsense", "half", "empty", "flipped", "removed")),
    *(some(PACKS, how) for how in ("half", "flipped", "removed")),
    *(some(REFS, how) for how in ("half", "empty", "removed")),
    *(some(f"repo.git/{name}", "empty") for name in ("HEAD", "config", "shallow")),
    *(some(name, "half") for name in ("index.sqlite", "fetched.json", "contention")),
    every("index.sqlite*"),
    every("*.json"),
]


@pytest.fixture
def packed(hub: Path, tmp_path: Path) -> Path:
    """A home whose copy has packs, loose objects, and a request that waits."""
    home = tmp_path / "home"
    store = open_store(hub, home)
    store.submit(*(ask("note", text=f"before {n}") for n in range(3)))
    git(store.folder / "repo.git", "repack", "-d", "-q")
    store.submit(ask("note", text="loose"))
    away = hub.rename(tmp_path / "away")
    store.submit(ask("note", id="waits", text="x"))
    away.rename(hub)
    return home


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
@pytest.mark.parametrize("moved", [False, True], ids=["", "moved"])
def test_a_damaged_copy_is_made_again(
    hub: Path, tmp_path: Path, packed: Path, damage: Callable, moved: bool
) -> None:
    """Reading and writing go on, also when the hub has moved on meanwhile."""
    reader = open_store(hub, packed)
    held = reader.snapshot()  # in the hand of somebody who goes on reading it
    if moved:
        open_store(hub, tmp_path / "other").submit(ask("note", text="theirs"))
    damage(reader.folder, random.Random(damage.__name__))

    assert held.read("README.md") == b"a hub\n"
    assert len(held.list("notes/")) == 4
    assert open_store(hub, packed).snapshot().read("README.md") == b"a hub\n"
    damage(reader.folder, random.Random(damage.__name__))
    store = open_store(hub, packed)
    assert store.submit(ask("note", text="after")) == [{"outcome": "noted"}]

    assert store.pending() == []
    assert landed(hub).count("waits") == 1
    assert len(store.refresh().list("notes/")) == commits(hub) - 1 == 6 + moved


@pytest.mark.parametrize("damage", [deleted, every("repo.git/**/*"), every(OBJECTS)])
@pytest.mark.parametrize("call", ["push", "fetch"])
def test_damage_between_two_steps_of_a_drain(
    hub: Path,
    tmp_path: Path,
    packed: Path,
    monkeypatch: pytest.MonkeyPatch,
    damage: Callable,
    call: str,
) -> None:
    store = open_store(hub, packed)
    open_store(hub, tmp_path / "other").submit(ask("note", text="theirs"))
    right, often = getattr(Remote, call), []

    def wrong(remote: Remote, *args: object, **more: object) -> object:
        if not often:
            often.append(damage(store.folder, random.Random(call)))
        return right(remote, *args, **more)

    monkeypatch.setattr(Remote, call, wrong)

    assert store.submit(ask("claim", name="x")) == [{"outcome": "granted"}]

    assert often
    assert store.pending() == []
    assert len(files(hub)) == commits(hub) == 8


def test_a_damaged_copy_while_the_hub_is_away(hub: Path, tmp_path: Path, packed: Path) -> None:
    store = open_store(hub, packed)
    deleted(store.folder, random.Random(0))
    away = hub.rename(tmp_path / "away")

    [outcome] = store.submit(ask("note", text="after"))

    assert outcome["outcome"] == "queued"
    assert "there is no repository" in outcome["reason"]
    assert len(store.pending()) == 2
    away.rename(hub)
    assert len(store.flush()) == 2


@pytest.mark.parametrize("where", ["index.sqlite", "outbox/done", "outbox/offline.json"])
def test_what_is_in_the_way_is_one_clear_line(hub: Path, tmp_path: Path, where: str) -> None:
    """A folder where a file should be, or the other way round: an error that says so, or none."""
    store = open_store(hub, tmp_path / "home")
    store._cache.prepare()
    path = store.folder / where
    path.parent.mkdir(exist_ok=True)
    path.touch() if path.name == "done" else path.mkdir()

    told = ""
    try:
        assert store.submit(ask("note", text="x")) == [{"outcome": "noted"}]
        assert store.snapshot().records("result") == {}
    except GitcollabError as e:
        told = e.message
    assert told == "" or where in told


def test_a_hub_that_sends_nonsense_is_not_ours_to_mend(hub: Path, tmp_path: Path) -> None:
    store = open_store(hub, tmp_path / "home")
    store.snapshot()
    open_store(hub, tmp_path / "other").submit(ask("note", text="theirs"))
    for path in (hub / "objects").rglob("*"):
        if path.is_file():
            spoil(path, "nonsense")

    [kept, dropped] = store.submit(
        ask("note", text="x"), ask("claim", name="x", when_offline="drop")
    )

    assert (kept["outcome"], dropped["outcome"]) == ("queued", "offline")
    assert len(store.pending()) == 1


# -- the branch is rewritten ---------------------------------------------------------------------


def squash(hub: Path, commit: str = "swarm") -> None:
    """One commit without parents that holds the files of ``commit``; the rest is forgotten."""
    new = git(hub, *WHO, "commit-tree", f"{commit}^{{tree}}", "-m", "squashed")
    git(hub, "update-ref", "refs/heads/swarm", new)
    git(hub, "reflog", "expire", "--expire=now", "--all")
    git(hub, "gc", "-q", "--prune=now")


@pytest.mark.parametrize("how", ["forced back", "squashed"])
@pytest.mark.parametrize("spoilt", [False, True])
def test_a_rewritten_branch_is_followed(hub: Path, tmp_path: Path, how: str, spoilt: bool) -> None:
    home = tmp_path / "home"
    store = open_store(hub, home)
    store.submit(ask("note", text="one"), ask("note", text="two"))
    away = hub.rename(tmp_path / "away")
    store.submit(ask("note", id="waits", text="x"))
    away.rename(hub)
    squash(hub, "swarm~1" if how == "forced back" else "swarm")
    if spoilt:
        deleted(store.folder, random.Random(0))

    assert store.submit(ask("note", text="three")) == [{"outcome": "noted"}]

    assert commits(hub) == 3
    assert len(files(hub)) == (4 if how == "forced back" else 5)
    assert landed(hub).count("waits") == 1
    assert len(store.snapshot().list("notes/")) == len(files(hub)) - 1


@pytest.mark.parametrize("after", ["before it lands", "and the reply lost"])
def test_a_branch_rewritten_during_a_push(
    hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: str
) -> None:
    """Between two steps of one drain; a reply that was lost is known by the record itself."""
    from gitcollab.git.remote import Unreachable

    store = open_store(hub, tmp_path / "home")
    store.snapshot()
    right, often = Remote.push, []

    def push(remote: Remote, commit: str, **more: object) -> object:
        often.append(commit)
        if len(often) > 1:
            return right(remote, commit, **more)
        if after == "before it lands":
            squash(hub)
            return right(remote, commit, **more)
        right(remote, commit, **more)
        squash(hub)
        return Unreachable("the line went dead", "")

    monkeypatch.setattr(Remote, "push", push)

    outcomes = store.submit(ask("note", text="x"), ask("claim", name="x"))

    assert outcomes == [{"outcome": "noted"}, {"outcome": "granted"}]
    assert len(files(hub)) == 3
    assert len(often) == (2 if after == "before it lands" else 1)


# -- rules with faults ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({"../x": b""}, "refused"),
        ({".git/config": b""}, "refused"),
        ({"a/b": b"", "a": b""}, "refused"),
        ({"x": "text"}, "failed"),
        ({"x": 7}, "failed"),
        ({7: b""}, "failed"),
        (None, "failed"),
    ],
)
def test_a_rule_that_changes_what_cannot_be_is_its_own_requests_failure(
    hub: Path, tmp_path: Path, changes: dict, outcome: str
) -> None:
    def odd(snapshot: Snapshot, request: Request, now: datetime) -> Decision:
        return Decision({"outcome": "done"}, changes)

    store = open_store(hub, tmp_path / "home", deciders={**DECIDERS, "odd": odd})

    first, mine, last = store.submit(ask("note", text="x"), ask("odd"), ask("claim", name="x"))

    assert (first, last) == ({"outcome": "noted"}, {"outcome": "granted"})
    assert mine["outcome"] == outcome
    assert mine["reason"]
    assert len(store.quarantined()) == 1
    assert len(files(hub)) == 3


def test_words_that_are_no_text_in_a_message(hub: Path, tmp_path: Path) -> None:
    def odd(snapshot: Snapshot, request: Request, now: datetime) -> Decision:
        return Decision({"outcome": "done"}, {"x": b"x"}, "half a \ud83d letter")

    store = open_store(hub, tmp_path / "home", deciders={"odd": odd})

    assert store.submit(ask("odd")) == [{"outcome": "done"}]


# -- places --------------------------------------------------------------------------------------


def test_two_hubs_of_one_home_do_not_meet(tmp_path: Path) -> None:
    hubs = [make_hub(tmp_path / name / "hub.git") for name in "ab"]
    stores = [open_store(hub, tmp_path / "home") for hub in hubs]
    away = hubs[0].rename(tmp_path / "away")

    assert [store.submit(ask("note", text="x"))[0]["outcome"] for store in stores] == [
        "queued",
        "noted",
    ]

    assert [len(store.pending()) for store in stores] == [1, 0]
    assert stores[1].flush() == []
    away.rename(hubs[0])
    assert stores[0].flush() == [{"outcome": "noted"}]
    assert [len(files(hub)) for hub in hubs] == [2, 2]
    assert stores[0].folder != stores[1].folder


def test_a_home_without_hard_links(
    hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*args: object, **more: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "link", no_links)
    store = open_store(hub, tmp_path / "home")

    assert store.submit(ask("note", text="x")) == [{"outcome": "noted"}]
    deleted(store.folder, random.Random(0))
    assert store.submit(ask("note", text="y")) == [{"outcome": "noted"}]


@contextmanager
def nothing_to_write(home: Path) -> Iterator[None]:
    for argv in (["--bind", home, home], ["-o", "remount,bind,ro", home]):
        if subprocess.run(["mount", *argv], capture_output=True).returncode != 0:
            pytest.skip("cannot mount here")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", home], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting takes root")
@pytest.mark.parametrize("indexed", [True, False])
def test_a_read_only_cache_is_read_and_says_that_it_cannot_be_written(
    hub: Path, tmp_path: Path, indexed: bool
) -> None:
    home = tmp_path / "home"
    store = open_store(hub, home)
    assert indexed == (store.snapshot().records("result") == {} if indexed else False)
    with nothing_to_write(home):
        store = open_store(hub, home)
        snapshot = store.snapshot()
        assert snapshot.read("README.md") == b"a hub\n"
        assert snapshot.records("result") == {}
        for write in (lambda: store.submit(ask("note", text="x")), store.refresh):
            with pytest.raises(GitcollabError, match="Read-only file system") as raised:
                write()
            assert "\n" not in raised.value.message
            assert not isinstance(raised.value, CacheCorrupt)
            assert raised.value.hint
    assert open_store(hub, home).submit(ask("note", text="x")) == [{"outcome": "noted"}]


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming another user takes root")
def test_two_users_of_one_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each with a home of their own; in the other's home nobody writes, and it is said clearly."""
    shared = Path(tempfile.mkdtemp())
    try:
        shared.chmod(0o755)
        hub = make_hub(shared / "hub.git")
        git(hub, "config", "core.sharedRepository", "world")
        open_store(hub, shared / "ours").submit(ask("note", text="ours"))
        for path in hub.rglob("*"):
            path.chmod(path.stat().st_mode | (0o777 if path.is_dir() else 0o666))
        hub.chmod(0o777)
        (shared / "theirs").mkdir()
        os.chown(shared / "theirs", 65534, 65534)
        monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(shared / "gitconfig"))
        (shared / "gitconfig").write_text("[safe]\n\tdirectory = *\n")
        queue = get_context("fork").SimpleQueue()

        def other_user() -> None:
            os.setgid(65534)
            os.setuid(65534)
            for level in (ConfigLevel.GLOBAL, ConfigLevel.XDG):
                pygit2.settings.search_path[level] = str(shared / "theirs")
            queue.put(open_store(hub, shared / "theirs").submit(ask("note", text="theirs")))
            try:
                open_store(hub, shared / "ours").submit(ask("note", text="intruder"))
            except GitcollabError as e:
                queue.put((e.message, e.hint, e.exit_code))

        assert in_a_process(other_user) == 0
        assert queue.get() == [{"outcome": "noted"}]
        message, hint, code = queue.get()
        assert "Permission denied" in message
        assert "GITCOLLAB_HOME" in hint
        assert code == 1
        assert len(files(hub)) == 3
    finally:
        shutil.rmtree(shared)
