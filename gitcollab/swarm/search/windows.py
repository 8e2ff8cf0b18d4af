"""When: the simple windows of time that a question may name, reckoned from a clock.

Today and yesterday are days of UTC, as all times of records are.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from gitcollab.records.models import rfc3339

_LENGTHS = {"minute": 1 / 24 / 60, "hour": 1 / 24, "day": 1, "week": 7, "month": 30}  # days
_MOST_DAYS = 100_000  # what is longer ago is before all records
_UNIT = "minute|hour|day|week|month"
_DATE = r"(\d{4}-\d{2}-\d{2})"
_IN = r"(?:(?:in|of|from|during|over|within|since)\s+)?(?:the\s+|this\s+)?"
_OTHER = (
    r"(?:mon|tues|wednes|thurs|fri|satur|sun)day|january|february|april|june|july|august"
    r"|september|october|november|december|noon|midnight|this (?:morning|week|month)"
    r"|last (?:night|year)|tomorrow|\d{4}-\d{2}-\d{2}"
)


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
    """The window of time that a text names, and the text without it."""
    window = Window(text)
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)

    def within(since: datetime | None, before: datetime | None = None) -> bool:
        window.since = rfc3339(since) if since is not None else window.since
        window.before = rfc3339(before) if before is not None else window.before
        return True

    def last(found: re.Match[str]) -> bool:
        days = int(found[1] or 1) * _LENGTHS[found[2].lower()]
        return within(now - timedelta(days=min(days, _MOST_DAYS)))

    def dated(found: re.Match[str]) -> bool:
        if (day := _day(found[2])) is None:
            return False
        how = found[1].lower()
        after = day + timedelta(days=1)
        if how in ("since", "from"):
            return within(day)
        return (
            within(None, day)
            if how in ("before", "until")
            else within(after if how == "after" else day, None if how == "after" else after)
        )

    def missed(found: re.Match[str]) -> bool:
        window.missed.append(found[0])
        return True

    window.cut(rf"(since|from|before|until|after|on)\s+{_DATE}", dated)
    window.cut(rf"{_IN}(?:last|past)\s+(?:(\d{{1,6}})\s+)?({_UNIT})s?", last)
    window.cut(rf"(?:(?:since|within)\s+)?(\d{{1,6}})\s+({_UNIT})s?\s+ago", last)
    day = timedelta(days=1)
    window.cut(r"(?:since|from) yesterday(?: on)?", lambda _: within(midnight - day))
    window.cut(r"(?:of |on )?yesterday(?:['’]s)?", lambda _: within(midnight - day, midnight))
    window.cut(r"(?:since |of )?today(?:['’]s)?", lambda _: within(midnight))
    window.cut(rf"(?:(?:since|before|until|after|on|in|during) )?(?:{_OTHER})", missed)
    return window


def _day(text: str) -> datetime | None:
    try:
        day = date.fromisoformat(text)
        return datetime(day.year, day.month, day.day, tzinfo=UTC) if day.year > 1 else None
    except ValueError:
        return None
