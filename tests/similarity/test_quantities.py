from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitcollab.similarity import quantities
from gitcollab.similarity.quantities import Quantity, factor, number, percent, power, ratio, several

steady = settings(derandomize=True, deadline=None)


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (number, "0.04", 0.04),
        (number, "4e-2", 0.04),
        (number, "4E-2", 0.04),
        (number, ".04", 0.04),
        (number, "5e-2", 0.05),
        (number, "262,144", 262144),
        (number, "1,048,576", 1048576),
        (number, "262_144", 262144),
        (number, "-3", -3),
        (power, "2**18", 262144),
        (power, "2^18", 262144),
        (power, "2 ** 18", 262144),
        (power, "10^-2", 0.01),
    ],
)
def test_one_number_in_every_spelling(
    read: Callable[[str], Quantity | None], text: str, value: float
) -> None:
    assert read(text) == Quantity((value,))


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("262K", 262144),
        ("262k", 262000),
        ("256Ki", 262144),
        ("524K", 524288),
        ("524.3K", 524288),
        ("1M", 1048576),
        ("1M", 1000000),
        ("0.5M", 524288),
        ("131K", 131072),
        ("65.5K", 65536),
        ("33K", 32768),
        ("49K", 49152),
        ("200K", 200000),
    ],
)
def test_a_shortened_number_may_be_the_round_one_or_the_power_of_two(
    text: str, meant: float
) -> None:
    read = number(text)
    assert read is not None
    assert read.agrees(Quantity((meant,)))


@pytest.mark.parametrize(("text", "plain"), [("200K", 200000), ("49K", 49000), ("1M", 1000000)])
def test_the_plain_reading_comes_first(text: str, plain: float) -> None:
    read = number(text)
    assert read is not None
    assert read.readings[0] == plain


@pytest.mark.parametrize(
    ("text", "not_meant"),
    [
        ("262K", 524288),
        ("200K", 262144),
        ("500K", 524288),
        ("64K", 131072),
        ("255K", 262144),
        ("250.0K", 262144),
    ],
)
def test_a_shortened_number_is_no_other_power_of_two(text: str, not_meant: float) -> None:
    read = number(text)
    assert read is not None
    assert not read.agrees(Quantity((not_meant,)))


@pytest.mark.parametrize(
    ("read", "text", "expected"),
    [
        (percent, "5%", Quantity((0.05,), "fraction")),
        (percent, "2.5 percent", Quantity((0.025,), "fraction")),
        (percent, "+10%", Quantity((1.1,), "factor")),
        (percent, "-10%", Quantity((0.9,), "factor")),
        (ratio, "1/8", Quantity((0.125,), "fraction")),
        (ratio, "3 / 4", Quantity((0.75,), "fraction")),
        (factor, "1.5x", Quantity((1.5,), "factor")),
        (factor, "x0.5", Quantity((0.5,), "factor")),
        (factor, "10-fold", Quantity((10.0,), "factor")),
        (factor, "*2", Quantity((2.0,), "factor")),
    ],
)
def test_parts_and_changes(
    read: Callable[[str], Quantity | None], text: str, expected: Quantity
) -> None:
    assert read(text) == expected


def test_several_numbers_keep_their_order() -> None:
    assert several("(0.8, 0.95)") == (0.8, 0.95)
    assert several("[1, -2, 3e-4]") == (1.0, -2.0, 3e-4)


@pytest.mark.parametrize(
    ("quantity", "before", "after"),
    [
        (Quantity((1.5,), "factor"), 0.04, 0.06),
        (Quantity((2.0,), "added"), 8, 10),
        (Quantity((0.05,), "fraction"), 0.2, 0.05),
        (Quantity((12.0,)), 8, 12),
    ],
)
def test_what_comes_of_what_was(quantity: Quantity, before: float, after: float) -> None:
    assert quantity.applied(before) == pytest.approx((after,))
    assert quantity.relative == (quantity.kind in ("factor", "added"))


@pytest.mark.parametrize("text", ["9**999999", "9^400", "0**3", "0^0", "999999**300", "2**1024"])
def test_a_power_beyond_what_a_program_holds_is_none(text: str) -> None:
    assert power(text) is None


@pytest.mark.parametrize("digits", ["1e400", "9" * 10_000, "1e999", "9" * 400 + "K"])
def test_a_number_beyond_what_a_program_holds_is_none(digits: str) -> None:
    assert number(digits) is None
    assert factor(f"{digits}x") is None
    assert several(f"(1, {digits})") is None


def test_the_largest_power_of_two_is_exact() -> None:
    assert power("2**1000") == Quantity((2.0**1000,))


def test_division_by_nothing_is_none() -> None:
    assert ratio("1/0") is None


@steady
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_as_python_writes_it_is_that_number(value: float) -> None:
    assert number(repr(value)) == Quantity((value,))


@steady
@given(st.integers(1, 10**15))
def test_commas_and_underscores_do_not_count(value: int) -> None:
    assert number(f"{value:,}") == number(f"{value:_}") == number(str(value))


@steady
@given(st.integers(10, 40))
def test_a_power_of_two_is_met_by_how_people_shorten_it(exponent: int) -> None:
    value = 2**exponent
    thousands = number(f"{value / 1000:.1f}K")
    assert thousands is not None
    assert thousands.agrees(Quantity((float(value),)))
    assert quantities.same_number(float(value), 2.0**exponent)
