from __future__ import annotations

import pytest

from tests.swarm.factories import Bench


@pytest.fixture
def bench() -> Bench:
    return Bench()
