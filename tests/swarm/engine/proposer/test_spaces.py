"""The search spaces that tasks name."""

from __future__ import annotations

from itertools import islice
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from gitcollab.errors import UsageError
from gitcollab.records.models import Dimension
from gitcollab.similarity.constants import constants, edit
from gitcollab.similarity.literal import from_plain, spell
from gitcollab.swarm import presets
from gitcollab.swarm.engine.proposer.searching import moves
from gitcollab.swarm.engine.proposer.space import Axis, axes
from gitcollab.swarm.engine.proposer.trials import Seen
from gitcollab.swarm.ranking import standings
from tests.swarm.factories import Bench, digest


@pytest.mark.parametrize("name", presets.names())
def test_a_preset_searches_what_its_program_has(name: str) -> None:
    task, program = presets.preset(name)
    known = {name: one.value for name, one in constants(program.decode()).items()}
    assert task.space
    assert {axis.name for axis in axes(task.space, known)} == task.space.keys()


@pytest.mark.parametrize("name", presets.names())
def test_each_choice_of_a_preset_is_another_program(name: str) -> None:
    """What rounds to what the baseline has, or to what another choice has, would waste runs."""
    task, program = presets.preset(name)
    known = {name: one.value for name, one in constants(program.decode()).items()}
    assert task.space
    for one, dimension in task.space.items():
        choices = [from_plain(choice) for choice in dimension.choices or ()]
        models = [model({**known, one: choice}, CONTEXT[name]) for choice in choices]
        assert len(set(models)) == len(models), one
        if known[one] in choices:
            assert models.count(model(known, CONTEXT[name])) == 1, one


CONTEXT = {"micro": 768, "autoresearch": 2048}  # tokens


def model(values: dict[str, Any], context: int) -> tuple[object, ...]:
    """What train.py makes of the constants that it rounds; the others as they are."""
    depth, head, pattern = values["DEPTH"], values["HEAD_DIM"], values["WINDOW_PATTERN"]
    rows = max(1, round(values["TOTAL_BATCH_SIZE"] / context))
    on_device = min(values["DEVICE_BATCH_SIZE"], rows)
    rounded = {
        "ASPECT_RATIO": -(-depth * values["ASPECT_RATIO"] // head) * head,
        "WINDOW_PATTERN": [pattern[n % len(pattern)] for n in range(depth - 1)],
        "TOTAL_BATCH_SIZE": (on_device, max(1, round(rows / on_device))),
        "DEVICE_BATCH_SIZE": on_device,
    }
    return tuple(str((name, rounded.get(name, value))) for name, value in values.items())


def test_the_space_is_no_part_of_what_makes_results_comparable() -> None:
    task, _ = presets.preset("micro")
    other, _ = presets.preset("micro", ["space={DEPTH: {low: 1, high: 4}}"])
    none, _ = presets.preset("micro", ["space=null"])
    assert other.space == {"DEPTH": Dimension(low=1, high=4)}
    assert none.space is None
    assert task.digest == other.digest == none.digest


def test_one_dimension_is_set_by_its_name() -> None:
    task, _ = presets.preset("micro", ["space.DEPTH.high=4", "space.NEW={choices: [1, 2]}"])
    assert task.space
    assert task.space["DEPTH"] == Dimension(low=2, high=4)
    assert task.space["NEW"] == Dimension(choices=[1, 2])
    assert "MATRIX_LR" in task.space


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ("space={RATE: {low: 2, high: 1}}", "space.RATE: a dimension has low below high"),
        ("space={RATE: {low: 0, high: 1, log: true}}", "lies above 0"),
        ("space={RATE: {low: 1e-300, high: 1e+300, log: true}}", "between 1e-12 and 1e+12"),
        ("space={RATE: {low: -1.7e+308, high: 1.7e+308}}", "between 1e-12 and 1e+12"),
        ("space={RATE: {low: 5.0e-324, high: 1.0}}", "between 1e-12 and 1e+12"),
        ("space={RATE: {low: 0, high: 1000000000000000000000}}", "between 1e-12 and 1e+12"),
        ("space={RATE: {low: 1.0, high: 1.0000000000000002}}", "too close together"),
        ("space={RATE: {choices: [1, 2], low: 3}}", "not both"),
        ("space={RATE: {lo: 0, high: 1}}", "space.RATE.lo: there is no such field"),
        ("space={RATE: {choices: [1]}}", "at least two choices"),
        ("space=5", "space: it is to be a mapping"),
        ("space.DEPTH.hi=4", "a task has no field 'space.DEPTH.hi'"),
    ],
)
def test_a_bad_space_is_told_in_a_line(said: str, fault: str) -> None:
    with pytest.raises(UsageError) as caught:
        presets.preset("micro", [said])
    assert fault in caught.value.message
    assert "\n" not in caught.value.message


def axis(now: object, **dimension: object) -> Axis | None:
    found = axes({"X": Dimension.model_validate(dimension)}, {"X": now})  # type: ignore[dict-item]
    return found[0] if found else None


@pytest.mark.parametrize(
    ("now", "dimension"),
    [
        ("text", {"low": 1, "high": 2}),
        (True, {"low": 0, "high": 2}),
        (None, {"low": 0, "high": 2}),
        ((1, 2), {"low": 0, "high": 2}),
        (1e300, {"low": 0.1, "high": 2.0}),
        (10**200, {"low": 0.1, "high": 2.0}),
        (10**400, {"low": 0.1, "high": 2.0}),
        (0, {"low": 0.1, "high": 2.0, "log": True}),
        (0.5, {"choices": ["a", "b"]}),
        ("a", {"choices": [1, 2]}),
        (True, {"choices": [1, 2]}),
    ],
)
def test_a_value_of_another_kind_is_left_alone(now: object, dimension: dict[str, object]) -> None:
    assert axis(now, **dimension) is None


def test_a_constant_that_the_program_lacks_is_left_alone() -> None:
    assert axes({"X": Dimension(low=1, high=2)}, {"Y": 1}) == []


@pytest.mark.parametrize(
    ("now", "dimension", "place", "value"),
    [
        (0.5, {"low": 0.0, "high": 1.0}, 0.123456, "0.12"),
        (0.5, {"low": 0.0, "high": 1.0}, 7.0, "1.0"),
        (0.01, {"low": 0.001, "high": 1.0, "log": True}, 0.5, "0.0316"),
        (8, {"low": 1, "high": 12}, 0.5, "6"),
        (8.0, {"low": 1, "high": 12}, 0.5, "6.5"),
        (0.5, {"low": 0, "high": 1}, 0.25, "0.25"),
        (1.0, {"low": 0, "high": 1}, 0.25, "0.25"),
        (0, {"low": 0, "high": 1}, 0.25, "0"),
        (8, {"choices": [16, 2, 8, 4]}, 0.0, "2"),
        (8, {"choices": [16, 2, 8, 4]}, 0.7, "8"),
        ("b", {"choices": ["b", "a"]}, 1.0, "'a'"),
        ((1, 2), {"choices": [[1, 2], [3, 4]]}, 1.0, "(3, 4)"),
    ],
)
def test_places_become_values(
    now: object, dimension: dict[str, object], place: float, value: str
) -> None:
    found = axis(now, **dimension)
    assert found is not None
    assert repr(found.value(place)) == value
    assert found.place(found.now) is not None


@given(
    bounds=st.tuples(*[st.floats(-1e12, 1e12)] * 2).filter(lambda pair: pair[0] < pair[1]),
    log=st.booleans(),
    now=st.floats(allow_nan=False),
    place=st.floats(-2, 3),
)
@example((1e-12, 1e12), True, 5e-324, 1.0)
@example((-1e12, 1e12), False, 1.7e308, 0.0)
def test_no_bounds_that_a_task_may_have_break_a_search(
    bounds: tuple[float, float], log: bool, now: float, place: float
) -> None:
    low, high = bounds
    try:
        dimension = Dimension(low=low, high=high, log=log)
    except ValidationError:
        return
    found = Axis("X", dimension, now)
    where = found.place(now)
    assert where is None or -0.5 <= where <= 1.5
    value = found.value(place)
    assert isinstance(value, float)
    assert low <= value <= high


def test_a_choice_that_is_not_among_the_choices_is_not_suggested() -> None:
    found = axis("mine", choices=["a", "b"])
    assert found is not None
    assert found.place("mine") == 2.0
    assert found.place("theirs") is None


@pytest.mark.parametrize("name", presets.names())
def test_what_is_tried_on_the_real_program_is_a_program(name: str) -> None:
    task, program = presets.preset(name)
    assert task.space
    bench = Bench(task)
    data = {"dataset": task.dataset.sha256} if task.dataset and task.dataset.sha256 else {}
    bench.add("base", 1.0, environment=data)
    where = standings(task, bench.results, baseline=digest("base"))
    known = {name: one.value for name, one in constants(program.decode()).items()}
    along = axes(task.space, known)
    at = {one.name: one.now for one in along}
    view = Seen(where, where.drafts[digest("base"), "cpu"], at, along, at)
    moved = list(islice(moves(view, [], lambda _: False, 3), 150))
    assert {name for move in moved for name in move.values} == task.space.keys()
    for move in moved:
        values = {name: spell(value) for name, value in move.values.items()}
        text = edit(program.decode(), values)
        found = {name: one.value for name, one in constants(text).items()}
        for name, value in move.values.items():
            assert found[name] == value
            assert type(found[name]) is type(known[name])
        assert len(found) == len(known)
