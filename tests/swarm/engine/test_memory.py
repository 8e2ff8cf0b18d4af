"""A worker's memory over two hundred experiments."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.bench import big_hub
from tests.bench.lending import lend, task_of


@pytest.mark.soak
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is read from /proc")
def test_memory_is_flat_over_two_hundred_experiments(tmp_path: Path) -> None:
    big_hub.make(tmp_path / "hub.git", 0, task=task_of())
    lent = lend(tmp_path / "work", tmp_path / "hub.git", 200)
    quarters = [lent.memory[at] for at in (10, 50, 100, 150, 198)]
    print(f"\nMB after 10, 50, 100, 150 and 198 experiments: {quarters}; x {lent.growth:.3f}")
    assert lent.growth <= 1.05
