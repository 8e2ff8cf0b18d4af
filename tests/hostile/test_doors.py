"""The corpus of hostile commits at all three doors: none gets in, none breaks the checker."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gitcollab.faces.pages import pages
from gitcollab.git.objects import ObjectStore
from gitcollab.records.names import DERIVED
from gitcollab.store.requests import Decision, Request
from gitcollab.store.store import Store
from gitcollab.swarm import reading, rulebook, verifying
from tests.hostile import corpus
from tests.hostile.corpus import BRANCH, Hostile
from tests.rules import NOW

CORPUS = corpus.corpus()


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("hostile") / "hub.git"
    corpus.seed(made)
    return made


@pytest.fixture(scope="module")
def tip(hub: Path) -> str:
    found = ObjectStore(hub).tip(f"refs/heads/{BRANCH}")
    assert found is not None
    return found


def test_there_are_enough_of_them() -> None:
    assert len(CORPUS) >= 300


@pytest.mark.parametrize("hostile", CORPUS, ids=lambda one: one.name)
def test_none_gets_in(hub: Path, tip: str, hostile: Hostile) -> None:
    commit = corpus.written(hub, hostile)
    repository = verifying.open_hub(hub, BRANCH)
    told = verifying.refusals(repository, [f"{tip} {commit} refs/heads/{BRANCH}\n"], pages)
    assert told
    assert all(line.isprintable() for line in told)
    assert verifying.verify_range(repository, tip, commit, pages, NOW).breaches
    assert ObjectStore(hub).tip(f"refs/heads/{BRANCH}") == tip


@pytest.mark.parametrize("name", corpus.honest())
def test_what_is_honest_does(hub: Path, tip: str, name: str) -> None:
    changes, message = corpus.honest()[name]
    entries = tuple(corpus.Entry(path.encode(), data) for path, data in changes.items())
    commit = corpus.written(hub, Hostile(name, entries, message))
    repository = verifying.open_hub(hub, BRANCH)
    assert verifying.verify_range(repository, tip, commit, pages, NOW).breaches == []
    assert rulebook.breaches(repository.snapshot(tip), changes, message, NOW) == []


Write = Callable[[Hostile], dict[str, Any]]


@pytest.fixture(scope="module")
def client(hub: Path, tmp_path_factory: pytest.TempPathFactory) -> Write:
    """A client whose own code was made to write what is hostile, with the rule book left in."""
    wanted: list[Hostile] = []

    def decide(*_: object) -> Decision:
        hostile = wanted.pop()
        assert hostile.changes is not None
        return Decision({"outcome": "written"}, hostile.changes, hostile.message)

    store = Store.open(
        str(hub),
        BRANCH,
        home=tmp_path_factory.mktemp("home"),
        deciders={"write": decide},
        rules=rulebook.rules,
        columns=reading.COLUMNS,
    )

    def write(hostile: Hostile) -> dict[str, Any]:
        wanted[:] = [hostile] * 3  # decided again on a fetched state
        request = Request(secrets.token_hex(16), "write", "mallory", NOW, {}, "drop")
        return store.submit(request)[0]

    return write


# Derived files are the client's own work: it makes them, whatever its deciders say.
SAYABLE = [
    one
    for one in CORPUS
    if one.changes is not None and not any(DERIVED.match(p) for p in one.changes)
]


@pytest.mark.parametrize("hostile", SAYABLE, ids=lambda one: one.name)
def test_none_leaves_a_client(client: Write, hub: Path, tip: str, hostile: Hostile) -> None:
    assert client(hostile)["outcome"] == "refused"
    assert ObjectStore(hub).tip(f"refs/heads/{BRANCH}") == tip
