from __future__ import annotations

import socket
from pathlib import Path

import numpy as np
import pytest

from gitcollab.task import climbmix
from gitcollab.task.data import dataset_digest, load, prepare
from gitcollab.task.errors import TaskError
from gitcollab.task.storage import data_folder
from tests.task.conftest import ShardServer, text


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(climbmix, "VOCAB_SIZE", 400)
    dataset_digest.cache_clear()


def test_prepared_and_loaded(server: ShardServer) -> None:
    said: list[tuple[str, float]] = []
    digest = prepare("climbmix", lambda what, share: said.append((what, share)), shards=2)
    dataset = load("climbmix")
    assert digest == dataset_digest("climbmix")
    assert (len(dataset.train), len(dataset.val)) == (600, 300)
    assert dataset.context == 2048
    start, end = dataset.val.starts[7:9]
    assert dataset.tokenizer.decode(dataset.val.tokens[start:end].tolist()) == text(2007)
    shares = [share for _, share in said]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)


def test_what_is_there_is_not_fetched_again(server: ShardServer) -> None:
    first = prepare("climbmix", shards=1)
    server.requests.clear()
    assert prepare("climbmix", shards=1) == first
    assert not server.requests


def test_more_shards_are_added(server: ShardServer) -> None:
    first = prepare("climbmix", shards=1)
    before = np.array(load("climbmix").val.tokens)
    server.requests.clear()
    assert prepare("climbmix", shards=2) != first
    assert set(server.asked("GET")) == {"shard_00001.parquet"}
    # The tokenizer, and with it the metric, does not depend on the number of shards.
    assert np.array_equal(before, load("climbmix").val.tokens)


def test_a_broken_download_goes_on_where_it_stopped(
    server: ShardServer, shards: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "shard_00000.parquet"
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 1024)
    server.break_once.add(name)
    prepare("climbmix", shards=1)
    ranges = [wanted for verb, file, wanted in server.requests if (verb, file) == ("GET", name)]
    assert ranges[0] in ("", "bytes=0-")
    assert ranges[-1].startswith("bytes=")
    assert ranges[-1] != "bytes=0-"
    assert (data_folder() / "climbmix" / "shards" / name).read_bytes() == shards[name]


def test_another_digest_than_announced_is_refused(server: ShardServer) -> None:
    server.etags["shard_06542.parquet"] = "ab" * 32
    with pytest.raises(TaskError, match="expected abababababab") as caught:
        prepare("climbmix", shards=1)
    assert "delete it" in caught.value.hint


def test_a_shard_that_changed_later_is_refused(server: ShardServer) -> None:
    prepare("climbmix", shards=1)
    path = data_folder() / "climbmix" / "shards" / "shard_06542.parquet"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(TaskError, match="SHA-256"):
        prepare("climbmix", shards=1)


def test_a_file_that_is_no_shard_is_refused(server: ShardServer) -> None:
    server.files["shard_00000.parquet"] = b"<html>not here</html>"
    with pytest.raises(TaskError, match="not a shard"):
        prepare("climbmix", shards=1)


def test_a_damaged_preparation_is_refused_and_made_again(server: ShardServer) -> None:
    digest = prepare("climbmix", shards=1)
    tokens = data_folder() / "climbmix" / "val.tokens"
    tokens.write_bytes(tokens.read_bytes()[:-2] + b"\0\0")
    with pytest.raises(TaskError, match="damaged") as caught:
        load("climbmix")
    assert "data prepare climbmix" in caught.value.hint
    assert prepare("climbmix", shards=1) == digest
    load("climbmix")


def test_a_missing_shard_is_said_clearly(server: ShardServer) -> None:
    del server.files["shard_00001.parquet"]
    with pytest.raises(TaskError, match=r"cannot download shard_00001\.parquet"):
        prepare("climbmix", shards=2)


def test_without_a_network(server: ShardServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{port}")
    with pytest.raises(TaskError, match="cannot download") as caught:
        prepare("climbmix", shards=1)
    assert "network" in caught.value.hint


def test_not_prepared(isolated_home: Path) -> None:
    with pytest.raises(TaskError, match="not prepared") as caught:
        load("climbmix")
    assert "gitcollab data prepare climbmix" in caught.value.hint
    with pytest.raises(TaskError, match="not prepared"):
        dataset_digest("climbmix")


@pytest.mark.parametrize("shards", [0, -1, 6543])
def test_numbers_of_shards(shards: int) -> None:
    with pytest.raises(TaskError, match="choose 1 to"):
        prepare("climbmix", shards=shards)
