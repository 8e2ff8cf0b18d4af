"""How many experiments there were, day by day or hour by hour, as a small picture."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from gitcollab.faces.dashboard.facts import Facts

MAX_BARS = 60
HIGH, WIDE, GAP = 90.0, 600.0, 2.0
_BY_HOUR = timedelta(hours=48)  # a hub that is younger is shown by the hour


@dataclass(frozen=True)
class Bar:
    """The experiments of one day or hour: where it stands in the picture, and what it says."""

    x: float
    width: float
    high: float  # of all
    kept_high: float  # of those that were kept, in it
    title: str


@dataclass(frozen=True)
class Bars:
    """The picture: ``unit`` is day or hour; ``most`` is what the highest bar stands for."""

    unit: str
    bars: list[Bar]
    most: int
    first: str
    last: str


def bars(facts: Facts) -> Bars | None:
    """The newest ``MAX_BARS`` days (or hours) up to the last experiment; None without any."""
    until = facts.where.credit.newest or ""
    runs = [run for run in facts.progress.runs if run.created_at <= until]
    times = [(run, datetime.fromisoformat(run.created_at)) for run in runs]
    if not times:
        return None
    newest = times[-1][1]
    hourly = newest - times[0][1] < _BY_HOUR
    size = timedelta(hours=1) if hourly else timedelta(days=1)
    at = [(run, (when - datetime(1970, 1, 1, tzinfo=UTC)) // size) for run, when in times]
    last = at[-1][1]
    first = max(at[0][1], last - MAX_BARS + 1)
    every = Counter(slot for _, slot in at)
    kept = Counter(slot for run, slot in at if facts.marks[run.id] == "keep")
    most = max(every[slot] for slot in range(first, last + 1))
    step = WIDE / max(last - first + 1, 12)

    def bar(slot: int) -> Bar:
        title = f"{_name(slot, size)}: {every[slot]}, {kept[slot]} kept"
        high, kept_high = (round(HIGH * n / most, 1) for n in (every[slot], kept[slot]))
        return Bar(round((slot - first) * step, 2), round(step - GAP, 2), high, kept_high, title)

    found = [bar(slot) for slot in range(first, last + 1)]
    return Bars("hour" if hourly else "day", found, most, _name(first, size), _name(last, size))


def _name(slot: int, size: timedelta) -> str:
    when = datetime(1970, 1, 1, tzinfo=UTC) + slot * size
    return f"{when:%Y-%m-%d %H:00}" if size < timedelta(days=1) else f"{when:%Y-%m-%d}"
