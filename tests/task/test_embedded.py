from __future__ import annotations

import math
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gitcollab.task import embedded
from gitcollab.task.errors import TaskError
from gitcollab.task.grammar import Reader
from gitcollab.task.storage import data_folder, sha256
from gitcollab.task.stories import story


@pytest.fixture(autouse=True)
def _fresh_cache() -> None:
    embedded.load.cache_clear()


def test_the_corpus_is_the_same_everywhere(corpus: dict[str, bytes]) -> None:
    assert {split: sha256(data) for split, data in corpus.items()} == embedded.SHA256


def test_sizes_and_disjoint_splits(corpus: dict[str, bytes]) -> None:
    train, val = corpus["train"], corpus["val"]
    assert 7_500_000 < len(train) < 8_500_000
    assert 450_000 < len(val) < 550_000
    assert not set(train.splitlines()) & set(val.splitlines())


def test_the_pinned_floor_is_the_computed_one() -> None:
    assert math.isclose(embedded.entropy_floor(), embedded.ENTROPY_FLOOR, abs_tol=1e-12)


def test_the_floor_follows_from_the_texts_alone(corpus: dict[str, bytes]) -> None:
    val = corpus["val"].decode("ascii")
    bits = []
    for text in val.splitlines(keepends=True):
        reader = Reader(text)
        story(reader)
        reader.finish()
        bits.append(reader.bits())
    assert math.isclose(math.fsum(bits) / len(val), embedded.ENTROPY_FLOOR, abs_tol=1e-12)


def test_there_is_room_between_the_floor_and_single_bytes(corpus: dict[str, bytes]) -> None:
    counts, val = Counter(corpus["train"]), Counter(corpus["val"])
    total = sum(counts.values())
    unigram = -sum(n * math.log2(counts[b] / total) for b, n in val.items()) / sum(val.values())
    assert unigram > 10 * embedded.ENTROPY_FLOOR


def test_a_damaged_copy_is_replaced() -> None:
    embedded.load("val")
    path = data_folder() / "embedded" / "val.txt"
    for damaged in (b"", path.read_bytes()[:-5], path.read_bytes().replace(b"apples", b"APPLES")):
        embedded.load.cache_clear()
        path.write_bytes(damaged)
        assert sha256(embedded.load("val")) == embedded.SHA256["val"]
        assert sha256(path.read_bytes()) == embedded.SHA256["val"]


def test_processes_may_make_it_at_once() -> None:
    program = "from gitcollab.task import embedded; print(len(embedded.load('val')))"

    def run(_: int) -> str:
        return subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True
        ).stdout

    with ThreadPoolExecutor(3) as pool:
        assert len(set(pool.map(run, range(3)))) == 1
    assert [p.name for p in (data_folder() / "embedded").iterdir()] == ["val.txt"]


def test_a_changed_grammar_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(embedded.SHA256, "val", "0" * 64)
    with pytest.raises(TaskError, match="differently"):
        embedded.load("val")


def test_a_folder_that_cannot_be_written_is_said_clearly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GITCOLLAB_HOME", str(tmp_path / "file"))
    with pytest.raises(TaskError, match="cannot write") as caught:
        embedded.load("val")
    assert "GITCOLLAB_HOME" in caught.value.hint
