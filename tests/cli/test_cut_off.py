"""A run that is killed in the middle: the next finds its change in train.py, and undoes it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cli_toys import TOY_PROGRAM, Ran

Cli = Callable[..., Ran]
Join = Callable[[str], Path]


@contextmanager
def running(nova: Path) -> Iterator[subprocess.Popen[str]]:
    """A run of a change, whose program is running."""
    argv = [sys.executable, "-m", "gitcollab", "run", "--set", "PAUSE=19.0"]
    with subprocess.Popen(
        argv, cwd=nova, env=os.environ, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        while "0:0" not in process.stderr.readline():
            assert process.poll() is None, "it ended before it ran"
        yield process


@pytest.fixture
def killed(join: Join) -> Path:
    """A workspace whose run was killed while its program was running."""
    nova = join("nova")
    with running(nova) as process:
        process.send_signal(signal.SIGKILL)
    assert "PAUSE = 19.0" in (nova / "train.py").read_text()
    return nova


def test_the_change_of_a_killed_run_is_undone(cli: Cli, killed: Path) -> None:
    whose = "the change of a run that goes on, or was cut off: the next run undoes it"
    assert f"note: train.py has {whose}\n" in cli("sync", cwd=killed).out
    ran = cli("run", "--set", "LR=0.2", "--json", cwd=killed)
    assert ran.json["result"]["description"] == "LR 0.1 → 0.2"
    told = "a run that was cut off left its change in train.py: undone, kept in "
    (note,) = (text for text in ran.json["notes"] if text.startswith(told))
    assert "PAUSE = 19.0" in (killed / note.removeprefix(told)).read_text()
    assert "its claim was given back: PAUSE 0 → 19" in ran.json["notes"]
    assert cli("status", "--json").json["claims"] == []
    assert not any("cut off" in note for note in cli("run", "--json").json["notes"])


def test_a_program_that_was_edited_since_is_its_users(cli: Cli, killed: Path) -> None:
    program = killed / "train.py"
    program.write_text(program.read_text().replace("PAUSE = 19.0", "PAUSE = 0.01"))
    once = cli("run", cwd=killed)
    assert once.code == 1
    assert "a run has changed train.py, which was edited since" in once.err
    (aside,) = (killed / ".gitcollab" / "aside").iterdir()
    assert aside.read_text() == TOY_PROGRAM
    assert str(aside.relative_to(killed)) in once.err
    assert cli("run", cwd=killed).code == 0


def test_an_edit_during_a_run_that_is_ended_is_its_users(cli: Cli, join: Join) -> None:
    nova = join("nova")
    program = nova / "train.py"
    with running(nova) as process:
        edited = program.read_text().replace("LR = 0.1 ", "LR = 0.2 ")
        program.write_text(edited)
        process.send_signal(signal.SIGTERM)
        told = process.communicate(timeout=30)[1]
    stays = "train.py stays as it was edited meanwhile (it may have the run's change)"
    assert told.endswith(f"error: interrupted: {stays} and the claim was given back\n")
    assert "which was edited since" in cli("run", cwd=nova).err
    assert program.read_text() == edited


def test_a_killed_runs_change_is_not_published_by_hand(cli: Cli, killed: Path) -> None:
    (killed / "run.log").write_text("---\nscore: 1.0\nnum_steps: 1\n")
    told = cli("publish", "run.log", cwd=killed)
    assert told.code == 1
    assert "error: train.py has the change of a run that goes on, or was cut off\n" in told.err
    assert "; or name what ran: --program FILE\n" in told.err
    assert cli("claim", cwd=killed).code == 1
    assert cli("claim", "LR 0.1 → 0.2", cwd=killed).code == 0


def test_what_a_run_has_kept_stays(cli: Cli, join: Join) -> None:
    nova = join("nova")
    assert cli("run", "--set", "LR=0.2", cwd=nova).code == 0
    assert cli("run", cwd=nova).code == 0
    assert "LR = 0.2" in (nova / "train.py").read_text()
