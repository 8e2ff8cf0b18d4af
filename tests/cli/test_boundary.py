"""Errors become one message, one next step and an exit code, once."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_toys import HOSTILE, Ran

from gitcollab.errors import GitcollabError, OfflineError, RefusedError, UsageError
from gitcollab.git.command import run_git

Cli = Callable[..., Ran]
Script = Callable[..., Any]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (GitcollabError("it failed", "do this"), 1),
        (UsageError("it failed", "do this"), 2),
        (RefusedError("it failed", "do this"), 4),
        (OfflineError("it failed", "do this"), 5),
    ],
)
def test_an_expected_failure(cli: Cli, script: Script, error: GitcollabError, code: int) -> None:
    script(views=error)
    ran = cli("views")
    assert (ran.code, ran.out, ran.err) == (code, "", "error: it failed\nnext: do this\n")
    ran = cli("views", "--json")
    assert ran.json == {"error": "it failed", "hint": "do this", "exit": code}
    assert (ran.code, ran.err) == (code, "")


def test_an_error_is_one_inert_line_without_credentials(cli: Cli, script: Script) -> None:
    script(views=GitcollabError(f"no hub at https://me:pw@host/x\n{HOSTILE}"))
    ran = cli("views")
    assert ran.err.count("\n") == 1
    assert "pw" not in ran.err
    assert "\x1b" not in ran.err


def test_a_bug_leaves_a_log(cli: Cli, script: Script, isolated_home: Path) -> None:
    script(views=ZeroDivisionError("oh"))
    ran = cli("views")
    assert ran.code == 3
    (log,) = (isolated_home / "gitcollab" / "logs").iterdir()
    assert str(log) in ran.err
    assert "this is a bug in gitcollab: ZeroDivisionError: oh" in ran.err
    assert "Traceback" not in ran.err
    assert "Traceback" in log.read_text()
    assert "['views']" in log.read_text()


def test_a_bug_as_json(cli: Cli, script: Script) -> None:
    script(views=KeyError("x"))
    ran = cli("views", "--json")
    assert ran.code == ran.json["exit"] == 3
    assert set(ran.json) == {"error", "hint", "exit"}


def test_a_bug_on_a_machine_without_a_place_for_logs(
    cli: Cli, script: Script, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("GITCOLLAB_HOME", str(tmp_path / "file"))
    script(views=ZeroDivisionError("oh"))
    ran = cli("views")
    assert ran.code == 3
    assert "Traceback" in ran.err


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EROFS])
def test_what_the_machine_says_no_to_is_no_bug(cli: Cli, script: Script, number: int) -> None:
    script(views=OSError(number, os.strerror(number), "/some/file"))
    ran = cli("views")
    assert ran.code == 1
    assert ran.err.startswith(f"error: /some/file cannot be used: {os.strerror(number)}\nnext: ")


@pytest.mark.parametrize(
    "argv", [["status"], ["run"], ["init"], ["similar", "a", "b"], ["join", "/nowhere", "--json"]]
)
def test_a_folder_that_is_gone_is_no_bug(tmp_path: Path, argv: list[str]) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    call = "import os, sys; os.rmdir('../gone'); from gitcollab.cli import main; main.main()"
    ran = subprocess.run(
        [sys.executable, "-c", call, *argv], cwd=folder, capture_output=True, check=False
    )
    assert ran.returncode in (1, 2)
    if "--json" not in argv:
        assert ran.stderr == b"error: the current folder is gone\nnext: cd into one that exists\n"


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="nothing can be made in /proc")
def test_where_no_folder_can_be_made(cli: Cli, hub: Path) -> None:
    for argv in (["run"], ["init"], ["join", str(hub), "--agent", "nova"]):
        ran = cli(*argv, cwd=Path("/proc"))
        assert (ran.code, ran.err.count("\n")) == (1, 2)
        assert ran.err.startswith("error: the folder /proc/.gitcollab cannot be made: ")


def test_where_no_workspace_can_be_nobody_joins(cli: Cli, hub: Path) -> None:
    before = run_git("rev-parse", "swarm", git_dir=hub).out
    assert cli("join", str(hub), "--agent", "nova", cwd=Path("/proc")).code == 1
    assert run_git("rev-parse", "swarm", git_dir=hub).out == before


def test_what_is_no_folder_is_no_hub(cli: Cli, tmp_path: Path) -> None:
    ran = cli("init", os.devnull, cwd=tmp_path)
    assert (ran.code, ran.err.splitlines()[0]) == (
        1,
        f"error: {os.devnull} is no folder, so no repository",
    )


def test_interrupted(cli: Cli, script: Script) -> None:
    script(views=KeyboardInterrupt())
    assert cli("views") == Ran(130, "", "error: interrupted\n")
    assert cli("views", "--json").json == {"error": "interrupted", "hint": "", "exit": 130}


ENDLESS = """
import sys, time
from types import ModuleType, SimpleNamespace
module = ModuleType("gitcollab.swarm.swarm")
def views():
    print("ready", flush=True)
    time.sleep(60)
module.Swarm = SimpleNamespace(open=lambda *_, **__: SimpleNamespace(views=views))
sys.modules["gitcollab.swarm.swarm"] = module
sys.argv = ["gitcollab", "views"]
from gitcollab.cli.main import main
main()
"""


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_signals_unwind(number: signal.Signals, code: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", ENDLESS], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "ready\n"
        running.send_signal(number)
        out, err = running.communicate(timeout=30)
    assert (running.returncode, out, err) == (code, "", "error: interrupted\n")


def test_a_reader_that_has_seen_enough() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "gitcollab", "--help"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout is not None
        running.stdout.close()
        assert running.stderr is not None
        err = running.stderr.read()
    assert err == ""
    assert running.returncode == 141


def test_a_terminal_without_the_characters() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "gitcollab", "run", "--help"],
        env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
        capture_output=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, b"")


@pytest.mark.parametrize("argv", [["--help"], ["status"], ["views", "--json"], ["nothing"]])
def test_standard_output_that_is_closed(tmp_path: Path, argv: list[str]) -> None:
    ran = closed(">&-", tmp_path, argv)
    assert (ran.returncode, ran.stdout, ran.stderr) == (141, "", "")


def test_standard_error_that_is_closed(tmp_path: Path) -> None:
    ran = closed("2>&-", tmp_path, ["nothing"])
    assert (ran.returncode, ran.stdout, ran.stderr) == (2, "", "")


def closed(stream: str, folder: Path, argv: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a command line that begins without one of its streams."""
    shell = ["sh", "-c", f'exec "$@" {stream}', "sh", sys.executable, "-m", "gitcollab", *argv]
    return subprocess.run(
        shell, cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
