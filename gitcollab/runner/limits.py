"""How much of a machine a program in the sandbox may use, and how much it uses.

Ordinary users have no control groups to give away, so the kernel bounds little: the numbers here
are looked at while the program runs, and one that is beyond them is ended, its whole namespace
with it. What a program takes between two looks is bounded by its speed alone.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_GIB = 1024**3
_MIB = 1024**2

# The defaults are far above what training needs: they are there to keep the machine alive.
PROCESSES = 1024  # and PROCESSES_PER_CPU more for each CPU: loaders and compilers, with threads
PROCESSES_PER_CPU = 64
# These three come together, to 90% at most.
MEMORY_SHARE = 0.65  # of the machine's memory
SHARED_SHARE = 0.15  # of the machine's memory: /dev/shm, where data loaders hand over batches
TEMPORARY_SHARE = 0.1  # of the machine's memory: /tmp, with HOME and the compilers' caches
DISK_SHARE = 0.25  # of the free disk space
MOST_DISK = 64 * _GIB
LEAST_BYTES = 64 * _MIB  # of anything, however small the machine
FILES = 100_000
# A disk with so little left is in danger, whoever filled it.
_NEARLY_FULL = _GIB
# So is a machine with so little left of its memory, which a program may hold where no process shows
# it: in files without a name. Where there was twice as much at the start, the program is to go.
_NEARLY_GONE = 0.03
_MEMINFO = Path("/proc/meminfo")
_MOST_NESTED = 64  # folders in folders, each of which takes a descriptor to look through
_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)


@dataclass(frozen=True, slots=True)
class Limits:
    """The most of everything, in bytes unless said otherwise."""

    processes: int  # processes and threads
    memory: int  # that processes hold: files do not count, but where they are mapped without a disk
    shared: int  # in /dev/shm
    temporary: int  # in /tmp
    disk: int  # below the run's folder, and in any one file
    files: int = FILES  # below the run's folder

    @classmethod
    def of_this_machine(cls, folder: Path) -> Limits:
        """The defaults for a run in ``folder``."""
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        free = shutil.disk_usage(folder).free
        return cls(
            processes=PROCESSES + PROCESSES_PER_CPU * (os.cpu_count() or 1),
            memory=max(LEAST_BYTES, int(memory * MEMORY_SHARE)),
            shared=max(LEAST_BYTES, int(memory * SHARED_SHARE)),
            temporary=max(LEAST_BYTES, int(memory * TEMPORARY_SHARE)),
            disk=min(MOST_DISK, max(LEAST_BYTES, int(free * DISK_SHARE))),
        )


class Meter:
    """Looks at what the processes below ``root``, and the files below ``folder``, come to."""

    def __init__(self, root: int, folder: Path, limits: Limits) -> None:
        self._root = root
        self._folder = folder
        self._limits = limits
        self._free = shutil.disk_usage(folder).free  # at the start
        self._left = _memory_left()  # at the start

    def excess(self) -> str:
        """What is used more than the limits allow, in words; "" when nothing is."""
        return self._of_processes() or self._of_machine() or self._of_disk()

    def _of_processes(self) -> str:
        members = descendants(self._root)
        held = [_held(pid) for pid in members]
        tasks = sum(one.tasks for one in held)
        if tasks > self._limits.processes:
            return f"used more than {self._limits.processes:,} processes and threads"
        limit = self._limits.memory
        # Forked processes share pages, which this counts for each of them: a cheap upper bound.
        if sum(one.bytes for one in held) <= limit:
            return ""
        exact = sum(_share(pid, one.bytes) for pid, one in zip(members, held, strict=True))
        return f"used more than {_said(limit)} of memory" if exact > limit else ""

    def _of_machine(self) -> str:
        if _memory_left() < _NEARLY_GONE and self._left > 2 * _NEARLY_GONE:
            return "ran while the memory filled up"
        return ""

    def _of_disk(self) -> str:
        limits = self._limits
        used = files = 0
        try:
            for size in _sizes(self._folder):
                used, files = used + size, files + 1
                if files > limits.files:
                    return f"left more than {limits.files:,} files in its folder"
        except OSError as e:
            return f"left a folder that cannot be looked through ({e.strerror})"
        if used > limits.disk:
            return f"used more than {_said(limits.disk)} of disk space"
        # Files that were removed and are still open have no name to be found by.
        free = shutil.disk_usage(self._folder).free
        if free < _NEARLY_FULL and self._free - free > limits.disk:
            return "ran while the disk filled up"
        return ""


@dataclass(frozen=True, slots=True)
class _Held:
    tasks: int
    bytes: int


def descendants(root: int) -> list[int]:
    """The processes below ``root``, and itself, as far as they can be seen at one moment.

    In a process namespace orphans become children of its first process, so none is lost.
    """
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):  # noqa: PTH208 - a name is all that is needed
        if name.isdecimal() and (parent := _parent(name)) is not None:
            children.setdefault(parent, []).append(int(name))
    found = [root]
    for pid in found:  # it grows meanwhile
        found += children.get(pid, ())
    return found


def tasks_of_user() -> int:
    """How many processes and threads this user runs."""
    own = os.getuid()
    count = 0
    for path in Path("/proc").iterdir():
        if path.name.isdecimal():
            with suppress(OSError):  # it has ended
                if path.stat().st_uid == own:
                    count += _held(int(path.name)).tasks
    return count


def _parent(pid: str) -> int | None:
    """The parent in a ``pid (command) state parent ...`` file; None when it is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
        return int(text.rpartition(")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return None


def _held(pid: int) -> _Held:
    fields = {}
    with suppress(OSError):  # it is gone
        fields = _numbers(Path(f"/proc/{pid}/status").read_text(errors="replace"))
    kilobytes = sum(fields.get(name, 0) for name in ("RssAnon", "RssShmem", "VmSwap"))
    return _Held(fields.get("Threads", 0), kilobytes * 1024)


def _memory_left() -> float:
    """The part of the machine's memory that is available; all where it is not told."""
    fields = {}
    with suppress(OSError):
        fields = _numbers(_MEMINFO.read_text())
    return fields.get("MemAvailable", 1) / fields.get("MemTotal", 1)


def _share(pid: int, most: int) -> int:
    """The process's own memory, and its part of what it shares; ``most`` where it hides that."""
    try:
        fields = _numbers(Path(f"/proc/{pid}/smaps_rollup").read_text())
    except PermissionError:
        return most
    except OSError:  # it is gone
        return 0
    return sum(fields.get(name, 0) for name in ("Pss_Anon", "Pss_Shmem", "SwapPss")) * 1024


def _numbers(text: str) -> dict[str, int]:
    """The numbers in ``Name:   number kB`` lines."""
    pairs = (line.partition(":") for line in text.splitlines())
    words = ((name, rest.split()) for name, _, rest in pairs)
    return {name: int(said[0]) for name, said in words if said and said[0].isdecimal()}


def _sizes(folder: Path) -> Iterator[int]:
    """What each entry below the folder takes on the disk, in bytes.

    By descriptors, so that no link that comes into a folder's place meanwhile is followed. OSError
    for what a program hides in: a folder closed to its owner, or nested too deeply.
    """
    return _below(os.open(folder, _FOLDER), _MOST_NESTED)


def _below(descriptor: int, levels: int) -> Iterator[int]:
    try:
        with os.scandir(descriptor) as entries:
            for entry in entries:
                with suppress(FileNotFoundError):  # removed meanwhile
                    found = entry.stat(follow_symlinks=False)
                    yield found.st_blocks * 512
                    if stat.S_ISDIR(found.st_mode):
                        yield from _inside(entry.name, descriptor, levels - 1)
    finally:
        os.close(descriptor)


def _inside(name: str, folder: int, levels: int) -> Iterator[int]:
    if levels == 0:
        raise OSError(errno.ENAMETOOLONG, "nested too deeply")
    try:
        descriptor = os.open(name, _FOLDER, dir_fd=folder)
    except OSError as e:
        if e.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):  # another is in its place
            return
        raise
    yield from _below(descriptor, levels)


def _said(number: int) -> str:
    return f"{number / _GIB:.1f} GiB" if number >= _GIB else f"{number / _MIB:.0f} MiB"
