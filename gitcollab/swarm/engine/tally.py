"""What rounds of experiments came to."""

from __future__ import annotations

from collections import Counter

from gitcollab.swarm.outcomes import RoundsReport, RunReport

ASKED = "asked"  # the kind of what the user said


class Tally:
    """Counts experiments as they end. ``failures`` are those in a row, up to now."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._kinds: Counter[str] = Counter()
        self._keeps = 0
        self._replications = 0
        self._last: RunReport | None = None
        self.failures = 0

    @property
    def rounds(self) -> int:
        """How many there were."""
        return self._counts.total()

    def note(self, report: RunReport) -> None:
        """Count one more."""
        crashed = report.result is not None and report.result.status != "ok"
        failed = crashed or report.outcome in ("refused", "failed")
        self.failures = self.failures + 1 if failed else 0
        self._counts["crashed" if crashed else report.outcome] += 1
        self._kinds[report.kind or ASKED] += 1
        self._keeps += report.is_keep
        self._replications += report.is_replication
        self._last = report

    def report(self, stopped: str, *, failing: bool = False) -> RoundsReport:
        """What all came to; ``stopped`` is why no more follow."""
        return RoundsReport(
            self._last or RunReport("refused", error=stopped),
            self.rounds,
            self._counts,
            stopped,
            failing,
            self._kinds,
            self._keeps,
            self._replications,
        )
