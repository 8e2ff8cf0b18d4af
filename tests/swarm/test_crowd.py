"""Crowds of real command lines: separate processes, separate clones, one hub."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from gitcollab.git.command import run_git
from gitcollab.swarm.joining import join

CROWD = 8


@pytest.fixture
def crowd(
    tmp_path: Path, toy_hub: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Callable[[int], Sequence[str]]], list[dict]]:
    """Agents, each with a home and so a clone of its own, do something at once."""
    homes = [tmp_path / f"home{n}" for n in range(CROWD)]
    folders = [tmp_path / f"agent{n}" for n in range(CROWD)]
    for n in range(CROWD):
        monkeypatch.setenv("GITCOLLAB_HOME", str(homes[n]))
        join(folders[n], str(toy_hub), agent=f"agent{n}")

    def act(argv: Callable[[int], Sequence[str]]) -> list[dict]:
        frozen = "2026-01-02T03:04:05Z"
        processes = [
            subprocess.Popen(
                [sys.executable, "-m", "gitcollab", *argv(n), "--json"],
                cwd=folders[n],
                env=os.environ
                | {
                    "GITCOLLAB_HOME": str(homes[n]),
                    "GIT_AUTHOR_DATE": frozen,
                    "GIT_COMMITTER_DATE": frozen,
                },
                stdout=subprocess.PIPE,
                text=True,
            )
            for n in range(CROWD)
        ]
        return [json.loads(p.communicate(timeout=120)[0]) for p in processes]

    return act


def claims_on(hub: Path) -> list[str]:
    return run_git("ls-tree", "--name-only", "swarm:claims", git_dir=hub).out.split()


def test_one_experiment_has_one_holder(crowd, toy_hub: Path) -> None:
    answers = crowd(lambda n: ["claim", "RATE=0.2"])
    assert Counter(a["outcome"] for a in answers) == {"granted": 1, "taken": CROWD - 1}
    holder = next(a["claim"]["agent"] for a in answers if a["outcome"] == "granted")
    assert {a["other"]["agent"] for a in answers if a["outcome"] == "taken"} == {holder}
    assert len(claims_on(toy_hub)) == 1


def test_different_experiments_all_land(crowd, toy_hub: Path) -> None:
    answers = crowd(lambda n: ["claim", f"WIDTH={100 + n}"])
    assert Counter(a["outcome"] for a in answers) == {"granted": CROWD}
    assert len(set(claims_on(toy_hub))) == CROWD


def test_results_of_a_crowd_are_all_there_and_the_views_agree(
    crowd, toy_hub: Path, tmp_path: Path
) -> None:
    answers = crowd(lambda n: ["run", "--set", f"WIDTH={100 + n}"])
    assert Counter(a["outcome"] for a in answers) == {"published": CROWD}
    listed = run_git("ls-tree", "-r", "--name-only", "swarm", git_dir=toy_hub).out.splitlines()
    there = {
        p.removeprefix("results/").removesuffix("/result.yaml")
        for p in listed
        if p.endswith("/result.yaml")
    }
    assert there == {a["result"]["id"] for a in answers}
    assert not [p for p in listed if p.startswith("claims/")]
    before = run_git("rev-parse", "swarm", git_dir=toy_hub).out
    ran = [sys.executable, "-m", "gitcollab", "views", "--json"]
    rebuilt = subprocess.run(ran, cwd=tmp_path / "agent0", capture_output=True, check=True)
    assert json.loads(rebuilt.stdout) == {"changed": []}
    assert run_git("rev-parse", "swarm", git_dir=toy_hub).out == before
