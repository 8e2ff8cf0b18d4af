"""Help, usage, and what starting up costs in imports."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest
import typer
from cli_toys import Ran, process

from gitcollab.cli.app import app

Cli = Callable[..., Ran]

VERBS = [
    *["init", "join", "setup", "prime", "sync", "run", "publish", "claim", "release", "renew"],
    *["status", "best", "leaderboard", "results", "watch", "show", "diff", "similar", "views"],
    *["next", "dashboard", "coverage", "lineage", "frontier", "analyze", "ask", "mcp"],
    *["hypothesis add", "hypothesis list", "hypothesis show", "hypothesis withdraw"],
    *["insight add", "insight list", "insight show", "insight withdraw"],
    *["data prepare", "outbox", "outbox retry", "outbox drop", "doctor"],
    *["invite", "admit", "agent list", "agent show", "agent suspend", "agent restore"],
    *["agent rotate", "task show", "task set", "task put", "task maintainer add"],
    *["task maintainer remove", "task workflows", "verify", "sweep", "hooks install", "hooks tend"],
    *["import", "pause", "resume", "service install", "service uninstall", "service status"],
]
HEAVY = {"torch", "sentence_transformers", "numpy", "rich", "pyarrow", "transformers"}


def test_every_verb_is_listed_here() -> None:
    group = typer.main.get_command(app)
    assert set(group.commands) == {verb.split()[0] for verb in VERBS}  # type: ignore[attr-defined]


@pytest.mark.parametrize("verb", VERBS)
def test_help_says_what_it_does_and_gives_an_example(cli: Cli, verb: str) -> None:
    ran = cli(*verb.split(), "--help")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(f"Usage: gitcollab {verb} ")
    assert re.search(rf"Example:\n(    gitcollab .*\n)*    .*gitcollab {verb}", ran.out)
    assert "--json" in ran.out
    assert max(map(len, ran.out.splitlines())) <= 80


def test_the_overview_lists_each_verb_with_a_whole_sentence(cli: Cli) -> None:
    ran = cli("--help")
    assert ran.code == 0
    for verb in VERBS:
        (told,) = re.findall(rf"^  {verb.split()[0]}  +(.*)$", ran.out, re.M)
        assert told.endswith(".")
        assert not told.endswith("...")
    assert max(map(len, ran.out.splitlines())) <= 80


def test_nothing_typed_shows_the_help_and_is_a_misuse(cli: Cli) -> None:
    assert cli() == Ran(2, cli("--help").out, "")
    assert cli("data") == Ran(2, cli("data", "--help").out, "")


def test_version(cli: Cli) -> None:
    assert cli("--version") == Ran(0, f"gitcollab {version('gitcollab')}\n", "")


@pytest.mark.parametrize(
    ("argv", "says", "next_step"),
    [
        (["frobnicate"], "no such command 'frobnicate'", "gitcollab --help"),
        (["claims"], "did you mean 'claim'", "gitcollab --help"),
        (["show"], "missing argument 'ID'", "gitcollab show --help"),
        (["status", "--colour"], "no such option: --colour", "gitcollab status --help"),
        (["results", "--limit", "none"], "limit", "gitcollab results --help"),
        (["results", "--limit", "0"], "limit", "gitcollab results --help"),
        (["results", "--verdict", "great"], "keep", "gitcollab results --help"),
        (["status", "now"], "unexpected extra argument", "gitcollab status --help"),
        (["data", "drop"], "no such command 'drop'", "gitcollab data --help"),
        (["run", "--set", "LR"], "--set 'LR' is not NAME=VALUE", "--set MATRIX_LR=0.02"),
        (["run", "--set", "A=1", "--set", "A=2"], "gives A twice", "one value"),
        (["best", "--adopt", "--agent", "x"], "do not go together", "leave one"),
        (["show", "x", "--log", "--program"], "do not go together", "leave one"),
        (["show", "x", "--log", "--quote", "--raw"], "do not go together", "leave one"),
    ],
)
def test_misuse(cli: Cli, argv: list[str], says: str, next_step: str) -> None:
    ran = cli(*argv)
    assert (ran.code, ran.out) == (2, "")
    error, hint = ran.err.splitlines()
    assert says.lower() in error.lower()
    assert next_step in hint
    told = cli(*argv, "--json")
    assert told.code == told.json["exit"] == 2
    assert told.json["error"] in error


def test_a_verb_outside_a_workspace(tmp_path: Path) -> None:
    ran = process("status", cwd=tmp_path)
    assert (ran.code, ran.out) == (1, "")
    assert "is not a gitcollab workspace" in ran.err
    assert "gitcollab join" in ran.err


def imported(*argv: str, cwd: Path) -> set[str]:
    """The top-level packages that a command line imports."""
    ran = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "gitcollab", *argv],
        cwd=cwd,
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    names = re.findall(r"^import time:.*\|\s*(\S+)$", ran.stderr, re.M)
    return {name.partition(".")[0] for name in names}


def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    found = imported("--help", cwd=tmp_path)
    assert "typer" in found
    assert not found & (HEAVY | {"pydantic", "pygit2", "cryptography", "yaml"})


def test_status_imports_nothing_heavy(join: Callable[[str], Path]) -> None:
    found = imported("status", "--json", cwd=join("nova"))
    assert "pydantic" in found
    assert not found & HEAVY


def test_the_package_is_imported_at_no_cost() -> None:
    code = "import sys, gitcollab; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {name.partition(".")[0] for name in loaded} & (HEAVY | {"pydantic", "typer"})
    assert not [name for name in loaded if name.startswith("gitcollab.")]
