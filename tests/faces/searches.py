"""Searches for pictures: a real one, random ones, and any number of runs in no time."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

from gitcollab.records.models import Task, rfc3339
from gitcollab.swarm.ranking import Standings, standings
from gitcollab.swarm.runs import Run
from tests.swarm.factories import START, Bench, digest, make_task

REAL = Path(__file__).parents[2].parent / "shared" / "data" / "autoresearch-h100-mar8.tsv"


def real() -> Standings:
    """A session of 125 experiments; the file has to be there."""
    bench = Bench(make_task(name="autoresearch-h100", sigma=0.0005))
    base: str | None = None
    with REAL.open(newline="") as file:
        for number, row in enumerate(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)):
            name, metric = f"p{number}", float(row["val_bpb"])
            bench.add(name, metric or None, base=base, description=row["description"])
            base = name if row["status"] == "keep" else base
    return standings(bench.task, bench.results)


def run(
    task: Task, number: int, metric: float | None, description: str = "x", base: int = 0
) -> Run:
    """The run with that number, of a program of its own, on the base of number ``base``."""
    return Run(
        id=f"nova/{number}",
        agent="nova",
        created_at=rfc3339(START + timedelta(minutes=number)),
        description=description,
        status="crash" if metric is None else "ok",
        metric=metric,
        task=task.digest,
        dataset=None,
        tier="cpu",
        program=None,
        fingerprint=digest(str(number)),
        base=f"nova/{base}",
        base_fingerprint=digest(str(base)),
        replicates=None,
        changed=1,
        delta=None,
        structural=1,
    )


def search(metrics: Iterable[float | None], task: Task | None = None, text: str = "") -> Standings:
    """The standings of so many programs, each run once; the first is the base of all."""
    task = task or make_task()
    runs = [run(task, n, metric, text or f"change {n}") for n, metric in enumerate(metrics)]
    return standings(task, runs)


def walk(number: int, seed: int = 1, crashes: float = 0.1) -> list[float | None]:
    """A search that gains less and less, with noise, failures and crashes."""
    chance = random.Random(seed)
    return [
        None if n and chance.random() < crashes else 1 / (1 + n) ** 0.1 + abs(chance.gauss(0, 0.02))
        for n in range(number)
    ]
