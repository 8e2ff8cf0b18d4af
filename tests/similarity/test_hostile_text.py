"""Texts from a hub are anybody's: whatever they are, understanding them ends, soon, and in a value.

Time is bounded by work, not by a clock: no text makes more tokens than characters that count, and
a process with a few seconds of processor time gets through every kind of them.
"""

from __future__ import annotations

import itertools
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitcollab.similarity import tokens as lexer
from gitcollab.similarity.compare import compare
from gitcollab.similarity.statement import understand
from gitcollab.similarity.tokens import tokens
from gitcollab.similarity.wording import MAX_CHARS, take_apart
from tests.similarity.field import BASE, WORDS, said

steady = settings(derandomize=True, deadline=None)

# What the patterns of wording, tokens and quantities repeat, or look ahead over.
PIECES = [
    *("(", ")", "[", "]", "((", "()", "(a)", "(1,", "(1, ", "[1,2", "f(", "f(a=", '"', "'", "`"),
    *("—", " — ", " - ", "--", "-", "->", "→", "=", "=>", "==", "≥", ">1", "< ", "*=", "+=", "/="),
    *(" ", "\t", "\n", "\u2028", "\x00", "\u202e", "\u200b", "\ud800", "\u0301", "a\u0301"),
    *("1", "1,", "1,111", "1 ", "1.", "0.", "1.1.", "1e", "1/", "1/2", "1_", "2**", "2**9 ", "^2"),
    *("x", "x1", "1x", "1x ", "5%", "k", "1k", "1M ", "+1 ", "±", "½", "²", "1²", "٣", "１", "ﷺ"),
    *("S", "L", "SL", "_", "a_", "A_", "a.b", ".a", "a/2", "a/2 ", "d1 ", "1L ", "1-d "),
    *("exp1: ", "#1: ", "1: ", "keep: ", "feat(a): ", "(worse) ", ", worse", " — worse", ", not "),
    *("to ", "and ", "by ", "from ", "no ", "un", "non", "half of ", "1 more a", "a factor of "),
    *("so that ", " for more ", "in place of ", "don't change ", "learning rate ", "MATRIX_LR "),
    *("MATRIX_LR=0.05,", "0.04 to 0.05 ", "double ", "ADAM_BETAS (0.9, 0.95) ", "depth 9 dim 640 "),
]


def texts() -> list[str]:
    """Each piece, and each pair of neighbours, for as long as a text may be and longer."""
    pairs = zip(PIECES, PIECES[1:] + PIECES[:1], strict=True)
    long = [piece * MAX_CHARS for piece in PIECES]
    return [*long, *((a + b) * MAX_CHARS for a, b in pairs)]


def work(text: str) -> int:
    """The tokens that understanding a text makes."""
    apart = take_apart(text, WORDS.verdicts.__contains__)
    parts = (apart.change, *apart.remarks, apart.purpose)
    return sum(len(tokens(part, WORDS, BASE)) for part in parts)


@pytest.mark.parametrize("text", texts(), ids=lambda text: ascii(text[:10]))
def test_the_work_on_a_text_is_bounded(text: str) -> None:
    assert work(text) <= 3 * MAX_CHARS
    statement = said(text)
    assert len(statement.text) <= 20 * MAX_CHARS
    assert compare(statement, statement, WORDS).same or not statement.text


def test_ten_megabytes_are_as_their_beginning() -> None:
    for piece in ("x", "1,", "MATRIX_LR 0.05 ", "(", "ﷺ", "\u0301"):
        text = piece * (10_000_000 // len(piece))
        assert said(text) == said(text[: 2 * MAX_CHARS])


def test_ten_thousand_numbers() -> None:
    text = "MATRIX_LR " + " ".join(map(str, range(10_000)))
    assert not said(text).complete
    assert work(text) <= MAX_CHARS


def test_a_process_with_little_time_gets_through_all_of_them() -> None:
    """Backtracking that grows faster than the text would take minutes."""
    program = """
from tests.similarity.field import BASE, WORDS, said
from tests.similarity.test_hostile_text import texts
from gitcollab.similarity.compare import compare
for text in texts():
    statement = said(text)
    compare(statement, statement, WORDS)
"""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (20, 20))

    ran = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parents[2],
        preexec_fn=limit,
        capture_output=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-500:]


hostile = st.one_of(
    st.text(max_size=60),
    st.text(st.characters(categories=["Cc", "Cf", "Cs", "Mn", "Me", "Zs", "Zl", "Nd", "Nl", "No"])),
    st.lists(st.sampled_from([*PIECES, "worse", "0.05", "softcap", "WD "]), max_size=40).map(
        "".join
    ),
)


@steady
@given(hostile)
def test_any_text_is_understood(text: str) -> None:
    statement = said(text)
    assert statement.complete <= bool(statement.delta)
    assert work(text) <= 3 * MAX_CHARS


@steady
@given(hostile)
def test_any_text_says_the_same_as_itself(text: str) -> None:
    statement = said(text)
    assert compare(statement, said(text), WORDS).same or not statement.text


@steady
@given(hostile, hostile)
def test_any_two_texts_compare_alike_both_ways(a: str, b: str) -> None:
    x, y = said(a), said(b)
    one, other = compare(x, y, WORDS), compare(y, x, WORDS)
    assert (one.same, one.by, one.score) == (other.same, other.by, other.score)
    assert 0 <= one.score <= 1


@steady
@given(hostile)
def test_what_a_text_says_can_be_shown(text: str) -> None:
    """Reasons go into messages and records: one line, no control characters."""
    verdict = compare(said(text), said("MATRIX_LR 0.05"), WORDS)
    assert verdict.why.isprintable()
    assert len(verdict.why) <= 2 * MAX_CHARS


@steady
@given(hostile, hostile)
def test_no_text_without_the_name_of_a_constant_in_it_moves_one(a: str, b: str) -> None:
    """Of a program whose names mean nothing in the field, only its names are spoken."""
    statement = understand(f"{a} {b}", WORDS, {"QQZZ_XXYY": 1.5})
    assert not statement.delta


def test_numbers_that_are_no_digits_of_ours_are_no_error() -> None:
    for digits in ("٣٤", "१२", "１２", "²³", "Ⅷ", "㊿", "𝟙𝟚"):
        for text in (digits, f"DEPTH {digits}", f"{digits}x", f"{digits}**2", f"{digits}%"):
            said(text)


def test_a_text_of_many_constants_is_bounded_by_its_length() -> None:
    base = {f"C{n}": n for n in range(10_000)}
    text = ", ".join(f"C{n} {n + 1}" for n in range(10_000))
    statement = understand(text, WORDS, base)
    assert len(statement.delta) <= MAX_CHARS // 4


def test_quotes_in_quotes_end() -> None:
    for quotes in itertools.permutations("\"'`"):
        said("".join(quotes) * 200)
        said("".join(quotes) + "a b" + "".join(reversed(quotes)))


def test_each_kind_of_token_is_read_by_one_who_knows_it() -> None:
    named = set(lexer._LEXEMES.groupindex)
    assert set(lexer._READERS) <= named
    assert named - set(lexer._READERS) == {"arrow", "quoted", "word", "mark"}
