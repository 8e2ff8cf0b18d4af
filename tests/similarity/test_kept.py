from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gitcollab.similarity import kept
from gitcollab.similarity.kept import Kept, batches


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "kept.sqlite"


def run(path: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(statement, values)


def test_what_was_put_is_had_again_by_another_process(path: Path) -> None:
    Kept(path).put([(b"a", b"one"), (b"b", b"two")])
    assert Kept(path).get([b"b", b"a", b"c"]) == {b"a": b"one", b"b": b"two"}


def test_the_newest_under_a_key_counts(path: Path) -> None:
    mine = Kept(path)
    mine.put([(b"a", b"one")])
    mine.put([(b"a", b"two")])
    assert mine.get([b"a"]) == {b"a": b"two"}


@settings(
    derandomize=True,
    deadline=None,
    max_examples=20,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.dictionaries(st.binary(max_size=40), st.binary(min_size=1, max_size=60), max_size=20))
def test_any_bytes_come_back_as_they_were(path: Path, entries: dict[bytes, bytes]) -> None:
    Kept(path).put(list(entries.items()))
    assert Kept(path).get(list(entries)) == entries


def test_more_keys_than_a_question_takes(path: Path) -> None:
    entries = [(str(n).encode(), b"x") for n in range(1200)]
    mine = Kept(path)
    mine.put(entries)
    assert len(mine.get([key for key, _ in entries])) == 1200


def test_nothing_is_kept_and_nothing_asked(path: Path) -> None:
    mine = Kept(path)
    mine.put([])
    assert mine.get([]) == {}


def test_the_oldest_go(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "KEPT", 3)
    mine = Kept(path)
    for n in range(5):
        mine.put([(str(n).encode(), b"x")])
    assert set(mine.get([b"0", b"1", b"2", b"3", b"4"])) == {b"2", b"3", b"4"}


@pytest.mark.parametrize("data", [b"", b"abc", b"one", b"oneXXXX", "text", 7])
def test_what_is_not_whole_is_not_given(path: Path, data: object) -> None:
    mine = Kept(path)
    mine.put([(b"a", b"one"), (b"b", b"two")])
    run(path, "UPDATE kept SET data = ? WHERE key = ?", data, b"a")
    assert mine.get([b"a", b"b"]) == {b"b": b"two"}


def test_what_lies_under_another_key_is_not_given(path: Path) -> None:
    mine = Kept(path)
    mine.put([(b"a", b"one"), (b"b", b"two")])
    run(path, "DELETE FROM kept WHERE key = ?", b"a")
    run(path, "UPDATE kept SET key = ? WHERE key = ?", b"a", b"b")
    assert mine.get([b"a"]) == {}


@pytest.mark.parametrize(
    "rubbish", [b"not a database at all" * 100, b"SQLite format 3\x00" + b"?" * 5000]
)
def test_a_damaged_file_makes_way(path: Path, rubbish: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(rubbish)
    mine = Kept(path)
    assert mine.get([b"a"]) == {}
    mine.put([(b"a", b"one")])
    assert mine.get([b"a"]) == {b"a": b"one"}
    assert path.with_name("kept.sqlite.damaged").read_bytes() == rubbish


def test_somebody_else_s_table_makes_way(path: Path) -> None:
    path.parent.mkdir()
    run(path, "CREATE TABLE kept (other TEXT)")
    mine = Kept(path)
    mine.put([(b"a", b"one")])
    mine.put([(b"a", b"one")])
    assert mine.get([b"a"]) == {b"a": b"one"}


def test_a_file_in_use_is_left_alone(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = Kept(path)
    mine.put([(b"a", b"one")])
    monkeypatch.setattr(kept, "_BUSY_SECONDS", 0.0)
    with closing(sqlite3.connect(path)) as db:
        db.execute("BEGIN EXCLUSIVE")
        mine.put([(b"b", b"two")])
        assert mine.get([b"a"]) == {}
        db.rollback()
    assert mine.get([b"a", b"b"]) == {b"a": b"one"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_no_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        mine = Kept(tmp_path / "no" / "kept.sqlite")
        mine.put([(b"a", b"one")])
        assert mine.get([b"a"]) == {}
    finally:
        tmp_path.chmod(0o700)


def test_a_folder_where_the_file_should_be_is_no_error(path: Path) -> None:
    path.mkdir(parents=True)
    mine = Kept(path)
    mine.put([(b"a", b"one")])
    assert mine.get([b"a"]) == {}


def test_batches_are_full_but_for_the_last() -> None:
    assert list(batches([b"a", b"b", b"c"], 2)) == [[b"a", b"b"], [b"c"]]
    assert list(batches([], 2)) == []
