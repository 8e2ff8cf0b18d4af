"""What of this machine a program in the sandbox sees: the system, its interpreter, its GPUs.

All of it read-only, since what a program can read it can print, and what it prints is published:
nothing of the user's is here but the interpreter and what it was told to import from.
"""

from __future__ import annotations

import os
import re
import site
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

import gitcollab

HOME = Path("/tmp/home")  # inside: private, empty, gone with the run
GITCOLLAB_HOME = Path("/tmp/gitcollab")
USER = "gitcollab"

# /opt, /nix and /gnu hold whole programs (CUDA, interpreters) on systems that have them.
_TOP = ("usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "opt", "nix", "gnu")
SYSTEM = tuple(Path("/", name) for name in _TOP)
# Where the linker finds libraries, and which of several compilers and BLAS is meant.
_ETC = ("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "localtime", "OpenCL")
_OWN_ETC = Path(__file__).parent / "etc"  # in the place of what names people and machines
# What the kernel lets root change here, which in the sandbox is root still where gitcollab is
# run by root. (bubblewrap covers some of these.)
_PROC = ("sys", "acpi", "bus", "driver", "fs", "irq", "mtrr", "scsi", "sysrq-trigger", "tty")
# What programs ask about CPUs; GPUs are found through more of it.
_SYS, _ALL_SYS = ("/sys/devices/system",), ("/sys",)
_GPUS = ("nvidia*", "dri", "kfd", "dxg", "nvhost*", "nvmap")
_IMPORTED = ("PYTHONPATH", "LD_LIBRARY_PATH", "CUDA_HOME", "CUDA_PATH", "ROCM_PATH")
_INTERPRETER = ("bin", "lib", "lib64", "include", "share", "pyvenv.cfg")  # of a prefix
_MOST_PTH = 100
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


def imported(private: Sequence[Path]) -> list[Path]:
    """The folders and files that the interpreter needs, and gitcollab; existing ones.

    Of an interpreter's folder that is or holds one of the ``private`` places, a virtual environment
    around a workspace, only what belongs to the interpreter. What the environment and the
    interpreter's ``.pth`` files name is left out where one of the private places lies in it.
    """
    holding = {Path(os.path.normpath(p)) for place in private for p in (place, *place.parents)}
    holding |= {real for place in private for real in (place.resolve(), *place.resolve().parents)}
    needed = []
    for prefix in map(Path, (sys.prefix, sys.base_prefix, sys.base_exec_prefix)):
        shared = not holding.isdisjoint((Path(os.path.normpath(prefix)), prefix.resolve()))
        needed += [prefix / name for name in _INTERPRETER] if shared else [prefix]
    needed.append(Path(gitcollab.__file__).parent)
    needed += [p for p in _links(Path(sys.executable)) if not under(p, [*needed, *SYSTEM])]
    if site.ENABLE_USER_SITE and site.getusersitepackages() in sys.path:
        needed.append(Path(site.getusersitepackages()))
    variables = (os.environ.get(name, "").split(os.pathsep) for name in _IMPORTED)
    wished = [Path(part) for value in variables for part in value if part.startswith("/")]
    wished += _linked_projects()
    wished = [p for p in wished if Path(os.path.normpath(p)) not in holding]
    return [p for p in dict.fromkeys([*needed, *wished]) if p.exists() and p != Path("/")]


def _links(path: Path) -> Iterator[Path]:
    """The file, and every one that it is a link to, one after the other."""
    for _ in range(40):  # as many as the kernel follows
        yield path
        if not path.is_symlink():
            return
        path = Path(os.path.normpath(path.parent / path.readlink()))


@cache
def _linked_projects() -> list[Path]:
    """Other projects' folders that ``.pth`` files put on the interpreter's path."""
    mine = Path(gitcollab.__file__).parent.parent
    found = []
    for folder in site.getsitepackages():
        for path in sorted(Path(folder).glob("*.pth"))[:_MOST_PTH]:
            lines = path.read_text(errors="replace").splitlines()
            found += [Path(line.strip()) for line in lines if line.startswith("/")]
    return [path for path in found if path != mine]


def under(path: Path, visible: Sequence[Path]) -> bool:
    """Whether the path lies in one of the visible places."""
    path = Path(os.path.normpath(path))
    return any(path.is_relative_to(place) for place in visible)


def environment(env: Mapping[str, str], visible: Sequence[Path]) -> dict[str, str]:
    """The environment inside: a HOME and a user of its own, and no place that is not there.

    ``visible`` are the places that are there, apart from the system's.
    """
    there = [*visible, *SYSTEM]
    kept = {}
    for name, value in env.items():
        if _CREDENTIALS.search(value):
            continue
        parts = value.split(os.pathsep)
        if all(part.startswith("/") for part in parts):
            parts = [part for part in parts if under(Path(part), there)]
        if parts:
            kept[name] = os.pathsep.join(parts)
    if site.ENABLE_USER_SITE and site.getusersitepackages() in sys.path:
        kept["PYTHONUSERBASE"] = site.getuserbase()
    own = {"HOME": str(HOME), "USER": USER, "LOGNAME": USER, "GITCOLLAB_HOME": str(GITCOLLAB_HOME)}
    return kept | own
