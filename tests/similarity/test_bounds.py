"""Values held against what is asked of them."""

from __future__ import annotations

import pytest

from gitcollab.similarity.bounds import Bound, all_hold, text_of
from gitcollab.similarity.literal import Value
from gitcollab.similarity.quantities import Quantity, number


def of(text: str) -> Quantity:
    found = number(text)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("op", "amount", "yes", "no"),
    [
        ("=", "0.05", [0.05, 5e-2], [0.051, "0.05", None, True]),
        ("≠", "0.05", [0.051, 5], [0.05, None]),
        ("≈", "0.05", [0.05, 0.042, 0.06], [0.03, 0.08]),
        ("<", "12", [11, -1, 11.9], [12, 13]),
        ("≤", "12", [11, 12], [12.5]),
        (">", "12", [13], [12, 11]),
        ("≥", "12", [12, 13], [11]),
        # 262K is 262,000 or 262,144: neither is above or below it
        ("=", "262K", [262_000, 262_144], [262_001]),
        (">", "262K", [524_288], [262_144, 262_000]),
        ("<", "262K", [131_072], [262_144, 262_000]),
        ("≥", "262K", [262_000, 262_144], [131_072]),
    ],
)
def test_numbers(op: str, amount: str, yes: list[Value], no: list[Value]) -> None:
    bound = Bound(op, of(amount))  # type: ignore[arg-type]
    assert [value for value in yes if not bound.holds(value)] == []
    assert [value for value in no if bound.holds(value)] == []


def test_directions_and_factors_need_what_was_there() -> None:
    assert Bound("raised").holds(0.05, 0.04)
    assert not Bound("raised").holds(0.04, 0.04)
    assert not Bound("raised").holds(0.05)
    assert Bound("lowered").holds(8, 12)
    double, half = Quantity((2.0,), "factor"), Quantity((0.5,), "fraction")
    assert Bound("=", double).holds(16, 8)
    assert not Bound("=", double).holds(16)
    assert not Bound("=", double).holds(0, 0)
    assert Bound("=", half).holds(4, 8)
    assert Bound("=", half).holds(0.5, 0.3)  # half, as a value
    assert Bound(">", double).holds(17, 8)


def test_texts_tuples_and_truths() -> None:
    assert Bound("=", "SSSL").holds("SSSL")
    assert Bound("=", "LLLL").holds("L")  # the period of a pattern
    assert Bound("≠", "SSSL").holds("SL")
    assert Bound("=", "true").holds(True)
    assert not Bound("=", "true").holds("truth")
    assert Bound("=", (0.8, 0.95)).holds((0.8, 0.95))
    assert not Bound("=", (0.8, 0.95)).holds(0.8)


def test_values_that_are_named_are_alternatives() -> None:
    bounds = [Bound("=", of("8")), Bound("=", of("12")), Bound("<", of("10"))]
    assert [value for value in (7, 8, 12) if all_hold(bounds, value)] == [8]
    assert text_of(bounds) == "= 8 or 12 and below 10"
    assert all_hold([], "anything")
