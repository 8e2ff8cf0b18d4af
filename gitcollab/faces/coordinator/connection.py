"""The workspace behind a coordinator: opened when it is needed, and the hub asked now and then.

What goes wrong as expected (no workspace, a rule, the network) is told in one line, and the caller
goes on with an answer that claims nothing. Bugs come through.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gitcollab.errors import GitcollabError, without_credentials
from gitcollab.faces.swarm import Kept, Swarm
from gitcollab.records.quoting import line
from gitcollab.swarm.workspace import Config, NotJoined, Workspace


class Connection:
    """One workspace and its hub. ``name`` is what the caller calls its agent."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name: str | None = None
        self._kept = Kept(folder, self.say)
        self._away = ""
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

    @property
    def agent(self) -> str | None:
        """The name that records have: the workspace's, else what the caller calls its agent."""
        return self.joined or self.name

    def swarm(self) -> Swarm:
        """The swarm, without any network. Raises NotJoined where the folder is no workspace."""
        swarm = self._kept.swarm()
        if self.name not in (None, swarm.agent):
            self.say_once(f"this workspace is {swarm.agent}'s: that is the name used here")
        return swarm

    def fresh(self) -> Swarm:
        """The swarm as its hub was within the last half minute, or as last seen without it."""
        away, before = self._kept.refresh(), self._away
        self._away = away
        if away and away != before:
            self.say(f"going on with what this host knows: {away}")
        return self.swarm()

    def forget(self) -> None:
        """Open the workspace anew when it is needed next."""
        self._kept.forget()

    def say(self, text: str) -> None:
        """Print one line, whoever wrote what is in it."""
        print(f"[{line(self.agent or 'coordinator')}] {shown(text)}", flush=True)

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
