"""A frame of watch: what it says, and that it fits whatever it is drawn on."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cli_toys import HOSTILE, NOW, make_claim, make_entry, make_result
from rich.cells import cell_len

from gitcollab.cli.frame import Screen, frame
from gitcollab.records import codec
from gitcollab.records.models import Task
from gitcollab.runner.usage import Gpu, Usage
from gitcollab.swarm.reports import QueuedItem, ResultPage
from gitcollab.swarm.trend import Course, Point
from gitcollab.swarm.watching import Away, Running, Watched
from tests import toy

LONG = "a-very-long-agent-name-of-39-characters"
TASK = Task.model_validate(codec.load(toy.TASK.encode()))
DAY = timedelta(days=1)
POINTS = [
    Point(1, "2026-01-29T12:00:00Z", 0.99, True, 1),
    Point(30, "2026-01-31T09:00:00Z", 0.97, True, 1),
]
USED = Usage((Gpu("NVIDIA H100 80GB HBM3", 97, 45.2, 79.6), Gpu("Odd", None, None, None)), 8, 1.5)


def seen(**changes: Any) -> Watched:
    results = [(make_result(id=f"nova/x-{n:08x}"), "better") for n in range(30)]
    fields: dict[str, Any] = {
        "hub": "https://user:secret@hub.example/x.git",
        "branch": "swarm",
        "agent": "nova",
        "task": TASK,
        "best": make_entry(),
        "course": Course(42, 1, 0.002, "2026-01-31T11:00:00Z", POINTS),
        "running": [Running(make_claim(), NOW + timedelta(minutes=14, seconds=5))],
        "results": ResultPage(results, None, 42),
        "queued": [],
        "refused": [],
        "asked": NOW - timedelta(seconds=8),
    }
    return Watched(**(fields | changes))


def shown(found: Watched, used: Usage | None = USED, on: Screen | None = None) -> str:
    return "\n".join(frame(found, used, NOW, on or Screen(120)))


def test_what_it_says() -> None:
    told = shown(seen())
    assert told.startswith("https://***@hub.example/x.git (branch swarm) ")
    assert told.split("\n")[0].endswith("2026-01-31 12:00:00 UTC")
    for said in (
        "hub    read 8s ago\n",
        "best   0.510000 ± 0.0014 by nova: LR 0.1 → 0.2 (confirmed, 2 runs, tier cpu)\n",
        "0.990000 ██",
        " 0.970000 in 42 experiments\n",
        "GPU 0  97%, 45.2 of 80 GiB, NVIDIA H100 80GB HBM3\n",
        "GPU 1  ?, Odd\n",
        "1 claim running\n",
        "nova   14:05  lr-0.2-1a2b3c4d  LR 0.1 → 0.2\n",
        "last of 42 results\n",
    ):
        assert said in told
    words = " ".join(told.split())
    gain = "better by 0.02 (counts from 0.0057 on) in 24 h and in 20 experiments"
    assert f"trend improving: {gain}; it has led for 3h and 12 experiments" in words
    assert "CPUs" not in told
    assert "outbox" not in told


def test_what_is_amiss() -> None:
    away = Away(NOW - timedelta(minutes=3), "cannot reach the hub")
    item = QueuedItem("publish", "x", NOW, "why")
    told = shown(seen(away=away, queued=[item] * 2, refused=[item]), Usage((), 2, 1.9))
    assert "hub     read 8s ago; away for 3m: cannot reach the hub\n" in told
    assert "outbox  2 records for the hub, 1 refused (gitcollab outbox)\n" in told
    assert "CPUs    2, load 1.9\n" in told
    assert "not read yet" in shown(seen(asked=None), None)


def test_an_empty_hub() -> None:
    empty = Course(0, 1, 0.002, None, [])
    told = shown(seen(best=None, course=empty, running=[], results=ResultPage([], None, 0)), None)
    assert told.split("\n")[1:] == [
        "task  toy: score, lower is better",
        "hub   read 8s ago",
        "best  none yet; gitcollab run makes the first",
    ]


def test_a_claim_that_has_run_out_is_not_shown() -> None:
    told = shown(seen(running=[Running(make_claim(), NOW - timedelta(seconds=1))]))
    assert "running" not in told


@pytest.mark.parametrize("used", [None, USED, Usage((USED.gpus[0],) * 64, 8, None)])
@pytest.mark.parametrize("height", [1, 2, 5, 10, 24, 50, 200])
@pytest.mark.parametrize("width", [20, 40, 60, 80, 120, 200])
def test_it_fits_any_screen(width: int, height: int, used: Usage | None) -> None:
    evil = make_claim(agent=LONG).model_copy(update={"description": HOSTILE * 5})
    found = seen(
        hub="/srv/" + "h" * 300,
        best=make_entry(description="👩‍🔬 漢字 " * 40, agent=LONG),
        running=[Running(evil, NOW + timedelta(hours=n)) for n in range(40)],
        away=Away(NOW, HOSTILE * 20),
    )
    lines = frame(found, used, NOW, Screen(width, height, colours=True), "q leaves")
    assert len(lines) == height
    for text in lines:
        bare = re.sub(r"\x1b\[[0-9;]*m", "", text)
        assert not any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl") for c in bare)
        assert width < 60 or cell_len(bare) <= width or " " not in bare.strip()
    assert lines[-1] == "q leaves"


@pytest.mark.parametrize("width", [20, 26, 32, 33, 39])
def test_its_first_line_fits_a_narrow_screen(width: int) -> None:
    first, *_ = shown(seen(hub="/srv/" + "h" * 300), on=Screen(width)).splitlines()
    assert first.startswith("/srv/hh")
    assert len(first) == width


def test_a_plain_frame_has_no_colours_and_all_that_matters() -> None:
    told = shown(seen(running=[Running(make_claim(), NOW + DAY)] * 30), on=Screen(80))
    assert "\x1b" not in told
    assert "... and " in told
    assert told.count("  keep  ") > 5
    assert max(map(cell_len, told.split("\n"))) <= 80


def test_words_about_gains() -> None:
    flat = Course(42, 1, 0.002, None, [POINTS[0], replace_value(POINTS[1], 0.99)])
    assert "trend  flat: no gain in 24 h and in 20 experiments;" in shown(seen(course=flat))
    busy = Course(30, 1, 0.002, None, [*POINTS, Point(30, "2026-01-31T11:00:00Z", 0.96, True, 1)])
    told = shown(seen(course=replace(busy, experiments=60)))
    assert "improving: better by 0.03 (counts from 0.0057 on) in 24 h, no gain in 20" in told
    young = shown(
        seen(course=Course(2, 1, 0.002, None, [Point(1, "2026-01-31T11:00:00Z", 1, True, 1)]))
    )
    assert "trend  too early to say: it has led for 1h and 1 experiment\n" in young


def replace_value(point: Point, value: float) -> Point:
    return point._replace(value=value)


def test_a_younger_hub_is_told_since_its_first_best() -> None:
    points = [Point(n, f"2026-01-31T10:{n:02}:00Z", 1 - n / 100, True, 1) for n in range(1, 41)]
    told = shown(seen(course=Course(40, 1, 0.002, None, points)))
    assert "improving: better by 0.2 (counts from 0.0057 on) in 20 experiments" in told
    words = " ".join(told.split())
    assert "better by 0.39 (counts from 0.0057 on) since the first best" in words
