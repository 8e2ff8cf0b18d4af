"""What took long to work out of a state of the hub, kept on this host until the state changes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from gitcollab.store.files import write_aside


class Answers:
    """Kept in the folder ``path``, a file a name; it can be deleted at any time."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def get(self, name: str, key: Callable[[], str], make: Callable[[], Any]) -> Any:
        """What ``make`` gave when it was last asked under this ``key``: plain JSON data.

        It is kept only where the key is still the same when it is known.
        """
        path, wanted = self.path / f"{name}.json", key()
        try:
            kept = json.loads(path.read_bytes())
            if kept["key"] == wanted:
                return kept["value"]
        except (OSError, ValueError, TypeError, KeyError):
            pass
        value = make()
        if key() == wanted:
            self._put(path, {"key": wanted, "value": value})
        return value

    def _put(self, path: Path, kept: Mapping[str, Any]) -> None:
        with suppress(OSError):  # a courtesy to the next who asks
            self.path.mkdir(exist_ok=True)
            write_aside(path, json.dumps(kept).encode())
