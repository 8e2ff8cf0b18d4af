"""What is said of hypotheses, insights and ids that cannot be used, and what to do next."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from cli_toys import Ran

Cli = Callable[..., Ran]


@pytest.fixture
def nova(cli: Cli, join: Callable[[str], Path]) -> Path:
    folder = join("nova")
    assert cli("run", "--sandbox", "off", cwd=folder).code == 0
    return folder


def test_what_cannot_be_used_is_said_in_plain_words(cli: Cli, nova: Path) -> None:
    empty = cli("insight", "add", "")
    assert (empty.code, "error: the text cannot be used: it is empty\n" in empty.err) == (2, True)
    run = cli("run", "")
    assert (run.code, "the description cannot be used: it is empty\n" in run.err) == (2, True)


def test_of_several_that_are_meant_more_of_the_id_is_asked_for(cli: Cli, nova: Path) -> None:
    for n in "12":
        cli("insight", "add", f"lesson {n}")
        cli("hypothesis", "add", f"idea {n}", "--because", "y")
        cli("run", "--sandbox", "off")
    for argv in (
        ("insight", "show", "lesson"),
        ("hypothesis", "show", "idea"),
        ("insight", "withdraw", "lesson"),
        ("insight", "add", "x", "--evidence", "lesson"),
        ("show", "baseline"),
    ):
        several = cli(*argv)
        assert (several.code, "next: give more of the id, such as nova/" in several.err) == (
            2,
            True,
        )
