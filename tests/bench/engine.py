"""What a lent machine loses between two experiments, and what memory a worker holds on to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from statistics import median

from tests.bench import big_hub, thoughts
from tests.bench.figures import Figure, percentile
from tests.bench.lending import lend, task_of

BETWEEN = 2.0  # seconds: from the end of a program to the start of the next
GROWTH = 1.05
MANY = 200  # experiments of one worker
FEW = 20
TAKEN = 2  # seconds of a program there: real ones take longer than whose code it is to find out


def measure(root: Path, results: int) -> Iterator[Figure]:
    """On a new hub, and on one with so many results, and as many hypotheses as come with them."""
    for size, experiments, seconds in ((0, MANY, 0), (results, FEW, TAKEN)):
        hub = root / f"engine-{size}.git"
        big_hub.make(hub, size, task=task_of(seconds))
        if size:
            thoughts.plant(hub, size)
        lent = lend(root / f"engine-{size}", hub, experiments)
        between, memory = lent.between, lent.memory
        what = f"{size:,} results: between two experiments"
        yield Figure(f"{what}, median", median(between), "s", most=BETWEEN)
        yield Figure("  of 20 the slowest", percentile(between, 95), "s", most=BETWEEN)
        if experiments >= MANY:
            what, early = f"memory of a worker, experiments {MANY * 3 // 4} to {MANY}", "a quarter"
            quarter = experiments // 4
            late = median(memory[-quarter:])
            beside = f"the second {early} of these"
            yield Figure(what, late, "MB", beside, late / lent.growth, most_ratio=GROWTH)
        else:
            yield Figure("  memory of the worker", memory[-1], "MB")
