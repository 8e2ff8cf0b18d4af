from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from store_toys import race

from gitcollab.errors import GitcollabError
from gitcollab.store.lock import HostLock, pauses


def test_one_holder_at_a_time(tmp_path: Path) -> None:
    with (
        HostLock(tmp_path / "lock").tried() as first,
        HostLock(tmp_path / "lock").tried() as second,
    ):
        assert (first, second) == (True, False)
    with HostLock(tmp_path / "lock").tried() as again:
        assert again


def test_holds_are_not_nested(tmp_path: Path) -> None:
    lock = HostLock(tmp_path / "lock")
    with lock.tried() as first, lock.tried() as second:
        assert (first, second) == (True, False)
    with lock.tried() as again:
        assert again


def test_giving_up(tmp_path: Path) -> None:
    lock = HostLock(tmp_path / "lock")
    with (
        lock.required(0),
        pytest.raises(GitcollabError, match="another gitcollab process"),
        HostLock(tmp_path / "lock").required(0),
    ):
        raise AssertionError
    with lock.required(0):
        pass


def test_processes_take_turns(tmp_path: Path) -> None:
    counter = tmp_path / "counter"
    counter.write_text("0")

    def count(number: int) -> None:
        for _ in range(5):
            with HostLock(tmp_path / "lock").required(60):
                counter.write_text(str(int(counter.read_text()) + 1))

    race(6, count)

    assert counter.read_text() == "30"


def test_pauses_grow_to_a_bound() -> None:
    waits = list(itertools.islice(pauses(), 50))
    assert all(0 < wait <= 0.18 for wait in waits)
    assert sum(waits[:5]) < sum(waits[-5:])
