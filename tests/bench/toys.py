"""What the measurements work on: hubs of the toy task, real claims, the real command line."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

from gitcollab.faces.pages import pages
from gitcollab.records import codec, signing
from gitcollab.records.models import Claim
from gitcollab.store.requests import Request
from gitcollab.store.store import Store
from gitcollab.swarm.identity import key_of
from gitcollab.swarm.member import open_store
from gitcollab.swarm.presets import from_file
from gitcollab.swarm.seeding import init_hub
from tests import people, toy

BRANCH = "swarm"
AGENTS = ("nova", "warm", *(f"agent-{number}" for number in range(128)))  # members of a toy hub
SILENT = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def call(*argv: str | Path, cwd: Path | None = None, check: bool = True) -> int:
    """Run a command, its output unseen; its exit code."""
    return subprocess.run(argv, cwd=cwd, check=check, stdin=subprocess.DEVNULL, **SILENT).returncode  # type: ignore[call-overload, no-any-return]


def gitcollab(*argv: str, cwd: Path) -> None:
    """Run the real command line."""
    call(sys.executable, "-m", "gitcollab", *argv, cwd=cwd)


def toy_hub(folder: Path, program: str = toy.PROGRAM) -> Path:
    """A new bare hub of the toy task in ``folder``."""
    folder.mkdir(parents=True)
    (folder / "task.yaml").write_text(toy.TASK)
    (folder / "train.py").write_text(program)
    hub = folder / "hub.git"
    assert init_hub(str(hub), task_file=folder / "task.yaml", pages=pages).seeded
    people.plant(hub, people.cards(AGENTS, datetime.now(UTC)))
    return hub


def store_at(hub: Path, home: Path, agent: str = "bench") -> Store:
    """The hub's store with the swarm's own rules and pages, kept below ``home``."""
    with patch.dict(os.environ, GITCOLLAB_HOME=str(home)):
        return open_store(str(hub), BRANCH, agent, pages)


class Claimer:
    """Makes the requests of one agent that claims and gives back, each time something else."""

    def __init__(self, folder: Path, agent: str, number: int) -> None:
        self.agent = agent
        self.task = from_file(folder / "task.yaml")[0].digest
        self._width = 1000 * number + 100

    def claim(self) -> Request:
        """Ask for an experiment that nobody else has."""
        self._width += 1
        now = datetime.now(UTC)
        self.held = Claim(
            id="x",
            agent=self.agent,
            created_at=now,
            nonce=secrets.token_hex(16),
            tier="cpu",
            expires_at=now + timedelta(minutes=15),
            description=f"WIDTH 8 → {self._width}",
            delta={"WIDTH": self._width},
        )
        self.held = people.signed(self.held.model_copy(update={"id": key_of(self.held)}))
        payload = {"claim": codec.to_mapping(self.held), "task": self.task, "anyway": False}
        return request("claim", self.agent, payload)

    def release(self) -> Request:
        """Give back what was claimed last."""
        said = signing.release(self.held.id, self.held.nonce)
        signature = people.key(self.agent).sign_bytes(said)
        payload = {
            "experiment": self.held.id,
            "nonce": self.held.nonce,
            "signature": signature,
        }
        return request("release", self.agent, payload)


def request(kind: str, agent: str, payload: Mapping[str, Any]) -> Request:
    """A request made now, that waits when the hub is away."""
    return Request(
        id=secrets.token_hex(16),
        kind=kind,
        agent=agent,
        created_at=datetime.now(UTC),
        payload=payload,
    )
