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


def test_what_is_told_is_followed_by_what_tests_it(cli: Cli, nova: Path) -> None:
    def told(*argv: str) -> str:
        answer = cli(*argv)
        assert answer.code == 0
        short = answer.out.split()[1][-8:]
        return answer.err.replace(short, "ID")

    sets = told("hypothesis", "add", "a higher rate", "--because", "x", "--set", "LR=0.3")
    assert sets == "next: gitcollab run --hypothesis ID\n"
    words = told("hypothesis", "add", "a cosine", "--because", "x")
    assert words == "next: edit train.py to try it, then: gitcollab run --hypothesis ID\n"
    lesson = told("insight", "add", "a higher rate helps")
    assert lesson == "next: to put it to the test: gitcollab run --cites ID ...\n"


def test_there_are_none_like_that(cli: Cli, nova: Path) -> None:
    assert cli("insight", "list").out == "no insights\n"
    cli("insight", "add", "a higher rate helps")
    none = cli("insight", "list", "--standing", "supported")
    assert (none.out, none.err) == (
        "none that is supported\n",
        "next: gitcollab insight list shows all\n",
    )
    assert cli("insight", "list", "--text", "zz").out == "no insights like that\n"


def test_what_came_of_a_change_before_is_said(cli: Cli, nova: Path) -> None:
    tried = cli("run", "--set", "PAUSE=0.01", "--sandbox", "off", "--json").json["result"]["id"]
    assert cli("run", "--set", "LR=0.3", "--sandbox", "off", "--json").json["kept"]
    again = cli("hypothesis", "add", "no pause", "--because", "x", "--set", "PAUSE=0.01")
    said = f"note: this change was run on another base before: {tried} ("
    assert said in again.out.replace("\n      ", " ")
    shown = cli("hypothesis", "show", again.out.split()[1])
    assert "before: these made the same change, and do not name it\n" in shown.out
    assert tried[-8:] in shown.out.partition("before: these")[2]
    as_json = cli("hypothesis", "show", again.out.split()[1], "--json").json
    assert [one["id"] for one in as_json["before"]] == [tried]
    assert said in cli("claim", "PAUSE = 0.01").out.replace("\n      ", " ")
