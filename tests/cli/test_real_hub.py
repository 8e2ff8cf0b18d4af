"""The command line for real: processes, git, a bare repository as the hub, a toy task."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from cli_toys import TOY_PROGRAM, Ran, process

Cli = Callable[..., Ran]
Join = Callable[[str], Path]

BEST_KEYS = {
    *(
        "id",
        "agent",
        "description",
        "metric",
        "n",
        "sigma",
        "pessimistic",
        "standing",
        "tier",
        "transfers",
        "no_better_than",
        "builds_on_refuted",
    ),
}


def hub_files(hub: Path) -> set[str]:
    """What lies on the hub's branch."""
    listed = subprocess.run(
        ["git", "--git-dir", str(hub), "ls-tree", "-r", "--name-only", "swarm"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(listed.stdout.splitlines())


def hub_tip(hub: Path) -> str:
    return subprocess.run(
        ["git", "--git-dir", str(hub), "rev-parse", "swarm"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()


def edit(folder: Path, name: str, value: str) -> None:
    program = folder / "train.py"
    text, found = re.subn(rf"^{name} = \S+", f"{name} = {value}", program.read_text(), flags=re.M)
    assert found == 1
    program.write_text(text)


def ok(ran: Ran) -> Ran:
    assert ran.code == 0, ran
    return ran


def test_init(cli: Cli, tmp_path: Path, task_file: Path) -> None:
    made = ok(cli("init", "hub.git", "--task", str(task_file), "--json", cwd=tmp_path)).json
    told = {"hub", "branch", "created", "seeded", "task", "note", "maintainers", "key", "admission"}
    assert set(made) == told
    assert (made["created"], made["seeded"], made["task"]) == (True, True, "toy")
    assert {"task.yaml", "train.py", "collab.md", "README.md"} <= hub_files(tmp_path / "hub.git")
    before = hub_tip(tmp_path / "hub.git")
    again = ok(cli("init", "hub.git", "--json", cwd=tmp_path)).json
    assert (again["created"], again["seeded"], again["task"]) == (False, False, "toy")
    assert hub_tip(tmp_path / "hub.git") == before
    told = ok(cli("init", "hub.git", cwd=tmp_path))
    assert "is a hub" in told.out


def test_init_changes_fields_of_a_preset(cli: Cli, tmp_path: Path) -> None:
    ok(cli("init", "hub.git", "--set", "budget.seconds=20", cwd=tmp_path))
    bad = cli("init", "b.git", "--set", "budget.seconds=never", "--json", cwd=tmp_path)
    assert bad.code == bad.json["exit"] == 2
    assert "budget" in bad.json["error"]
    none = cli("init", "b.git", "--preset", "huge", cwd=tmp_path)
    assert none.code == 2
    assert "presets: " in none.err


def test_join(cli: Cli, tmp_path: Path, hub: Path) -> None:
    folder = tmp_path / "nova"
    folder.mkdir()
    joined = ok(cli("join", str(hub), "--agent", "nova", "--json", cwd=folder)).json
    assert set(joined) == {
        *("hub", "branch", "agent", "workspace", "registered", "program", "note"),
        *("admission", "maintainers", "sandbox", "sandbox_before", "adoption"),
    }
    assert (joined["agent"], joined["registered"]) == ("nova", True)
    assert joined["program"] == "written"
    assert (folder / "train.py").read_text() == TOY_PROGRAM
    assert "agents/nova.yaml" in hub_files(hub)
    again = ok(cli("join", str(hub), "--agent", "nova", "--json", cwd=folder)).json
    assert (again["registered"], again["program"]) == (False, "unchanged")


def test_join_refuses_what_is_no_name(cli: Cli, tmp_path: Path, hub: Path) -> None:
    for name in ("a/b", "..", "a b", "x" * 300, "n\u043eva", "unknown"):
        ran = cli("join", str(hub), "--agent", name, cwd=tmp_path)
        assert ran.code == 2
        assert "cannot be an agent's name" in ran.err
        assert ran.err.count("\n") == 2


def test_join_to_what_is_no_hub(cli: Cli, tmp_path: Path) -> None:
    ran = cli("join", str(tmp_path / "nothing.git"), "--agent", "nova", "--json", cwd=tmp_path)
    assert ran.code == 2
    assert set(ran.json) == {"error", "hint", "exit"}
    assert ran.json["hint"]


def test_an_experiment_from_end_to_end(join: Join, hub: Path) -> None:
    nova = join("nova")
    first = ok(process("run", "baseline", "--json", cwd=nova)).json
    assert first["outcome"] == "published"
    assert first["is_best"] is True
    assert first["result"]["metric"] == 0.54

    better = ok(process("run", "--set", "LR=0.25", "--json", cwd=nova)).json
    assert better["verdict"] == "better"
    assert better["result"]["description"] == "LR 0.1 → 0.25"
    assert better["result"]["delta"] == {"LR": 0.25}
    assert better["kept"] is True
    assert "LR = 0.25  # learning rate" in (nova / "train.py").read_text()

    edit(nova, "LR", "0.9")
    worse = ok(process("run", cwd=nova))
    assert worse.out.startswith("score 0.860000: discard (worse than its base)\n")
    assert "LR = 0.25" in (nova / "train.py").read_text()

    best = ok(process("best", "--json", cwd=nova)).json
    assert set(best) == BEST_KEYS | {"signature_ok"}
    assert best["id"] == better["result"]["id"]
    assert best["metric"] == 0.5025
    folder = f"results/{better['result']['id']}"
    found = hub_files(hub)
    assert {f"{folder}/result.yaml", f"{folder}/train.py", f"{folder}/log.txt"} <= found
    assert "best/train_py" in found
    assert not [path for path in found if path.startswith("claims/")]

    board = ok(process("leaderboard", "--json", cwd=nova)).json["entries"]
    assert [entry["rank"] for entry in board] == [1, 2, 3]
    assert set(board[0]) == BEST_KEYS | {"rank"}
    agents = ok(process("leaderboard", "--by", "agent", "--json", cwd=nova)).json["entries"]
    assert (agents[0]["agent"], agents[0]["experiments"]) == ("nova", 3)
    assert ok(process("leaderboard", "--by", "tier", cwd=nova)).out.startswith("tier ")

    page = ok(process("results", "--limit", "2", "--json", cwd=nova)).json
    assert page["total"] == 3
    rest = ok(process("results", "--page", page["next"], "--json", cwd=nova)).json
    assert rest["next"] is None
    ids = {r["id"] for r in page["results"] + rest["results"]}
    assert len(ids) == 3

    kept = ok(process("results", "--verdict", "keep", "--json", cwd=nova)).json["results"]
    assert [r["id"] for r in kept] == [better["result"]["id"]]
    short = better["result"]["id"].rpartition("-")[2]
    shown = ok(process("show", short, "--json", cwd=nova)).json
    assert shown["signature_ok"] is True
    assert "LR = 0.25" in shown["program"]
    assert "score: 0.5025" in shown["log"]
    assert "+LR = 0.25" in ok(process("diff", short, cwd=nova)).out
    assert ok(process("views", "--json", cwd=nova)).json == {"changed": []}


def test_two_agents(cli: Cli, join: Join) -> None:
    nova, vega = join("nova"), join("vega")
    claimed = ok(cli("claim", "LR 0.1 -> 0.2", "--json", cwd=nova)).json
    assert claimed["outcome"] == "granted"
    assert claimed["claim"]["agent"] == "nova"
    assert claimed["claim"]["id"] == claimed["experiment"]
    taken = cli("claim", "LR=0.2", "--json", cwd=vega)
    assert (taken.code, taken.json["outcome"]) == (4, "taken")
    assert taken.json["other"]["agent"] == "nova"
    told = cli("run", "--set", "LR=0.2", cwd=vega)
    assert told.code == 4
    assert told.out.startswith("taken: ")

    ok(cli("sync", cwd=vega))
    claims = ok(cli("status", "--json", cwd=vega)).json["claims"]
    assert [c["agent"] for c in claims] == ["nova"]
    assert [c["id"] for c in ok(cli("renew", "--json", cwd=nova)).json["claims"]] == [
        claimed["experiment"]
    ]
    released = ok(cli("release", "--json", cwd=nova)).json
    assert released == {"released": [claimed["experiment"]]}

    ok(cli("run", "--set", "LR=0.2", "--json", cwd=vega))
    again = cli("claim", "LR 0.1 → 0.2", "--json", cwd=nova)
    assert (again.code, again.json["outcome"]) == (4, "duplicate")
    assert again.json["other"]["agent"] == "vega"
    synced = ok(cli("sync", "--json", cwd=nova)).json
    assert synced["online"] is True
    assert synced["best"]["agent"] == "vega"
    assert synced["adopted"] == synced["best"]["id"]
    assert "LR = 0.2" in (nova / "train.py").read_text()


def test_without_the_hub(cli: Cli, join: Join, hub: Path) -> None:
    nova = join("nova")
    hub.rename(hub.with_name("away.git"))
    claimed = cli("claim", "LR 0.1 → 0.2", "--json", cwd=nova)
    assert (claimed.code, claimed.json["outcome"]) == (5, "offline")
    assert claimed.json["reason"]
    ran = cli("run", "--set", "LR=0.2", "--json", cwd=nova)
    assert (ran.code, ran.json["outcome"]) == (5, "queued")
    status = ok(cli("status", "--json", cwd=nova)).json
    assert [set(item) for item in status["queued"]] == [{"kind", "id", "since", "reason"}]
    assert ok(cli("status", "--online", "--json", cwd=nova)).json["online"] is False
    away = cli("sync", "--json", cwd=nova)
    assert (away.code, away.json["online"]) == (0, False)

    hub.with_name("away.git").rename(hub)
    back = ok(cli("sync", "--json", cwd=nova)).json
    assert (back["online"], back["delivered"]) == (True, 1)
    assert f"results/{ran.json['result']['id']}/result.yaml" in hub_files(hub)
    assert ok(cli("status", "--json", cwd=nova)).json["queued"] == []


def test_runs_that_go_wrong(cli: Cli, join: Join) -> None:
    nova = join("nova")
    crash = cli("run", "--set", 'FAIL="crash"', "--json", cwd=nova)
    assert (crash.code, crash.json["outcome"]) == (1, "published")
    assert crash.json["result"]["status"] == "crash"
    assert crash.json["result"]["metric"] is None
    assert "the toy is broken" in crash.json["result"]["failure"]
    for fault in ("silent", "nan"):
        ran = cli("run", "--set", f'FAIL="{fault}"', cwd=nova)
        assert ran.code == 1
        assert ran.out.startswith("crash: ")
    unknown = cli("run", "--set", "LRR=0.2", "--json", cwd=nova)
    assert (unknown.code, set(unknown.json)) == (2, {"error", "hint", "exit"})
    assert "LR" in unknown.json["hint"]
    (nova / "train.py").write_text("LR = (\n")
    broken = cli("run", "--json", cwd=nova)
    assert broken.code == 1
    assert broken.json["hint"]


def test_another_run_is_told_as_one(cli: Cli, join: Join) -> None:
    nova = join("nova")
    kept = cli("run", "--set", "LR=0.2", "--json", cwd=nova).json["result"]["id"]
    again = f"another run of {kept}"
    claimed = cli("claim", cwd=nova)
    assert claimed.out.splitlines()[:2] == [f"granted: {again}", "program     LR 0.1 → 0.2"]
    ran = cli("run", cwd=nova)
    assert f"claiming: {again}\n" in ran.err
    assert f"publishing: {again}\n" in ran.err
    assert f": {again}" in ran.out.splitlines()[0]
    assert "change" not in ran.out


def test_publish_a_run_made_by_hand(cli: Cli, join: Join) -> None:
    nova = join("nova")
    edit(nova, "LR", "0.3")
    with (nova / "run.log").open("w") as log:
        subprocess.run([sys.executable, "train.py"], cwd=nova, stdout=log, check=True)
    told = ok(cli("publish", "run.log", "--seed", "3", "--json", cwd=nova)).json
    assert told["outcome"] == "published"
    assert told["result"]["metric"] == 0.5
    assert told["result"]["seed"] == 3
    assert told["result"]["description"] == "LR 0.1 → 0.3"
    (nova / "empty.log").write_text("nothing\n")
    none = cli("publish", "empty.log", "again", "--json", cwd=nova)
    assert none.code == 1
    assert "--status crash" in none.json["hint"]


def test_what_words_are_needed_for(cli: Cli, join: Join) -> None:
    nova = join("nova")
    with (nova / "train.py").open("a") as program:
        program.write("print('done')\n")
    ran = cli("run", "--json", cwd=nova)
    assert ran.code == 2
    assert 'gitcollab run "' in ran.json["hint"]
    for words in ("", "   ", "x" * 501):
        assert cli("run", words, cwd=nova).code == 2
    assert cli("run", "say when it is done", cwd=nova).code == 0


def test_adopt_keeps_what_was_there(cli: Cli, join: Join) -> None:
    nova, vega = join("nova"), join("vega")
    ok(cli("run", "--set", "LR=0.25", cwd=nova))
    ok(cli("sync", cwd=vega))
    edit(vega, "PAUSE", "0.5")
    mine = (vega / "train.py").read_text()
    told = ok(cli("best", "--adopt", "--json", cwd=vega)).json
    assert set(told) == BEST_KEYS | {"adopted", "signature_ok"}
    assert {"id", "path", "kept_aside", "changed"} < set(told["adopted"])
    if told["adopted"]["changed"]:
        assert Path(told["adopted"]["kept_aside"]).read_text() == mine
    assert (vega / "train.py").read_text() == (nova / "train.py").read_text()


def test_without_any_set_up(cli: Cli, tmp_path: Path) -> None:
    ran = cli("claim", "x", cwd=tmp_path)
    assert ran.code == 1
    (tmp_path / "train.py").write_text(TOY_PROGRAM.replace("score", "val_bpb"))
    told = cli("run", "a toy", "--json", cwd=tmp_path)
    assert told.json["outcome"] == "published"
    assert told.err.startswith("made a hub for this folder alone; to work with others: ")
    assert "made a hub" not in cli("run", cwd=tmp_path).err
    assert (tmp_path / ".gitcollab" / "hub.git").is_dir()
    assert cli("status", cwd=tmp_path).code == 0


def test_without_any_set_up_nothing_is_made_for_a_run_that_cannot_begin(
    cli: Cli, tmp_path: Path
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    (tmp_path / "a.patch").write_text("junk\n")
    assert cli("run", "--set", "NOPE=1", cwd=empty).code == 2
    assert cli("run", "--patch", "../a.patch", cwd=empty).code != 0
    assert list(empty.iterdir()) == []


def test_interrupted_while_running(join: Join, hub: Path) -> None:
    nova = join("nova")
    before = {path for path in hub_files(hub) if path.startswith("results/")}
    for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        with subprocess.Popen(
            [sys.executable, "-m", "gitcollab", "run", "--set", "PAUSE=19.0"],
            cwd=nova,
            env=os.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as running:
            assert running.stderr is not None
            while not re.match(r"\d+:\d\d", told := running.stderr.readline()):
                assert told, "it ended before it ran"
            running.send_signal(number)
            out, err = running.communicate(timeout=30)
        assert (running.returncode, out) == (code, "")
        undone = "train.py is as it was and the claim was given back"
        assert err.endswith(f"error: interrupted: {undone}\n")
        found = hub_files(hub)
        assert {path for path in found if path.startswith("results/")} == before
        assert not [path for path in found if path.startswith("claims/")]


def test_no_colours_in_a_pipe_and_the_width_of_the_terminal(hub: Path, join: Join) -> None:
    nova = join("nova")
    ok(process("run", "[red]bold[/red] :bomb: " + "long words " * 40, cwd=nova))
    for verb in ("status", "best", "leaderboard", "results"):
        ran = ok(process(verb, cwd=nova, env={"COLUMNS": "80", "FORCE_COLOR": ""}))
        assert "\x1b" not in ran.out
        told = ran.out.replace(str(hub), "HUB")  # an address is never cut, however long it is
        assert max(map(len, told.splitlines())) <= 80
        assert "[red]bold[/red]" in ran.out
    ran = ok(process("results", cwd=nova, env={"NO_COLOR": "1"}))
    assert "\x1b" not in ran.out


def test_json_is_one_document_and_nothing_else(cli: Cli, join: Join) -> None:
    nova = join("nova")
    for argv in (
        ["sync"],
        ["status"],
        ["best"],
        ["leaderboard"],
        ["results"],
        ["release"],
        ["views"],
        ["show", "nothing"],
        ["diff", "nothing"],
    ):
        ran = cli(*argv, "--json", cwd=nova)
        assert ran.err == ""
        assert ran.out.count("\n") == 1
        json.loads(ran.out)


def test_a_home_that_cannot_be_written(join: Join, tmp_path: Path) -> None:
    nova = join("nova")
    (tmp_path / "file").touch()
    ran = process("status", "--json", cwd=nova, env={"GITCOLLAB_HOME": str(tmp_path / "file")})
    assert ran.code == ran.json["exit"] == 1, ran
    assert ran.json["hint"]
