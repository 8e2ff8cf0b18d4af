"""What status says of the working program and of the sandbox."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from cli_toys import Ran

from gitcollab.cli import look
from gitcollab.runner import sandbox

Cli = Callable[..., Ran]
Join = Callable[[str], Path]


def test_the_working_program(cli: Cli, join: Join) -> None:
    nova = join("nova")
    program = nova / "train.py"

    def standing() -> str:
        told: str = cli("status", "--json", cwd=nova).json["program"]
        return told

    assert standing() == "the baseline, unchanged"
    assert cli("run", cwd=nova).code == 0
    assert standing() == "the baseline, the best, unchanged"
    kept = cli("run", "--set", "LR=0.2", "--json", cwd=nova).json["result"]["id"]
    assert standing() == f"{kept}, the best, unchanged"
    text = program.read_text()
    program.write_text(text + "\nX = 1\n")
    assert standing() == f"your edits on {kept}, the best"
    assert f"\ntrain.py  your edits on {kept}, the best\n" in cli("status").out
    trial = {"before": text, "program": program.read_text()}
    trial["base"] = json.loads((nova / ".gitcollab" / "base.json").read_text())
    (nova / ".gitcollab" / "trial.json").write_text(json.dumps(trial))
    assert standing().startswith("has the change of a run")
    program.write_bytes(b"\xff")
    assert standing().startswith("cannot be used: ")
    program.unlink()
    assert standing() == "gone; gitcollab best --adopt puts the best one there"


def test_how_the_best_went(cli: Cli, join: Join) -> None:
    nova = join("nova")
    assert "trend" not in cli("status", cwd=nova).out
    for change in ((), ("--set", "LR=0.2"), ("--set", "FAIL=crash")):
        assert cli("run", *change, cwd=nova).code in (0, 1)
    # Which of what was made in one second came first is not known.
    went = "0.540000 [█▁]{3} 0.510000 in 3 experiments; too early to say"
    assert re.search(f"\ntrend     {went}\n", cli("status").out)
    assert re.search(f"\ntrend     {went}\n", cli("best").out)
    assert "trend" not in cli("best", "--tier", "cpu").out
    assert re.match(rf"{went} \(5 s a run, within a tier\)\n\n#  ", cli("leaderboard").out)
    assert "experiments" not in cli("leaderboard", "--by", "tier").out


def test_a_sandbox_that_is_not_there(
    cli: Cli, join: Join, hub: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nova = join("nova")
    monkeypatch.setattr(sandbox, "lacking", lambda: ("bubblewrap is not installed", "install it"))
    note = "your own code runs without the sandbox: bubblewrap is not installed"
    assert cli("run", cwd=nova).out.count(f"note: {note}\n") == 1
    assert note in cli("run", "--json", cwd=nova).json["notes"]
    said = "auto, and bubblewrap is not installed: only your own code runs, without"
    assert f"sandbox {said} " in " ".join(cli("status").out.split())
    assert cli("run", "--sandbox", "off", cwd=nova).out.count("sandbox") == 0
    cli("join", str(hub), "--agent", "nova", "--sandbox", "required")
    assert "required, and bubblewrap is not installed: nothing runs" in cli("status").out


def test_no_more_count_than_there_are_but_what_is_on_its_way() -> None:
    report = SimpleNamespace(results=41, results_waiting=0)
    told = [look._counted(report, SimpleNamespace(experiments=n)) for n in (41, 42, 40)]  # type: ignore[arg-type]
    assert told[:2] == ["41", "41; 1 on the way to the hub"]
    assert told[2].startswith("41; 40 count (")
