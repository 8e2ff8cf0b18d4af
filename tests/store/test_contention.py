from __future__ import annotations

import os
from pathlib import Path

from gitcollab.store.contention import Contention


def test_alone_nothing_is_written(tmp_path: Path) -> None:
    contention = Contention(tmp_path / "contention")

    contention.note(0, 0.2)

    assert contention.level() == 0
    assert not contention.path.exists()


def test_races_are_remembered_and_fade(tmp_path: Path) -> None:
    contention = Contention(tmp_path / "contention")
    levels = []
    for races in (3, 0, 0, 5, 1, 0):
        contention.note(races, 0.2)
        levels.append(contention.level())

    assert levels == [3, 2, 1, 5, 4, 3]


def test_old_or_broken_memories_do_not_count(tmp_path: Path) -> None:
    contention = Contention(tmp_path / "contention")
    contention.note(3, 0.2)
    assert contention.cycle_seconds() == 0.2
    path = contention.path
    for spoil in (lambda: os.utime(path, (0, 0)), lambda: path.write_text("")):
        spoil()
        assert contention.level() == 0
        assert contention.cycle_seconds() == 0.06
