"""Building the dashboard: which pages there are, and how they get into their folder.

A folder is built again in place: what did not change is not touched, pages of what is gone are
removed. Only a folder that is empty, or was built before, is written into.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from gitcollab.errors import UsageError
from gitcollab.faces.dashboard import (
    agents,
    experiments,
    hypotheses,
    leaderboard,
    lineage,
    overview,
    results,
)
from gitcollab.faces.dashboard.facts import Facts

MARKER = ".gitcollab-dashboard.json"  # what was built there: the files, with their keys
Progress = Callable[[int, int], None]  # pages done, of how many


@dataclass(frozen=True)
class Built:
    """What was built: where, the number of its pages and files, how many were new or changed."""

    folder: Path
    results: int
    files: int
    written: int


def build(facts: Facts, out: Path, progress: Progress = lambda done, total: None) -> Built:
    """Build the dashboard of a hub in the folder ``out``.

    Raises UsageError where ``out`` holds something else.
    """
    before = _known(out)
    out.mkdir(parents=True, exist_ok=True)
    if not before:
        _write(out / MARKER, b"{}")  # a build that is cut off can be made again
    keys: dict[str, str] = {}
    written = 0
    for name, data in files(facts):
        keys[name] = ""
        written += _write(out / name, data)
    total = len(facts.paged)
    for done, page in enumerate(results.pages(facts), 1):
        keys[page.path] = page.key
        if before.get(page.path) != page.key or not (out / page.path).is_file():
            written += _write(out / page.path, page.make())
        progress(done, total)
    for name in sorted(before.keys() - keys.keys()):
        _remove(out, name)
    _write(out / MARKER, json.dumps(keys, indent=0, sort_keys=True).encode())
    return Built(out, len(facts.progress.runs), len(keys), written)


def files(facts: Facts) -> Iterator[tuple[str, bytes]]:
    """Every file of the dashboard but the pages of results, by its path in the folder."""
    yield from static().items()
    yield from overview.files(facts)
    yield from experiments.files(facts)
    yield from leaderboard.files(facts)
    yield from lineage.files(facts)
    yield from hypotheses.files(facts)
    yield from agents.files(facts)


def static() -> Mapping[str, bytes]:
    """The files that are the same for every hub: style, scripts, the chart library's licence."""
    folder = resources.files("gitcollab.faces.dashboard") / "static"
    return {
        f"static/{f.name}": f.read_bytes() for f in sorted(folder.iterdir(), key=lambda f: f.name)
    }


def _known(out: Path) -> Mapping[str, str]:
    """The files that were built there before, with the keys of those that are made as needed.

    Raises UsageError where something else is.
    """
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return {}
    try:
        found = json.loads((out / MARKER).read_bytes())
        keys = {str(n): str(found[n]) if isinstance(found, dict) else "" for n in found}
    except (OSError, ValueError, TypeError):
        raise UsageError(
            f"{out} holds something that is no dashboard",
            "give --out a new or empty folder",
        ) from None
    inside = out.resolve()
    return {n: key for n, key in keys.items() if (inside / n).resolve().is_relative_to(inside)}


def _remove(out: Path, name: str) -> None:
    """Remove a file that was built once, and its folders where nothing else is in them."""
    (out / name).unlink(missing_ok=True)
    for folder in list((out / name).parents)[: name.count("/")]:
        with suppress(OSError):
            folder.rmdir()


def _write(path: Path, data: bytes) -> bool:
    """Have the file hold ``data``; whether it did not."""
    try:
        if path.read_bytes() == data:
            return False
    except OSError:
        path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return True
