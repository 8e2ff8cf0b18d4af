"""``gitcollab mcp``: what it needs, what it lists, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_toys import TOY_PROGRAM, Ran

Cli = Callable[..., Ran]


def test_without_its_package_it_says_how_to_install_it(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "mcp.server.mcpserver", None)
    ran = cli("mcp", cwd=tmp_path)
    assert ran.code == 1
    assert ran.err.splitlines() == [
        "error: the MCP server needs the package mcp",
        "next: pip install 'gitcollab[mcp]'",
    ]


def test_a_workspace_that_is_no_folder_is_wrong_usage(cli: Cli, tmp_path: Path) -> None:
    ran = cli("mcp", "--workspace", str(tmp_path / "nowhere"))
    assert ran.code == 2
    assert "there is no folder" in ran.err


def test_it_lists_its_tools_for_programs(cli: Cli, tmp_path: Path) -> None:
    ran = cli("mcp", "--json", cwd=tmp_path)
    assert ran.code == 0
    tools = {one["name"]: one for one in ran.json["tools"]}
    assert {"think", "claim", "run", "publish", "ask", "best"} <= tools.keys()
    assert tools["run"]["inputSchema"]["properties"]["set_values"]


class Wire:
    """A server of the workspace as a process, spoken with line by line."""

    def __init__(self, workspace: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gitcollab", "mcp", "--workspace", str(workspace)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._number = 0

    def __enter__(self) -> Wire:
        self.process.__enter__()
        return self

    def __exit__(self, *what: object) -> None:
        self.process.kill()
        self.process.__exit__(None, None, None)

    def send(self, method: str, **params: Any) -> None:
        assert self.process.stdin is not None
        self._number += 1
        known = {"jsonrpc": "2.0", "method": method, "params": params}
        if not method.startswith("notifications/"):
            known["id"] = self._number
        self.process.stdin.write(json.dumps(known) + "\n")
        self.process.stdin.flush()

    def line(self) -> Any:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def greet(self) -> None:
        info = {"name": "test", "version": "1"}
        self.send("initialize", protocolVersion="2025-06-18", capabilities={}, clientInfo=info)
        assert self.line()["result"]["serverInfo"]["name"] == "gitcollab"
        self.send("notifications/initialized")

    def call(self, tool: str, token: str | None = None, **how: Any) -> None:
        meta = {} if token is None else {"_meta": {"progressToken": token}}
        self.send("tools/call", name=tool, arguments=how, **meta)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, None])
def test_however_it_ends_the_run_is_undone_and_the_claim_given_back(
    join: Callable[[str], Path], cli: Cli, number: signal.Signals | None
) -> None:
    """None: its client goes, and standard input ends."""
    folder = join("nova")
    with Wire(folder) as wire:
        wire.greet()
        wire.call("run", "token", set_values={"PAUSE": 60})
        while wire.line()["params"]["message"] != "running, step 1, loss 2.5":
            pass
        assert cli("status", "--json", cwd=folder).json["mine"]
        assert wire.process.stdin is not None
        if number is None:
            wire.process.stdin.close()
        else:
            os.kill(wire.process.pid, number)
        assert wire.process.wait(60) == (0 if number is None else 128 + number)
    status = cli("status", "--json", cwd=folder).json
    assert (status["claims"], status["mine"], status["results"]) == ([], [], 0)
    assert (folder / "train.py").read_text() == TOY_PROGRAM


def test_where_nobody_reads_its_answers_it_ends_as_a_reader_that_left_has_it(
    join: Callable[[str], Path], cli: Cli
) -> None:
    folder = join("nova")
    with Wire(folder) as wire:
        wire.greet()
        wire.call("run", "token", set_values={"PAUSE": 60})
        wire.line()
        assert wire.process.stdout is not None
        wire.process.stdout.close()  # while standard input stays open
        assert wire.process.wait(60) == 141
        assert wire.process.stderr is not None
        assert "bug" not in wire.process.stderr.read()
    status = cli("status", "--json", cwd=folder).json
    assert (status["claims"], status["mine"], status["results"]) == ([], [], 0)
    assert (folder / "train.py").read_text() == TOY_PROGRAM
