from __future__ import annotations

import ast
import json

import pytest
from hypothesis import given

from gitcollab.similarity.literal import NotLiteral, Value, canonical, evaluate, same, shown, spell
from tests.similarity.programs import STEADY, values


def value_of(text: str) -> Value:
    return evaluate(ast.parse(text, mode="eval").body)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2**18", 262144),
        ("1 << 18", 262144),
        ("512 * 1024", 524288),
        ("0.5*4", 2.0),
        ("7 // 2", 3),
        ("-1e-3", -0.001),
        ("10**-3", 0.001),
        ("~7", -8),
        ("(0.8, (1, 'a'), None, True)", (0.8, (1, "a"), None, True)),
        ("'a' 'b'", "ab"),
        ("()", ()),
        ("1_000", 1000),
        ("0x10", 16),
    ],
)
def test_literals_are_evaluated(text: str, value: Value) -> None:
    found = value_of(text)

    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        "9**9**9",
        "2**100000",
        "1 << 10**9",
        "10.0**400",
        "1e999",
        "1/0",
        "1 << -1",
        "1.5 << 2",
        "(-1)**0.5",
        "'a' * 10**9",
        "'a' % 1",
        "True + 1",
        "-True",
        "not 1",
        "1j",
        "b'a'",
        "...",
        "[1]",
        "{1: 2}",
        "x",
        "f(1)",
        "f'{1}'",
        "(*(1,),)",
        "1 if 2 else 3",
        "'\\ud800'",
        "+".join(["1"] * 100),
        "(" + "1," * 1000 + ")",
    ],
)
def test_what_is_computed_or_out_of_bounds_is_no_literal(text: str) -> None:
    with pytest.raises(NotLiteral):
        value_of(text)


@pytest.mark.parametrize(
    ("a", "b"), [(8, 8.0), (0.05, 5e-2), (0.0, -0.0), ((1, 2.0), (1.0, 2)), (10**20, 1e20)]
)
def test_equal_values_have_one_canonical_text(a: Value, b: Value) -> None:
    assert same(a, b)
    assert canonical(a) == canonical(b)
    assert shown(a) == shown(b)


@pytest.mark.parametrize(
    ("a", "b"),
    [(1, True), (0, False), (0, None), ("8", 8), ((), None), (1, (1,)), (2**53, 2**53 + 1)],
)
def test_different_values_differ(a: Value, b: Value) -> None:
    assert not same(a, b)


@STEADY
@given(values)
def test_a_spelled_value_reads_back(value: Value) -> None:
    assert repr(value_of(spell(value))) == repr(value)


@STEADY
@given(values)
def test_a_shown_value_is_equal(value: Value) -> None:
    assert same(value_of(shown(value)), value)


@STEADY
@given(values)
def test_canonical_text_is_json(value: Value) -> None:
    assert json.dumps(json.loads(canonical(value)), ensure_ascii=False) == canonical(value)
