"""What every verb begins with: the workspace in this folder, opened."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gitcollab.records.models import AgentCard
    from gitcollab.store.index import Progress
    from gitcollab.swarm.derive import Read
    from gitcollab.swarm.ranking import Standings
    from gitcollab.swarm.swarm import Swarm


_MANY = 1000  # records; fewer are read within a second


def pages(standings: Standings, cards: Mapping[str, AgentCard], read: Read) -> Mapping[str, bytes]:
    """The hub's landing page and leaderboard, from ``gitcollab.faces``, imported when needed."""
    from gitcollab.faces.pages import pages as render

    return render(standings, cards, read)


def reading(done: int, total: int) -> None:
    """Show how far the reading of a hub's records is, where it takes a while."""
    if total >= _MANY:
        from gitcollab.cli.progress import show_reading

        show_reading(done, total)


def open_swarm(*, create_embedded: bool = False, progress: Progress = reading) -> Swarm:
    """The swarm of the workspace in the current folder; GitcollabError when it is none."""
    from gitcollab.swarm.swarm import Swarm

    return Swarm.open(
        Path(), pages=pages, create_embedded=create_embedded, progress=progress, notice=notice
    )


def open_or_make_swarm(sets: Mapping[str, str], patch: str | None) -> Swarm:
    """As ``open_swarm``; a folder that is no workspace gets a hub of its own, which is said.

    Nothing is made where a run with these constants set, or this patch, could not begin.
    """
    from gitcollab.swarm.workspace import NotJoined

    try:
        return open_swarm()
    except NotJoined:
        from gitcollab.swarm.seeding import check_first_run

        check_first_run(Path(), sets, patch)
    swarm = open_swarm(create_embedded=True)
    print(
        "made a hub for this folder alone; to work with others: gitcollab join HUB --agent NAME, "
        "in another folder",
        file=sys.stderr,
        flush=True,
    )
    return swarm


def notice(text: str) -> None:
    """Tell somebody who waits at a terminal what takes long."""
    from gitcollab.cli.text import line

    if sys.stderr.isatty():
        print(f"{line(text)} …", file=sys.stderr, flush=True)
