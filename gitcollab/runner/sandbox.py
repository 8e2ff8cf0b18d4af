"""The sandbox for strangers' programs: bubblewrap, on Linux.

A program in it has namespaces of its own (processes, network, users, mounts, IPC, host name), no
capabilities, none of the calls that these leave open (``syscalls``), and sees the system and its
interpreter read-only. It may write to its run's folder, to /tmp (HOME is in it) and to /dev/shm.
What it uses is looked at (``limits``), and nothing of it is left when it has ended, however
gitcollab itself ends.

Not kept in: what attacks the kernel or a GPU's driver itself.
"""

from __future__ import annotations

import os
import re
import resource
import select
import shutil
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path

from gitcollab.runner import places, syscalls
from gitcollab.runner.imports import Imports, imports
from gitcollab.runner.limits import Limits, Meter, descendants, tasks_of_user
from gitcollab.runner.process import CommandMissing, NeverBegan, capture

_BASIC = (
    *("--unshare-all", "--unshare-user", "--uid", "1000", "--gid", "1000", "--cap-drop", "ALL"),
    # It has a session of its own, without a terminal, from ``process``; another one would begin an
    # autogroup anew, which does not step back.
    *("--hostname", "sandbox", "--die-with-parent"),
)
_TRIAL = ("--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "--", "true")
_TRIAL_SECONDS = 10.0
_LOOK_SECONDS = 0.1
_LOOKING_SHARE = 0.1  # of the time that may be spent on looking at what a program uses
_GONE_SECONDS = 5.0
_TIDY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class _Bubblewrap:
    path: str
    options: tuple[str, ...]
    sizes: bool  # whether it can bound the size of a tmpfs


def lacking() -> tuple[str, str] | None:
    """Why there is no sandbox here, and what helps; None when bubblewrap works.

    Tried once in a process for each bubblewrap: in some ten milliseconds.
    """
    if not sys.platform.startswith("linux"):
        return (
            f"there is none on {sys.platform}",
            "read a stranger's program before you run it, or work on a Linux machine",
        )
    try:
        os.close(os.pidfd_open(os.getpid()))
    except (AttributeError, OSError):
        return "the kernel gives no handles of processes", "upgrade it: Linux 5.3 or newer has them"
    if shutil.which("bwrap") is None:
        return "bubblewrap is not installed", "install the package bubblewrap"
    bwrap, changed = _found()
    if _tried(bwrap, changed) is None:
        trial = "bwrap --unshare-all --ro-bind / / --proc /proc true"
        return (
            f"{bwrap} may not separate anything here",
            f"allow user namespaces (containers may forbid them); try: {trial}",
        )
    return None


def _found() -> tuple[str, int]:
    """bubblewrap's path, and when it was changed."""
    path = Path(str(shutil.which("bwrap")))
    return str(path), path.stat().st_mtime_ns


@cache
def _tried(bwrap: str, changed: int) -> _Bubblewrap | None:
    """How this bubblewrap can be used; versions before 0.8 have fewer options."""
    options = (*_BASIC, "--disable-userns")
    for chosen, sizes in ((options, True), (_BASIC, True), (_BASIC, False)):
        size = ("--size", "65536", "--tmpfs", "/tmp") if sizes else ()
        if capture([bwrap, *chosen, *_TRIAL[:3], *size, *_TRIAL[3:]], _TRIAL_SECONDS) is not None:
            return _Bubblewrap(bwrap, chosen, sizes)
    return None


def _file_of(options: Sequence[str]) -> int:
    """A descriptor of a file with bubblewrap's options: its command line is seen inside."""
    descriptor = os.memfd_create("options")
    os.write(descriptor, b"".join(os.fsencode(word) + b"\0" for word in options))
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


@dataclass
class Sandbox:
    """One program's sandbox: ``process.run`` puts the program into it.

    ``folder`` is where the program runs, and may write; of the files in it ``fixed`` stay as they
    are. ``data`` are folders that the program finds below ``$GITCOLLAB_HOME/data``, by name.
    ``private`` are places that it must not see, whatever visible place they lie in.
    """

    folder: Path
    fixed: Sequence[Path] = ()
    data: Mapping[str, Path] = field(default_factory=dict)
    private: Sequence[Path] = ()
    limits: Limits | None = None  # those of this machine
    _status: int = field(default=-1, init=False)  # bubblewrap's word, to be read
    _said: bytes = field(default=b"", init=False)
    _first: int = field(default=-1, init=False)  # a handle of the namespace's first process
    _child: int = field(default=-1, init=False)  # its number, as long as the handle is open
    _meter: Meter | None = field(default=None, init=False)
    _next_look: float = field(default=0.0, init=False)

    @cached_property
    def _bounds(self) -> Limits:
        return self.limits or Limits.of_this_machine(self.folder)

    @cached_property
    def _imports(self) -> Imports:
        return imports([*self.private, Path.home()])

    # -- before the start --------------------------------------------------------------------------

    def wrap(
        self, command: Sequence[str], env: Mapping[str, str]
    ) -> tuple[list[str], tuple[int, ...]]:
        """bubblewrap's command line around the program's, and descriptors that it has to inherit.

        Raises NeverBegan where there is no sandbox, CommandMissing for a program that is not
        visible in it.
        """
        if (why := lacking()) is not None:
            raise NeverBegan(f"there is no sandbox: {why[0]}", why[1])
        tool = _tried(*_found())
        assert tool is not None  # nothing is lacking
        self._require(command[0], self.environment(env))
        options = [*tool.options, *places.system(), *self._temporary(tool), *self._mounts()]
        self._status, write = os.pipe()
        options += ("--json-status-fd", str(write), "--chdir", str(self.folder))
        inherited = [write]
        if (calls := syscalls.filter_descriptor()) is not None:
            options += ("--seccomp", str(calls))
            inherited.append(calls)
        inherited.append(_file_of(options))
        return [tool.path, "--args", str(inherited[-1]), "--", *command], tuple(inherited)

    def environment(self, env: Mapping[str, str]) -> dict[str, str]:
        """The program's environment, from that which it would have outside."""
        return places.environment(env, [*self._imports.shown, self.folder], self._imports.roots)

    def bounds(self) -> Mapping[int, int]:
        """What the kernel itself can bound, as resource limits of the program."""
        found = {resource.RLIMIT_FSIZE: self._bounds.disk}
        if os.getuid() != 0:  # it does not bind root; it counts all that the user runs
            found[resource.RLIMIT_NPROC] = tasks_of_user() + self._bounds.processes
        return found

    def _require(self, program: str, env: Mapping[str, str]) -> None:
        """A program that cannot be begun is nobody's crash."""
        found = shutil.which(program, path=env.get("PATH", os.defpath))
        if found is None and "/" in program:  # below the run's folder, or bubblewrap says so
            return
        there = [self.folder, *self._imports.shown, *places.SYSTEM]
        if found is None or not places.under(Path(found).absolute(), there):
            raise CommandMissing(
                f"the command {program!r} does not exist in the sandbox",
                "install it for the whole system, or correct `run` in the task",
            )

    def _temporary(self, tool: _Bubblewrap) -> list[str]:
        """/dev/shm and /tmp, with the private HOME."""
        options = []
        sizes = (("/dev/shm", self._bounds.shared), ("/tmp", self._bounds.temporary))
        for path, size in sizes:
            options += [*(("--size", str(size)) if tool.sizes else ()), "--tmpfs", path]
        return [*options, "--remount-ro", "/dev", "--dir", str(places.HOME)]

    def _mounts(self) -> list[str]:
        """The places of this run, outer ones first, since an inner one shows through an outer."""
        layers: dict[Path, tuple[str, ...]] = {}
        for path in self._imports.shown:
            layers |= {form: ("--ro-bind", str(path)) for form in (path, path.resolve())}
        there = [*layers, *places.SYSTEM]
        secret = (*self.private, Path.home(), *self._imports.hidden)
        # Only where it would show: elsewhere not even its name is there.
        forms = {form for p in secret if p.exists() for form in (p, p.resolve())}
        hidden = {form for form in forms if places.under(form, there)}
        covered = [p for p in hidden - layers.keys() if p.is_dir()]
        layers |= dict.fromkeys(hidden - layers.keys() - set(covered), ("--ro-bind", "/dev/null"))
        layers |= dict.fromkeys(covered, ("--tmpfs",))
        layers[self.folder] = ("--bind", str(self.folder))
        layers |= {path: ("--ro-bind", str(path)) for path in self.fixed}
        for name, path in self.data.items():
            layers[places.GITCOLLAB_HOME / "data" / name] = ("--ro-bind", str(path))
        outer_first = sorted(layers, key=lambda p: len(p.parts))
        options = [word for path in outer_first for word in (*layers[path], str(path))]
        for path in [*covered, Path("/")]:
            options += ("--remount-ro", str(path))
        return options

    # -- while it runs -----------------------------------------------------------------------------

    def begun(self) -> None:
        """Called when bubblewrap has been started; waits for its word, which comes at once."""
        while b"\n" not in self._said and (data := os.read(self._status, 4096)):
            self._said += data
        if (found := re.search(rb'"child-pid": (\d+)', self._said)) is not None:
            with suppress(ProcessLookupError):  # it has ended
                self._first = os.pidfd_open(int(found[1]))
                self._child = int(found[1])
                self._meter = Meter(self._child, self.folder, self._bounds)

    def excess(self) -> str:
        """Why the program has to be ended, in words; "" when it has not. Cheap if asked often."""
        now = time.monotonic()
        if self._meter is None or now < self._next_look:
            return ""
        found = self._meter.excess()
        done = time.monotonic()
        self._next_look = done + max(_LOOK_SECONDS, (done - now) / _LOOKING_SHARE)
        return found

    def signal(self, number: int) -> None:
        """Send a signal to all that is in it, the first process last: it could begin others."""
        if self._child < 0:
            return
        for pid in reversed(descendants(self._child)):
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)

    def kill(self) -> None:
        """End whatever is left of the program, and wait until it is gone."""
        if self._first < 0:
            return
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._first, signal.SIGKILL)
        # The first process of a namespace ends after all others have.
        poll = select.poll()
        poll.register(self._first, select.POLLIN)
        poll.poll(_GONE_SECONDS * 1000)

    def close(self) -> bool:
        """Give back what this holds; whether the program has begun at all."""
        self.kill()
        with suppress(FileNotFoundError):
            self.folder.chmod(0o700)  # whatever the program made of it
        while self._status >= 0 and (data := os.read(self._status, 4096)):
            self._said += data
        for descriptor in (self._status, self._first):
            if descriptor >= 0:
                os.close(descriptor)
        self._status = self._first = self._child = -1
        return b'"exit-code"' in self._said

    def tidy(self) -> None:
        """Remove what the program left in its folder, apart from the fixed files.

        Done by programs that no nesting, name or link misleads.
        """
        capture(["chmod", "-R", "u+rwX", "--", str(self.folder)], _TIDY_SECONDS)
        here = ("find", str(self.folder), "-mindepth", "1")
        kept = [word for path in self.fixed for word in ("!", "-name", path.name)]
        capture(
            [*here, "-maxdepth", "1", *kept, "-exec", "rm", "-rf", "--", "{}", "+"], _TIDY_SECONDS
        )
