"""What this host's clock said when it learnt of the hub's states, and what that says of clocks."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple


class Sighting(NamedTuple):
    """What this host knows of a state of the hub, by its own clock."""

    seen: datetime | None = None  # when it learnt of it
    before: datetime | None = None  # when it last knew that the hub was in another
    ahead: timedelta = timedelta(0)  # how far the hub's clocks are ahead of ours, as far as proved


class Sightings:
    """Kept in the file ``path``, which can be deleted at any time.

    tip, known     the newest commit that is known, and when it became known here
    before         until when another was the newest, as far as was known then
    at             when the hub was last asked
    skew           seconds by which the hub's clocks are ahead of ours, as far as proved
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def pushed(self, tip: str, now: datetime) -> None:
        """We made the commit ``tip`` the hub's newest."""
        at = now.isoformat()
        self._write(self._read() | {"tip": tip, "known": at, "before": at})

    def fetched(self, tip: str, made: datetime, now: datetime) -> None:
        """The hub was asked: its newest commit is ``tip``, which says it was ``made`` then.

        A commit from our future proves that a clock is ahead of ours. One that is older than what
        we saw before it was there proves that its maker's clock is behind ours.
        """
        before = self._read()
        after = before | {"at": now.isoformat()}
        if before.get("tip") != tip:
            ahead = (made - now).total_seconds()
            seen = [t for name in ("at", "known") if (t := _time(before.get(name))) is not None]
            late = (made - max(seen)).total_seconds() if seen else 0.0
            skew = ahead if ahead > 0 else min(late, 0.0)
            last = max(seen).isoformat() if seen else None
            after |= {"tip": tip, "known": now.isoformat(), "before": last, "skew": skew}
        self._write(after)

    def of(self, tip: str) -> Sighting:
        """What is remembered of ``tip``."""
        fields = self._read()
        ahead = max(_span(fields.get("skew")), timedelta(0))
        if fields.get("tip") != tip:
            return Sighting(None, None, ahead)
        return Sighting(_time(fields.get("known")), _time(fields.get("before")), ahead)

    def asked(self) -> datetime | None:
        """When the hub was last asked."""
        return _time(self._read().get("at"))

    def skew(self) -> timedelta:
        """How far the hub's clocks are ahead of ours (negative: behind), as far as proved."""
        return _span(self._read().get("skew"))

    def _read(self) -> dict[str, Any]:
        try:
            fields = json.loads(self.path.read_bytes())
        except (OSError, ValueError):
            return {}
        return fields if isinstance(fields, dict) else {}

    def _write(self, fields: dict[str, Any]) -> None:
        with suppress(OSError):  # only clocks are judged by it
            self.path.write_text(json.dumps(fields))


def _span(seconds: object) -> timedelta:
    if isinstance(seconds, int | float) and abs(seconds) < 1e9:
        return timedelta(seconds=seconds)
    return timedelta(0)


def _time(text: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None
