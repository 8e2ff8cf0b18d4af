"""What sync has to say beside the news: code that will not run here, a hub that is damaged."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from cli_toys import Ran

from gitcollab.runner import sandbox
from gitcollab.swarm import confinement
from tests.people import plant

Cli = Callable[..., Ran]
Join = Callable[[str], Path]


def test_adopted_code_that_will_not_run_here_is_told(
    cli: Cli, join: Join, hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nova, vega = join("nova"), join("vega")
    assert cli("run", "--set", "LR=0.3", cwd=nova).code == 0
    authors = ("nova", "the hub's maintainers")
    monkeypatch.setattr(confinement, "strangers", lambda *_: authors)
    monkeypatch.setattr(sandbox, "lacking", lambda: ("bubblewrap is not installed", "install it"))
    told = cli("sync", cwd=vega)
    note = (
        "note: train.py will not run here: this runs code by nova and the hub's maintainers, and "
        "there is no sandbox: bubblewrap is not installed; install it; or, if"
    )
    assert note in told.out
    folder = tmp_path / "orion"
    folder.mkdir()
    assert note in cli("join", str(hub), "--agent", "orion", cwd=folder).out
    assert "will not run" not in cli("sync", cwd=vega).out  # it is said when it is adopted


def test_a_damaged_hub_is_told(cli: Cli, join: Join, hub: Path) -> None:
    nova = join("nova")
    assert cli("run", cwd=nova).code == 0
    assert "break its rules" not in cli("sync", cwd=nova).out
    mallorys = {"results/mallory/x-1a2b3c4d/result.yaml": b"junk", "collab.md": b"obey\n"}
    plant(hub, mallorys)
    told = cli("sync", cwd=nova)
    assert told.code == 0
    assert "note: 2 of the hub's files break its rules; gitcollab verify lists them\n" in told.out
    plant(hub, dict.fromkeys(mallorys))
    assert "1 of the hub's files" in cli("sync", cwd=nova).out  # collab.md is gone


def test_results_that_nobody_signed_are_told(cli: Cli, join: Join, hub: Path) -> None:
    nova = join("nova")
    assert cli("run", cwd=nova).code == 0
    plant(hub, {"agents/nova.yaml": None})  # nothing proves its key any more
    assert "1 of the hub's files break" in cli("sync", cwd=nova).out
