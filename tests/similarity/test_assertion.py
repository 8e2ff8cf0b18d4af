"""What insights assert: amounts with their sides, verdicts, ways."""

from __future__ import annotations

import itertools

import pytest

from gitcollab.similarity.assertion import asserted, subject
from gitcollab.similarity.vocabulary import Vocabulary
from gitcollab.swarm.recogniser import Recogniser

# Those of a row assert the same; no two of different rows do.
ROWS = (
    (
        "RATE above 0.3 helps",
        "RATE helps beyond 0.3",
        "a rate > 0.3 is better",
        "over 3e-1 it wins",
    ),
    ("RATE above 0.3 hurts", "a rate over 0.3 is worse", "RATE over 0.3 diverges"),
    ("RATE above 0.4 hurts",),
    ("RATE up to 0.3 helps", "RATE below 0.3 helps", "RATE < 0.3 is best"),
    ("a RATE of 0.3 helps", "RATE = 0.3 works"),
    ("A higher RATE helps up to 0.3", "Raising the RATE pays off up to 0.3"),
    ("A lower RATE helps down to at least 0.3",),
    ("a higher rate does not help", "a higher rate doesn't help"),
    ("a higher rate does not hurt",),
    ("a higher rate has no effect", "a larger rate does nothing", "more makes no difference"),
    ("warmup is needed",),
    ("warmup is not needed", "warmup isn't needed"),
    ("RATE above 3 helps with WIDTH below 8", "with WIDTH below 8, RATE above 3 wins"),
    ("WIDTH above 3 helps with RATE below 8",),
)


@pytest.fixture(scope="module")
def words() -> Vocabulary:
    return Recogniser.of_this_host().library().words


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_what_asserts_the_same(words: Vocabulary, row: tuple[str, ...]) -> None:
    found = [asserted(text, words) for text in row]
    for (a, one), (b, two) in itertools.combinations(zip(row, found, strict=True), 2):
        assert one.agrees(two), (a, b, one, two)
        assert two.agrees(one)


def test_what_asserts_something_else(words: Vocabulary) -> None:
    for row, other in itertools.combinations(ROWS, 2):
        for a, b in itertools.product(row, other):
            assert not asserted(a, words).agrees(asserted(b, words)), (a, b)


def test_the_subject_is_without_what_is_asserted() -> None:
    assert subject("a rate over 0.3 is worse") == "rate 0.3"
    assert subject("The WIDTH has no effect") == subject("WIDTH doesn't matter") == "WIDTH"
    assert subject("a larger batch needs warmup") == "larger batch needs warmup"
