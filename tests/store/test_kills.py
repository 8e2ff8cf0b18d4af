"""SIGKILL at every step of a write, and at any moment: what was stored lands, and lands once."""

from __future__ import annotations

import os
import random
import signal
from collections import Counter
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path

import pytest
from store_toys import (
    ask,
    commits,
    count_steps,
    files,
    git,
    killed_at,
    landed,
    open_store,
    submit_in_a_process,
)

from gitcollab.git import housekeeping
from gitcollab.store.requests import Request
from gitcollab.store.store import Store

Wrap = Callable[[str], Path]


def known(hub: Path, home: Path) -> None:
    """Nothing is in the way."""


def moved(hub: Path, home: Path) -> None:
    """The first push loses a race."""
    open_store(hub, home.with_name("other")).submit(ask("note", text="theirs"))


def damaged(hub: Path, home: Path) -> None:
    """The copy has to be made again."""
    for path in (open_store(hub, home).folder / "repo.git").rglob("*"):
        if path.is_file():
            path.chmod(0o644)
            path.write_bytes(b"\0 nonsense")


def full(hub: Path, home: Path) -> None:
    """The copy is packed after the write."""
    housekeeping.LOOSE = -1


def two_requests() -> list[Request]:
    one = ask("note", text="one")
    return [one, ask("claim", name=one.id)]


def check(hub: Path, store: Store, asked: list[Request], stored: bool) -> None:
    """All of ``asked`` land once; those not ``stored`` before the kill may be missing."""
    waiting = {one.request.id for one in store.pending()}
    store.flush()
    assert store.pending() == []
    found = Counter(landed(hub))
    assert set(found.values()) == {1}
    for request in asked:
        assert found[request.id] == 1 or not (stored or request.id in waiting)
    assert not list(store.folder.glob("trash-*"))
    assert git(hub, "fsck", "--no-dangling", "--no-progress") == ""


@pytest.mark.parametrize(
    ("scene", "stride"),
    [
        (known, 1),
        (moved, 4),
        (damaged, 5),
        (full, 3),
        *(pytest.param(scene, 1, marks=pytest.mark.soak) for scene in (moved, damaged, full)),
    ],
)
def test_a_kill_at_every_step(
    hub: Path,
    tmp_path: Path,
    scene: Callable[[Path, Path], None],
    stride: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(housekeeping, "LOOSE", housekeeping.LOOSE)
    home = tmp_path / "home"
    open_store(hub, home).snapshot()
    step = 1
    while True:
        scene(hub, home)
        asked = two_requests()
        reached = killed_at(step, lambda asked=asked: open_store(hub, home).submit(*asked))
        check(hub, open_store(hub, home), asked, stored=step > 2)
        if not reached:
            break
        step += stride
    assert step > 10


@pytest.mark.parametrize(
    "scene", [pytest.param(moved, id="moved"), pytest.param(damaged, marks=pytest.mark.soak)]
)
def test_a_kill_at_any_moment(
    hub: Path, tmp_path: Path, scene: Callable[[Path, Path], None], request: pytest.FixtureRequest
) -> None:
    """The parent kills when it reads of a step: the child is somewhere behind it by then."""
    home = tmp_path / "home"
    rng = random.Random(scene.__name__)
    for _ in range(100 if scene is damaged else 6):
        scene(hub, home)
        asked = two_requests()
        out, told = os.pipe()

        def body(asked: list[Request] = asked, told: int = told) -> None:
            count_steps(lambda number, name: os.write(told, b"."))
            open_store(hub, home).submit(*asked)

        process = get_context("fork").Process(target=body)
        process.start()
        os.close(told)
        for _ in range(rng.randint(1, 16)):
            os.read(out, 1)
        process.kill()
        process.join(60)
        os.close(out)
        check(hub, open_store(hub, home), asked, stored=False)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param('[ "$verb" = {} ] && kill -9 $PPID && exit 1', id="before"),
        pytest.param('[ "$verb" = {} ] && {{ "$real" "$@"; kill -9 $PPID; exit 0; }}', id="after"),
        # git goes on when its parent is gone: it may land while the next drain is deciding.
        pytest.param('[ "$verb" = {} ] && {{ kill -9 $PPID; exec "$real" "$@"; }}', id="during"),
    ],
)
@pytest.mark.parametrize("verb", ["push", "fetch", "repack"])
def test_a_kill_around_a_call_of_git(
    hub: Path,
    tmp_path: Path,
    wrap_git: Wrap,
    monkeypatch: pytest.MonkeyPatch,
    body: str,
    verb: str,
) -> None:
    home = tmp_path / "home"
    if verb != "fetch":
        open_store(hub, home).snapshot()
    if verb == "repack":
        monkeypatch.setattr(housekeeping, "LOOSE", -1)
    asked = two_requests()
    wrap_git(body.format(verb))

    assert submit_in_a_process(hub, home, *asked) == -signal.SIGKILL

    wrap_git("")
    check(hub, open_store(hub, home), asked, stored=True)
    assert len(files(hub)) == commits(hub) == 3


@pytest.mark.parametrize(
    "name", ["shallow.lock", "packed-refs.lock", "refs/remotes/hub/swarm.lock"]
)
def test_a_lock_that_a_killed_git_left(hub: Path, tmp_path: Path, name: str) -> None:
    store = open_store(hub, tmp_path / "home")
    store.snapshot()
    moved(hub, tmp_path / "home")
    (store.folder / "repo.git" / name).touch()

    assert store.submit(ask("note", text="x")) == [{"outcome": "noted"}]
    store.refresh()
    assert store.submit(ask("claim", name="x")) == [{"outcome": "granted"}]


def test_a_process_killed_after_storing_its_request_is_served_by_the_next(
    hub: Path, tmp_path: Path
) -> None:
    store = open_store(hub, tmp_path / "home")
    left, mine = ask("note", text="left"), ask("note", text="mine")
    store._cache.prepare()
    store._outbox.put([left])

    store.submit(mine)

    assert len(files(hub)) == 3
    assert store.pending() == []


def test_an_answer_that_was_taken_is_not_asked_for_again(hub: Path, tmp_path: Path) -> None:
    """A drainer was killed between telling "taken" and forgetting the request."""
    store = open_store(hub, tmp_path / "home")
    store.submit(ask("claim", name="x"))
    asked = ask("claim", name="x", when_offline="drop")
    store._outbox.put([asked])
    store._outbox.tell(asked, {"outcome": "taken"})

    assert store._wait([asked]) == [{"outcome": "taken"}]

    store.submit(ask("release", name="x"))
    assert "claims/x.yaml" not in files(hub)


def test_a_kill_while_a_refused_request_is_let_wait_again(hub: Path, tmp_path: Path) -> None:
    hook = hub / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    home = tmp_path / "home"
    asked = ask("note", text="x")
    open_store(hub, home).submit(asked)
    hook.unlink()

    # The steps of a retry: the request is written again, then taken out of the quarantine.
    assert killed_at(2, lambda: open_store(hub, home).retry(asked))
    store = open_store(hub, home)
    assert len(store.pending()) == len(store.quarantined()) == 1

    assert store.flush() == [{"outcome": "noted"}]
    assert store.quarantined() == []
    assert landed(hub).count(asked.id) == 1


def test_readers_go_on_while_writers_are_killed(hub: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    open_store(hub, home).snapshot()
    for step in range(3, 30, 4):
        damaged(hub, home)
        asked = ask("note", text=str(step))
        killed_at(step, lambda asked=asked: open_store(hub, home).submit(asked))
        assert "README.md" in open_store(hub, home).snapshot().list()
