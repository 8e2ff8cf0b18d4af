"""A hub that brings itself up to date: its hook after real pushes, in the background."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from host import state, tip
from plain import Plain

from gitcollab.cli import main
from gitcollab.errors import GitcollabError
from gitcollab.git.command import run_git
from gitcollab.records import codec
from gitcollab.records.names import path_of
from gitcollab.store.lock import HostLock
from gitcollab.swarm.hooks import install, turn
from gitcollab.swarm.outcomes import Granted
from gitcollab.swarm.swarm import Swarm

Agent = Callable[[str], Swarm]


class Served:
    """A hub with both hooks, whose keeper's work can be waited for."""

    def __init__(self, hub: Path) -> None:
        self.hub, self.kept = hub, hub / "gitcollab"
        install(hub)

    @property
    def log(self) -> str:
        path = self.kept / "keeper.log"
        return path.read_text() if path.exists() else ""

    def settle(self) -> None:
        """Wait until nobody is at work on the hub, nor will be."""
        until = time.monotonic() + 120
        while self.workers():
            assert time.monotonic() < until, self.log
            time.sleep(0.02)

    def workers(self) -> list[int]:
        """The processes of its keeper, whoever started them."""
        found = []
        for place in Path("/proc").iterdir():
            if place.name.isdigit():
                try:
                    said = (place / "cmdline").read_bytes()
                except OSError:
                    continue
                if b"\0tend\0" in said and os.fsencode(self.hub) in said:
                    found.append(int(place.name))
        return found

    def unguarded(self, plain: Plain, files: dict[str, bytes | None], when: int = 0) -> str:
        """Files that no door saw; the commit."""
        plain.fetch()
        commit = plain.with_files(files, when=when)
        ran = run_git("fetch", "--quiet", str(plain.path), commit, git_dir=self.hub)
        assert ran.code == 0, ran.err
        run_git("update-ref", "refs/heads/swarm", commit, git_dir=self.hub)
        return commit


@pytest.fixture
def served(toy_hub: Path) -> Iterator[Served]:
    if not Path("/proc/self/cmdline").exists():
        pytest.skip("there is no /proc to look for processes in")
    hub = Served(toy_hub)
    yield hub
    hub.settle()


def held(served: Served) -> HostLock:
    return HostLock(served.kept / "working.lock")


def test_a_push_leaves_the_hub_right(served: Served, agent: Agent, tmp_path: Path) -> None:
    nova = agent("nova")
    served.settle()
    served.unguarded(Plain(served.hub, tmp_path / "p.git"), {"LEADERBOARD.md": b"mallory leads\n"})
    assert isinstance(nova.claim("RATE 0.1 to 0.2"), Granted)  # which is no reason to derive
    served.settle()
    assert state(served.hub).breaches == []
    assert "rebuilt LEADERBOARD.md" in served.log
    before = tip(served.hub)
    assert run_git("log", "-1", "--format=%an", "swarm", git_dir=served.hub).out == "gitcollab\n"
    assert nova.run(set_values={"RATE": "0.25"}).outcome == "published"
    served.settle()
    told = run_git("log", "--format=%an", f"{before}..swarm", git_dir=served.hub).out.split()
    assert set(told) == {"nova"}  # what is right is left alone, and nothing answers itself
    assert state(served.hub).breaches == []


def test_claims_that_hold_nothing_go_with_the_next_push(
    served: Served, agent: Agent, tmp_path: Path
) -> None:
    nova = agent("nova")
    granted = nova.claim("RATE 0.1 to 0.2")
    assert isinstance(granted, Granted)
    theirs = granted.claim.model_copy(update={"id": "rate-0.3-ab12", "agent": "nobody-here"})
    served.settle()
    file = {path_of("claim", theirs.id): codec.encode(theirs)}
    served.unguarded(Plain(served.hub, tmp_path / "p.git"), file)
    nova.member.store.refresh()
    assert isinstance(nova.claim("WIDTH 8 to 9"), Granted)
    served.settle()
    assert "swept rate-0.3-ab12" in served.log
    assert granted.claim.id not in served.log


def test_who_pushes_does_not_wait(served: Served, agent: Agent, tmp_path: Path) -> None:
    """However long the work takes: here for as long as the test likes."""
    nova = agent("nova")
    served.settle()
    with held(served).required(60):
        assert isinstance(nova.claim("RATE 0.1 to 0.2"), Granted)
        plain = Plain(served.hub, tmp_path / "p.git")
        door = served.hub / "hooks" / "pre-receive"
        door.rename(door.with_suffix(".aside"))
        # Whoever reads what the push says, to its end, waits for all who could still say something.
        taken = plain.push(plain.with_files({"hypotheses/x": b"x"}))
        assert (taken.returncode, "gitcollab" in taken.stderr) == (0, False)
        door.with_suffix(".aside").rename(door)
        (waiting,) = first_worker(served)
        assert os.getsid(waiting) == waiting  # no terminal's end is its own
    served.settle()
    assert "the views are right" in served.log


def first_worker(served: Served) -> list[int]:
    """The one that waits, once it has come so far."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        found = [pid for pid in served.workers() if os.getsid(pid) == pid]
        with HostLock(served.kept / "waiting.lock").tried() as free:
            if found and not free:
                return found
        time.sleep(0.02)
    raise AssertionError(served.log)


def test_of_many_pushes_one_is_at_work_and_one_waits(
    served: Served, agent: Agent, tmp_path: Path
) -> None:
    names = [f"agent-{n}" for n in range(10)]
    agents = [agent(name) for name in names]
    served.settle()
    before = served.log.count("+00:00")
    with held(served).required(60):
        with ThreadPoolExecutor(10) as pool:
            values = [f"RATE 0.1 to 0.{n + 2}1" for n in range(10)]
            claimed = list(
                pool.map(lambda one: one[0].claim(one[1]), zip(agents, values, strict=True))
            )
        assert all(isinstance(one, Granted) for one in claimed)
        served.unguarded(Plain(served.hub, tmp_path / "p.git"), {"README.md": b"# mine\n"})
        first_worker(served)
        until = time.monotonic() + 60
        while len(served.workers()) > 1:
            assert time.monotonic() < until
            time.sleep(0.02)
    served.settle()
    assert served.log.count("+00:00") == before + 1
    assert state(served.hub).breaches == []


def test_a_keeper_that_is_killed_stands_in_nobodys_way(
    served: Served, agent: Agent, tmp_path: Path
) -> None:
    nova = agent("nova")
    served.settle()
    plain = Plain(served.hub, tmp_path / "p.git")
    served.unguarded(plain, {"README.md": b"# mine\n"})
    slow = tmp_path / "slow.py"
    slow.write_text(
        "import sys, time\n"
        "from gitcollab.swarm.hooks import turn\n"
        "from pathlib import Path\n"
        "with turn(Path(sys.argv[1])) as mine:\n"
        "    print(mine, flush=True)\n"
        "    time.sleep(600)\n"
    )
    at_work = subprocess.Popen(
        [sys.executable, str(slow), str(served.hub)], stdout=subprocess.PIPE, text=True
    )
    assert at_work.stdout is not None
    assert at_work.stdout.readline() == "True\n"
    assert isinstance(nova.claim("RATE 0.1 to 0.2"), Granted)
    (waiting,) = first_worker(served)
    os.kill(waiting, signal.SIGKILL)
    served.settle()
    assert isinstance(nova.claim("RATE 0.1 to 0.3"), Granted)
    first_worker(served)
    at_work.kill()
    at_work.wait()
    at_work.stdout.close()
    served.settle()
    assert state(served.hub).breaches == []
    assert nova.run(set_values={"RATE": "0.25"}).outcome == "published"


def test_nothing_of_it_fails_a_push(served: Served, agent: Agent, tmp_path: Path) -> None:
    nova = agent("nova")
    served.settle()
    hook = served.hub / "hooks" / "post-receive"
    text = hook.read_text()
    hook.write_text(text.replace("python=", "python=/moved"))
    assert isinstance(nova.claim("RATE 0.1 to 0.2"), Granted)
    hook.write_text(text)
    log = served.kept / "keeper.log"
    log.unlink()
    log.mkdir()
    assert isinstance(nova.claim("RATE 0.1 to 0.3"), Granted)
    served.settle()
    log.rmdir()
    (served.kept / "waiting.lock").unlink(missing_ok=True)
    (served.kept / "waiting.lock").mkdir()
    plain = Plain(served.hub, tmp_path / "p.git")
    assert isinstance(nova.claim("WIDTH 8 to 9"), Granted)
    served.settle()
    assert "waiting.lock" in served.log
    (served.kept / "waiting.lock").rmdir()
    assert plain.push(plain.fetch(), "refs/heads/other").stderr.count("gitcollab:") == 0


def test_the_hook_of_another_stays_and_may_come_after(
    toy_hub: Path, tmp_path: Path, agent: Agent
) -> None:
    theirs = toy_hub / "hooks" / "post-receive"
    theirs.parent.mkdir(exist_ok=True)
    told = tmp_path / "told"
    theirs.write_text(f"#!/bin/sh\ncat >>{told}\n")
    theirs.chmod(0o755)
    text = theirs.read_text()
    with pytest.raises(GitcollabError, match="somebody else's") as caught:
        install(toy_hub)
    assert "post-receive.next" in caught.value.hint
    assert theirs.read_text() == text
    assert not (toy_hub / "hooks" / "pre-receive").exists()  # all or nothing

    theirs.rename(theirs.with_name("post-receive.next"))
    served = Served(toy_hub)
    assert install(toy_hub).done == "present"
    agent("nova")
    served.settle()
    assert "refs/heads/swarm" in told.read_text()


def test_it_is_put_beside_a_door_that_is_there_already(toy_hub: Path) -> None:
    keeper = install(toy_hub).keeper
    text = keeper.read_bytes()
    keeper.unlink()
    assert install(toy_hub).done == "renewed"
    keeper.write_bytes(text.replace(b"python=", b"python=/moved"))
    assert install(toy_hub).done == "renewed"
    assert keeper.read_bytes() == text
    assert os.access(keeper, os.X_OK)


def test_what_it_runs(
    toy_hub: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install(toy_hub)
    ran: list[list[str]] = []
    monkeypatch.setattr(main, "run", lambda argv: ran.append(argv) or len(ran))
    from gitcollab.cli.hooks import tend

    here = ["--git-dir", str(toy_hub)]
    assert tend(toy_hub) == 2
    assert ran == [["views", *here], ["sweep", *here]]
    run_git("config", "gitcollab.dashboard", "/srv/www/hub", git_dir=toy_hub)
    tend(toy_hub)
    assert ran[2:] == [
        ["views", *here],
        ["sweep", *here],
        ["dashboard", *here, "--out", "/srv/www/hub"],
    ]
    with turn(toy_hub) as mine, HostLock(toy_hub / "gitcollab" / "waiting.lock").tried():
        assert mine
        assert tend(toy_hub) == 0  # somebody waits already
    assert len(ran) == 5


@pytest.mark.parametrize("folder", ["~/www", "www", "./www"])
def test_a_dashboard_is_where_its_full_path_says(
    toy_hub: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: str
) -> None:
    """Whoever pushes is at work: each has another home."""
    from gitcollab.cli.hooks import tend

    install(toy_hub)
    ran: list[str] = []
    monkeypatch.setattr(main, "run", lambda argv: ran.append(argv[0]) or 0)
    run_git("config", "gitcollab.dashboard", folder, git_dir=toy_hub)
    assert tend(toy_hub) == 2
    assert ran == ["views", "sweep"]  # the others are done all the same
    assert capsys.readouterr().err == (
        f"error: gitcollab.dashboard is '{folder}', which is no full path\n"
        f"next: git --git-dir={toy_hub} config gitcollab.dashboard /FULL/PATH\n"
    )
