"""The one funnel for the git executable.

Every call names its repository, runs without prompts, hooks and background maintenance, in an
environment without the variables that git hands to hooks, and is bounded in time and output. A call
that stays silent for too long is ended together with everything it started.
"""

from __future__ import annotations

import contextlib
import os
import re
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gitcollab.errors import GitcollabError

MINIMUM_VERSION = (2, 30)

# Output beyond this many bytes a stream keeps only its end: a hostile hub can talk for ever.
_OUTPUT_CAP = 1_000_000

# The user's own settings: how to connect, what to trust, what to trace. Every other GIT_* variable
# describes some repository or operation we are not part of (git sets them for hooks and aliases).
_USERS_SETTINGS = re.compile(
    r"GIT_(SSH|SSH_COMMAND|SSH_VARIANT|ASKPASS|EXEC_PATH|ALLOW_PROTOCOL|CURL_VERBOSE"
    r"|CONFIG_(GLOBAL|SYSTEM|NOSYSTEM|COUNT|KEY_\d+|VALUE_\d+)"
    r"|(SSL|HTTP|PROXY|TRACE)(_.*|\d.*)?)\Z"
)

_SETTINGS = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "fetch.recurseSubmodules=false",
    "fetch.writeCommitGraph=false",
    "fetch.prune=false",
    "push.followTags=false",
    "push.recurseSubmodules=no",
    "credential.interactive=false",
    "advice.pushUpdateRejected=false",
)


# The calls that are under way, of all threads. One that has been started is among them: the lock is
# held from before its start.
_running: set[subprocess.Popen[bytes]] = set()
_starting = threading.Lock()


class GitMissing(GitcollabError):  # noqa: N818 - reads as what it is
    """There is no git executable."""

    def __init__(self) -> None:
        super().__init__(
            "git is not installed, or not on the PATH",
            f"install git {MINIMUM_VERSION[0]}.{MINIMUM_VERSION[1]} or newer, then try again",
        )


class GitTooOld(GitcollabError):  # noqa: N818 - reads as what it is
    """The git executable lacks what gitcollab needs."""

    def __init__(self, found: str) -> None:
        wanted = ".".join(map(str, MINIMUM_VERSION))
        super().__init__(f"git {found} is too old", f"install git {wanted} or newer")


class NoAnswer(GitcollabError):  # noqa: N818 - reads as what it is
    """A git call was silent for too long and was ended."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"no answer in {seconds:g} s", "check the connection, then try again")


@dataclass(frozen=True)
class Ran:
    """What a finished git call left: ``code`` as the shell would see it, negative for a signal."""

    code: int
    out: str
    err: str


def environment(source: dict[str, str] | None = None) -> dict[str, str]:
    """The environment of a git call: ``source`` (default: ours) without what git leaks to hooks."""
    source = dict(os.environ) if source is None else source
    kept = {
        name: value
        for name, value in source.items()
        if not name.startswith("GIT_") or _USERS_SETTINGS.match(name)
    }
    # LANGUAGE would override LC_ALL in some C libraries, and the messages are parsed.
    kept.pop("LANGUAGE", None)
    kept.pop("SSH_ASKPASS", None)  # a window that asks; git would use it for http too
    return kept | {
        "LC_ALL": "C",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_LAZY_FETCH": "1",  # what a repository lacks is not fetched from where it says
        "GCM_INTERACTIVE": "never",
        "SSH_ASKPASS_REQUIRE": "never",
    }


def run_git(
    *args: str, git_dir: Path | None = None, idle: float = 30.0, total: float = 900.0
) -> Ran:
    """Run ``git args`` on the repository ``git_dir`` and return its exit code and output.

    ``idle`` bounds the seconds without any output (callers ask git for progress on transfers),
    ``total`` the whole call; beyond either the process group is killed and NoAnswer raised.
    Raises GitMissing when there is no git. A failing command is a value, not an exception.
    """
    argv = ["git"]
    for setting in _SETTINGS:
        argv += ["-c", setting]
    if git_dir is not None:
        argv.append(f"--git-dir={git_dir}")
    finished = False
    process = _started([*argv, *args])
    try:
        out, err = _listen(process, idle, total)
        code = process.wait()
        finished = True
    finally:
        _running.discard(process)
        if not finished:
            _end(process)
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()
    return Ran(code, _text(out), _text(err))


def _started(argv: Sequence[str]) -> subprocess.Popen[bytes]:
    """The process of a call, in a session of its own: without a terminal, and a group to end."""
    with _starting:
        try:
            process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment(),
                cwd=os.sep,  # the caller's folder may be gone
                start_new_session=True,
            )
        except (FileNotFoundError, NotADirectoryError, PermissionError) as e:
            raise GitMissing from e
        _running.add(process)
        return process


def end_running() -> None:
    """End the calls that other threads wait for: of a program that does not wait for these."""
    with _starting:
        running = tuple(_running)
    for process in running:
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def version() -> tuple[int, ...]:
    """The version of git; raises GitMissing, or GitTooOld below MINIMUM_VERSION."""
    ran = run_git("--version", idle=10.0)
    match = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", ran.out)
    if match is None:
        raise GitTooOld(ran.out.strip()[:60] or "of unknown version")
    found = tuple(int(part) for part in match.groups() if part is not None)
    if found < MINIMUM_VERSION:
        raise GitTooOld(match.group())
    return found


def _listen(process: subprocess.Popen[bytes], idle: float, total: float) -> tuple[bytes, bytes]:
    """Read both streams until the process has ended; raises NoAnswer past a deadline.

    The end is the process's own, not the streams': an ssh that stays to serve later calls
    (ControlPersist) keeps standard error open.
    """
    assert process.stdout is not None
    assert process.stderr is not None
    buffers = {process.stdout.fileno(): bytearray(), process.stderr.fileno(): bytearray()}
    started = heard = time.monotonic()
    pidfd = _pidfd(process.pid)
    try:
        with selectors.DefaultSelector() as selector:
            for fd in [*buffers, *([pidfd] if pidfd is not None else [])]:
                os.set_blocking(fd, False)
                selector.register(fd, selectors.EVENT_READ)
            while process.poll() is None and selector.get_map():
                now = time.monotonic()
                left = min(heard + idle, started + total) - now
                if left <= 0:
                    raise NoAnswer(round(now - (heard if heard + idle <= now else started), 1))
                if _read(selector, buffers, left if pidfd is not None else min(left, 0.02)):
                    heard = time.monotonic()
            _read(selector, buffers, 0)
        # Streams closed, still running, and no handle that tells of its end.
        if process.poll() is None:
            try:
                process.wait(idle)
            except subprocess.TimeoutExpired as e:
                raise NoAnswer(idle) from e
    finally:
        if pidfd is not None:
            os.close(pidfd)
    out, err = buffers.values()
    return bytes(out), bytes(err)


def _pidfd(pid: int) -> int | None:
    """A descriptor that becomes readable when ``pid`` ends, where the system has such."""
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return None


def _read(selector: selectors.BaseSelector, buffers: dict[int, bytearray], wait: float) -> bool:
    """Move what is there into ``buffers``; whether there was anything."""
    heard = False
    for key, _ in selector.select(wait):
        buffer = buffers.get(key.fd)
        if buffer is None:
            continue
        chunk = _available(key.fd)
        if chunk:
            heard = True
            buffer += chunk
            del buffer[: max(0, len(buffer) - _OUTPUT_CAP)]
        else:
            selector.unregister(key.fd)
    return heard


def _available(fd: int) -> bytes:
    """All that can be read now (a pipe holds little; the cap bounds a flood)."""
    chunks: list[bytes] = []
    size = 0
    while size < _OUTPUT_CAP:
        try:
            chunk = os.read(fd, 65536)
        except BlockingIOError:
            break
        if not chunk:
            break
        chunks.append(chunk)
        size += len(chunk)
    return b"".join(chunks)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill the call and everything it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
