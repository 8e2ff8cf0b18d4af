"""Tables fit: what gives way where room is scarce, and what never does."""

from __future__ import annotations

import re
import subprocess
import sys
import unicodedata
from datetime import timedelta
from itertools import product

import pytest
from cli_toys import HOSTILE, NOW, make_claim, make_entry, make_result
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from gitcollab.cli import render, table
from gitcollab.cli.table import Column, cut, folded, laid_out, plain
from gitcollab.records.quoting import line
from gitcollab.swarm.reports import AgentEntry

WORDS = [
    "LR 0.1 → 0.2",
    "漢字の説明 " * 9,
    "🚀 SwiGLU ⚗️ 👩‍🔬 " * 6,
    HOSTILE * 3,
    "x" * 500,
    "a b " * 99,
]
NAMES = ["nova", "a-very-long-agent-name-of-39-characters"]
NUMBERS = [0.969686, 1e300, -1.23456789e-12, 123456.789]
SLUG = "swiglu-in-the-mlp-instead-of-relu-squared-with-b-1a2b3c4d5e"


@pytest.fixture(autouse=True)
def frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "now", lambda: NOW)
    monkeypatch.setenv("COLUMNS", "80")


def shown(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


def change_at(rows: list[str]) -> int:
    return rows[0].index("change")


@pytest.mark.parametrize(("words", "agent", "number"), list(product(WORDS, NAMES, NUMBERS)))
def test_rankings_and_results_fit_80_cells(
    capsys: pytest.CaptureFixture[str], words: str, agent: str, number: float
) -> None:
    entry = make_entry(
        rank=12345,
        description=words,
        agent=agent,
        metric=number,
        pessimistic=number * 1.01,
        id=f"{agent}/x-1a2b3c4d5e",
    )
    render.ranking([entry], "a_metric_with_a_long_name")
    programs = shown(capsys)
    render.ranking([AgentEntry(999, agent, 100_000, 9999, 999, 9999, 9999, entry)], "val_bpb")
    agents = shown(capsys)
    described = words if words.isprintable() and len(words) < 400 else "x" * 400
    result = make_result(agent=agent, metric=number, id=entry.id, description=described)
    render.results([(result, "within noise")], {}, "val_bpb", NOW + timedelta(days=400))
    results = shown(capsys)
    for rows in (programs, agents, results):
        assert len(rows) == 2
        assert max(map(cell_len, rows)) <= 80
        for row in rows:
            assert {unicodedata.category(char) for char in row} & {"Cc", "Cs", "Zl"} == set()
    for rows in (programs, results):
        assert len(words) < 20 or 80 - change_at(rows) >= 20
        assert "1a2b3c4d5e" in rows[1]
    assert cut(agent, 20)[:8] in agents[1]


@pytest.mark.parametrize("columns", [40, 50, 60, 70])
def test_narrow_terminals(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    entry = make_entry(rank=12345, agent=NAMES[1], description="x" * 500, metric=-123.4567)
    result = make_result(agent=NAMES[1], description="x" * 400, id=f"{NAMES[1]}/x-1a2b3c4d5e")
    for terminal in (False, True):
        monkeypatch.setattr("sys.stdout.isatty", lambda known=terminal: known)
        monkeypatch.setenv("NO_COLOR", "1")
        render.ranking([entry], "val_bpb")
        render.ranking([AgentEntry(999, NAMES[1], 10_000, 999, 99, 99, 99, entry)], "val_bpb")
        render.results([(result, "within noise")], {}, "val_bpb", NOW + timedelta(days=400))
        rows = shown(capsys)
        assert len(rows) == 6 or columns == 40
        assert max(map(cell_len, rows)) <= columns
        assert "-123.456700" in rows[1]


@pytest.mark.parametrize("agent", NAMES)
@pytest.mark.parametrize("words", WORDS[:3])
@pytest.mark.parametrize("columns", [64, 80, 120, 200])
def test_the_id_of_a_claim_is_whole_at_any_width(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: str,
    agent: str,
    columns: int,
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    claims = [make_claim(id=SLUG, description=words.strip(), agent=agent), make_claim()]
    for terminal in (False, True):
        monkeypatch.setattr("sys.stdout.isatty", lambda known=terminal: known)
        monkeypatch.setenv("NO_COLOR", "1")
        render.claims(claims)
        rows = shown(capsys)
        assert max(map(cell_len, rows)) <= columns
        assert any(SLUG in row for row in rows)
        assert any(claims[1].id in row for row in rows)


def test_what_gives_way_first() -> None:
    columns = (
        Column("a long title", 12, short="title"),
        Column("told by others", 14, drop=1),
        Column("name", 30, least=8),
        Column("id", 20, whole=True, under=True),
        Column("change", None),
    )
    row = ("1", "2", "n" * 20, "i" * 12, "c" * 60)

    def heads(room: int) -> list[str]:
        found = laid_out(columns, [row], room, folding=False, paint=plain)
        assert max(map(len, found)) <= room
        return found

    assert heads(150)[1].endswith("c" * 60)
    assert heads(90)[0].split("  ")[0] == "a long title"
    assert heads(86)[0].startswith("title  told by others")
    assert [part.strip() for part in heads(71)[1::2]] == ["id", "i" * 12]
    assert "told by others" not in heads(55)[0]
    assert "n" * 20 in heads(53)[2]
    assert "n" * 20 not in heads(50)[2]
    assert "c" * 23 + "…" in heads(41)[2]


def test_numbers_are_never_cut_and_what_has_no_room_goes_below() -> None:
    columns = (
        Column("name", 26, least=12),
        Column("many", 5, "right"),
        Column("words", None),
        Column("a long title", 6, "right"),
        Column("few", 5, "right"),
    )
    rows = [("TOTAL_BATCH_SIZE", "1234567", "w" * 50, "-0.123456", "1"), ("B", "2", "x", "", "3")]

    def drawn(room: int) -> list[str]:
        found = laid_out(columns, rows, room, folding=False, paint=plain)
        assert max(map(len, found)) <= room
        assert "1234567" in found[1]
        assert any("-0.123456" in one for one in found)
        return found

    assert [len(drawn(room)) for room in (120, 60, 48)] == [3, 3, 3]
    assert drawn(34) == [
        "name               many  a long t…",
        "TOTAL_BATCH_S…  1234567  -0.123456",
        "    words wwwwwwwwwwwwwwwwwwwwww…;",
        "    few 1",
        "B                     2",
        "    words x; few 3",
    ]
    assert drawn(24)[1:5] == [
        "TOTAL_BATCH_SI…  1234567",
        "    words wwwwwwwwwwww…;",
        "    a long title",
        "    -0.123456; few 1",
    ]


@given(st.text(max_size=60), st.integers(2, 30))
def test_what_is_cut_fits_and_says_so(text: str, room: int) -> None:
    shown = cut(line(text), room)
    assert cell_len(shown) <= room
    assert shown == line(text) or shown.endswith("…")


@given(st.text(alphabet="ab 漢", max_size=60).map(line), st.integers(2, 30))
def test_what_is_folded_loses_nothing_but_blanks(text: str, room: int) -> None:
    parts = folded(text, room)
    assert all(cell_len(part) <= room for part in parts)
    assert "".join(parts).replace(" ", "") == text.replace(" ", "")


def test_colours_are_for_terminals_that_want_them(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [("keep",), ("keep ⇄",), ("keep on",), ("other",)]
    plain = ["verdict", "keep", "keep ⇄", "keep on", "other"]
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    table.table([Column("verdict")], rows)
    assert shown(capsys) == plain
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    table.table([Column("verdict")], rows)
    kept = ["\x1b[32mkeep   \x1b[0m", "\x1b[32mkeep ⇄ \x1b[0m", "keep on"]
    assert shown(capsys) == ["\x1b[1mverdict\x1b[0m", *kept, "other"]
    for name, value in (("NO_COLOR", "1"), ("TERM", "dumb")):
        with monkeypatch.context() as less:
            less.setenv(name, value)
            table.table([Column("verdict")], rows)
        assert shown(capsys) == plain


def test_a_terminal_without_our_signs_gets_others() -> None:
    code = (
        "from cli_toys import make_entry\n"
        "from gitcollab.cli import render\n"
        "render.ranking([make_entry(description='x' * 99)], 'score')\n"
        "import sys; print('rich' in sys.modules)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONIOENCODING": "ascii", "PYTHONPATH": ":".join(filter(None, sys.path))},
        capture_output=True,
        check=True,
    )
    told = ran.stdout.decode("ascii")
    assert re.search(r" 2 \*  .*x~\nFalse\n$", told)
    assert " +-  " in told
