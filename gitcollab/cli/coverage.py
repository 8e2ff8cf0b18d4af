"""The verb that shows what was tried of the search space."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from gitcollab.cli import jsonout, mapsjson, render
from gitcollab.cli.app import THINK, Json, verb
from gitcollab.cli.context import open_swarm
from gitcollab.cli.strip import Axis
from gitcollab.cli.table import Column, cut, size, table, width
from gitcollab.cli.text import symbol

if TYPE_CHECKING:
    from gitcollab.records.models import Task
    from gitcollab.swarm.maps.coverage import Coverage, Explored, Worded
    from gitcollab.swarm.maps.ranges import Range

_STRIP = 21  # cells
_NAMES = 30  # constants that nobody touched, in words
_FEW = 4  # values that are listed
_LEAST_ROOM, _OTHERS = 14, 66  # cells that values have, and that the other columns need
_WIDEST = 40  # cells of a value


@verb(THINK, "gitcollab coverage", "gitcollab coverage MATRIX_LR")
def coverage(
    constant: Annotated[
        str | None, typer.Argument(metavar="NAME", help="One constant, value by value.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Rows in a table.")] = 24,
    json: Json = False,
) -> None:
    """Show what was tried of each constant, and what nobody touched.

    With the name of a constant, each value that it was set to, and what that gained over the
    program that was changed: a mean of the experiments that changed nothing else, with its standard
    error; "alone" counts these. What lies between the dots is within the noise of two single runs.
    Where there are more values than rows, neighbours are one row. Best is what ranks first: a
    better number of fewer runs may be luck. What is known by its words alone is not on this map; it
    says how many experiments that are.
    """
    swarm = open_swarm()
    found = swarm.coverage(constant)
    if json:
        return jsonout.emit(mapsjson.coverage(found))
    if constant is not None:
        return _tell_one(found, swarm.task, limit)
    return tell(found, limit)


def tell(found: Coverage, limit: int) -> None:
    """All constants, at most ``limit`` of those that were tried."""
    if not found.experiments:
        render.say("nobody has changed anything yet; begin with: gitcollab run --set NAME=VALUE")
    elif not found.constants:
        render.say(_of_what(found))
    else:
        render.say(_of_what(found))
        print()
        _overview(found.constants[:limit])
        if len(found.constants) > limit:
            render.say(f"... and {len(found.constants) - limit} more (--limit)")
    if found.untouched:
        print()
        rest = len(found.untouched) - _NAMES
        named = ", ".join(f"{name} {cut(now, 20)}" for name, now in found.untouched[:_NAMES])
        render.say("nobody has touched:", named, f"and {rest} more" if rest > 0 else "")
    if found.worded:
        told = [f"{w.name} ({render.count(w.experiments, 'experiment')})" for w in found.worded]
        more = f", and {len(told) - _NAMES} more" if len(told) > _NAMES else ""
        render.say("spoken of in words alone:", ", ".join(told[:_NAMES]) + more)
    if found.constants:
        render.say(f"next: gitcollab coverage {found.constants[0].name} (value by value)")


_COUNTS = (
    Column("keep", 5, "right"),
    Column("noise", 5, "right"),
    Column("discard", 7, "right", short="disc."),
    Column("crash", 5, "right"),
)


def _overview(found: Sequence[Explored]) -> None:
    rows = [_explored(one) for one in found]
    columns = (
        Column("constant", 26, least=17),
        Column("tried", 5, "right"),
        Column("values", max(size(values) for _, _, values, *_ in rows)),
        Column("in task", 12, least=6, drop=1),
        Column("in best", 12, least=11),
        *_COUNTS,
    )
    _table(columns, rows)


def _table(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
    """The table without counts that are nowhere: what nothing came to needs no room."""
    kept = [
        at for at, one in enumerate(columns) if one not in _COUNTS or any(row[at] for row in rows)
    ]
    table([columns[at] for at in kept], [[row[at] for at in kept] for row in rows])


def _of_what(found: Coverage) -> str:
    """How many experiments the map is of."""
    mapped = found.experiments - found.structural
    total = render.count(found.experiments, "experiment")
    more = found.structural - found.by_words
    told = [f"{mapped} of {total} set constants and nothing else"]
    told += [f"{more} changed more"] if more else []
    told += [f"{found.by_words} known by words alone"] if found.by_words else []
    return "; ".join(told)


def _explored(one: Explored) -> Sequence[str]:
    counts = [sum(t.kept for t in one.tried), sum(t.noise for t in one.tried)]
    counts += [sum(t.discarded for t in one.tried), sum(t.crashed for t in one.tried)]
    return (
        one.name,
        str(one.experiments),
        _values([t.value for t in one.tried]),
        one.baseline or "?",
        one.now or "?",
        *(str(count or "") for count in counts),
    )


def _values(values: Sequence[str]) -> str:
    """The values, or from where to where, or how many: what there is room for, and none is cut."""
    told = [", ".join(values)] if len(values) <= _FEW else []
    told += [f"{len(values)}: {values[0]} to {values[-1]}", render.count(len(values), "value")]
    room = max(_LEAST_ROOM, width() - _OTHERS)
    return next((one for one in told if size(one) <= room), told[-1])


def _tell_one(found: Coverage, task: Task, limit: int) -> None:
    """One constant: value by value, or why not."""
    for spoken in found.worded:
        _tell_worded(spoken)
    for name, value in found.untouched:
        render.say(f"{name} is {value} in the task's program, and nobody has changed it yet")
        render.say(f"next: gitcollab run --set {name}=VALUE")
    for one in found.constants:
        _tell_values(one, found.noise, task, limit)


def _tell_values(one: Explored, noise: float, task: Task, limit: int) -> None:
    from gitcollab.swarm.maps.ranges import ranges

    rows = ranges(one, limit)
    render.say(_where(one))
    print()
    _draw(one, rows, noise, task.metric.name)
    if any(row.transfers for row in rows):
        render.say(f"{symbol('⇄')} kept on two tiers or more")
    ranked = [row.best for row in rows if row.best.rank is not None]
    if ranked:
        best = min(ranked, key=lambda value: value.rank or math.inf)
        render.say(f"next: gitcollab show {render.short_id(best.results[0])} (the best of these)")


def _tell_worded(one: Worded) -> None:
    """A constant that words alone speak of."""
    spoken = render.count(one.experiments, "experiment")
    verb = "speaks" if one.experiments == 1 else "speak"
    render.say(
        f"{one.name} is {one.baseline} in the task's program; {spoken} {verb} of it, in words alone"
    )
    render.say(f"next: gitcollab show {render.short_id(one.results[0])} (the best of these)")


def _where(one: Explored) -> str:
    """A constant's values in the task's program and now, and how often it was tried."""
    values = render.count(len(one.tried), "value")
    task = f"{'not' if one.baseline is None else one.baseline} in the task's program"
    now = "not known in the best" if one.now is None else f"{one.now} in the best"
    said = ", as words say" if one.said else ""
    tried = f"{values} in {render.count(one.experiments, 'experiment')}"
    return f"{one.name}: {task}, {now}{said}; {tried}"


def _draw(one: Explored, rows: Sequence[Range], noise: float, metric: str) -> None:
    """A row for each value or range of values, with its gain on an axis."""
    gains = [(row.gain, row.error or 0.0) for row in rows if row.gain is not None]
    axis = Axis.of(gains, noise, _STRIP)
    left, right = f"-{axis.span:.2g}", f"+{axis.span:.2g}"
    columns = (
        Column("value", None, least=min(_WIDEST, max(size(_value(row)) for row in rows))),
        Column("tried", 5, "right"),
        Column("alone", 5, "right"),
        *_COUNTS,
        Column("gain", 11, "right"),
        Column(symbol("±"), 8, "right", drop=2),
        Column(left + right.rjust(_STRIP - len(left)), _STRIP, whole=True, drop=3),
        Column(f"best {metric}", 16, "right", short="best", drop=1),
    )
    _table(columns, [_range(row, one, axis) for row in rows])


def _value(row: Range) -> str:
    return row.first if row.values == 1 else f"{row.first} to {row.last}"


def _range(row: Range, one: Explored, axis: Axis) -> Sequence[str]:
    marks = {one.baseline: "task's", one.now: "best"}
    said = f" ({marks[row.first]})" if row.values == 1 and row.first in marks else ""
    return (
        f"{_value(row)}{said}",
        str(row.n),
        str(row.alone or ""),
        f"{row.kept} {symbol('⇄')}" if row.transfers else str(row.kept or ""),
        *(str(count or "") for count in (row.noise, row.discarded, row.crashed)),
        "" if row.gain is None else render.signed_figure(row.gain),
        "" if row.error is None else f"{row.error:.2g}",
        axis.strip(row.gain, row.error),
        render.figure(row.best.best),
    )
