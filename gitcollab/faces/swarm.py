"""The swarm for programs: as ``gitcollab.swarm``, and every write renders the hub's pages too."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gitcollab.faces.pages import pages as render
from gitcollab.store.index import Progress
from gitcollab.swarm.derive import Pages
from gitcollab.swarm.swarm import Swarm as Bare


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
