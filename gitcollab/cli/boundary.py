"""The one place where an error becomes a message and an exit code.

0 done, 1 expected failure, 2 usage, 3 bug (its traceback goes to a log), 4 refused, 5 queued,
130 interrupted. A reader that has seen enough (``| head``) ends us quietly, as SIGPIPE would;
so does standard output that is closed (``>&-``), before anything is done.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from gitcollab.cli import jsonout
from gitcollab.cli.text import fitted, line, lines, without_credentials
from gitcollab.errors import GitcollabError

BUG = 3
INTERRUPTED = 130
BROKEN_PIPE = 141

# What the machine, and not a bug, says no to; with the next step.
_MACHINE = {
    errno.ENOSPC: "free some space, then run the same command again",
    errno.EDQUOT: "free some of your quota, then run the same command again",
    errno.EROFS: "work in a folder that can be written; GITCOLLAB_HOME moves what gitcollab keeps",
    errno.EACCES: "check the permissions; GITCOLLAB_HOME moves what gitcollab keeps",
    errno.EPERM: "check the permissions; GITCOLLAB_HOME moves what gitcollab keeps",
    errno.EMFILE: "close some programs, or raise `ulimit -n`",
    errno.ENOMEM: "close some programs, then run the same command again",
}


class Terminated(KeyboardInterrupt):
    """The machine asks us to end; unwound like ^C, so that a claim is released."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number


def guard(call: Callable[[], int], argv: Sequence[str]) -> int:
    """The exit code of ``call``, or of what it raised, which has then been shown once."""
    if not _can_speak():
        return BROKEN_PIPE
    as_json = "--json" in argv
    try:
        code = call()
        sys.stdout.flush()
    except BrokenPipeError:
        _drop_output()
        return BROKEN_PIPE
    except KeyboardInterrupt as e:
        said = ": ".join(("interrupted", *getattr(e, "__notes__", ())))
        return _tell(said, "", getattr(e, "exit_code", INTERRUPTED), as_json)
    except GitcollabError as e:
        return _tell(e.message, e.hint, e.exit_code, as_json)
    except OSError as e:
        if isinstance(e, FileNotFoundError) and _is_nowhere():
            return _tell("the current folder is gone", "cd into one that exists", 1, as_json)
        if e.errno not in _MACHINE:
            return _tell_bug(e, argv, as_json)
        what = f"{e.filename} cannot be used: " if e.filename else ""
        return _tell(f"{what}{e.strerror}", _MACHINE[e.errno], 1, as_json)
    except BaseException as e:  # the last line of defence: whatever is left is a bug
        return _tell_bug(e, argv, as_json)
    return code


def _can_speak() -> bool:
    """Whether standard output was open when we began; where standard error was not, it is now.

    Python has no such streams (None), and what is opened next would get their numbers.
    """
    if getattr(sys, "stdout", None) is None:
        return False
    if getattr(sys, "stderr", None) is None:
        sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115 - for as long as we live
    return True


def _is_nowhere() -> bool:
    """Whether the folder that this process works in has been deleted."""
    try:
        Path.cwd()
    except FileNotFoundError:
        return True
    return False


def _tell(message: str, hint: str, code: int, as_json: bool) -> int:
    message, hint = (line(without_credentials(text)) for text in (message, hint))
    try:
        if as_json:
            jsonout.emit(jsonout.error(message, hint, code))
        sys.stdout.flush()  # what was printed before the error comes before it
        if not as_json:
            print(fitted(f"error: {message}", sys.stderr), file=sys.stderr)
            if hint:
                print(fitted(f"next: {hint}", sys.stderr), file=sys.stderr)
    except BrokenPipeError:
        _drop_output()
    return code


def _tell_bug(error: BaseException, argv: Sequence[str], as_json: bool) -> int:
    report = _report(error, argv)
    summary = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    try:
        path = _write_log(report)
    except OSError:
        print(report, file=sys.stderr)
        hint = "the traceback above belongs into a report of this bug"
    else:
        hint = f"report it with the log {path}"
    return _tell(f"this is a bug in gitcollab: {summary}"[:500], hint, BUG, as_json)


def _report(error: BaseException, argv: Sequence[str]) -> str:
    """What a bug report needs; fit to be shown to others: no environment, no credentials."""
    from importlib.metadata import version

    told = "".join(traceback.format_exception(error))
    heading = (
        f"gitcollab {version('gitcollab')}, Python {sys.version.split()[0]}, {sys.platform}\n"
        f"arguments: {_shown(argv)}\n"
    )
    return lines(without_credentials(f"{heading}\n{told}"))


def _shown(argv: Sequence[str]) -> list[str]:
    """The arguments without an invitation, whatever became of its form."""
    shown, secret = [], False
    for arg in argv:
        name, given, _ = arg.partition("=")
        if secret or "gitcollab-invite-" in arg or (given and name == "--invite"):
            shown.append(f"{name}=..." if given and name == "--invite" else "...")
        else:
            shown.append(arg)
        secret = arg == "--invite"
    return shown


def _write_log(report: str) -> Path:
    from gitcollab.swarm.home import home

    folder = home() / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{os.getpid()}.log"
    path.write_text(report, encoding="utf-8", errors="backslashreplace")
    return path


def _drop_output() -> None:
    """Let nothing more be written, not even by the interpreter as it ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            os.dup2(nowhere, stream.fileno())


def end_politely() -> None:
    """Let SIGTERM and a closed terminal unwind the program as ^C does."""

    def end(number: int, frame: FrameType | None) -> None:
        raise Terminated(number)

    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        # Under nohup SIGHUP is ignored, and stays so.
        if number is not None and signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, end)
