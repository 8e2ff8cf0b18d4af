"""Differences as markup: lines by what they are, nothing of a text that acts, bounded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitcollab.faces.dashboard.differing import MOST_BYTES, differing
from tests.faces.auditing import Parsed
from tests.faces.dashboards import HOSTILE

BASE = "".join(f"line {n}\n" for n in range(9))


def test_lines_by_what_they_are() -> None:
    shown = differing(BASE, BASE.replace("line 4", "other & more"), "train.py")
    assert shown is not None
    assert (shown.added, shown.removed, shown.left_out) == (1, 1, 0)
    assert '<span class="gd">-line 4</span>' in shown.markup
    assert '<span class="gi">+other &amp; more</span>' in shown.markup
    assert '<span class="gu">@@ -2,7 +2,7 @@ line 0</span>' in shown.markup
    assert "train.py" not in shown.markup
    assert 'class="err"' not in shown.markup


def test_equal_programs_have_none() -> None:
    assert differing(BASE, BASE, "train.py") is None


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_acts(text: str) -> None:
    shown = differing(BASE, f"{text}\n{BASE}{text}\x1b[2J\x00\r\u2028--- x\n+++ y\n", "train.py")
    assert shown is not None
    page = Parsed(shown.markup)
    assert page.wrong == []
    assert {tag for tag, _ in page.elements} == {"span"}
    assert {name for _, attrs in page.elements for name in attrs} == {"class"}
    assert not set(page.text) & set("\x1b\x00\r\u2028\u202e\u200b")


@given(st.text(), st.text())
def test_any_two_texts(old: str, new: str) -> None:
    old, new = (text.encode(errors="replace").decode() for text in (old, new))
    shown = differing(old, new, "train.py")
    if shown is not None:
        page = Parsed(shown.markup)
        assert page.wrong == []
        assert {tag for tag, _ in page.elements} <= {"span"}


@pytest.mark.parametrize("line", ["<>&'\"" * 60, "x", "\x01" * 250])
def test_bounded(line: str) -> None:
    shown = differing("", f"{line}\n" * 3_000, "train.py")
    assert shown is not None
    assert shown.added == 3_000
    assert shown.left_out > 2_000
    assert len(shown.markup.encode()) <= MOST_BYTES
    assert len(shown.markup.split("\n")) + shown.left_out == shown.lines
