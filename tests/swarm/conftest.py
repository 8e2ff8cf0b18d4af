from __future__ import annotations

from pathlib import Path

import pytest

from tests.swarm.factories import Bench
from tests.swarm.machines import Machines


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def machines(tmp_path: Path, toy_task: Path, monkeypatch: pytest.MonkeyPatch) -> Machines:
    """The machines of a maintainer and of others; we are at the first."""
    found = Machines(tmp_path, toy_task, monkeypatch)
    found.at("keeper")
    return found
