"""When the derived files are rebuilt: with every record they depend on, and on request."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import TypeAlias

from gitcollab.records.models import AgentCard, Task
from gitcollab.records.names import PROGRAM_PATH
from gitcollab.store.requests import Decider, Decision, Deriver, Request
from gitcollab.store.snapshot import Snapshot
from gitcollab.swarm import reading, views
from gitcollab.swarm.ranking import Standings, standings
from gitcollab.swarm.roster import uncounted

Changes: TypeAlias = Mapping[str, bytes | None]
Read: TypeAlias = Callable[[str], bytes | None]
# Renders the pages people read; comes from above, since this layer knows no Markdown.
Pages: TypeAlias = Callable[[Standings, Mapping[str, AgentCard], Read], Mapping[str, bytes]]

# What the derived files depend on. Claims are not among it: pages would change with every claim.
_SOURCES = ("results/", "retractions/", "agents/", "rulings/", "task.yaml")

_COUNTED = (*_SOURCES, PROGRAM_PATH)  # what the standings depend on


def standings_of(snapshot: Snapshot, task: Task) -> Standings:
    """The standings of the results on a hub that count."""

    def make() -> Standings:
        gone, baseline = uncounted(snapshot), reading.baseline(snapshot)
        return standings(task, reading.runs(snapshot), gone, baseline)

    return snapshot.once(f"standings-{task.digest}", _COUNTED, make)


def deriver(pages: Pages | None) -> Callable[[Snapshot], Changes]:
    """A function from a snapshot to its derived files, with the pages where given."""

    def rebuild(snapshot: Snapshot) -> Changes:
        try:
            task = reading.task_of(snapshot, "this hub", "the state branch")
        except reading.NoTask:
            return {}  # a task from the future is no reason to lose a record
        where = standings_of(snapshot, task)
        files: dict[str, bytes | None] = dict(
            views.all_files(where, snapshot.read, snapshot.list("best"))
        )
        if pages is not None:
            files |= pages(where, reading.cards(snapshot), snapshot.read)
        return {path: data for path, data in files.items() if snapshot.read(path) != data}

    return rebuild


def when_records_change(rebuild: Callable[[Snapshot], Changes]) -> Deriver:
    """Derives in the same commit as a change to what the derived files depend on."""

    def derive(snapshot: Snapshot, changed: Collection[str]) -> Changes:
        return rebuild(snapshot) if any(path.startswith(_SOURCES) for path in changed) else {}

    return derive


def decider(rebuild: Callable[[Snapshot], Changes]) -> Decider:
    """Rebuilds the derived files on request."""

    def decide_views(snapshot: Snapshot, request: Request, now: datetime) -> Decision:
        changes = rebuild(snapshot)
        outcome = {"outcome": "rebuilt", "paths": sorted(changes)}
        return Decision(outcome, changes, "rebuild the derived files")

    return decide_views
