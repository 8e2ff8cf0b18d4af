"""How things grow with the number of results on the hub."""

from __future__ import annotations

import os
import pty
import re
import shutil
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple
from unittest.mock import patch

from gitcollab.git import command
from gitcollab.records import codec
from gitcollab.records.models import Result
from gitcollab.store.requests import Request
from gitcollab.store.store import Store
from gitcollab.swarm.roster import uncounted
from tests.bench import big_hub
from tests.bench.cost import Cost, cost
from tests.bench.figures import Figure, clocked
from tests.bench.toys import request, store_at

TIMES = 5
NEW = (1, 10, 100)  # results that a sync brings
LARGE = 100_000


class Limits(NamedTuple):
    """What a hub of some size may cost."""

    wall: float | None
    memory: float | None
    first: float | None  # seconds of the first index
    pushed: float | None
    signatures: float | None  # seconds to check all


def limits_of(results: int) -> Limits:
    """The limits for so many results."""
    if results >= LARGE:
        return Limits(1.5, 500, None, 30, None)
    return Limits(0.6, None, 20, 30, 5)


def measure(root: Path, results: int, hubs: Path | None = None) -> Iterator[Figure]:
    """The same figures for 1,000 results, 10,000 and ``results``, to show how they grow.

    ``hubs`` keeps the hubs for other runs: making a large one takes minutes.
    """
    before: dict[str, float] = {}
    named = ""
    for size in sorted({min(1000, results), min(10_000, results), results}):
        here: dict[str, float] = {}
        for figure in _at(root / f"scale-{size}", size, hubs):
            here[figure.what] = figure.value
            if before and not figure.beside:
                smaller = before[figure.what]
                figure = replace(figure, beside=f"at {named}", beside_value=smaller)
            yield replace(figure, what=f"{size:,} results: {figure.what}")
        before, named = here, f"{size:,}"


def _at(folder: Path, size: int, hubs: Path | None) -> Iterator[Figure]:
    folder.mkdir()
    hub = folder / "hub.git"
    _hub(hub, size, hubs)
    yield from _fresh(hub, folder, size)
    yield from _looking(folder, size)
    yield from _news(hub, folder, size)
    shutil.rmtree(folder)


def _hub(hub: Path, size: int, hubs: Path | None) -> None:
    if hubs is None:
        big_hub.make(hub, size)
        return
    kept = hubs / f"{size}.git"
    if not kept.exists():
        hubs.mkdir(parents=True, exist_ok=True)
        big_hub.make(hub, size)
        shutil.copytree(hub, aside := kept.with_suffix(".new"))
        aside.rename(kept)
        return
    shutil.copytree(kept, hub)


def _fresh(hub: Path, folder: Path, size: int) -> Iterator[Figure]:
    """A machine that sees the hub for the first time."""
    store = store_at(hub, folder / "other")
    limits = limits_of(size)
    fetched = clocked(store.refresh)
    yield Figure("first fetch (shallow)", fetched, "s")
    indexed = clocked(lambda: len(store.snapshot().invalid()))
    yield Figure("first index of it", indexed, "s", most=limits.first)
    checked = clocked(lambda: uncounted(store.snapshot()))
    yield Figure("its signatures, checked once", checked, "s", most=limits.signatures)
    yield Figure("its signatures, known", clocked(lambda: uncounted(store.refresh())), "s")
    (folder / "work").mkdir()
    joined, seen = _on_terminal(["join", str(hub), "--agent", "bench"], folder / "work")
    yield Figure("join (fetch, index, register)", joined.wall, "s", most=limits.first)
    yield Figure("join: memory", joined.memory, "MB", most=limits.memory)
    updates = len(re.findall(rb"\r|\x1b\[2?K", seen.replace(b"\r\n", b"\n")))
    yield Figure("join: updates of a progress line", updates, "", least=_some(size))


def _some(size: int) -> int | None:
    return 2 if size >= 10_000 else None  # less is over before a line is due


def _looking(folder: Path, size: int) -> Iterator[Figure]:
    """The commands, warm: the first call of each does not count."""
    limits, work = limits_of(size), folder / "work"
    widths = iter(range(1, 100))
    for name in ("status", "best", "leaderboard", "claim"):
        costs = []
        for _ in range(TIMES + 1):
            more = [f"SCALAR_LR=0.77{next(widths):02d}"] if name == "claim" else []
            costs.append(_cost([name, *more], work))
        yield Figure(name, median(c.wall for c in costs[1:]), "s", most=limits.wall)
        memory = max(c.memory for c in costs[1:])
        yield Figure(f"{name}: memory", memory, "MB", most=limits.memory)


def _news(hub: Path, folder: Path, size: int) -> Iterator[Figure]:
    """What a new result costs: the one who publishes it, and those who hear of it."""
    limits = limits_of(size)
    store = store_at(hub, folder / "other")
    coming = (_request(result, files) for result, files in big_hub.to_come(size))
    work = folder / "work"
    none = median(_cost(["sync"], work).wall for _ in range(3))
    yield Figure("sync, nothing new", none, "s")
    store.refresh()
    spent, sent = _published(store, islice(coming, 4))
    yield Figure("publish a result", median(spent[1:]), "s")
    yield Figure("pushed for a result", median(sent[1:]), "KB", most=limits.pushed)
    _cost(["sync"], work)
    for count in NEW:
        outcomes = store.submit(*islice(coming, count))
        assert all(o["outcome"] == "published" for o in outcomes), outcomes[0]
        took = _cost(["sync"], work)
        plural = "result" if count == 1 else "results"
        beside = "sync, nothing new"
        yield Figure(f"sync, {count} new {plural}", took.wall, "s", beside, none)


def _published(store: Store, requests: Iterable[Request]) -> tuple[list[float], list[float]]:
    """Seconds and KB pushed for each of the requests, one push each."""
    spent, sent = [], []
    for asked in requests:
        with _pushing() as words:
            spent.append(clocked(lambda r=asked: store.submit(r)))  # type: ignore[misc]
        sent.append(_kilobytes("\n".join(words)))
    return spent, sent


def _request(result: Result, files: Mapping[str, str]) -> Request:
    payload = {"result": codec.to_mapping(result), "files": dict(files)}
    return request("publish", result.agent, payload)


@contextmanager
def _pushing() -> Iterator[list[str]]:
    """Within, what git says of every push."""
    words: list[str] = []
    real = command.run_git

    def watched(*args: Any, **kwargs: Any) -> command.Ran:
        ran = real(*args, **kwargs)
        if args[0] == "push":
            words.append(ran.err)
        return ran

    with patch.object(command, "run_git", watched):
        yield words


def _kilobytes(words: str) -> float:
    """How much was sent, by git's own report of its progress."""
    said = re.findall(r"Writing objects: 100% \(\d+/\d+\), ([\d.]+) (bytes|KiB|MiB)", words)
    assert said, words[-500:]
    units = {"bytes": 1e-3, "KiB": 1.024, "MiB": 1048.576}
    return sum(float(number) * units[unit] for number, unit in said)


def _cost(argv: Sequence[str], work: Path, terminal: int | None = None) -> Cost:
    """Run the real command line in ``work``."""
    environ = os.environ | {"GITCOLLAB_HOME": str(work.parent / "home")}
    full = [sys.executable, "-m", "gitcollab", *argv]
    return cost(*full, cwd=work, env=environ, terminal=terminal)


def _on_terminal(argv: Sequence[str], work: Path) -> tuple[Cost, bytes]:
    """Run the command line on a terminal; what it wrote there."""
    ours, theirs = pty.openpty()
    seen: list[bytes] = []

    def read() -> None:
        with suppress(OSError):  # how a terminal says that nobody writes to it any more
            while data := os.read(ours, 65536):
                seen.append(data)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        took = _cost(argv, work, theirs)
    finally:
        os.close(theirs)
        reader.join()
        os.close(ours)
    return took, b"".join(seen)
