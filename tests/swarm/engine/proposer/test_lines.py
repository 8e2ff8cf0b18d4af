"""The constants of programs, along their lines of bases."""

from __future__ import annotations

from gitcollab.swarm.engine.proposer.lines import Line, Lines
from gitcollab.swarm.ranking import standings
from tests.swarm.factories import Bench, digest

NAMES = frozenset({"A", "B"})


def line(bench: Bench, program: str, baseline: str | None = "base") -> Line:
    known = digest(baseline) if baseline else None
    where = standings(bench.task, bench.results, baseline=known)
    return Lines(where, {"A": 1, "B": 2}, NAMES).of(digest(program))


def test_changes_are_followed_from_the_tasks_program(bench: Bench) -> None:
    bench.add("base", 1.0)
    bench.add("one", 1.0, base="base", delta={"A": 3, "OTHER": 5})
    bench.add("two", 1.0, base="one", delta={"B": 4})
    assert line(bench, "base").values == {"A": 1, "B": 2}
    assert line(bench, "two") == Line("", {"A": 3, "B": 4})


def test_a_program_that_was_never_run_is_the_tasks_where_it_is(bench: Bench) -> None:
    bench.add("one", 1.0, base="base", delta={"A": 3})
    assert line(bench, "one").values == {"A": 3, "B": 2}
    assert line(bench, "one", baseline="another").values == {"A": 3}


def test_a_change_of_more_than_constants_begins_a_structure(bench: Bench) -> None:
    bench.add("base", 1.0)
    bench.add("new", 1.0, base="base", delta={"A": 3}, structural=True)
    bench.add("newer", 1.0, base="new", delta={"B": 4})
    expected = Line(digest("new"), {"A": 3, "B": 4}, digest("base"))
    assert line(bench, "newer") == expected


def test_the_first_run_says_how_a_program_was_made(bench: Bench) -> None:
    bench.add("base", 1.0)
    first = bench.add("one", 1.0, base="base", delta={"A": 3})
    bench.add("one", 1.0, "mallory", base="base", delta={"A": 9}, replicates=first.id)
    assert line(bench, "one").values["A"] == 3


def test_circles_and_long_lines_end(bench: Bench) -> None:
    bench.add("x", 1.0, base="y", delta={"A": 3})
    bench.add("y", 1.0, base="x", delta={"B": 4})
    assert line(bench, "x").values["A"] == 3
    bench.add("p0", 1.0)
    one = bench.add("p1", 1.0, base="p0", delta={"A": 5})
    for n in range(2, 3000):
        made = {"id": f"nova/p{n}-x", "fingerprint": digest(f"p{n}"), "base": None}
        bench.results.append(one._replace(base_fingerprint=digest(f"p{n - 1}"), **made))
    assert line(bench, "p2999", baseline="p0").values == {"A": 5, "B": 2}
