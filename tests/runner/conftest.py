"""What the tests of programs share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.runner.attacks import Attack


@pytest.fixture
def attack(tmp_path: Path, isolated_home: Path) -> Attack:
    return Attack(tmp_path, isolated_home / "gitcollab")
