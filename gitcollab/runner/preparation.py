"""What a program's process is made to be before it is the program."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping

from gitcollab.runner import syscalls

_INTERRUPTS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]
_PR_SET_PDEATHSIG = 1  # see prctl(2)
_WISHES, _WISH_SECONDS = 4, 0.11


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Within the block no interrupt arrives: what it raised between fork and exec would be lost."""
    if not sys.platform.startswith("linux"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _INTERRUPTS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def step_back(group: int, nice: int) -> None:
    """Lower the priority of a process group; what is lower already stays."""
    if not hasattr(os, "setpriority"):
        return
    with contextlib.suppress(OSError):  # it has ended, or may not be touched
        nice = max(nice, os.getpriority(os.PRIO_PGRP, group))
        os.setpriority(os.PRIO_PGRP, group, nice)


def preparation(bounds: Mapping[int, int], nice: int, *, caged: bool) -> Callable[[], None] | None:
    """What a program's process does before it is the program; on Linux.

    What is ``caged`` gets a new session keyring: no namespace parts it from the user's.
    It runs between fork and exec, where a lock that another thread held is held for ever: system
    calls, and nothing that could wait for long.
    """
    if not sys.platform.startswith("linux"):
        return None
    import ctypes
    import resource

    libc, parent = ctypes.PyDLL(None), os.getpid()
    here = syscalls.architecture() if caged else None
    nice = max(nice, os.getpriority(os.PRIO_PROCESS, 0))
    wanted = {resource.RLIMIT_CORE: 0, **bounds}
    limits = {which: _lowered(resource.getrlimit(which), most) for which, most in wanted.items()}

    def prepare() -> None:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _INTERRUPTS)
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # it is gone already
            os._exit(1)
        if here is not None:  # where a container forbids it, it forbids the sandbox's keyctl too
            libc.syscall(here.keyctl, syscalls.KEYCTL_JOIN_SESSION_KEYRING, None)
        for which, limit in limits.items():
            resource.setrlimit(which, limit)
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, 0, nice)
        if nice > 0:
            _step_back_as_group(b"%d" % nice)
        with contextlib.suppress(OSError):  # a container may forbid it
            descriptor = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
            os.write(descriptor, b"1000")
            os.close(descriptor)

    return prepare


def _step_back_as_group(nice: bytes) -> None:
    """Lower the priority of this session: where there are autogroups its processes have no other.

    See sched(7). The kernel takes ten such wishes a second from all that are not root.
    """
    for _ in range(_WISHES):
        try:
            descriptor = os.open("/proc/self/autogroup", os.O_WRONLY)
        except OSError:  # this kernel has none
            return
        try:
            os.write(descriptor, nice)
        except BlockingIOError:
            time.sleep(_WISH_SECONDS)
        except OSError:
            return
        else:
            return
        finally:
            os.close(descriptor)


def following() -> Callable[[], None] | None:
    """What a process of our own does before it begins: it asks for SIGTERM when we are gone."""
    if not sys.platform.startswith("linux"):
        return None
    import ctypes

    libc, parent = ctypes.PyDLL(None), os.getpid()

    def prepare() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:  # it is gone already
            os._exit(1)

    return prepare


def _lowered(now: tuple[int, int], most: int) -> tuple[int, int]:
    """A resource limit, soft and hard, of at most that; -1 is none."""
    soft, hard = (most if limit < 0 else min(limit, most) for limit in now)
    return soft, hard
