"""When: the simple windows of time that a question may name, reckoned from a clock.

Today and yesterday are days of UTC, as all times of records are.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TypeAlias

from gitcollab.records.models import rfc3339

_LENGTHS = {"minute": 1 / 24 / 60, "hour": 1 / 24, "day": 1, "week": 7, "month": 30}  # days
_MOST_DAYS = 100_000  # what is longer ago is before all records
_LONG = r"(?P<many>an?|one|\d{1,6})\s+(?P<unit>minute|hour|day|week|month)s?"
_LAST = r"(?:last|past)\s+(?:(?P<many>\d{1,6})\s+)?(?P<unit>minute|hour|day|week|month)s?"
_DATE = r"(?P<date>\d{4}-\d{2}-\d{2})"
_BEFORE = r"before|prior\s+to|until|till|up\s+to|(?:older|earlier)\s+than"
_SINCE = r"since|from|(?:newer|later|more\s+recent)\s+than"
# What stands before a time; what turns it, or tells something else of it, is not understood.
_HOW = (
    rf"(?:(?P<turned>(?:not|never)\s+)?(?:(?P<before>{_BEFORE})|(?P<since>{_SINCE})|(?P<after>after)"
    r"|in|of|on|during|over|within|earlier|later|(?P<other>between|by|as\s+of|not))\s+)?"
    r"(?:the\s+|this\s+)?"
)
_OR = (
    r"(?:\s+(?:or|and)\s+(?:(?P<earlier>before(?!\s+\w)|(?:earlier|older)\b(?!\s+than))"
    r"|(?P<later>after(?!\s+\w)|(?:later|newer)\b(?!\s+than))))?"
)
_OTHER = (
    r"(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day|january|february|april|june|july|august"
    r"|september|october|november|december|noon|midnight|this (?:morning|week|month)"
    r"|last (?:night|year)|tomorrow|\d{4}[-./]\d{1,2}[-./]\d{1,2}|\d{1,2}[-./]\d{1,2}[-./]\d{4})"
)
_Span: TypeAlias = tuple[datetime, datetime | None]  # when it begins, and when that day is over


@dataclass
class Window:
    """What is left of a text, and the times (RFC 3339) that it names; ``before`` is not within.

    ``missed`` are times that were not understood.
    """

    rest: str
    since: str | None = None
    before: str | None = None
    missed: list[str] = field(default_factory=list)

    def cut(self, pattern: str, read: Callable[[re.Match[str]], bool]) -> None:
        """Take what is as the pattern out of the text, where it can be read."""
        self.rest = re.sub(
            rf"(?<![\w-])(?:{pattern})(?![\w-])",
            lambda found: " " if read(found) else found[0],
            self.rest,
            flags=re.IGNORECASE,
        )


def taken(text: str, now: datetime) -> Window:
    """The window of time that a text names, and the text without it.

    Before, until and older than a day: before it begins. After it: when it is over.
    """
    window = Window(text)
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    day = timedelta(days=1)

    def ago(found: re.Match[str]) -> _Span:
        many = int(found["many"]) if (found["many"] or "").isdigit() else 1
        days = many * _LENGTHS[found["unit"].lower()]
        return now - timedelta(days=min(days, _MOST_DAYS)), None

    def dated(found: re.Match[str]) -> _Span | None:
        begins = _day(found["date"])
        return None if begins is None else (begins, begins + day)

    def cut(pattern: str, span_of: Callable[[re.Match[str]], _Span | None], how: str = "") -> None:
        def read(found: re.Match[str]) -> bool:
            span = None if found["turned"] or found["other"] else span_of(found)
            if span is None:
                window.missed.append(found[0].strip())
            else:
                _narrow(window, found, *span, now)
            return True

        window.cut(f"{how or _HOW}{pattern}{_OR}", read)

    older = r"(?P<before>more\s+than|over)|(?P<since>less\s+than|under|within)"
    none = r"(?P<after>(?!))?(?P<turned>(?!))?(?P<other>(?!))?"
    cut(rf"{_LONG}\s+ago", ago, rf"(?:{older})\s+{none}")
    cut(_LONG, ago, rf"(?:(?P<before>older\s+than)|(?P<since>newer\s+than))\s+{none}")
    cut(rf"{_LONG}\s+ago", ago)
    cut(_LAST, ago)
    cut(_DATE, dated)
    cut(r"yesterday(?:['’]s|\s+on\b)?", lambda _: (midnight - day, midnight))
    cut(r"today(?:['’]s)?", lambda _: (midnight, midnight + day))
    cut(_OTHER, lambda _: None)
    return window


def _narrow(
    window: Window, found: re.Match[str], begins: datetime, ends: datetime | None, now: datetime
) -> None:
    """Narrow a window as is said before and after a time."""
    if found["earlier"]:
        window.before = rfc3339(ends or begins)
    elif found["before"]:
        window.before = rfc3339(begins)
    elif found["after"]:
        window.since = rfc3339(ends or begins)
    else:
        window.since = rfc3339(begins)
        if not found["since"] and not found["later"] and ends is not None and ends <= now:
            window.before = rfc3339(ends)


def _day(text: str) -> datetime | None:
    try:
        day = date.fromisoformat(text)
        return datetime(day.year, day.month, day.day, tzinfo=UTC) if day.year > 1 else None
    except ValueError:
        return None
