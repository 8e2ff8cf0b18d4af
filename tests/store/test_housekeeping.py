"""The local copy stays small, whatever is done to it and however long."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from store_toys import ask, commits, git, open_store

from gitcollab.git import housekeeping
from gitcollab.store.outbox import Outbox
from gitcollab.store.store import Store

Wrap = Callable[[str], Path]

PER_NOTE = 5  # objects: the note, its agent's folder, notes/, the root, the commit


def repo(store: Store) -> Path:
    return store.folder / "repo.git"


def loose(store: Store) -> list[Path]:
    """The loose objects of the store's copy."""
    return [p for p in (repo(store) / "objects").glob("??/*") if len(p.name) == 38]


def packs(store: Store) -> list[Path]:
    return list((repo(store) / "objects" / "pack").glob("*.pack"))


def notes(store: Store, count: int, each: int) -> dict[str, bytes]:
    """Submit ``count`` notes, ``each`` at a time; path -> what has to be there."""
    written = {}
    for start in range(0, count, each):
        numbers = range(start, min(start + each, count))
        asked = [ask("note", agent=f"a{number % 7}", text=str(number)) for number in numbers]
        assert all(outcome == {"outcome": "noted"} for outcome in store.submit(*asked))
        written |= {f"notes/{r.agent}/{r.id}.txt": r.payload["text"].encode() for r in asked}
    return written


def assert_whole(store: Store, written: dict[str, bytes]) -> None:
    snapshot = store.snapshot()
    assert {path: snapshot.read(path) for path in snapshot.list("notes/")} == written
    assert git(repo(store), "fsck", "--connectivity-only", "--no-dangling") == ""


@pytest.fixture
def tidy_early(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenth of the bounds, for a tenth of the operations."""
    monkeypatch.setattr(housekeeping, "LOOSE", 300)
    monkeypatch.setattr(housekeeping, "PACKS", 5)


def many_operations(hub: Path, home: Path, count: int, each: int) -> None:
    store = open_store(hub, home)
    old = store.snapshot()
    inode = repo(store).stat().st_ino

    written = notes(store, count, each)

    assert len(loose(store)) < 1.5 * housekeeping.LOOSE + PER_NOTE * each
    assert 1 <= len(packs(store)) <= housekeeping.PACKS + 1
    assert old.read("README.md") == b"a hub\n"
    assert commits(hub) == count + 1
    assert repo(store).stat().st_ino == inode, "the copy was remade"
    assert_whole(store, written)


def test_many_operations_leave_a_small_copy(hub: Path, tmp_path: Path, tidy_early: None) -> None:
    many_operations(hub, tmp_path / "home", 1_000, each=32)


@pytest.mark.soak
@pytest.mark.parametrize(("count", "each"), [(10_000, 256), (3_000, 1)])
def test_thousands_of_operations_leave_a_small_copy(
    hub: Path, tmp_path: Path, count: int, each: int
) -> None:
    many_operations(hub, tmp_path / "home", count, each)


def test_what_fetches_bring_is_packed(hub: Path, tmp_path: Path, tidy_early: None) -> None:
    writer, reader = (open_store(hub, tmp_path / name) for name in ("writer", "reader"))
    reader.snapshot()
    written = {}
    most = 0
    for number in range(12):
        # git keeps a pack of more than 100 objects, and takes a smaller one apart.
        written |= notes(writer, 30 if number % 2 else 10, each=30)
        reader.refresh()
        most = max(most, len(packs(reader)))

    assert most > 3
    assert len(packs(reader)) <= housekeeping.PACKS + 1
    assert len(loose(reader)) < 1.5 * housekeeping.LOOSE
    assert_whole(reader, written)


def test_what_lost_a_race_goes(hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping, "LOOSE", 60)
    first, second = (open_store(hub, tmp_path / name) for name in ("first", "second"))
    written = {}
    for _ in range(8):
        for store in (first, second):  # each finds that the other has moved the tip
            written |= notes(store, 8, each=8)
    first.refresh()
    housekeeping.tidy(repo(first))

    assert_whole(first, written)
    inside = git(repo(first), "count-objects", "-v")
    held = sum(
        int(line.split()[1]) for line in inside.splitlines() if line[:5] in ("count", "in-pa")
    )
    reachable = len(git(repo(first), "rev-list", "--objects", "--all").splitlines())
    assert held < reachable + PER_NOTE * 8 * 2


def test_leavings_of_killed_calls_go(hub: Path, tmp_path: Path, tidy_early: None) -> None:
    store = open_store(hub, tmp_path / "home")
    written = notes(store, 8, each=8)
    objects = repo(store) / "objects"
    kept, [folder, *_] = objects / "pack" / "tmp_pack_now", objects.glob("[0-9a-f][0-9a-f]")
    left = [
        objects / "pack" / "tmp_pack_x",
        objects / "pack" / "pack-1.keep",
        objects / "pack" / ".tmp-7-pack-1.idx",
        objects / "tmp_object_git2_x",
        folder / "tmp_obj_x",
    ]
    for path in (kept, *left):
        path.write_bytes(b"half")
    for path in left:
        os.utime(path, (0, 0))
    (store.folder / "trash-1").mkdir()

    written |= notes(store, 120, each=60)

    assert kept.exists()
    assert [path for path in left if path.exists()] == []
    assert list(store.folder.glob("trash-*")) == []
    assert_whole(store, written)


def test_packing_that_fails_harms_nothing_and_is_not_tried_all_the_time(
    hub: Path, tmp_path: Path, tidy_early: None, wrap_git: Wrap
) -> None:
    store = open_store(hub, tmp_path / "home")
    log = wrap_git('[ "$verb" = repack ] && exit 1')
    written = notes(store, 150, each=30)
    assert log.read_text().split().count("repack") == 1
    assert len(loose(store)) > 600

    wrap_git()
    written |= notes(store, 1, each=1)
    assert len(loose(store)) > 600
    os.utime(repo(store) / "repack-failed", (0, 0))  # minutes later
    written |= notes(store, 1, each=1)

    assert len(loose(store)) == 0
    assert_whole(store, written)


def test_outcomes_that_nobody_fetches_are_forgotten(hub: Path, tmp_path: Path) -> None:
    store = open_store(hub, tmp_path / "home")
    outbox = Outbox(store.folder / "outbox")
    store.submit(ask("note", text="1"))
    for age in (0, 2 * 86_400):
        outbox.tell(ask("note", id=f"of{age}", text="x"), {"outcome": "noted"})
        os.utime(outbox.folder / "done" / f"of{age}.json", (time.time() - age,) * 2)

    def left() -> list[str]:
        return sorted(path.name for path in (outbox.folder / "done").iterdir())

    store.submit(ask("note", text="2"))  # within the hour
    assert left() == ["of0.json", "of172800.json"]
    os.utime(outbox.folder / "tidied", (0, 0))
    store.submit(ask("note", text="3"))
    assert left() == ["of0.json"]
