"""The small pictures: what they show of numbers, and that no numbers of strangers break them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitcollab.faces.dashboard import curves, stairs
from gitcollab.faces.dashboard.plots import Scale, path, staircase, thinned
from gitcollab.faces.dashboard.replicates import strip
from gitcollab.swarm.maps.lineage import lineage
from gitcollab.swarm.ranking import standings
from tests.swarm.factories import Bench, digest

HEAD = "step,seconds,loss\n"


def spots(line: str) -> list[tuple[float, float]]:
    assert re.fullmatch(r"M[-0-9. e]+(L[-0-9. e]+)*", line)
    parts = (part.split(" ") for part in line[1:].split("L"))
    return [(float(x), float(y)) for x, y in parts]


def test_scale() -> None:
    scale = Scale(10, 20, 100, 0)
    assert [scale(v) for v in (10, 15, 20, 99, -1e300)] == [100, 50, 0, 0, 100]
    assert Scale(1, 1, 0, 10)(1) == 5


def test_paths() -> None:
    assert path([(1.0, 2.5), (3.0, 4.0)]) == "M1 2.5L3 4"
    assert staircase([(1.0, 2.5), (3.0, 4.0)]) == "M1 2.5H3V4"


def test_thinned_keeps_the_ends() -> None:
    points = [(float(n), 0.0) for n in range(1000)]
    kept = thinned(points, 10)
    assert (len(kept), kept[0], kept[-1]) == (10, points[0], points[-1])
    assert thinned(points[:10], 10) == points[:10]


def test_a_curve_is_read() -> None:
    text = HEAD + "20,2.5,3.0\n10,1.5,4.0\n30,,2.0\n"
    assert curves.read(text) == [(10, 1.5, 4.0), (20, 2.5, 3.0), (30, None, 2.0)]


@pytest.mark.parametrize(
    "text",
    [
        None, "", "\0", HEAD, "1,2\n", "1,2,3,4\n", "a,b,c\n", "nan,1,1\n", "1,1,inf\n",
        "1,1,1e99\n", "-1,1,1\n", "1,-1,1\n", '"1,1,1\n', "1e400,1,1\n", "<script>,1,1\n",
        "x" * 200_000,
    ],
)  # fmt: skip
def test_what_is_no_curve_gives_no_points(text: str | None) -> None:
    assert curves.read(text) == []
    assert curves.picture(curves.read(text), []) is None


def test_a_curve_is_read_up_to_a_bound() -> None:
    assert len(curves.read("".join(f"{n},{n},1\n" for n in range(9_000)))) == 5_000


def test_a_curve_beside_its_base() -> None:
    mine = curves.read(HEAD + "".join(f"{n},{n / 2},{3 + 5 / n}\n" for n in range(1, 101)))
    base = curves.read(HEAD + "".join(f"{n},{n / 2},{4 + 5 / n}\n" for n in range(1, 101)))
    picture = curves.picture(mine, base)
    assert picture is not None
    assert picture.unit == "seconds"
    assert [line.name for line in picture.lines] == ["line-base", "line"]
    ends = [spots(line.path)[-1] for line in picture.lines]
    assert ends[0][0] == ends[1][0]
    assert ends[0][1] < ends[1][1]  # a higher loss lies higher up
    assert picture.says == "The loss of this run ends at 3.05, that of its base at 4.05"
    # The steep beginning would squeeze all else: it is left out of both.
    assert float(picture.up[-1].text) < 6
    assert spots(picture.lines[1].path)[0][0] > 60


def test_steps_are_shown_where_a_time_is_missing() -> None:
    mine = curves.read("1,1,3\n2,2,2\n")
    assert curves.picture(mine, curves.read("1,,3\n9,,2\n")).unit == "steps"  # type: ignore[union-attr]
    alone = curves.picture(mine, curves.read("1,1,1\n"))
    assert alone is not None
    assert [line.name for line in alone.lines] == ["line"]


numbers = st.floats() | st.integers().map(float) | st.sampled_from([0.0, 1e12, -1e12, 1e-300])


@given(
    st.lists(st.tuples(numbers, st.none() | numbers, numbers)),
    st.lists(st.tuples(numbers, numbers)),
)
def test_any_numbers_make_a_picture_that_stays_inside(
    mine: list[tuple[float, float | None, float]], base: list[tuple[float, float]]
) -> None:
    text = "".join(f"{a},{'' if b is None else b},{c}\n" for a, b, c in mine)
    picture = curves.picture(
        curves.read(text), curves.read("".join(f"{a},1,{b}\n" for a, b in base))
    )
    for line in picture.lines if picture else ():
        for x, y in spots(line.path):
            assert 0 <= x <= curves.WIDE
            assert 0 <= y <= curves.HIGH


def test_a_strip_of_runs() -> None:
    bench = Bench()
    bench.add("base", 1.005, base_fingerprint=digest("base"))
    mine = bench.add("a", 1.0, "vega", base="base")
    bench.add("a", 1.002, "lyra", base="base", replicates=mine.id)
    where = standings(bench.task, bench.results)
    group = where.group_of(mine)
    assert group is not None
    found = strip(mine, bench.results[1:], group, where.base_of(mine))
    assert found.mine is not None
    assert len(found.others) == 1
    assert found.mine[0] < found.mean < found.others[0][0] < (found.base or 0)
    assert found.low < found.mean < found.high
    far = strip(mine, bench.results[1:], group, None)
    assert far.base is None


@given(st.lists(st.floats(-1e100, 1e100), min_size=2, max_size=9), st.floats(-1e100, 1e100))
def test_any_metrics_make_a_strip(metrics: list[float], base: float) -> None:
    bench = Bench()
    bench.add("base", base, base_fingerprint=digest("base"))
    for metric in metrics:
        bench.add("a", metric, base="base")
    where = standings(bench.task, bench.results)
    group = where.group_of(bench.results[1])
    assert group is not None
    found = strip(bench.results[1], bench.results[1:], group, where.base_of(bench.results[1]))
    for x in (found.mean, found.low, found.high, *(x for x, _ in found.others)):
        assert 0 <= x <= 440


def line(bench: Bench) -> list[stairs.Picture]:
    where = standings(bench.task, bench.results)
    assert where.best is not None
    return stairs.pictures(lineage(where, where.best).links)


def test_a_staircase_for_each_shape_of_screen() -> None:
    bench = Bench()
    bench.add("base", 1.0, base_fingerprint=digest("base"))
    bench.add("a", 0.9, base="base")
    bench.add("b", 0.7, base="a")
    broad, narrow = line(bench)
    assert (broad.shape, narrow.shape) == ("broad", "narrow")
    assert [dot.number for dot in broad.dots] == [1, 2, 3]
    assert broad.dots[0].y < broad.dots[1].y < broad.dots[2].y  # lower is better
    assert {label.text for label in broad.labels} == {"1  base", "2  a", "3  b"}
    assert narrow.labels == []
    assert broad.dots[2].says == "3: 0.700000, b"


def test_one_program_is_no_staircase() -> None:
    bench = Bench()
    bench.add("base", 1.0)
    assert line(bench) == []


def test_a_long_line_is_thinned_with_its_ends_and_labels_do_not_meet() -> None:
    bench = Bench()
    bench.add("p0", 2.0, base_fingerprint=digest("p0"))
    for n in range(1, 400):
        bench.add(f"p{n}", 2.0 - n / 250, base=f"p{n - 1}", description=f"MATRIX_LR to {n}")
    broad, narrow = line(bench)
    assert len(broad.dots) <= 120
    assert (broad.dots[0].number, broad.dots[-1].number) == (1, 400)
    assert len(narrow.numbered) < 20
    boxes = [
        (one.x if one.anchor == "start" else one.x - 6 * len(one.text), one.y, 6 * len(one.text))
        for one in broad.labels
    ]
    assert len(boxes) > 3
    for n, (x, y, wide) in enumerate(boxes):
        for other, level, its in boxes[:n]:
            assert abs(y - level) >= 12 or x >= other + its or other >= x + wide
