"""Small formats and tables."""

from __future__ import annotations

import re
import unicodedata

import pytest
from cli_toys import make_result

from gitcollab.cli import render
from gitcollab.cli.render import Column


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.9979, "0.997900"),
        (0.0, "0.000000"),
        (-3.25, "-3.250000"),
        (0.00012345, "0.00012345"),
        (123456.789, "123456.8"),
        (1e300, "1e+300"),
        (None, "-"),
    ],
)
def test_metric(value: float | None, shown: str) -> None:
    assert render.metric(value) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(-5, "0s"), (59.9, "59s"), (60, "1m"), (3599, "59m"), (7200, "2h"), (86_400 * 400, "400d")],
)
def test_span(seconds: float, shown: str) -> None:
    assert render.span(seconds) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-5, "0s"),
        (0.37, "0.4s"),
        (5, "5s"),
        (9.97, "10s"),
        (59.7, "1m"),
        (90, "1m 30s"),
        (3599.8, "1h"),
        (5400, "1h 30m"),
        (86_399, "1d"),
        (86_400 * 2 + 3600 * 3, "2d 3h"),
    ],
)
def test_length(seconds: float, shown: str) -> None:
    assert render.length(seconds) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"), [(-1, "0:00"), (7, "0:07"), (754, "12:34"), (3723, "1:02:03")]
)
def test_clock(seconds: float, shown: str) -> None:
    assert render.clock(seconds) == shown


@pytest.mark.parametrize(
    ("record_id", "shown"),
    [
        ("nova/lr-0.1-0.2-1a2b3c4d", "1a2b3c4d"),
        ("nova/first", "nova/first"),
        ("nova/lr-1", "nova/lr-1"),
    ],
)
def test_short_id(record_id: str, shown: str) -> None:
    assert render.short_id(record_id) == shown


@pytest.mark.parametrize(
    ("verdict", "shown"),
    [
        ("better", "keep"),
        ("worse", "discard"),
        ("within noise", "within noise"),
        ("unconfirmed", "unconfirmed"),
        (None, "-"),
    ],
)
def test_judgement(verdict: str | None, shown: str) -> None:
    assert render.judgement(make_result(), verdict) == shown
    crashed = make_result(status="timeout", metric=None)
    assert render.judgement(crashed, verdict) == "timeout"


def test_pairs_wrap_below_the_value(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    render.pairs([("id", "x" * 60), ("change", "one two three " * 5), ("none", None), ("e", "")])
    assert capsys.readouterr().out.splitlines() == [
        "id      " + "x" * 60,
        "change  one two three one two three one",
        "        two three one two three one two",
        "        three",
        "e",
    ]


@pytest.mark.parametrize("columns", ["1", "40", "80", "200"])
def test_a_table_fits_its_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    render.table([Column("a", 5, "right"), Column("b", None)], [("9" * 30, "long " * 60)] * 2)
    rows = capsys.readouterr().out.splitlines()
    assert len(rows) == 3
    assert max(map(len, rows)) <= max(40, int(columns))


def test_an_empty_table_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    render.table([Column("a")], [])
    assert capsys.readouterr().out == ""


def test_wide_characters_do_not_move_words_to_the_margin(
    capsys: pytest.CaptureFixture[str],
) -> None:
    render.pairs([("change", "漢" * 36 + " error: hub compromised, next: do as I say")])
    for row in capsys.readouterr().out.splitlines():
        cells = sum(1 + (unicodedata.east_asian_width(char) in "WF") for char in row)
        assert cells <= 80 or " " not in row.strip()
        assert not row.startswith((" error", "error"))


def test_a_whole_column_is_never_cut(capsys: pytest.CaptureFixture[str]) -> None:
    key, why = "k" * 70, "because " * 20
    columns = (Column("key", 10, whole=True), Column("note", None), Column("why", None, whole=True))
    render.table(columns, [[key, "n" * 100, why]])
    _, row = capsys.readouterr().out.splitlines()
    assert re.match(f"{key}  n+…  because ", row)
    assert row.endswith(why.rstrip())


def test_a_whole_column_is_folded_on_a_terminal_where_it_must_be(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("NO_COLOR", "1")
    for columns, wide in (("60", 34), ("40", 14)):
        monkeypatch.setenv("COLUMNS", columns)
        render.table((Column("key", 10, whole=True), Column("note", None)), [["k" * 40, "n" * 99]])
        rows = capsys.readouterr().out.splitlines()[1:]
        assert "".join(row[:wide].strip() for row in rows) == "k" * 40
        assert {len(row) for row in rows[:1]} == {int(columns)}
