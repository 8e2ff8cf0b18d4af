"""Folding and weighing of hypotheses: pure, whatever the order in which they come."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitcollab.records.models import rfc3339
from gitcollab.swarm.ideas.folding import folded
from gitcollab.swarm.ideas.thoughts import Guess, lines_of
from gitcollab.swarm.ideas.weighing import HALF_LIFE_DAYS, Scales

NOW = datetime(2026, 5, 1, tzinfo=UTC)
NOTHING = Scales(kept=(), supported=(), changed={}, run=())


def guess(stem: str, *, days: float = 0, agent: str = "nova", **fields: object) -> Guess:
    """A hypothesis that is so many days old."""
    usual = {
        "title": stem,
        "change": None,
        "patch": None,
        "base": None,
        "evidence": "",
        "priority": 3,
    }
    made = rfc3339(NOW - timedelta(days=days))
    return Guess(f"{agent}/{stem}", agent, made, **(usual | fields))  # type: ignore[arg-type]


def scores(*guesses: Guess, now: datetime = NOW) -> dict[str, float]:
    """The scores of hypotheses that are an idea each."""
    return NOTHING.scores([[one] for one in guesses], now)


def ideas(*guesses: Guess, tested: dict[str, str] | None = None) -> list[Sequence[str]]:
    return [
        [one.id for one in idea]
        for idea in folded(guesses, lambda one, _: (tested or {}).get(one.id))
    ]


# -- folding ---------------------------------------------------------------------------------------


def test_the_same_change_is_one_idea_on_any_base() -> None:
    a = guess("a", days=3, change='{"LR":0.1}')
    b = guess("b", days=2, change='{"LR":0.1}', base="vega/x")
    c = guess("c", days=1, change='{"LR":0.2}', title="a")
    assert ideas(c, b, a) == [[a.id, b.id], [c.id]]


def test_the_same_lines_are_one_idea() -> None:
    one = "--- a/train.py\n+++ b/train.py\n@@ -1,2 +1,2 @@\n-x = 1\n+x = 2\n y\n"
    same = "--- a/train.py\tnova/r\n+++ b/train.py\n@@ -7 +7 @@ def f():\n-x = 1 \n+x = 2\r\n"
    other = one.replace("+x = 2", "+x = 3")
    assert lines_of(one) == lines_of(same) != lines_of(other)
    a, b = guess("a", days=2, patch=lines_of(one)), guess("b", patch=lines_of(same))
    c = guess("c", patch=lines_of(other))
    d = guess("d", patch=lines_of(one), change='{"LR":0.1}')
    assert ideas(a, b, c, d) == [[a.id, b.id], [c.id], [d.id]]


def test_words_are_one_idea_with_an_older_one_of_that_title() -> None:
    a = guess("a", days=4, title="More  heads.")
    b = guess("b", days=3, title="more heads")
    run = guess("c", days=2, title="more heads", change='{"HEADS":8}')
    d = guess("d", days=1, title="MORE HEADS", base="vega/x")
    assert ideas(a, b, run, d) == [[a.id, b.id, d.id], [run.id]]
    assert ideas(run, d) == [[run.id, d.id]]


def test_what_was_tested_begins_anew_on_another_base() -> None:
    a = guess("a", days=5, change='{"LR":0.1}')
    same = guess("b", days=3, change='{"LR":0.1}')
    anew = guess("c", days=2, change='{"LR":0.1}', base="vega/x")
    late = guess("d", days=1, change='{"LR":0.1}', base="vega/y")
    tested = {a.id: rfc3339(NOW - timedelta(days=4))}
    assert ideas(a, same, anew, late, tested=tested) == [[a.id, same.id], [anew.id, late.id]]
    after = {a.id: rfc3339(NOW)}
    assert ideas(a, same, anew, late, tested=after) == [[a.id, same.id, anew.id, late.id]]


@given(st.integers(0, 10_000))
def test_the_order_of_reading_does_not_matter(seed: int) -> None:
    chance = random.Random(seed)
    guesses = [
        guess(
            f"g-{n}",
            days=chance.randrange(4),
            title=chance.choice("abc"),
            change=chance.choice([None, '{"LR":0.1}', '{"LR":0.2}', '{"D":1}']),
            base=chance.choice([None, "vega/x"]),
            priority=chance.randint(1, 5),
        )
        for n in range(12)
    ]
    first = {one.id: one.created_at for one in guesses[:3]}

    def tested(one: Guess, _: Guess) -> str | None:
        return first.get(one.id)

    mixed = chance.sample(guesses, len(guesses))
    assert folded(guesses, tested) == folded(mixed, tested)
    assert scores(*guesses) == scores(*mixed)
    one = NOTHING.scores(folded(guesses, tested), NOW)
    assert one == NOTHING.scores(folded(mixed, tested)[::-1], NOW)


# -- weighing --------------------------------------------------------------------------------------


def test_priority_evidence_and_novelty_are_worth_as_much_as_each_other() -> None:
    scales = Scales(
        kept={"r/kept"},
        supported={"nova/own", "vega/thought"},
        changed={"LR": 3},
        run={('{"LR":0.1}', None)},
    )
    plain = guess("a")
    assert scales.score(plain, {}, NOW) == pytest.approx(0.5 + 0 + 0.5)
    assert scales.score(guess("a", priority=1), {}, NOW) == pytest.approx(1.5)
    named = guess("a", evidence="r/kept r/other nova/own vega/thought vega/untested nova/a")
    assert scales.evidence(named) == pytest.approx(1 - 2**-1.25)
    assert scales.evidence(guess("a", evidence=" ".join(f"no/{n}" for n in range(32)))) == 0
    assert scales.novelty(guess("a", change='{"NEW":1}'), {"LR": 3}) == 1
    assert scales.novelty(guess("a", change='{"LR":9}'), {"LR": 3}) == 0.5
    assert scales.novelty(guess("a", change='{"LR":0.1}'), {"LR": 3}) == 0
    assert scales.novelty(guess("a", change='{"LR":0.1}', base="r/kept"), {"LR": 3}) == 0.5


def test_old_ones_sink() -> None:
    new, old = guess("new"), guess("old", days=HALF_LIFE_DAYS)
    found = scores(new, old)
    assert found["nova/old"] == pytest.approx(found["nova/new"] / 2)
    urgent = guess("urgent", days=10 * HALF_LIFE_DAYS, priority=1, change='{"NEW":1}')
    assert scores(urgent, new)["nova/urgent"] < found["nova/new"]


def test_the_order_is_the_same_whenever_one_looks() -> None:
    chance = random.Random(1)
    all_ = [
        guess(f"g-{n}", days=chance.randrange(60), priority=chance.randint(1, 5)) for n in range(50)
    ]
    orders = []
    for later in (0, 1, 100):
        found = scores(*all_, now=NOW + timedelta(days=later))
        orders.append(
            sorted(found, key=lambda one: (-round(found[one] * 2 ** (later / 14), 9), one))
        )
    assert orders[0] == orders[1] == orders[2]


def test_a_crowd_on_one_constant_is_less_new_the_later_it_comes() -> None:
    crowd = [guess(f"g-{n}", days=9 - n, change=f'{{"LR":{n}}}') for n in range(9)]
    alone = guess("alone", change='{"DEPTH":3}')
    found = scores(*crowd, alone)
    assert max(found, key=found.__getitem__) == alone.id
    assert NOTHING.novelty(crowd[0], {}) == 1


@pytest.mark.parametrize("days", [-1e6, 1e6])
def test_broken_clocks_break_nothing(days: float) -> None:
    one = guess("a")._replace(
        created_at="9999-12-31T00:00:00Z" if days < 0 else "0001-01-02T00:00:00Z"
    )
    assert 0 <= scores(one)[one.id] < 2


def test_another_that_says_the_same_makes_an_idea_no_worse() -> None:
    fresh = guess("fresh", change='{"LR":0.1}', priority=1)
    crowd = [guess(f"g-{n}", days=n, change=f'{{"LR":{n}}}') for n in range(3)]
    before = NOTHING.scores([[fresh], *([one] for one in crowd)], NOW)
    for days in (-0.01, 0, 120):
        same = guess("same", days=days, change='{"LR":0.1}', priority=5)
        after = NOTHING.scores([[fresh, same], *([one] for one in crowd)], NOW)
        assert after[fresh.id] >= before[fresh.id]
    assert [NOTHING.scores([[fresh, fresh._replace(id="b/b")]], NOW)[fresh.id]] == [
        NOTHING.scores([[fresh]], NOW)[fresh.id]
    ]


def test_what_cannot_be_tried_is_worth_nothing() -> None:
    lost = guess("lost", change='{"NOPE":1,"LR":1}', priority=1)
    other = guess("other", change='{"LR":2}')
    scales = replace(NOTHING, lost={lost.id})
    found = scales.scores([[lost], [other]], NOW)
    assert (found[lost.id], found[other.id]) == (0, scores(other)[other.id])
