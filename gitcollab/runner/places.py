"""What of this machine a program in the sandbox sees: the system, its GPUs, an environment.

All of it read-only. What a program can read it can print, and what it prints is published: nothing
of the user's is here (what its interpreter needs is in ``imports``).
"""

from __future__ import annotations

import os
import re
import site
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

HOME = Path("/tmp/home")  # inside: private, empty, gone with the run
GITCOLLAB_HOME = Path("/tmp/gitcollab")
USER = "gitcollab"

_TOP = ("usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "nix/store", "gnu/store")
# /opt holds anything: of it only what makers of GPUs and compilers put there.
_OPT = ("cuda*", "nvidia*", "rocm*", "amdgpu*", "intel*", "hpcx*", "rh")
SYSTEM = (
    *(Path("/", name) for name in _TOP),
    *(path for pattern in _OPT for path in sorted(Path("/opt").glob(pattern))),
)
# Where the linker finds libraries, and which of several compilers and BLAS is meant.
_ETC = ("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "localtime", "OpenCL")
_OWN_ETC = Path(__file__).parent / "etc"  # in the place of what names people and machines
# What the kernel lets root change here, which in the sandbox is root still where gitcollab is
# run by root. (bubblewrap covers some of these.)
_PROC = ("sys", "acpi", "bus", "driver", "fs", "irq", "mtrr", "scsi", "sysrq-trigger", "tty")
# What programs ask about CPUs; GPUs are found through more of it.
_SYS, _ALL_SYS = ("/sys/devices/system",), ("/sys",)
# Render nodes: what a screen shows is no program's.
_GPUS = ("nvidia*", "dri/renderD*", "dri/by-path/*-render", "kfd", "dxg", "nvhost*", "nvmap")
_CREDENTIALS = re.compile(r"://[^/\s]*@")


def gpus(dev: Path = Path("/dev")) -> list[Path]:
    """The device files of this machine's GPUs."""
    return sorted(path for pattern in _GPUS for path in dev.glob(pattern))


def system() -> list[str]:
    """bubblewrap's options for the system, /proc and /dev."""
    options: list[str] = []
    for path in SYSTEM:
        if path.is_symlink():  # /bin -> usr/bin
            options += ("--symlink", str(path.readlink()), str(path))
        else:
            options += ("--ro-bind-try", str(path), str(path))
    for path in sorted(_OWN_ETC.iterdir()):
        options += ("--ro-bind", str(path), f"/etc/{path.name}")
    for name in _ETC:
        options += ("--ro-bind-try", f"/etc/{name}", f"/etc/{name}")
    options += ("--proc", "/proc")
    for name in _PROC:
        options += ("--ro-bind-try", f"/proc/{name}", f"/proc/{name}")
    devices = gpus()
    for name in _ALL_SYS if devices else _SYS:
        options += ("--ro-bind-try", name, name)
    options += ("--dev", "/dev")
    for path in devices:
        options += ("--dev-bind-try", str(path), str(path))
    return options


def under(path: Path, visible: Sequence[Path]) -> bool:
    """Whether the path lies in one of the visible places."""
    path = Path(os.path.normpath(path))
    return any(path.is_relative_to(place) for place in visible)


def environment(
    env: Mapping[str, str], visible: Sequence[Path], roots: Sequence[Path] = ()
) -> dict[str, str]:
    """The environment inside: a HOME and a user of its own, and no place that is not there.

    ``visible`` are the places that are there, apart from the system's; of ``roots`` a part is.
    """
    there = [*visible, *SYSTEM]
    kept = {}
    for name, value in env.items():
        if _CREDENTIALS.search(value):
            continue
        parts = value.split(os.pathsep)
        if all(part.startswith("/") for part in parts):
            parts = [part for part in parts if under(Path(part), there) or Path(part) in roots]
        if parts:
            kept[name] = os.pathsep.join(parts)
    if site.ENABLE_USER_SITE and site.getusersitepackages() in sys.path:
        kept["PYTHONUSERBASE"] = site.getuserbase()
    own = {"HOME": str(HOME), "USER": USER, "LOGNAME": USER, "GITCOLLAB_HOME": str(GITCOLLAB_HOME)}
    return kept | own
