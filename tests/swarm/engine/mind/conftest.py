"""A mind of Python: what it does when it is asked, and when it is told."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gitcollab.runner import process
from gitcollab.swarm.engine.mind import Mind
from gitcollab.swarm.engine.terms import Terms
from gitcollab.swarm.reports import RunProgress
from gitcollab.swarm.swarm import Swarm

EDIT = """
from pathlib import Path
program = Path("train.py")
program.write_text(program.read_text().replace("RATE = 0.1", "RATE = 0.2"))
"""


On = Callable[[RunProgress], object]


class Asked:
    """A mind that runs a piece of Python in each phase, and what was said meanwhile."""

    def __init__(
        self,
        swarm: Swarm,
        folder: Path,
        code: str,
        minutes: float,
        on: Callable[[RunProgress], None],
    ) -> None:
        self.swarm = swarm
        self.seen: list[RunProgress] = []
        self._on = on
        self.script = folder / "a mind.py"
        self.script.write_text(code)
        typed = shlex.join([sys.executable, str(self.script)])
        self.mind = Mind(swarm.member, Terms(think=typed, think_minutes=minutes), self._progress)
        self.think, self.tell = self.mind.think, self.mind.tell

    def _progress(self, seen: RunProgress) -> None:
        self.seen.append(seen)
        self._on(seen)

    @property
    def notes(self) -> list[str]:
        return [one.description for one in self.seen if one.phase == "note"]

    @property
    def rooms(self) -> list[Path]:
        """The folders of its thoughts, oldest first."""
        found = (self.swarm.workspace / ".gitcollab" / "mind").glob("*")
        return sorted(found, key=lambda path: (path.stat().st_ctime_ns, path.name))

    @property
    def work(self) -> Path:
        return self.rooms[-1] / "work"


MakeMind = Callable[..., Asked]


@pytest.fixture(autouse=True)
def short_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "TICK_SECONDS", 0.05)
    monkeypatch.setattr(process, "LINGER_SECONDS", 0.2)


@pytest.fixture
def nova(agent: Callable[[str], Swarm]) -> Swarm:
    return agent("nova")


@pytest.fixture
def mind(nova: Swarm, tmp_path: Path) -> MakeMind:
    """A mind of nova's."""

    def make(
        code: str,
        minutes: float = 5.0,
        on: On = lambda _: None,
        swarm: Swarm = nova,
    ) -> Asked:
        return Asked(swarm, tmp_path, code, minutes, on)

    return make
