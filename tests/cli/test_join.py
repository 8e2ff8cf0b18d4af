"""join: what it puts into a folder, and what it leaves alone when it is run again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from cli_toys import TOY_PROGRAM, Ran

Cli = Callable[..., Ran]
Join = Callable[[str], Path]


def test_join_says_whose_program_it_put_there(
    cli: Cli, join: Join, hub: Path, tmp_path: Path
) -> None:
    assert cli("run", "--set", "LR=0.3", cwd=join("nova")).code == 0
    best = cli("best", "--json").json["id"]
    folder = tmp_path / "vega"
    folder.mkdir()
    told = cli("join", str(hub), "--agent", "vega", cwd=folder)
    size = f"+{len(TOY_PROGRAM.splitlines())} -0 lines"
    assert f"train.py is now {best}: code of nova, signature right, {size}\n" in told.out


def test_joined_again_a_workspace_keeps_its_program(cli: Cli, join: Join, hub: Path) -> None:
    nova = join("nova")
    assert cli("run", "--set", "LR=0.3", cwd=join("vega")).code == 0
    told = cli("join", str(hub), "--agent", "nova", cwd=nova)
    assert (nova / "train.py").read_text() == TOY_PROGRAM
    assert "note: your train.py was kept; the best is one `gitcollab best --adopt` away" in told.out
    (nova / "train.py").unlink()
    assert "train.py is now vega/" in cli("join", str(hub), "--agent", "nova", cwd=nova).out


def test_joined_again_it_says_which_sandbox_is_used(cli: Cli, join: Join, hub: Path) -> None:
    nova = join("nova")
    assert "sandbox   auto\n" in cli("status", cwd=nova).out
    off = cli("join", str(hub), "--agent", "nova", "--sandbox", "off", cwd=nova)
    assert "the sandbox is off here now; it was auto\n" in off.out
    assert "sandbox   off\n" in cli("status", cwd=nova).out
    same = cli("join", str(hub), "--agent", "nova", "--json", cwd=nova).json
    assert (same["sandbox"], same["sandbox_before"]) == ("off", None)


@pytest.mark.parametrize("given", ["invitation.txt", "gitcollab_invite-abc"])
def test_an_invitation_in_a_file_that_is_missing(
    cli: Cli, hub: Path, tmp_path: Path, given: str
) -> None:
    told = cli("join", str(hub), "--agent", "nova", "--invite", given, cwd=tmp_path)
    assert told.code == 2
    assert "there is no such file" in told.err
    assert given not in told.err  # a damaged token is a secret still


def test_a_name_that_is_taken(
    cli: Cli, join: Join, hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    join("nova")
    elsewhere = tmp_path / "elsewhere"
    monkeypatch.setenv("GITCOLLAB_HOME", str(elsewhere))
    told = cli("join", str(hub), "--agent", "nova", cwd=tmp_path)
    assert told.code == 4
    assert "nova is registered with a key that is not here" in told.err
    assert f"the file keys/nova there belongs into {elsewhere / 'keys'} here" in told.err
    assert not (elsewhere / "keys" / "nova").exists()


def test_a_workspace_on_a_machine_without_its_key(
    cli: Cli, join: Join, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nova = join("nova")
    monkeypatch.setenv("GITCOLLAB_HOME", str(tmp_path / "elsewhere"))
    for argv in (["claim", "LR=0.2"], ["run", "--set", "LR=0.2"]):
        told = cli(*argv, cwd=nova)
        assert told.code == 4
        assert "nova is registered with a key that is not here" in told.err
        assert "bring the key from the machine where it joined" in told.err
    assert not (tmp_path / "elsewhere" / "keys" / "nova").exists()
    assert (nova / "train.py").read_text() == TOY_PROGRAM


def test_status_says_why_the_hub_is_away(cli: Cli, join: Join, hub: Path) -> None:
    nova = join("nova")
    hub.rename(hub.with_name("away.git"))
    told = cli("status", "--online", cwd=nova)
    assert f"online no: cannot reach the hub {hub}" in " ".join(told.out.split())
