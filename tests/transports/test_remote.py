"""What a remote promises, over each way to a hub."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest

from gitcollab.git.failures import CacheCorrupt, HubEmpty, HubUnreachable
from gitcollab.git.objects import ObjectStore, create
from gitcollab.git.remote import Landed, Moved, Refused, Remote, Unreachable
from tests.store.store_toys import git
from tests.transports.hubs import Hub, Transport

NOW = datetime(2026, 1, 2, tzinfo=UTC)
WHO = ("nova", "nova@gitcollab.invalid")


def clone(url: str, path: Path) -> tuple[Remote, ObjectStore]:
    create(path)
    return Remote(path, url, "swarm", idle=20), ObjectStore(path)


def commit(objects: ObjectStore, parent: str | None, text: str) -> str:
    tree = objects.write_tree(None, {"file": text.encode()})
    return objects.commit(tree, parent, text, WHO, WHO, NOW)


def test_a_push_is_a_compare_and_swap(empty: Hub, tmp_path: Path) -> None:
    remote, objects = clone(empty.url, tmp_path / "clone.git")
    first = commit(objects, None, "first")
    other = commit(objects, None, "other")

    assert remote.push(first, expect=None) == Landed()
    assert isinstance(remote.push(other, expect=None), Moved)
    second, rival = (commit(objects, first, text) for text in ("second", "rival"))
    assert remote.push(second, expect=first) == Landed()
    assert isinstance(remote.push(rival, expect=first), Moved)
    assert isinstance(remote.push(second, expect=first), Moved)  # there already, by somebody
    assert git(empty.path, "rev-parse", "swarm") == second


def test_fetching_follows_the_branch_wherever_it_goes(empty: Hub, tmp_path: Path) -> None:
    writer, theirs = clone(empty.url, tmp_path / "writer.git")
    reader, ours = clone(empty.url, tmp_path / "reader.git")
    with pytest.raises(HubEmpty, match="holds no branch 'swarm'") as e:
        reader.fetch(shallow=True)
    assert "gitcollab init" in e.value.hint

    one = commit(theirs, None, "one")
    two = commit(theirs, one, "two")
    writer.push(two, expect=None)
    reader.fetch(shallow=True)
    assert ours.tip(reader.tracking) == two
    with pytest.raises(CacheCorrupt):
        ours.tree(one)  # no history

    three = commit(theirs, two, "three")
    writer.push(three, expect=two)
    reader.fetch()
    assert ours.tip(reader.tracking) == three

    fresh = commit(theirs, None, "begun anew")
    assert writer.push(fresh, expect=three) == Landed()
    reader.fetch()
    assert ours.tip(reader.tracking) == fresh


def test_pushing_from_a_shallow_clone(empty: Hub, tmp_path: Path) -> None:
    writer, theirs = clone(empty.url, tmp_path / "writer.git")
    one = commit(theirs, None, "one")
    two = commit(theirs, one, "two")
    writer.push(two, expect=None)
    remote, objects = clone(empty.url, tmp_path / "clone.git")
    remote.fetch(shallow=True)

    assert remote.push(commit(objects, two, "three"), expect=two) == Landed()


def test_more_than_one_request_of_a_server_takes(empty: Hub, tmp_path: Path) -> None:
    # Over http, git sends what is larger than its buffer in pieces of unknown number.
    remote, objects = clone(empty.url, tmp_path / "clone.git")
    tree = objects.write_tree(None, {"file": Random(0).randbytes(1_200_000)})
    large = objects.commit(tree, None, "large", WHO, WHO, NOW)

    assert remote.push(large, expect=None) == Landed()
    reader, _ = clone(empty.url, tmp_path / "reader.git")
    reader.fetch(shallow=True)
    assert git(empty.path, "rev-parse", "swarm") == large


def test_a_rules_words(empty: Hub, tmp_path: Path) -> None:
    empty.add_hook(
        "pre-receive",
        "printf 'cannot \\033[31mlock ref\\033[0m\\n'; echo second line >&2; exit 1",
    )
    remote, objects = clone(empty.url, tmp_path / "clone.git")

    refused = remote.push(commit(objects, None, "x"), expect=None)

    assert refused == Refused("cannot lock ref\nsecond line")


def test_an_update_hook_without_words(empty: Hub, tmp_path: Path) -> None:
    empty.add_hook("update", "exit 1")
    remote, objects = clone(empty.url, tmp_path / "clone.git")

    assert remote.push(commit(objects, None, "x"), expect=None) == Refused("hook declined")


def test_no_hub(transport: Transport, tmp_path: Path) -> None:
    remote, objects = clone(transport.url(transport.hubs / "none.git"), tmp_path / "clone.git")

    pushed = remote.push(commit(objects, None, "x"), expect=None)

    assert isinstance(pushed, Unreachable)
    assert pushed.certain
    assert "there is no repository" in pushed.reason
    with pytest.raises(HubUnreachable, match=r"none\.git: there is no repository") as e:
        remote.fetch()
    assert "gitcollab init" in e.value.hint
    assert e.value.exit_code == 5


def test_a_stopped_hub_got_nothing(transport: Transport, empty: Hub, tmp_path: Path) -> None:
    remote, objects = clone(empty.url, tmp_path / "clone.git")
    transport.stop()
    try:
        pushed = remote.push(commit(objects, None, "x"), expect=None)
    finally:
        transport.start()

    assert isinstance(pushed, Unreachable)
    assert pushed.certain


def test_a_lost_reply_is_no_verdict(empty: Hub, tmp_path: Path) -> None:
    remote, objects = clone(empty.url, tmp_path / "clone.git")
    swallowed = empty.swallow_one_reply()
    first = commit(objects, None, "x")

    pushed = remote.push(first, expect=None)

    assert swallowed.exists()
    assert isinstance(pushed, Unreachable)
    assert not pushed.certain
    assert git(empty.path, "rev-parse", "swarm") == first
