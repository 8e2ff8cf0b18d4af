"""Workers of several machines that choose at once: real processes, a clone each, one hub."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from gitcollab.records import codec
from gitcollab.records.models import Result
from gitcollab.swarm.joining import join
from gitcollab.swarm.swarm import Swarm
from tests.swarm.engine.test_rounds import on_hub, read

WORKERS = 4
ROUNDS = 4
IDEAS = 10


@pytest.fixture
def workers(tmp_path: Path, toy_hub: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Workspaces of agents with a home of their own each; ideas wait to be tried."""
    folders = [tmp_path / f"agent{n}" for n in range(WORKERS)]
    for folder in folders:
        monkeypatch.setenv("GITCOLLAB_HOME", f"{folder}-home")
        join(folder, str(toy_hub), agent=folder.name)
    last = Swarm.open(folders[-1])
    last.run()
    for n in range(IDEAS):
        last.propose(f"idea {n}", "to see", set_values={"RATE": f"0.{n + 11}"})
    for folder in folders:
        monkeypatch.setenv("GITCOLLAB_HOME", f"{folder}-home")
        Swarm.open(folder).sync()
    hook = toy_hub / "hooks" / "post-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ncat >> {tmp_path}/pushes.log\n")
    hook.chmod(0o755)
    return folders


def test_nothing_is_run_twice_and_a_round_is_a_push(
    workers: list[Path], toy_hub: Path, tmp_path: Path
) -> None:
    begun = [
        subprocess.Popen(
            [sys.executable, "-m", "gitcollab", "run", f"--count={ROUNDS}", "--json"],
            cwd=folder,
            env=os.environ | {"GITCOLLAB_HOME": f"{folder}-home"},
            stdout=subprocess.PIPE,
            text=True,
        )
        for folder in workers
    ]
    told = [p.communicate(timeout=240)[0].splitlines() for p in begun]
    reports = [json.loads(line) for lines in told for line in lines[:-1]]
    assert [p.returncode for p in begun] == [0] * WORKERS
    assert Counter(one["outcome"] for one in reports) == {"published": WORKERS * ROUNDS}
    results = [codec.decode("result", read(toy_hub, path)) for path in on_hub(toy_hub, "results")]
    done = [one for one in results if isinstance(one, Result)]
    assert len(done) == WORKERS * ROUNDS + 1
    runs = Counter((one.fingerprint, one.seed) for one in done)
    assert set(runs.values()) == {1}
    named = Counter(one.hypothesis for one in done if one.hypothesis)
    assert len(named) > 1
    assert set(named.values()) == {1}, "a hypothesis was tried twice"
    # A claim at first, then a push a round: what was lost to others costs none of its own, but for
    # whoever was so slow that all four of its choices were gone.
    pushes = (tmp_path / "pushes.log").read_text().splitlines()
    assert WORKERS * (ROUNDS + 1) <= len(pushes) <= WORKERS * (ROUNDS + 2)
    assert on_hub(toy_hub, "claims") == []
