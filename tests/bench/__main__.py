"""Print a table of measurements and write them to bench.json.

Each line compares gitcollab with the bare thing it is built on, measured in the same run: the
interpreter's own start, a bare `git push`, the bare program.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from tests import toy

# Runs for a given time, like a training program, and then prints its summary.
SLOW_PROGRAM = toy.PROGRAM.replace("import os", "import os, time").replace(
    'print("step 1', 'time.sleep(5)\nprint("step 1'
)


@dataclass(frozen=True)
class Line:
    """One measurement beside what it is compared with; seconds of wall time, medians."""

    what: str
    seconds: float
    beside: str
    beside_seconds: float
    limit: str
    within: bool

    @property
    def ratio(self) -> float:
        return self.seconds / self.beside_seconds


def timed(act: Callable[[], object], times: int) -> float:
    """The median wall time of ``act`` in seconds, after one that does not count."""
    act()
    spent = []
    for _ in range(times):
        began = time.perf_counter()
        act()
        spent.append(time.perf_counter() - began)
    return statistics.median(spent)


def call(*argv: str, cwd: Path, check: bool = True) -> None:
    subprocess.run(argv, cwd=cwd, check=check, stdout=subprocess.DEVNULL)


def gitcollab(*argv: str, cwd: Path) -> None:
    call(sys.executable, "-m", "gitcollab", *argv, cwd=cwd)


def workspace(root: Path, name: str, program: str = toy.PROGRAM) -> Path:
    """An agent's workspace on a new hub of the toy task."""
    folder = root / name
    folder.mkdir()
    (folder / "task.yaml").write_text(toy.TASK)
    (folder / "train.py").write_text(program)
    gitcollab("init", "hub.git", "--task", "task.yaml", cwd=folder)
    gitcollab("join", "hub.git", "--agent", "nova", cwd=folder)
    return folder


def start_up(root: Path) -> list[Line]:
    folder = workspace(root, "start")
    bare = timed(lambda: call(sys.executable, "-c", "pass", cwd=folder), 9)
    lines = []
    for argv in (["--help"], ["status"], ["best"]):
        spent = timed(lambda a=argv: gitcollab(*a, cwd=folder), 9)
        lines.append(
            Line(f"gitcollab {argv[0]}", spent, "python -c pass", bare, "0.5 s", spent < 0.5)
        )
    return lines


def one_push(root: Path) -> list[Line]:
    folder = workspace(root, "push")
    clone = folder / "clone"
    call("git", "clone", "-q", "--branch", "swarm", "hub.git", "clone", cwd=folder)
    identity = ["-c", "user.name=bench", "-c", "user.email=bench@example.invalid"]
    pushes = iter(range(1000))

    def bare_push() -> None:
        call("git", *identity, "commit", "-q", "--allow-empty", "-m", f"{next(pushes)}", cwd=clone)
        call("git", "push", "-q", "origin", "swarm", cwd=clone)

    bare = timed(bare_push, 9)
    gitcollab("sync", cwd=folder)
    from gitcollab.swarm.swarm import Swarm

    swarm = Swarm.open(folder)
    widths = iter(range(100, 1000))
    spent = timed(lambda: swarm.claim(f"WIDTH={next(widths)}"), 9)
    line = Line(
        "claim (one operation)", spent, "git commit; git push", bare, "1.3 x", spent < 1.3 * bare
    )
    return [line]


def run_overhead(root: Path) -> list[Line]:
    folder = workspace(root, "run", SLOW_PROGRAM)
    os.environ["GITCOLLAB_SEED"] = "42"
    bare = timed(lambda: call(sys.executable, "train.py", cwd=folder), 3)
    spent = timed(lambda: gitcollab("run", cwd=folder), 3)
    allowed = 3 + 1.01 * bare
    return [
        Line(
            "gitcollab run (a 5 s program)",
            spent,
            "python train.py",
            bare,
            "+ 3 s + 1 %",
            spent < allowed,
        )
    ]


def main() -> int:
    lines: list[Line] = []
    with tempfile.TemporaryDirectory() as root:
        os.environ |= {"GITCOLLAB_HOME": f"{root}/home", "GIT_CONFIG_GLOBAL": f"{root}/gitconfig"}
        for part in (start_up, one_push, run_overhead):
            lines += part(Path(root))
    print(f"{'what':32} {'s':>7} {'beside':24} {'s':>7} {'ratio':>7}  limit")
    for line in lines:
        verdict = "" if line.within else "  OVER"
        print(
            f"{line.what:32} {line.seconds:7.3f} {line.beside:24} {line.beside_seconds:7.3f} "
            f"{line.ratio:7.2f}  {line.limit}{verdict}"
        )
    Path("bench.json").write_text(
        json.dumps([asdict(line) | {"ratio": line.ratio} for line in lines], indent=2) + "\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
