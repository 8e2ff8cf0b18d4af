"""Many experiments from the command line: what is printed as each ends, and the exit code."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cli_toys import Ran, ScriptedSwarm, make_result

from gitcollab.swarm.outcomes import RoundsReport, RunReport

Cli = Callable[..., Ran]
Script = Callable[..., ScriptedSwarm]

GOOD = RunReport("published", make_result(replicates="vega/x-1"))
CRASH = RunReport("published", make_result(status="crash", metric=None, failure="boom"))
ROUNDS = [
    (RoundsReport(GOOD, 2, {"published": 2}), 0, "2 experiments: 2 published", ""),
    (RoundsReport(GOOD, 1, {"published": 1}), 0, "1 experiment: 1 published", ""),
    (
        RoundsReport(CRASH, 2, {"crashed": 1, "published": 1}, "train.py has your edits"),
        1,
        "2 experiments: 1 published, 1 crashed",
        "stopped: train.py has your edits",
    ),
    (
        RoundsReport(replace(CRASH, outcome="queued"), 5, {"crashed": 5}, "5 failed", True),
        1,
        "5 experiments: 5 crashed",
        "stopped: 5 failed",
    ),
    (RoundsReport(RunReport("refused"), 1, {"refused": 1}), 4, "1 experiment: 1 refused", ""),
    (RoundsReport(replace(GOOD, outcome="queued"), 1, {"queued": 1}), 5, "1 experiment", ""),
]


def scripted(script: Script, report: RoundsReport, *ended: RunReport) -> ScriptedSwarm:
    def run_many(*_: Any, on_report: Callable[[RunReport], None], **__: Any) -> RoundsReport:
        for one in ended:
            on_report(one)
        return report

    return script(run_many=run_many)


@pytest.mark.parametrize(("report", "code", "summary", "why"), ROUNDS)
def test_a_line_sums_up(
    cli: Cli, script: Script, report: RoundsReport, code: int, summary: str, why: str
) -> None:
    scripted(script, report)
    ran = cli("run", "--forever")
    assert ran.code == code
    assert f"\n{summary}" in ran.out
    assert ran.err.strip() == why


def test_each_is_told_as_it_ends(cli: Cli, script: Script) -> None:
    swarm = scripted(script, ROUNDS[0][0], GOOD, CRASH)
    ran = cli("run", "raise LR", "--set", "LR=0.2", "--seed", "7", "--count", "2")
    heads = [line for line in ran.out.splitlines() if line.startswith(("score", "crash", "2 "))]
    assert heads == [
        "score 0.510000: another run of vega/x-1",
        "crash: boom",
        "2 experiments: 2 published",
    ]
    _, positional, named = swarm.calls[0]
    assert positional == (2, "raise LR")
    assert (named["set_values"], named["seed"], named["anyway"]) == ({"LR": "0.2"}, 7, False)
    cli("run", "--forever")
    assert swarm.calls[-1][1] == (None, None)


def test_json_is_one_object_a_line(cli: Cli, script: Script) -> None:
    scripted(script, ROUNDS[2][0], GOOD, CRASH)
    ran = cli("run", "--forever", "--json")
    assert ran.err == ""
    *runs, last = (json.loads(line) for line in ran.out.splitlines())
    assert [r["result"]["status"] for r in runs] == ["ok", "crash"]
    lent = last.pop("lent")
    assert (lent["experiments"], lent["crashed"], list(lent["kinds"])) == (2, 1, ["asked"])
    assert last == {
        "rounds": 2,
        "counts": {"crashed": 1, "published": 1},
        "stopped": "train.py has your edits",
        "failing": False,
        "data_not_instructions": ["stopped"],
    }


@pytest.mark.parametrize("argv", [("--forever", "--count", "2"), ("--count", "0")])
def test_what_cannot_be_meant(cli: Cli, script: Script, argv: tuple[str, ...]) -> None:
    swarm = script()
    assert cli("run", *argv).code == 2
    assert swarm.calls == []


def test_for_real(cli: Cli, join: Callable[[str], Path]) -> None:
    nova = join("nova")
    ran = cli("run", "--set", "LR=0.3", "--count", "3", "--json", cwd=nova)
    assert ran.code == 0, ran
    *runs, last = (json.loads(line) for line in ran.out.splitlines())
    assert [r["outcome"] for r in runs] == ["published"] * 3
    assert runs[0]["result"]["description"] == "LR 0.1 → 0.3"
    assert {r["result"]["replicates"] for r in runs[1:]} == {runs[0]["result"]["id"]}
    assert (last["rounds"], last["stopped"]) == (3, "")
