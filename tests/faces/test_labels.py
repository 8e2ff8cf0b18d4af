"""Where labels find room, and how wide their text is taken to be."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitcollab.faces.ground import Box, Ground
from gitcollab.faces.labels import Wanted, cut, is_wild, place, width

PAGE = Box(0, 0, 400, 300)
TEXTS = st.text(max_size=40)


def empty() -> Ground:
    return Ground(300)


POINTS = st.lists(
    st.builds(
        Wanted,
        st.text("abc WM→学", min_size=1, max_size=30),
        st.integers(0, 400),
        st.integers(0, 300),
    ),
    max_size=25,
)


@given(POINTS, st.booleans(), st.sampled_from([10, 12, 20]))
def test_labels_lie_inside_and_never_on_each_other(
    wanted: list[Wanted], down: bool, size: int
) -> None:
    labels = place(wanted, size, PAGE, down, empty())
    assert all(PAGE.holds(label.box) for label in labels)
    for one, other in combinations(labels, 2):
        assert not one.box.overlaps(other.box)
        assert not one.pole.overlaps(other.box)
        assert not one.pole.overlaps(other.pole)


@given(POINTS)
def test_what_is_taken_stays_free_of_labels(wanted: list[Wanted]) -> None:
    wall = Box(150, 0, 250, 300)
    ground = empty()
    ground.take(wall)
    assert not any(label.box.overlaps(wall) for label in place(wanted, 12, PAGE, True, ground))
    assert ground.is_free(Box(0, 0, 100, 300))  # it stays as it was


def test_the_most_important_find_room_first() -> None:
    wanted = [Wanted(f"number {n} " + "x" * 9, 200, 150) for n in range(60)]
    placed = place(wanted, 12, PAGE, True, empty())
    assert [label.text for label in placed] == [one.text for one in wanted[: len(placed)]]
    assert 0 < len(placed) < 60


def test_texts_hang_where_the_search_goes_unless_there_is_no_room() -> None:
    (label,) = place([Wanted("x", 200, 150)], 12, PAGE, True, empty())
    assert label.box.top > 150
    (label,) = place([Wanted("x", 200, 150)], 12, PAGE, False, empty())
    assert label.box.bottom < 150
    (label,) = place([Wanted("x", 200, 295)], 12, PAGE, True, empty())
    assert label.box.bottom < 295


def test_dots_are_rather_not_covered() -> None:
    ground = empty()
    ground.dot(Box(150, 150, 200, 180))
    (label,) = place([Wanted("some words", 200, 150)], 12, PAGE, True, ground)
    assert ground.covered(label.box) == 0
    assert ground.covered(Box(150, 150, 200, 180)) == 1


@given(TEXTS, TEXTS)
def test_more_text_is_no_narrower(text: str, more: str) -> None:
    assert width(text + more, 12) >= width(text, 12)
    assert width(text, 24) == pytest.approx(2 * width(text, 12))


@given(TEXTS, st.floats(20, 300))
def test_what_is_cut_fits_and_is_the_beginning(text: str, most: float) -> None:
    shown = cut(text, 12, most)
    assert width(shown, 12) <= most
    assert text.startswith(shown.removesuffix("…"))
    assert shown == text or shown.endswith("…")


@pytest.mark.parametrize("text", ["學習率", "🚀", "﷽", "𒐫", "ﬃ⸻"])
def test_letters_of_unknown_width_are_told(text: str) -> None:
    assert is_wild(f"x {text}")


def test_plain_titles_are_not_squeezed() -> None:
    assert not is_wild("MATRIX_LR 0.04 → 0.05 (ReLU², β₁".removesuffix("₁") + ")")


def test_narrow_letters_take_less_than_broad_ones() -> None:
    sizes = [width(char * 10, 12) for char in "itsoAOW学"]
    assert all(a < b for a, b in pairwise(sizes))
