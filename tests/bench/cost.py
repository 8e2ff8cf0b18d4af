"""What a command takes: wall seconds, and the most memory it held.

Run as a script, it is the small process in between: on Linux a program's peak begins with the size
of the process that started it, so the benchmark itself must not be that process.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple


class Cost(NamedTuple):
    """Wall seconds, and the peak of resident memory in MB (with a floor of some 10)."""

    wall: float
    memory: float


def cost(*argv: str, cwd: Path, env: Mapping[str, str], terminal: int | None = None) -> Cost:
    """Run ``argv`` to its end, on a terminal where one is given; RuntimeError if it fails."""
    ours, theirs = os.pipe()
    out = subprocess.DEVNULL if terminal is None else terminal
    full = [sys.executable, "-I", "-S", __file__, str(theirs), *argv]
    try:
        code = subprocess.run(
            full, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
            pass_fds=[theirs], check=False,
        ).returncode  # fmt: skip
    finally:
        os.close(theirs)
    with os.fdopen(ours) as report:
        said = report.read().split()
    if code != 0:
        raise RuntimeError(f"{' '.join(argv)} ended with {code}")
    return Cost(float(said[0]), float(said[1]) * 1024 / 1e6)


def _main(report: int, argv: list[str]) -> int:
    os.set_inheritable(report, False)
    began = time.perf_counter()
    child = os.posix_spawn(argv[0], argv, os.environ)
    _, status, used = os.wait4(child, 0)
    os.write(report, f"{time.perf_counter() - began} {used.ru_maxrss}".encode())
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(_main(int(sys.argv[1]), sys.argv[2:]))
