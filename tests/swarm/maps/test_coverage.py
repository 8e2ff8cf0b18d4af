"""What was tried of each constant, from what, how often, to what effect; what nobody touched."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from gitcollab.similarity.constants import UnknownConstant, Value
from gitcollab.similarity.library import Library
from gitcollab.swarm.maps import coverage as module
from gitcollab.swarm.maps.coverage import Coverage, Tried, coverage, of_constant
from gitcollab.swarm.maps.ranges import ranges
from gitcollab.swarm.maps.values import values
from gitcollab.swarm.ranking import standings
from gitcollab.swarm.swarm import Swarm
from tests.similarity.field import WORDS
from tests.swarm.factories import Bench, digest, make_task

BASELINE: dict[str, Value] = {"LR": 0.1, "DEPTH": 8, "BETAS": (0.8, 0.95)}

Agent = Callable[[str], Swarm]


def of(bench: Bench, baseline: dict[str, Value] = BASELINE) -> Coverage:
    where = standings(bench.task, bench.results, baseline=digest("base"))
    return coverage(where, baseline)


def begin(bench: Bench, tier: str = "cpu", metric: float = 1.0) -> None:
    bench.add("base", metric, base_fingerprint=digest("base"), tier=tier)


def values_of(found: Coverage, name: str) -> dict[str, Tried]:
    (one,) = (one for one in found.constants if one.name == name)
    return {value.value: value for value in one.tried}


def test_values_with_what_they_were_before_and_what_they_gained(bench: Bench) -> None:
    begin(bench)
    bench.add("a", 0.9, base="base", delta={"LR": 0.2})
    bench.add("b", 0.95, base="a", delta={"LR": 0.3})
    bench.add("c", 0.9001, base="a", delta={"DEPTH": 9})
    bench.add("d", None, base="c", delta={"LR": 0.3})
    found = of(bench)
    lr, depth = found.constants
    assert (lr.name, lr.baseline, lr.now, lr.experiments) == ("LR", "0.1", "0.2", 3)
    assert (depth.name, depth.baseline, depth.now, depth.experiments) == ("DEPTH", "8", "8", 1)
    up, on = lr.tried
    sigma = standings(bench.task, bench.results).sigma
    assert (up.value, up.before, up.n, up.bases, up.alone) == ("0.2", ["0.1"], 1, 1, 1)
    assert (up.kept, up.discarded, up.noise, up.crashed) == (1, 0, 0, 0)
    assert (up.gain, up.error) == (pytest.approx(0.1), pytest.approx(sigma * 2**0.5))
    assert (on.value, on.before, on.n, on.bases) == ("0.3", ["0.2"], 2, 2)
    assert (on.kept, on.discarded, on.noise, on.crashed) == (0, 1, 0, 1)
    assert (on.gain, on.best) == (pytest.approx(-0.05), 0.95)
    assert on.results == ["nova/b-2", "nova/d-4"]  # the best first, what crashed last
    assert depth.tried[0].noise == 1
    assert found.untouched == [("BETAS", "(0.8, 0.95)")]
    assert (found.experiments, found.structural) == (4, 0)


def test_only_what_changed_nothing_else_says_what_a_constant_gains(bench: Bench) -> None:
    begin(bench)
    bench.add("a", 0.5, base="base", delta={"LR": 0.2, "DEPTH": 9})
    bench.add("b", 0.4, base="base", delta={"LR": 0.2}, structural=True)
    bench.add("c", 0.9, base="base", delta={"LR": 0.2})
    found = of(bench)
    lr = values_of(found, "LR")["0.2"]
    assert (lr.n, lr.alone, lr.bases, lr.best) == (3, 1, 1, 0.4)
    assert lr.gain == pytest.approx(0.1)
    depth = values_of(found, "DEPTH")["9"]
    assert (depth.gain, depth.error, depth.alone, depth.best) == (None, None, 0, 0.5)
    assert found.structural == 1


def test_runs_again_are_no_experiments_and_make_gains_certain(bench: Bench) -> None:
    begin(bench)
    a = bench.add("a", 0.9, base="base", delta={"LR": 0.2})
    once = values_of(of(bench), "LR")["0.2"]
    bench.add("a", 0.9, "lyra", base="a", replicates=a.id)
    bench.add("a", 0.9, "vega", base="base", delta={"LR": 0.2}, minute=50)  # the same change again
    again = values_of(of(bench), "LR")["0.2"]
    assert (again.n, again.kept) == (1, 1)
    assert once.error is not None
    assert again.error is not None
    assert again.error < once.error


def test_setting_a_constant_to_the_value_that_it_has_tries_nothing(bench: Bench) -> None:
    begin(bench)
    bench.add("a", 0.9, base="base", delta={"LR": 0.2})
    bench.add("same", 0.5, base="a", delta={"LR": 0.2})
    bench.add("more", 0.4, base="a", delta={"LR": 0.2, "DEPTH": 9})
    found = of(bench)
    (lr,) = values_of(found, "LR").values()
    assert (lr.n, lr.kept, lr.best, lr.results) == (1, 1, 0.9, ["nova/a-1"])
    depth = values_of(found, "DEPTH")["9"]
    assert (depth.n, depth.alone) == (1, 1)
    assert found.experiments == 2


def test_what_experiments_share_is_noise_once(bench: Bench) -> None:
    begin(bench)
    for n, metric in enumerate((0.9, 0.92)):
        bench.add(f"a{n}", metric, base="base", delta={"LR": 0.2}, tier="cpu", minute=10 + n)
    found = values_of(of(bench), "LR")["0.2"]
    sigma = standings(bench.task, bench.results).sigma
    assert found.n == 2  # two programs, whatever they say that they set
    assert found.gain == pytest.approx(0.09)
    assert found.error == pytest.approx(sigma * (1 + 2 / 4) ** 0.5)  # not σ


def test_words_alone_are_experiments_that_are_on_no_map(bench: Bench) -> None:
    begin(bench)
    bench.add("said", 0.9, base="base", fingerprint=None)
    bench.add("again", 0.9, base="base", fingerprint=digest("base"))
    found = of(bench)
    assert (found.experiments, found.structural, found.constants) == (1, 1, [])


NOBODY_HAS: dict[str, Any] = {"fingerprint": None, "files": {}}


def said(bench: Bench, *, baseline: dict[str, Value] = BASELINE) -> Coverage:
    """The map, with words read."""
    where = standings(bench.task, bench.results, baseline=digest("base"))
    return coverage(where, baseline, lambda: Library(WORDS))


def test_words_say_what_a_constant_was_where_there_is_no_program(bench: Bench) -> None:
    bench.add("start", 1.0, **NOBODY_HAS)
    base = {"base": None, **NOBODY_HAS}
    bench.add("x", 0.9, description="matrix LR 0.2 to 0.3", delta={"MATRIX_LR": 0.3}, **base)
    for n, one in enumerate(bench.results[1:], 1):
        bench.results[n] = one._replace(base=bench.results[0].id)
    known: dict[str, Value] = {"MATRIX_LR": 0.1}
    (lr,) = said(bench, baseline=known).constants
    assert (lr.baseline, lr.now, lr.said) == ("0.1", "0.3", False)
    assert lr.tried[0].before == ["0.2"]
    bench.results[1] = bench.results[1]._replace(metric=1.1)  # the first is the best
    (lr,) = said(bench, baseline=known).constants
    assert (lr.baseline, lr.now, lr.said) == ("0.1", "0.2", True)


def test_words_say_nothing_against_a_program(bench: Bench) -> None:
    begin(bench)
    words = "matrix LR 0.2 to 0.3"
    bench.add("x", 1.1, base="base", description=words, delta={"MATRIX_LR": 0.3}, **NOBODY_HAS)
    (lr,) = said(bench, baseline={"MATRIX_LR": 0.1}).constants
    assert (lr.now, lr.said, lr.tried[0].before) == ("0.1", False, ["0.1"])


def test_what_words_speak_of_is_not_untouched(bench: Bench) -> None:
    begin(bench)
    for metric, words in ((1.1, "short window 1/8 context"), (0.9, "short window a tenth")):
        bench.add("x", metric, base="base", description=words, **NOBODY_HAS)
    bench.add("y", 1.2, base="base", description="longer short window", structural=True)
    names: dict[str, Value] = {"SHORT_WINDOW": 64, "WINDOW_PATTERN": "SSL", "DEPTH": 8}
    found = said(bench, baseline=names)
    assert found.untouched == [("DEPTH", "8"), ("WINDOW_PATTERN", '"SSL"')]
    (window,) = found.worded  # of a program the code tells, not the words
    assert (window.name, window.baseline, window.experiments) == ("SHORT_WINDOW", "64", 2)
    assert list(window.results) == ["nova/x-2", "nova/x-1"]
    assert (found.experiments, found.structural, found.by_words) == (3, 3, 2)
    assert of_constant(found, "short_window").worded == [window]


def test_values_in_a_line_that_begins_nowhere_are_not_known(bench: Bench) -> None:
    bench.add("lost", 0.9, base_fingerprint=digest("vanished"), delta={"LR": 0.2})
    bench.add("next", 0.8, base="lost", delta={"LR": 0.3, "NEW": 1})
    found = values_of(of(bench), "LR")
    assert found["0.2"].before == []
    assert found["0.3"].before == ["0.2"]
    assert next(one for one in of(bench).constants if one.name == "NEW").baseline is None


def test_a_base_is_found_by_its_program(bench: Bench) -> None:
    begin(bench)
    bench.add("a", 0.9, base="base", delta={"LR": 0.2})
    one = bench.add("b", 0.8, base="a", delta={"LR": 0.3})
    bench.results[-1] = one._replace(base="nova/withdrawn-1")
    assert values_of(of(bench), "LR")["0.3"].before == ["0.2"]


def test_branches_do_not_see_each_other(bench: Bench) -> None:
    begin(bench)
    bench.add("left", 0.9, base="base", delta={"LR": 0.2})
    bench.add("right", 0.9, base="base", delta={"DEPTH": 9})
    bench.add("left-2", 0.8, base="left", delta={"DEPTH": 10})
    bench.add("right-2", 0.8, base="right", delta={"LR": 0.3})
    found = of(bench)
    assert values_of(found, "DEPTH")["10"].before == ["8"]
    assert values_of(found, "LR")["0.3"].before == ["0.1"]


def test_circles_and_long_lines_end(bench: Bench) -> None:
    a = bench.add("a", 0.9, base_fingerprint=digest("b"), delta={"LR": 0.2})
    b = bench.add("b", 0.8, base_fingerprint=digest("a"), delta={"LR": 0.3})
    runs = [a._replace(base=b.id), b._replace(base=a.id)]
    found = values(standings(bench.task, runs), BASELINE)
    assert {one: [c.before for c in made] for one, made in found.changes.items()} == {
        a.id: [None],
        b.id: ["0.2"],
    }
    line = Bench()
    begin(line)
    for n in range(1500):
        line.add(f"p{n}", 1.0, base=None, delta={"LR": n})
        line.results[-1] = line.results[-1]._replace(base=line.results[-2].id)
    tried = values_of(of(line), "LR")
    assert len(tried) == 1500
    assert tried["1499"].before == ["1498"]


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_better_is_positive_and_first(direction: str) -> None:
    bench = Bench(make_task(direction=direction))
    begin(bench)
    sign = bench.task.sign
    bench.add("a", 1.0 - 0.1 * sign, base="base", delta={"LR": 0.2})
    bench.add("b", 1.0 + 0.1 * sign, base="base", delta={"DEPTH": 9})
    bench.add("c", 1.0 + 0.3 * sign, base="b", delta={"LR": 0.2})
    found = values_of(of(bench), "LR")["0.2"]
    assert found.gain == pytest.approx((0.1 - 0.2) / 2)
    assert (found.best, found.results[0]) == (1.0 - 0.1 * sign, "nova/a-1")


def test_gains_that_wait_to_be_confirmed_are_not_believed() -> None:
    bench = Bench(make_task(plausible={"max_step": 0.2}))
    begin(bench)
    bench.add("wonder", 0.1, base="base", delta={"LR": 0.2})
    bench.add("a", 0.9, base="base", delta={"LR": 0.3})
    found = values_of(of(bench), "LR")
    assert (found["0.2"].gain, found["0.2"].kept, found["0.2"].n) == (None, 0, 1)
    assert found["0.3"].gain == pytest.approx(0.1)


def test_the_order_of_results_does_not_matter(bench: Bench) -> None:
    begin(bench)
    rng = random.Random(1)
    for n in range(40):
        base = f"p{rng.randrange(n)}" if n else "base"
        bench.add(f"p{n}", rng.random(), base=base, delta={rng.choice("AB"): rng.randrange(4)})
    first = of(bench)
    for _ in range(5):
        rng.shuffle(bench.results)
        assert of(bench) == first


def test_what_is_remembered_is_the_same(agent: Agent) -> None:
    nova = agent("nova")
    nova.run()
    nova.run(set_values={"RATE": "0.2"})
    first, again = nova.coverage(), nova.coverage()
    fresh = coverage(nova.member.standings(), module.baseline_of(nova.member))
    assert first == again == fresh
    (rate,) = nova.coverage("rate").constants  # small letters will do
    assert (rate.name, rate.baseline, rate.now) == ("RATE", "0.1", "0.2")
    assert [(t.value, t.before, t.kept) for t in rate.tried] == [("0.2", ["0.1"], 1)]
    assert nova.coverage("WIDTH").untouched == [("WIDTH", "8")]
    with pytest.raises(UnknownConstant) as caught:
        nova.coverage("RATES")
    assert "RATE" in caught.value.hint
    nova.run(set_values={"RATE": "0.3"})
    (rate,) = nova.coverage("RATE").constants
    assert [t.value for t in rate.tried] == ["0.2", "0.3"]


def test_neighbours_are_taken_together_where_values_are_many(bench: Bench) -> None:
    begin(bench)
    for n in range(10):
        bench.add(f"p{n}", 1 - n / 100, base="base", delta={"LR": n + 1})
    (one,) = of(bench).constants
    assert [r.first for r in ranges(one, 10)] == [str(n + 1) for n in range(10)]
    few = ranges(one, 4)
    assert [(r.first, r.last, r.values, r.n) for r in few] == [
        ("1", "3", 3, 3),
        ("4", "6", 3, 3),
        ("7", "9", 3, 3),
        ("10", "10", 1, 1),
    ]
    assert few[1].gain == pytest.approx(0.04)
    assert few[1].best.value == "6"
    single = ranges(one, 10)[0]
    assert few[1].error == pytest.approx((single.error or 0) / 3**0.5)


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_the_best_value_is_the_ranking_s_not_the_luckiest_number(direction: str) -> None:
    bench = Bench(make_task(direction=direction, plausible={"max_step": 0.5}))
    sign = bench.task.sign
    begin(bench, metric=sign * 1.0)
    for number in range(3):
        bench.add("many", sign * 0.9, f"a{number}", base="base", delta={"LR": 0.3})
    bench.add("lucky", sign * 0.8995, base="base", delta={"LR": 0.28})
    bench.add("wonder", sign * 0.1, base="base", delta={"LR": 0.3, "DEPTH": 9})
    bench.add("broken", None, base="base", delta={"LR": 0.3, "DEPTH": 10})
    (one,) = (one for one in of(bench).constants if one.name == "LR")
    lucky, many = one.tried
    assert (lucky.value, lucky.rank, lucky.best) == ("0.28", 2, sign * 0.8995)
    assert (many.value, many.rank, many.best) == ("0.3", 1, sign * 0.9)
    # What waits to be confirmed comes after what ranks, and before what crashed.
    assert [i.split("/")[1] for i in many.results] == ["many-1", "wonder-5", "broken-6"]
    assert ranges(one, 1)[0].best == many
