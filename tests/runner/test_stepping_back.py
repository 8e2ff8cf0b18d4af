"""What a program's process is told before it begins, and what stops together with us."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from gitcollab.runner import process
from gitcollab.runner.clock import STILL_SECONDS, Clock
from gitcollab.runner.environment import minimal_env
from gitcollab.runner.sandbox import Sandbox, lacking

NICE = "import os; print(os.nice(0))"


def said(folder: Path, code: str, **how: object) -> str:
    folder.mkdir(exist_ok=True)
    log = folder / "log.txt"
    done = process.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=minimal_env(),
        timeout=60,
        log=log,
        **how,  # type: ignore[arg-type]
    )
    assert done.exit_code == 0, log.read_text()
    return log.read_text()


def test_a_program_steps_back(tmp_path: Path) -> None:
    here = os.getpriority(os.PRIO_PROCESS, 0)
    assert said(tmp_path, NICE) == f"{here}\n"
    assert said(tmp_path, NICE, nice=10) == "10\n"


@pytest.mark.skipif(lacking() is not None, reason=f"no sandbox here: {lacking()}")
def test_it_steps_back_in_the_sandbox_too(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    assert said(folder, NICE, nice=10, cage=Sandbox(folder)) == "10\n"


def test_what_steps_back_already_is_not_moved_forward(tmp_path: Path) -> None:
    code = (
        f"import os, sys; os.nice(15); sys.path.insert(0, {str(Path(__file__).parents[2])!r})\n"
        "from tests.runner.test_stepping_back import said, NICE\n"
        "from pathlib import Path\n"
        f"print(said(Path({str(tmp_path)!r}), NICE, nice=10))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) == min(19, 15 + os.getpriority(os.PRIO_PROCESS, 0))


# -- standing still --------------------------------------------------------------------------------


class Times:
    """Two clocks, of which one stands still while the machine sleeps."""

    def __init__(self) -> None:
        self.running = self.always = 100.0

    def passes(self, seconds: float, *, asleep: bool = False) -> None:
        self.always += seconds
        self.running += 0 if asleep else seconds


@pytest.mark.parametrize("asleep", [False, True])
def test_time_in_which_nothing_went_on_is_told_apart(asleep: bool) -> None:
    times = Times()
    clock = Clock(lambda: times.running, lambda: times.always)
    times.passes(3)
    clock.look()
    times.passes(STILL_SECONDS + 50, asleep=asleep)
    clock.look()
    times.passes(4)
    clock.look()
    assert (clock.elapsed(), clock.stood_still) == (7, STILL_SECONDS + 50)


def test_what_took_long_of_itself_is_no_standing_still() -> None:
    times = Times()
    clock = Clock(lambda: times.running, lambda: times.always)
    times.passes(STILL_SECONDS * 9)
    clock.skip()
    times.passes(1)
    clock.look()
    assert (clock.elapsed(), clock.stood_still) == (STILL_SECONDS * 9 + 1, 0)


def test_it_counts_for_no_deadline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ahead = []
    clock = SimpleNamespace(sleep=time.sleep, monotonic=lambda: time.monotonic() + sum(ahead))
    monkeypatch.setattr(process, "time", clock)
    done = process.run(
        [sys.executable, "-c", "print('began', flush=True); input()"],
        cwd=tmp_path,
        env=minimal_env(),
        timeout=300,
        log=tmp_path / "log.txt",
        on_line=lambda line: ahead.append(1000.0) if line == "began" else None,
    )
    assert (done.exit_code, done.timed_out) == (1, False)  # it read an end of file
    assert done.seconds < 300 < 1000 <= done.stood_still


GUEST = """
import sys
from pathlib import Path
sys.path.insert(0, {root!r})
from gitcollab.runner import process
from gitcollab.runner.environment import minimal_env
from gitcollab.runner.sandbox import Sandbox
folder = Path({folder!r})
done = process.run(
    [sys.executable, "-c", {code!r}], cwd=folder, env=minimal_env(), timeout=60,
    log=folder / "log.txt", cage=Sandbox(folder) if {caged} else None,
)
print(done.exit_code)
"""
CODE = """
import os, pathlib, time
pathlib.Path("new").write_text(str(os.getpid())); os.rename("new", "began")
while not os.path.exists("stop"): time.sleep(0.01)
"""


def state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def until(true: object) -> None:
    end = time.monotonic() + 30
    while not true():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.01)


def programs(of: int) -> list[int]:
    """The processes below that one."""
    from gitcollab.runner.limits import descendants

    return [pid for pid in descendants(of) if pid != of]


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
@pytest.mark.parametrize("caged", [False, True])
def test_a_stopped_guest_stops_its_program(tmp_path: Path, caged: bool) -> None:
    if caged and lacking() is not None:
        pytest.skip(f"no sandbox here: {lacking()}")
    folder = tmp_path / "run"
    folder.mkdir()
    root = str(Path(__file__).parents[2])
    code = GUEST.format(root=root, folder=str(folder), code=CODE, caged=caged)
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as guest:
        try:
            until((folder / "began").exists)
            os.kill(guest.pid, signal.SIGTSTP)
            until(lambda: state(guest.pid) == "T")
            below = programs(guest.pid)
            assert below
            until(lambda: all(state(pid) == "T" for pid in below))  # told to, and soon after
            os.kill(guest.pid, signal.SIGCONT)
            until(lambda: all(state(pid) != "T" for pid in below))
            (folder / "stop").touch()
            out, _ = guest.communicate(timeout=60)
        finally:
            guest.kill()
    assert out == "0\n"


AUTOGROUP = "print(open('/proc/self/autogroup').read().split()[-1])"


@pytest.mark.skipif(not Path("/proc/self/autogroup").exists(), reason="needs autogroups")
@pytest.mark.parametrize("caged", [False, True])
def test_where_a_session_has_a_priority_it_steps_back_too(tmp_path: Path, caged: bool) -> None:
    if caged and lacking() is not None:
        pytest.skip("needs a sandbox")
    folder = tmp_path / "run"
    folder.mkdir()
    cage = Sandbox(folder) if caged else None
    ours = Path("/proc/self/autogroup").read_text()  # empty where nobody began a session
    assert said(folder, AUTOGROUP, nice=10, cage=cage) == "10\n"
    assert Path("/proc/self/autogroup").read_text() == ours
