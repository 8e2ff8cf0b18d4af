"""How pages say numbers, times and strangers' words: the filters of the templates."""

from __future__ import annotations

from datetime import UTC, datetime

from gitcollab.faces.numbers import number
from gitcollab.records.quoting import blanked
from gitcollab.swarm.views import shortened

MARKS = {
    "keep": "keep",
    "discard": "discard",
    "noise": "within noise",
    "crash": "crash",
    "unconfirmed": "to be confirmed",
    "rerun": "another run",
    "unjudged": "no base to compare",
    "uncounted": "does not count",
}


def metric(value: float | None) -> str:
    """A metric, if there is one."""
    return "–" if value is None else number(value)


def signed(value: float) -> str:
    """A difference, with its sign; a small one in the decimals of what it is the difference of."""
    size = abs(value)
    return f"{'−' if value < 0 else '+'}{f'{size:.6f}' if 1e-5 < size < 1e-3 else metric(size)}"


def words(stranger: object, limit: int = 160) -> str:
    """A stranger's words on one line, without what acts or hides; the template escapes them."""
    return shortened(blanked(str(stranger)), limit)


def day(when: datetime | str) -> str:
    """A time to the minute, in UTC."""
    return f"{_time(when):%Y-%m-%d %H:%M}"


def span(seconds: float) -> str:
    """A length of time in its largest unit: 45 s, 12 min, 3 h, 5 days."""
    seconds = max(0.0, seconds)
    for size, unit in ((172_800, "days"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // (86_400 if unit == 'days' else size))} {unit}"
    return f"{int(seconds)} s"


def lasted(seconds: float) -> str:
    """How long a run took: 0.7 s, 59 s, 5 min."""
    return f"{seconds:.1f} s" if 0 < seconds < 10 else span(seconds)


def _time(when: datetime | str) -> datetime:
    return when if isinstance(when, datetime) else datetime.fromisoformat(when).astimezone(UTC)
