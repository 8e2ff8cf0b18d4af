"""Figures: what was measured, beside what, against which limit; how they are shown and kept."""

from __future__ import annotations

import json
import math
import os
import platform
import statistics
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Figure:
    """One measurement; ``beside`` is measured in the same run, since machines differ.

    ``most`` and ``least`` bound the value itself, ``most_ratio`` and ``least_ratio`` its ratio to
    what it stands beside. A figure without a bound is for information.
    """

    what: str
    value: float
    unit: str
    beside: str = ""
    beside_value: float | None = None
    most: float | None = None
    least: float | None = None
    most_ratio: float | None = None
    least_ratio: float | None = None

    @property
    def ratio(self) -> float | None:
        """The value as a multiple of what it stands beside."""
        return self.value / self.beside_value if self.beside_value else None

    @property
    def limit(self) -> str:
        """The bound in words; empty without one."""
        if self.most is not None:
            return f"<= {self.most:g} {self.unit}"
        if self.least is not None:
            return f">= {self.least:g} {self.unit}"
        if self.most_ratio is not None:
            return f"<= {self.most_ratio:g} x"
        return "" if self.least_ratio is None else f">= {self.least_ratio:g} x"

    @property
    def within(self) -> bool:
        """Whether the bound is kept."""
        ratio = math.nan if self.ratio is None else self.ratio
        return (
            (self.most is None or self.value <= self.most)
            and (self.least is None or self.value >= self.least)
            and (self.most_ratio is None or ratio <= self.most_ratio)
            and (self.least_ratio is None or ratio >= self.least_ratio)
        )

    def line(self) -> str:
        """The figure as a line of the table."""
        beside = "" if self.beside_value is None else _shown(self.beside_value)
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        verdict = "" if not self.limit else "within" if self.within else "OVER"
        return (
            f"{self.what:58} {_shown(self.value):>8} {self.unit:6} "
            f"{self.beside:32} {beside:>8} {ratio:>6}  {self.limit:12} {verdict}"
        ).rstrip()


HEADING = (
    f"{'what':58} {'figure':>8} {'unit':6} {'beside':32} {'figure':>8} {'ratio':>6}  {'limit':12}"
)


def _shown(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 or value == int(value) else f"{value:.3f}"


def write(path: Path, figures: Iterable[Figure]) -> None:
    """Keep the figures as JSON, with the machine they were measured on."""
    rows = [
        {name: value for name, value in vars(figure).items() if value not in (None, "")}
        | {"ratio": figure.ratio, "limit": figure.limit, "within": figure.within}
        for figure in figures
    ]
    git = subprocess.run(["git", "--version"], check=True, capture_output=True, text=True)
    machine = {
        "cpus": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "git": git.stdout.split()[2],
    }
    path.write_text(json.dumps({"machine": machine, "figures": rows}, indent=2) + "\n")


def clocked(act: Callable[[], object]) -> float:
    """The wall seconds that ``act`` takes."""
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def timed(act: Callable[[], object], times: int) -> float:
    """The median wall time of ``act`` in seconds, after one that does not count."""
    act()
    return statistics.median(clocked(act) for _ in range(times))


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that so many percent of the values do not exceed (nearest rank)."""
    return sorted(values)[max(0, math.ceil(percent / 100 * len(values)) - 1)]
