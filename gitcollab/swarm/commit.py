"""A commit as the rules see it: the hub before and after, and what the commit adds to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from gitcollab.records.models import Owned, Record, Ruling, Signed, Task
from gitcollab.records.names import TASK_PATH, kind_of
from gitcollab.records.signing import verify
from gitcollab.store.decoding import Broken, decode_at
from gitcollab.store.snapshot import CLOCKS, Snapshot
from gitcollab.swarm import reading
from gitcollab.swarm.roster import Roster, roster

Reasons = Iterator[tuple[str, str]]  # a rule's name, and why it is broken


@dataclass
class Commit:
    """One commit that is judged: it makes ``changes`` (None removes) to ``before``."""

    before: Snapshot
    changes: Mapping[str, bytes | None]
    message: str
    now: datetime
    _decoded: dict[str, Record | Broken] = field(default_factory=dict)

    @cached_property
    def after(self) -> Snapshot:
        """The hub with the commit."""
        return self.before.with_changes(self.changes)

    @cached_property
    def task(self) -> Task | None:
        """The task before the commit; the new one where a hub is seeded."""
        where = self.after if self.before.read(TASK_PATH) is None else self.before
        try:
            return reading.task_of(where, "this hub", "the state branch")
        except reading.NoTask:
            return None

    @cached_property
    def people(self) -> Roster:
        """Who takes part, those who join by this commit too."""
        return roster(self.after)

    @cached_property
    def explained(self) -> dict[str, str | None]:
        """Path -> digest (None: gone) of what maintainers' new rulings say is there now."""
        found: dict[str, str | None] = {}
        for path, data in self.changes.items():
            if not path.startswith("rulings/"):
                continue
            ruling = self.record(path, data)
            new = self.before.read(path) is None
            if new and isinstance(ruling, Ruling) and not list(self.against(ruling)):
                found |= dict.fromkeys(ruling.removes) | ruling.files
        return found

    def record(self, path: str, data: bytes | None) -> Record | Broken | None:
        """The record that the commit puts there, why it is none, or None where none belongs."""
        identity = kind_of(path)
        if identity is None or data is None:
            return None
        if path not in self._decoded:
            self._decoded[path] = decode_at(identity, data)
        return self._decoded[path]

    def added(self, agent: str) -> list[Owned]:
        """The records that the commit adds to an agent's folders."""
        made = (self.record(path, data) for path, data in self.changes.items())
        return [r for r in made if isinstance(r, Owned) and r.agent == agent]

    def signed(self) -> list[Signed]:
        """Every signed record that the commit adds."""
        made = (self.record(path, data) for path, data in self.changes.items())
        return [r for r in made if isinstance(r, Signed)]

    def against(self, ruling: Ruling) -> Reasons:
        """Why a new ruling does not count, if it does not."""
        task = self.task
        key = None if task is None else task.maintainers.get(ruling.agent)
        if task is None or key is None:
            yield "maintainers", f"{ruling.agent} is no maintainer"
        elif not verify(ruling, key):
            yield "signature", f"it is not signed by the maintainer {ruling.agent}"
        elif ruling.hub != task.hub:
            yield "maintainers", "it was made for another hub"
        elif abs(ruling.created_at - self.now) > CLOCKS:
            yield "time", "it was made too long ago, or in the future"
