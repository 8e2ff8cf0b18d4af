from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitcollab.similarity.constants import (
    InvalidValue,
    ProgramSyntaxError,
    ProgramTooComplex,
    UnknownConstant,
    constants,
    edit,
)
from gitcollab.similarity.literal import Value, same, spell
from tests.similarity.programs import PROGRAM, STEADY, sources, values


def test_constants_are_read_in_the_order_of_the_text() -> None:
    assert {name: constant.value for name, constant in constants(PROGRAM).items()} == {
        "DEPTH": 8,
        "MATRIX_LR": 0.04,
        "TOTAL_BATCH_SIZE": 262144,
        "ADAM_BETAS": (0.8, 0.95),
        "WINDOW_PATTERN": "SSSL",
        "WARMUP_RATIO": 0.0,
        "COMPILE": True,
        "RESUME": None,
        "WEIGHT_DECAY": 0.2,
    }
    assert list(constants(PROGRAM))[:2] == ["DEPTH", "MATRIX_LR"]


def test_a_span_covers_the_value_only() -> None:
    found = constants(PROGRAM)

    assert PROGRAM[found["MATRIX_LR"].start : found["MATRIX_LR"].end] == "0.04"
    assert PROGRAM[found["WEIGHT_DECAY"].start : found["WEIGHT_DECAY"].end] == "0.2"
    assert PROGRAM[found["ADAM_BETAS"].start :].startswith("(\n    0.8,   # first")


@pytest.mark.parametrize(
    "source",
    [
        "depth = 8",
        "Depth = 8",
        "A = B = 8",
        "A, B = 1, 2",
        "a.B = 1",
        "A[0] = 1",
        "A: int",
        "A = f(1)",
        "A = [1]",
        "A += 1",
        "if x:\n    A = 1",
        "def f():\n    A = 1",
        "class C:\n    A = 1",
        "with x:\n    A = 1",
        "A = 1\nA = f()",
        "",
    ],
)
def test_anything_else_is_no_constant(source: str) -> None:
    assert constants(source) == {}


def test_of_several_assignments_the_last_counts() -> None:
    source = "A = 1\nB = 2\nA = 3\n"

    assert constants(source)["A"].value == 3
    assert edit(source, {"A": "4"}) == "A = 1\nB = 2\nA = 4\n"


@pytest.mark.parametrize(
    ("source", "values", "expected"),
    [
        ("A = 0.04  # note\n", {"A": "5e-2"}, "A = 5e-2  # note\n"),
        ("A: float=0.04\n", {"A": "2**3"}, "A: float=2**3\n"),
        ("A = 1\r\nB = 2\r\n", {"B": "3"}, "A = 1\r\nB = 3\r\n"),
        ("A = 1\rB = 2\r", {"B": "3"}, "A = 1\rB = 3\r"),
        ("# \x0c \x85\nA = 1", {"A": "2"}, "# \x0c \x85\nA = 2"),
        ("\ufeffA = 1\n", {"A": "2"}, "\ufeffA = 2\n"),
        ("é = '日本'; A = 1 # é\n", {"A": "2"}, "é = '日本'; A = 2 # é\n"),
        ("A = '日本'  # x\n", {"A": '"語"'}, 'A = "語"  # x\n'),
        ("A = (\n  0.04  # in\n)\n", {"A": "1"}, "A = (\n  1  # in\n)\n"),
        ("A = (1,\n  # c\n  2)  # d\n", {"A": "(3, 4)"}, "A = (3, 4)  # d\n"),
        ("A = 1, 2\n", {"A": "3, 4"}, "A = 3, 4\n"),
        ("A = -1\n", {"A": "(-2)"}, "A = -2\n"),
        ("A = \\\n  1\n", {"A": "2"}, "A = \\\n  2\n"),
        ("A = '''x\ny'''\nB = 1\n", {"B": "2", "A": "'z'"}, "A = 'z'\nB = 2\n"),
        ("A = 'SSSL'\n", {"A": "SSSSL"}, 'A = "SSSSL"\n'),
        ("A = 'SSSL'\n", {"A": "5"}, "A = 5\n"),
        ("A = 'a'\n", {"A": "2:x/y.z-1"}, 'A = "2:x/y.z-1"\n'),
        ("A = 'SSSL'\n", {"A": "None"}, "A = None\n"),
        ("A = 'SSSL'\n", {"A": " 'L' "}, "A = 'L'\n"),
        ("A = 1\nB = 2; C = 3", {"A": "10", "C": "30"}, "A = 10\nB = 2; C = 30"),
    ],
)
def test_an_edit_replaces_the_value_and_nothing_else(
    source: str, values: dict[str, str], expected: str
) -> None:
    assert edit(source, values) == expected


def test_an_unknown_constant_names_the_close_ones() -> None:
    with pytest.raises(UnknownConstant) as caught:
        edit(PROGRAM, {"MATRX_LR": "1"})

    assert caught.value.hint == "did you mean MATRIX_LR?"
    assert caught.value.exit_code == 2


def test_an_unknown_constant_far_from_all_lists_them() -> None:
    with pytest.raises(UnknownConstant) as caught:
        edit("DEPTH = 8\n", {"Q": "1"})

    assert "DEPTH" in caught.value.hint


@pytest.mark.parametrize(
    "text",
    [
        "foo(",
        "foo()",
        "foo",
        "",
        "  ",
        "1\n2",
        "1; import os",
        "A = 2",
        "1 # note",
        "(1) # (",
        "9**9**9",
        "nan",
        "1e999",
        "[1]",
        "x" * 1000,
        "1\x00",
        "'\ud800'",
        "(" * 300,
        "-" * 400 + "1",
    ],
)
def test_a_text_that_is_no_literal_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        edit("DEPTH = 8\n", {"DEPTH": text})

    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 400


@pytest.mark.parametrize("text", ["1e400", "-1.5E999", "9" * 3000])
def test_a_number_that_is_too_large_is_said_to_be_so(text: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        edit("DEPTH = 8\n", {"DEPTH": text})
    assert caught.value.message == "the number is too large"


def test_several_words_are_no_bare_word() -> None:
    with pytest.raises(InvalidValue):
        edit("A = 'x'\n", {"A": "two words"})


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("A = 1\nB = (\n", 2),
        ("x = = 1", 1),
        ("A = 1\n\n  B = 2", 3),
        ("A = 1\x00", 1),
        ("'\ud800'", 1),
    ],
)
def test_a_syntax_error_names_its_line(source: str, line: int) -> None:
    with pytest.raises(ProgramSyntaxError) as caught:
        constants(source)

    assert caught.value.line == line
    assert f"line {line}" in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    "source",
    ["x = " + "-" * 100_000 + "1", "x = " + "+".join("1" * 100_000), "#" * 1_000_001],
    ids=["nested", "chain", "long"],
)
def test_a_program_beyond_the_bounds_is_refused(source: str) -> None:
    with pytest.raises(ProgramTooComplex):
        constants(source)


def test_warnings_of_the_program_are_not_shown(recwarn: pytest.WarningsRecorder) -> None:
    constants("A = '\\d'\n")

    assert not recwarn.list


@STEADY
@given(sources(), values, st.data())
def test_edit_then_read_gives_the_value(source: str, value: Value, data: st.DataObject) -> None:
    before = constants(source)
    name = data.draw(st.sampled_from(sorted(before)))

    edited = edit(source, {name: spell(value)})

    after = constants(edited)
    assert same(after[name].value, value)
    assert {n: c.value for n, c in after.items() if n != name} == {
        n: c.value for n, c in before.items() if n != name
    }
    assert edited[: before[name].start] == source[: before[name].start]
    assert edited[after[name].end :] == source[before[name].end :]
