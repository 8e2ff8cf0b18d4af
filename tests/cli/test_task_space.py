"""The search space of a task, as maintainers set it and everybody sees it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from cli_toys import Ran

Cli = Callable[..., Ran]


def test_the_space_is_set_shown_and_compares_nothing(cli: Cli, join: Callable[[str], Path]) -> None:
    join("ada")
    before = cli("task", "show", "--json").json["digest"]
    told = cli(
        "task", "set", "space={LR: {low: 0.001, high: 0.1, log: true}, KIND: {choices: [a, b]}}"
    )
    assert told.code == 0, told.err
    (note,) = [line for line in told.out.splitlines() if line.startswith("note:")]
    assert note.endswith("searched by KIND: the task's program has no such constant")
    shown = cli("task", "show")
    assert "space:" in shown.out
    assert "    low: 0.001\n    high: 0.1\n    log: true\n" in shown.out
    told = cli("task", "set", "space.LR.high=0.2")
    assert "space.LR.high  0.1 → 0.2" in told.out
    after = cli("task", "show", "--json").json
    assert after["digest"] == before
    assert after["space"]["LR"]["high"] == 0.2


def test_only_names_that_the_program_lacks_are_noted(cli: Cli, join: Callable[[str], Path]) -> None:
    join("ada")
    known = "space={LR: {low: 0, high: 1}}"
    assert "note:" not in cli("task", "set", known).out
    assert cli("task", "set", "space.RAET={low: 0, high: 1}", "--json").json["unknown"] == ["RAET"]
    assert "note:" not in cli("task", "set", "timeout_seconds=30").out


def test_a_bad_space_is_one_clear_line(cli: Cli, join: Callable[[str], Path]) -> None:
    join("ada")
    for said, fault in (
        ("space={LR: {low: 2, high: 1}}", "space.LR: a dimension has low below high, or choices"),
        ("space={LR: {choices: [1]}}", "space.LR: a dimension has at least two choices"),
        ("space.LR.hgh=1", "a task has no field 'space.LR.hgh'"),
        ("space=[1]", "space: it is to be a mapping"),
    ):
        for verb in (("task", "set"), ("init", "other.git", "--set")):
            ran = cli(*verb, said)
            assert (ran.code, len(ran.err.splitlines())) == (2, 2), ran.err
            assert fault in ran.err
