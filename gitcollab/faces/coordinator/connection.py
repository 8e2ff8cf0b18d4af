"""The workspace behind a coordinator: opened when it is needed, and the hub asked now and then.

What goes wrong as expected (no workspace, a rule, the network) is told in one line, and the caller
goes on with an answer that claims nothing. Bugs come through.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gitcollab.errors import GitcollabError, OfflineError, without_credentials
from gitcollab.faces.swarm import Swarm
from gitcollab.records.quoting import line
from gitcollab.swarm.workspace import Config, NotJoined, Workspace

FRESH_SECONDS = 30.0  # what was fetched so lately is not fetched again: hubs are shared


class Connection:
    """One workspace and its hub. ``name`` is what the caller calls its agent."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name: str | None = None
        self._swarm: Swarm | None = None
        self._asked: float | None = None
        self._told: set[str] = set()

    @property
    def config(self) -> Config | None:
        """What the folder was joined as; None where it is no workspace."""
        try:
            return Workspace.find(self.folder).config
        except GitcollabError:
            return None

    @property
    def joined(self) -> str | None:
        """The agent that the workspace is of; None where there is no workspace."""
        config = self.config
        return None if config is None else config.agent

    def swarm(self) -> Swarm:
        """The swarm, without any network. Raises NotJoined where the folder is no workspace."""
        if self._swarm is None:
            self._swarm = Swarm.open(self.folder, notice=self.say)
        if self.name not in (None, self._swarm.agent):
            self.say_once(f"this workspace is {self._swarm.agent}'s: that is the name used here")
        return self._swarm

    def fresh(self) -> Swarm:
        """The swarm as its hub was within the last half minute, or as last seen without it."""
        swarm = self.swarm()
        now = time.monotonic()
        if self._asked is None or now - self._asked > FRESH_SECONDS:
            self._asked = now
            try:
                swarm.member.store.refresh()
            except OfflineError as e:
                self.say(f"going on with what this host knows: {e.message}")
            self._asked = time.monotonic()
        return swarm

    def forget(self) -> None:
        """Open the workspace anew when it is needed next."""
        self._swarm = self._asked = None

    def say(self, text: str) -> None:
        """Print one line, whoever wrote what is in it."""
        print(f"[{line(self.name or self.joined or 'coordinator')}] {shown(text)}", flush=True)

    def say_once(self, text: str) -> None:
        """As ``say``, and not again."""
        if text not in self._told:
            self._told.add(text)
            self.say(text)

    @contextmanager
    def errors_told(self) -> Iterator[None]:
        """What is expected to go wrong in the block is printed, and ends the block."""
        try:
            yield
        except GitcollabError as e:
            self.say(told(e))


def shown(text: str) -> str:
    """Text on one line that does nothing, without credentials."""
    return line(without_credentials(text))


def told(error: GitcollabError) -> str:
    """An error in a line, with its next step."""
    if isinstance(error, NotJoined):
        return f"{error.message}; next: coord.join_hub(HUB), or {error.hint}"
    return f"{error.message}; next: {error.hint}" if error.hint else error.message
