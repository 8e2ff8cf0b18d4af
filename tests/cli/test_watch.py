"""The verb watch as a process: at a terminal, in a pipe, and while the hub is away."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from cli_toys import Ran, process

Cli = Callable[..., Ran]
Join = Callable[[str], Path]

PATIENCE = 90.0  # seconds for what takes two at most on a machine with nothing else to do
# The verb, asking its hub every second.
HURRIED = """
from gitcollab.cli.main import main
from gitcollab.swarm.watching import Watch

class Hurried(Watch):
    def __init__(self, *args, **how):
        super().__init__(*args, **how)
        self._every = 1.0

import gitcollab.swarm.watching
gitcollab.swarm.watching.Watch = Hurried
main()
"""
MODES = re.compile(r"\x1b\[\?(\d+)([hl])")
HIDDEN = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """A process at a pseudo-terminal, and all that it has written there."""

    def __init__(
        self, *argv: str, cwd: Path, env: dict[str, str] | None = None, hurried: bool = False
    ) -> None:
        self.ours, theirs = pty.openpty()
        self.resize(80, 24)
        self.modes = termios.tcgetattr(theirs)
        self.process = subprocess.Popen(
            [sys.executable, *(("-c", HURRIED) if hurried else ("-m", "gitcollab")), *argv],
            cwd=cwd,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**os.environ, "TERM": "xterm-256color", **(env or {})},
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        self.theirs = theirs  # kept open: its modes are looked at when the process is gone
        self.written = ""

    def resize(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self.ours, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self) -> None:
        """What there is to read within a moment."""
        if select.select([self.ours], [], [], 0.05)[0]:
            with suppress(OSError):
                self.written += os.read(self.ours, 1 << 16).decode(errors="replace")

    def shows(self, pattern: str, since: int = 0) -> int:
        """Wait until a text is written after the place ``since``; where we are then."""
        return self.waits(lambda: re.search(pattern, HIDDEN.sub("", self.written[since:])))

    def waits(self, met: Callable[[], object]) -> int:
        until = time.monotonic() + PATIENCE
        while not met():
            assert time.monotonic() < until, self.written[-4000:]
            self.read()
        return len(self.written)

    def press(self, keys: str) -> None:
        os.write(self.ours, keys.encode())

    def ends(self) -> int:
        """The exit code, when all is read."""
        self.waits(lambda: self.process.poll() is not None)
        for _ in range(20):
            self.read()
        return self.process.wait()

    def is_restored(self) -> bool:
        """Whether the screen, the cursor and the keyboard are as they were."""
        last = dict(MODES.findall(self.written))
        return last == {"1049": "l", "25": "h"} and termios.tcgetattr(self.theirs) == self.modes

    def close(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        os.close(self.ours)
        os.close(self.theirs)


@pytest.fixture
def nova(join: Join) -> Path:
    return join("nova")


@pytest.fixture
def watching(nova: Path) -> Iterator[Callable[..., Terminal]]:
    """Start ``gitcollab watch`` in nova's workspace."""
    open_ones: list[Terminal] = []

    def start(*argv: str, hurried: bool = False, **env: str) -> Terminal:
        open_ones.append(Terminal("watch", *argv, cwd=nova, env=env, hurried=hurried))
        return open_ones[-1]

    yield start
    for terminal in open_ones:
        terminal.close()


Watching = Callable[..., Terminal]


@pytest.fixture
def unread(nova: Path, isolated_home: Path) -> None:
    """Nova's host knows the hub, and not when it read it: it is due."""
    (known,) = isolated_home.rglob("fetched.json")
    known.unlink()


def test_it_shows_what_others_publish_and_q_leaves(
    watching: Watching, join: Join, cli: Cli
) -> None:
    terminal = watching()
    at = terminal.shows("best .*none yet")
    assert "\x1b[?1049h" in terminal.written
    vega = join("vega")
    assert cli("run", cwd=vega).code == 0
    at = terminal.shows(r"0\.540000 . 0\.002 by vega", at)
    at = terminal.shows(r"last of 1 result", at)
    assert cli("claim", "LR=0.2", cwd=vega).code == 0
    at = terminal.shows(r"1 claim running", at)
    at = terminal.shows(r"vega +14:\d\d ", at)
    terminal.shows(r"vega +14:\d\d ", at)  # the time left is drawn again
    terminal.press("q")
    assert terminal.ends() == 0
    assert terminal.is_restored()


def test_it_reads_the_hub(watching: Watching, hub: Path, tmp_path: Path) -> None:
    terminal = watching(hurried=True)
    at = terminal.shows("none yet")
    elsewhere = {"GITCOLLAB_HOME": str(tmp_path / "elsewhere")}  # another host
    vega = tmp_path / "vega"
    vega.mkdir()
    for argv in (("join", str(hub), "--agent", "vega"), ("run",)):
        ran = process(*argv, cwd=vega, env=elsewhere)
        assert ran.code == 0, ran.err
    terminal.shows(r"0\.540000 . 0\.002 by vega", at)


def test_it_fits_another_size(watching: Watching) -> None:
    terminal = watching()
    terminal.shows(r" UTC")
    at = len(terminal.written)
    for columns, rows in ((120, 40), (40, 10)):
        terminal.resize(columns, rows)
        at = terminal.shows(r" UTC", at)
        lines = HIDDEN.sub("", terminal.written[at:]).splitlines()
        assert max(map(len, lines), default=0) <= 120
    terminal.press("q")
    assert terminal.ends() == 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, 143)])
def test_signals_leave_the_terminal_as_it_was(
    watching: Watching, number: signal.Signals, code: int
) -> None:
    terminal = watching()
    terminal.shows("none yet")
    terminal.process.send_signal(number)
    assert terminal.ends() == code
    assert terminal.is_restored()


def test_interrupt_key(watching: Watching) -> None:
    terminal = watching()
    terminal.shows("none yet")
    terminal.press("\x03")
    assert terminal.ends() == 0
    assert terminal.is_restored()
    assert "interrupted" not in terminal.written


def test_it_gives_the_screen_back_while_it_is_stopped(watching: Watching) -> None:
    terminal = watching()
    terminal.shows("none yet")
    terminal.press("\x1a")
    terminal.waits(lambda: stopped(terminal.process.pid))
    terminal.read()
    assert terminal.is_restored()
    at = len(terminal.written)
    os.kill(terminal.process.pid, signal.SIGCONT)
    terminal.shows("none yet", at)
    terminal.press("q")
    assert terminal.ends() == 0
    assert terminal.is_restored()


def stopped(pid: int) -> bool:
    ran = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, check=False)
    return ran.stdout.startswith(b"T")


@pytest.mark.usefixtures("unread")
def test_it_goes_on_while_the_hub_is_away(watching: Watching, hub: Path) -> None:
    shutil.move(hub, hub.with_name("aside.git"))
    terminal = watching(hurried=True)
    at = terminal.shows(r"away for \d+s: cannot reach the hub")
    assert "task" in terminal.written
    shutil.move(hub.with_name("aside.git"), hub)
    terminal.shows(r"hub +read \d+s ago *\r?\n", at)
    terminal.press("q")
    assert terminal.ends() == 0


@pytest.mark.usefixtures("unread")
def test_a_hub_that_hangs_does_not_hold_us(watching: Watching, tmp_path: Path, nova: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    real = shutil.which("git")
    script = tools / "git"
    hangs = f"echo $$ > {tools}/asked; exec tail -f /dev/null"
    script.write_text(f'#!/bin/sh\ncase " $* " in *" fetch "*) {hangs};; esac\nexec {real} "$@"\n')
    script.chmod(0o755)
    terminal = watching("--every", "10", PATH=f"{tools}:{os.environ['PATH']}")
    terminal.shows("none yet")
    terminal.waits((tools / "asked").exists)
    terminal.press("q")
    assert terminal.ends() == 0
    assert terminal.is_restored()
    asked = int((tools / "asked").read_text())
    terminal.waits(lambda: gone(asked))


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.parametrize("argv", [(), ("--once",)])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_a_pipe_gets_one_plain_frame(
    nova: Path, cli: Cli, argv: tuple[str, ...], encoding: str
) -> None:
    assert cli("run", cwd=nova).code == 0
    told = process("watch", *argv, cwd=nova, env={"PYTHONIOENCODING": encoding})
    assert (told.code, told.err) == (0, "")
    assert all(char == "\n" or char.isprintable() for char in told.out)
    assert "\\u" not in told.out
    assert (encoding == "utf-8") == ("▄" in told.out)
    assert re.search(r"0\.540000 \S+ 0\.002 by nova: baseline", told.out)
    assert "last of 1 result\n" in told.out


@pytest.mark.parametrize("env", [{"TERM": "dumb"}, {}], ids=["dumb", "once"])
def test_a_terminal_that_cannot_be_drawn_on_gets_a_frame(
    watching: Watching, env: dict[str, str]
) -> None:
    terminal = watching(*([] if env else ["--once"]), **env)
    assert terminal.ends() == 0
    assert "\x1b" not in terminal.written
    assert "none yet" in terminal.written


def test_json(nova: Path, cli: Cli, hub: Path) -> None:
    assert cli("run", cwd=nova).code == 0
    assert cli("claim", "LR=0.2", cwd=nova).code == 0
    told = cli("watch", "--json", cwd=nova)
    found = told.json
    assert set(found) == {
        *("hub", "branch", "agent", "task", "metric", "direction", "asked", "away", "best"),
        *("trend", "running", "results", "next", "total", "queued", "refused", "machine"),
    }
    assert found["trend"]["word"] == "too early to say"
    assert found["trend"]["best"] == found["best"]["metric"] == 0.54
    assert [one["agent"] for one in found["running"]] == ["nova"]
    assert found["running"][0]["until"].endswith("Z")
    assert set(found["machine"]) == {"gpus", "cpus", "load"}
    assert found["away"] is None
    shutil.move(hub, hub.with_name("aside.git"))
    away = cli("watch", "--json", cwd=nova)
    assert away.code == 0
    assert "cannot reach the hub" in away.json["away"]["reason"]


@pytest.mark.parametrize("argv", [("--every", "3"), ("--every", "nan"), ("--every", "x")])
def test_hubs_are_not_read_more_often(nova: Path, cli: Cli, argv: tuple[str, ...]) -> None:
    told = cli("watch", *argv, cwd=nova)
    assert told.code == 2
    assert "--every" in told.err


def test_no_workspace(cli: Cli, tmp_path: Path) -> None:
    told = cli("watch", cwd=tmp_path)
    assert told.code == 1
    assert "gitcollab join" in told.err


@pytest.mark.parametrize("columns", ["30", "38"])
def test_one_frame_fits_a_narrow_screen(
    cli: Cli, nova: Path, monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    first, *_ = cli("watch", "--once", cwd=nova).out.splitlines()
    assert len(first) <= int(columns)
