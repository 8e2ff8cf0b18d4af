"""The command line from end to end over each way to a hub, as people type it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gitcollab.cli import main
from tests.cli.cli_toys import Ran, process
from tests.store.store_toys import files, git
from tests.transports import servers
from tests.transports.hubs import Hub, Transport, history, holds

Cli = Callable[..., Ran]


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Run a command line in this process, which starts faster than one of its own."""

    def run(*argv: str, cwd: Path) -> Ran:
        monkeypatch.chdir(cwd)
        capsys.readouterr()
        code = main.run(argv)
        return Ran(code, *capsys.readouterr())

    return run


def test_from_an_empty_hub_to_a_result(
    cli: Cli,
    transport: Transport,
    empty: Hub,
    toy_task: Path,
    tmp_path: Path,
    isolated_home: Path,
) -> None:
    nova = tmp_path / "nova"
    nova.mkdir()
    shown = []

    def ask(*argv: str, by: Cli = cli) -> dict[str, object]:
        ran = by(*argv, "--json", cwd=nova)
        assert ran.code == 0, ran
        shown.append(ran.out + ran.err)
        return ran.json

    made = ask("init", empty.url, "--task", str(toy_task))
    assert (made["created"], made["seeded"], made["task"]) == (False, True, "toy")
    assert ask("join", empty.url, "--agent", "nova")["registered"] is True
    ran = ask("run", "--set", "RATE=0.25", by=process)
    assert (ran["outcome"], ran["is_best"]) == ("published", True)
    assert ask("sync")["online"] is True
    status = ask("status", "--online")
    assert (status["online"], status["queued"]) == (True, [])
    assert status["best"]["id"] == ran["result"]["id"]

    found = files(empty.path)
    assert {"agents/nova.yaml", f"results/{ran['result']['id']}/result.yaml"} <= set(found)
    assert not [path for path in found if path.startswith("claims/")]
    assert git(empty.path, "show", "swarm:best/train_py").count("RATE = 0.25") == 1
    if transport.name == "http":
        assert servers.PASSWORD not in "".join(shown) + history(empty.path)
        assert holds(isolated_home, servers.PASSWORD) == []
        # The workspace is told the address once; nothing else there repeats it.
        assert holds(nova, servers.PASSWORD) == [nova / ".gitcollab" / "config.yaml"]


@pytest.mark.parametrize("json", [[], ["--json"]])
def test_the_words_of_the_command_line_hold_no_password(
    cli: Cli,
    by_http: Transport,
    make_empty: Callable[[Transport], Hub],
    toy_task: Path,
    tmp_path: Path,
    json: list[str],
) -> None:
    hub = make_empty(by_http)
    wrong = hub.url.replace(servers.PASSWORD, "wr0ng-pass")
    task = ["--task", str(toy_task)]

    done = [
        cli(*argv, *json, cwd=tmp_path)
        for argv in (
            ["init", wrong, *task],
            ["join", wrong, "--agent", "nova"],
            ["init", hub.url, *task],
            ["init", hub.url, *task],
            ["join", hub.url, "--agent", "nova"],
            ["join", wrong, "--agent", "nova"],  # another membership: an error that names the hub
            ["status", "--online"],
        )
    ]

    assert [ran.code for ran in done] == [5, 5, 0, 0, 0, 1, 0]
    assert "the hub does not let us in" in done[0].out + done[0].err
    for ran in done:
        assert servers.PASSWORD not in ran.out + ran.err
        assert "wr0ng" not in ran.out + ran.err
