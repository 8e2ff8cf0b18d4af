"""How busy this machine is, as its own tools tell."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass

from gitcollab.runner import process
from gitcollab.runner.hardware import cpus

_QUERY = (
    "nvidia-smi",
    "--query-gpu=name,utilization.gpu,memory.used,memory.total",
    "--format=csv,noheader,nounits",
)
_NAMES = ("nvidia-smi", "--query-gpu=index,name", "--format=csv,noheader")
_QUERY_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU: its model; what the driver does not tell is None."""

    name: str
    percent: int | None  # of the last moments in which it computed
    used_gb: float | None  # GiB of its memory
    total_gb: float | None


@dataclass(frozen=True, slots=True)
class Usage:
    """All GPUs, whoever uses them; the CPUs that this process may use; ``load``: of a minute."""

    gpus: tuple[Gpu, ...]
    cpus: int
    load: float | None  # processes that run or want to; None: the system does not tell


def gpu_names() -> dict[int, str] | None:
    """The GPUs of this machine, by their numbers; None where there is no nvidia-smi to tell."""
    if shutil.which(_NAMES[0]) is None:
        return None
    rows = (
        line.partition(",") for line in (process.capture(_NAMES, _QUERY_SECONDS) or "").split("\n")
    )
    return {
        int(number): name.strip()[:120] for number, _, name in rows if number.strip().isdecimal()
    }


def usage() -> Usage:
    """This machine now; takes up to 5 s, and is without GPUs where none tell in time."""
    return Usage(_gpus(process.capture(_QUERY, _QUERY_SECONDS) or ""), cpus(), _load())


def _gpus(table: str) -> tuple[Gpu, ...]:
    """The GPUs from nvidia-smi's lines ``name, percent, MiB, MiB``."""
    rows = (line.rsplit(",", 3) for line in table.splitlines())
    return tuple(
        Gpu(row[0].strip()[:120], _number(row[1]), _gib(row[2]), _gib(row[3]))
        for row in rows
        if len(row) == 4
    )


def _number(text: str) -> int | None:
    text = text.strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


def _gib(mebibytes: str) -> float | None:
    number = _number(mebibytes)
    return None if number is None else number / 1024


def _load() -> float | None:
    try:
        return os.getloadavg()[0]
    except (AttributeError, OSError):
        return None
