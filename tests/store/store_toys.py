"""Toy rules over a hub: claims by name, notes, seeding. Small enough to see through."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import secrets
import signal
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gitcollab.git import command
from gitcollab.git.objects import ObjectStore
from gitcollab.git.remote import Remote, create_bare
from gitcollab.store import cache, drain, outbox
from gitcollab.store.cache import Cache
from gitcollab.store.requests import Decision, Request
from gitcollab.store.sightings import Sightings
from gitcollab.store.snapshot import Snapshot
from gitcollab.store.store import Store

FROZEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
MINE = {"outcome": "granted"}


def frozen() -> datetime:
    return FROZEN


def decide_claim(snapshot: Snapshot, request: Request, now: datetime) -> Decision:
    path = f"claims/{request.payload['name']}.yaml"
    mine = f"holder: {request.id}\n".encode()
    there = snapshot.read(path)
    if there == mine:
        return Decision(MINE, final=True)
    if there is not None:
        return Decision({"outcome": "taken", "other": there.decode()})
    return Decision(MINE, {path: mine}, f"claim {request.payload['name']}")


def decide_release(snapshot: Snapshot, request: Request, now: datetime) -> Decision:
    return Decision({"outcome": "released"}, {f"claims/{request.payload['name']}.yaml": None})


def decide_note(snapshot: Snapshot, request: Request, now: datetime) -> Decision:
    path = f"notes/{request.agent}/{request.id}.txt"
    text = str(request.payload["text"]).encode()
    final = snapshot.read(path) == text
    return Decision({"outcome": "noted"}, {path: text}, f"note {request.payload['text']}", final)


def decide_seed(snapshot: Snapshot, request: Request, now: datetime) -> Decision:
    if snapshot.read("README.md") is not None:
        return Decision({"outcome": "already"})
    return Decision({"outcome": "seeded"}, {"README.md": b"a hub\n"}, "Seed")


def decide_bug(snapshot: Snapshot, request: Request, now: datetime) -> Decision:
    raise KeyError("no such thing")


DECIDERS = {
    "claim": decide_claim,
    "release": decide_release,
    "note": decide_note,
    "seed": decide_seed,
    "bug": decide_bug,
}


def count_notes(snapshot: Snapshot, changed: object) -> dict[str, bytes]:
    return {"COUNT": f"{len(snapshot.list('notes/'))}\n".encode()}


def ask(kind: str, agent: str = "nova", **more: Any) -> Request:
    fields = {name: more.pop(name) for name in ("when_offline", "not_after", "id") if name in more}
    fields.setdefault("id", secrets.token_hex(8))
    return Request(
        kind=kind,
        agent=agent,
        created_at=FROZEN,
        payload=more,
        may_create=kind == "seed",
        **fields,
    )


def open_store(hub: Path | str, home: Path, **more: Any) -> Store:
    more.setdefault("deciders", DECIDERS)
    more.setdefault("clock", frozen)
    return Store.open(str(hub), home=home, **more)


def make_hub(path: Path) -> Path:
    create_bare(path)
    outcomes = open_store(path, path.parent / f"{path.name}-seeder").submit(ask("seed"))
    assert outcomes == [{"outcome": "seeded"}]
    return path


def git(hub: Path, *args: str) -> str:
    done = subprocess.run(
        ["git", f"--git-dir={hub}", *args], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def files(hub: Path, branch: str = "swarm") -> list[str]:
    return git(hub, "ls-tree", "-r", "--name-only", branch).splitlines()


def commits(hub: Path, branch: str = "swarm") -> int:
    return int(git(hub, "rev-list", "--count", branch))


def race(count: int, run: Callable[[int], Any]) -> list[Any]:
    """The results of ``run(0..count-1)`` in as many processes, started together."""
    context = multiprocessing.get_context("fork")
    barrier, queue = context.Barrier(count), context.Queue()

    def body(number: int) -> None:
        barrier.wait()
        try:
            queue.put((number, run(number)))
        except BaseException as e:
            queue.put((number, repr(e)))
            raise

    processes = [context.Process(target=body, args=(number,)) for number in range(count)]
    for process in processes:
        process.start()
    results = dict(queue.get(timeout=120) for _ in processes)
    for process in processes:
        process.join(120)
    return [results[number] for number in range(count)]


def submit_in_a_process(hub: Path, home: Path, *requests: Request, **more: Any) -> int:
    """The exit code of a process that submits ``requests``; negative for a signal."""
    return in_a_process(lambda: open_store(hub, home, **more).submit(*requests))


def in_a_process(body: Callable[[], object]) -> int:
    process = multiprocessing.get_context("fork").Process(target=body)
    process.start()
    process.join(60)
    assert process.exitcode is not None
    return process.exitcode


# Between any two of these something on a disk differs.
STEPS: tuple[tuple[object, str], ...] = (
    (outbox, "write_aside"),
    (outbox.Outbox, "_forget"),
    (drain, "make"),
    (ObjectStore, "commit"),
    (ObjectStore, "set_tip"),
    (command, "_listen"),  # git runs
    (Remote, "_verdict"),  # git has ended
    (cache, "create"),
    (Cache, "_swap"),
    (Cache, "_sweep"),
    (Sightings, "_write"),
)


def count_steps(at: Callable[[int, str], None]) -> None:
    """Have ``at`` called with the number and the name of each of the STEPS of this process."""
    numbers = itertools.count(1)

    def counted(name: str, step: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **more: Any) -> Any:
            at(next(numbers), name)
            return step(*args, **more)

        return run

    for place, name in STEPS:
        setattr(place, name, counted(name, getattr(place, name)))


def kill_self_at(number: int) -> None:
    """Let this process end by SIGKILL at step ``number``."""
    count_steps(lambda n, _: os.kill(os.getpid(), signal.SIGKILL) if n == number else None)


def killed_at(number: int, body: Callable[[], object]) -> bool:
    """Run ``body`` in a process that ends by SIGKILL at step ``number``; whether it came so far."""

    def run() -> None:
        kill_self_at(number)
        body()

    code = in_a_process(run)
    assert code in (0, -signal.SIGKILL)
    return code != 0


def landed(hub: Path, branch: str = "swarm") -> list[str]:
    """The ids of the requests in the hub's history."""
    return git(hub, "log", "--format=%(trailers:key=Gitcollab-Request,valueonly)", branch).split()
