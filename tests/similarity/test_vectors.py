from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gitcollab.similarity import kept as store
from gitcollab.similarity import vectors
from gitcollab.similarity.embedding import Model, ModelUnavailable
from gitcollab.similarity.vectors import Vectors


class Turns:
    """A source whose vector of a text is (cos x, sin x), x being the number that the text is."""

    def __init__(self, name: str = "turns", *, broken: bool = False, fails_at: str = "") -> None:
        self.name = name
        self.loads = 0
        self.encoded: list[str] = []
        self._broken = broken
        self._fails_at = fails_at

    def load(self) -> Model:
        self.loads += 1
        if self._broken:
            raise ModelUnavailable("there is none")
        return Model(self.name, self)

    def encode(self, texts: list[str], **_: Any) -> np.ndarray:
        if self._fails_at in texts:
            raise KeyboardInterrupt
        self.encoded += texts
        return np.array([[np.cos(float(t)), np.sin(float(t))] for t in texts], dtype=np.float32)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "vectors.sqlite"


def fill(path: Path, *texts: str) -> None:
    Vectors(path, Turns()).prepare(texts)


def kept(path: Path, *texts: str) -> list[str]:
    """Those of the texts whose vectors are in the file."""
    source = Turns()
    Vectors(path, source).prepare(texts)
    return [text for text in texts if text not in source.encoded]


def test_the_cosine_of_two_texts_is_what_the_model_says(path: Path) -> None:
    mine = Vectors(path, Turns())
    assert mine.similarity("1", "1.5") == pytest.approx(np.cos(0.5), abs=1e-6)
    assert mine.similarities("0", ["3.14159265", "0", "1"]) == pytest.approx(
        [-1, 1, np.cos(1)], abs=1e-6
    )
    assert mine.similarities("0", []) == []
    assert all(mine.similarity(str(i / 100), str(i / 100)) <= 1 for i in range(100))


def test_a_text_is_encoded_once_on_a_host(path: Path) -> None:
    first, second = Turns(), Turns()
    before = Vectors(path, first).similarity("1", "2")
    assert Vectors(path, second).similarity("2", "1") == before
    assert (first.encoded, first.loads) == (["1", "2"], 1)
    assert (second.encoded, second.loads) == ([], 0)


def test_what_is_missing_is_encoded_together(path: Path) -> None:
    fill(path, "1")
    source = Turns()
    mine = Vectors(path, source)
    mine.prepare(["1", "2", "3", "2"])
    assert source.encoded == ["2", "3"]
    mine.prepare(["3"])
    assert (source.encoded, source.loads) == (["2", "3"], 1)


def test_another_model_has_vectors_of_its_own(path: Path) -> None:
    fill(path, "1")
    source = Turns("other")
    Vectors(path, source).prepare(["1"])
    assert source.encoded == ["1"]
    assert kept(path, "1") == ["1"]


def test_where_there_is_no_model_what_is_kept_still_counts(path: Path) -> None:
    fill(path, "1", "2")
    source = Turns(broken=True)
    mine = Vectors(path, source)
    assert mine.similarity("1", "2") == pytest.approx(np.cos(1), abs=1e-6)
    for _ in range(2):
        with pytest.raises(ModelUnavailable, match="there is none"):
            mine.similarity("1", "3")
    assert source.loads == 1


def test_what_was_encoded_before_the_end_is_kept(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vectors, "_AT_ONCE", 2)
    with pytest.raises(KeyboardInterrupt):
        Vectors(path, Turns(fails_at="4")).prepare(["1", "2", "3", "4"])
    assert kept(path, "1", "2", "3", "4") == ["1", "2"]


def test_more_texts_than_a_question_takes_are_found(path: Path) -> None:
    texts = [str(i) for i in range(3 * store._KEYS_AT_ONCE + 1)]
    fill(path, *texts)
    assert kept(path, *texts) == texts


def test_the_oldest_go(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "KEPT", 3)
    for text in "12345":
        fill(path, text)
    assert kept(path, *"543") == ["5", "4", "3"]
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT count(*) FROM kept").fetchone() == (3,)


def test_memory_is_bounded(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectors, "_AT_HAND", 10)
    source = Turns()
    mine = Vectors(path, source)
    for i in range(100):
        mine.prepare([str(i), "0"])
    assert len(mine._vectors) <= 12
    assert len(source.encoded) == 100


@pytest.mark.parametrize("damage", ["substr(data, 1, 4)", "x''", "'text'", "7", "zeroblob(12)"])
def test_a_damaged_vector_is_made_again(path: Path, damage: str) -> None:
    fill(path, "1", "2")
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(f"UPDATE kept SET data = {damage} WHERE id = 1")
    source = Turns()
    assert Vectors(path, source).similarity("1", "2") == pytest.approx(np.cos(1), abs=1e-6)
    assert source.encoded == ["1"]
    assert kept(path, "1", "2") == ["1", "2"]


def test_a_vector_of_another_text_is_made_again(path: Path) -> None:
    fill(path, "1", "2")
    with closing(sqlite3.connect(path)) as db, db:
        second = db.execute("SELECT data FROM kept WHERE id = 2").fetchone()
        db.execute("UPDATE kept SET data = ? WHERE id = 1", second)
    assert kept(path, "1", "2") == ["2"]


def garbage(path: Path) -> None:
    path.write_bytes(b"not a database " * 1000)


def torn(path: Path) -> None:
    fill(path, *map(str, range(1000)))
    path.write_bytes(path.read_bytes()[:9000])


def foreign(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("CREATE TABLE kept (word TEXT)")


@pytest.mark.parametrize("spoil", [garbage, torn, foreign])
def test_a_file_that_is_no_cache_is_moved_aside(path: Path, spoil: Callable[[Path], None]) -> None:
    path.parent.mkdir()
    spoil(path)
    before = path.read_bytes()
    journal = path.with_name(f"{path.name}-journal")
    journal.write_bytes(b"of the old file")
    mine = Vectors(path, Turns())
    assert mine.similarity("1", "2") == pytest.approx(np.cos(1), abs=1e-6)
    assert path.with_name(f"{path.name}.damaged").read_bytes() == before
    assert kept(path, "1", "2") == ["1", "2"]
    assert not journal.exists()


def test_where_nothing_can_be_kept_texts_are_encoded(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("somebody's")
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "file" / "vectors.sqlite", tmp_path / "folder"):
        mine = Vectors(path, Turns())
        assert mine.similarity("1", "2") == pytest.approx(np.cos(1), abs=1e-6)
    assert (tmp_path / "file").read_text() == "somebody's"
    assert (tmp_path / "folder").is_dir()


def test_a_file_that_another_holds_is_left_to_it(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_BUSY_SECONDS", 0.01)
    fill(path, "1")
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("BEGIN EXCLUSIVE")
        mine = Vectors(path, Turns())
        assert mine.similarity("1", "2") == pytest.approx(np.cos(1), abs=1e-6)
    assert kept(path, "1", "2") == ["1"]


WRITE = """
import itertools, sys
from pathlib import Path
from gitcollab.similarity import vectors
from tests.similarity.test_vectors import Turns
start, stop = int(sys.argv[2]), int(sys.argv[3])
print("ready", flush=True)
sys.stdin.readline()
mine = vectors.Vectors(Path(sys.argv[1]), Turns())
for i in itertools.islice(itertools.count(start), stop - start):
    mine.prepare([str(i)])
    print(i, flush=True)
"""


def writer(path: Path, start: int, stop: int) -> subprocess.Popen[str]:
    """A process that keeps these numbers one by one, and says so, once it is told to."""
    code = [sys.executable, "-c", WRITE, str(path), str(start), str(stop)]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    return subprocess.Popen(code, **pipes, text=True, cwd=Path(__file__).parents[2])


def test_processes_keep_vectors_at_the_same_time(path: Path) -> None:
    writers = [writer(path, 20 * i, 20 * i + 40) for i in range(4)]
    for each in writers:
        assert each.stdout
        assert each.stdout.readline() == "ready\n"
    for each in writers:
        assert each.stdin
        each.stdin.write("go\n")
        each.stdin.flush()
    for each in writers:
        each.communicate(timeout=60)
        assert each.returncode == 0
    texts = [str(i) for i in range(100)]
    assert kept(path, *texts) == texts
    assert not path.with_name(f"{path.name}.damaged").exists()


def test_a_process_that_is_killed_leaves_a_file_that_holds(path: Path) -> None:
    said: list[str] = []
    for start in (0, 10_000, 20_000):
        with writer(path, start, start + 10_000) as each:
            assert each.stdin
            assert each.stdout
            each.stdin.write("go\n")
            each.stdin.flush()
            said += [each.stdout.readline().strip() for _ in range(20)][1:]
            each.kill()
    assert kept(path, *said) == said
    assert not path.with_name(f"{path.name}.damaged").exists()


def test_only_so_many_texts_are_encoded_and_the_others_wait(path: Path) -> None:
    fill(path, "3")
    source, heard = Turns(), list[int]()
    mine = Vectors(path, source)
    assert not mine.loaded
    first = mine.closest("0", ["1", "2", "3", "1"], 1, heard.append)
    assert first == pytest.approx([np.cos(1), None, np.cos(3), np.cos(1)], abs=1e-6)
    assert (source.encoded, heard, mine.loaded) == (["0", "1"], [1], True)
    again = mine.closest("0", ["1", "2", "3"], 5, heard.append)
    assert again == pytest.approx([np.cos(1), np.cos(2), np.cos(3)], abs=1e-6)
    assert (source.encoded, heard) == (["0", "1", "2"], [1, 1])
    assert mine.closest("0", [], 5, heard.append) == []
    assert mine.closest("0", ["9"], 0, heard.append) == [None]
