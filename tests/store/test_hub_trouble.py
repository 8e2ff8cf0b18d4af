"""A hub that is gone, full, read-only, silent, busy or strict: said, kept, delivered in order."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from store_toys import ask, commits, files, git, landed, open_store

from gitcollab.git.failures import DiskFull, HubUnreachable
from gitcollab.store import drain
from gitcollab.store.parts import Pace
from gitcollab.store.store import Store

Wrap = Callable[[str], Path]
Trouble = Callable[[Path], Iterator[None]]

needs_mounts = pytest.mark.skipif(os.geteuid() != 0, reason="mounting takes root")


def mount(*args: object) -> None:
    if subprocess.run(["mount", *map(str, args)], capture_output=True).returncode != 0:
        pytest.skip("cannot mount here")


def fill(path: Path) -> None:
    with suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)


@contextmanager
def gone(hub: Path) -> Iterator[None]:
    away = hub.rename(hub.with_name("away"))
    yield
    away.rename(hub)


@contextmanager
def read_only(hub: Path) -> Iterator[None]:
    mount("--bind", hub, hub)
    try:
        mount("-o", "remount,bind,ro", hub)
        yield
    finally:
        subprocess.run(["umount", "-l", hub], check=True)


@contextmanager
def full(hub: Path) -> Iterator[None]:
    with small_disk(hub):
        fill(hub / "ballast")
        yield
        (hub / "ballast").unlink()


@contextmanager
def silent(hub: Path) -> Iterator[None]:
    """A hook that the hub waits for; see the tests' ``idle``."""
    hook = hub / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexec sleep 600\n")
    hook.chmod(0o755)
    yield
    hook.unlink()


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """``folder`` with what is in it on a disk of two megabytes."""
    kept = folder.with_name(f"{folder.name}-kept")
    shutil.copytree(folder, kept)
    mount("-t", "tmpfs", "-o", "size=2m", "tmpfs", folder)
    try:
        shutil.copytree(kept, folder, dirs_exist_ok=True)
        yield
        shutil.copytree(folder, kept, dirs_exist_ok=True)
    finally:
        subprocess.run(["umount", "-l", folder], check=True)
    shutil.copytree(kept, folder, dirs_exist_ok=True)


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        (gone, "there is no repository"),
        pytest.param(read_only, "Read-only file system", marks=needs_mounts),
        pytest.param(full, "No space left on device", marks=needs_mounts),
        (silent, "no answer in"),
    ],
)
def test_what_could_not_be_sent_is_kept_and_sent_in_order(
    hub: Path, tmp_path: Path, trouble: Callable, reason: str
) -> None:
    home = tmp_path / "home"
    store = open_store(hub, home)
    store.snapshot()
    asked = [ask("note", id=f"note-{number}", text="x") for number in range(3)]
    with trouble(hub):
        store = open_store(hub, home, idle=0.5 if trouble is silent else 30)
        for request in asked:
            claim = ask("claim", name=request.id, when_offline="drop")
            queued, offline = store.submit(request, claim)
            assert (queued["outcome"], offline["outcome"]) == ("queued", "offline")
            assert reason in queued["reason"]
            assert reason in offline["reason"]
        assert [one.request for one in store.pending()] == asked
        assert {one.reason for one in store.pending()} == {queued["reason"]}
        assert open_store(hub, home).snapshot().read("README.md") == b"a hub\n"

    store = open_store(hub, home)
    assert store.flush() == [{"outcome": "noted"}] * 3
    assert store.pending() == []
    assert store._outbox.offline() is None
    assert landed(hub)[::-1][-3:] == [request.id for request in asked]
    assert git(hub, "fsck", "--no-dangling", "--no-progress") == ""


def test_asking_a_hub_that_is_gone(hub: Path, tmp_path: Path) -> None:
    store = open_store(hub, tmp_path / "home")
    store.snapshot()
    with gone(hub), pytest.raises(HubUnreachable, match="there is no repository"):
        store.refresh()


def test_a_dead_hub_is_waited_for_once(
    hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrap_git: Wrap
) -> None:
    monkeypatch.setattr(drain, "_BATCH", 2)
    store = open_store(hub, tmp_path / "home")
    store.snapshot()
    with gone(hub):
        log = wrap_git("")

        outcomes = store.submit(*(ask("note", text=f"{n}") for n in range(7)))

        assert [outcome["outcome"] for outcome in outcomes] == ["queued"] * 7
        assert log.read_text().split() == ["push"]
    assert len(store.flush()) == 7
    assert commits(hub) == 8


def test_a_hub_that_never_answered(tmp_path: Path) -> None:
    store = open_store(tmp_path / "nothing.git", tmp_path / "home")

    assert store.submit(ask("note", text="kept"))[0]["outcome"] == "queued"
    with pytest.raises(HubUnreachable):
        store.snapshot()


@pytest.mark.parametrize("known", [True, False])
def test_a_hanging_hub_costs_one_deadline(
    hub: Path, tmp_path: Path, wrap_git: Wrap, known: bool
) -> None:
    store = open_store(hub, tmp_path / "home", idle=0.3)
    if known:
        store.snapshot()
    log = wrap_git('case "$verb" in push|fetch) sleep 600 & wait;; esac')

    [outcome] = store.submit(ask("claim", name="x", when_offline="drop"))

    assert outcome["outcome"] == "offline"
    assert "no answer in 0.3 s" in outcome["reason"]
    assert outcome["reason"].endswith("; it may have arrived") == known  # only then was it sent
    assert log.read_text().split() == (["push"] if known else ["--version", "fetch"])
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
    assert all(0 <= wait < 60 for wait in waits)


def test_one_request_among_many_is_refused(hub: Path, tmp_path: Path) -> None:
    """The others land; it can be retried or dropped."""
    hook = hub / "hooks" / "update"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(
        '#!/bin/sh\ngit log --format=%s "$2..$3" | grep -q "note [37]$"'
        ' && echo "no such notes today" && exit 1; exit 0\n'
    )
    hook.chmod(0o755)
    store = open_store(hub, tmp_path / "home")
    asked = [ask("note", text=f"{number}") for number in range(10)]

    outcomes = store.submit(*asked)

    bad = [asked[3], asked[7]]
    refused = {"outcome": "refused", "reason": "no such notes today"}
    assert [o for o in outcomes if o != {"outcome": "noted"}] == [refused] * 2
    assert [(one.request, one.reason) for one in store.quarantined()] == [
        (request, "no such notes today") for request in bad
    ]
    assert set(landed(hub)) >= {request.id for request in asked if request not in bad}
    store.drop(bad[0])
    store.retry(bad[1])
    assert store.flush() == [refused]
    assert [one.request for one in store.quarantined()] == [bad[1]]
    hook.unlink()
    store.retry(bad[1])
    assert store.flush() == [{"outcome": "noted"}]
    assert store.quarantined() == store.pending() == []
    assert landed(hub).count(bad[1].id) == 1
    assert landed(hub).count(bad[0].id) == 0


@needs_mounts
def test_a_full_disk_of_our_own(hub: Path, tmp_path: Path) -> None:
    home = tmp_path / "small"
    home.mkdir()
    with small_disk(home):
        store = open_store(hub, home)
        store.submit(ask("note", text="fits"))
        fill(home / "ballast")
        with pytest.raises(DiskFull, match="disk is full"):
            store.submit(ask("note", text="does not fit"))
        assert store.snapshot().read("README.md") == b"a hub\n"
        (home / "ballast").unlink()
        assert store.submit(ask("note", text="fits again")) == [{"outcome": "noted"}]
        assert commits(hub) == 3


@needs_mounts
@pytest.mark.parametrize("room", [4, 12, 20, 28, 40])
def test_a_disk_that_fills_up_on_the_way(hub: Path, tmp_path: Path, room: int) -> None:
    """With ``room`` KiB left a write gets so far and no further: queued, or landed, once."""
    home = tmp_path / "small"
    home.mkdir()
    with small_disk(home):
        store = open_store(hub, home)
        store.snapshot()
        fill(home / "ballast")
        os.truncate(home / "ballast", (home / "ballast").stat().st_size - room * 1024)
        asked = ask("note", text="x" * 5000)
        with suppress(DiskFull):
            store.submit(asked)
        stored = asked in [one.request for one in store.pending()] or asked.id in landed(hub)
        (home / "ballast").unlink()
        store.flush()
        assert store.pending() == []
        assert landed(hub).count(asked.id) == stored
        assert store.submit(ask("note", text="goes on")) == [{"outcome": "noted"}]


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
    other = ask("note", text="of another process")
    store._outbox.put([other])
    with monkeypatch.context() as patch:
        patch.setattr(type(store._outbox), "tell", no_space_to_tell)
        with pytest.raises(DiskFull):
            store.submit(ask("note", text="x"))

    assert other in [one.request for one in store.pending()]
    assert {"outcome": "noted"} in store.flush()
    assert commits(hub) == 3


def test_whoever_delivers_its_own_needs_no_file_of_the_outcome(
    hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(hub, tmp_path / "home")
    monkeypatch.setattr(type(store._outbox), "tell", no_space_to_tell)

    assert store.submit(ask("note", text="x")) == [{"outcome": "noted"}]
    assert store.pending() == []


def no_space(*args: object) -> None:
    raise OSError(28, "No space left on device")


def no_space_to_tell(store: Store, *args: object) -> None:
    raise DiskFull("No space left on device")
