"""--sandbox of join and run, and the note on programs that peek."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from cli_toys import Ran

from gitcollab.runner import sandbox
from gitcollab.swarm import authorship

Cli = Callable[..., Ran]
Join = Callable[[str], Path]
CONFIG = ".gitcollab/config.yaml"


def test_join_keeps_the_mode_for_the_workspace(cli: Cli, join: Join, hub: Path) -> None:
    nova = join("nova")
    assert "sandbox" not in (nova / CONFIG).read_text()
    for mode in ("required", "off", "auto"):
        assert cli("join", str(hub), "--agent", "nova", "--sandbox", mode, cwd=nova).code == 0
        assert f"sandbox: {mode}" in (nova / CONFIG).read_text().replace("'", "")
    assert cli("join", str(hub), "--agent", "nova", "--sandbox", "never", cwd=nova).code == 2


def test_run_without_a_sandbox(
    cli: Cli, join: Join, hub: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(authorship, "_is_own_file", lambda *_: False)
    monkeypatch.setattr(sandbox, "lacking", lambda: ("bubblewrap is not installed", "install it"))
    nova = join("nova")
    refused = cli("run", cwd=nova)
    assert refused.code == 4
    assert "code by the hub's maintainers, and there is no sandbox" in refused.err
    assert f"gitcollab join {hub} --agent nova --branch swarm --sandbox off" in refused.err
    assert cli("run", "--sandbox", "required", cwd=nova).code == 4
    once = cli("run", "--sandbox", "off", cwd=nova)
    assert once.code == 0, once.err
    assert "note: code by the hub's maintainers runs unprotected" in once.out
    assert cli("join", str(hub), "--agent", "nova", "--sandbox", "off", cwd=nova).code == 0
    assert cli("run", cwd=nova).code == 0


def test_a_program_that_peeks_is_noted(cli: Cli, join: Join) -> None:
    nova = join("nova")
    program = nova / "train.py"
    program.write_text(program.read_text() + "\nPATH = 'val.tokens'\n")
    note = "note: the program seems to read the validation data itself: it names val.tokens"
    assert note in cli("run", "peek", cwd=nova).out
    shown = cli("results", "--json").json["results"][0]["id"]
    assert note in cli("show", shown).out
    assert note.removeprefix("note: ") in cli("show", shown, "--json").json["notes"][0]
