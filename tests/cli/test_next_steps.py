"""What is in the way is called by its name, and there is always a next step."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from cli_toys import Ran

from tests.people import cards, plant

Cli = Callable[..., Ran]
Join = Callable[[str], Path]


def test_an_agent_that_waits_is_seen_by_who_admits_it(
    cli: Cli, join: Join, hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper = join("ada")
    assert cli("task", "set", "policy.admission=approval", cwd=keeper).code == 0
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("GITCOLLAB_HOME", str(tmp_path / "elsewhere"))
        nova = join("nova")
        claimed = cli("claim", "LR=0.2", cwd=nova)
        assert claimed.code == 5
        assert claimed.out == "nothing is claimed: nova waits for a maintainer to admit it\n"
        assert "\nto admit" not in cli("status", cwd=nova).out
    listed = cli("agent", "list", cwd=keeper)  # no sync was needed
    assert ["nova", "waiting"] in [row.split()[:2] for row in listed.out.splitlines()]
    assert "to admit  nova (gitcollab admit NAME, as of the last sync)\n" in cli("status").out
    hub.rename(hub.with_name("away.git"))
    assert cli("agent", "list").err.startswith("note: as of the last sync: cannot reach the hub")


def test_a_suspended_agent_is_told_whom_to_ask(cli: Cli, join: Join, hub: Path) -> None:
    nova = join("nova")
    assert cli("agent", "suspend", "nova", cwd=nova).code == 0
    ask = "ask a maintainer (keeper) for: gitcollab agent restore nova\n"
    for argv in (["claim", "LR=0.2"], ["run", "--set", "LR=0.2"]):
        told = cli(*argv)
        assert (told.code, told.err.endswith(f"next: {ask}")) == (4, True)
        assert told.out.startswith("refused: nova is suspended (claims/")
    assert cli("claim", "LR=0.2", "--json").json["hint"] == ask.strip()
    for argv in (["sync"], ["join", str(hub), "--agent", "nova"]):
        assert f"nova is suspended, and nothing of it is taken in; {ask}" in cli(*argv).out


@pytest.mark.parametrize(
    ("admission", "then"),
    [("open", ""), ("invite", "gitcollab invite > FILE\n"), ("approval", "gitcollab admit NAME\n")],
)
def test_a_new_hub_is_to_be_joined(
    cli: Cli, tmp_path: Path, task_file: Path, admission: str, then: str
) -> None:
    argv = ["init", "a hub", "--task", str(task_file), "--set", f"policy.admission={admission}"]
    told = cli(*argv, cwd=tmp_path)
    join = f"next, in a folder for it: gitcollab join '{tmp_path / 'a hub'}' --agent NAME\n"
    assert join in told.out
    assert told.out.endswith(then or join)
    assert join in cli("init", "a hub", cwd=tmp_path).out


def test_own_results_are_no_news(cli: Cli, join: Join) -> None:
    nova, vega = join("nova"), join("vega")
    assert cli("run", "--set", "LR=0.2", cwd=nova).code == 0
    assert cli("sync").out.startswith("nothing new\n")
    assert cli("sync", cwd=vega).out.startswith("1 new result\n")


def test_a_hub_that_takes_nothing_is_not_away(cli: Cli, join: Join, hub: Path) -> None:
    nova = join("nova")
    door = hub / "hooks" / "pre-receive"
    door.parent.mkdir(exist_ok=True)
    door.write_text("#!/bin/sh\nkill -9 $PPID\n")
    door.chmod(0o755)
    assert cli("run", "--set", "LR=0.2", cwd=nova).code == 5
    plant(hub, cards(["vega"]))
    told = cli("sync")
    assert "offline" not in told.out
    assert "the hub took nothing: " in told.out
    assert "(what waits is kept here; gitcollab doctor)\n" in told.out
    ruled = cli("agent", "suspend", "nova")
    assert (ruled.code, ruled.err.startswith("error: nothing is decided: ")) == (5, True)


def test_a_hub_that_lies_in_the_folder_is_named(cli: Cli, tmp_path: Path, task_file: Path) -> None:
    assert cli("init", "--task", str(task_file), cwd=tmp_path).code == 0
    told = cli("status", cwd=tmp_path)
    assert told.code == 1
    assert "next: it has a hub of its own: gitcollab run takes part in it; " in told.err
    assert told.err.endswith("gitcollab join .gitcollab/hub.git --agent NAME\n")
    below = tmp_path / "below"
    below.mkdir()
    told = cli("best", cwd=below)
    assert f"takes part in it, in {tmp_path}; " in told.err
    assert "gitcollab join ../.gitcollab/hub.git --agent NAME" in told.err
    assert cli("join", ".gitcollab/hub.git", "--agent", "nova", cwd=tmp_path).code == 0
    assert cli("status").code == 0


def test_a_best_that_nobody_can_take_is_told(cli: Cli, join: Join) -> None:
    nova = join("nova")
    rows = "commit\tscore\tstatus\tdescription\na1a1a1a\t0.41\tkeep\tsecret sauce\n"
    (nova / "log.tsv").write_text(rows)
    assert cli("run", cwd=nova).code == 0
    assert cli("import", "log.tsv", "--agent", "karp", "--tier", "cpu", cwd=nova).code == 0
    assert "sauce" in cli("best").out
    assert "cannot be adopted" not in cli("best").out
    told = cli("best", "--adopt").out.splitlines()
    assert told[-2] == "the best cannot be adopted: its program is not on the hub; instead:"
    assert told[-1].startswith("train.py is nova/baseline-")


def test_an_agent_that_there_is_none_of(cli: Cli, join: Join) -> None:
    join("bobby")
    nova = join("nova")
    assert cli("results", "--agent", "bobby", cwd=nova).out == "no results\n"
    for verb in ("results", "best"):
        told = cli(verb, "--agent", "boby")
        assert told.code == 2
        assert told.err == (
            "error: there is no agent 'boby' on this hub\nnext: did you mean bobby?\n"
        )
