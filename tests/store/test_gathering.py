from __future__ import annotations

import os
from pathlib import Path

import pytest

from gitcollab.store.gathering import Gathering


class Host:
    """So many requests wait; one more comes with every look."""

    def __init__(self, path: Path, waiting: int = 0, growth: int = 1) -> None:
        self.waiting = waiting
        self.growth = growth
        self.slept = 0.0
        self.gathering = Gathering(path / "gathering", lambda: self.waiting, self.sleep)

    def sleep(self, seconds: float) -> None:
        self.slept += seconds
        self.waiting += self.growth


def test_alone_nothing_is_delayed_or_written(tmp_path: Path) -> None:
    host = Host(tmp_path)
    host.gathering.note(1, 0.5)
    host.gathering.wait()
    assert host.slept == 0
    assert not host.gathering.path.exists()


def test_a_crowd_is_awaited(tmp_path: Path) -> None:
    host = Host(tmp_path, waiting=2)
    host.gathering.note(10, 0.5)
    host.gathering.wait()
    assert host.waiting == 10
    assert host.slept == pytest.approx(0.08)


@pytest.mark.parametrize(("seconds", "longest"), [(0.1, 0.05), (60.0, 0.25)])
def test_a_crowd_that_does_not_come_is_not_awaited_for_long(
    tmp_path: Path, seconds: float, longest: float
) -> None:
    host = Host(tmp_path, growth=0)
    host.gathering.note(10, seconds)
    host.gathering.wait()
    assert host.slept == pytest.approx(longest)


def test_a_crowd_that_has_gone_is_forgotten(tmp_path: Path) -> None:
    host = Host(tmp_path, growth=0)
    host.gathering.note(10, 1.0)
    host.gathering.note(1, 1.0)
    host.gathering.wait()
    assert host.slept == 0
    host.gathering.note(10, 1.0)
    os.utime(host.gathering.path, (0, 0))
    host.gathering.wait()
    assert host.slept == 0
    host.gathering.path.write_text("nonsense")
    host.gathering.wait()
    assert host.slept == 0
