from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gitcollab.git import command


def fake_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    script = tmp_path / "bin" / "git"
    script.parent.mkdir()
    script.write_text(f"#!/bin/sh\n{body}\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}:{os.environ['PATH']}")


def test_users_settings_stay_and_what_git_leaks_goes() -> None:
    kept = {
        "PATH": "/bin", "GIT_SSH_COMMAND": "ssh -i key", "GIT_SSH": "x", "GIT_ASKPASS": "x",
        "GIT_CONFIG_GLOBAL": "x", "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "a.b", "GIT_CONFIG_VALUE_0": "c", "GIT_TRACE": "1",
        "GIT_TRACE2_EVENT": "/x", "GIT_TRACE_PACKET": "1", "GIT_SSL_CAINFO": "x",
        "GIT_EXEC_PATH": "x",
        "GIT_SSL_NO_VERIFY": "1", "GIT_PROXY_COMMAND": "x", "GIT_HTTP_USER_AGENT": "x",
        "https_proxy": "x",
    }  # fmt: skip
    leaked = dict.fromkeys(
        [
            "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_NAMESPACE",
            "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_QUARANTINE_PATH", "GIT_PREFIX",
            "GIT_COMMON_DIR",
            "GIT_AUTHOR_NAME", "GIT_AUTHOR_DATE", "GIT_COMMITTER_EMAIL", "GIT_CONFIG_PARAMETERS",
            "GIT_CONFIG", "GIT_SHALLOW_FILE", "GIT_PUSH_OPTION_COUNT", "GIT_TEMPLATE_DIR",
            "GIT_CEILING_DIRECTORIES", "GIT_DEFAULT_HASH", "GIT_PROTOCOL", "LANGUAGE",
        ],
        "x",
    )  # fmt: skip

    made = command.environment(kept | leaked | {"LC_ALL": "de_DE", "GIT_TERMINAL_PROMPT": "1"})

    assert kept.items() <= made.items()
    assert not leaked.keys() & made.keys()
    assert made["LC_ALL"] == "C"
    assert made["GIT_TERMINAL_PROMPT"] == "0"


def test_a_failure_is_a_value(tmp_path: Path) -> None:
    ran = command.run_git("rev-parse", "HEAD", git_dir=tmp_path / "none")

    assert ran.code == 128
    assert "not a git repository" in ran.err


def test_no_git(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(command.GitMissing, match="not installed") as e:
        command.run_git("--version")
    assert "install git" in e.value.hint


@pytest.mark.parametrize("said", ["git version 2.29.9", "git version 1.8", "what?"])
def test_git_too_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    fake_git(tmp_path, monkeypatch, f"echo '{said}'")
    with pytest.raises(command.GitTooOld, match="too old"):
        command.version()


@pytest.mark.parametrize("said", ["git version 2.30.0", "git version 2.39.5 (Apple Git-154)"])
def test_git_new_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    fake_git(tmp_path, monkeypatch, f"echo '{said}'")
    assert command.version() >= command.MINIMUM_VERSION


def test_silence_ends_the_call_and_all_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pids = tmp_path / "pids"
    fake_git(tmp_path, monkeypatch, f"sleep 600 & echo $! $$ > {pids}; wait")

    with pytest.raises(command.NoAnswer, match=r"no answer in 2 s"):
        command.run_git("fetch", idle=2)

    for pid in pids.read_text().split():
        while alive(int(pid)):  # it was sent SIGKILL: it ends as soon as it is scheduled
            os.sched_yield()


def alive(pid: int) -> bool:
    """Whether the process runs (an orphan may stay as a zombie where nobody reaps)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False


def test_talking_goes_on_up_to_the_total(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_git(tmp_path, monkeypatch, "for i in 1 2 3 4 5 6; do echo $i; sleep 0.1; done")
    assert command.run_git("x", idle=5).out.split() == list("123456")

    (tmp_path / "bin" / "git").write_text("#!/bin/sh\nwhile :; do echo x; sleep 0.05; done\n")
    with pytest.raises(command.NoAnswer):
        command.run_git("x", idle=0.45, total=0.6)


def test_closed_streams_do_not_hide_a_hanging_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_git(tmp_path, monkeypatch, "exec >&- 2>&-; exec sleep 600")
    with pytest.raises(command.NoAnswer):
        command.run_git("x", idle=0.3)


def test_a_helper_that_stays_does_not_hold_us(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # ssh with ControlPersist keeps the streams open after git is done.
    pid = tmp_path / "pid"
    fake_git(tmp_path, monkeypatch, f"sleep 600 & echo $! > {pid}; echo done; exit 3")
    started = time.monotonic()

    ran = command.run_git("x", idle=300)

    assert (ran.code, ran.out) == (3, "done\n")
    assert time.monotonic() - started < 250
    os.kill(int(pid.read_text()), 9)


def test_what_another_thread_waits_for_can_be_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_git(tmp_path, monkeypatch, f"echo > {tmp_path}/begun; exec tail -f /dev/null")
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(command.run_git, "fetch")
        while not (tmp_path / "begun").exists():
            assert not call.done()
        command.end_running()
        assert call.result(timeout=30).code == -9
    command.end_running()


def test_a_flood_keeps_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_git(tmp_path, monkeypatch, "head -c 5000000 /dev/zero | tr '\\0' x; echo end")

    ran = command.run_git("x")

    assert len(ran.out) <= 1_000_000
    assert ran.out.endswith("xend\n")


def test_bytes_that_are_no_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_git(tmp_path, monkeypatch, "printf '\\377\\n' >&2; kill -9 $$")

    ran = command.run_git("x")

    assert (ran.code, ran.err) == (-9, "\ufffd\n")


def test_hooks_do_not_run(tmp_path: Path) -> None:
    command.run_git("init", "-q", "--bare", str(tmp_path / "r.git"))
    hook = tmp_path / "r.git" / "hooks" / "reference-transaction"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hook.chmod(0o755)
    command.run_git("symbolic-ref", "refs/x", "refs/heads/y", git_dir=tmp_path / "r.git")
    command.run_git("pack-refs", "--all", git_dir=tmp_path / "r.git")

    assert not (tmp_path / "ran").exists()
