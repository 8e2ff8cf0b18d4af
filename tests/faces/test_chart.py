"""The picture of a search."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from playwright.sync_api import Browser

from gitcollab.faces.axes import counted
from gitcollab.faces.chart import chart
from gitcollab.faces.labels import Label
from gitcollab.faces.plot import BOTTOM, LABELS, MOST_DOTS, RIGHT, TOP, plot
from gitcollab.records.quoting import blanked
from gitcollab.swarm.progress import progress
from gitcollab.swarm.ranking import Standings, standings
from tests.faces import searches
from tests.faces.searches import search, walk
from tests.faces.test_markdown import HOSTILE
from tests.swarm.factories import Bench, make_task

SVG = "{http://www.w3.org/2000/svg}"
BIDI = ["a \u202e b", "x\u2066y", "\ufffe\uffff", "&#x202e; &lt;b&gt; ]]> <![CDATA[ --> <!--"]


def drawn(where: Standings) -> bytes:
    return chart(where, progress(where))


def tree(where: Standings) -> ElementTree.Element:
    return ElementTree.fromstring(drawn(where))


def spots(picture: bytes, shape: str) -> list[tuple[int, int]]:
    """Where the dots of a shape are, but for the legend's."""
    found = re.findall(rf'class="{shape}"(?: d="|><path id="[^"]*" d=")([^"]*)"', picture.decode())
    return [(int(x), int(y)) for path in found[:1] for x, y in re.findall(r"M(\d+) (\d+)", path)]


def labels(where: Standings, size: int) -> list[Label]:
    return list(plot(where, progress(where)).labels[size])


def test_what_is_read_aloud() -> None:
    root = tree(search([1.0, 0.9, None, 0.95]))
    assert root.get("role") == "img"
    named = {e.get("id"): e.text or "" for e in root if e.tag in (f"{SVG}title", f"{SVG}desc")}
    title, told = (named[name] for name in (root.get("aria-labelledby") or "").split())
    assert title == "Progress of toy"
    assert told == (
        "4 experiments, 1 of them crashed. The best val_bpb (lower is better) went from 1.000000 "
        "to 0.900000 in 1 change of the program. It was found by nova: change 1"
    )


def test_numbers_of_two_tiers_are_not_held_against_each_other() -> None:
    bench = Bench()
    bench.add("base", 1.2)
    bench.add("base", 1.0, "vega", tier="large", replicates="nova/base-0")
    bench.add("good", 0.9, "lyra", base="base")
    bench.add("good", 0.8, "vega", base="base", tier="large", replicates="lyra/good-2")
    told = drawn(standings(bench.task, bench.results)).decode()
    assert "went from 1.000000 to 0.800000 on tier large in 1 change of the program" in told
    assert "It was found by lyra: good" in told


def test_what_is_written_at_the_top() -> None:
    written = "".join(tree(search([1.0, 1.2], make_task(direction="maximize"))).itertext())
    for words in ("toy", "val_bpb, higher is better", "1.200000", "best of 2 experiments"):
        assert words in written


def test_dots_by_what_became_of_them() -> None:
    bench = Bench(make_task(plausible={"min": 0.5}))
    bench.add("base", 1.0)
    for program, metric in (("a", 0.95), ("b", 1.05), ("c", 1.001), ("d", None), ("e", 0.4)):
        bench.add(program, metric, base="base")
    picture = drawn(standings(bench.task, bench.results))
    for shape in ("keep", "discard", "noise", "unjudged", "crash"):
        assert len(spots(picture, shape)) == 1
    for words in ("kept 1", "discarded 1", "within noise 1", "not compared 1", "crashed 1"):
        assert f">{words}</text>" in picture.decode()


def test_a_wonder_waits_in_a_shape_of_its_own() -> None:
    bench = Bench(make_task(plausible={"max_step": 0.1}))
    bench.add("base", 1.0)
    bench.add("wonder", 0.5, base="base")
    picture = drawn(standings(bench.task, bench.results))
    assert (len(spots(picture, "unconfirmed")), len(spots(picture, "keep"))) == (1, 0)
    assert ">to be confirmed 1</text>" in picture.decode()


def test_an_empty_hub_has_a_small_picture_that_says_so() -> None:
    picture = drawn(search([]))
    assert b">Nothing is measured yet.</text>" in picture
    assert len(picture) < 4000
    assert 'height="140"' in picture.decode()


def test_where_all_crashed_no_number_is_made_up() -> None:
    picture = drawn(search([None] * 30))
    assert b">No number is measured yet.</text>" in picture
    assert len(spots(picture, "crash")) == 30
    assert spots(picture, "lead") == []


@pytest.mark.parametrize("number", [40, 1500, 6000])
def test_every_step_of_the_best_is_drawn_however_many_results_there_are(number: int) -> None:
    where = search(walk(number))
    found = progress(where)
    shown, picture = plot(where, found), drawn(where)
    leads = [step for step in found.steps if step.new]
    wide, end = RIGHT - shown.left, counted(number).high
    expected = {int(shown.left + wide * step.number / end + 0.5) for step in leads}
    assert {x for x, _ in spots(picture, "lead")} == expected
    assert spots(picture, "lead")[-1][1] == max(y for _, y in spots(picture, "lead"))
    assert sum(shown.shown.values()) <= MOST_DOTS
    assert number > MOST_DOTS or sum(shown.shown.values()) == number


def test_counts_are_told_only_where_all_are_drawn() -> None:
    assert re.search(r">kept \d", drawn(search(walk(200))).decode())
    assert ">kept</text>" in drawn(search(walk(6000))).decode()


def test_the_line_follows_the_best_down_and_back_up() -> None:
    bench = Bench()
    bench.add("a", 0.900)
    bench.add("b", 0.890)
    bench.add("b", 0.920, agent="atlas")
    where = standings(bench.task, bench.results)
    heights = [y for _, y in plot(where, progress(where)).line]
    assert heights[0] == heights[-1] < max(heights)  # the picture's y grows downwards


def test_a_maximised_metric_climbs() -> None:
    where = search([1.0, 1.1, 1.2], make_task(direction="maximize"))
    heights = [y for _, y in plot(where, progress(where)).line]
    assert heights == sorted(heights, reverse=True)
    assert heights[0] > heights[-1]


@pytest.mark.parametrize("odd", [1e30, -1e30, 3.0, -3.0])
def test_outliers_stand_at_the_edge_and_squash_nothing(odd: float) -> None:
    calm, wild = (search([*walk(100, crashes=0), *more]) for more in ([1.0], [odd]))
    picture = drawn(wild)
    assert len(spots(picture, "above" if odd > 0 else "below")) == 1
    assert ">off the scale 1</text>" in picture.decode()
    before, after = (plot(where, progress(where)) for where in (calm, wild))
    assert before.up == after.up
    assert after.dots["keep"] == before.dots["keep"][:-1]


def test_what_was_drawn_stays_where_it_was_with_one_result_more() -> None:
    metrics = walk(121, crashes=0)
    before, after = (drawn(search(metrics[:number])) for number in (120, 121))
    for shape in ("keep", "discard", "noise", "lead"):
        assert spots(after, shape)[: len(spots(before, shape))] == spots(before, shape)


def test_the_size_is_bounded() -> None:
    assert len(drawn(search(walk(20_000)))) < 25_000


@pytest.mark.parametrize(
    "metrics",
    [
        [1 - n / 40_000 for n in range(20_000)],  # every one is the best
        [(-1) ** n * n / 100.0 for n in range(20_000)],
        [10.0 ** (n % 90) for n in range(20_000)],
    ],
)
def test_the_size_is_bounded_whatever_strangers_add(metrics: list[float]) -> None:
    assert len(drawn(search(metrics, text="\U0001f642" * 500))) < 40_000


ANY = st.lists(
    st.none() | st.floats(0.5, 1.5) | st.sampled_from([1e99, -1e99, 1e-99, 0.0, 1e300, 1.0]),
    max_size=30,
)


@settings(deadline=None)
@given(ANY, st.sampled_from(["minimize", "maximize"]), st.randoms(use_true_random=False))
def test_any_search_has_one_picture_in_any_order(
    metrics: list[float | None], direction: str, rng: random.Random
) -> None:
    where = search(metrics, make_task(direction=direction))
    runs = list(where.results.values())
    rng.shuffle(runs)
    picture = drawn(where)
    assert drawn(standings(where.task, runs)) == picture
    ElementTree.fromstring(picture)
    shown = plot(where, progress(where))
    for x, y in (*shown.line, *(spot for found in shown.dots.values() for spot in found)):
        assert shown.left <= x <= RIGHT
        assert TOP <= y <= BOTTOM + 16


def test_the_machine_does_not_show() -> None:
    code = (
        "from tests.faces.searches import search, walk\n"
        "from gitcollab.faces.chart import chart\nfrom gitcollab.swarm.progress import progress\n"
        "import hashlib, locale\nlocale.setlocale(locale.LC_ALL, '')\n"
        "where = search(walk(300))\n"
        "print(hashlib.sha256(chart(where, progress(where))).hexdigest())\n"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONHASHSEED": seed, "LC_ALL": language, "TZ": zone},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            check=True,
        ).stdout
        for seed, language, zone in (("0", "C", "UTC"), ("7", "C.UTF-8", "Asia/Tokyo"))
    }
    assert len(said) == 1


@pytest.mark.parametrize("hostile", [*HOSTILE, *BIDI, "x" * 500, "学習率" * 100, "\U0001f680" * 9])
def test_strangers_text_stays_text(hostile: str) -> None:
    calm, loud = (tree(search([1.0, 0.5], text=text)) for text in ("harmless", hostile))
    assert {e.tag for e in loud.iter()} == {e.tag for e in calm.iter()}
    attributes = {name for e in calm.iter() for name in e.attrib} | {"textLength", "lengthAdjust"}
    assert {name for e in loud.iter() for name in e.attrib} <= attributes
    shown = blanked(hostile)
    written = [
        e.text for e in loud.iter(f"{SVG}text") if (e.get("class") or "").startswith("label")
    ]
    assert written
    for text in written:
        assert text
        assert shown.replace("\uffff", " ").replace("\ufffe", " ").startswith(text.rstrip("…"))


def test_nothing_comes_from_elsewhere_and_nothing_acts() -> None:
    picture = drawn(search(walk(100), text="<script>x</script>")).decode()
    assert {e.tag.removeprefix(SVG) for e in ElementTree.fromstring(picture).iter()} <= {
        *("svg", "title", "desc", "style", "rect", "path", "text", "g", "use", "circle"),
    }
    assert all(target.startswith("#") for target in re.findall(r'href="([^"]*)"', picture))
    assert "url(" not in picture
    assert "@import" not in picture
    assert not re.search(r" on\w+=", picture)


@given(st.lists(st.floats(0.5, 1.5), min_size=1, max_size=60), st.integers(1, 60))
def test_labels_never_overlap(metrics: list[float], long: int) -> None:
    where = search(sorted(metrics, reverse=True), text="MW 学" * long)
    for size in LABELS:
        for one, other in combinations(labels(where, size), 2):
            assert not one.box.overlaps(other.box)
            assert not one.pole.overlaps(other.box)


def test_the_best_of_now_has_a_label_and_the_largest_gains_have_theirs() -> None:
    where = search([1.0, *(0.7 - n / 1000 for n in range(200))])
    for size in LABELS:
        texts = [label.text for label in labels(where, size)]
        assert texts[0] == "change 200"
        assert texts[1] == "change 1"


def test_long_descriptions_are_cut() -> None:
    (label, *_) = labels(search([1.0, 0.9], text="word " * 90), 12)
    assert label.text.endswith("…")
    assert len(label.text) < 60


BOXES = """() => [...document.querySelectorAll('text')]
  .filter(text => text.getBoundingClientRect().width)
  .map(text => [text.textContent, text.getBBox()])
  .map(([words, box]) => [words, box.x, box.y, box.x + box.width, box.y + box.height])"""


def hostile_search() -> Standings:
    """A better program with each text, now and then with letters that fonts draw very wide."""
    bench = Bench()
    for number, text in enumerate([*HOSTILE, "W" * 90, "\ufdfd" * 9, "\U0001242b" * 9, *HOSTILE]):
        bench.add(f"p{number}", 1 - number / 100, description=text)
    return standings(bench.task, bench.results)


@pytest.mark.parametrize("wide", [800, 380])
@pytest.mark.parametrize("made", [searches.real, hostile_search])
def test_in_a_browser_no_text_lies_on_another_or_leaves_the_picture(
    made: Callable[[], Standings], wide: int, tmp_path: Path, chromium: Browser
) -> None:
    if made is searches.real and not searches.REAL.exists():
        pytest.skip("the real session is not here")
    (tmp_path / "progress.svg").write_bytes(drawn(made()))
    page = chromium.new_page(viewport={"width": wide, "height": 600})
    page.goto((tmp_path / "progress.svg").as_uri())
    boxes = page.evaluate(BOXES)
    page.close()
    assert len(boxes) > 20
    for (one, *a), (other, *b) in combinations(boxes, 2):
        assert a[0] >= b[2] or b[0] >= a[2] or a[1] >= b[3] or b[1] >= a[3], (one, other)
    for text, left, _, right, bottom in boxes:
        assert left >= 0, text
        assert right <= 800, text
        assert bottom <= 500, text


@pytest.mark.parametrize(("scheme", "ground"), [("light", [255, 255, 255]), ("dark", [13, 17, 23])])
def test_in_a_browser_the_ground_follows_light_and_dark(
    scheme: str, ground: list[int], tmp_path: Path, chromium: Browser
) -> None:
    (tmp_path / "progress.svg").write_bytes(drawn(search([1.0, 0.9])))
    page = chromium.new_page(color_scheme="dark" if scheme == "dark" else "light")
    page.goto((tmp_path / "progress.svg").as_uri())
    fill = "getComputedStyle(document.querySelector('.ground')).fill"
    assert page.evaluate(fill) == f"rgb({ground[0]}, {ground[1]}, {ground[2]})"
    page.close()
