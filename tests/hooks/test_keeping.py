"""Keeping a hub in order without being an agent of it: from clones, in place, in a crowd."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from host import state, tip
from plain import FILE, LINK, Plain

from gitcollab.errors import GitcollabError, OfflineError, RefusedError, UsageError
from gitcollab.faces.pages import pages
from gitcollab.git.command import run_git
from gitcollab.store.audit import Repository
from gitcollab.store.snapshot import CLOCKS
from gitcollab.swarm import hooks, keeping, reading, verifying
from gitcollab.swarm.outcomes import Granted
from gitcollab.swarm.swarm import Swarm

Agent = Callable[[str], Swarm]
Clone = Callable[..., Path]

HOUR = timedelta(hours=1)


@pytest.fixture
def clone(toy_hub: Path, tmp_path: Path) -> Clone:
    """Make a clone of the toy hub; its git directory."""

    def make(name: str, *options: str) -> Path:
        folder = tmp_path / name
        ran = run_git("clone", "--quiet", *options, toy_hub.as_uri(), str(folder))
        assert ran.code == 0, ran.err
        return folder if "--bare" in options else folder / ".git"

    return make


def opened(place: Path) -> Repository:
    return verifying.open_hub(place, "swarm")


def rebuild(place: Path) -> keeping.Kept:
    return keeping.rebuild_views(opened(place), pages)


def sweep(place: Path, later: timedelta = timedelta(0)) -> keeping.Kept:
    return keeping.sweep(opened(place), clock=lambda: datetime.now(UTC) + later)


def alter(plain: Plain, text: bytes = b"mallory leads\n") -> str:
    plain.fetch()
    altered = plain.with_files({"LEADERBOARD.md": text, "best/junk": b"x"})
    assert plain.push(altered).returncode == 0
    return altered


def claims(hub: Path) -> list[str]:
    listed = run_git("ls-tree", "-r", "--name-only", "swarm", "claims/", git_dir=hub)
    return listed.out.split()


# -- views -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [(), ("--bare",), ("--depth=1",), None])
def test_views_that_somebody_altered(
    toy_hub: Path, agent: Agent, tmp_path: Path, clone: Clone, options: tuple[str, ...] | None
) -> None:
    """From clones of every kind, and in the hub itself (None)."""
    assert agent("nova").run(set_values={"RATE": "0.2"}).outcome == "published"
    right = tip(toy_hub)
    place = toy_hub if options is None else clone("copy", *options)
    altered = alter(Plain(toy_hub, tmp_path / "plain.git"))

    done = rebuild(place)

    assert done.changed == ["LEADERBOARD.md", "best/junk"]
    assert done.commit == tip(toy_hub)
    assert run_git("diff", "--quiet", right, "swarm", git_dir=toy_hub).code == 0
    told = run_git("log", "-1", "--format=%an|%ae|%s|%P", "swarm", git_dir=toy_hub).out.strip()
    assert told == f"gitcollab|gitcollab@gitcollab.invalid|rebuild the derived files|{altered}"
    hub = opened(toy_hub)
    now = datetime.now(UTC)
    assert verifying.verify_range(hub, altered, tip(toy_hub), pages, now).breaches == []
    assert rebuild(place) == keeping.Kept(None)
    assert tip(toy_hub) == done.commit
    refs = run_git("for-each-ref", "--format=%(refname)", git_dir=toy_hub).out.split()
    assert refs == ["refs/heads/swarm"]  # in place nothing else is left behind


@pytest.mark.parametrize("what", ["a file", "a link", "a folder", "gone"])
def test_derived_files_that_are_something_else(
    toy_hub: Path, agent: Agent, tmp_path: Path, what: str
) -> None:
    assert agent("nova").run(set_values={"RATE": "0.2"}).outcome == "published"
    right = tip(toy_hub)
    plain = Plain(toy_hub, tmp_path / "plain.git")
    tree = plain.tree(plain.fetch())
    blob = plain.blob(b"/etc/passwd")
    if what == "gone":
        for name in (b"README.md", b"best", b"leaderboard.json"):
            tree = plain.tree_with(tree, name, FILE, None)
    elif what == "a folder":
        tree = plain.tree_with(tree, b"README.md", FILE, None)
        tree = plain.tree_with(tree, b"README.md/x", FILE, blob)
    else:
        for name in (b"README.md", b"best"):
            tree = plain.tree_with(tree, name, FILE if what == "a file" else LINK, blob)
    assert plain.push(plain.commit(tree, plain.fetch())).returncode == 0
    rebuild(toy_hub)
    assert run_git("diff", right, "swarm", git_dir=toy_hub).out == ""


def test_a_hub_that_moves_meanwhile_is_decided_anew(
    toy_hub: Path, agent: Agent, tmp_path: Path, clone: Clone, monkeypatch: pytest.MonkeyPatch
) -> None:
    nova, place = agent("nova"), clone("copy")
    alter(Plain(toy_hub, tmp_path / "plain.git"))
    values, tries = iter(["0.2", "0.25"]), []
    upstream = keeping.upstream_of(opened(place))
    push = type(upstream).push

    def raced(self: object, *given: object) -> str | None:
        tries.append(given)
        if (value := next(values, None)) is not None:
            assert nova.run(set_values={"RATE": value}).outcome == "published"
        return push(self, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(type(upstream), "push", raced)
    rebuild(place)
    # The agent's own push has mended the views: then there is nothing left to push.
    assert len(tries) == 1
    assert state(toy_hub).breaches == []
    assert opened(toy_hub).snapshot(tip(toy_hub)).count("result") == 1


def test_in_place_a_push_that_comes_first_wins(
    toy_hub: Path, agent: Agent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = Plain(toy_hub, tmp_path / "plain.git")
    alter(plain)
    repository = opened(toy_hub)
    upstream = keeping.upstream_of(repository)
    first = upstream.fetch()
    tree = upstream.tree(first, {"README.md": b"old\n"})
    second = alter(plain, b"again\n")
    assert upstream.push(tree, first, "x\n", "gitcollab", datetime.now(UTC)) is None
    assert tip(toy_hub) == second
    lock = toy_hub / "refs" / "heads" / "swarm.lock"
    lock.touch()  # somebody else's push is just being written
    assert upstream.push(tree, second, "x\n", "gitcollab", datetime.now(UTC)) is None
    monkeypatch.setattr(keeping, "_TRIES", 3)
    with pytest.raises(GitcollabError, match="moved 3 times"):
        rebuild(toy_hub)
    lock.unlink()
    assert rebuild(toy_hub).commit == tip(toy_hub)


def test_a_crowd_loses_nothing(toy_hub: Path, agent: Agent, tmp_path: Path, clone: Clone) -> None:
    """Two rebuild from clones, one in the hub; an agent publishes, and somebody alters."""
    hooks.install(toy_hub)
    (toy_hub / "hooks" / "post-receive").unlink()  # only those here are at work
    nova = agent("nova")
    places = [clone("one"), clone("two"), toy_hub]
    results = set()
    for value in ("0.2", "0.25", "0.28"):
        run_git("config", "core.hooksPath", "/dev/null", git_dir=toy_hub)
        alter(Plain(toy_hub, tmp_path / f"plain-{value}.git"), value.encode())
        run_git("config", "--unset", "core.hooksPath", git_dir=toy_hub)
        racers = [
            subprocess.Popen(
                [sys.executable, "-m", "gitcollab", "views", "--git-dir", str(place)],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
            )
            for place in places
        ]
        done = nova.run(set_values={"RATE": value})
        assert done.result is not None
        results.add(done.result.id)
        for racer in racers:
            assert racer.communicate(timeout=120)[1] == b""
            assert racer.returncode == 0
    assert rebuild(toy_hub).commit is None
    there = opened(toy_hub).snapshot(tip(toy_hub))
    assert set(there.records("result")) == results
    assert state(toy_hub).breaches == []
    assert run_git("rev-list", "--min-parents=2", "swarm", git_dir=toy_hub).out == ""


def test_a_served_hub_is_itself_wherever_it_came_from(
    toy_hub: Path, tmp_path: Path, clone: Clone
) -> None:
    """A hub that moved has an origin still, which is none of its business."""
    moved, old = clone("moved.git", "--bare"), tip(toy_hub)
    hooks.install(moved)
    alter(Plain(toy_hub, tmp_path / "p.git"))
    run_git("update-ref", "refs/heads/swarm", tip(toy_hub), git_dir=toy_hub)
    run_git("fetch", "--quiet", toy_hub.as_uri(), "+swarm:swarm", git_dir=moved)
    assert rebuild(moved).commit == tip(moved) != tip(toy_hub)
    assert run_git("diff", "--quiet", old, "swarm", git_dir=moved).code == 0


# -- sweep -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["clone", "in place", "served"])
def test_stale_claims_go_and_live_ones_stay(
    toy_hub: Path, agent: Agent, clone: Clone, kind: str
) -> None:
    if kind == "served":
        hooks.install(toy_hub)
        (toy_hub / "hooks" / "post-receive").unlink()
    nova = agent("nova")
    assert isinstance(nova.claim("RATE 0.1 to 0.2"), Granted)
    nova.member.store.refresh()
    place = clone("copy") if kind == "clone" else toy_hub
    before, live = tip(toy_hub), claims(toy_hub)
    assert sweep(place) == keeping.Kept(None)
    assert tip(toy_hub) == before

    if kind != "served":  # nova's own clock alone says when it came, and may be behind
        assert sweep(place, HOUR) == keeping.Kept(None)
    later = datetime.now(UTC) + HOUR + (timedelta(0) if kind == "served" else CLOCKS)
    repository = Repository(
        verifying.open_hub(place, "swarm").path,
        "swarm",
        reading.COLUMNS,
        folder=toy_hub / "gitcollab" if kind == "served" else None,
        clock=lambda: later,
    )
    done = keeping.sweep(repository, clock=lambda: later)
    if kind == "clone":
        assert [f"claims/{key}.yaml" for key in done.changed] == live
    assert claims(toy_hub) == []
    told = run_git("log", "-1", "--format=%s", "swarm", git_dir=toy_hub).out.strip()
    assert told == "sweep 1 stale claim"


def test_a_shallow_clone_takes_no_claim_too_early(
    toy_hub: Path, agent: Agent, tmp_path: Path, clone: Clone
) -> None:
    assert isinstance(agent("nova").claim("RATE 0.1 to 0.2"), Granted)
    plain = Plain(toy_hub, tmp_path / "plain.git")
    now = int(datetime.now(UTC).timestamp())
    old = plain.commit(plain.tree(plain.fetch()), when=now - 7200)
    newest = plain.with_files({"hypotheses/x": b"x"}, parent=old)
    assert plain.push(newest).returncode == 0

    assert sweep(clone("shallow", "--depth=1"), HOUR) == keeping.Kept(None)
    assert len(sweep(clone("deep"), HOUR).changed) == 1
    assert claims(toy_hub) == []


def test_a_holders_clock_that_is_behind_makes_no_claim_void(
    toy_hub: Path, agent: Agent, tmp_path: Path, clone: Clone
) -> None:
    nova = agent("nova")
    plain = Plain(toy_hub, tmp_path / "plain.git")
    before = plain.fetch()
    assert isinstance(nova.claim("RATE 0.1 to 0.2"), Granted)
    hours_ago = int(datetime.now(UTC).timestamp()) - 7200
    late = plain.commit(plain.tree(plain.fetch()), before, when=hours_ago)
    assert plain.push(late).returncode == 0
    place = clone("copy")
    assert sweep(place) == keeping.Kept(None)
    assert sweep(place, HOUR) == keeping.Kept(None)
    alter(plain)  # by another's clock it is there now
    assert len(sweep(place, HOUR).changed) == 1


def test_on_an_idle_hub_a_claim_whose_holders_clock_is_behind(
    toy_hub: Path, agent: Agent, tmp_path: Path, clone: Clone
) -> None:
    """Nothing but that clock says how old it is; another commit by it says no more."""
    plain = Plain(toy_hub, tmp_path / "plain.git")
    now = int(datetime.now(UTC).timestamp())
    before = plain.commit(plain.tree(plain.fetch()), when=now - 3 * 3600, by="other")
    assert isinstance(agent("nova").claim("RATE 0.1 to 0.2"), Granted)
    claimed = plain.commit(plain.tree(plain.fetch()), before, when=now - 7200, by="nova")
    again = plain.with_files({"hypotheses/x": b"x"}, claimed)
    again = plain.commit(plain.tree(again), claimed, when=now - 7000, by="nova")
    early = plain.commit(plain.tree(again), again, when=now - 7500, by="other")
    assert plain.push(early).returncode == 0
    place = clone("copy")

    assert sweep(place) == keeping.Kept(None)
    assert len(sweep(place, CLOCKS - HOUR).changed) == 1
    assert claims(toy_hub) == []

    shown = plain.commit(plain.tree(again), again, when=now - 3600, by="other")
    assert plain.push(shown).returncode == 0
    assert len(sweep(place).changed) == 1


# -- what goes wrong -------------------------------------------------------------------------------


def test_what_cannot_be_kept_says_so(
    toy_hub: Path, tmp_path: Path, clone: Clone, agent: Agent
) -> None:
    place = clone("copy")
    alter(Plain(toy_hub, tmp_path / "plain.git"))
    door = toy_hub / "hooks" / "pre-receive"
    door.parent.mkdir(exist_ok=True)
    door.write_text("#!/bin/sh\necho not today >&2\nexit 1\n")
    door.chmod(0o755)
    with pytest.raises(RefusedError, match="not today"):
        rebuild(place)
    door.unlink()
    toy_hub.rename(tmp_path / "away.git")
    with pytest.raises(OfflineError):
        rebuild(place)
    with pytest.raises(OfflineError):
        sweep(place)
    (tmp_path / "away.git").rename(toy_hub)
    with pytest.raises(UsageError, match="holds no branch other"):
        keeping.rebuild_views(verifying.open_hub(place, "other"), pages)
    with pytest.raises(UsageError, match="holds no branch other"):
        keeping.sweep(verifying.open_hub(toy_hub, "other"))
    run_git("remote", "remove", "origin", git_dir=place)
    with pytest.raises(UsageError, match="checked out"):
        rebuild(place)  # its files would stay as they are


def test_a_branch_that_another_work_tree_has(toy_hub: Path, tmp_path: Path, clone: Clone) -> None:
    alter(Plain(toy_hub, tmp_path / "plain.git"))
    place, tree, before = clone("copy"), tmp_path / "tree", tip(toy_hub)
    run_git("remote", "remove", "origin", git_dir=place)
    run_git("update-ref", "--no-deref", "HEAD", before, git_dir=place)
    assert run_git("checkout", "--quiet", "--detach", git_dir=place).code == 0
    assert run_git("worktree", "add", "--quiet", str(tree), "swarm", git_dir=place).code == 0
    for one in (place, tree):
        with pytest.raises(UsageError, match=f"{tree} has the branch swarm checked out"):
            rebuild(one)
    assert tip(place) == before
    shutil.rmtree(tree)
    assert rebuild(place).commit == tip(place) != before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_hub_that_is_not_ours_to_write(toy_hub: Path, tmp_path: Path) -> None:
    alter(Plain(toy_hub, tmp_path / "plain.git"))
    heads = toy_hub / "refs" / "heads"
    heads.chmod(0o555)
    try:
        with pytest.raises(GitcollabError, match="cannot be written"):
            rebuild(toy_hub)
    finally:
        heads.chmod(0o755)


def test_what_the_door_remembers_stays_right(toy_hub: Path, agent: Agent) -> None:
    """A claim does not become younger by what the keeper does."""
    hooks.install(toy_hub)
    (toy_hub / "hooks" / "post-receive").unlink()
    nova = agent("nova")
    assert isinstance(nova.claim("RATE 0.1 to 0.2"), Granted)
    (path,) = claims(toy_hub)
    claimed = opened(toy_hub).snapshot(tip(toy_hub)).arrival(path).then
    altered = Plain(toy_hub, toy_hub.parent / "plain.git")
    run_git("config", "core.hooksPath", "/dev/null", git_dir=toy_hub)
    alter(altered)
    run_git("config", "--unset", "core.hooksPath", git_dir=toy_hub)
    commit = rebuild(toy_hub).commit
    assert commit == tip(toy_hub)
    assert opened(toy_hub).snapshot(commit).arrival(path).then == claimed
    accepted = (toy_hub / "gitcollab" / "accepted").read_text()
    assert accepted.splitlines()[-1].startswith(str(commit))
    assert json.loads(run_git("show", "swarm:leaderboard.json", git_dir=toy_hub).out)
