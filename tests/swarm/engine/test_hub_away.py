"""A hub that is away for a while: a worker goes on alone, and all is delivered, once."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import IO, Any

from killing import Farm, word_of


def test_a_hub_that_comes_back_gets_all_that_was_measured_meanwhile(tmp_path: Path) -> None:
    farm = Farm(tmp_path)
    away = tmp_path / "away.git"
    with (
        farm.at("nova"),
        subprocess.Popen(
            [sys.executable, "-m", "gitcollab", "run", "--forever", "--json"],
            cwd=tmp_path / "nova",
            stdout=subprocess.PIPE,
            text=True,
        ) as worker,
    ):
        assert worker.stdout is not None
        ended = [*until(worker.stdout, "published")]
        farm.hub.rename(away)
        for _ in range(2):
            ended += until(worker.stdout, "queued")
        away.rename(farm.hub)
        ended += until(worker.stdout, "published")
        worker.send_signal(signal.SIGINT)
        rest = [json.loads(line) for line in worker.stdout]
    told = {one["result"]["id"] for one in [*ended, *rest] if one.get("result")}
    assert told <= farm.results()
    assert set(Counter(word_of(log) for log in farm.logs().values()).values()) == {1}
    assert farm.swarm("nova").member.store.pending() == []


def until(lines: IO[str], outcome: str) -> list[dict[str, Any]]:
    """The reports up to the first of that outcome."""
    found = []
    for line in lines:
        found.append(json.loads(line))
        if found[-1].get("outcome") == outcome:
            return found
    raise AssertionError(f"no {outcome} among {found}")
