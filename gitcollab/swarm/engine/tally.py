"""What experiments came to, counted as they end: by what made them, and by how they ended."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, fields

from gitcollab.swarm.outcomes import RoundsReport, RunReport

ASKED = "asked"  # the kind of what the user said to run


@dataclass
class Count:
    """How many experiments, and what became of them.

    ``keeps`` were better than their base, ``replications`` measured again what had been measured.
    """

    experiments: int = 0
    keeps: int = 0
    replications: int = 0
    crashed: int = 0
    queued: int = 0  # on this host, for the hub
    unpublished: int = 0  # refused, or could not be started

    def add(self, more: Count) -> None:
        """Count these, too."""
        for one in fields(self):
            setattr(self, one.name, getattr(self, one.name) + getattr(more, one.name))


@dataclass
class Tally:
    """Counts by the kind of choice that made the experiments (see ``engine.choice``).

    ``ends``: how many ended as what, an outcome of RunReport or "crashed".
    """

    kinds: dict[str, Count] = field(default_factory=dict)
    ends: Counter[str] = field(default_factory=Counter)
    failures: int = field(default=0, compare=False)  # in a row, up to now
    stalls: int = field(default=0, compare=False)  # in a row: runs ended for nothing of their own
    _last: RunReport | None = field(default=None, compare=False)

    @property
    def rounds(self) -> int:
        """How many there were."""
        return self.ends.total()

    @property
    def total(self) -> Count:
        """All kinds together."""
        total = Count()
        for count in self.kinds.values():
            total.add(count)
        return total

    def note(self, report: RunReport) -> None:
        """Count one more, that has ended."""
        crashed = report.result is not None and report.result.status != "ok"
        unpublished = report.outcome in ("refused", "failed")
        self.failures = self.failures + 1 if crashed or unpublished else 0
        self.stalls = 0
        self.ends["crashed" if crashed else report.outcome] += 1
        queued = report.outcome == "queued"
        flags = (report.is_keep, report.is_replication, crashed, queued, unpublished)
        self._of(report.kind or ASKED).add(Count(1, *map(int, flags)))
        self._last = report

    def note_trouble(self) -> None:
        """Something went wrong that was no experiment: from two failures on it is waited."""
        self.failures = max(2, self.failures + 1)

    def add(self, more: Tally) -> None:
        """Count these, too."""
        for kind, count in more.kinds.items():
            self._of(kind).add(count)
        self.ends += more.ends

    def report(self, stopped: str, *, failing: bool = False) -> RoundsReport:
        """What all came to; ``stopped`` is why no more follow."""
        total = self.total
        return RoundsReport(
            self._last or RunReport("refused", error=stopped),
            self.rounds,
            self.ends,
            stopped,
            failing,
            {kind: count.experiments for kind, count in self.kinds.items()},
            total.keeps,
            total.replications,
        )

    def _of(self, kind: str) -> Count:
        return self.kinds.setdefault(kind, Count())
