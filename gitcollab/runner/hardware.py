"""The machine a program runs on, found without importing torch."""

from __future__ import annotations

import functools
import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gitcollab.runner import process

# Up to how many GB of device memory a tier reaches; makers' GB are a little less or more.
_TIERS = ((16.5, "small"), (24.5, "medium"), (48.5, "large"))
TIERS = ("cpu", *(name for _, name in _TIERS), "xl")
_QUERY = ("nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader,nounits")
_QUERY_SECONDS = 20.0
_GIB = 1024**3


@dataclass(frozen=True, slots=True)
class Hardware:
    """A machine; memory in GiB.

    ``device`` is the model of the GPU that a program gets, ``mps`` on Apple silicon, or the CPU's
    model; ``gpus`` counts the visible ones. ``tier`` groups machines whose results compare: cpu,
    small (to 16 GB of device memory), medium (24), large (48), xl.
    """

    device: str
    vram_gb: float | None
    gpus: int
    cpus: int
    memory_gb: float
    tier: str


@functools.cache
def detect() -> Hardware:
    """This machine; asked once per process."""
    cores, memory = cpus(), _memory_gb()
    gpus = _visible(_nvidia(process.capture(_QUERY, _QUERY_SECONDS) or ""))
    if gpus:
        device, vram = gpus[0]
        # Chips that share the memory with the CPU report none of their own.
        return Hardware(device, vram, len(gpus), cores, memory, _tier(vram or memory))
    if sys.platform == "darwin" and platform.machine() == "arm64":
        return Hardware("mps", memory, 1, cores, memory, _tier(memory))
    return Hardware(_cpu_model(), None, 0, cores, memory, "cpu")


def _tier(memory_gb: float) -> str:
    return next((name for limit, name in _TIERS if memory_gb <= limit), "xl")


def _nvidia(table: str) -> list[tuple[str, float | None]]:
    """The GPUs as (name, GiB or None) from nvidia-smi's lines ``name, MiB``."""
    gpus: list[tuple[str, float | None]] = []
    for line in table.splitlines():
        name, comma, memory = line.rpartition(",")
        if comma and name.strip():
            gpus.append((name.strip()[:120], _gib(memory.strip())))
    return gpus


def _gib(mebibytes: str) -> float | None:
    return round(int(mebibytes) / 1024, 1) if mebibytes.isdecimal() else None


def _visible(gpus: Sequence[tuple[str, float | None]]) -> list[tuple[str, float | None]]:
    """Those that CUDA_VISIBLE_DEVICES leaves, in its order; it ends at the first that is none."""
    wanted = os.environ.get("CUDA_VISIBLE_DEVICES")
    if wanted is None or not gpus:
        return list(gpus)
    visible = []
    for entry in (part.strip() for part in wanted.split(",")):
        if entry.isdecimal() and int(entry) < len(gpus):
            visible.append(gpus[int(entry)])
        elif entry.startswith(("GPU-", "MIG-")):
            visible.append(gpus[0])  # the query names no ids; machines rarely mix models
        else:
            break
    return visible


def cpus() -> int:
    """The CPUs that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _memory_gb() -> float:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / _GIB, 1)
    except (AttributeError, OSError, ValueError):  # not every platform tells
        return 0.0


def _cpu_model(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    try:
        text = cpuinfo.read_text(errors="replace")
    except OSError:
        text = ""
    for line in text.splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name" and value.strip():
            return value.strip()[:120]
    return platform.processor() or platform.machine() or "cpu"
