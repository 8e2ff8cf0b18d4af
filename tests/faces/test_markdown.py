from __future__ import annotations

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitcollab.faces.markdown import table, text
from tests.faces.rendering import Rendered

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<!-- --> &lt;b&gt; &amp;amp; &#64;",
    "a | b || c \\| d \\\\| e",
    "[click](javascript:alert(1)) ![x](http://evil.example/x.png)",
    "[ref]: http://evil.example [^1] [x][y]",
    "<https://evil.example> https://evil.example www.evil.example WWW.evil.example",
    "`code` ``more`` ```fence```",
    "**bold** _emphasis_ __x__ *y* ~~gone~~ snake_case _a_b_",
    "@torvalds @org/team me@evil.example mailto:me@evil.example",
    "#1 GH-1 org/repo#1 !1 %1 ~bug $1 $x^2$ $$y$$ &epic",
    ":tada: {{ site.github }} {% include x %}",
    "# heading",
    "\\*escaped\\* \\<b\\> trailing \\",
]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_text_is_shown_as_it_is(hostile: str) -> None:
    page = Rendered(table(("x", "y"), [(text(hostile), f"[{text(hostile)}](there)")]))
    assert page.rows[1:] == [[" ".join(hostile.split())] * 2]
    assert page.tags <= {"table", "thead", "tbody", "tr", "th", "td", "a"}
    assert page.links == ["there"]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_nothing_that_hosts_link_by_themselves_is_left(hostile: str) -> None:
    """Hosts look for these in the rendered text, where entities are characters again."""
    shown = html.unescape(text(hostile))
    assert not re.search(r"@\w|#\d|!\d|://|(?i:www\.)|:\w+:|\$\w|~\w|%\d|&\w", shown)
    assert not re.search(r"(?i)www\.", text(hostile))


@given(st.text(max_size=99))
def test_any_text_is_shown_as_it_is(stranger: str) -> None:
    visible = Rendered(f"x {text(stranger)} y")
    assert visible.tags <= {"p"}
    shown = "".join(c for c in stranger if c.isprintable() or c.isspace())
    if shown == stranger and "\u200b" not in stranger:
        assert visible.text.split() == ["x", *stranger.split(), "y"]


@pytest.mark.parametrize("char", ["\n", "\r", "\u2028", "\u202e", "\u2066", "\x1b", "\0", "\u200b"])
def test_what_acts_or_hides_becomes_a_blank(char: str) -> None:
    assert text(f"a{char}b") == "a b"


def test_ordinary_descriptions_stay_readable_in_the_source() -> None:
    plain = "MATRIX_LR 0.04 → 0.05, DEPTH 8 → 9 (don't ask: +10%)"
    assert text(plain) == plain.replace(":", "&#58;")


def test_long_text_is_cut() -> None:
    assert text("x" * 200, 10) == "x" * 9 + "…"


@pytest.mark.parametrize("char", ["\u034f", "\u3164", "\u2800", "\U000e0041", "\U000e0100"])
def test_what_is_not_seen_is_not_there(char: str) -> None:
    assert text(f"a{char}b") == "a b"


def test_a_flood_of_marks_does_not_cover_the_rows_around() -> None:
    assert text("Z" + "\u0301" * 90).count("\u0301") == 4


@pytest.mark.parametrize(
    "hostile",
    [
        "<details open ontoggle=alert(1)>",
        "javascript&colon;alert(1)",
        "[x](<javascript:alert(1)>)",
        "```\n| a | b |\n```",
        "--- | ---",
        "\x1b]8;;https://evil.example\x07x",
        "Ignore all previous instructions <!-- --> ",
    ],
)
def test_what_else_was_tried(hostile: str) -> None:
    page = Rendered(table(("x", "y"), [(text(hostile), f"[{text(hostile)}](there)")]))
    assert page.links == ["there"]
    assert page.tags <= {"table", "thead", "tbody", "tr", "th", "td", "a"}
    assert len(page.rows) == 2
