from __future__ import annotations

import os
import signal
import stat
import sys
import threading
import time
from pathlib import Path

import pytest

from gitcollab.errors import GitcollabError
from gitcollab.runner import process
from gitcollab.runner.environment import minimal_env
from gitcollab.runner.output import MAX_LINE_BYTES, LogUnwritable
from gitcollab.runner.process import CommandMissing, Finished, capture


@pytest.fixture(autouse=True)
def short_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "GRACE_SECONDS", 0.5)
    monkeypatch.setattr(process, "LINGER_SECONDS", 0.3)
    monkeypatch.setattr(process, "TICK_SECONDS", 0.05)


class Clock:
    """Real time, which a test may move on."""

    def __init__(self) -> None:
        self.ahead = 0.0
        self.sleep = time.sleep

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead


class Run:
    """Runs pieces of Python in a folder, and remembers what they said."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.clock = clock
        self.folder = folder
        self.log = folder / "log.txt"
        self.lines: list[str] = []

    def __call__(self, code: str, timeout: float = 60, **more: object) -> Finished:
        options = {"on_line": self.lines.append, "log": self.log} | more
        return process.run(
            [sys.executable, "-c", code],
            cwd=self.folder,
            env=minimal_env(),
            timeout=timeout,
            **options,  # type: ignore[arg-type]
        )

    def until_ready(self, code: str) -> Finished:
        """The deadline passes as soon as the program has written the file ``pid``."""

        def tick(_: float) -> None:
            if (self.folder / "pid").exists():
                self.clock.ahead += 1000

        return self(code, timeout=900, tick=tick)

    def pid(self, name: str = "pid") -> int:
        return int((self.folder / name).read_text())


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    clock = Clock()
    monkeypatch.setattr(process, "time", clock)
    return Run(tmp_path, clock)


def ended(pid: int) -> bool:
    """No such process, or one that waits to be reaped."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except FileNotFoundError:
        return Path("/proc/self").exists()


CHILD = """
import pathlib, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {code!r}], {options})
child.stdout and child.stdout.readline()
pathlib.Path("pid.new").write_text(str(child.pid))
pathlib.Path("pid.new").rename("pid")
"""
SLEEP = "import time; time.sleep(600)"
READY = "print('ready', flush=True); " + SLEEP
IGNORE = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
STUBBORN = IGNORE + READY
SAVE_PID = """
import os
with open("pid.new", "w") as file: file.write(str(os.getpid()))
os.rename("pid.new", "pid")
"""


def test_the_standard_input_is_a_file_or_nothing(run: Run) -> None:
    (run.folder / "told").write_text("one\ntwo\n")
    code = "import sys; print(repr(sys.stdin.read()))"
    run(code)
    run(code, told=run.folder / "told")
    assert run.lines == ["''", r"'one\ntwo\n'"]


def test_both_streams_go_to_the_log_and_the_lines(run: Run) -> None:
    done = run("import os; os.write(1, b'out\\n'); os.write(2, b'err\\n'); os.write(1, b'end')")

    assert done.exit_code == 0
    assert not done.timed_out
    assert run.log.read_text() == "out\nerr\nend"
    assert run.lines == ["out", "err", "end"]
    assert done.output_bytes == 11
    assert done.seconds > 0


@pytest.mark.parametrize(
    ("code", "exit_code"),
    [("raise SystemExit(3)", 3), ("import os; os.kill(os.getpid(), 9)", -9), ("1/0", 1)],
)
def test_the_exit_code_is_told(run: Run, code: str, exit_code: int) -> None:
    assert run(code).exit_code == exit_code


def test_the_program_gets_its_folder_and_environment_and_no_input(run: Run) -> None:
    run("import os, sys; print(os.getcwd()); print(sys.stdin.read() == '', os.environ['HOME'])")

    assert run.lines == [str(run.folder), f"True {os.environ['HOME']}"]


def test_the_program_has_a_session_of_its_own(run: Run) -> None:
    run("import os; print(os.getpid() == os.getsid(0) == os.getpgid(0))")

    assert run.lines == ["True"]


def test_the_deadline_ends_the_program(run: Run) -> None:
    done = run.until_ready("print('hi')\n" + SAVE_PID + SLEEP)

    assert done.timed_out
    assert done.exit_code is None
    assert ended(run.pid())
    assert run.lines == ["hi"]


def test_what_a_program_says_when_told_to_end_is_kept(run: Run) -> None:
    code = "import signal, sys; signal.signal(15, lambda *_: sys.exit(print('bye')))\n"

    assert run.until_ready(code + SAVE_PID + SLEEP).timed_out
    assert run.lines == ["bye"]


def test_a_program_that_ignores_sigterm_is_killed(run: Run) -> None:
    done = run.until_ready(IGNORE + SAVE_PID + SLEEP)

    assert done.timed_out
    assert ended(run.pid())


def test_a_stopped_program_is_killed(run: Run) -> None:
    done = run.until_ready(SAVE_PID + "import signal; os.kill(os.getpid(), signal.SIGSTOP)")

    assert done.timed_out
    assert ended(run.pid())


def test_the_children_end_with_the_deadline(run: Run) -> None:
    code = CHILD.format(code=STUBBORN, options="stdout=-1") + SLEEP

    assert run.until_ready(code).timed_out
    assert ended(run.pid())


@pytest.mark.parametrize("options", ["", "stdout=-1", "stdout=-3, stderr=-3"])
@pytest.mark.parametrize("code", [READY, STUBBORN], ids=["sleep", "stubborn"])
def test_children_left_behind_are_ended(run: Run, code: str, options: str) -> None:
    done = run(CHILD.format(code=code, options=options))

    assert done.exit_code == 0
    assert not done.timed_out
    assert ended(run.pid())


def test_a_child_that_left_the_group_does_not_hold_the_run(run: Run) -> None:
    done = run(CHILD.format(code=SLEEP, options="start_new_session=True"))

    assert done.exit_code == 0
    os.kill(run.pid(), signal.SIGKILL)


def test_a_child_that_left_the_group_and_prints_on_does_not_hold_the_run(run: Run) -> None:
    done = run(CHILD.format(code="while True: print('y')", options="start_new_session=True"))

    assert done.exit_code == 0


def test_a_program_that_closes_its_output_is_waited_for(run: Run) -> None:
    code = (
        "import os, time; os.close(1); os.close(2); time.sleep(0.3); open('late', 'w'); os._exit(5)"
    )

    assert run(code).exit_code == 5
    assert (run.folder / "late").exists()


def test_a_program_that_closes_its_output_has_a_deadline_too(run: Run) -> None:
    assert run("import os; os.close(1); os.close(2)\n" + SLEEP, timeout=0.6).timed_out


def test_ten_megabytes_without_a_line_end_are_bounded(run: Run) -> None:
    done = run("import sys; sys.stdout.write('x' * 10_000_000)", max_log_bytes=100_000)

    assert done.exit_code == 0
    assert done.output_bytes == 10_000_000
    assert done.left_out == 9_900_000
    assert [len(line) for line in run.lines] == [MAX_LINE_BYTES]
    assert run.log.stat().st_size < 101_000
    assert b"\n... 9,900,000 bytes left out ...\n" in run.log.read_bytes()


def test_endless_output_ends_with_the_deadline(run: Run) -> None:
    done = run("while True: print('y' * 1000)", timeout=0.7, on_line=None, max_log_bytes=10_000)

    assert done.timed_out
    assert run.log.stat().st_size < 11_000


def test_output_that_is_no_text_is_passed_on(run: Run) -> None:
    run("import os; os.write(1, b'\\xff\\x1b[31m\\0\\n')")

    assert run.lines == ["\ufffd\x1b[31m\0"]
    assert run.log.read_bytes() == b"\xff\x1b[31m\0\n"


def test_tick_is_called_while_the_program_is_silent(run: Run) -> None:
    ticks: list[float] = []

    def tick(seconds: float) -> None:
        ticks.append(seconds)
        if len(ticks) == 3:
            (run.folder / "go").touch()

    done = run(
        "import os, time\nwhile not os.path.exists('go'): time.sleep(0.01)", tick=tick, on_line=None
    )

    assert done.exit_code == 0
    assert len(ticks) >= 3
    assert ticks == sorted(ticks)


def test_an_interrupt_ends_the_program_and_comes_through(run: Run) -> None:
    def interrupt(_: float) -> None:
        if (run.folder / "pid").exists():
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        run(CHILD.format(code=SLEEP, options="stdout=-3") + SLEEP, tick=interrupt)

    assert ended(run.pid())


def test_a_second_interrupt_does_not_wait(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "GRACE_SECONDS", 600.0)
    main = threading.get_ident()

    def line(text: str) -> None:
        """The first comes when the program is ready, the second in the grace time."""
        if text == "ready":
            signal.raise_signal(signal.SIGINT)
        else:
            signal.pthread_kill(main, signal.SIGINT)

    code = (
        "import signal, time; signal.signal(15, lambda *_: print('no', flush=True))\n"
        + SAVE_PID
        + "print('ready', flush=True)\nwhile True: time.sleep(600)"
    )
    with pytest.raises(KeyboardInterrupt):
        run(code, on_line=line)

    assert ended(run.pid())


def test_what_the_caller_raises_ends_the_program(run: Run) -> None:
    def fail(_: str) -> None:
        raise LookupError

    with pytest.raises(LookupError):
        run(SAVE_PID + "print('hi', flush=True)\n" + SLEEP, on_line=fail)

    assert ended(run.pid())
    assert run.log.read_text() == "hi\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_ends_the_program(run: Run) -> None:
    with pytest.raises(LogUnwritable, match="No space left"):
        run(SAVE_PID + "print('hi', flush=True)\n" + SLEEP, log=Path("/dev/full"))

    assert ended(run.pid())


def start(command: list[str], folder: Path) -> Finished:
    return process.run(command, cwd=folder, env=minimal_env(), timeout=5, log=folder / "log")


def test_a_command_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(CommandMissing, match="'no-such-program' does not exist") as caught:
        start(["no-such-program"], tmp_path)

    assert caught.value.hint


def test_commands_that_are_no_programs(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("neither script nor binary")
    for command in ([str(tmp_path)], [str(script)], [], ["a\0b"]):
        with pytest.raises(CommandMissing):
            start(command, tmp_path)
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    with pytest.raises(CommandMissing, match="Exec format"):
        start([str(script)], tmp_path)


def test_a_folder_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(GitcollabError, match=r"folder .* does not exist"):
        process.run(["true"], cwd=tmp_path / "no", env={}, timeout=5, log=tmp_path / "log")


def test_capture_gives_the_output() -> None:
    assert capture([sys.executable, "-c", "print('é')"], 60) == "é\n"


@pytest.mark.parametrize("code", ["print('x'); raise SystemExit(1)", SLEEP])
def test_capture_of_a_failure_or_a_timeout_is_none(code: str) -> None:
    assert capture([sys.executable, "-c", code], 1.0) is None


def test_capture_of_a_missing_program_is_none() -> None:
    assert capture(["no-such-program"], 5) is None


def test_capture_ends_children_that_hold_the_output(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    code = CHILD.format(code=SLEEP, options="").replace('"pid', f'"{pid}')

    for seconds in (1.0, 5.0, 25.0):  # how long it takes until there is a child is not ours to say
        assert capture([sys.executable, "-c", code], seconds) is None
        if pid.exists():
            break
    for _ in range(500):
        if ended(int(pid.read_text())):
            return
        time.sleep(0.01)
    pytest.fail("the child lives on")
