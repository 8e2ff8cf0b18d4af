"""A machine that is lent, as a process: `run --count N` on a program that only takes its time."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median

from gitcollab.records.models import Task
from tests.bench import big_hub
from tests.bench.toys import gitcollab

# When it began and ended, by the machine's clock, and a number that its text and seed decide.
_PROGRAM = """\
import hashlib, os, time
print("began", time.monotonic(), flush=True)
time.sleep(SECONDS)
said = open("train.py", "rb").read() + os.environ["GITCOLLAB_SEED"].encode()
noise = int.from_bytes(hashlib.sha256(said).digest()[:4], "big") / 2**32
print("---")
print(f"val_bpb: {1.40 + 0.02 * noise:.6f}")
print("num_steps: 1")
print("ended", time.monotonic())
"""
_BEGAN, _ENDED = re.compile(r"^began (\S+)$", re.M), re.compile(r"^ended (\S+)$", re.M)
_WARM = 3  # experiments that do not count: what they load stays


@dataclass(frozen=True)
class Lent:
    """What came of it: for each experiment the seconds until the next program began, and the
    memory that the worker held at its end, in MB.
    """

    between: list[float]
    memory: list[float]

    @property
    def growth(self) -> float:
        """The memory of the last quarter, as a multiple of the second's."""
        quarter = len(self.memory) // 4
        return median(self.memory[-quarter:]) / median(self.memory[quarter : 2 * quarter])


def task_of(seconds: float = 0) -> Task:
    """The task of a large hub, whose programs are not run: something in their place is.

    It takes so many ``seconds``: what the worker does meanwhile then costs no time between two.
    """
    program = _PROGRAM.replace("SECONDS", str(seconds))
    quick = {"run": ["python", "-c", program], "dataset": None, "timeout_seconds": 60}
    return Task.model_validate(big_hub.task_of().model_dump() | quick)


def lend(work: Path, hub: Path, experiments: int) -> Lent:
    """Join ``hub`` in the new folder ``work``, and lend the machine for so many experiments."""
    work.mkdir(parents=True)
    gitcollab("join", str(hub), "--agent", "volunteer", cwd=work)
    argv = [sys.executable, "-m", "gitcollab", "run", "--count", str(experiments + _WARM), "--json"]
    memory, seen = [], {}
    with subprocess.Popen(argv, cwd=work, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        for _ in worker.stdout:
            memory.append(_resident(worker.pid))
            seen |= dict(_times(work))
    if worker.returncode != 0:
        raise RuntimeError(f"run --count ended with {worker.returncode}")
    times = [seen[name] for name in sorted(seen, key=seen.__getitem__)][_WARM:]
    between = [after[0] - before[1] for before, after in pairwise(times)]
    return Lent(between, memory[_WARM:-1])  # the last line sums up: the worker may be gone


def _times(work: Path) -> Iterator[tuple[str, tuple[float, float]]]:
    """When the programs of the newest runs began and ended."""
    for log in sorted((work / ".gitcollab" / "runs").glob("*/log.txt"))[-8:]:
        text = log.read_text()
        if (began := _BEGAN.search(text)) and (ended := _ENDED.search(text)):
            yield log.parent.name, (float(began[1]), float(ended[1]))


def _resident(pid: int) -> float:
    """The memory of a process that is in RAM, in MB; of one that is gone, nan."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return float("nan")
    found = re.search(r"^VmRSS:\s+(\d+) kB$", status, re.M)
    return int(found[1]) * 1024 / 1e6 if found else float("nan")
