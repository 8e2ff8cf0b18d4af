"""Installing the door: again, beside other hooks, for bare environments."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from plain import Plain

import gitcollab
from gitcollab.errors import GitcollabError, UsageError
from gitcollab.git.command import run_git
from gitcollab.swarm.hooks import install
from gitcollab.swarm.swarm import Swarm

Agent = Callable[[str], Swarm]


def test_it_may_be_repeated_and_mends(toy_hub: Path) -> None:
    first = install(toy_hub)
    assert (first.done, first.branch) == ("installed", "swarm")
    text = first.hook.read_bytes()
    assert install(toy_hub).done == "present"
    first.hook.chmod(0o644)
    assert install(toy_hub).done == "renewed"
    assert os.access(first.hook, os.X_OK)
    first.hook.write_bytes(text.replace(b"python=", b"python=/moved"))
    assert install(toy_hub).done == "renewed"
    assert first.hook.read_bytes() == text


def test_it_guards_the_branch_that_it_was_told_to(toy_hub: Path) -> None:
    assert install(toy_hub, "research").branch == "research"
    assert install(toy_hub).branch == "research"
    assert run_git("config", "gitcollab.branch", git_dir=toy_hub).out.strip() == "research"


def test_the_hook_of_another_stays_and_may_come_after(
    toy_hub: Path, tmp_path: Path, agent: Agent
) -> None:
    theirs = toy_hub / "hooks" / "pre-receive"
    theirs.parent.mkdir(exist_ok=True)
    told = tmp_path / "told"
    theirs.write_text(f"#!/bin/sh\ncat >>{told}\necho theirs says no >&2\n[ ! -e {tmp_path}/no ]\n")
    theirs.chmod(0o755)
    text = theirs.read_text()
    with pytest.raises(GitcollabError, match="somebody else's") as caught:
        install(toy_hub)
    assert "pre-receive.next" in caught.value.hint
    assert theirs.read_text() == text

    theirs.rename(theirs.with_name("pre-receive.next"))
    install(toy_hub)
    nova = agent("nova")
    assert "refs/heads/swarm" in told.read_text()
    plain = Plain(toy_hub, tmp_path / "plain.git")
    seen = told.read_text()
    assert plain.push(plain.with_files({"x": b"x"})).returncode != 0
    assert told.read_text() == seen  # what is refused it need not look at
    (tmp_path / "no").touch()
    assert nova.run().outcome in ("refused", "queued")


def test_no_hook_that_git_would_not_run(toy_hub: Path, tmp_path: Path) -> None:
    run_git("config", "--file", str(toy_hub / "config"), "core.hooksPath", str(tmp_path))
    with pytest.raises(GitcollabError, match="hooksPath"):
        install(toy_hub)
    with pytest.raises(UsageError, match="no git repository"):
        install(tmp_path)


def test_it_works_in_a_bare_environment(toy_hub: Path, tmp_path: Path) -> None:
    """As under ssh or a web server: no PATH to speak of, no HOME, another folder."""
    plain = Plain(toy_hub, tmp_path / "plain.git")
    hook = install(toy_hub).hook
    commit = plain.with_files({"x": b"x"})
    assert plain.push(commit, "refs/heads/aside").returncode == 0
    for new, words in ((commit, "nothing belongs there"), (plain.fetch(), "")):
        ran = subprocess.run(
            [str(hook)],
            input=f"{plain.fetch()} {new} refs/heads/swarm\n",
            cwd=toy_hub,
            env={"PATH": "/usr/bin:/bin", "GIT_DIR": "."},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert words in ran.stderr
        assert ran.returncode == (1 if words else 0), ran.stderr


def test_a_hub_that_was_seeded_before(toy_hub: Path, tmp_path: Path, agent: Agent) -> None:
    """With files that no rule would let in now: they are nobody's fault who leaves them."""
    nova = agent("nova")
    nova.run(set_values={"RATE": "0.2"})
    plain = Plain(toy_hub, tmp_path / "plain.git")
    assert plain.push(plain.with_files({"notes/Old Notes.txt": b"x"})).returncode == 0
    install(toy_hub)
    assert nova.run(set_values={"RATE": "0.25"}).outcome == "published"


def test_a_branch_is_seeded_through_it(tmp_path: Path, toy_task: Path) -> None:
    from gitcollab.faces.pages import pages
    from gitcollab.git.remote import create_bare
    from gitcollab.swarm.seeding import init_hub

    hub = tmp_path / "new.git"
    create_bare(hub)
    install(hub)
    assert init_hub(str(hub), task_file=toy_task, pages=pages).seeded
    assert not init_hub(str(hub), task_file=toy_task, pages=pages).seeded


def test_a_group_that_shares_the_hub_may_write_what_the_door_keeps(
    toy_hub: Path, tmp_path: Path, agent: Agent
) -> None:
    run_git("config", "core.sharedRepository", "group", git_dir=toy_hub)
    kept = toy_hub / "gitcollab"
    before = os.umask(0o022)
    try:
        install(toy_hub)
        modes = {path.name: path.stat().st_mode & 0o777 for path in kept.iterdir()}
        assert modes["index.sqlite"] == 0o664
        agent("nova")
        Plain(toy_hub, tmp_path / "plain.git").push("HEAD")
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in kept.iterdir()}
    assert {"accepted", "door.log", "index.sqlite"} <= set(modes)
    assert set(modes.values()) == {0o664}


def test_the_hook_imports_nothing_that_who_pushes_names(
    toy_hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(toy_hub)
    trap = tmp_path / "trap" / "gitcollab"
    trap.mkdir(parents=True)
    (trap / "__init__.py").write_text("raise SystemExit(0)")
    plain = Plain(toy_hub, tmp_path / "plain.git")
    commit = plain.with_files({"x": b"x"})
    monkeypatch.setenv("PYTHONPATH", str(trap.parent))
    assert plain.push(commit).returncode != 0


def test_no_hook_for_a_gitcollab_that_it_would_not_find(
    toy_hub: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = str(Path(gitcollab.__file__).parents[1])
    monkeypatch.setattr("site.getusersitepackages", lambda: here)
    with pytest.raises(GitcollabError, match="does not look"):
        install(toy_hub)
    assert not (toy_hub / "hooks" / "pre-receive").exists()


def test_another_reference_is_not_the_branch(toy_hub: Path, tmp_path: Path) -> None:
    """A hub whose branch is not there yet, and somebody pushed what a copy would have."""
    plain = Plain(toy_hub, tmp_path / "plain.git")
    seed = plain.fetch()
    run_git("update-ref", "-d", "refs/heads/swarm", git_dir=toy_hub)
    install(toy_hub)
    assert plain.push(seed, "refs/remotes/origin/swarm").returncode == 0
    ran = plain.push(seed)
    assert ran.returncode == 0, ran.stderr
