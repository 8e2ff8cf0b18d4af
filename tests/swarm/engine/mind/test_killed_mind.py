"""A mind that is cut off, or leaves something running, changes nothing that its user has."""

from __future__ import annotations

import os
import select
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from gitcollab.errors import GitcollabError
from gitcollab.swarm import holding
from gitcollab.swarm.engine.mind.guard import Guard
from gitcollab.swarm.swarm import Swarm
from gitcollab.swarm.syncing import is_edited
from tests import toy
from tests.swarm.engine.mind.conftest import EDIT, MakeMind

# Changes what is its user's, says so, and thinks on.
MEDDLES = """
import os, time
from pathlib import Path
folder = Path(os.environ["GITCOLLAB_WORKSPACE"])
program, config = folder / "train.py", folder / ".gitcollab" / "config.yaml"
program.write_text(program.read_text().replace("RATE = 0.1", "RATE = 0.77"))
config.write_text(config.read_text() + "sandbox: off\\n")
os.write(os.open({ready!r}, os.O_WRONLY), b"1")
time.sleep(600)
"""


@pytest.fixture
def killed(nova: Swarm, tmp_path: Path) -> Swarm:
    """A workspace whose rounds were killed while their mind had changed it."""
    ready, script = tmp_path / "ready", tmp_path / "meddles.py"
    os.mkfifo(ready)
    opened = os.open(ready, os.O_RDONLY | os.O_NONBLOCK)
    script.write_text(MEDDLES.format(ready=str(ready)))
    think = shlex.join([sys.executable, str(script)])
    command = [sys.executable, "-m", "gitcollab", "run", "--forever", "--think", think]
    with subprocess.Popen(
        command, cwd=nova.workspace, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        found, _, _ = select.select([opened], [], [], 60)
        process.kill()
        assert found, process.communicate()[0].decode()
    os.close(opened)
    assert is_edited(nova.member)
    assert "sandbox: off" in (nova.workspace / ".gitcollab" / "config.yaml").read_text()
    return nova


def test_after_kill_9_the_next_command_puts_back(killed: Swarm) -> None:
    said: list[str] = []
    again = Swarm.open(killed.workspace, notice=said.append)
    assert not is_edited(again.member)
    assert again.member.config.sandbox is None
    assert [one.split(" (")[0].rpartition(": ")[2] for one in said] == [
        "train.py",
        ".gitcollab/config.yaml",
    ]
    report = again.run(sandbox="off")
    assert report.result is not None
    assert "RATE" not in report.result.delta
    assert report.notes[0] == said[0]
    aside = killed.workspace / ".gitcollab" / "aside" / "train-of-a-mind.py"
    assert "RATE = 0.77" in aside.read_text()
    assert Swarm.open(killed.workspace).member.put_back == ()


def test_after_kill_9_an_open_swarm_puts_back_before_a_run(killed: Swarm) -> None:
    report = killed.run(sandbox="off")
    assert report.result is not None
    assert "RATE" not in report.result.delta
    assert "a mind was cut off in its work, and this was changed: train.py" in report.notes[0]


def test_while_the_mind_works_nothing_is_put_back(nova: Swarm) -> None:
    with nova.member.workspace.one_run():
        files = Guard(nova.member)
        (nova.workspace / "train.py").write_text("A = 1\n")
        assert Swarm.open(nova.workspace).member.put_back == ()
        assert is_edited(nova.member)
        assert len(files.restore()) == 1
    assert not holding.is_held(nova.member.workspace)


def test_a_workspace_without_its_configuration_is_one_while_it_is_held(nova: Swarm) -> None:
    Guard(nova.member)
    (nova.workspace / ".gitcollab" / "config.yaml").unlink()
    again = Swarm.open(nova.workspace)
    assert again.agent == "nova"
    assert "config.yaml (put back)" in again.member.put_back[0]


@pytest.mark.parametrize("left", ["", "[]", "{", '{"train.py": 1}', '{"train.py": "*"}'])
def test_a_damaged_record_holds_nothing(nova: Swarm, left: str) -> None:
    (nova.workspace / ".gitcollab" / "held.json").write_text(left)
    assert Swarm.open(nova.workspace).member.put_back == ()
    assert (nova.workspace / "train.py").read_text() == toy.PROGRAM


def test_what_cannot_be_put_back_is_an_error(nova: Swarm, monkeypatch: pytest.MonkeyPatch) -> None:
    Guard(nova.member)
    (nova.workspace / "train.py").write_text("A = 1\n")

    def full(*_: object) -> None:
        raise GitcollabError("the disk is full")

    monkeypatch.setattr(holding, "write_whole", full)
    with pytest.raises(GitcollabError, match="cannot be put back: the disk is full"):
        Swarm.open(nova.workspace)
    monkeypatch.undo()
    assert len(Swarm.open(nova.workspace).member.put_back) == 1


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="orphans come to us")
def test_what_it_leaves_running_is_gone(nova: Swarm, mind: MakeMind, tmp_path: Path) -> None:
    started = tmp_path / "started"
    code = f"""
import subprocess, sys
code = "import os, time; print(os.getpid(), flush=True); os.close(1); time.sleep(600)"
child = subprocess.Popen([sys.executable, "-c", code], start_new_session=True, stdin=-3,
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
open({str(started)!r}, "w").write(child.stdout.readline().decode())
"""
    asked = mind(EDIT + code)
    assert asked.think() is not None
    with pytest.raises(ProcessLookupError):
        os.kill(int(started.read_text()), 0)
