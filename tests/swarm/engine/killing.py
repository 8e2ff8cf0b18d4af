"""Workers that are killed with SIGKILL at chosen moments, and what they leave behind.

A moment is an event, never a time: the n-th step that the worker itself takes (a file opened for
writing, a rename, a process begun, a lock taken), a line of its program, a push that the hub has
before itself or behind itself, a line of the worker's own. Linux alone knows how to do it.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random
from unittest.mock import patch

from gitcollab.faces.pages import pages
from gitcollab.store.snapshot import utc_now
from gitcollab.swarm.joining import join
from gitcollab.swarm.seeding import init_hub
from gitcollab.swarm.swarm import Swarm
from gitcollab.swarm.workspace import Workspace
from tests import toy

TTL = 30  # seconds that a claim lasts
STEPS = 450  # about what a worker takes from its start into its third experiment
PATIENCE = 30.0  # seconds, after which any moment is as good as the one that does not come

# The word is each run's own: a measurement that is published twice shows it twice.
PROGRAM = (
    toy.PROGRAM.replace("import os\n", "import os\nimport time\n", 1)
    .replace("NOISE = 0.0", "PAUSE = 0.0  # seconds before it measures\nNOISE = 0.001")
    .replace(
        'print("---")',
        "for step in range(2, 5):\n"
        '    print(f"step {step} | loss: 2.5", flush=True)\n'
        "    time.sleep(0.01)\n"
        "time.sleep(PAUSE)\n"
        'print("word", os.urandom(8).hex())\n'
        'print("---")',
    )
)
_WORD = re.compile(r"word ([0-9a-f]{16})\n(?s:.*)num_steps: 1\n")

# Run gitcollab, and be killed at a step of one's own.
_MORTAL = """\
import os, runpy, signal, sys

left = int(sys.argv.pop(1))
NAMES = {"os.rename", "os.remove", "os.mkdir", "subprocess.Popen", "os.killpg", "fcntl.flock",
         "sqlite3.connect", "time.sleep"}

def step(name, given):
    global left
    if name in NAMES or name == "open" and given[2] & (os.O_WRONLY | os.O_RDWR):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(step)
runpy.run_module("gitcollab", run_name="__main__", alter_sys=True)
"""

# The hub's hooks: the push that a test waits for says so, and stays until it is let go.
_HOOK = """\
#!/bin/sh
if mv armed-{when} reached 2>/dev/null; then read -r _ <go; fi
exit 0
"""


@dataclass(frozen=True)
class Moment:
    """When a worker is killed: the ``nth`` time that something of the ``kind`` happens."""

    kind: str  # step, line, told, pre-receive, post-receive
    nth: int
    all_of_it: bool = False  # what it has started is killed too, as when a machine stops

    @classmethod
    def drawn(cls, rng: Random) -> Moment:
        """Any moment."""
        kind = rng.choices(
            ["step", "line", "told", "pre-receive", "post-receive"], [6, 2, 1, 2, 2]
        )[0]
        most = {"step": STEPS, "line": 4, "told": 3}.get(kind, 5)
        return cls(kind, rng.randint(1, most), rng.random() < 0.3)


@dataclass
class Farm:
    """A hub and the workers on it: two agents on one host, and a third on another."""

    root: Path
    hosts: dict[str, str] = field(
        default_factory=lambda: {"nova": "east", "vega": "east", "atlas": "west"}
    )
    told: set[str] = field(default_factory=set)  # results that a worker said it had published
    waiting: set[str] = field(default_factory=set)  # and that lay in an outbox after a kill
    words: set[str] = field(default_factory=set)  # of the runs that came to their end
    deaths: Counter[str] = field(default_factory=Counter)  # of programs of killed workers

    def __post_init__(self) -> None:
        with suppress(AttributeError):  # what a killed worker leaves becomes ours to see
            ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
        task = toy.TASK + f"policy: {{claim_ttl_seconds: {TTL}}}\n"
        (self.root / "task.yaml").write_text(task)
        (self.root / "train.py").write_text(PROGRAM)
        init_hub(str(self.hub), task_file=self.root / "task.yaml", pages=pages)
        os.mkfifo(self.hub / "go")
        for when in ("pre-receive", "post-receive"):
            hook = self.hub / "hooks" / when
            hook.parent.mkdir(exist_ok=True)
            hook.write_text(_HOOK.format(when=when))
            hook.chmod(0o755)
        for agent in self.hosts:
            (self.root / agent).mkdir()
            with self.at(agent):
                join(self.root / agent, str(self.hub), agent=agent, pages=pages)

    @property
    def hub(self) -> Path:
        """The bare repository."""
        return self.root / "hub.git"

    @contextmanager
    def at(self, agent: str) -> Iterator[None]:
        """At the agent's host."""
        with patch.dict(os.environ, GITCOLLAB_HOME=str(self.root / self.hosts[agent])):
            yield

    def swarm(self, agent: str, later: timedelta = timedelta(0)) -> Swarm:
        """The agent as the next process finds it, ``later`` than now."""
        with self.at(agent):
            swarm = Swarm.open(self.root / agent, pages=pages)
            swarm.member.clock = lambda: utc_now() + later
            _ = swarm.member.store, swarm.member.key
        return swarm

    def call(self, agent: str, *argv: str, check: bool = True) -> str:
        """Run a command to its end; what it printed."""
        with self.at(agent):
            done = subprocess.run(
                [sys.executable, "-m", "gitcollab", *argv],
                cwd=self.root / agent,
                capture_output=True,
                text=True,
                timeout=300,
            )
        assert not check or done.returncode == 0, f"{argv}: {done.stdout}{done.stderr}"
        return done.stdout

    # -- a life, and its end ---------------------------------------------------------------------

    def kill(self, agent: str, moment: Moment, number: int) -> None:
        """Begin a worker that goes on for ever, and kill it at that moment.

        What it was doing is looked at: nothing that it ran lives on.
        """
        before = _children()
        armed = self.hub / f"armed-{moment.kind}"
        argv = ["run", "--set", f"WIDTH={100 + number}", "--forever", "--json"]
        if moment.kind == "line":
            argv += ["--set", "PAUSE=60.0"]  # it is at work when its worker is killed
        step = moment.nth if moment.kind == "step" else 0
        with self.at(agent), (self.root / f"{agent}.out").open("wb") as out:
            worker = subprocess.Popen(
                [sys.executable, "-c", _MORTAL, str(step), *argv],
                cwd=self.root / agent,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=(self.root / f"{agent}.err").open("wb"),
                start_new_session=True,
            )
        self._await(agent, worker, moment, armed)
        family = _descendants(worker.pid)
        programs = {pid for pid in family if "train.py" in _command(pid)}
        assert programs or moment.kind != "line"
        if moment.all_of_it:
            for pid in family:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        worker.kill()
        worker.wait()
        self._let_go(armed, waited_for=not moment.all_of_it)
        self._bury(before, programs)
        self._note(agent)
        assert worker.returncode == -signal.SIGKILL, (
            worker.returncode,
            (self.root / f"{agent}.out").read_text(),
            (self.root / f"{agent}.err").read_text(),
        )

    def _await(
        self, agent: str, worker: subprocess.Popen[bytes], moment: Moment, armed: Path
    ) -> None:
        """Until the moment has come, or the worker has met its own end."""
        until, left = time.monotonic() + PATIENCE, moment.nth
        runs = set((self.root / agent).glob(".gitcollab/runs/*"))
        while worker.poll() is None and time.monotonic() < until:
            if moment.kind.endswith("receive"):
                if (self.hub / "reached").exists():
                    left -= 1
                    if left <= 0:
                        return
                    self._let_go(armed)
                elif not armed.exists():
                    armed.touch()
            elif self._count(agent, moment.kind, runs) >= moment.nth:
                return
            time.sleep(0.005)

    def _count(self, agent: str, kind: str, runs: set[Path]) -> int:
        if kind == "told":
            return (self.root / f"{agent}.out").read_bytes().count(b"\n")
        logs = (
            run / "log.txt"
            for run in (self.root / agent).glob(".gitcollab/runs/*")
            if kind == "line" and run not in runs
        )
        return sum(log.read_bytes().count(b"step ") for log in logs if log.exists())

    def _let_go(self, armed: Path, *, waited_for: bool = True) -> None:
        """Let the push go that is held, if its hook lives, and hold none."""
        armed.unlink(missing_ok=True)
        reached = self.hub / "reached"
        if reached.exists():
            reached.unlink()
            if waited_for:
                (self.hub / "go").write_text("\n")  # it is read: git outlives who began it

    def _bury(self, before: set[int], programs: set[int]) -> None:
        """Wait for what the killed has left; ``programs`` are seen to die with it."""
        while left := _children() - before:
            for pid in left:
                programs |= {pid} if "train.py" in _command(pid) else set()
                status = os.waitpid(pid, 0)[1]
                if pid in programs:
                    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
                    self.deaths["killed" if killed else "lived on"] += 1

    def _note(self, agent: str) -> None:
        """Remember what must not be lost from here on."""
        for line in (self.root / f"{agent}.out").read_text().splitlines():
            with suppress(ValueError):  # cut off in the middle
                said = json.loads(line)
                if said.get("outcome") in ("published", "queued"):
                    self.told.add(said["result"]["id"])
        for waits in self.swarm(agent).member.store.pending():
            if waits.request.kind == "publish":
                self.waiting.add(waits.request.payload["result"]["id"])
        for log in (self.root / agent).glob(".gitcollab/runs/*/log.txt"):
            if word := _WORD.search(log.read_text()):
                self.words.add(word[1])

    # -- what is left ----------------------------------------------------------------------------

    def logs(self) -> dict[str, str]:
        """The log of each result on the hub, by the result's id."""
        listed = _git(self.hub, "ls-tree", "-r", "--name-only", "swarm", "results/").split("\n")
        found = [path for path in listed if path.endswith("/log.txt")]
        return {
            path.removeprefix("results/").removesuffix("/log.txt"): _git(
                self.hub, "show", f"swarm:{path}"
            )
            for path in found
        }

    def results(self) -> set[str]:
        """The ids of the results on the hub."""
        listed = _git(self.hub, "ls-tree", "-r", "--name-only", "swarm", "results/").split("\n")
        return {
            path.removeprefix("results/").removesuffix("/result.yaml")
            for path in listed
            if path.endswith("/result.yaml")
        }

    def workspace(self, agent: str) -> Workspace:
        """The agent's folder."""
        return Workspace(self.root / agent)

    def repositories(self) -> list[Path]:
        """The hub, and what each host keeps of it."""
        copies = [
            head.parent
            for host in set(self.hosts.values())
            for head in (self.root / host).rglob("HEAD")
            if (head.parent / "objects").is_dir()
        ]
        return [self.hub, *copies]


def word_of(log: str) -> str:
    """The word in a run's log."""
    found = _WORD.search(log)
    assert found is not None, log
    return found[1]


def fsck(repository: Path) -> str:
    """What git finds wrong with a repository."""
    done = subprocess.run(
        ["git", f"--git-dir={repository}", "fsck", "--no-dangling", "--no-progress"],
        capture_output=True,
        text=True,
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


def _git(repository: Path, *args: str) -> str:
    argv = ["git", f"--git-dir={repository}", *args]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


def _parents() -> dict[int, int]:
    """Who started whom, of all processes."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            found[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
    return found


def _children() -> set[int]:
    return {pid for pid, parent in _parents().items() if parent == os.getpid()}


def _descendants(pid: int) -> list[int]:
    """The process and all that come from it, parents first."""
    parents, found = _parents(), [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found


def _command(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    return ""
