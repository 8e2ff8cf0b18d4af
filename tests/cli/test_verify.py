"""`verify`, `hooks install` and `init --serve`, as people type them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_toys import HOSTILE, Ran

from gitcollab.git.command import run_git
from gitcollab.git.objects import ObjectStore
from gitcollab.store.snapshot import utc_now

Cli = Callable[..., Ran]
Join = Callable[[str], Path]
WHO = ("mallory", "mallory@example.invalid")


def tip(hub: Path) -> str:
    return run_git("rev-parse", "swarm", git_dir=hub).out.strip()


def put(hub: Path, files: dict[str, bytes | None]) -> str:
    """A commit on the hub that no door saw."""
    objects, parent = ObjectStore(hub), tip(hub)
    tree = objects.write_tree(objects.tree(parent), files)
    commit = objects.commit(tree, parent, "x", WHO, WHO, utc_now())
    objects.set_tip("refs/heads/swarm", commit)
    return commit


def test_a_workspace_sees_what_is_wrong_with_its_hub(cli: Cli, hub: Path, join: Join) -> None:
    nova = join("nova")
    clean = cli("verify", cwd=nova)
    assert (clean.code, clean.out) == (0, "nothing breaks a rule\n")
    assert cli("verify", "--json").json == {"breaches": [], "flags": [], "commits": 0}

    start = tip(hub)
    forged = {"LEADERBOARD.md": b"mallory leads\n", "progress.svg": b"<svg/>\n"}
    put(hub, {"junk.txt": b"x", "train.py": b"evil\n"} | forged)
    broken = cli("verify", "--all", cwd=nova)
    assert broken.code == 4
    assert "junk.txt" in broken.out
    assert "maintainers" in broken.out
    told = cli("verify", "--json").json
    assert {one["path"]: one["rule"] for one in told["breaches"]} == {
        "junk.txt": "place",
        "train.py": "maintainers",
        "LEADERBOARD.md": "derived",
        "progress.svg": "derived",
    }

    ranged = cli("verify", f"{start}..{tip(hub)}", "--json", cwd=nova)
    assert ranged.code == 4
    assert {one["commit"] for one in ranged.json["breaches"]} == {tip(hub)}


def test_a_git_directory_anywhere(cli: Cli, hub: Path, tmp_path: Path) -> None:
    start = tip(hub)
    assert cli("verify", "--git-dir", str(hub), cwd=tmp_path).code == 0
    assert cli("verify", "..swarm", "--git-dir", str(hub)).out.endswith("in 1 commit\n")
    put(hub, {"junk.txt": b"x"})
    assert cli("verify", f"{start}..swarm", "--git-dir", str(hub)).code == 4
    assert cli("verify", f"{start}..{start}", "--git-dir", str(hub)).code == 0
    assert cli("verify", f"swarm..{start}", "--git-dir", str(hub)).code == 4  # backwards
    repaired = cli("verify", f"{start}..", "--repair", "--git-dir", str(hub))
    assert repaired.code == 0, repaired.err
    assert "undid 1 commit (1 file)" in repaired.out
    assert cli("verify", "--git-dir", str(hub)).code == 0


def test_new_left_out_is_the_hubs_newest(cli: Cli, hub: Path, join: Join) -> None:
    nova, start = join("nova"), tip(hub)
    assert cli("verify", f"{start}~1..", cwd=nova).out == "nothing breaks a rule in 1 commit\n"
    put(hub, {"junk.txt": b"x"})
    assert cli("verify", f"{start}..", "--json", cwd=nova).json["commits"] == 1
    assert cli("verify", "HEAD~1..HEAD", "--json", cwd=nova).json["commits"] == 1


def test_a_clone_is_judged_where_one_stands(cli: Cli, hub: Path, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    run_git("clone", "--quiet", "--branch", "swarm", str(hub), str(clone))
    clean = cli("verify", cwd=clone)
    assert (clean.code, clean.out) == (0, "nothing breaks a rule\n")
    put(hub, {"junk.txt": b"x"})
    run_git("-C", str(clone), "pull", "--quiet")
    assert cli("verify", "HEAD~1..HEAD").code == 4


def test_a_repair_of_what_is_not_on_the_hub(cli: Cli, hub: Path, tmp_path: Path) -> None:
    clone, start = tmp_path / "clone.git", tip(hub)
    run_git("clone", "--quiet", "--bare", str(hub), str(clone))
    told = cli("verify", f"{start}..", "--repair", "--git-dir", str(clone))
    assert (told.code, told.out) == (0, "there is nothing to undo\n")
    bad = put(clone, {"junk.txt": b"x"})
    told = cli("verify", f"{start}..{bad}", "--repair", "--git-dir", str(clone))
    assert told.out == f"there is nothing to undo: the commit {bad[:12]} is not on the hub\n"


@pytest.mark.parametrize(
    "argv",
    [
        ("--git-dir", "."), ("HEAD", "--git-dir", "HUB"), ("nothing..HEAD", "--git-dir", "HUB"),
        ("--all", "a..b"), ("--repair", "--git-dir", "HUB"), ("--all", "--repair"),
        ("--git-dir", "HUB", "--branch", "other"), ("--output=x..HEAD", "--git-dir", "HUB"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant(cli: Cli, hub: Path, tmp_path: Path, argv: tuple[str, ...]) -> None:
    ran = cli("verify", *(str(hub) if a == "HUB" else a for a in argv), cwd=tmp_path)
    assert ran.code == 2, ran.out + ran.err
    assert len(ran.err.splitlines()) <= 2


def test_what_strangers_named_is_inert(cli: Cli, hub: Path) -> None:
    put(hub, {f"{HOSTILE.replace(chr(27), '').replace(':', '').replace(chr(7), '')}": b"x"})
    ran = cli("verify", "--git-dir", str(hub))
    assert ran.code == 4
    assert "\u202e" not in ran.out
    assert ran.out.isprintable() or all(c.isprintable() or c == "\n" for c in ran.out)
    assert json.loads(cli("verify", "--git-dir", str(hub), "--json").out)["breaches"]


def test_hooks_install(cli: Cli, hub: Path, tmp_path: Path) -> None:
    ran = cli("hooks", "install", "hub.git", cwd=tmp_path)
    assert ran.code == 0, ran.err
    assert str(hub / "hooks" / "pre-receive") in ran.out
    again = cli("hooks", "install", str(hub), "--json").json
    assert (again["done"], again["branch"]) == ("present", "swarm")
    assert cli("hooks", "install", str(tmp_path / "toy")).code == 2


def test_init_serve(cli: Cli, tmp_path: Path, task_file: Path) -> None:
    ran = cli("init", "--serve", "served.git", "--task", str(task_file), cwd=tmp_path)
    assert ran.code == 0, ran.err
    served = tmp_path / "served.git"
    assert f"gitcollab join {served} --agent NAME" in ran.out
    assert (served / "hooks" / "pre-receive").is_file()
    for name in ("receive.denyDeletes", "receive.denyNonFastForwards", "receive.fsckObjects"):
        assert run_git("config", name, git_dir=served).out.strip() == "true"
    other = ("push", "--quiet", str(served), "refs/heads/swarm:refs/heads/other")
    pushed = run_git(*other, git_dir=served)
    assert "takes nothing but the branch swarm" in pushed.err
    again = cli("init", "--serve", "served.git", "--task", str(task_file), "--json")
    assert again.json["hook"] == str(served / "hooks" / "pre-receive")
    for hub in ("host:hub.git", "https://example.invalid/x.git"):
        assert cli("init", "--serve", hub).code == 2
    assert cli("init", "--serve").code == 2
