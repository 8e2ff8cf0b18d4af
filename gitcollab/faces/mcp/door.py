"""The workspace behind the tools: one look or write at a time, and errors with their next step."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mcp.server.mcpserver.exceptions import ToolError

from gitcollab.errors import GitcollabError, UsageError
from gitcollab.faces.mcp.answer import plain
from gitcollab.faces.swarm import Kept, Swarm
from gitcollab.swarm.workspace import FOLDER

_PUBLIC = ("runs", "aside")  # of what a workspace has for itself: programs and their logs
_RUNS_ONLY = "have a run write its output into the workspace; nothing else is published"


class Door:
    """Opens the workspace in ``folder`` for the tools.

    A folder that is none yet may become one while the server runs, or one of another hub. What a
    tool sees through it is one swarm, so that what was read is there for the next.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._kept = Kept(folder)

    @contextmanager
    def swarm(self) -> Iterator[Swarm]:
        """The swarm, for one tool at a time; raises ToolError for what is expected to go wrong."""
        with self._lock, translated():
            yield self._kept.swarm()

    def another(self) -> Swarm:
        """A swarm of its own for what takes long. Raises GitcollabError."""
        return Swarm.open(self.folder)

    def ask_hub(self) -> str:
        """Fetch what is new, if that was not tried just now; why it could not be, or ""."""
        return self._kept.refresh()

    def file(self, swarm: Swarm, name: str) -> Path:
        """A file of the workspace that may be published. Raises UsageError for any other.

        Whoever calls tools may have been talked into it: what lies elsewhere on this machine, and
        what is hidden, is nobody's to publish through them.
        """
        root, path = swarm.workspace.resolve(), (self.folder / name).resolve()
        parts = path.relative_to(root).parts if path.is_relative_to(root) else None
        if parts is None:
            raise UsageError(f"{name!r} is outside of the workspace", _RUNS_ONLY)
        if parts[:1] == (FOLDER,) and parts[1:2] and parts[1] in _PUBLIC:
            parts = parts[2:]
        if any(part.startswith(".") for part in parts):
            raise UsageError(f"{name!r} is hidden, and stays unpublished", _RUNS_ONLY)
        return path


@contextmanager
def translated() -> Iterator[None]:
    """What is expected to go wrong becomes a tool's error, with the next step."""
    try:
        yield
    except GitcollabError as e:
        said = f"{e.message}; next: {e.hint}" if e.hint else e.message
        raise ToolError(plain(said)) from e
