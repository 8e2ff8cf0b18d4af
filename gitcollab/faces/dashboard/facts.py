"""What the pages of the dashboard are made of: a hub at one commit, read once.

"Now" is when the hub's newest commit was made, so that the same hub has the same pages whenever and
wherever they are built. The one exception are claims: who is at work depends on the clock, so they
are as of ``now``, the moment of building, which the overview says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property

from gitcollab.records.models import AgentCard, Claim, Result, Task
from gitcollab.records.names import PROGRAM_PATH, folder_of
from gitcollab.store.snapshot import Snapshot, utc_now
from gitcollab.swarm import reading
from gitcollab.swarm.claims import active, left
from gitcollab.swarm.ideas.board import Board
from gitcollab.swarm.ideas.insights import Lessons
from gitcollab.swarm.progress import Mark, Progress, mark_of, progress
from gitcollab.swarm.ranking import Group, Standings, standings
from gitcollab.swarm.roster import roster, uncounted
from gitcollab.swarm.runs import Run

MAX_VOID = 500  # pages of results that do not stand
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Facts:
    """A hub, as its pages show it. ``hub`` is its address for people who join, perhaps empty."""

    snapshot: Snapshot
    task: Task
    where: Standings
    hub: str = ""
    now: datetime = field(default_factory=utc_now)

    @classmethod
    def of(cls, snapshot: Snapshot, hub: str = "", now: datetime | None = None) -> Facts:
        """The facts of a hub as ``snapshot`` has it. Raises GitcollabError where it is none.

        ``now`` is the time by the clock of the snapshot, where that is not this machine's.
        """
        task = reading.task_of(snapshot, hub or "this hub", "the state branch")
        gone, baseline = uncounted(snapshot), reading.baseline(snapshot)
        where = standings(task, reading.runs(snapshot), gone, baseline)
        return cls(snapshot, task, where, hub, now or utc_now())

    @cached_property
    def as_of(self) -> datetime:
        """When the hub's newest commit was made."""
        return self.snapshot.commit_time or _EPOCH

    @cached_property
    def progress(self) -> Progress:
        """The experiments in the order of time, and how the best came about."""
        return progress(self.where)

    @cached_property
    def number_of(self) -> Mapping[str, int]:
        """The place of each experiment in the order of time; 1 is the first."""
        return {run.id: n for n, run in enumerate(self.progress.runs, 1)}

    @cached_property
    def marks(self) -> Mapping[str, Mark]:
        """What became of each experiment, by id."""
        return {run.id: mark_of(self.where, run) for run in self.progress.runs}

    @cached_property
    def paged(self) -> Mapping[str, Run]:
        """The results that have a page, by id: all that stand, and the newest of those that do not.

        These are withdrawn, unsigned, of no member, or of another task: strangers may make many.
        """
        others = [r for r in reading.runs(self.snapshot) if r.id not in self.where.results]
        others.sort(key=lambda run: (run.created_at, run.id), reverse=True)
        return dict(self.where.results) | {run.id: run for run in others[:MAX_VOID]}

    @cached_property
    def board(self) -> Board:
        """The hypotheses, with what became of them."""
        return Board(self.snapshot, self.where, self.as_of)

    @cached_property
    def lessons(self) -> Lessons:
        """The insights, with what results say of them."""
        return Lessons(self.snapshot, self.where)

    @cached_property
    def claims(self) -> Sequence[Claim]:
        """Who is running what, oldest first."""
        return active(self.snapshot)

    def left(self, claim: Claim) -> timedelta:
        """How long a claim still holds."""
        return left(self.snapshot, claim, self.task)

    @cached_property
    def cards(self) -> Mapping[str, AgentCard]:
        """The agents' cards by name: of those whose card proves its key."""
        known = roster(self.snapshot).agents
        cards = reading.cards(self.snapshot)
        return {name: cards[name] for name in sorted(cards) if name in known}

    def result(self, result_id: str) -> Result | None:
        """The whole record of a result."""
        return reading.result(self.snapshot, result_id)

    def run(self, result_id: str | None) -> Run | None:
        """A result that stands, as a line."""
        return self.where.results.get(result_id) if result_id else None

    def group(self, result_id: str | None) -> Group | None:
        """The runs that a result is judged with; None where it does not count."""
        run = self.run(result_id)
        return None if run is None else self.where.group_of(run)

    def base(self, run: Run) -> str | None:
        """The id of what a run's program was changed from; "" for the task's own, None: unknown.

        Where no result is named, the base's fingerprint says which; a run that says none either was
        changed from the task's own.
        """
        said, own = run.base_fingerprint, self.where.baseline
        if run.base is not None:
            return run.base
        if own is None or said in (None, own, run.fingerprint):
            return ""
        found = self.where.credit.finders.get(said)
        return None if found is None else found.id

    def program(self, result_id: str | None) -> str | None:
        """The program of a result, or the baseline for None; None where the hub holds it not."""
        return self.text(PROGRAM_PATH if result_id is None else self.beside(result_id))

    def text(self, path: str) -> str | None:
        """A file of the hub as text, whatever its bytes are."""
        data = self.snapshot.read(path)
        return None if data is None else data.decode(errors="replace")

    @staticmethod
    def beside(result_id: str, name: str = PROGRAM_PATH) -> str:
        """The path of a file beside a result."""
        return f"{folder_of(result_id)}/{name}"
