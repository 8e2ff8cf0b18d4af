"""Several machines, each with a home and a clock of its own, and a time that passes for all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gitcollab.faces.pages import pages
from gitcollab.swarm.joining import join
from gitcollab.swarm.swarm import Swarm


class World:
    """Machines of one hub, in one process."""

    def __init__(self, root: Path, hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.hub = hub
        self.now = datetime.now(UTC)  # the hub was made just now
        self._skews: dict[str, timedelta] = {}
        self._monkeypatch = monkeypatch

    def passes(self, *, minutes: float) -> None:
        """Time passes."""
        self.now += timedelta(minutes=minutes)

    def set_right(self, swarm: Swarm) -> None:
        """Somebody sets the clock of the agent's machine."""
        self._skews[swarm.agent] = timedelta(0)

    def agent(self, name: str, skew: timedelta = timedelta(0)) -> Swarm:
        """An agent on a machine of its own, whose clock is ahead by ``skew``."""
        self._monkeypatch.setenv("GITCOLLAB_HOME", str(self.root / f"home-{name}"))
        folder = self.root / name
        folder.mkdir()
        self._skews[name] = skew

        def clock() -> datetime:
            return self.now + self._skews[name]

        join(folder, str(self.hub), agent=name, pages=pages, clock=clock)
        swarm = Swarm.open(folder, pages=pages)
        swarm.member.clock = clock
        _ = swarm.member.store, swarm.member.key  # both live in this home
        return swarm
