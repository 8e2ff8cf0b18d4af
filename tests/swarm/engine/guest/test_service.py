"""The systemd unit: what is in it, whatever is in the paths; and that only ours is touched."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gitcollab.errors import GitcollabError, RefusedError
from gitcollab.swarm.engine.guest.service import Service, environment_file, make_environment_file
from gitcollab.swarm.workspace import Config, Workspace

WORDS = ["--forever", "--think", 'say "hi" 100% $HOME \\n']


@pytest.fixture
def linux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")


def made(folder: Path) -> Service:
    folder.mkdir(parents=True)
    workspace = Workspace(folder)
    workspace.create(Config("hub", "swarm", "nova"))
    return Service(workspace)


@pytest.fixture
def service(tmp_path: Path, linux: None) -> Service:
    return made(tmp_path / 'a b%h $c "d"')


def test_it_stands_where_systemd_looks(service: Service, isolated_home: Path) -> None:
    assert service.path.parent == isolated_home / ".config" / "systemd" / "user"
    folder = Workspace(service._workspace.root)
    folder.create(Config("hub", "swarm", "vega"))
    assert Service(folder).path == service.path  # another agent's name finds it


def test_each_workspace_has_one_of_its_own(service: Service, tmp_path: Path) -> None:
    assert made(tmp_path / "other").name != service.name


def test_whatever_is_in_a_word_is_in_it_still(service: Service) -> None:
    text = service.text(WORDS, 10, {"PATH": "/a b:/50%", "SECRET": "x"})
    lines = text.splitlines()
    assert r'"say \"hi\" 100%% $$HOME \\n"' in text
    assert 'Environment="PATH=/a b:/50%%"' in lines
    assert "SECRET" not in text
    (folder,) = [one for one in lines if one.startswith("WorkingDirectory=")]
    assert folder.endswith('/a b%%h $c "d"')
    assert {"Nice=10", "KillSignal=SIGTERM", "Restart=on-failure"} <= set(lines)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_has_nothing_to_say_against_it(service: Service, tmp_path: Path) -> None:
    service.write(service.text(WORDS, 10, {"PATH": "/usr/bin"}))
    done = subprocess.run(
        ["systemd-analyze", "--user", "verify", str(service.path)],
        env={"PATH": "/usr/bin:/bin", "XDG_RUNTIME_DIR": str(tmp_path), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_writing_again_changes_only_what_is_ours(service: Service) -> None:
    first, second = (service.text(["--forever"], nice, {}) for nice in (10, 5))
    assert service.write(first)
    assert not service.write(first)
    assert service.write(second)
    service.path.write_text(second + "Nice=0\n")
    with pytest.raises(RefusedError):
        service.write(first)
    with pytest.raises(RefusedError):
        service.remove()
    service.path.write_text(second)
    assert service.remove()
    assert not service.remove()


def test_a_folder_that_no_unit_can_name_is_refused(tmp_path: Path, linux: None) -> None:
    with pytest.raises(GitcollabError, match="characters"):
        made(tmp_path / "a\nExecStart=b").text([], 0, {})


@pytest.mark.parametrize("name", ["back\\", "blank ", "x\u3000"])
def test_a_folder_whose_end_would_be_lost_is_refused(
    tmp_path: Path, linux: None, name: str
) -> None:
    with pytest.raises(GitcollabError):
        made(tmp_path / name).text([], 0, {})


def test_what_it_needs_of_the_environment_is_in_a_private_file(service: Service) -> None:
    assert f"EnvironmentFile=-{environment_file()}" in service.text([], 0, {}).splitlines()
    path = make_environment_file()
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_text("KEY=x\n")
    assert make_environment_file().read_text() == "KEY=x\n"


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_elsewhere_it_says_what_does_it_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: str
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    with pytest.raises(GitcollabError) as caught:
        made(tmp_path / "x")
    assert "gitcollab run --forever" in caught.value.hint
