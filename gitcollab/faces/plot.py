"""What the chart of a search shows and where: its dots, the line of the best, its labels.

Positions are whole units of the picture, and the axes end at round numbers: with one result more,
what was drawn before stays where it was, and the picture stays small. Of very many experiments
every second, fourth, eighth, ... is shown, and whatever changed the best.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice, pairwise
from typing import Literal, NamedTuple, TypeAlias

from gitcollab.faces.axes import Axis, counted, measured, spread
from gitcollab.faces.ground import Box, Ground
from gitcollab.faces.labels import Label, Wanted, cut, place, width
from gitcollab.records.quoting import blanked
from gitcollab.swarm.grouping import key_of
from gitcollab.swarm.progress import Mark, Progress, Step, mark_of
from gitcollab.swarm.ranking import Standings
from gitcollab.swarm.runs import Run

WIDTH, HEIGHT = 800, 500
LEFT, RIGHT, TOP, BOTTOM = 72, 772, 92, 396
FLOOR = 412  # what has no number lies between BOTTOM and here
MOST_DOTS = 1500
MOST_LEADS = 700
_MARGIN, _ROOM = 10, 44  # between the range and the plot's edges: on one side, on that of the best
_APART = 5  # what stands in one row at an edge is not drawn closer than this

# Sizes of type that labels are placed for: how many are tried, and how wide they may be.
LABELS = {12: (24, 260), 20: (6, 360)}

Spot: TypeAlias = tuple[int, int]
Tick: TypeAlias = tuple[int, str]  # where it is, and what is written there
Shape: TypeAlias = Mark | Literal["above", "below", "lead"]


class Plot(NamedTuple):
    """All that is drawn of a search, in units of the picture."""

    left: int  # where the axis across begins
    across: Sequence[Tick]
    up: Sequence[Tick]  # none while nothing is measured
    dots: Mapping[Shape, Sequence[Spot]]
    line: Sequence[Spot]  # corners of the line of the best
    shown: Mapping[Shape, int]  # how many experiments the dots stand for
    labels: Mapping[int, Sequence[Label]]  # by the size of their type


class _Drawn(NamedTuple):
    """An experiment that is drawn."""

    number: int
    run: Run
    mark: Mark


class _Frame:
    """From experiments and their numbers to places in the picture; ``down``: lower is better."""

    def __init__(self, experiments: int, up: Axis, down: bool) -> None:
        self.across, self.up, self.down = counted(experiments), up, down
        names = (width(name, max(LABELS)) for _, name in up.ticks)
        self.left = max(LEFT, round(max(names, default=0.0)) + 18)
        self._top = TOP + (_MARGIN if down else _ROOM)
        self._bottom = BOTTOM - (_ROOM if down else _MARGIN)

    def x(self, number: float) -> int:
        return int(self.left + (RIGHT - self.left) * number / self.across.high + 0.5)

    def y(self, value: float) -> int:
        part = (self.up.high - value) / (self.up.high - self.up.low)
        place = self._top + part * (self._bottom - self._top)
        return int(min(max(place, TOP), BOTTOM) + 0.5)

    def at(self, step: Step) -> Spot:
        return self.x(step.number), self.y(step.value)

    def beyond(self, value: float) -> Literal["above", "below"] | None:
        """Whether it is off the scale, and on which side."""
        if value > self.up.high:
            return "above"
        return "below" if value < self.up.low else None


def plot(where: Standings, search: Progress) -> Plot:
    """What is drawn of the search."""
    drawn = [_Drawn(number, run, mark_of(where, run)) for number, run in _chosen(search)]
    up = _range(where, drawn, search.steps)
    frame = _Frame(len(search.runs), up, where.task.sign > 0)
    dots, shown = _dots(drawn, frame)
    dots["lead"] = _leads(search.steps, frame)
    line = _line(search, frame)
    ground = _ground(dots, line)
    wanted = list(islice(_wanted(search.steps, frame), max(most for most, _ in LABELS.values())))
    return Plot(
        left=frame.left,
        across=[(frame.x(value), name) for value, name in frame.across.ticks],
        up=[(frame.y(value), name) for value, name in up.ticks],
        dots=dots,
        line=line,
        shown=shown,
        labels={size: _labels(wanted, size, frame, ground) for size in LABELS},
    )


def _chosen(search: Progress) -> Iterator[tuple[int, Run]]:
    """The experiments that are drawn, with their numbers.

    Beside every so many, those by which another program began to lead; but where these are so
    many that they fill the picture, the line of the best shows them.
    """
    leading = {step.number for step in search.steps if step.new}
    leading = leading if len(leading) <= MOST_LEADS else set()
    stride, room = 1, MOST_DOTS
    while len(search.runs) // stride > room:
        stride, room = 2 * stride, MOST_DOTS - len(leading)
    for number, run in enumerate(search.runs, 1):
        if number % stride == 0 or number in leading:
            yield number, run


def _range(where: Standings, drawn: Sequence[_Drawn], steps: Sequence[Step]) -> Axis:
    counts = (one.run.metric for one in drawn if one.mark not in ("crash", "uncounted"))
    values = [metric for metric in counts if metric is not None]
    leads = [step.value for step in steps]
    if not values and not leads:
        return Axis(0.0, 1.0, ())
    return measured(*spread(values or leads, leads, where.task.sigma))


def _dots(
    drawn: Iterable[_Drawn], frame: _Frame
) -> tuple[dict[Shape, Sequence[Spot]], Mapping[Shape, int]]:
    """Where there are dots, by shape, and how many experiments are of each."""
    shown: Counter[Shape] = Counter()
    spots: dict[Shape, dict[Spot, None]] = {}
    free: dict[Shape, int] = {}  # by what stands at an edge, where the next one may stand
    for number, run, mark in drawn:
        x, (shape, y) = frame.x(number), _spot(run.metric, mark, frame)
        shown[shape] += 1
        if y is None:
            if x < free.get(shape, 0):
                continue
            free[shape] = x + _APART
            y = {"above": TOP, "below": BOTTOM}.get(shape, FLOOR - 7)
        spots.setdefault(shape, {})[x, y] = None
    return {shape: list(found) for shape, found in spots.items()}, shown


def _spot(metric: float | None, mark: Mark, frame: _Frame) -> tuple[Shape, int | None]:
    """The shape of a dot and its height; None at an edge."""
    if mark == "crash" or metric is None or not frame.up.ticks:
        return mark, None
    beyond = frame.beyond(metric)
    return (beyond, None) if beyond else (mark, frame.y(metric))


def _line(search: Progress, frame: _Frame) -> list[Spot]:
    """The corners of the line, at most four in a column of the picture."""
    columns: dict[int, list[int]] = {}
    for x, y in map(frame.at, search.steps):
        columns.setdefault(x, []).append(y)
    corners: list[Spot] = []
    for x, ys in columns.items():
        if corners:
            corners.append((x, corners[-1][1]))
        passed = [ys[0], min(ys), max(ys), ys[-1]] if len(ys) > 2 else ys
        corners += [(x, y) for y in passed]
    if corners:
        corners.append((frame.x(len(search.runs)), corners[-1][1]))
    return [spot for at, spot in enumerate(corners) if at == 0 or spot != corners[at - 1]]


def _leads(steps: Sequence[Step], frame: _Frame) -> list[Spot]:
    """Where another program began to lead; of very many, the last in each column."""
    new = (step for step in steps if step.new and frame.beyond(step.value) is None)
    spots = list(dict.fromkeys(map(frame.at, new)))
    return spots if len(spots) <= MOST_LEADS else list(dict(spots).items())


def _wanted(steps: Sequence[Step], frame: _Frame) -> Iterator[Wanted]:
    for step in _notable(steps, frame.down):
        words = blanked(step.program.description)
        if words and frame.beyond(step.value) is None:
            yield Wanted(words, *frame.at(step))


def _notable(steps: Sequence[Step], down: bool) -> Iterator[Step]:
    """The changes of the best by how much they gained, the best of now before all."""
    sign, gains, named = 1 if down else -1, [], set()
    for at, step in enumerate(steps):
        gain = sign * (steps[at - 1].value - step.value) if at else 0.0
        if step.new and gain >= 0:
            gains.append((-gain, step.number, step))
    gains.sort(key=lambda found: found[:2])
    for step in (*[s for s in steps if s.new][-1:], *(step for _, _, step in gains)):
        if (key := key_of(step.program)) not in named:
            named.add(key)
            yield step


def _labels(wanted: Sequence[Wanted], size: int, frame: _Frame, ground: Ground) -> list[Label]:
    most, widest = LABELS[size]
    tried = (one._replace(text=cut(one.text, size, widest)) for one in wanted[:most])
    within = Box(frame.left + 2, TOP - 14, RIGHT + 8, BOTTOM)
    return place(tried, size, within, frame.down, ground)


def _ground(dots: Mapping[Shape, Iterable[Spot]], line: Sequence[Spot]) -> Ground:
    """What labels had better not cover, and the line, which they must not cross."""
    ground = Ground(HEIGHT)
    for spots in dots.values():
        for x, y in spots:
            ground.dot(Box(x - 4, y - 4, x + 4, y + 4))
    for (x1, y1), (x2, y2) in pairwise(line):
        ground.take(Box(x1 - 2, min(y1, y2) - 2, x2 + 2, max(y1, y2) + 2))
    return ground
