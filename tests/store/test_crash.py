"""A drainer that is killed, a reply that is lost, a hub that is gone: each request lands once."""

from __future__ import annotations

import errno
import os
import shutil
import signal
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path

import pytest
from store_toys import ask, commits, files, git, make_hub, open_store

from gitcollab.git.failures import DiskFull, HubUnreachable
from gitcollab.store import drain
from gitcollab.store.parts import Pace
from gitcollab.store.requests import Request

Wrap = Callable[[str], Path]


def submit_in_a_process(hub: Path, home: Path, *requests: Request) -> int:
    process = get_context("fork").Process(target=lambda: open_store(hub, home).submit(*requests))
    process.start()
    process.join(60)
    assert process.exitcode is not None
    return process.exitcode


@pytest.mark.parametrize(
    "body",
    [
        pytest.param('[ "$verb" = push ] && kill -9 $PPID && exit 1', id="before the push"),
        pytest.param(
            '[ "$verb" = push ] && { "$real" "$@"; kill -9 $PPID; exit 0; }', id="after the push"
        ),
        pytest.param(
            # git goes on when its parent is gone: it may land while the next drain is deciding.
            '[ "$verb" = push ] && { kill -9 $PPID; exec "$real" "$@"; }',
            id="during the push",
        ),
    ],
)
@pytest.mark.parametrize("known", [True, False])
def test_a_killed_drainer_loses_and_doubles_nothing(
    hub: Path, tmp_path: Path, wrap_git: Wrap, body: str, known: bool
) -> None:
    home = tmp_path / "home"
    if known:
        open_store(hub, home).snapshot()
    asked = [ask("note", text="one"), ask("claim", name="two")]
    wrap_git(body)

    assert submit_in_a_process(hub, home, *asked) == -signal.SIGKILL
    wrap_git("")
    store = open_store(hub, home)
    assert len(store.pending()) == 2
    store.flush()

    assert store.pending() == []
    assert len(files(hub)) == 3
    assert commits(hub) == 3
    assert open_store(hub, tmp_path / "other").snapshot().read("claims/two.yaml") is not None


def test_a_process_killed_after_storing_its_request_is_served_by_the_next(
    hub: Path, tmp_path: Path
) -> None:
    store = open_store(hub, tmp_path / "home")
    left, mine = ask("note", text="left"), ask("note", text="mine")
    store._cache.prepare()
    store._outbox.put([left])

    store.submit(mine)

    assert len(files(hub)) == 3
    assert store.pending() == []


def test_a_lost_reply_is_recognised(hub: Path, tmp_path: Path, wrap_git: Wrap) -> None:
    store = open_store(hub, tmp_path / "home")
    store.snapshot()
    once = tmp_path / "once"
    log = wrap_git(
        f'[ "$verb" = push ] && [ ! -e {once} ] && touch {once} && "$real" "$@" >/dev/null 2>&1'
        ' && echo "fatal: the remote end hung up unexpectedly" >&2 && exit 128'
    )

    assert store.submit(ask("claim", name="x")) == [{"outcome": "granted"}]

    assert log.read_text().split() == ["push", "fetch"]
    assert commits(hub) == 2


def test_a_hub_that_is_gone_then_back(hub: Path, tmp_path: Path) -> None:
    store = open_store(hub, tmp_path / "home")
    store.snapshot()
    away = hub.rename(tmp_path / "away")
    kept, dropped = ask("note", text="kept"), ask("claim", name="x", when_offline="drop")

    queued, offline = store.submit(kept, dropped)

    assert (queued["outcome"], offline["outcome"]) == ("queued", "offline")
    assert "there is no repository" in queued["reason"]
    [waiting] = store.pending()
    assert waiting.request == kept
    assert waiting.reason == queued["reason"]
    with pytest.raises(HubUnreachable, match="there is no repository"):
        store.refresh()
    assert store.snapshot().read("README.md") == b"a hub\n"

    away.rename(hub)
    assert store.flush() == [{"outcome": "noted"}]
    assert store.pending() == []
    assert store._outbox.offline() is None


def test_a_dead_hub_is_waited_for_once(
    hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrap_git: Wrap
) -> None:
    monkeypatch.setattr(drain, "_BATCH", 2)
    store = open_store(hub, tmp_path / "home")
    store.snapshot()
    hub.rename(tmp_path / "away")
    log = wrap_git("")

    outcomes = store.submit(*(ask("note", text=f"{n}") for n in range(7)))

    assert [outcome["outcome"] for outcome in outcomes] == ["queued"] * 7
    assert log.read_text().split() == ["push"]
    (tmp_path / "away").rename(hub)
    assert len(store.flush()) == 7
    assert commits(hub) == 8


def test_a_hub_that_never_answered(tmp_path: Path) -> None:
    store = open_store(tmp_path / "nothing.git", tmp_path / "home")

    assert store.submit(ask("note", text="kept"))[0]["outcome"] == "queued"
    with pytest.raises(HubUnreachable):
        store.snapshot()


def test_a_hanging_hub_is_offline_after_the_deadline(
    hub: Path, tmp_path: Path, wrap_git: Wrap
) -> None:
    store = open_store(hub, tmp_path / "home", idle=0.3)
    store.snapshot()
    wrap_git('case "$verb" in push|fetch) sleep 600 & wait;; esac')

    [outcome] = store.submit(ask("claim", name="x", when_offline="drop"))

    assert outcome["outcome"] == "offline"
    assert "no answer in 0.3 s" in outcome["reason"]
    assert store.pending() == []


def test_an_emptied_hub_is_not_begun_anew_by_what_was_queued(hub: Path, tmp_path: Path) -> None:
    store = open_store(hub, tmp_path / "home")
    store.snapshot()
    git(hub, "update-ref", "-d", "refs/heads/swarm")

    [outcome] = store.submit(ask("note", text="kept"))

    assert outcome["outcome"] == "queued"
    assert "holds no branch 'swarm'" in outcome["reason"]
    assert git(hub, "for-each-ref") == ""
    assert [o["outcome"] for o in store.submit(ask("seed"))] == ["seeded"]
    assert len(files(hub)) == 2  # what waited went out with it


@pytest.mark.parametrize("damage", ["deleted", "refs", "objects", "everything"])
def test_a_damaged_copy_is_made_again(hub: Path, tmp_path: Path, damage: str) -> None:
    store = open_store(hub, tmp_path / "home")
    store.submit(ask("note", text="before"))
    damage_copy(store.folder / "repo.git", damage)

    store = open_store(hub, tmp_path / "home")
    assert store.submit(ask("note", text="after")) == [{"outcome": "noted"}]
    assert len(store.snapshot().list("notes/")) == 2
    assert commits(hub) == 3


@pytest.mark.parametrize("damage", ["deleted", "refs", "objects", "everything"])
def test_reading_from_a_damaged_copy(hub: Path, tmp_path: Path, damage: str) -> None:
    open_store(hub, tmp_path / "home").submit(ask("note", text="before"))
    store = open_store(hub, tmp_path / "home")
    damage_copy(store.folder / "repo.git", damage)

    assert store.snapshot().read("README.md") == b"a hub\n"
    assert len(store.snapshot().list("notes/")) == 1


def damage_copy(repo: Path, damage: str) -> None:
    if damage == "deleted":
        shutil.rmtree(repo)
        return
    folder = {"refs": "refs", "objects": "objects", "everything": "."}[damage]
    for path in (repo / folder).rglob("*"):
        if path.is_file():
            path.chmod(0o644)
            path.write_bytes(b"\0 nonsense")


@pytest.mark.parametrize("how", ["forced", "squashed"])
def test_a_rewritten_branch_is_followed(hub: Path, tmp_path: Path, how: str) -> None:
    store = open_store(hub, tmp_path / "home")
    store.submit(ask("note", text="one"), ask("note", text="two"))
    tree = "swarm~1^{tree}" if how == "forced" else "swarm^{tree}"
    who = ["-c", "user.name=n", "-c", "user.email=e@x"]
    new = git(hub, *who, "commit-tree", tree, "-m", "squashed")
    git(hub, "update-ref", "refs/heads/swarm", new)

    assert store.submit(ask("note", text="three")) == [{"outcome": "noted"}]

    assert commits(hub) == 2
    assert len(files(hub)) == (3 if how == "forced" else 4)
    assert len(store.snapshot().list("notes/")) == len(files(hub)) - 1


def test_a_busy_hub_is_given_up_after_the_deadline(
    hub: Path, tmp_path: Path, wrap_git: Wrap
) -> None:
    waits: list[float] = []
    store = open_store(
        hub, tmp_path / "home", sleep=waits.append, pace=Pace(deadline=3600, attempts=5)
    )
    store.snapshot()
    # Somebody else is always first.
    move = (
        'new=$($real --git-dir="$hub" -c user.name=n -c user.email=e@x commit-tree -p swarm'
        ' "swarm^{tree}" -m other) && $real --git-dir="$hub" update-ref refs/heads/swarm $new'
    )
    wrap_git(f'hub={hub}; [ "$verb" = push ] && {{ {move}; }}')

    kept, dropped = store.submit(
        ask("note", text="kept"), ask("claim", name="x", when_offline="drop")
    )

    assert kept["outcome"] == "queued"
    assert dropped["outcome"] == "offline"
    assert "5 pushes lost the race" in kept["reason"]
    assert len(waits) == 5
    assert all(0 <= wait <= Pace.spread for wait in waits)


def test_a_full_disk_while_storing_a_request(
    hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(hub, tmp_path / "home")
    store.snapshot()
    asked = ask("note", text="x")
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", no_space)
        with pytest.raises(DiskFull, match="disk is full"):
            store.submit(asked)

    assert store.pending() == []
    assert store.submit(asked) == [{"outcome": "noted"}]


def test_a_full_disk_after_the_push_landed(
    hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(hub, tmp_path / "home")
    store.snapshot()
    with monkeypatch.context() as patch:
        patch.setattr(type(store._outbox), "tell", no_space_to_tell)
        with pytest.raises(DiskFull):
            store.submit(ask("note", text="x"))

    assert len(store.pending()) == 1
    assert store.flush() == [{"outcome": "noted"}]
    assert commits(hub) == 2


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk takes root")
def test_a_really_full_disk(hub: Path, tmp_path: Path) -> None:
    home = tmp_path / "small"
    home.mkdir()
    if os.system(f"mount -t tmpfs -o size=1m tmpfs {home} 2>/dev/null") != 0:
        pytest.skip("cannot mount a tmpfs here")
    try:
        store = open_store(hub, home)
        store.submit(ask("note", text="fits"))
        ballast = home / "ballast"
        fill(ballast)
        with pytest.raises(DiskFull, match="disk is full"):
            store.submit(ask("note", text="does not fit"))
        ballast.unlink()
        assert store.submit(ask("note", text="fits again")) == [{"outcome": "noted"}]
    finally:
        os.system(f"umount -l {home}")


def test_a_home_without_hard_links(
    hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "link", no_links)
    store = open_store(hub, tmp_path / "home")

    assert store.submit(ask("note", text="x")) == [{"outcome": "noted"}]


def test_two_hubs_of_one_home_do_not_meet(tmp_path: Path) -> None:
    hubs = [make_hub(tmp_path / name / "hub.git") for name in "ab"]
    stores = [open_store(hub, tmp_path / "home") for hub in hubs]

    for number, store in enumerate(stores):
        store.submit(ask("note", text=f"{number}"))

    assert [len(files(hub)) for hub in hubs] == [2, 2]
    assert stores[0].folder != stores[1].folder


def fill(path: Path) -> None:
    with suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)


def no_space(*args: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def no_space_to_tell(*args: object) -> None:
    raise DiskFull("No space left on device")


def no_links(*args: object, **more: object) -> None:
    raise OSError(95, "Operation not supported")
