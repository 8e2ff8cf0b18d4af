"""Rotating an agent's key: the agent works on, whatever happens in between."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import threading
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from gitcollab.errors import GitcollabError, OfflineError, RefusedError
from gitcollab.git.remote import Remote
from gitcollab.records import codec
from gitcollab.records.signing import KeyPair, keys_of
from gitcollab.store.cache import Cache
from gitcollab.store.outbox import Outbox
from gitcollab.swarm import governing, keyring, reading, rotating
from gitcollab.swarm.home import home
from gitcollab.swarm.member import utc_now
from gitcollab.swarm.outcomes import Granted
from gitcollab.swarm.swarm import Swarm
from tests.swarm.machines import Machines, again, member_of, run, task_of


def test_a_new_key(machines: Machines) -> None:
    hub = machines.hub()
    machines.at("volunteer")
    nova = member_of(hub, "nova")
    assert run(nova) == "published"
    old = nova.key.public_line
    for n in range(2):
        done = rotating.rotate(nova)
        assert done.new == keyring.fingerprint(nova.key.public_line)
        assert done.key.stat().st_mode & 0o777 == 0o600
        assert keyring.agent_key("nova", old).public_line == old
        assert governing.agent(nova, "nova").former_keys == n + 1
    card = reading.cards(nova.store.snapshot())["nova"]
    assert (keys_of(card)[0], len(keys_of(card))) == (old, 3)
    assert run(nova) == "published"
    assert nova.rankings.best() is not None  # what was made with the old key counts
    (first,) = [r.id for r, _ in Swarm(nova).results(limit=1).results]
    assert Swarm(nova).show(first).signature_ok
    assert {p.stat().st_mode & 0o777 for p in (home() / "keys").glob("nova*")} == {0o600}


def test_another_hub_knows_the_agent_by_its_old_key(machines: Machines) -> None:
    hubs = machines.hub(), machines.hub(name="other.git")
    machines.at("volunteer")
    here, there = (member_of(hub, "nova") for hub in hubs)
    rotating.rotate(here)
    assert run(there) == "published"
    assert run(here) == "published"
    fresh = again(there.workspace.root)
    rotating.rotate(fresh)
    assert (run(fresh), run(here)) == ("published", "published")


def test_no_new_key_while_records_wait(machines: Machines) -> None:
    hub = machines.hub()
    machines.at("volunteer")
    nova = member_of(hub, "nova")
    hub.rename(hub.with_suffix(".away"))
    assert run(nova) == "queued"
    keys = {p: p.read_bytes() for p in (home() / "keys").iterdir() if p.is_file()}
    with pytest.raises(OfflineError) as offline:
        rotating.rotate(nova)
    assert offline.value.exit_code == 5
    hub.with_suffix(".away").rename(hub)
    with pytest.raises(RefusedError, match="wait for the hub") as refused:
        rotating.rotate(nova)
    assert refused.value.hint.endswith("gitcollab sync")
    after = {p: p.read_bytes() for p in keys}
    assert after == keys
    Swarm(nova).sync()
    rotating.rotate(nova)
    assert run(nova) == "published"


def test_a_maintainers_key_is_not_rotated_away(machines: Machines) -> None:
    keeper = member_of(machines.hub(), "keeper")
    with pytest.raises(RefusedError, match="maintainer"):
        rotating.rotate(keeper)
    assert keyring.maintainer_key(task_of(keeper))[0] == "keeper"


def test_two_who_rotate_at_once(machines: Machines) -> None:
    hub = machines.hub()
    machines.at("volunteer")
    member_of(hub, "nova")
    folder = hub.parent / "hub-nova"
    errors: list[str] = []

    def one() -> None:
        try:
            rotating.rotate(again(folder))
        except GitcollabError as e:
            errors.append(e.message)

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    nova = again(folder)
    assert errors == []
    assert governing.agent(nova, "nova").former_keys == 2
    assert run(nova) == "published"


def test_only_the_old_key_can_say_what_the_new_one_is(machines: Machines) -> None:
    hub = machines.hub()
    machines.at("volunteer")
    nova = member_of(hub, "nova")
    card = reading.cards(nova.store.snapshot())["nova"]
    thief, new = KeyPair.generate(), KeyPair.generate()
    forged = [
        new.sign(card.model_copy(update={"public_key": new.public_line})),
        rotating.renewed(card.model_copy(), thief, new, utc_now()),
    ]
    # a chain that begins with the right key, which did not sign
    stolen = rotating.renewed(card, thief, new, utc_now())
    (said,) = stolen.former or ()
    right = said.model_copy(update={"public_key": card.public_key})
    forged.append(new.sign(stolen.model_copy(update={"former": [right]})))
    for bad in forged:
        request = nova.request("rotate", {"card": codec.to_mapping(bad)}, when_offline="drop")
        assert nova.submit(request)[0]["outcome"] == "refused"
    assert reading.cards(nova.store.refresh())["nova"] == card


def test_a_fingerprint_is_the_one_that_ssh_keygen_shows(tmp_path: Path) -> None:
    key = KeyPair.generate()
    key.save(tmp_path / "key")
    try:
        shown = subprocess.run(
            ["ssh-keygen", "-l", "-f", str(tmp_path / "key")],
            capture_output=True, text=True, check=True, timeout=30,
        ).stdout  # fmt: skip
    except FileNotFoundError:
        pytest.skip("no ssh-keygen")
    assert keyring.fingerprint(key.public_line) == shown.split()[1]


# -- cut off ---------------------------------------------------------------------------------------

# What a rotation does that others can see: it may end before each.
STEPS = (
    (KeyPair, "save"),
    (Outbox, "put"),
    (Outbox, "finish"),
    (Outbox, "withdraw"),
    (Path, "replace"),
    (Path, "unlink"),
    (Remote, "push"),
    (Cache, "set_tip"),
)


def killed_at(number: int, body: Callable[[], object]) -> bool:
    """Run ``body`` in a process that ends by SIGKILL at that moment; whether it came so far."""
    moments = itertools.count(1)

    def counted(step: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **more: Any) -> Any:
            if next(moments) == number:
                os.kill(os.getpid(), signal.SIGKILL)
            return step(*args, **more)

        return run

    def child() -> None:
        for place, name in STEPS:
            setattr(place, name, counted(getattr(place, name)))
        body()

    process = get_context("fork").Process(target=child)
    process.start()
    process.join(60)
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode != 0


def test_a_kill_at_any_moment_leaves_an_agent_that_works(machines: Machines) -> None:
    hub = machines.hub()
    machines.at("volunteer")
    folder = member_of(hub, "nova").workspace.root
    number = 0
    reached = True
    while reached:
        number += 1
        reached = killed_at(number, lambda: rotating.rotate(again(folder)))
        nova = again(folder)
        answer = Swarm(nova).claim(f"the idea of moment {number}")
        assert isinstance(answer, Granted), (number, answer)
        assert {p.stat().st_mode & 0o777 for p in (home() / "keys").glob("nova*")} == {0o600}
    assert number > 12
    nova = again(folder)
    before = governing.agent(nova, "nova").former_keys
    rotating.rotate(nova)
    assert governing.agent(nova, "nova").former_keys == before + 1
    assert not keyring.is_rotating("nova")
    assert run(nova) == "published"


def test_what_was_signed_with_a_former_key_is_signed_anew_to_be_tried_again(
    machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = machines.hub()
    machines.at("volunteer")
    nova = member_of(hub, "nova")
    hub.rename(hub.with_suffix(".away"))
    assert run(nova) == "queued"
    hub.with_suffix(".away").rename(hub)
    with monkeypatch.context() as patched:  # as where the key was changed on another machine
        patched.setattr(rotating, "_check", lambda *_: None)
        patched.setattr(nova.store, "flush", list)
        (waiting,) = nova.store.pending()
        nova.store.drop(waiting.request)
        rotating.rotate(nova)
    nova.submit(waiting.request)
    assert [q.by for q in nova.store.quarantined()] == ["rules"]
    (done,) = Swarm(nova).retry()
    assert (done.outcome, nova.store.quarantined()) == ("published", [])
