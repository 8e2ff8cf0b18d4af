"""Building the dashboard: which pages there are, and how they get into their folder.

A folder is built again in place: what did not change is not touched, pages of what is gone are
removed. Only a folder that is empty, or was built before, is written into.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from gitcollab.errors import UsageError
from gitcollab.faces.dashboard import experiments, leaderboard, overview
from gitcollab.faces.dashboard.facts import Facts

MARKER = ".gitcollab-dashboard.json"  # what was built there: the names of the files
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
    names, written = set(), 0
    for name, data in files(facts, progress):
        names.add(name)
        written += _write(out / name, data)
    for name in sorted(before - names):
        (out / name).unlink(missing_ok=True)
    _write(out / MARKER, json.dumps(sorted(names), indent=0).encode())
    return Built(out, len(facts.progress.runs), len(names), written)


def files(
    facts: Facts, progress: Progress = lambda done, total: None
) -> Iterator[tuple[str, bytes]]:
    """Every file of the dashboard, by its path in the folder."""
    yield from static().items()
    yield from overview.files(facts)
    yield from experiments.files(facts)
    yield from leaderboard.files(facts)


def static() -> Mapping[str, bytes]:
    """The files that are the same for every hub: style, scripts, the chart library's licence."""
    folder = resources.files("gitcollab.faces.dashboard") / "static"
    return {
        f"static/{f.name}": f.read_bytes() for f in sorted(folder.iterdir(), key=lambda f: f.name)
    }


def _known(out: Path) -> set[str]:
    """The files that were built there before. Raises UsageError where something else is."""
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return set()
    try:
        found = json.loads((out / MARKER).read_bytes())
    except (OSError, ValueError):
        raise UsageError(
            f"{out} holds something that is no dashboard",
            "give --out a new or empty folder",
        ) from None
    inside = out.resolve()
    return {str(name) for name in found if (inside / str(name)).resolve().is_relative_to(inside)}


def _write(path: Path, data: bytes) -> bool:
    """Have the file hold ``data``; whether it did not."""
    try:
        if path.read_bytes() == data:
            return False
    except OSError:
        path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return True
