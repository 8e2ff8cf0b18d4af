"""``progress.svg``, the picture of a search: every experiment by what became of it, and the best.

One file that is readable on light and dark pages, on a wide screen and on a phone, without scripts,
fonts or anything else from elsewhere. A pure function of the standings: same records, same bytes.
Dots are lines of no length with round or square ends, which is the shortest way to write many.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import TypeAlias

from gitcollab.faces.drawing import STYLE, label, text, tidy
from gitcollab.faces.labels import cut, width
from gitcollab.faces.numbers import count, number
from gitcollab.faces.plot import (
    BOTTOM,
    FLOOR,
    HEIGHT,
    RIGHT,
    TOP,
    WIDTH,
    Plot,
    Shape,
    Spot,
    plot,
)
from gitcollab.records.models import Task
from gitcollab.records.quoting import blanked
from gitcollab.swarm.progress import Progress
from gitcollab.swarm.ranking import Standings
from gitcollab.swarm.views import shortened

CHART = "progress.svg"
NOTHING = "Nothing is measured yet."
EMPTY = 140  # the height of a picture without experiments
MANY = 100  # changes of the best; more are drawn smaller
START = 28  # where lines of text begin

Form: TypeAlias = Callable[[int, int], str]


def _point(x: int, y: int) -> str:
    return f"M{x} {y}h0"


# How a dot of each shape is written, in the order of drawing. What has a rim or is hollow is drawn
# twice, the second time narrower.
_FORMS: dict[Shape, Form] = {
    "discard": _point,
    "noise": _point,
    "rerun": _point,
    "unjudged": _point,
    "unconfirmed": lambda x, y: f"M{x} {y - 5}l5 5-5 5-5-5z",
    "uncounted": lambda x, y: f"M{x} {y - 4}v8",
    "crash": lambda x, y: f"M{x - 4} {y - 4}l8 8m0-8l-8 8",
    "keep": _point,
    "above": lambda x, y: f"M{x} {y - 4}l4 7h-8z",
    "below": lambda x, y: f"M{x} {y + 4}l4-7h-8z",
    "lead": _point,
}
_TWICE = ("discard", "noise", "lead")
_WORDS: dict[Shape, str] = {
    "lead": "best",
    "keep": "kept",
    "discard": "discarded",
    "noise": "within noise",
    "unconfirmed": "to be confirmed",
    "rerun": "another run",
    "unjudged": "not compared",
    "uncounted": "not counted",
    "crash": "crashed",
    "above": "off the scale",
}


def chart(where: Standings, search: Progress) -> bytes:
    """The picture of a search as SVG."""
    drawn = plot(where, search)
    high = HEIGHT if search.runs else EMPTY
    parts = [
        _opening(high),
        f'<title id="progress-title">Progress of {tidy(where.task.name)}</title>',
        f'<desc id="progress-desc">{tidy(" ".join(_told(where, search)))}</desc>',
        f"<style>{STYLE}</style>",
        f'<rect class="ground" x=".5" y=".5" width="{WIDTH - 1}" height="{high - 1}" rx="6"/>',
        *_heading(where, search),
        *(_body(search, drawn) if search.runs else _nothing(NOTHING, EMPTY - 40)),
        "</svg>",
    ]
    return ("\n".join(parts) + "\n").encode()


def _opening(high: int) -> str:
    named = 'role="img" aria-labelledby="progress-title progress-desc"'
    size = f'width="{WIDTH}" height="{high}" viewBox="0 0 {WIDTH} {high}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {named}>'


def _nothing(words: str, y: int) -> Iterator[str]:
    yield text("under middle", WIDTH // 2, y, words)


def _body(search: Progress, drawn: Plot) -> Iterator[str]:
    """All below the heading."""
    yield from _axes(drawn)
    yield from _drawing(drawn)
    yield from _labels(drawn)
    yield from _legend(search, drawn, small=False)
    yield from _legend(search, drawn, small=True)


def _told(where: Standings, search: Progress) -> Iterator[str]:
    """What a screen reader says of the picture."""
    if not search.runs:
        yield NOTHING
        return
    crashed = sum(run.status != "ok" for run in search.runs)
    yield f"{count(len(search.runs), 'experiment')}, {crashed} of them crashed."
    if search.steps:
        first, *others = search.compared
        last = search.steps[-1]
        yield (
            f"The best {where.task.metric.name} ({_better(where.task)}) went from "
            f"{number(first.value)} to {number(last.value)}{on_tier(search)} in "
            f"{count(sum(step.new for step in others), 'change')} of the program."
        )
        found = where.credit.finders[last.program.fingerprint]
        yield f"It was found by {found.agent}: {shortened(found.description)}"


def on_tier(search: Progress) -> str:
    """On which tier the best went as is said; "" where there is one only."""
    tiers = {step.program.tier for step in search.steps}
    return f" on tier {search.steps[-1].program.tier}" if len(tiers) > 1 else ""


def _better(task: Task) -> str:
    return "lower is better" if task.sign > 0 else "higher is better"


def _heading(where: Standings, search: Progress) -> Iterator[str]:
    """What is searched, on the left; the best, on the right."""
    task, x = where.task, START
    metric = f"{task.metric.name} ({task.metric.unit})" if task.metric.unit else task.metric.name
    for screen, title, under, wide in (("wide", 20, 13, 500), ("small", 28, 20, 470)):
        yield text(f"title {screen}", x, 40, cut(blanked(task.name), title, wide))
        said = f"{cut(blanked(metric), under, wide / 2)}, {_better(task)}"
        yield text(f"under {screen}", x, 70, said)
    if search.steps:
        yield text("figure end", RIGHT, 42, number(search.steps[-1].value))
        yield text("under end", RIGHT, 70, f"best of {count(len(search.runs), 'experiment')}")


def _axes(drawn: Plot) -> Iterator[str]:
    lines = "".join(f"M{drawn.left} {y}H{RIGHT}" for y, _ in drawn.up)
    if lines:
        yield f'<path class="grid" d="{lines}"/>'
    yield f'<path class="axis" d="M{drawn.left} {FLOOR}H{RIGHT}"/>'
    for y, name in drawn.up:
        yield text("end", drawn.left - 8, y + 5, name)
    for x, name in drawn.across:
        last = x > RIGHT - 24  # there is no room beyond the axis
        yield text("end" if last else "middle", RIGHT + 12 if last else x, FLOOR + 22, name)
    if not drawn.up:
        yield from _nothing("No number is measured yet.", (TOP + BOTTOM) // 2)


def _drawing(drawn: Plot) -> Iterator[str]:
    """The dots, and the line of the best: over most of them, under what was kept."""
    for shape, form in _FORMS.items():
        if shape == "keep" and drawn.line:
            yield f'<path class="line" d="{_path(drawn.line)}"/>'
        if spots := drawn.dots.get(shape):
            path = "".join(form(x, y) for x, y in spots)
            dots = _once_or_twice(shape, path, f"progress-{shape}")
            many = shape == "lead" and len(spots) > MANY
            yield f'<g class="many">{dots}</g>' if many else dots


def _once_or_twice(shape: Shape, path: str, name: str) -> str:
    if shape not in _TWICE:
        return f'<path class="{shape}" d="{path}"/>'
    outer = f'<g class="{shape}"><path id="{name}" d="{path}"/></g>'
    return f'{outer}<use class="in-{shape}" href="#{name}"/>'


def _path(line: Sequence[Spot]) -> str:
    """A line of level and upright pieces."""
    first = f"M{line[0][0]} {line[0][1]}"
    return first + "".join(
        f"H{x}" if y == before else f"V{y}" for (_, before), (x, y) in pairwise(line)
    )


def _labels(drawn: Plot) -> Iterator[str]:
    for size, screen in ((12, "wide"), (20, "small")):
        yield from (label(one, size, screen) for one in drawn.labels[size])


def _legend(search: Progress, drawn: Plot, *, small: bool) -> Iterator[str]:
    """What the shapes mean, in rows; with how many there are where all are drawn."""
    size, high, screen = (20, 28, "small") if small else (12, 22, "wide")
    x, y = START, 460 if small else 466
    yield f'<g class="{screen}">'
    for shape, words in _items(search, drawn, small):
        wide = round((30 if shape == "lead" else 18) + width(words, size))
        if x + wide > RIGHT:
            x, y = START, y + high
        at = x + 6, y - round(size * 0.35)
        if shape == "lead":
            yield f'<path class="line" d="M{x} {at[1]}h24"/>'
            at = x + 12, at[1]
        yield _once_or_twice(shape, _FORMS[shape](*at), f"progress-{screen}-{shape}")
        yield text("", x + (30 if shape == "lead" else 17), y, words)
        x += wide + 10
    yield "</g>"


def _items(search: Progress, drawn: Plot, small: bool) -> Iterator[tuple[Shape, str]]:
    shown = dict(drawn.shown)
    shown["above"] = shown.get("above", 0) + shown.pop("below", 0)
    whole = sum(shown.values()) == len(search.runs) and not small
    for shape, words in _WORDS.items():
        if shape == "lead" and drawn.line:
            yield shape, words
        elif shown.get(shape):
            yield shape, f"{words} {shown[shape]:,}" if whole else words
