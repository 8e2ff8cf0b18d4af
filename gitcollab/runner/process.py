"""Running a program to its end, whatever it does: the one place that starts other programs.

Apart from git, which has a funnel of its own. A program gets its own session and process group, a
deadline, and bounded room for its output; when ``run`` returns or raises, its group is gone. On
Linux it is killed when gitcollab is, and is the first to go when memory is short. (A process that
has left the group survives, but not where there is a ``cage``: see ``sandbox``.)
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO, Protocol

from gitcollab.errors import GitcollabError
from gitcollab.runner.clock import Clock
from gitcollab.runner.output import Lines, Log
from gitcollab.runner.preparation import following, preparation, step_back, undisturbed

TICK_SECONDS = 1.0
# How long a program may take to end itself after SIGTERM, and how long what it leaves behind
# may hold its output open after its end.
GRACE_SECONDS = 2.0
LINGER_SECONDS = 0.5
_POLL_SECONDS = 0.05
_READ_BYTES = 64 * 1024
_MOST_SAID = 300
_TIMEOUT = "timeout"
_CAGE_HINT = "gitcollab doctor tries the sandbox, and says what is wrong"
_COMMAND_HINT = "install it, or correct `run` in the task"

OnLine = Callable[[str], None]
Tick = Callable[[float], None]


class Cage(Protocol):
    """What stands around a program; ``sandbox.Sandbox`` is one. Calls come in this order."""

    def wrap(
        self, command: Sequence[str], env: Mapping[str, str]
    ) -> tuple[list[str], tuple[int, ...]]:
        """The command line to start instead, and descriptors that it inherits."""

    def environment(self, env: Mapping[str, str]) -> dict[str, str]:
        """The environment that the program gets instead."""

    def bounds(self) -> Mapping[int, int]:
        """Resource limits of the program."""

    def signal(self, number: int) -> None:
        """Send a signal to all that is in it: SIGSTOP or SIGCONT."""

    def begun(self) -> None:
        """It has been started."""

    def excess(self) -> str:
        """Why it has to be ended now; "" when it has not. Asked often."""

    def kill(self) -> None:
        """End all that is left of it. Asked more than once."""

    def close(self) -> bool:
        """Whether the program itself was ever begun. Nothing is asked after it."""


class NeverBegan(GitcollabError):  # noqa: N818
    """What stands around the program could not begin it."""


class CommandMissing(GitcollabError):  # noqa: N818
    """The command does not exist, or is no program."""


@dataclass(frozen=True, slots=True)
class Finished:
    """How a program ended.

    ``exit_code`` is negative when a signal ended it, and None when it was cut off: ``timed_out``,
    or for the ``excess`` that its cage found. ``output_bytes`` is what it printed; ``left_out`` how
    much of that the log does not hold. ``stood_still``: seconds for which the machine slept, or
    this process was stopped (^Z stops the program with it): of what took so long, no clock tells.
    They count for no deadline, and not among the ``seconds``.
    """

    exit_code: int | None
    timed_out: bool
    seconds: float
    output_bytes: int = 0
    left_out: int = 0
    excess: str = ""
    stood_still: float = 0.0


def run(
    command: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    timeout: float,
    log: Path,
    on_line: OnLine | None = None,
    tick: Tick | None = None,
    max_log_bytes: int = 8 * 1024 * 1024,
    cage: Cage | None = None,
    told: Path | None = None,
    nice: int = 0,
) -> Finished:
    """Run a command for at most ``timeout`` seconds, its output (both streams) going to ``log``.

    ``on_line`` gets each line of output, cut to a bounded length and otherwise as it came: control
    characters are the caller's to clean. ``tick`` gets the seconds since the start about once a
    second; the program's output waits meanwhile. What either raises, and KeyboardInterrupt, ends
    the program and comes through. ``cage`` stands around the program; the file ``told`` is its
    standard input, which has nothing otherwise. It steps back by ``nice`` behind others, as far as
    this process does not already.

    Raises CommandMissing, NeverBegan, and GitcollabError when the log can't be written.
    """
    clock = Clock(time.monotonic)
    with Log(log, max_log_bytes) as kept:
        group, began = None, True
        try:
            with undisturbed():  # until what is started is known here, and can be ended
                process = _start(command, cwd, env, cage, told, nice)
                group = _Group(process)
            if cage:
                cage.begun()
            stopping = _stopping_together(group, cage)
            with stopping, _Output(process, kept, Lines(on_line)) as output:
                cut_off = _attend(process, group, output, clock, timeout, tick, cage)
        finally:
            if group:
                group.kill()  # a second interrupt has cut the grace short
            if cage:
                began = cage.close()
        seconds = clock.elapsed()
    if not (began or cut_off):
        raise NeverBegan(f"the sandbox could not begin the program: {_last_line(log)}", _CAGE_HINT)
    code = None if cut_off else process.returncode
    excess = "" if cut_off == _TIMEOUT else cut_off
    timed_out = cut_off == _TIMEOUT
    still = clock.stood_still
    return Finished(code, timed_out, seconds, kept.total, kept.left_out, excess, still)


def _last_line(log: Path) -> str:
    """What bubblewrap said; the program, which has not run, had no chance to be heard."""
    lines = log.read_text(errors="replace")[-_MOST_SAID:].split("\n")
    said = next((line.strip() for line in reversed(lines) if line.strip()), "it ended at once")
    return "".join(c for c in said if c.isprintable())


def capture(args: Sequence[str], timeout: float) -> str | None:
    """The standard output of a small, trusted program; None when it can't be had in time.

    That is: the program does not exist, fails, or takes longer than ``timeout`` seconds.
    """
    try:
        process = subprocess.Popen(
            list(args),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        return None
    group = _Group(process)
    try:
        output, _ = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        return None
    finally:
        group.kill()
        _pipe(process).close()
    return output.decode(errors="replace") if process.returncode == 0 else None


def begin(command: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Begin a process of our own, which ends itself politely when we are gone (on Linux)."""
    return subprocess.Popen(
        list(command),
        cwd=cwd,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=following(),
    )


def wait(process: subprocess.Popen[bytes], seconds: float) -> None:
    """Wait at most so long for its end."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(seconds)


def _start(
    command: Sequence[str],
    cwd: Path,
    env: Mapping[str, str],
    cage: Cage | None,
    told: Path | None,
    nice: int,
) -> subprocess.Popen[bytes]:
    if not cwd.is_dir():
        raise GitcollabError(f"the folder {cwd} does not exist", "create it, or name another")
    if not command:
        raise CommandMissing("the command is empty", _COMMAND_HINT)
    argv, inherited = (list(command), ()) if cage is None else cage.wrap(command, env)
    env, bounds = (cage.environment(env), cage.bounds()) if cage else (env, {})
    try:
        with Path(os.devnull if told is None else told).open("rb") as given:
            process = subprocess.Popen(
                argv,
                cwd=cwd,
                env=dict(env),
                stdin=given,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                bufsize=0,
                start_new_session=True,
                pass_fds=inherited,
                preexec_fn=preparation(bounds, nice, caged=cage is not None),
            )
            if nice and not sys.platform.startswith("linux"):
                step_back(process.pid, nice)
            return process
    except FileNotFoundError as error:
        raise CommandMissing(f"the command {argv[0]!r} does not exist", _COMMAND_HINT) from error
    except (OSError, ValueError) as error:  # no program, no permission, a NUL in an argument
        reason = error.strerror if isinstance(error, OSError) else str(error)
        message = f"the command {argv[0]!r} cannot be run: {reason}"
        raise CommandMissing(message, _COMMAND_HINT) from error
    finally:
        for descriptor in inherited:
            os.close(descriptor)


def _attend(
    process: subprocess.Popen[bytes],
    group: _Group,
    output: _Output,
    clock: Clock,
    timeout: float,
    tick: Tick | None,
    cage: Cage | None,
) -> str:
    """From start to end of the program and of its whole group; why it was cut off, or ""."""
    try:
        cut_off = _watch(process, output, clock, timeout, tick, cage)
        if not cut_off:
            output.drain(LINGER_SECONDS)
    finally:
        if cage:
            cage.kill()
        group.end(output.pump)
    output.drain(GRACE_SECONDS, silence=LINGER_SECONDS)
    return cut_off


def _watch(
    process: subprocess.Popen[bytes],
    output: _Output,
    clock: Clock,
    timeout: float,
    tick: Tick | None,
    cage: Cage | None,
) -> str:
    """Read the output until the program ends ("") or has to be ended: for what, in a word."""
    next_tick = TICK_SECONDS
    while process.poll() is None:
        clock.look()
        now = clock.elapsed()
        if now >= timeout:
            return _TIMEOUT
        if cage is not None and (excess := cage.excess()):
            return excess
        if tick is not None and now >= next_tick:
            tick(now)
            clock.skip()
            next_tick = clock.elapsed() + TICK_SECONDS
        output.pump(_POLL_SECONDS)
    clock.look()
    return ""


@contextlib.contextmanager
def _stopping_together(group: _Group, cage: Cage | None) -> Iterator[None]:
    """Within the block ^Z (SIGTSTP) stops the program, too, and goes on with it.

    A program has a session of its own, where no terminal's signals arrive.
    """
    number = getattr(signal, "SIGTSTP", None)
    main = threading.current_thread() is threading.main_thread()
    before = None if number is None or not main else signal.getsignal(number)
    if number is None or not (before == signal.SIG_DFL or callable(before)):
        yield
        return

    def stop(_number: int, frame: FrameType | None) -> None:
        group.pass_on(signal.SIGSTOP, cage)
        if callable(before):
            before(_number, frame)
        else:
            os.kill(os.getpid(), signal.SIGSTOP)  # until somebody lets us go on
        group.pass_on(signal.SIGCONT, cage)

    signal.signal(number, stop)
    try:
        yield
    finally:
        signal.signal(number, before)


def _pipe(process: subprocess.Popen[bytes]) -> IO[bytes]:
    assert process.stdout is not None  # it was asked for
    return process.stdout


class _Group:
    """A program's process group; once seen to be gone it is never signalled again."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._gone = False

    def end(self, wait: Callable[[float], object]) -> None:
        """SIGTERM, time to obey while ``wait`` is called, SIGKILL."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            self._signal(number)
            until = time.monotonic() + GRACE_SECONDS
            while self._alive() and time.monotonic() < until:
                wait(_POLL_SECONDS)

    def kill(self) -> None:
        """SIGKILL, without waiting longer than the system needs to act on it."""
        if self._alive():
            self._signal(signal.SIGKILL)
            # One that hangs in a driver can't be waited for, and nothing more can be done.
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(LINGER_SECONDS)

    def pass_on(self, number: int, cage: Cage | None) -> None:
        """Send it a signal, and all that is in its cage."""
        self._signal(number)
        if cage:
            cage.signal(number)

    def _alive(self) -> bool:
        leader_ended = self._process.poll() is not None  # and reaped: zombies count as members
        self._signal(0)
        if leader_ended and not self._gone:
            self._gone = _only_zombies(self._process.pid)
        return not self._gone

    def _signal(self, number: int) -> None:
        if self._gone:
            return
        try:
            os.killpg(self._process.pid, number)
        except (ProcessLookupError, PermissionError):
            self._gone = True


def _only_zombies(group: int) -> bool:
    """Whether the group's members have all ended (a container's init may be slow to reap them).

    False where there is no /proc to tell.
    """
    states = [_state_and_group(stat) for stat in Path("/proc").glob("[0-9]*/stat")]
    return bool(states) and all(state in "ZX" for state, of in states if of == str(group))


def _state_and_group(stat: Path) -> tuple[str, str]:
    """The state and process group in a ``pid (command) state parent group ...`` file."""
    try:
        state, _, group = stat.read_text(errors="replace").rpartition(")")[2].split()[:3]
    except (OSError, ValueError):  # it has ended meanwhile
        return "X", ""
    return state, group


class _Output:
    """The reading end of the program's output."""

    def __init__(self, process: subprocess.Popen[bytes], log: Log, lines: Lines) -> None:
        self._pipe = _pipe(process)
        self._log = log
        self._lines = lines
        self._open = True
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._pipe, selectors.EVENT_READ)

    def __enter__(self) -> _Output:
        return self

    def __exit__(self, *_: object) -> None:
        self._selector.close()
        self._pipe.close()

    def pump(self, seconds: float) -> bool:
        """Wait at most that long for output and take what there is; False when there was none."""
        if not self._open:  # the program has closed it, and may still run
            time.sleep(seconds)
            return False
        if not self._selector.select(seconds):
            return False
        data = os.read(self._pipe.fileno(), _READ_BYTES)
        if data:
            self._log.write(data)
            self._lines.feed(data)
        else:
            self._open = False
            self._lines.end()
        return bool(data)

    def drain(self, seconds: float, silence: float | None = None) -> None:
        """Take what is left, until its end, or that time, or a silence of that length."""
        wait = _POLL_SECONDS if silence is None else silence
        until = time.monotonic() + seconds
        while self._open and time.monotonic() < until:
            if not self.pump(wait) and silence is not None:
                break
