"""Starting up, and what `gitcollab run` costs beside the program it runs."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from tests import toy
from tests.bench.figures import Figure, timed
from tests.bench.toys import call, gitcollab, toy_hub

# Runs for a given time, like a training program, and then prints its summary.
SLOW_PROGRAM = toy.PROGRAM.replace("import os", "import os, time").replace(
    'print("step 1', 'time.sleep(5)\nprint("step 1'
)


def measure(root: Path) -> Iterator[Figure]:
    """Start-up of the command line; the overhead of a run of five seconds."""
    folder = _workspace(root / "start", toy.PROGRAM)
    bare = timed(lambda: call(sys.executable, "-c", "pass", cwd=folder), 7)
    for argv in ("--help", "status", "best"):
        spent = timed(lambda a=argv: gitcollab(a, cwd=folder), 7)  # type: ignore[misc]
        yield Figure(f"gitcollab {argv}", spent, "s", "python -c pass", bare, most=0.5)
    folder = _workspace(root / "run", SLOW_PROGRAM)
    os.environ["GITCOLLAB_SEED"] = "42"
    bare = timed(lambda: call(sys.executable, "train.py", cwd=folder), 1)
    spent = timed(lambda: gitcollab("run", cwd=folder), 2)
    what = "gitcollab run (a program of 5 s; at most + 3 s + 1 %)"
    yield Figure(what, spent, "s", "python train.py", bare, most=round(3 + 1.01 * bare, 2))


def _workspace(folder: Path, program: str) -> Path:
    toy_hub(folder, program)
    gitcollab("join", "hub.git", "--agent", "volunteer", cwd=folder)
    return folder
