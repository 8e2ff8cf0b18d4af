"""The swarm for programs: as ``gitcollab.swarm``, and every write renders the hub's pages too.

``Kept`` keeps one for programs that are called again and again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from gitcollab.errors import OfflineError
from gitcollab.faces.pages import pages as render
from gitcollab.store.index import Progress
from gitcollab.swarm import holding
from gitcollab.swarm.derive import Pages
from gitcollab.swarm.swarm import Swarm as Bare
from gitcollab.swarm.workspace import Workspace

FRESH_SECONDS = 30.0  # what was fetched so lately is not fetched again: hubs are shared


class Swarm(Bare):
    """One agent's view of its hub, from its workspace."""

    @classmethod
    def open(
        cls,
        folder: Path | str = ".",
        *,
        pages: Pages | None = render,
        create_embedded: bool = False,
        progress: Progress | None = None,
        notice: Callable[[str], None] = lambda _: None,
    ) -> Swarm:
        """As ``gitcollab.swarm.swarm.Swarm.open``."""
        opened = super().open(
            folder,
            pages=pages,
            create_embedded=create_embedded,
            progress=progress,
            notice=notice,
        )
        assert isinstance(opened, Swarm)
        return opened


class Kept:
    """The swarm of a folder, kept from call to call, so that what was read is there for the next.

    The folder may become a workspace meanwhile, or one of another hub or agent: then it is opened
    anew, so that nobody writes under a name that the folder no longer has.
    """

    def __init__(self, folder: Path, notice: Callable[[str], None] = lambda _: None) -> None:
        self.folder = folder
        self._notice = notice
        self._swarm: Swarm | None = None
        self._asked: float | None = None
        self._away = ""

    def swarm(self) -> Swarm:
        """The swarm, without any network. Raises NotJoined where the folder is no workspace."""
        found, kept = Workspace.find(self.folder), self._swarm
        if kept is not None:
            kept.member.put_back += holding.recover(found)
        if kept is None or (kept.workspace, kept.member.config) != (found.root, found.config):
            self.forget()
            self._swarm = kept = Swarm.open(self.folder, notice=self._notice)
        return kept

    def forget(self) -> None:
        """Open the workspace anew, and ask its hub, when that is needed next."""
        self._swarm = self._asked = None

    def refresh(self) -> str:
        """Fetch what is new, if that was not tried just now; why the hub cannot be asked, or ""."""
        swarm, now = self.swarm(), time.monotonic()
        if self._asked is None or now - self._asked > FRESH_SECONDS:
            self._away = ""
            try:
                swarm.member.store.refresh()
            except OfflineError as e:
                self._away = e.message
            self._asked = time.monotonic()
        return self._away
