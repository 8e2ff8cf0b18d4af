from __future__ import annotations

from collections.abc import Callable

import pytest

from gitcollab.swarm.swarm import Swarm


@pytest.fixture
def nova(agent: Callable[[str], Swarm]) -> Swarm:
    """An agent on a hub that has a baseline."""
    made = agent("nova")
    made.run()
    return made
