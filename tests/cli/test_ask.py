"""The verb ask: its tables, what it says was understood, its next steps, its JSON."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from cli_toys import Ran

from tests.swarm.knowing import everything


@pytest.fixture
def ask(
    cli: Callable[..., Ran], tmp_path: Path, toy_hub: Path, toy_task: Path
) -> Callable[..., Ran]:
    """Ask in a workspace of a hub that knows much."""
    everything(toy_hub, toy_task)
    work = tmp_path / "work"
    work.mkdir()
    assert cli("join", str(toy_hub), "--agent", "orion", cwd=work).code == 0
    return lambda *argv: cli("ask", *argv, cwd=work)


def test_values_answers_and_what_was_understood(ask: Callable[..., Ran]) -> None:
    ran = ask("what rates have been tried?", "--in", "results", "--words")
    assert (ran.code, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert lines[0].split() == [
        *("constant", "value", "tried", "alone", "keep", "disc.", "gain", "±", "best", "score"),
    ]
    assert [line.split()[:3] for line in lines[1:4]] == [
        ["RATE", "0.2", "1"],
        ["RATE", "0.5", "1"],
        ["RATE", "0.6", "1"],
    ]
    assert lines[5].split() == ["score", "verdict", "agent", "id", "change"]
    assert [line.split()[1] for line in lines[6:9]] == ["keep", "discard", "discard"]
    assert lines[-1] == "understood: RATE"
    assert all(len(line) <= 80 for line in lines)


def test_a_row_says_its_change_once_and_can_be_followed_in_few_columns(
    ask: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    lines = ask("RATE above 0.55", "--in", "results", "--words").out.splitlines()
    at = next(n for n, line in enumerate(lines) if "verdict" in line)
    assert lines[at].split() == ["score", "verdict", "agent", "id"]
    row = lines[at + 2 : at + 4]
    assert row[0].split()[-1] == "vega/both"
    assert row[1].strip() == "RATE → 0.6, WIDTH → 16"
    assert all(len(line) <= 40 for line in lines[: at + 4])


def test_several_kinds_stand_in_one_table(ask: Callable[..., Ran]) -> None:
    lines = ask("what do we know about the rate?", "--words").out.splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("kind"))
    rows = lines[start + 1 : lines.index("", start)]
    assert {row.split()[0] for row in rows} == {"result", "insight", "hypothesis", "claim"}
    assert all(len(line) <= 80 for line in lines)


def test_nothing_found_says_what_to_do(ask: Callable[..., Ran]) -> None:
    ran = ask("quantum annealers", "--words")
    assert ran.code == 0
    assert ran.out.startswith("nothing found\n\nnext: other words")
    narrow = ask("what failed with quantum annealers", "--words")
    assert "next: leave out words that no record has (words: quantum, annealer), or" in narrow.out
    bare = ask("what crashed since yesterday", "--words")
    assert "next: leave out what narrows the question (verdict: crash; since: " in bare.out
    assert "\nsee: gitcollab coverage RATE\n" in ask("values of RATE not yet tried").out
    assert "\nnot understood: since monday\n" in ask("since monday").out
    other = ask("RATE 0.7", "--in", "results")
    assert other.out.startswith("nobody has tried that; what has been tried:\nconstant")
    assert "nothing found" not in other.out


def test_where_nothing_is_asked_examples_are_told(ask: Callable[..., Ran]) -> None:
    ran = ask("?")
    assert ran.out.startswith("there is nothing in that to look for; ask as in:\ngitcollab ask ")
    assert "rate" not in ran.out.replace("learning rates", "")


def test_the_next_page_can_be_typed(ask: Callable[..., Ran]) -> None:
    first = ask("rate", "--limit", "2", "--words")
    typed = first.out.splitlines()[-1]
    assert typed == "gitcollab ask rate --limit=2 --page=2 --words"
    second = ask(*typed.split()[2:])
    assert second.code == 0
    assert "constant" not in second.out  # values are told once


def test_words_need_no_quotes(ask: Callable[..., Ran]) -> None:
    assert ask("RATE", "above", "0.55", "--in", "results", "--json").json["total"] == 1


def test_json(ask: Callable[..., Ran]) -> None:
    ran = ask("RATE above 0.55", "--in", "results", "--json")
    found = ran.json
    (hit,) = found["hits"]
    assert hit["id"] == "vega/both"
    assert hit["changes"][0] == {"name": "RATE", "before": "0.2", "after": "0.6"}
    assert (hit["verdict"], hit["by"], hit["waiting"]) == ("discard", ["constants"], False)
    (value,) = found["tried"]
    assert (value["constant"], value["value"], value["verdicts"]) == ("RATE", "0.6", {"discard": 1})
    assert (found["total"], found["next"], found["understood"]) == (1, None, ["RATE above 0.55"])
    assert {"text", "understood", "question"} <= set(ran.marked)
    assert {"id", "at", "agent", "kind", "by", "verdict"}.isdisjoint(ran.marked)


def test_what_cannot_be_asked(ask: Callable[..., Ran]) -> None:
    for argv, says in (
        (("rate", "--words", "--meaning"), "--words and --meaning do not go together"),
        ((" ",), "there is no question"),
        (("rate", "--in", "papers"), "papers"),
        (("rate", "--page", "x"), "no page token"),
        ((), "QUESTION"),
    ):
        ran = ask(*argv)
        assert (ran.code, ran.out) == (2, "")
        assert says in ran.err
