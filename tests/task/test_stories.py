from __future__ import annotations

import re

import pytest

from gitcollab.task.grammar import NotOfThisGrammar, Reader, SplitMix, Writer
from gitcollab.task.stories import number, story

SAMPLE = range(400)


def _written(seed: int) -> Writer:
    pen = Writer(SplitMix(seed))
    story(pen)
    return pen


def test_every_story_has_the_one_derivation_that_made_it() -> None:
    for seed in SAMPLE:
        writer = _written(seed)
        reader = Reader(writer.text())
        story(reader)
        reader.finish()
        assert reader.factors == writer.factors


def test_a_changed_state_is_not_a_story() -> None:
    text = _written(3).text()
    found = re.search(r"In the end .* (\w+) \w+( and|\.)", text)
    assert found
    wrong = text[: found.start(1)] + "ninety" + text[found.end(1) :]
    with pytest.raises(NotOfThisGrammar):
        story(Reader(wrong))


def test_a_story_ends_with_its_only_newline() -> None:
    for seed in SAMPLE:
        text = _written(seed).text()
        assert text.count("\n") == 1
        assert text.endswith("\n")
        assert text.isascii()


def test_sums_products_and_rankings_are_right() -> None:
    text = "".join(_written(seed).text() for seed in range(2000))
    sums = re.findall(r"adds? (\d+) and (\d+) to get (\d+)", text)
    products = re.findall(r"multipl(?:y|ies) (\d+) by (\d+) to get (\d+)", text)
    rankings = re.findall(r"ranks? ([\d, ]+) as ([\d, ]+)", text)
    assert len(sums) > 100 < len(products)
    assert all(int(a) + int(b) == int(c) for a, b, c in sums)
    assert all(int(a) * int(b) == int(c) for a, b, c in products)
    assert all(sorted(given.split(", ")) == ranked.split(", ") for given, ranked in rankings)


def test_verbs_and_pronouns_agree() -> None:
    text = "".join(_written(seed).text() for seed in range(1000))
    assert not re.search(r"[Tt]he \w+(ells|ocks|arns) (has|gives|finds|loses|walks|says) ", text)
    assert not re.search(r"\b(she|he) (have|give|find|lose|walk|say|add) ", text)
    assert not re.search(r"\bthey (has|gives|finds|loses|walks|says|adds) ", text)
    assert re.search(r"\bshe gives ", text)
    assert re.search(r"\bthey give ", text)


def test_quotes_close_in_order() -> None:
    text = "".join(_written(seed).text() for seed in range(1000))
    assert re.search(r"\"[^\"']*'[^\"']*\"[^\"']*\.\"'\"", text)  # three deep
    assert text.count('"') % 2 == 0
    assert text.count("'") % 2 == 0


def test_fruits_are_counted() -> None:
    words = {number(n): n for n in range(100)}
    for seed in SAMPLE:
        text = _written(seed).text()
        for person, count in re.findall(r"(?:^|\. )(\w+) has the \w+ \w+ and (\w+) ", text):
            total = words[count]
            told = re.search(rf"In the end {person} has ([\w ]+?) (\w+)( and|\.)", text)
            mine = re.findall(rf"{person} (find|lose)s (\w+) ", text)
            pronouns = re.search(r", (she|he) (finds|loses)", text)
            if told and not pronouns:
                total += sum(words[n] * (1 if verb == "find" else -1) for verb, n in mine)
                assert words[told[1]] == total


@pytest.mark.parametrize(
    ("n", "words"),
    [(0, "zero"), (7, "seven"), (17, "seventeen"), (20, "twenty"), (42, "forty two")],
)
def test_numbers_in_words(n: int, words: str) -> None:
    assert number(n) == words
