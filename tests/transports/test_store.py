"""What the store promises, over each way to a hub: with real git, real servers, real processes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gitcollab.git.failures import HubEmpty, HubUnreachable
from tests.store.store_toys import ask, commits, count_notes, files, git, open_store, race
from tests.transports import servers
from tests.transports.hubs import Hub, Transport

Calls = Callable[[], list[str]]


def test_an_empty_hub_is_seeded(empty: Hub, tmp_path: Path) -> None:
    store = open_store(empty.url, tmp_path / "home")
    with pytest.raises(HubEmpty, match="holds no branch 'swarm'"):
        store.snapshot()
    assert store.submit(ask("claim", name="x", when_offline="drop"))[0]["outcome"] == "offline"

    assert store.submit(ask("seed")) == [{"outcome": "seeded"}]

    assert files(empty.path) == ["README.md"]
    other = open_store(empty.url, tmp_path / "other")
    assert other.submit(ask("seed")) == [{"outcome": "already"}]
    assert commits(empty.path) == 1


def test_alone_an_operation_is_one_push_and_nothing_else(
    hub: Hub, tmp_path: Path, git_calls: Calls
) -> None:
    store = open_store(hub.url, tmp_path / "home", derive=count_notes)
    store.snapshot()
    git_calls()

    store.submit(ask("claim", name="x"))
    assert git_calls() == ["push"]

    store.submit(ask("release", name="x"), ask("note", text="x"), ask("claim", name="y"))
    assert git_calls() == ["push"]
    assert commits(hub.path) == 5
    assert git(hub.path, "show", "swarm:COUNT") == "1"


def test_refreshing_sees_what_others_wrote(hub: Hub, tmp_path: Path) -> None:
    ours, theirs = (open_store(hub.url, tmp_path / name) for name in ("ours", "theirs"))
    assert ours.snapshot().list() == ["README.md"]

    theirs.submit(ask("claim", name="x"))

    assert ours.snapshot().list() == ["README.md"]
    assert ours.refresh().list() == ["README.md", "claims/x.yaml"]
    assert ours.snapshot().list() == ["README.md", "claims/x.yaml"]


def test_a_lost_race_is_decided_again(hub: Hub, tmp_path: Path, git_calls: Calls) -> None:
    ours, theirs = (open_store(hub.url, tmp_path / name) for name in ("ours", "theirs"))
    ours.snapshot()
    theirs.submit(ask("claim", name="x"), ask("note", text="theirs"))
    git_calls()

    taken, noted = ours.submit(ask("claim", name="x"), ask("note", text="ours"))

    assert (taken["outcome"], noted["outcome"]) == ("taken", "noted")
    assert git_calls() == ["push", "fetch", "push"]
    assert len(files(hub.path)) == 4
    assert commits(hub.path) == 4


def test_of_six_clones_claiming_one_thing_exactly_one_is_granted(hub: Hub, tmp_path: Path) -> None:
    def claim(number: int) -> str:
        store = open_store(hub.url, tmp_path / f"home{number}")
        asked = ask("claim", name="same", when_offline="drop"), ask("note", text=str(number))
        return " ".join(str(outcome["outcome"]) for outcome in store.submit(*asked))

    assert sorted(race(6, claim)) == ["granted noted"] + ["taken noted"] * 5
    assert len(files(hub.path)) == 1 + 1 + 6
    assert commits(hub.path) == 1 + 1 + 6


def test_nothing_at_the_address(transport: Transport, tmp_path: Path) -> None:
    store = open_store(transport.url(transport.hubs / "none.git"), tmp_path / "home")

    kept, dropped = store.submit(ask("note", text="x"), ask("claim", name="x", when_offline="drop"))

    assert (kept["outcome"], dropped["outcome"]) == ("queued", "offline")
    for told in (kept, dropped):
        assert "there is no repository" in told["reason"]
        assert "gitcollab init" in told["hint"]
    with pytest.raises(HubUnreachable, match=r"none\.git: there is no repository") as e:
        store.refresh()
    assert e.value.exit_code == 5


def test_a_rule_of_the_hub_sets_the_offender_aside(hub: Hub, tmp_path: Path) -> None:
    hub.add_hook(
        "update",
        'git log --format=%s "$2..$3" | grep -q "note bad" || exit 0\n'
        'echo "notes must not be bad" >&2\nexit 1',
    )
    store = open_store(hub.url, tmp_path / "home")
    asked = [ask("note", text=text) for text in ("good 1", "bad", "good 2")]

    outcomes = store.submit(*asked)

    refused = {"outcome": "refused", "reason": "notes must not be bad"}
    assert outcomes == [{"outcome": "noted"}, refused, {"outcome": "noted"}]
    [aside] = store.quarantined()
    assert (aside.request, aside.reason) == (asked[1], "notes must not be bad")
    assert store.pending() == []
    assert len(files(hub.path)) == 3


def test_a_lost_reply_is_recognised_and_nothing_doubled(
    hub: Hub, tmp_path: Path, git_calls: Calls
) -> None:
    store = open_store(hub.url, tmp_path / "home")
    store.snapshot()
    swallowed = hub.swallow_one_reply()
    git_calls()

    outcomes = store.submit(ask("claim", name="x"), ask("note", text="x"))

    assert swallowed.exists()
    assert [outcome["outcome"] for outcome in outcomes] == ["granted", "noted"]
    assert git_calls() == ["push", "fetch"]
    assert commits(hub.path) == 3
    assert len(files(hub.path)) == 3


def test_a_hub_that_is_stopped_and_started_again(
    transport: Transport, hub: Hub, tmp_path: Path
) -> None:
    store = open_store(hub.url, tmp_path / "home")
    store.snapshot()
    first, second, dropped = (
        ask("note", id="1", text="first"),
        ask("note", id="2", text="second"),
        ask("claim", name="x", when_offline="drop"),
    )
    transport.stop()
    try:
        outcomes = [store.submit(asked)[0] for asked in (first, second, dropped)]
        with pytest.raises(HubUnreachable, match="cannot reach the hub"):
            store.refresh()
        assert store.snapshot().read("README.md") == b"a hub\n"
    finally:
        transport.start()

    assert [o["outcome"] for o in outcomes] == ["queued", "queued", "offline"]
    for outcome in outcomes:
        assert outcome["reason"]
        assert outcome["hint"]
    assert [w.request for w in store.pending()] == [first, second]
    for waiting in store.pending():
        assert waiting.reason in outcomes[-1]["reason"]
    assert store.flush() == [{"outcome": "noted"}] * 2
    assert store.pending() == []
    subjects = git(hub.path, "log", "--reverse", "--format=%s", "swarm").splitlines()
    assert subjects[1:] == ["note first", "note second"]


def test_a_hub_that_hangs_is_offline_after_the_deadline(hub: Hub, tmp_path: Path) -> None:
    home = tmp_path / "home"
    open_store(hub.url, home).snapshot()
    impatient = open_store(hub.url, home, idle=0.5)

    with hub.hanging():
        kept, dropped = impatient.submit(
            ask("note", text="x"), ask("claim", name="x", when_offline="drop")
        )
        with pytest.raises(HubUnreachable, match=r"no answer in 0\.5 s"):
            impatient.refresh()

    assert (kept["outcome"], dropped["outcome"]) == ("queued", "offline")
    assert "no answer in 0.5 s" in kept["reason"]
    assert open_store(hub.url, home).flush() == [{"outcome": "noted"}]
    assert commits(hub.path) == 2


@pytest.mark.parametrize("scheme", ["http", "ssh"])
def test_a_host_that_takes_connections_and_says_nothing(
    scheme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with servers.mute() as port:
        store = open_store(f"{scheme}://127.0.0.1:{port}/hub.git", tmp_path / "home", idle=0.5)
        [dropped] = store.submit(ask("claim", name="x", when_offline="drop"))

    assert dropped["outcome"] == "offline"
    assert "no answer in 0.5 s" in dropped["reason"]


def test_a_command_that_never_answers_instead_of_ssh(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_SSH_COMMAND", "sleep 600 #")
    monkeypatch.setenv("GIT_SSH_VARIANT", "ssh")
    store = open_store("ssh://127.0.0.1/hub.git", tmp_path / "home", idle=0.3)

    [dropped] = store.submit(ask("claim", name="x", when_offline="drop"))

    assert dropped["outcome"] == "offline"
    assert "no answer in 0.3 s" in dropped["reason"]
