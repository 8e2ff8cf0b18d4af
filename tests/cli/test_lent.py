"""Lending a machine from the command line: options, pause and resume, workers on several GPUs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_toys import Ran, ScriptedSwarm, make_result, process

from gitcollab.swarm.engine.guest.pausing import paused
from gitcollab.swarm.engine.terms import Terms
from gitcollab.swarm.outcomes import RoundsReport, RunReport
from gitcollab.swarm.workspace import Workspace

Cli = Callable[..., Ran]
Script = Callable[..., ScriptedSwarm]
Join = Callable[[str], Path]

DONE = RoundsReport(RunReport("published", make_result()), 1, {"published": 1})
NVIDIA = """#!/bin/sh
case "$*" in
*query-gpu=index,name*) printf '0, A100\\n1, A100\\n' ;;
*query-gpu=name,memory.total*) printf 'A100, 40960\\nA100, 40960\\n' ;;
*) printf 'A100, 3, 100, 40960\\nA100, 2, 100, 40960\\n' ;;
esac
"""


@pytest.fixture
def gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with two GPUs, as its nvidia-smi tells."""
    tool = tmp_path / "nvidia" / "nvidia-smi"
    tool.parent.mkdir()
    tool.write_text(NVIDIA)
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}{os.pathsep}{os.environ['PATH']}")
    for name in ("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER"):
        monkeypatch.setenv(name, "")  # so that it is as before afterwards
        monkeypatch.delenv(name)


def lent_on(cli: Cli, script: Script, *argv: str) -> tuple[object, object]:
    """How many experiments are asked for, and on what terms."""
    swarm = script(run_many=DONE)
    assert cli("run", *argv).code == 0
    ((_, positional, named),) = swarm.calls
    return positional[0], named["terms"]


@pytest.mark.parametrize(
    ("argv", "count", "terms"),
    [
        (["--forever"], None, Terms(nice=10)),
        (["--hours", "8"], None, Terms(hours=8, nice=10)),
        (["--when-idle"], None, Terms(when_idle=True, nice=10)),
        (["--count", "2"], 2, Terms()),
        (["--count", "2", "--hours", "0.5"], 2, Terms(hours=0.5)),
        (["--forever", "--nice", "0"], None, Terms(nice=0)),
        (["--think", "true"], 1, Terms(think="true")),
    ],
)
def test_what_the_options_mean_together(
    cli: Cli, script: Script, argv: list[str], count: int | None, terms: Terms
) -> None:
    found, asked = lent_on(cli, script, *argv)
    assert found == count
    assert asked == terms


@pytest.mark.parametrize(
    "argv",
    [
        ["--hours", "0"],
        ["--hours", "-1"],
        ["--hours", "nan"],
        ["--hours", "inf"],
        ["--nice", "20"],
        ["--think", " "],
        ["--think-minutes", "5"],
        ["--think", "true", "--think-minutes", "0"],
        ["--forever", "--count", "2"],
    ],
)
def test_what_cannot_be_meant_is_a_line(cli: Cli, script: Script, argv: list[str]) -> None:
    swarm = script()
    ran = cli("run", *argv)
    assert (ran.code, ran.out, swarm.calls) == (2, "", [])
    assert ran.err.startswith("error: ")


@pytest.mark.usefixtures("gpus")
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("7", "there is no GPU 7 here"),
        ("0,9", "there is no GPU 9 here"),
        ("0,x", "is no list of GPUs"),
        ("", "is no list of GPUs"),
        ("1,1", "names one twice"),
    ],
)
def test_gpus_that_there_are_not(cli: Cli, script: Script, given: str, said: str) -> None:
    ran = cli("run", "--forever", "--gpu", given)
    assert ran.code == 2
    assert said in ran.err
    assert ("0 (A100), 1 (A100)" in ran.err) == ("twice" not in said)


def test_without_nvidia_smi_that_is_said(
    cli: Cli, script: Script, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    ran = cli("run", "--forever", "--gpu", "0")
    assert ran.code == 2
    assert "nvidia-smi" in ran.err
    assert "not installed" in ran.err


@pytest.mark.usefixtures("gpus")
@pytest.mark.parametrize("more", [["--set", "LR=1"], ["x"], ["--seed", "1"]])
def test_several_gpus_choose_for_themselves(cli: Cli, script: Script, more: list[str]) -> None:
    assert cli("run", "--gpu", "0,1", *more).code == 2


@pytest.mark.usefixtures("gpus")
def test_one_gpu_is_all_that_a_program_sees(cli: Cli, join: Join) -> None:
    nova = join("nova")
    program = nova / "train.py"
    shows = "import os\nprint('sees', os.environ['CUDA_VISIBLE_DEVICES'])\n"
    program.write_text(program.read_text().replace("LR = 0.1", f"{shows}LR = 0.2"))
    assert cli("run", "see", "--gpu", "1", cwd=nova).code == 0
    (log,) = (nova / ".gitcollab" / "runs").glob("*/log.txt")
    assert "sees 1" in log.read_text()


@pytest.mark.usefixtures("gpus")
def test_each_gpu_has_a_worker_of_the_same_agent(join: Join) -> None:
    nova = join("nova")
    ran = process("run", "--gpu", "all", "--count", "3", "--json", cwd=nova)
    assert ran.code == 0, ran
    *runs, last = (json.loads(line) for line in ran.out.splitlines())
    reports = [one for one in runs if "outcome" in one]
    assert sorted(one["worker"] for one in reports) == ["gpu0", "gpu0", "gpu1"]
    assert {one["result"]["agent"] for one in reports} == {"nova"}
    assert (last["lent"]["experiments"], last["stopped"]) == (3, "")
    assert last["workers"] == {"gpu0": 0, "gpu1": 0}


@pytest.mark.usefixtures("gpus")
def test_a_worker_that_dies_is_replaced_and_all_end_together(join: Join) -> None:
    nova = join("nova")
    assert cli_pause(nova)
    command = [sys.executable, "-m", "gitcollab", "run", "--gpu", "0,1", "--forever"]
    with subprocess.Popen(
        command, cwd=nova, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as crew:
        assert crew.stderr is not None
        try:
            waiting: set[str] = set()
            while len(waiting) < 2:
                line = crew.stderr.readline()
                assert line
                waiting |= {line.split()[0]} if "waiting: paused" in line else set()
            seen = process("status", "--json", cwd=nova).json["lent"]
            assert (seen["lease"]["pid"], seen["lease"]["gpus"]) == (crew.pid, [0, 1])
            assert seen["pause"] is not None
            twice = process("run", "--forever", cwd=nova)
            assert (twice.code, "lent from" in twice.err) == (1, True)
            victim = worker_of(crew.pid)
            os.kill(victim, signal.SIGKILL)
            while "ended (signal 9); it begins again in" not in (line := crew.stderr.readline()):
                assert line
            crew.send_signal(signal.SIGTERM)
            _, said = crew.communicate(timeout=60)
        finally:
            crew.kill()
    assert crew.returncode == 128 + signal.SIGTERM
    assert "stopped: interrupted: all workers have ended" in said
    assert process("status", "--json", cwd=nova).json["lent"]["lease"] is None


def cli_pause(folder: Path) -> bool:
    return process("pause", cwd=folder).code == 0


def worker_of(pid: int) -> int:
    tasks = Path(f"/proc/{pid}/task/{pid}/children")
    if not tasks.exists():
        pytest.skip("needs /proc/PID/task/PID/children")
    return int(tasks.read_text().split()[0])


def test_pause_and_resume(cli: Cli, join: Join) -> None:
    nova = join("nova")
    ran = cli("pause", "--for", "2h", cwd=nova)
    assert (ran.code, ran.out) == (0, "paused for 2h\n")
    assert "for 2h more, or until gitcollab resume" in cli("status", cwd=nova).out
    assert cli("pause", "--now", "--json", cwd=nova).json["paused"]["now"] is True
    assert cli("resume", cwd=nova).out == "resumed\n"
    assert cli("resume", cwd=nova).out == "nothing was paused here\n"
    assert "paused" not in cli("status", cwd=nova).out


@pytest.mark.parametrize("span", ["", "2", "h", "-1h", "0m", "1e3h", "9999999d", "2 hours"])
def test_what_is_no_length_of_time(cli: Cli, join: Join, span: str) -> None:
    assert cli("pause", f"--for={span}", cwd=join("nova")).code == 2


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="needs SIGUSR1")
def test_signals_pause_and_resume(cli: Cli, join: Join, monkeypatch: pytest.MonkeyPatch) -> None:
    from gitcollab.swarm.swarm import Swarm

    nova = join("nova")
    held: list[bool] = []

    def run_many(self: Swarm, *_: object, **__: object) -> RoundsReport:
        for number in (signal.SIGUSR1, signal.SIGUSR2):
            os.kill(os.getpid(), number)
            held.append(paused(Workspace(nova), self.member.clock()) is not None)
        return DONE

    monkeypatch.setattr(Swarm, "run_many", run_many)
    before = signal.getsignal(signal.SIGUSR1)
    assert cli("run", "--forever", cwd=nova).code == 0
    assert held == [True, False]
    assert signal.getsignal(signal.SIGUSR1) == before


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_an_interrupt_ends_in_the_summary(cli: Cli, script: Script, more: list[str]) -> None:
    def run_many(*_: object, on_report: Callable[[RunReport], None], **__: object) -> RoundsReport:
        on_report(RunReport("published", make_result(), "better", kind="proposal"))
        raise KeyboardInterrupt

    script(run_many=run_many)
    ran = cli("run", "--forever", *more)
    assert ran.code == 130
    if more:
        last = json.loads(ran.out.splitlines()[-1])
        assert (last["lent"]["keeps"], last["stopped"]) == (1, "interrupted")
    else:
        assert "own proposals            1      1        -" in ran.out
        assert ran.err == "stopped: interrupted\n"


def test_the_service_is_shown_written_and_removed(cli: Cli, join: Join) -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("systemd is Linux's")
    nova = join("nova")
    shown = cli("service", "install", "--when-idle", "--dry-run", "--json", cwd=nova).json
    assert not Path(shown["path"]).exists()
    assert '"--forever" "--when-idle" "--nice" "10"' not in shown["unit"]  # 10 is what it is anyway
    assert '"--forever" "--when-idle"' in shown["unit"]
    cli("service", "install", cwd=nova)
    assert Path(shown["path"]).exists()
    assert "service   installed" in cli("status", cwd=nova).out
    assert cli("service", "uninstall", cwd=nova).out.startswith("removed ")
    assert not Path(shown["path"]).exists()
    assert cli("service", "status", cwd=nova).code == 1
