"""The command that a refused experiment is to be run by again."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from cli_toys import Ran, ScriptedSwarm, make_result

from gitcollab.swarm.outcomes import Duplicate, RunReport

Cli = Callable[..., Ran]
Script = Callable[..., ScriptedSwarm]

DONE = RunReport("refused", claim=Duplicate("x", make_result(), "same change"))


def test_what_came_by_standard_input_is_given_again(
    cli: Cli, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(run=DONE)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"--- a\n")))
    ran = cli("run", "--patch", "-")
    assert ran.code == 4
    assert ran.err.endswith("; to run it again: the same command with --anyway\n")


def test_how_it_is_to_run_is_said_again(cli: Cli, script: Script) -> None:
    script(run=DONE)
    ran = cli("run", "--set", "LR=0.2", "--sandbox", "required")
    assert ran.err.endswith("gitcollab run --set LR=0.2 --sandbox required --anyway\n")


@pytest.mark.parametrize("more", [["--count", "3"], ["--forever"]])
def test_how_often_it_is_to_run_is_said_again(cli: Cli, script: Script, more: list[str]) -> None:
    from gitcollab.swarm.outcomes import RoundsReport

    def run_many(*_: object, on_report: Callable[[RunReport], None], **__: object) -> RoundsReport:
        on_report(DONE)
        return RoundsReport(DONE, 1, {"refused": 1})

    script(run_many=run_many)
    ran = cli("run", "--set", "LR=0.2", *more)
    assert f"gitcollab run --set LR=0.2 {' '.join(more)} --anyway\n" in ran.err
