"""Hypotheses and insights for a hub with many results, as a day of a public swarm brings them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

from gitcollab.records import codec
from gitcollab.records.models import Hypothesis, Insight
from gitcollab.records.names import path_of
from tests import people
from tests.bench import big_hub
from tests.bench.research import BEGAN, SPAN, Run
from tests.bench.words import descriptions

HYPOTHESES = 3_000
INSIGHTS = 500
_BECAUSE = "It was better at another width, and the gradient norms say that there is room. " * 4


def plant(hub: Path, results: int, hypotheses: int = HYPOTHESES, insights: int = INSIGHTS) -> None:
    """Add so many hypotheses and insights to a hub that ``big_hub.make`` made, past its doors."""
    runs = list(islice(big_hub.research_of(results).runs(), results))
    random = Random(1)
    said = iter(descriptions(hypotheses + insights))
    files: dict[str, bytes | None] = {}
    for number in range(hypotheses):
        idea = people.signed(_hypothesis(random, number, hypotheses, next(said), runs))
        files[path_of("hypothesis", idea.id)] = codec.encode(idea)
    for number in range(insights):
        lesson = people.signed(_insight(random, number, insights, next(said), runs))
        files[path_of("insight", lesson.id)] = codec.encode(lesson)
    people.plant(hub, files, big_hub.BRANCH)


def _hypothesis(random: Random, number: int, of: int, said: str, runs: list[Run]) -> Hypothesis:
    """Two of three can be run by a machine."""
    change = dict(_changes(random, runs)) if number % 3 else None
    common = _common(random, number, of, runs)
    return Hypothesis(
        title=said, reasoning=_BECAUSE, set=change, priority=random.randint(1, 5), **common
    )


def _insight(random: Random, number: int, of: int, said: str, runs: list[Run]) -> Insight:
    return Insight(text=f"{said}: {_BECAUSE}", **_common(random, number, of, runs, "insight"))


def _common(
    random: Random, number: int, of: int, runs: list[Run], stem: str = "idea"
) -> dict[str, Any]:
    agent = random.choice(runs).agent.name
    return {
        "id": f"{agent}/{stem}-{number}",
        "agent": agent,
        "created_at": BEGAN + SPAN * number / of + timedelta(minutes=1),
        "nonce": f"{stem == 'idea':x}{number:031x}",
        "evidence": [random.choice(runs).id for _ in range(random.randint(0, 3))],
    }


def _changes(random: Random, runs: list[Run]) -> Iterator[tuple[str, Any]]:
    yield from random.choice(runs).changed.items()
    yield "SOFTCAP", round(random.uniform(5, 30), 2)
