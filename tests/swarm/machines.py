"""A hub and the machines of those who take part in it: each has a home of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitcollab.faces.pages import pages
from gitcollab.records.models import Task
from gitcollab.swarm import governing, reading
from gitcollab.swarm.joining import join
from gitcollab.swarm.member import Member
from gitcollab.swarm.seeding import init_hub
from gitcollab.swarm.swarm import Swarm


class Machines:
    """What gitcollab keeps on a machine lies in a folder of the machine's name."""

    def __init__(self, root: Path, task: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._root = root
        self._task = task
        self._monkeypatch = monkeypatch

    def at(self, name: str) -> None:
        """Go to the machine of that name."""
        self._monkeypatch.setenv("GITCOLLAB_HOME", str(self._root / f"home-{name}"))

    def hub(self, *sets: str, name: str = "hub.git") -> Path:
        """A hub that is seeded on the keeper's machine, where we are then."""
        self.at("keeper")
        init_hub(str(self._root / name), task_file=self._task, sets=sets, pages=pages)
        return self._root / name


def member_of(hub: Path, name: str, token: str | None = None) -> Member:
    """An agent of the hub, on the machine we are at, in a workspace of its own."""
    folder = hub.parent / f"{hub.stem}-{name}"
    folder.mkdir(exist_ok=True)
    join(folder, str(hub), agent=name, invitation=token, pages=pages)
    return again(folder)


def again(folder: Path) -> Member:
    """The member in its workspace, as the next process finds it."""
    return Swarm.open(folder, pages=pages).member


def task_of(member: Member) -> Task:
    """The task as it is on the hub now."""
    return reading.task_of(member.store.refresh(), "hub", "swarm")


def run(member: Member) -> str:
    """Run an experiment; what became of it."""
    return Swarm(member).run().outcome


def status(member: Member, name: str) -> str:
    """How the hub has an agent now."""
    member.store.refresh()
    return governing.agent(member, name).status
