"""A program that leads by less than the noise: what is said of it agrees with what is done."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from cli_toys import Ran

Cli = Callable[..., Ran]
Join = Callable[[str], Path]


def test_a_lead_within_the_noise_is_not_kept(cli: Cli, join: Join) -> None:
    nova = join("nova")
    assert cli("run", "--set", "LR=0.29", cwd=nova).out.count("the best so far") == 1
    told = cli("run", "--set", "LR=0.3").out
    assert told.startswith("score 0.500000: within noise of its base; it leads the ranking\n")
    assert "the best so far" not in told
    assert "note: train.py is back at its base; this version is in .gitcollab/aside/" in told
    assert "; gitcollab best --adopt takes what leads the ranking\n" in told
    assert "LR = 0.29" in (nova / "train.py").read_text()
    assert "LR 0.29 → 0.3" in cli("best", "--adopt").out
    assert "LR = 0.3 " in (nova / "train.py").read_text()


def test_a_wonder_is_listed_as_one(
    cli: Cli, task_file: Path, request: pytest.FixtureRequest
) -> None:
    task_file.write_text(task_file.read_text().replace("max_step: 0.5", "max_step: 0.01"))
    nova = request.getfixturevalue("join")("nova")
    assert cli("run", cwd=nova).code == 0
    ran = cli("run", "--set", "LR=0.2", "--json").json
    assert ran["verdict"] == "better"  # the agent itself knows what it did, and builds on it
    (found,) = cli("results", "--verdict", "unconfirmed", "--json").json["results"]
    assert (found["id"], found["verdict"]) == (ran["result"]["id"], "unconfirmed")
    assert cli("results", "--verdict", "keep", "--json").json["results"] == []
    assert " unconfirmed " in cli("results").out
    assert "\nverdict    unconfirmed\n" in cli("show", found["id"]).out
    lines = [line.split("\t") for line in cli("results", "--format", "tsv").out.splitlines()]
    assert [line[3] for line in lines] == ["status", "keep", "discard"]
