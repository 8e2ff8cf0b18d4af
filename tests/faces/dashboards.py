"""Dashboards for tests: of a real hub, and of experiments that no hub has."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from gitcollab.faces.dashboard.facts import Facts
from gitcollab.store.snapshot import utc_now
from gitcollab.swarm import verifying
from gitcollab.swarm.ranking import standings
from gitcollab.swarm.runs import Run
from tests.bench.toys import BRANCH
from tests.faces.searches import run

HOSTILE = (
    "</script><script>window.taken = 1</script>",
    "<img src=x onerror='window.taken = 1'>",
    "\"><b>bold</b> & 'quotes' {{ 7 * 7 }} ${7 * 7}",
    "\u202egnp.exe\u202c and \u200binvisible",
    "x" * 400,
    "日本語の説明 🚀",
)


def facts_of(hub: Path) -> Facts:
    """The facts of the hub in a git directory."""
    repository = verifying.open_hub(hub, BRANCH, remembers=False)
    tip = repository.tip()
    assert tip is not None
    return Facts.of(repository.standing(tip, utc_now()))


def with_experiments(facts: Facts, number: int, descriptions: Sequence[str] = ()) -> Facts:
    """The facts of a hub that has these experiments in the place of its own."""
    chance = random.Random(number)
    runs: list[Run] = []
    best, base = 1.0, 0
    for n in range(number):
        text = descriptions[n] if n < len(descriptions) else f"experiment {n}: MATRIX_LR {n}"
        metric = None if chance.random() < 0.08 else best + chance.gauss(0.002, 0.004)
        agent, tier = f"agent-{n % 7}", ("cpu", "large")[n % 2]
        made = run(facts.task, n, metric, text)._replace(id=f"{agent}/p{n}", agent=agent, tier=tier)
        changed = None if n == 0 else runs[base]
        runs.append(
            made._replace(
                base=changed and changed.id, base_fingerprint=changed and changed.fingerprint
            )
        )
        if metric is not None and metric < best - 0.004:
            best, base = metric, n
    return replace(facts, where=standings(facts.task, runs))
