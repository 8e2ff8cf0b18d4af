"""On what terms a machine is lent."""

from __future__ import annotations

from dataclasses import dataclass

THINK_MINUTES = 15.0  # that an external mind may take before an experiment


@dataclass(frozen=True)
class Terms:
    """What the user asked for; the defaults ask for nothing.

    ``hours``: no experiment begins after so many. ``when_idle``: none begins while the machine is
    busy with something else. ``nice``: how far programs step back behind others (POSIX, 0 to 19).
    ``think`` is a command line that is asked before each experiment, and told what became of it.
    """

    hours: float | None = None
    when_idle: bool = False
    nice: int | None = None
    think: str | None = None
    think_minutes: float = THINK_MINUTES


FREELY = Terms()  # nothing is asked for
