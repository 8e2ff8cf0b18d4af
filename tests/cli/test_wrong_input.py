"""Wrong input is exit code 2 everywhere, with a next step and no words of a library."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from cli_toys import Ran

Cli = Callable[..., Ran]
Join = Callable[[str], Path]

WRONG = [
    ["join", "nowhere.git", "--agent", "nova"],
    ["join", "plain", "--agent", "nova"],
    ["init", "plain"],
    ["init", "new.git", "--set", "nope=3"],
    ["init", "new.git", "--task", "nofile.yaml"],
    ["task", "set", "nope=3"],
    ["task", "set", "budget.seconds=never"],
    ["task", "set", "policy.admission=never"],
    ["task", "put", "nofile"],
    ["task", "put", "nofile", "train.py"],
    ["task", "maintainer", "add", "ada", "--file", "nofile"],
    ["publish", "nofile"],
    ["publish", "train.py", "--program", "nofile"],
    ["run", "--patch", "nofile"],
    ["run", "--patch", "plain/junk"],
    ["run", "--set", "NOPE=1"],
    ["best", "--tier", "nope"],
    ["best", "--tier", "nope", "--adopt"],
    ["results", "--tier", "nope"],
    ["results", "--agent", "nope"],
    ["results", "--agent", "nope", "--format", "tsv"],
    ["best", "--agent", "nope"],
    ["verify", "OLD..", "--repair"],
    ["verify", "--repair"],
    ["leaderboard", "--by", "nope"],
    ["show", "nope"],
    ["diff", "nope"],
    ["agent", "show", "nope"],
    ["admit", "nope"],
    ["task", "maintainer", "remove", "nope"],
    ["hypothesis", "add", "x"],
    ["hypothesis", "add", "", "--because", "y"],
    ["hypothesis", "add", "x", "--because", "y", "--set", "NOPE=1"],
    ["hypothesis", "add", "x", "--because", "y", "--set", "LR=[]"],
    ["hypothesis", "add", "x", "--because", "y", "--patch", "nofile"],
    ["hypothesis", "add", "x", "--because", "y", "--base", "nope"],
    ["hypothesis", "add", "x", "--because", "y", "--evidence", "nope"],
    ["hypothesis", "add", "x", "--because", "y", "--priority", "6"],
    ["hypothesis", "list", "--status", "nope"],
    ["hypothesis", "list", "--page", "nope"],
    ["hypothesis", "show", "nope"],
    ["hypothesis", "withdraw", "nope"],
    ["insight", "add", ""],
    ["insight", "add", "x", "--expects", "nope"],
    ["insight", "add", "x", "--evidence", "nope"],
    ["insight", "list", "--agent", "nope"],
    ["insight", "show", "nope"],
    ["insight", "withdraw", "nope"],
    ["run", "--hypothesis", "nope"],
    ["run", "--cites", "nope"],
    ["claim", "--hypothesis", "nope"],
    ["release", "nope"],
    ["renew", "nope"],
    ["outbox", "drop", "nope"],
    ["outbox", "retry", "nope"],
    ["data", "prepare", "nope"],
    ["data", "prepare", "text:nope"],
    ["run", "--count", "0"],
    ["run", "--seed", "x"],
    ["run", "--seed", "-5"],
    ["run", "--seed", "4294967296"],
    ["publish", "train.py", "--seed", "99999999999999999999999"],
]


@pytest.mark.parametrize("argv", WRONG, ids=[" ".join(argv) for argv in WRONG])
def test_wrong_input(cli: Cli, join: Join, argv: list[str]) -> None:
    nova = join("nova")
    (nova / "plain").mkdir()
    (nova / "plain" / "junk").write_text("junk\n")
    ran = cli(*argv, cwd=nova)
    assert ran.code == 2
    assert "\nnext: " in ran.err
    for word in ("Input should", "Extra inputs", "Value error", "Errno", "unable to parse"):
        assert word not in ran.err


def test_a_baseline_that_is_no_program(cli: Cli, task_file: Path) -> None:
    (task_file.parent / "train.py").write_text("LR = = 1\n")
    told = cli("init", "new.git", "--task", str(task_file), cwd=task_file.parent)
    assert (told.code, "syntax error in line 1" in told.err) == (2, True)
    assert not (task_file.parent / "new.git").exists()


def test_a_task_file_is_explained_where_it_is_wrong(cli: Cli, tmp_path: Path) -> None:
    for wrong in ("name: x\n", "name: [\n"):
        (tmp_path / "task.yaml").write_text(wrong)
        told = cli("init", "new.git", "--task", "task.yaml", cwd=tmp_path)
        assert (told.code, "\nnext: a task file has at least: name, " in told.err) == (2, True)


@pytest.mark.parametrize(
    ("argv", "message", "hint"),
    [
        (["init", "--set"], "option '--set' requires an argument", "gitcollab init --help"),
        (
            ["outbox", "retry", "--jsn"],
            "(Possible options: --json)",
            "gitcollab outbox retry --help",
        ),
        (["run", "--timeout", "3"], "no such option: --timeout\n", "gitcollab run --help"),
    ],
)
def test_options_that_are_wrong(cli: Cli, argv: list[str], message: str, hint: str) -> None:
    told = cli(*argv)
    assert (told.code, message in told.err) == (2, True), told.err
    assert told.err.endswith(f"next: {hint}\n")


def test_a_tier_that_is_empty_is_none_that_is_wrong(cli: Cli, join: Join) -> None:
    told = cli("best", "--tier", "xl", cwd=join("nova"))
    assert (told.code, told.out) == (0, "none yet for tier xl\n")


def test_a_repair_in_a_workspace_names_what_it_takes(cli: Cli, join: Join) -> None:
    told = cli("verify", "OLD..", "--repair", cwd=join("nova"))
    assert "--git-dir CLONE" in told.err


def test_a_hub_that_is_away_is_said_to_be_so_once(cli: Cli, tmp_path: Path) -> None:
    told = cli("init", "http://127.0.0.1:1/x.git", cwd=tmp_path)
    assert told.code == 5
    assert told.err.count("reach") == 1
