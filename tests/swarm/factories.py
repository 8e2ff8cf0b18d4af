"""Makers of tasks and runs for tests, with every field that does not matter filled in."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

from gitcollab.records.models import Result, Task
from gitcollab.records.names import PROGRAM_PATH
from gitcollab.swarm.runs import Run

START = datetime(2026, 1, 1, tzinfo=UTC)


def digest(name: str) -> str:
    return "sha256:" + hashlib.sha256(name.encode()).hexdigest()


def make_task(**fields: Any) -> Task:
    """A task that minimises ``val_bpb`` with a prior noise of 0.002."""
    direction = fields.pop("direction", "minimize")
    return Task.model_validate(
        {
            "schema": 1,
            "name": "toy",
            "metric": {"name": "val_bpb", "direction": direction},
            "run": ["python", "train.py"],
            "budget": {"seconds": 5.0},
            "timeout_seconds": 20.0,
            "sigma": 0.002,
        }
        | fields
    )


def a_run(
    task: Task, number: int, agent: str, program: str, metric: float | None, **fields: Any
) -> Run:
    """The ``number``-th run, a second after the one before; it changed more than constants.

    ``program`` and ``base_fingerprint``, if that is given, are fingerprints.
    """
    given = {
        "id": f"{agent}/run-{number:04}",
        "agent": agent,
        "created_at": (START + timedelta(seconds=number)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "description": program,
        "status": "crash" if metric is None else "ok",
        "metric": metric,
        "task": task.digest,
        "dataset": None,
        "tier": "large",
        "program": program,
        "fingerprint": program,
        "base": None,
        "base_fingerprint": None,
        "replicates": None,
        "changed": 1,
        "delta": None,
        "structural": 1,
    }
    return Run(**given | fields)


class Bench:
    """Makes runs of one task, each a minute after the one before."""

    def __init__(self, task: Task | None = None) -> None:
        self.task = task or make_task()
        self.results: list[Run] = []

    def add(self, program: str, metric: float | None, agent: str = "nova", **fields: Any) -> Run:
        """A run of ``program``; ``base`` names a program, ``minute`` moves it in time.

        Without a ``fingerprint`` (None) nobody has its program.
        """
        number = len(self.results)
        base = fields.pop("base", None)
        minute = fields.pop("minute", number)
        base_result = next((r for r in self.results if r.fingerprint == digest(base or "")), None)
        named = fields.get("fingerprint", program) is not None
        result = Result.model_validate(
            {
                "schema": 1,
                "id": f"{agent}/{program}-{number}",
                "files": {PROGRAM_PATH: digest(program)} if named else {},
                "agent": agent,
                "created_at": START + timedelta(minutes=minute),
                "nonce": f"{number:032x}",
                "description": program,
                "fingerprint": digest(program),
                "base": base_result.id if base_result else None,
                "base_fingerprint": digest(base) if base else None,
                "status": "ok" if metric is not None else "crash",
                "metric": metric,
                "task": self.task.digest,
                "hardware": {"device": "cpu", "tier": fields.pop("tier", "cpu")},
            }
            | fields
        )
        self.results.append(Run.of(result))
        return self.results[-1]
