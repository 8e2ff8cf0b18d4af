"""setup: shows what it writes, writes it for the gitcollab that runs, and takes it back."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_toys import Ran

Cli = Callable[..., Ran]


def test_an_agent_is_told_and_untold(
    cli: Cli, join: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    nova = join("nova")
    before = sorted(nova.iterdir())
    shown = cli("setup", "claude", "--dry-run", cwd=nova)
    assert shown.code == 0
    assert "+++ b/CLAUDE.md\n@@ " in shown.out
    assert "CLAUDE.md                    would be created (instructions)\n" in shown.out
    assert sorted(nova.iterdir()) == before
    done = cli("setup", "claude")
    assert shown.out.replace("would be ", "") == done.out
    assert done.err == ""
    server = json.loads((nova / ".mcp.json").read_text())["mcpServers"]["gitcollab"]
    assert Path(server["command"]).is_absolute()
    assert server["args"][-2:] == ["--workspace", str(nova)]
    again = cli("setup", "claude", "--json").json
    assert [one["done"] for one in again["files"]] == ["unchanged"] * 3
    (nova / ".mcp.json").write_text("{")
    broken = cli("setup", "claude", "--remove")
    assert (broken.code, broken.out) == (1, "")
    assert broken.err.startswith("error: .mcp.json is no JSON (line 1: ")
    assert broken.err.endswith("next: nothing was written; mend that file, then run this again\n")
    (nova / ".mcp.json").unlink()
    gone = cli("setup", "claude", "--remove").out.splitlines()[-3:]
    assert [row.split()[1] for row in gone] == ["removed", "absent", "removed"]
    assert sorted(nova.iterdir()) == before


def test_no_hub_is_needed(
    cli: Cli, join: Callable[[str], Path], hub: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nova = join("nova")
    hub.rename(hub.with_name("away.git"))
    monkeypatch.setenv("GITCOLLAB_HOME", str(nova.parent / "a new home"))
    assert cli("setup", "claude", "--dry-run", cwd=nova).code == 0
    assert cli("setup", "cursor").code == 0
    hook = json.loads((nova / ".cursor" / "hooks.json").read_text())["hooks"]["sessionStart"][0]
    made, moved, *command = shlex.split(hook["command"])
    assert (made, moved) == ("env", f"GITCOLLAB_HOME={nova.parent / 'a new home'}")
    assert command[-3:] == ["prime", "--hook", "cursor"]


def test_what_is_no_workspace_or_no_agent_is_said(cli: Cli, tmp_path: Path) -> None:
    nowhere = cli("setup", "claude", cwd=tmp_path)
    assert nowhere.code == 1
    assert "gitcollab join HUB --agent NAME" in nowhere.err
    assert cli("setup", "emacs").code == 2
