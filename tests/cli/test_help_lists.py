"""What help says of verbs and tables is whole, and so is what agents are told not to type."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from cli_toys import Ran, make_entry

from gitcollab.cli import main, render
from gitcollab.swarm.reports import AgentEntry

Cli = Callable[..., Ran]
PROTOCOL = Path(__file__).parents[2] / "collab.md"


def verbs(at: Any = None, path: str = "") -> Iterator[tuple[str, str]]:
    """All verbs with what their help says; groups of verbs, too."""
    for name, command in (at or typer.main.get_command(main.app)).commands.items():
        yield f"{path} {name}".strip(), " ".join((command.help or "").split())
        if hasattr(command, "commands"):
            yield from verbs(command, f"{path} {name}")


@pytest.mark.parametrize(
    "group",
    ["", "hooks", "service", "task", "task maintainer", "agent", "data", "hypothesis", "insight"],
)
def test_lists_of_verbs_have_whole_sentences(cli: Cli, group: str) -> None:
    told = cli(*group.split(), "--help").out
    listed = told.partition("Options:")[2].partition("Example:")[0]
    assert "..." not in listed.replace("[ARGS]...", "")
    assert max(map(len, told.splitlines())) <= 80


def test_agents_are_told_every_verb_of_maintainers() -> None:
    text = " ".join(PROTOCOL.read_text().split())
    (said,) = re.findall(r"use the verbs of maintainers(.*?)\. They are for people", text)
    named = re.findall("`([^`]+)`", said)
    theirs = {path for path, told in verbs() if "For maintainers" in told}
    assert len(theirs) > 5
    for path in (*theirs, "import", "verify --repair"):
        *group, last = path.split(" ")
        assert path in named or last in named or " ".join(group) in named, path


def test_the_leaderboards_help_names_what_its_tables_have(
    cli: Cli, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = cli("leaderboard", "--help").out
    monkeypatch.setenv("COLUMNS", "80")
    capsys.readouterr()
    entry = make_entry()
    render.ranking([entry], "val_bpb")
    render.ranking([AgentEntry(1, "nova", 120, 12, 3, 40, 5, entry)], "val_bpb")
    shown = capsys.readouterr().out
    explained = re.findall('"([^"]+)"', told)
    assert len(explained) == 4
    assert all(title in shown for title in explained), (explained, shown)
