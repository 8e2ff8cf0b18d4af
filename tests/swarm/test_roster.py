"""What counts: results of which nobody knows the program do where a maintainer vouches for them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gitcollab.faces.pages import pages
from gitcollab.records import codec
from gitcollab.records.models import Result, sha256
from gitcollab.records.names import path_of
from gitcollab.swarm import keyring, roster, ruling, standing, verifying
from gitcollab.swarm.swarm import Swarm
from tests import people

Agent = Callable[[str], Swarm]


@pytest.fixture
def nova(agent: Agent) -> Swarm:
    swarm = agent("nova")
    assert swarm.run().outcome == "published"
    return swarm


def bare(swarm: Swarm, **fields: object) -> Result:
    """A wonder of mallory's, without a program, as it signed it."""
    made = {
        "id": "mallory/wonder-1a2b3c",
        "agent": "mallory",
        "created_at": datetime.now(UTC).replace(microsecond=0),
        "nonce": "e" * 32,
        "description": "wonder",
        "status": "ok",
        "metric": 0.3,
        "task": swarm.task.digest,
        "hardware": {"device": "cpu", "tier": "cpu"},
    } | fields
    return people.signed(Result.model_validate({"schema": 1} | made))


def file(result: Result) -> dict[str, bytes | None]:
    return {path_of("result", result.id): codec.encode(result)}


def word(swarm: Swarm, files: dict[str, bytes | None]) -> dict[str, bytes | None]:
    """A maintainer's ruling that these files are as they are."""
    keeper = keyring.maintainer_key(swarm.task)
    said = ruling.edit(keeper, swarm.task, datetime.now(UTC), files, "an old log")
    return {path_of("ruling", said.id): codec.encode(said)}


def plant(swarm: Swarm, hub: Path, files: dict[str, bytes | None]) -> None:
    people.plant(hub, people.cards(["mallory"]) | files)
    swarm.sync()


def wrong(swarm: Swarm, hub: Path) -> list[tuple[str, str]]:
    """What ``verify --all`` finds at the results."""
    repository = verifying.open_hub(hub, "swarm")
    state = verifying.verify_all(repository, repository.snapshot(repository.tip()), pages)
    return [(b.path, b.rule) for b in state.breaches if b.path.startswith("results/")]


def test_what_names_no_program_is_nobodys_word(nova: Swarm, toy_hub: Path) -> None:
    first, wonder = nova.best(), bare(nova)
    crash = bare(nova, id="mallory/crash-1a2b3c", status="crash", metric=None)
    plant(nova, toy_hub, file(wonder) | file(crash))

    assert first is not None
    assert nova.best() == first
    why = "names no program, and no maintainer vouches for it"
    assert nova.show(wonder.id).void == why
    assert nova.show(crash.id).void is None
    assert {one.result.id: one.void for one in nova.exported()}[wonder.id] == why
    assert wrong(nova, toy_hub) == [(path_of("result", wonder.id), "fingerprint")]
    shot = nova.member.store.snapshot()
    assert roster.uncounted(shot) == {wonder.id}
    assert standing.glaring(shot) == 1


def test_a_maintainers_word_is_for_the_file_as_it_is(nova: Swarm, toy_hub: Path) -> None:
    first, wonder = nova.best(), bare(nova)
    assert first is not None
    vouched = file(wonder) | word(nova, file(wonder))
    plant(nova, toy_hub, vouched)
    best = nova.best()
    assert best is not None
    assert best.id == wonder.id
    assert nova.show(wonder.id).void is None
    assert wrong(nova, toy_hub) == []
    assert standing.glaring(nova.member.store.snapshot()) == 0

    # Its agent signs another one in its place, which no maintainer has seen.
    plant(nova, toy_hub, file(bare(nova, metric=0.2)))
    again = nova.best()
    assert again is not None
    assert again.id == first.id
    assert roster.uncounted(nova.member.store.snapshot()) == {wonder.id}
    assert wrong(nova, toy_hub) == [(path_of("result", wonder.id), "fingerprint")]


def test_a_word_of_who_maintains_nothing(nova: Swarm, toy_hub: Path) -> None:
    wonder = bare(nova)
    mallory = ("mallory", people.key("mallory"))
    said = ruling.edit(mallory, nova.task, datetime.now(UTC), file(wonder), "trust me")
    plant(nova, toy_hub, file(wonder) | {path_of("ruling", said.id): codec.encode(said)})
    assert roster.uncounted(nova.member.store.snapshot()) == {wonder.id}


def test_what_a_maintainer_has_removed_since(nova: Swarm) -> None:
    """Laid over the tip, as it is while a push is decided."""
    wonder = bare(nova)
    files = people.cards(["mallory"]) | file(wonder)
    shot = nova.member.store.snapshot().with_changes(files)
    assert roster.uncounted(shot) == {wonder.id}
    vouched = shot.with_changes(word(nova, file(wonder)))
    assert roster.uncounted(vouched) == frozenset()
    assert vouched.digests("result", [wonder.id]) == {
        wonder.id: sha256(codec.encode(wonder)),
    }
    keeper = keyring.maintainer_key(nova.task)
    now = ruling.latest(vouched, datetime.now(UTC))
    gone: dict[str, bytes | None] = dict.fromkeys(file(wonder))
    said = ruling.edit(keeper, nova.task, now, gone, "it was none")
    removed = {path_of("ruling", said.id): codec.encode(said)}
    assert roster.uncounted(vouched.with_changes(removed)) == {wonder.id}
