"""Many writers at once: separate processes, started together, each timing its own operations."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from gitcollab.store.store import Store
from gitcollab.swarm.claims import decide_claim
from gitcollab.swarm.recogniser import Recogniser
from tests.bench.figures import percentile
from tests.bench.toys import BRANCH, Claimer, call, store_at

PATIENCE = 200.0  # seconds that all writers together may take


class Operation(NamedTuple):
    """One operation of one writer; times are of the clock that all processes share."""

    began: float
    ended: float
    id: str
    good: bool


class Score(NamedTuple):
    """What came of a contest."""

    rate: float  # operations that landed, a second
    p50: float
    p99: float
    worst: float
    failed: int  # operations that were told something else than yes
    lost: int  # operations that were told yes and are not on the hub exactly once
    seconds: float  # from the first beginning to the last end


Ready = Callable[[], object]  # waits until all are
Writer = Callable[[int, Ready], list[Operation]]


def contest(writers: int, body: Writer) -> list[Operation]:
    """All operations of so many writers, each in a process of its own; RuntimeError if one died."""
    context = multiprocessing.get_context("fork")
    barrier, queue = context.Barrier(writers), context.Queue()

    def write(number: int) -> None:
        try:
            queue.put(body(number, barrier.wait))
        except BaseException as e:
            queue.put(repr(e))
            raise

    processes = [context.Process(target=write, args=(n,), daemon=True) for n in range(writers)]
    for process in processes:
        process.start()
    try:
        told = [queue.get(timeout=PATIENCE) for _ in processes]
    finally:
        for process in processes:
            process.join(5)
            process.kill()
    if died := [answer for answer in told if isinstance(answer, str)]:
        raise RuntimeError(f"{len(died)} writers died: {died[0]}")
    return [operation for answer in told for operation in answer]


def score(operations: Sequence[Operation], landed: Counter[str]) -> Score:
    """What the operations come to, given how often each is on the hub."""
    waits = [o.ended - o.began for o in operations]
    seconds = max(o.ended for o in operations) - min(o.began for o in operations)
    good = [o for o in operations if o.good]
    there = sum(landed[o.id] == 1 for o in good)
    return Score(
        there / seconds,
        percentile(waits, 50),
        percentile(waits, 99),
        max(waits),
        len(operations) - len(good),
        len(good) - there,
        seconds,
    )


def swarm(hub: Path, homes: Callable[[int], Path], writers: int, each: int) -> Score:
    """Agents that claim and give back through the store, ``each`` operations one at a time."""

    def write(number: int, ready: Ready) -> list[Operation]:
        agent = f"agent-{number}"
        claimer = Claimer(hub.parent, agent, number)
        store = store_at(hub, homes(number), agent)
        # Once for nothing: whoever joins a crowd has been at work before.
        decide_claim(
            store.snapshot(),
            claimer.claim(),
            datetime.now(UTC),
            recogniser=Recogniser(hub.parent),
        )
        ready()
        done = []
        for turn in range(each):
            began = time.monotonic()
            asked = claimer.claim() if turn % 2 == 0 else claimer.release()
            outcome = store.submit(asked)[0]["outcome"]
            good = outcome in ("granted", "released")
            done.append(Operation(began, time.monotonic(), asked.id, good))
        return done

    _warm(store_at(hub, homes(0)), Claimer(hub.parent, "warm", writers))
    return score(contest(writers, write), _requests_on(hub))


def _warm(store: Store, claimer: Claimer) -> None:
    """Have everything imported and built before the writers are forked."""
    store.submit(claimer.claim())
    store.submit(claimer.release())


def plain(hub: Path, root: Path, writers: int, each: int) -> Score:
    """The loop `commit; pull --rebase; push` until it landed, each writer in a clone of its own."""
    clones = [root / f"clone-{number}" for number in range(writers)]
    for clone in clones:
        call("git", "clone", "-q", "--branch", BRANCH, hub, clone)
        for key, value in (("user.name", clone.name), ("user.email", "bench@gitcollab.invalid")):
            call("git", "config", key, value, cwd=clone)

    def write(number: int, ready: Ready) -> list[Operation]:
        clone = clones[number]
        (clone / "claims").mkdir(exist_ok=True)
        ready()
        return [_loop(clone, f"{number}-{turn}") for turn in range(each)]

    return score(contest(writers, write), _subjects_on(hub))


def _loop(clone: Path, name: str) -> Operation:
    began = time.monotonic()
    (clone / "claims" / f"{name}.yaml").write_text(f"agent: {clone.name}\n" * 15)
    call("git", "add", "claims", cwd=clone)
    call("git", "commit", "-q", "-m", name, cwd=clone)
    good = False
    while not good and time.monotonic() < began + PATIENCE / 2:
        call("git", "pull", "-q", "--rebase", cwd=clone, check=False)
        good = call("git", "push", "-q", "origin", BRANCH, cwd=clone, check=False) == 0
    return Operation(began, time.monotonic(), name, good)


def _requests_on(hub: Path) -> Counter[str]:
    return _log(hub, "%(trailers:key=Gitcollab-Request,valueonly)")


def _subjects_on(hub: Path) -> Counter[str]:
    return _log(hub, "%s")


def _log(hub: Path, form: str) -> Counter[str]:
    argv = ["git", f"--git-dir={hub}", "log", f"--format={form}", BRANCH]
    done = subprocess.run(argv, check=True, capture_output=True, text=True, env=dict(os.environ))
    return Counter(line for line in done.stdout.split("\n") if line)
