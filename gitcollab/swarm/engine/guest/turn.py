"""Whose turn it is to run an experiment in a workspace: one process's at a time."""

from __future__ import annotations

from contextlib import ExitStack

from gitcollab.swarm.workspace import Workspace


class Turn:
    """Our turn, that can be taken, passed on while we wait, and taken again."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._held: ExitStack | None = None

    def take(self) -> None:
        """Take it, where it is not ours already; GitcollabError where it is another's."""
        if self._held is None:
            held = ExitStack()
            held.enter_context(self._workspace.one_run())
            self._held = held

    def pass_on(self) -> None:
        """Let others take it, where it is ours."""
        if self._held is not None:
            self._held.close()
            self._held = None
