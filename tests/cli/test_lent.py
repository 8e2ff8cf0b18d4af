"""Lending a machine from the command line: options, pause and resume, workers on several GPUs."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cli_toys import Ran, ScriptedSwarm, make_result, process

from gitcollab.swarm.engine.guest.crew import Crew, Post, ending
from gitcollab.swarm.engine.guest.pausing import paused
from gitcollab.swarm.engine.guest.summary import Ended, Footing
from gitcollab.swarm.engine.tally import Tally
from gitcollab.swarm.engine.terms import Terms
from gitcollab.swarm.outcomes import RoundsReport, RunReport
from gitcollab.swarm.reports import RunProgress
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
        (["--hours", "90m"], None, Terms(hours=1.5, nice=10)),
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
        ["--hours", "99999999"],
        ["--hours", "soon"],
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
    assert (last["rounds"], last["counts"], last["failing"]) == (3, {"published": 3}, False)


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
            crew.send_signal(signal.SIGTSTP)
            assert_all("T", workers_of(crew.pid))
            crew.send_signal(signal.SIGCONT)
            assert_all("S", workers_of(crew.pid))
            victim = workers_of(crew.pid)[0]
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


def workers_of(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task/{pid}/children")
    if not tasks.exists():
        pytest.skip("needs /proc/PID/task/PID/children")
    return [int(one) for one in tasks.read_text().split()]


def assert_all(state: str, pids: list[int]) -> None:
    """Wait until they all are in a state, as /proc/PID/stat tells."""
    until = time.monotonic() + 30
    for pid in pids:
        stat = Path(f"/proc/{pid}/stat")
        while stat.read_text().rpartition(")")[2].split()[0] != state:
            assert time.monotonic() < until
            time.sleep(0.02)


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="needs SIGUSR1")
def test_a_run_by_hand_outlives_the_signals(
    cli: Cli, join: Join, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gitcollab.swarm.swarm import Swarm

    real = Swarm.run

    def run(self: Swarm, *args: Any, **how: Any) -> RunReport:
        for number in (signal.SIGUSR1, signal.SIGUSR2):
            os.kill(os.getpid(), number)
        return real(self, *args, **how)

    monkeypatch.setattr(Swarm, "run", run)
    nova = join("nova")
    assert cli("run", "--set", "LR=0.3", cwd=nova).code == 0
    assert paused(Workspace(nova), datetime.now(UTC)) is None


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="needs SIGUSR1")
def test_a_signal_before_it_is_lent_pauses_it(
    cli: Cli, join: Join, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gitcollab.swarm.swarm import Swarm

    nova = join("nova")
    held: list[bool] = []
    real = Swarm.footing

    def footing(self: Swarm) -> Any:
        if not held:
            os.kill(os.getpid(), signal.SIGUSR1)
        return real(self)

    def run_many(self: Swarm, *_: object, **__: object) -> RoundsReport:
        held.append(paused(Workspace(nova), self.member.clock()) is not None)
        return DONE

    monkeypatch.setattr(Swarm, "footing", footing)
    monkeypatch.setattr(Swarm, "run_many", run_many)
    assert cli("run", "--forever", cwd=nova).code == 0
    assert held == [True]


def test_notes_are_lines_of_json_too(cli: Cli, script: Script) -> None:
    def run_many(*_: object, progress: Callable[[RunProgress], None], **__: object) -> RoundsReport:
        progress(RunProgress("note", "it slept"))
        progress(RunProgress("wait", "paused"))
        return DONE

    script(run_many=run_many)
    first, last = map(json.loads, cli("run", "--forever", "--json").out.splitlines())
    assert first["note"] == "it slept"
    assert last["rounds"] == 1


def test_replications_are_counted_whatever_made_them(cli: Cli, script: Script) -> None:
    def run_many(*_: object, on_report: Callable[[RunReport], None], **__: object) -> RoundsReport:
        again = make_result(replicates="vega/x-1")
        for kind in ("replication", "rerun", "proposal"):
            result = make_result() if kind == "proposal" else again
            on_report(RunReport("published", result, kind=kind))
        return DONE

    script(run_many=run_many)
    shown = cli("run", "--forever").out.splitlines()
    (heading,) = [line.split() for line in shown if "experiments  " in line]
    (total,) = [line.split() for line in shown if line.startswith("all ")]
    assert heading[:3] == ["experiments", "keeps", "replications"]
    assert total[:4] == ["all", "3", "-", "2"]


def test_a_worker_that_has_no_time_left_is_whole(
    cli: Cli, join: Join, monkeypatch: pytest.MonkeyPatch
) -> None:
    nova = join("nova")
    monkeypatch.setenv("GITCOLLAB_WORKER", "gpu0")
    assert cli("run", "--hours", "0.0001", cwd=nova).code == 1
    assert Ended.read(ending(nova)).whole


@pytest.mark.parametrize(
    ("ended", "code", "again"),
    [
        (Ended(Tally(), whole=True, failing=True), 1, False),
        (Ended(Tally(), whole=True), 1, False),
        (Ended(Tally()), 2, False),
        (Ended(Tally()), 1, True),
    ],
)
def test_who_takes_the_post_of_a_worker_that_ended(
    tmp_path: Path, ended: Ended, code: int, again: bool
) -> None:
    post = Post("gpu0", tmp_path)
    (tmp_path / ".gitcollab").mkdir()
    crew = Crew([post], lambda *_: None, lambda _: None, lambda *_: None)
    post.again = None
    ended.write(ending(tmp_path))
    crew._note(post, code)
    assert (post.again is not None) == again
    assert post.is_failing == ended.failing


def test_resume_in_a_worker_s_folder_speaks_of_the_pause_around_it(cli: Cli, join: Join) -> None:
    nova = join("nova")
    config = nova / ".gitcollab" / "config.yaml"
    worker = nova / ".gitcollab" / "workers" / "gpu0"
    (worker / ".gitcollab").mkdir(parents=True)
    (worker / ".gitcollab" / "config.yaml").write_text(config.read_text())
    assert cli_pause(nova)
    ran = cli("resume", cwd=worker)
    assert ran.out.startswith("nothing was paused here\nnote: paused still, from ")
    assert str(nova) in ran.out.replace("\n", "")
    assert cli("resume", "--json", cwd=worker).json["paused"]["until"] is None
    assert cli("resume", cwd=nova).out == "resumed\n"


def test_pause_and_resume(cli: Cli, join: Join) -> None:
    nova = join("nova")
    ran = cli("pause", "--for", "2h", cwd=nova)
    assert (ran.code, ran.out) == (0, "paused for 2h\n")
    for typed, said in (("90m", "1h 30m"), ("1.5h", "1h 30m"), ("5s", "5s"), ("1d", "1d")):
        assert cli("pause", "--for", typed, cwd=nova).out == f"paused for {said}\n"
    cli("pause", "--for", "2h", cwd=nova)
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
        assert (last["rounds"], last["counts"], last["failing"]) == (1, {"published": 1}, False)
    else:
        assert "own proposals            1      1        -" in ran.out
        assert ran.err == "stopped: interrupted\n"
        assert "\n1 experiment: 1 published\n" in ran.out


def test_what_is_lent_is_said_first_and_each_block_has_a_head(cli: Cli, script: Script) -> None:
    def run_many(*_: object, on_report: Callable[[RunReport], None], **__: object) -> RoundsReport:
        for why in ("it was run once", ""):
            on_report(RunReport("published", make_result(), kind="replication", why=why))
        return DONE

    script(run_many=run_many)
    ran = cli("run", "--hours", "1.5", "--when-idle").out
    first, blank, *rest = ran.splitlines()
    said = "lent for 1h 30m, or until ^C as nova on hub.git, while it is idle; to have it back"
    assert first.startswith(said[:60])
    assert said in " ".join(ran.split())
    assert blank == ""
    assert re.fullmatch(r"#1 \d\d:\d\d replication: it was run once", rest[0])
    at = next(n for n, row in enumerate(rest) if row.startswith("#2 "))
    assert rest[at - 1] == ""
    assert re.fullmatch(r"#2 \d\d:\d\d replication", rest[at])
    lines = cli("run", "--hours", "1.5", "--json").out.splitlines()
    assert [sorted(json.loads(line)) for line in lines]


def test_that_the_hub_is_away_is_said_once_and_that_it_is_back(cli: Cli, script: Script) -> None:
    note = "queued on this host (no route); gitcollab sync delivers it"

    def run_many(*_: object, on_report: Callable[[RunReport], None], **__: object) -> RoundsReport:
        for how in ("queued", "queued", "queued", "published", "published"):
            notes = (note,) if how == "queued" else ()
            on_report(RunReport(how, make_result(), notes=notes))
        return DONE

    script(run_many=run_many)
    said = " ".join(cli("run", "--forever").out.split())
    assert said.count(note) == 1
    assert said.count("note: the hub is back") == 1


def test_the_summary_tells_progress_and_credit_in_words(cli: Cli, script: Script) -> None:
    after = Footing(1, 0, 2, best=1.009229, best_id="x", baseline=1.043712, insights=2)
    seen = iter([Footing(), after])

    def run_many(*_: object, on_report: Callable[[RunReport], None], **__: object) -> RoundsReport:
        on_report(RunReport("published", make_result()))
        return DONE

    swarm = script(run_many=run_many)
    swarm.footing = lambda: next(seen)
    said = " ".join(cli("run", "--forever").out.split())
    assert "best score 1.043712 the baseline, 1.009229 now" in said
    assert "+1 program better than its base, +2 runs of others' programs" in said
    assert "told 2 insights" in said


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


@pytest.fixture
def systemctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[str]]:
    """A manager that answers, and fails at one command; what it was told meanwhile."""
    if not sys.platform.startswith("linux"):
        pytest.skip("systemd is Linux's")
    log, tool = tmp_path / "told", tmp_path / "systemd" / "systemctl"
    tool.parent.mkdir()
    monkeypatch.setenv("PATH", f"{tool.parent}{os.pathsep}{os.environ['PATH']}")

    def fails_at(command: str) -> list[str]:
        said = log.read_text().splitlines() if log.exists() else []
        log.write_text("")
        tool.write_text(f'#!/bin/sh\necho "$2" >> {log}\n[ "$2" != "{command}" ]\n')
        tool.chmod(0o755)
        return said

    fails_at("")
    return fails_at


def test_uninstall_looks_before_it_acts(
    cli: Cli, join: Join, systemctl: Callable[[str], list[str]]
) -> None:
    nova = join("nova")
    path = Path(cli("service", "install", "--json", cwd=nova).json["path"])
    text = path.read_text()
    path.write_text(text.replace("Nice=10", "Nice=15"))
    systemctl("disable")
    assert cli("service", "uninstall", cwd=nova).code == 4
    assert "disable" not in systemctl("disable")
    path.write_text(text)
    ran = cli("service", "uninstall", cwd=nova)
    assert (ran.code, path.exists()) == (1, True)
    assert "disable --now" in ran.out
    systemctl("")
    assert cli("service", "uninstall", cwd=nova).code == 0
    assert not path.exists()


def test_the_service_knows_where_its_mind_is(cli: Cli, join: Join, isolated_home: Path) -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("systemd is Linux's")
    nova = join("nova")
    mind = nova / "tools" / "mind.sh"
    mind.parent.mkdir()
    mind.write_text("#!/bin/sh\n")
    mind.chmod(0o755)
    ran = cli("service", "install", "--think", "./mind.sh", cwd=mind.parent)
    assert f'"--think" "{mind}"' in ran.out
    needs = isolated_home / ".config" / "gitcollab" / "service.env"
    assert str(needs) in ran.err
    assert needs.exists()
