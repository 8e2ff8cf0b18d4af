"""Snapshots and the index under them: strangers' bytes, changes laid over, many processes."""

from __future__ import annotations

import os
import sqlite3
import weakref
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from store_toys import FROZEN, ask, git, open_store, race

from gitcollab.git.objects import ObjectStore
from gitcollab.records import codec
from gitcollab.store import decoding
from gitcollab.store.columns import Columns
from gitcollab.store.requests import Decision, Request
from gitcollab.store.snapshot import Snapshot
from gitcollab.store.store import Store


def insight(agent: str, name: str, text: str = "x") -> bytes:
    return (
        f"schema: 1\nid: {agent}/{name}\nagent: {agent}\ncreated_at: 2026-01-02T03:04:05Z\n"
        f"nonce: '{'0' * 16}'\ntext: {text}\n"
    ).encode()


def decide_write(snapshot: Snapshot, request: Request, now: object) -> Decision:
    changes = {
        path: None if text is None else text.encode()
        for path, text in request.payload["files"].items()
    }
    return Decision({"outcome": "written"}, changes)


# Of insights: their text and how long it is.
COLUMNS = Columns(
    "insight", ("text", "length"), ("text",), lambda r: (r.text, len(r.text)), version=1
)


def store_of(hub: Path, home: Path, **more: Any) -> Store:
    return open_store(hub, home, deciders={"write": decide_write}, columns=[COLUMNS], **more)


def write(store: Store, files: dict[str, bytes | None]) -> Snapshot:
    texts = {path: None if data is None else data.decode() for path, data in files.items()}
    assert store.submit(ask("write", files=texts))[0]["outcome"] == "written"
    return store.snapshot()


@pytest.fixture
def store(hub: Path, tmp_path: Path) -> Store:
    return store_of(hub, tmp_path / "home")


def test_records_by_kind_in_order(store: Store) -> None:
    snapshot = write(
        store,
        {
            "insights/vega/b.yaml": insight("vega", "b", "two"),
            "insights/nova/a.yaml": insight("nova", "a", "one"),
            "insights/nova/notes.txt": b"no record",
        },
    )

    records = snapshot.records("insight")
    assert list(records) == ["nova/a", "vega/b"]
    assert [record.text for record in records.values()] == ["one", "two"]
    assert records["vega/b"].text == "two"
    assert "nova/x" not in records
    with pytest.raises(KeyError):
        records["nova/x"]
    assert snapshot.record("insights/nova/a.yaml") == records["nova/a"]
    assert snapshot.record("insights/nova/notes.txt") is None
    assert snapshot.record("insights/nova/c.yaml") is None
    assert snapshot.records("result") == {}


def test_columns_are_selected_without_parsing(store: Store) -> None:
    snapshot = write(
        store,
        {
            "insights/vega/b.yaml": insight("vega", "b", "two"),
            "insights/nova/a.yaml": insight("nova", "a", "one"),
            "insights/nova/c.yaml": insight("nova", "other", "misplaced"),
            "insights/nova/d.yaml": b"nonsense",
        },
    )

    assert snapshot.select("insight") == [("nova/a",), ("vega/b",)]
    assert snapshot.select("insight", "text", "length") == [
        ("nova/a", "one", 3),
        ("vega/b", "two", 3),
    ]
    assert snapshot.select("insight", "length", text="two") == [("vega/b", 3)]
    assert snapshot.select("insight", text="two", length=4) == []
    assert snapshot.count("insight") == 2


def test_columns_follow_additions_changes_and_removals(store: Store) -> None:
    a, b, c = (f"insights/nova/{name}.yaml" for name in "abc")
    first = write(store, {a: insight("nova", "a", "one"), b: insight("nova", "b", "two")})
    changes = {a: insight("nova", "a", "three"), b: None, c: insight("nova", "c", "one")}
    over = first.with_changes(changes)

    for snapshot in (over, write(store, changes)):
        assert snapshot.select("insight", "text") == [("nova/a", "three"), ("nova/c", "one")]
        assert snapshot.select("insight", text="one") == [("nova/c",)]
        assert snapshot.count("insight") == 2
    assert first.select("insight", "text") == [("nova/a", "one"), ("nova/b", "two")]


CLAIM = "claims/lr-0.2.yaml"


def test_the_arrival_of_a_claim(hub: Path, tmp_path: Path) -> None:
    now, none = FROZEN, timedelta(0)
    store = store_of(hub, tmp_path / "home", clock=lambda: now)
    snapshot = write(store, {CLAIM: b"nova"})
    assert snapshot.arrival(CLAIM) == (FROZEN, none, none)
    now += timedelta(minutes=5)
    assert snapshot.arrival(CLAIM) == (FROZEN, none, timedelta(minutes=5))
    assert snapshot.arrival("claims/other.yaml") == (now, None, none)
    assert snapshot.with_changes({CLAIM: b"vega"}).arrival(CLAIM) == (now, None, none)

    changed = write(store, {CLAIM: b"nova again"})
    assert changed.arrival(CLAIM) == (now, none, none)
    assert snapshot.arrival(CLAIM) == (FROZEN, none, timedelta(minutes=5))  # the index moves back
    assert changed.arrival(CLAIM) == (now, none, none)


@pytest.mark.parametrize("skew", [-2, 2])
def test_a_claim_that_is_found_with_another_clock(hub: Path, tmp_path: Path, skew: int) -> None:
    write(store_of(hub, tmp_path / "home"), {CLAIM: b"nova"})
    late = FROZEN + timedelta(minutes=7, hours=skew)
    theirs = store_of(hub, tmp_path / "late", clock=lambda: late)
    assert theirs.snapshot().arrival(CLAIM) == (min(FROZEN, late), None, timedelta(0))
    write(theirs, {"other": b""})
    assert theirs.snapshot().arrival(CLAIM) == (min(FROZEN, late), None, timedelta(0))


def test_a_claim_is_no_older_than_the_last_look_without_it(hub: Path, tmp_path: Path) -> None:
    now = FROZEN
    store = store_of(hub, tmp_path / "home", clock=lambda: now)
    store.refresh()
    now += timedelta(minutes=3)
    store.refresh()
    write(store_of(hub, tmp_path / "other"), {CLAIM: b"vega"})
    now += timedelta(minutes=4)
    assert store.refresh().arrival(CLAIM).age == timedelta(minutes=4)


def test_what_was_pushed_keeps_its_arrival_when_others_follow(hub: Path, tmp_path: Path) -> None:
    now = FROZEN
    store = store_of(hub, tmp_path / "home", clock=lambda: now)
    write(store, {CLAIM: b"nova"})
    now += timedelta(minutes=5)
    write(store_of(hub, tmp_path / "other", clock=lambda: now), {"other": b""})
    now += timedelta(minutes=5)
    assert store.refresh().arrival(CLAIM) == (FROZEN, timedelta(0), timedelta(minutes=10))


def test_records_follow_additions_changes_and_removals(store: Store) -> None:
    a, b = "insights/nova/a.yaml", "insights/nova/b.yaml"
    first = write(store, {a: insight("nova", "a", "one"), b: insight("nova", "b", "two")})
    assert len(first.records("insight")) == 2
    second = write(store, {a: insight("nova", "a", "three"), b: None})

    assert [r.text for r in second.records("insight").values()] == ["three"]
    # The older snapshot still is what it was, though the index moved on and back.
    old = first.records("insight")
    assert [r.text for r in second.records("insight").values()] == ["three"]
    assert [r.text for r in old.values()] == ["one", "two"]


HOSTILE = {
    "a": b"",
    "b": b"[1, 2",
    "c": b"text: 1",
    "d": b"a: &a [*a]\n",
    "e": b"\x00\x01",
    "f": b"- " * 5000,
    "g": insight("vega", "g"),  # somebody else's id below our folder
    "h": insight("nova", "other"),
    "i": insight("nova", "i") + b"text: again\n",
    "j": insight("nova", "j", '"\\ud800"'),
    "k": b"schema: 99\n",
    "l": b"x" * 2_000_000,
    "m": b"? {[a]: b}\n: c\n",
    "n": b"{" * 10_000,
}


def test_hostile_bytes_are_invalid_and_harm_nothing(store: Store) -> None:
    hostile = {f"insights/nova/{name}.yaml": data for name, data in HOSTILE.items()}
    good = {"insights/nova/good.yaml": insight("nova", "good")}

    over = store.snapshot().with_changes({**hostile, **good})
    assert list(over.records("insight")) == ["nova/good"]
    assert sorted(over.invalid()) == sorted(hostile)

    snapshot = write(store, {**hostile, **good})
    assert list(snapshot.records("insight")) == ["nova/good"]
    assert sorted(snapshot.invalid()) == sorted(hostile)
    assert all(snapshot.invalid().values())
    assert all(snapshot.record(path) is None for path in hostile)


def test_bytes_that_are_no_text_and_odd_entries(hub: Path, store: Store) -> None:
    objects = ObjectStore(hub)
    tree = objects.write_tree(
        objects.tree(git(hub, "rev-parse", "swarm")),
        {"insights/nova/a.yaml": b"\xff\xfe\x00", "insights/nova/b.yaml": insight("nova", "b")},
    )
    # A link where a record would be.
    index = f"{hub}/tmp-index"
    os.environ["GIT_INDEX_FILE"] = index
    try:
        git(hub, "read-tree", tree)
        blob = git(hub, "rev-parse", f"{tree}:README.md")
        git(hub, "update-index", "--add", "--cacheinfo", f"120000,{blob},insights/nova/c.yaml")
        tree = git(hub, "write-tree")
    finally:
        del os.environ["GIT_INDEX_FILE"]
    who = ["-c", "user.name=n", "-c", "user.email=e@x"]
    commit = git(hub, *who, "commit-tree", tree, "-p", "swarm", "-m", "odd")
    git(hub, "update-ref", "refs/heads/swarm", commit)

    snapshot = store.refresh()

    assert list(snapshot.records("insight")) == ["nova/b"]
    assert sorted(snapshot.invalid()) == ["insights/nova/a.yaml", "insights/nova/c.yaml"]
    assert snapshot.read("insights/nova/a.yaml") == b"\xff\xfe\x00"
    assert snapshot.read("insights/nova/c.yaml") is None


def test_changes_laid_over(store: Store) -> None:
    a, b = "insights/nova/a.yaml", "insights/nova/b.yaml"
    base = write(store, {a: insight("nova", "a", "one")})

    over = base.with_changes({b: insight("nova", "b", "two")}).with_changes({a: None, "x/y": b"z"})

    assert [r.text for r in over.records("insight").values()] == ["two"]
    assert over.list("insights/") == [b]
    assert over.list() == ["README.md", b, "x/y"]
    assert over.read(a) is None
    assert over.read("x/y") == b"z"
    assert over.read("x/y", cap=0) is None
    assert base.list("insights/") == [a]
    assert over.effective({a: None, b: b"new", "README.md": b"a hub\n", "x": None}) == {b: b"new"}
    assert base.effective({a: None, "README.md": b"other", "new": b""}) == {
        a: None,
        "README.md": b"other",
        "new": b"",
    }


def test_reads_are_capped(store: Store) -> None:
    snapshot = write(store, {"big": b"x" * 1000})

    assert snapshot.read("big", cap=999) is None
    assert snapshot.read("big", cap=1000) == b"x" * 1000


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    calls: list[str] = []
    decode = codec.decode

    def counted(kind: str, data: bytes) -> object:
        calls.append(kind)
        return decode(kind, data)

    monkeypatch.setattr(codec, "decode", counted)
    return calls


def test_yaml_is_parsed_once_and_only_what_changed(
    hub: Path, tmp_path: Path, parsed: list[str]
) -> None:
    store = store_of(hub, tmp_path / "home")
    many = {f"insights/nova/n{n}.yaml": insight("nova", f"n{n}") for n in range(50)}
    snapshot = write(store, many)
    assert len(snapshot.records("insight")) == 50
    assert len(parsed) == 50

    again = store_of(hub, tmp_path / "home").snapshot()
    assert len(again.records("insight").values()) == 50
    assert len(parsed) == 50
    more = write(store, {"insights/nova/new.yaml": insight("nova", "new")})
    assert len(more.records("insight").values()) == 51
    assert len(parsed) == 51


def test_of_what_is_made_once_a_long_life_keeps_the_last_few(store: Store) -> None:
    """Each may be as large as the hub."""

    class Large:
        pass

    def made() -> weakref.ref[Large]:
        return weakref.ref(store.snapshot().once("large", ("insights/",), Large))

    all_made = []
    for n in range(8):
        write(store, {f"insights/nova/n{n}.yaml": insight("nova", f"n{n}")})
        all_made.append(made())
        assert made() == all_made[-1]
    assert sum(one() is not None for one in all_made) == 3


def test_what_was_made_of_changes_stays_once_they_have_landed(store: Store) -> None:
    before = write(store, {"insights/nova/a.yaml": insight("nova", "a")})
    changes = {"insights/nova/b.yaml": insight("nova", "b")}
    planned = before.with_changes(changes)
    made = planned.once("made", ("insights/",), object)
    other = before.once("made", ("claims/",), object)
    after = write(store, changes)
    after.inherit(planned)
    assert after.once("made", ("insights/",), object) is made
    assert before.once("made", ("insights/",), object) is not made
    assert after.once("made", ("claims/",), object) is other  # nothing of it has changed


def test_a_push_that_landed_is_told_whatever_befalls_what_is_remembered(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise KeyError("evicted meanwhile")

    monkeypatch.setattr(Snapshot, "inherit", fail)
    snapshot = write(store, {"insights/nova/a.yaml": insight("nova", "a")})
    assert set(snapshot.records("insight")) == {"nova/a"}


def test_reading_many_records_tells_how_far_it_is(hub: Path, tmp_path: Path) -> None:
    many = {f"insights/nova/n{n}.yaml": insight("nova", f"n{n}") for n in range(250)}
    write(store_of(hub, tmp_path / "home"), many | {"insights/nova/notes.txt": b"no record"})
    told: list[tuple[int, int]] = []
    theirs = store_of(hub, tmp_path / "other", progress=lambda *at: told.append(at))

    assert len(theirs.snapshot().records("insight")) == 250

    assert told == [(100, 250), (200, 250), (250, 250)]


@pytest.mark.parametrize("damage", [b"", b"nonsense" * 1000, None])
def test_a_damaged_index_is_made_again(hub: Path, tmp_path: Path, damage: bytes | None) -> None:
    store = store_of(hub, tmp_path / "home")
    write(store, {"insights/nova/a.yaml": insight("nova", "a")}).records("insight")
    for path in store.folder.glob("index.sqlite*"):
        path.unlink()
    index = store.folder / "index.sqlite"
    if damage is None:  # somebody else's database
        with sqlite3.connect(index) as db:
            db.execute("CREATE TABLE meta (other TEXT)")
        db.close()
    else:
        index.write_bytes(damage)

    snapshot = store_of(hub, tmp_path / "home").snapshot()
    assert list(snapshot.records("insight")) == ["nova/a"]
    assert index.read_bytes().startswith(b"SQLite format 3")


def test_an_index_of_other_code_is_made_again(hub: Path, tmp_path: Path, parsed: list[str]) -> None:
    store = store_of(hub, tmp_path / "home")
    write(store, {"insights/nova/a.yaml": insight("nova", "a")}).records("insight")
    with sqlite3.connect(store.folder / "index.sqlite") as db:
        db.execute("UPDATE meta SET value = 'older' WHERE name = 'maker'")
    db.close()

    assert len(store_of(hub, tmp_path / "home").snapshot().records("insight")) == 1
    assert len(parsed) == 2


def test_the_index_survives_a_copy_made_afresh(
    hub: Path, tmp_path: Path, parsed: list[str]
) -> None:
    import shutil

    store = store_of(hub, tmp_path / "home")
    write(store, {"insights/nova/a.yaml": insight("nova", "a")}).records("insight")
    theirs = store_of(hub, tmp_path / "other")
    write(theirs, {"insights/vega/b.yaml": insight("vega", "b")})
    shutil.rmtree(store.folder / "repo.git")

    assert len(store_of(hub, tmp_path / "home").snapshot().records("insight")) == 2
    assert len(parsed) == 2  # the known one was not parsed again


def test_processes_at_different_tips_share_one_index(hub: Path, tmp_path: Path) -> None:
    store = store_of(hub, tmp_path / "home")
    old = write(store, {f"insights/nova/a{n}.yaml": insight("nova", f"a{n}") for n in range(5)})
    new = write(store, {f"insights/nova/b{n}.yaml": insight("nova", f"b{n}") for n in range(5)})
    assert old.tip != new.tip

    def read(number: int) -> list[int]:
        mine = store_of(hub, tmp_path / "home")
        snapshot = mine._snapshot((old if number % 2 else new).tip)
        return [len(snapshot.records("insight").values()) for _ in range(20)]

    assert race(4, read) == [[10] * 20, [5] * 20] * 2


def test_decoding_catches_what_the_codec_forgets(monkeypatch: pytest.MonkeyPatch) -> None:
    def forget(kind: str, data: bytes) -> object:
        raise RecursionError

    monkeypatch.setattr(codec, "decode", forget)
    assert decoding.decode("insight", b"") == decoding.Broken("RecursionError: ")


def test_what_identifies_contents_changes_with_them_and_with_nothing_else(store: Store) -> None:
    paths = {"results/a/one/x": b"1", "results/a/two/x": b"1", "results/b/one/x": b"1", "top": b"t"}
    snapshot = write(store, dict(paths))
    before = snapshot.contents("results/a")
    assert before.keys() == {"one", "two"}
    assert before["one"] == before["two"]  # the same files
    assert snapshot.contents("results/a/one")["x"] == snapshot.contents("results/b/one")["x"]
    assert {"top", "results"} <= snapshot.contents("").keys()
    assert snapshot.contents("nowhere") == snapshot.contents("top") == {}
    after = write(store, {"results/a/two/x": b"2"}).contents("results/a")
    assert after["one"] == before["one"]
    assert after["two"] != before["two"]


def test_what_identifies_contents_tells_changes_laid_over(store: Store) -> None:
    snapshot = write(store, {"results/a/one/x": b"1", "results/a/two/x": b"1"})
    over = snapshot.with_changes({"results/a/one/x": b"2", "results/a/new/x": b"3", "top": b"4"})
    before, after = snapshot.contents("results/a"), over.contents("results/a")
    assert after["two"] == before["two"]
    assert after["one"] != before["one"]
    assert "new" in after
    assert "top" in over.contents("")
    other = snapshot.with_changes({"results/a/one/x": None})
    assert other.contents("results/a")["one"] not in (before["one"], after["one"])
