"""What is believed of programs, against the exact solution, and against who would mislead it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitcollab.records.models import Metric, Task
from gitcollab.swarm.engine import allocation
from gitcollab.swarm.engine.belief import HEARD, LOSS, SPREAD, beliefs
from gitcollab.swarm.ranking import Standings, standings
from gitcollab.swarm.runs import Run
from tests.swarm.factories import a_run, make_task

SIGMA = 0.002
TASK = make_task(sigma=SIGMA)


def run(
    number: int, program: int, base: int | None, value: float, agent: str, task: Task = TASK
) -> Run:
    """The ``number``-th run, of a program that was changed from ``base``."""
    changed_from = None if base is None else f"p{base}"
    return a_run(task, number, agent, f"p{program}", value, base_fingerprint=changed_from)


def stand(rows: Sequence[tuple[int, int | None, float, str]], task: Task = TASK) -> Standings:
    """The standings of runs (program, base, value, agent), oldest first."""
    return standings(task, [run(n, *row, task=task) for n, row in enumerate(rows)])


def exact(
    parents: Sequence[int | None], values: Sequence[Sequence[float]], sigma: float
) -> list[float]:
    """The expected true values: the normal equations of the whole tree, solved at once."""
    n = len(parents)
    precision, moment = np.zeros((n, n)), np.zeros(n)
    for i, (parent, seen) in enumerate(zip(parents, values, strict=True)):
        precision[i, i] += len(seen) / sigma**2
        moment[i] += sum(seen) / sigma**2
        if parent is not None:
            w = 1 / (SPREAD * sigma) ** 2
            precision[i, i] += w
            precision[parent, parent] += w
            precision[i, parent] -= w
            precision[parent, i] -= w
            moment[i] += w * LOSS * sigma
            moment[parent] -= w * LOSS * sigma
    return [float(x) for x in np.linalg.solve(precision, moment)]


@st.composite
def families(draw: st.DrawFn) -> list[tuple[int | None, list[float]]]:
    """Programs, oldest first: the base of each, and its runs; no step is far."""
    n = draw(st.integers(2, 9))
    found: list[tuple[int | None, list[float]]] = []
    for i in range(n):
        base = None if i == 0 else draw(st.integers(0, i - 1))
        count = draw(st.integers(1, 3))
        near = st.floats(-SIGMA / 2, SIGMA / 2)
        found.append((base, [0.9 + draw(near) for _ in range(count)]))
    return found


@settings(max_examples=60, deadline=None)
@given(families())
def test_is_the_exact_solution_on_a_tree(family: list[tuple[int | None, list[float]]]) -> None:
    rows = [
        (i, base, value, f"agent-{i}") for i, (base, seen) in enumerate(family) for value in seen
    ]
    where = stand(rows)
    found = beliefs(where, "large")
    expected = exact([b for b, _ in family], [s for _, s in family], where.noise.unchosen)
    for i, value in enumerate(expected):
        assert found[f"p{i}", "large"].mean == pytest.approx(value, abs=1e-9)


def test_children_that_do_worse_than_children_do_take_a_lucky_number_back() -> None:
    lucky = [(0, None, 0.900, "nova"), (1, 0, 0.896, "atlas")]
    children = [(n, 1, 0.9025, f"agent-{n}") for n in range(2, 10)]
    alone, known = stand(lucky), stand(lucky + children)
    assert beliefs(alone, "large")["p1", "large"].mean < 0.899
    assert beliefs(known, "large")["p1", "large"].mean > 0.8995
    leader = allocation.leader(known, "large")
    assert leader is not None
    assert leader.fingerprint == "p0"


def test_a_great_gain_is_believed_and_a_broken_child_says_nothing() -> None:
    rows = [(0, None, 0.9, "nova"), (0, None, 0.9, "atlas"), (1, 0, 0.7, "vega")]
    rows += [(n, 0, 3.0, f"agent-{n}") for n in range(2, 30)]
    where = stand(rows)
    found = beliefs(where, "large")
    assert found["p0", "large"].mean == pytest.approx(0.9, abs=1e-9)
    assert found["p1", "large"].mean == pytest.approx(0.7, abs=1e-9)


def test_no_agent_argues_a_program_away() -> None:
    """A flood of bad children by one agent moves a base as little as a few do."""
    honest = [(0, None, 0.9, "nova"), (0, None, 0.9, "atlas"), (0, None, 0.9, "vega")]
    bad = 0.9 + 3 * SIGMA
    few = stand([*honest, *((n, 0, bad, "mallory") for n in range(1, 1 + HEARD))])
    many = stand([*honest, *((n, 0, bad, "mallory") for n in range(1, 60))])
    moved = beliefs(many, "large")["p0", "large"].mean
    assert moved == pytest.approx(beliefs(few, "large")["p0", "large"].mean, abs=2e-4)
    assert moved < 0.9 + 1.5 * SIGMA


def test_what_an_agent_makes_often_is_believed_no_more_for_that() -> None:
    """The same lucky number says as much of an agent's tenth child as of another's first."""
    rows = [(0, None, 0.9, "nova"), *((n, 0, 0.9015, "vega") for n in range(1, 2 + HEARD))]
    lucky = len(rows)
    mine, others = ([*rows, (lucky, 0, 0.8955, agent)] for agent in ("vega", "atlas"))
    often, first = (beliefs(stand(of), "large")[f"p{lucky}", "large"].mean for of in (mine, others))
    assert often == pytest.approx(first, abs=5e-4)
    assert often > 0.897


def test_a_circle_of_bases_is_none() -> None:
    rows = [(0, 1, 0.9, "nova"), (1, 2, 0.9, "atlas"), (2, 0, 0.9, "vega"), (3, 3, 0.9, "lyra")]
    found = beliefs(stand(rows), "large")
    assert len(found) == 4
    assert all(math.isfinite(one.mean) and one.error > 0 for one in found.values())


def test_a_maximised_metric_is_mirrored() -> None:
    up = TASK.model_copy(update={"metric": Metric(name="score", direction="maximize")})
    rows = [(0, None, 0.900, "nova"), (1, 0, 0.902, "atlas"), (2, 1, 0.901, "vega")]
    mirrored = stand([(p, b, -v, a) for p, b, v, a in rows])
    found, other = beliefs(stand(rows, up), "large"), beliefs(mirrored, "large")
    for key, one in found.items():
        assert one.mean == pytest.approx(-other[key].mean, abs=1e-12)


def test_the_order_of_the_records_does_not_matter() -> None:
    rows = [
        (0, None, 0.9, "nova"),
        (1, 0, 0.899, "atlas"),
        (2, 1, 0.8985, "vega"),
        (1, 0, 0.9, "x"),
    ]
    runs = [run(n, *row) for n, row in enumerate(rows)]
    forwards, backwards = standings(TASK, runs), standings(TASK, runs[::-1])
    assert beliefs(forwards, "large") == beliefs(backwards, "large")


# -- what is run again -----------------------------------------------------------------------------


def wanted(where: Standings, claimed: dict[str, int] | None = None) -> list[str]:
    return [group.fingerprint for group in allocation.wanted(where, "large", claimed or {})]


def test_the_leader_is_run_again_until_two_agents_stand_behind_it() -> None:
    first = [(0, None, 0.900, "nova"), (0, None, 0.901, "atlas"), (1, 0, 0.895, "vega")]
    assert wanted(stand(first)) == ["p1"]
    assert wanted(stand(first), {"p1": 1}) == []
    assert wanted(stand([*first, (1, 0, 0.896, "lyra")])) == []
    own = [*first, (1, 0, 0.896, "vega")]
    assert wanted(stand(own)) == ["p1"]  # by its finder alone
    assert wanted(stand([*own, (1, 0, 0.896, "vega")])) == []


def test_what_cannot_be_the_best_is_not_run_again() -> None:
    rows = [(0, None, 0.900, "nova"), (0, None, 0.900, "atlas")]
    rows += [(n, 0, 0.902, f"agent-{n}") for n in range(1, 6)]
    assert wanted(stand(rows)) == []


PLAUSIBLE = TASK.model_copy(
    update={"plausible": TASK.plausible.model_copy(update={"max_step": 0.1})}
)


def test_wonders_wait_for_another_agent_each_agents_in_turn() -> None:
    rows = [(0, None, 0.900, "nova"), (0, None, 0.900, "atlas")]
    wonders = [(n, 0, 0.5, "mallory") for n in range(1, 40)]
    where = stand([*rows, *wonders, (40, 0, 0.7, "vega")], PLAUSIBLE)
    assert wanted(where)[:3] == ["p1", "p40", "p2"]
    assert {need.role for need in allocation.needs(where, "large", {})} == {"wonder"}
    assert wanted(where, {"p3": 1}) == ["p40"]  # one of mallory's is run


def test_what_fails_with_all_but_its_finder_is_neither_built_on_nor_run_again() -> None:
    rows = [(0, None, 0.900, "nova"), (0, None, 0.901, "atlas"), (1, 0, 0.890, "mallory")]
    crashed = [run(10 + n, 1, 0, 0.0, who) for n, who in enumerate(("nova", "atlas", "vega"))]
    crashed = [one._replace(status="crash", metric=None) for one in crashed]

    def led(failed: int, more: Sequence[tuple[int, int | None, float, str]] = ()) -> list[str]:
        runs = [run(n, *row) for n, row in enumerate([*rows, *more])]
        where = standings(TASK, [*runs, *crashed[:failed]])
        leader = allocation.leader(where, "large")
        assert leader is not None
        return [leader.fingerprint, *wanted(where)]

    assert led(1) == ["p1", "p1"]  # one alone may have crashed for its own reasons
    assert led(2) == led(3) == ["p0"]
    assert led(3, [(1, 0, 0.890, "vega")]) == ["p1"]  # two stand behind it
    own = [(1, 0, 0.890, "mallory")]
    assert led(2, own) == ["p0"]


def test_what_nobody_has_is_not_run_again() -> None:
    rows = [(0, None, 0.900, "nova"), (1, 0, 0.890, "mallory")]
    first, bare = (run(n, *row) for n, row in enumerate(rows))
    where = standings(TASK, [first, bare._replace(program=None)])
    assert wanted(where) == ["p0"]


def test_there_is_nothing_to_want_where_nothing_was_run() -> None:
    where = stand([])
    assert wanted(where) == []
    assert allocation.leader(where, "large") is None
