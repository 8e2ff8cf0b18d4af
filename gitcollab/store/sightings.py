"""What this host's clock said when it learnt of the hub's states, and what that says of clocks."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any


class Sightings:
    """Kept in the file ``path``, which can be deleted at any time.

    tip, known     the newest commit that is known, and when it became known here
    at             when the hub was last asked
    skew           seconds by which the hub's clocks are ahead of ours, as far as proved
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def pushed(self, tip: str, now: datetime) -> None:
        """We made the commit ``tip`` the hub's newest."""
        self._write(self._read() | {"tip": tip, "known": now.isoformat()})

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
            after |= {"tip": tip, "known": now.isoformat(), "skew": skew}
        self._write(after)

    def known_since(self, tip: str) -> datetime | None:
        """When this host learnt of ``tip``, if that is remembered."""
        fields = self._read()
        return _time(fields.get("known")) if fields.get("tip") == tip else None

    def asked(self) -> datetime | None:
        """When the hub was last asked."""
        return _time(self._read().get("at"))

    def skew(self) -> timedelta:
        """How far the hub's clocks are ahead of ours (negative: behind), as far as proved."""
        found = self._read().get("skew")
        return timedelta(seconds=found) if isinstance(found, int | float) else timedelta(0)

    def _read(self) -> dict[str, Any]:
        try:
            fields = json.loads(self.path.read_bytes())
        except (OSError, ValueError):
            return {}
        return fields if isinstance(fields, dict) else {}

    def _write(self, fields: dict[str, Any]) -> None:
        with suppress(OSError):  # only clocks are judged by it
            self.path.write_text(json.dumps(fields))


def _time(text: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None
