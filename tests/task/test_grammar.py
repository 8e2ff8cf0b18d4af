from __future__ import annotations

import math

import pytest

from gitcollab.task.grammar import NotOfThisGrammar, Pen, Reader, SplitMix, Table, Writer


def test_alternatives_must_be_prefix_free() -> None:
    with pytest.raises(ValueError, match="prefix-free"):
        Table(["seven", "eight", "seventeen"])
    with pytest.raises(ValueError, match="prefix-free"):
        Table(["a", "b", "a"])


def test_weights_must_be_positive_and_complete() -> None:
    with pytest.raises(ValueError, match="weight"):
        Table(["a", "b"], [1, 0])
    with pytest.raises(ValueError, match="weight"):
        Table(["a", "b"], [1])


def test_the_generator_is_splitmix64() -> None:
    # The first outputs for seed 1234567, as published with the reference implementation.
    random = SplitMix(1234567)
    assert [random.next() for _ in range(3)] == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
    ]


def test_numbers_stay_below_and_reach_everything() -> None:
    random = SplitMix(1)
    assert {random.below(7) for _ in range(300)} == set(range(7))


def _toy(pen: Pen) -> None:
    while pen.pick(Table(["ab", "b"], [3, 1])) == 0:
        pen.say("-")


def test_a_text_is_read_back_with_the_probability_it_was_written_with() -> None:
    writer = Writer(SplitMix(5))
    _toy(writer)
    reader = Reader(writer.text())
    _toy(reader)
    reader.finish()
    assert reader.factors == writer.factors


def test_bits_are_those_of_the_product() -> None:
    reader = Reader("ab-ab-b")
    _toy(reader)
    assert reader.bits() == pytest.approx(-math.log2(3 / 4 * 3 / 4 * 1 / 4))


@pytest.mark.parametrize("text", ["", "ab", "abab", "c", "ab-c"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(NotOfThisGrammar):
        _toy(Reader(text))


def test_a_text_that_goes_on_is_refused() -> None:
    reader = Reader("bb")
    _toy(reader)
    with pytest.raises(NotOfThisGrammar):
        reader.finish()
