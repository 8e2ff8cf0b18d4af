"""Four ways to a hub. A server is started when the first test of a process needs it."""

from __future__ import annotations

import getpass
import json
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from gitcollab.git.remote import create_bare
from tests.store.store_toys import make_hub
from tests.transports import servers
from tests.transports.hubs import Hub, Transport, copy_hub, start_folder, stop_folder

_numbers = count()


@pytest.fixture(scope="session")
def hubs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that every transport serves."""
    folder = tmp_path_factory.mktemp("served") / "hubs"
    folder.mkdir()
    return folder


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A seeded hub, to copy."""
    return make_hub(tmp_path_factory.mktemp("template") / "hub.git")


@pytest.fixture(scope="session")
def web(tmp_path_factory: pytest.TempPathFactory, hubs: Path) -> Iterator[servers.Server]:
    """A running web server."""
    yield from _running(partial(servers.lighttpd, tmp_path_factory.mktemp("web"), hubs))


@pytest.fixture(scope="session")
def ssh_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the keys of the ssh server are."""
    return tmp_path_factory.mktemp("ssh")


@pytest.fixture(scope="session")
def ssh(ssh_folder: Path) -> Iterator[servers.Server]:
    """A running ssh server."""
    yield from _running(partial(servers.sshd, ssh_folder))


def _running(make: Callable[[], servers.Server]) -> Iterator[servers.Server]:
    try:
        server = make()
    except servers.NotInstalledError as e:
        pytest.skip(str(e))
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def by_path(hubs: Path) -> Transport:
    """Hubs by their path."""
    return Transport(
        "path", hubs, f"{hubs}/", partial(stop_folder, hubs), partial(start_folder, hubs)
    )


@pytest.fixture
def by_file(hubs: Path) -> Transport:
    """Hubs by file://."""
    stop, start = partial(stop_folder, hubs), partial(start_folder, hubs)
    return Transport("file", hubs, f"file://{hubs}/", stop, start)


@pytest.fixture
def by_http(hubs: Path, web: servers.Server, monkeypatch: pytest.MonkeyPatch) -> Transport:
    """Hubs by http, the user and password in the address."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    who = f"{servers.USER}:{servers.PASSWORD}"
    base = f"http://{who}@127.0.0.1:{web.port}/git/"
    return Transport("http", hubs, base, web.stop, web.start)


@pytest.fixture
def by_ssh(
    hubs: Path,
    ssh: servers.Server,
    ssh_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Transport:
    """Hubs by ssh, with a key and a known host."""
    known = tmp_path / "known_hosts"
    known.write_text(f"[127.0.0.1]:{ssh.port} {(ssh_folder / 'host_key.pub').read_text()}")
    monkeypatch.setenv("GIT_SSH_COMMAND", servers.ssh_command(ssh_folder / "user_key", known))
    base = f"ssh://{getpass.getuser()}@127.0.0.1:{ssh.port}{hubs}/"
    return Transport("ssh", hubs, base, ssh.stop, ssh.start)


@pytest.fixture(params=["path", "file", "http", "ssh"])
def transport(request: pytest.FixtureRequest) -> Transport:
    """Each way in turn."""
    return request.getfixturevalue(f"by_{request.param}")


@pytest.fixture
def make_empty(hubs: Path) -> Callable[[Transport], Hub]:
    """Make an empty repository and give it as reached over a transport."""

    def make(transport: Transport) -> Hub:
        path = hubs / f"hub{next(_numbers)}.git"
        create_bare(path)
        return Hub(path, transport.url(path))

    return make


@pytest.fixture
def make_seeded(hubs: Path, template: Path) -> Callable[[Transport], Hub]:
    """Make a hub with one commit on the branch `swarm`."""

    def make(transport: Transport) -> Hub:
        path = copy_hub(template, hubs / f"hub{next(_numbers)}.git")
        return Hub(path, transport.url(path))

    return make


@pytest.fixture
def empty(transport: Transport, make_empty: Callable[[Transport], Hub]) -> Hub:
    """An empty repository."""
    return make_empty(transport)


@pytest.fixture
def hub(transport: Transport, make_seeded: Callable[[Transport], Hub]) -> Hub:
    """A hub with one commit on the branch `swarm`."""
    return make_seeded(transport)


@pytest.fixture
def git_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """The git commands of this host (not of the hub) since the last look, by their verb."""
    trace = tmp_path / "trace.json"
    monkeypatch.setenv("GIT_TRACE2_EVENT", str(trace))
    verbs = {"push", "fetch", "init", "repack", "prune", "--version"}

    def look() -> list[str]:
        events = [json.loads(line) for line in trace.read_text().splitlines()]
        trace.write_text("")
        # A command that git itself started has its parent's id before its own.
        calls = [e["argv"] for e in events if e["event"] == "start" and "/" not in e["sid"]]
        return [next(word for word in argv if word in verbs) for argv in calls]

    trace.touch()
    return look
