"""Strangers' text cannot act, hide or reorder."""

from __future__ import annotations

import unicodedata

from cli_toys import HOSTILE
from hypothesis import given
from hypothesis import strategies as st

from gitcollab.cli.text import line, lines, without_credentials


def test_control_and_invisible_characters_are_written_out() -> None:
    shown = line(HOSTILE)
    assert "\\x1b[31mred\\x1b[0m" in shown
    assert "\\u202egpj.exe\\u200b\\x07" in shown
    assert "[bold]big[/bold] :bomb:" in shown


def test_ordinary_text_is_left_as_it_is() -> None:
    text = "MATRIX_LR 0.04 → 0.05, ReLU² für große Schichten, 学習率 👩‍🔬"
    assert line(text) == text


def test_a_line_stays_one_line() -> None:
    assert line("a\r\nb\tc\u2028d  e") == "a b c d e"


@given(st.text())
def test_nothing_that_acts_is_left(text: str) -> None:
    for shown in (line(text), lines(text).replace("\n", "")):
        categories = {unicodedata.category(c) for c in shown.replace("\u200d", "")}
        assert not categories & {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


def test_many_lines_keep_their_lines() -> None:
    assert lines("a\n\tb\r\n\x1b[2J") == "a\n    b\\r\n\\x1b[2J"


def test_credentials_in_addresses_are_hidden() -> None:
    told = "cannot reach https://nova:s3cret@hub.example/x.git and ssh://git@hub.example/y"
    assert without_credentials(told) == (
        "cannot reach https://***@hub.example/x.git and ssh://git@hub.example/y"
    )
    assert without_credentials("git@hub.example:x.git") == "git@hub.example:x.git"
    assert without_credentials("http://nova:p@ss@hub/x.git") == "http://***@hub/x.git"
