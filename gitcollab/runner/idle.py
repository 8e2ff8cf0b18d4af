"""Whether this machine is busy with something else than programs that step back."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from gitcollab.runner.usage import Gpu, Usage, usage

CPU_MARK = 0.25  # of all CPUs: from here on they are busy
GPU_MARK = 15  # percent of a GPU's time
MEMORY_MARK = 0.5  # of a GPU's memory: with so much of it in use, a run would not fit
WINDOW_SECONDS = 1.0  # in which the CPUs are looked at
_STAT = Path("/proc/stat")


class _Ticks(NamedTuple):
    """What all CPUs did since the machine's start, in ticks."""

    busy: int  # for programs of ordinary priority, and for the system
    total: int


def busy(
    stat: Path = _STAT,
    sleep: Callable[[float], object] = time.sleep,
    used: Callable[[], Usage] = usage,
) -> str | None:
    """What keeps this machine busy, in words; None where it is idle. Takes a second or so.

    Programs of low priority (nice above 0, as those of a lent machine) keep no CPU busy. A GPU
    counts when it is among those of CUDA_VISIBLE_DEVICES, or all do; one that does not tell how
    busy it is counts as idle.
    """
    now = used()
    for gpu in visible(now.gpus, os.environ.get("CUDA_VISIBLE_DEVICES")):
        if gpu.percent is not None and gpu.percent >= GPU_MARK:
            return f"others use {gpu.percent:.0f}% of a GPU (begins below {GPU_MARK}%)"
        if gpu.used_gb is not None and gpu.total_gb and gpu.used_gb / gpu.total_gb >= MEMORY_MARK:
            used_share = gpu.used_gb / gpu.total_gb
            return f"{used_share:.0%} of a GPU's memory is in use (begins below {MEMORY_MARK:.0%})"
    share = _share(stat, sleep)
    if share is None and now.load is not None:
        share = now.load / now.cpus
    if share is None or share < CPU_MARK:
        return None
    return f"others use {min(share, 1):.0%} of the CPUs (begins below {CPU_MARK:.0%})"


def visible(gpus: tuple[Gpu, ...], wanted: str | None) -> list[Gpu]:
    """Those that CUDA_VISIBLE_DEVICES names by their numbers; all where it names none so."""
    numbers = [part.strip() for part in (wanted or "").split(",")]
    chosen = [gpus[int(n)] for n in numbers if n.isdecimal() and int(n) < len(gpus)]
    return chosen or list(gpus)


def _share(stat: Path, sleep: Callable[[float], object]) -> float | None:
    """Which share of the CPUs' time was used within the window; None where nothing tells."""
    before = _ticks(stat)
    if before is None:
        return None
    sleep(WINDOW_SECONDS)
    after = _ticks(stat)
    if after is None or after.total <= before.total:  # a container may tell nothing but zeros
        return None
    return (after.busy - before.busy) / (after.total - before.total)


def _ticks(stat: Path) -> _Ticks | None:
    """From ``cpu user nice system idle iowait irq softirq steal ...``: see proc(5)."""
    with suppress(OSError, ValueError):
        words = stat.read_text().split("\n", 1)[0].split()
        numbers = [int(word) for word in words[1:9]]
        user, _, system = numbers[:3]
        interrupts = sum(numbers[5:7])
        return _Ticks(user + system + interrupts, sum(numbers))
    return None
