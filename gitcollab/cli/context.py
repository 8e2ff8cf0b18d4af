"""What every verb begins with: the workspace in this folder, opened."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gitcollab.swarm.swarm import Swarm


def pages(*args: Any, **keywords: Any) -> Any:
    """The hub's landing page and leaderboard, from ``gitcollab.faces``, imported when needed."""
    from gitcollab.faces.pages import pages as render

    return render(*args, **keywords)


def open_swarm(*, create_embedded: bool = False) -> Swarm:
    """The swarm of the workspace in the current folder; GitcollabError when it is none."""
    from gitcollab.swarm.swarm import Swarm

    return Swarm.open(Path(), pages=pages, create_embedded=create_embedded)
