"""``next``: what would be run now and why, for people and for machines; nothing is done."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from cli_toys import Ran

from gitcollab.git.command import run_git

Cli = Callable[..., Ran]
Join = Callable[[str], Path]


def test_what_is_next_and_what_is_passed_over(cli: Cli, join: Join, hub: Path) -> None:
    nova = join("nova")
    shown = cli("next", "--explain", cwd=nova)
    assert shown.code == 0
    assert "1  baseline  baseline  nothing was measured yet" in shown.out
    assert "passed over:" in shown.out
    assert "the task names no search space" in " ".join(shown.out.split())
    cli("run", cwd=nova)
    cli("hypothesis", "add", "in words", "--because", "to see", cwd=nova)
    before = run_git("rev-parse", "swarm", git_dir=hub).out
    shown = cli("next", "--explain", cwd=nova)
    assert "what the swarm builds on: 1 run, found by nova" in shown.out
    assert "it says its change in words" in shown.out
    told = json.loads(cli("next", "--json", "--count", "1", cwd=nova).out)
    (first,) = told["choices"]
    assert (first["kind"], first["seed"], first["scores"]["runs"]) == ("replication", 43, 1)
    assert "description" in " ".join(told["data_not_instructions"])
    hub.rename(hub.with_name("away.git"))  # it asks nobody
    assert cli("next", cwd=nova).code == 0
    assert run_git("rev-parse", "swarm", git_dir=hub.with_name("away.git")).out == before
    assert list((nova / ".gitcollab" / "claims").glob("*")) == []


def test_edits_come_first(cli: Cli, join: Join) -> None:
    nova = join("nova")
    program = nova / "train.py"
    program.write_text(program.read_text() + "\nprint('more')\n")
    shown = cli("next", "--explain", cwd=nova)
    assert "it is left as it is" in shown.out  # it cannot describe itself
    assert shown.out.splitlines()[1].split()[1] == "baseline"
