"""Who is let in, over http and ssh: what is said when we are not, and that nobody is asked."""

from __future__ import annotations

import os
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from gitcollab.git.failures import HubUnreachable
from tests.store.store_toys import ask, commits, open_store
from tests.transports import servers
from tests.transports.hubs import Hub, Transport, history, holds

Make = Callable[[Transport], Hub]


def refused(url: str, home: Path) -> tuple[str, str]:
    """Everything said about why ``url`` cannot be had, and the next step; no way to ask differs."""
    store = open_store(url, home)
    kept, dropped = store.submit(ask("note", text="x"), ask("claim", name="x", when_offline="drop"))
    assert (kept["outcome"], dropped["outcome"]) == ("queued", "offline")
    with pytest.raises(HubUnreachable) as e:
        store.refresh()
    assert e.value.hint == kept["hint"] == dropped["hint"]
    assert kept["reason"] == dropped["reason"]
    assert kept["reason"] in e.value.message
    assert [waiting.reason for waiting in store.pending()] == [kept["reason"]]
    told = "".join(traceback.format_exception(e.value)) + repr((kept, dropped))
    return told, str(kept["hint"])


def in_a_terminal(url: str, home: Path) -> str:
    """What a person sees who fetches ``url`` at a terminal."""
    script = (
        "import sys; from pathlib import Path; from tests.store.store_toys import open_store\n"
        "try: open_store(sys.argv[1], Path(sys.argv[2])).snapshot()\n"
        "except Exception as e: print(type(e).__name__, e)\n"
    )
    terminal = "import pty, sys; pty.spawn(sys.argv[1:])"
    done = subprocess.run(
        [sys.executable, "-c", terminal, sys.executable, "-c", script, url, str(home)],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout


# -- http ------------------------------------------------------------------------------------------


@pytest.fixture
def web_hub(by_http: Transport, make_seeded: Make) -> Hub:
    """A hub by http."""
    return make_seeded(by_http)


def with_user(url: str, user: str) -> str:
    """``url`` with ``user`` ("", "name" or "name:password") in the place of who it names."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{user}{'@' if user else ''}{rest.rpartition('@')[2]}"


def use_helper(home: Path, user: str, password: str) -> None:
    """Have git ask a credential helper, as people do."""
    script = f'!f() {{ test "$1" = get && echo username={user} && echo password={password}; }}; f'
    config = ["git", "config", "--file", str(home / ".gitconfig"), "credential.helper", script]
    subprocess.run(config, check=True)


@pytest.mark.parametrize(
    ("user", "reason", "step"),
    [
        ("nova:wr0ng-pass", "the hub does not let us in", "credentials"),
        ("nova:wr0ng@pass", "the hub's address is no URL", "%40"),
    ],
)
def test_a_wrong_password_in_the_address(
    web_hub: Hub, tmp_path: Path, user: str, reason: str, step: str
) -> None:
    told, hint = refused(with_user(web_hub.url, user), tmp_path / "home")

    assert reason in told
    assert step in hint
    for secret in ("wr0ng", "@pass", "pass@"):
        assert secret not in told
        assert holds(tmp_path / "home", secret) == []
    assert commits(web_hub.path) == 1


@pytest.mark.parametrize("user", ["", "nova"])
def test_a_password_from_a_credential_helper(
    web_hub: Hub, tmp_path: Path, isolated_home: Path, user: str
) -> None:
    use_helper(isolated_home, servers.USER, servers.PASSWORD)
    store = open_store(with_user(web_hub.url, user), tmp_path / "home")

    assert store.submit(ask("note", text="x")) == [{"outcome": "noted"}]
    assert commits(web_hub.path) == 2
    assert holds(tmp_path / "home", servers.PASSWORD) == []


def test_a_password_that_is_put_right(web_hub: Hub, tmp_path: Path, isolated_home: Path) -> None:
    url = with_user(web_hub.url, "")
    use_helper(isolated_home, servers.USER, "wr0ng-pass")
    told, hint = refused(url, tmp_path / "home")
    assert "the hub does not let us in" in told
    assert "credential helper" in hint
    assert "wr0ng" not in told

    use_helper(isolated_home, servers.USER, servers.PASSWORD)
    assert open_store(url, tmp_path / "home").flush() == [{"outcome": "noted"}]
    assert commits(web_hub.path) == 2


def test_no_password_at_all(web_hub: Hub, tmp_path: Path) -> None:
    told, hint = refused(with_user(web_hub.url, ""), tmp_path / "home")

    assert "the hub does not let us in" in told
    assert "credentials" in hint


def test_a_right_password_stays_in_the_address(web_hub: Hub, tmp_path: Path) -> None:
    home = tmp_path / "home"
    store = open_store(web_hub.url, home)
    store.submit(ask("note", text="x"), ask("claim", name="x"))
    store.refresh()
    web_hub.path.rename(web_hub.path.with_suffix(".away"))
    queued = store.submit(ask("note", text="y"))
    with pytest.raises(HubUnreachable) as e:
        store.refresh()
    web_hub.path.with_suffix(".away").rename(web_hub.path)

    told = "".join(traceback.format_exception(e.value)) + repr(queued)
    assert servers.PASSWORD not in told + history(web_hub.path)
    assert holds(home, servers.PASSWORD) == []
    # Another password is the same hub.
    assert store.folder == open_store(with_user(web_hub.url, "nova:new"), home).folder


def test_nobody_is_asked_for_a_password(
    web_hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window, asked = tmp_path / "askpass", tmp_path / "asked"
    window.write_text(f"#!/bin/sh\ntouch {asked}\necho guess\n")
    window.chmod(0o755)
    monkeypatch.setenv("SSH_ASKPASS", str(window))
    monkeypatch.setenv("DISPLAY", ":0")

    for user in ("", "nova"):
        seen = in_a_terminal(with_user(web_hub.url, user), tmp_path / "home")
        assert seen.startswith("HubUnreachable cannot reach the hub http://127.0.0.1")
    assert not asked.exists()


# -- ssh -------------------------------------------------------------------------------------------


@pytest.fixture
def ssh_hub(by_ssh: Transport, make_seeded: Make) -> Hub:
    """A hub by ssh."""
    return make_seeded(by_ssh)


def test_a_wrong_key(
    ssh_hub: Hub, ssh_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = servers.ssh_command(ssh_folder / "wrong_key", tmp_path / "known_hosts")
    monkeypatch.setenv("GIT_SSH_COMMAND", command)

    told, hint = refused(ssh_hub.url, tmp_path / "home")

    assert "the hub does not let us in" in told
    assert "ssh key" in hint
    assert in_a_terminal(ssh_hub.url, tmp_path / "home").startswith("HubUnreachable cannot reach")


def test_an_unknown_host(ssh_hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "known_hosts").write_text("")

    told, hint = refused(ssh_hub.url, tmp_path / "home")

    assert "host key is not known (Host key verification failed.)" in told
    assert "accept the host's key" in hint
    assert in_a_terminal(ssh_hub.url, tmp_path / "home").startswith("HubUnreachable cannot reach")
    assert (tmp_path / "known_hosts").read_text() == ""


def test_a_host_with_another_key(ssh_hub: Hub, ssh_folder: Path, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    another = (ssh_folder / "wrong_key.pub").read_text()
    known.write_text(f"{known.read_text().split()[0]} {another}")

    told, hint = refused(ssh_hub.url, tmp_path / "home")

    assert "host key is not the one it had" in told
    assert "ask the hub's owner" in hint


def test_the_address_as_people_write_it(
    ssh_hub: Hub, ssh: servers.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_SSH_COMMAND", f"{os.environ['GIT_SSH_COMMAND']} -p {ssh.port}")
    user = ssh_hub.url.partition("://")[2].partition("@")[0]

    store = open_store(f"{user}@127.0.0.1:{ssh_hub.path}", tmp_path / "home")

    assert store.submit(ask("note", text="x")) == [{"outcome": "noted"}]
    assert commits(ssh_hub.path) == 2
