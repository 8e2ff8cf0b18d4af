"""Each part good and bad; nothing raises, nothing is changed."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from gitcollab.runner import sandbox
from gitcollab.swarm import doctor
from gitcollab.swarm.doctor import Check, examine
from gitcollab.swarm.home import home, key_path
from gitcollab.swarm.swarm import Swarm
from gitcollab.swarm.workspace import Mode

Agent = Callable[[str], Swarm]
PARTS = ["workspace", "hub", "push", "copy", "task", "data", "words", "clock", "outbox", "key"]
MACHINE = ["git", "python", "disk", "sandbox"]


@pytest.fixture(autouse=True)
def sandbox_works(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the machine has; the trial itself is tested beside the sandbox."""
    monkeypatch.setattr(sandbox, "lacking", lambda: None)
    monkeypatch.setattr(doctor, "trial", list)


@pytest.fixture
def nova(agent: Agent) -> Swarm:
    return agent("nova")


def found(where: Swarm | Path, **more: float) -> dict[str, Check]:
    """The checks by name; every one that is not well says what to do."""
    folder = where.workspace if isinstance(where, Swarm) else where
    checks = examine(folder, **more)
    for check in checks:
        assert "\n" not in check.found, check
        assert bool(check.todo) == (check.state != "ok"), check
    return {check.name: check for check in checks}


def files(folder: Path) -> dict[Path, bytes]:
    """All files of a folder but the index, which SQLite arranges when a connection ends."""
    held = (p for p in folder.rglob("*") if p.is_file() and "index.sqlite" not in p.name)
    return {path: path.read_bytes() for path in held}


@pytest.fixture
def unchanged(tmp_path: Path) -> Iterator[None]:
    """Looking once more at what the test left changes no file."""
    yield
    before = files(home()) | files(tmp_path)
    examine(tmp_path / "nova")
    assert files(home()) | files(tmp_path) == before


def test_all_is_well(nova: Swarm, toy_hub: Path, unchanged: None) -> None:
    checks = found(nova)
    assert set(checks) == {*PARTS, *MACHINE}
    assert {check.state for check in checks.values()} == {"ok"}
    listed = subprocess.run(
        ["git", f"--git-dir={toy_hub}", "for-each-ref", "--format=%(refname)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert listed.stdout.split() == ["refs/heads/swarm"]


def test_outside_of_a_workspace_the_machine_is_examined(tmp_path: Path) -> None:
    checks = found(tmp_path)
    assert set(checks) == {"workspace", *MACHINE}
    assert checks["workspace"].state == "warn"
    assert not home().exists()


def test_a_broken_configuration(nova: Swarm) -> None:
    (nova.workspace / ".gitcollab" / "config.yaml").write_text("hub: [\n")
    checks = found(nova)
    assert checks["workspace"].state == "fail"
    assert checks["git"].state == "ok"


def test_a_hub_that_is_away(nova: Swarm, toy_hub: Path, unchanged: None) -> None:
    nova.member.store.refresh()
    toy_hub.rename(toy_hub.with_name("gone.git"))
    checks = found(nova)
    assert checks["hub"].state == "fail"
    assert "push" not in checks
    assert [checks[name].state for name in ("copy", "task", "key", "outbox")] == ["ok"] * 4


def over_ssh(nova: Swarm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Make the hub one behind ssh, which is a script: the remote command is in $command."""
    ssh = tmp_path / "ssh"
    ssh.write_text(f'#!/bin/sh\nfor command in "$@"; do :; done\n{script}\n')
    ssh.chmod(0o755)
    monkeypatch.setenv("GIT_SSH_COMMAND", str(ssh))
    config = nova.workspace / ".gitcollab" / "config.yaml"
    config.write_text(config.read_text().replace("hub: ", "hub: ssh://host", 1))


def test_a_hub_that_says_nothing_is_not_waited_for(
    nova: Swarm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    over_ssh(nova, tmp_path, monkeypatch, "exec sleep 600")
    checks = found(nova, seconds=0.5)
    assert checks["hub"].state == "fail"
    assert "no answer in 0.5 s" in checks["hub"].found
    assert checks["copy"].found == "the hub was never fetched"
    assert checks["key"].state == "warn"


def test_a_hub_that_takes_no_push(
    nova: Swarm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusal = "case $command in *receive*) echo 'ERROR: Permission to x denied' >&2; exit 1;; esac"
    over_ssh(nova, tmp_path, monkeypatch, f'{refusal}\nexec sh -c "$command"')
    checks = found(nova)
    assert checks["hub"].state == "ok"
    assert checks["push"].state == "fail"
    assert "credentials" in checks["push"].todo


def test_a_hub_without_the_branch(nova: Swarm) -> None:
    config = nova.workspace / ".gitcollab" / "config.yaml"
    config.write_text(config.read_text().replace("swarm", "other"))
    assert "no branch 'other'" in found(nova)["hub"].found


def test_no_copy_yet(nova: Swarm, unchanged: None) -> None:
    shutil.rmtree(home() / "hubs")
    checks = found(nova)
    assert checks["copy"].state == "warn"
    assert "task" not in checks
    assert checks["key"].state == "warn"


def test_a_damaged_copy_is_told_and_not_mended(nova: Swarm, unchanged: None) -> None:
    for path in (nova.member.store.folder / "repo.git" / "objects").rglob("*"):
        if path.is_file():
            path.chmod(0o600)
            path.write_bytes(b"junk")
    checks = found(nova)
    assert checks["copy"].state == "fail"
    assert checks["hub"].state == "ok"
    assert "task" not in checks


def test_one_damaged_file_of_a_copy_is_found(nova: Swarm, toy_hub: Path) -> None:
    oid = subprocess.run(
        ["git", f"--git-dir={toy_hub}", "rev-parse", "swarm:agents/nova.yaml"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    path = nova.member.store.folder / "repo.git" / "objects" / oid[:2] / oid[2:].strip()
    path.chmod(0o600)
    path.write_bytes(b"junk")
    assert found(nova)["copy"].state == "fail"


def test_a_damaged_index(nova: Swarm) -> None:
    nova.results()
    index = nova.member.store.folder / "index.sqlite"
    for path in index.parent.glob("index.sqlite*"):
        path.unlink()
    index.write_bytes(b"no database" * 999)
    checks = found(nova)
    assert (checks["copy"].state, checks["index"].state) == ("ok", "fail")
    assert index.read_bytes().startswith(b"no database")


def test_a_clock_that_is_off(nova: Swarm) -> None:
    nova.member.store._cache.sightings._write({"skew": 7200.0})
    assert "2 h ahead" in found(nova)["clock"].found
    nova.member.store._cache.sightings._write({"skew": -300.0})
    checks = found(nova)
    assert "5 min behind" in checks["clock"].found
    assert checks["clock"].state == "warn"


def test_what_waits_and_what_was_refused(nova: Swarm, toy_hub: Path) -> None:
    away = toy_hub.with_name("gone.git")
    toy_hub.rename(away)
    nova.run(set_values={"RATE": "0.2"}, sandbox="off")
    told = found(nova)["outbox"]
    assert "1 waiting" in told.found
    assert "no repository" in told.found
    assert "gitcollab sync" in told.todo

    away.rename(toy_hub)
    hook = toy_hub / "hooks" / "update"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'not on Sundays' >&2\nexit 1\n")
    hook.chmod(0o755)
    assert nova.sync().refused == ["not on Sundays"]
    told = found(nova)["outbox"]
    assert "1 refused" in told.found
    assert "gitcollab outbox" in told.todo


def test_files_of_the_outbox_that_hold_no_request(nova: Swarm) -> None:
    path = nova.member.store.folder / "outbox" / "pending" / "1.json"
    path.write_text("{")
    assert "hold no request (1)" in found(nova)["outbox"].found
    assert path.exists()
    nova.sync()
    nova.claim("RATE=0.2")
    assert "hold no request (1)" in found(nova)["outbox"].found
    assert not path.exists()


def test_keys(nova: Swarm, agent: Agent) -> None:
    path = key_path("nova")
    path.chmod(0o644)
    assert "others may read" in examine_key(nova)
    path.chmod(0o600)
    agent("vega")
    mine = path.read_bytes()
    path.write_bytes(key_path("vega").read_bytes())
    assert "nova is registered with a key that is not here" in examine_key(nova)
    path.write_text("no key")
    assert "cannot be read" in examine_key(nova)
    path.unlink()
    assert "nova is registered with a key that is not here" in examine_key(nova)
    assert not path.exists()
    path.write_bytes(mine)


def examine_key(nova: Swarm) -> str:
    told = [check for check in examine(nova.workspace) if check.name == "key"]
    assert told[0].state == "fail"
    return told[0].found


def test_data_that_is_not_prepared(nova: Swarm, tmp_path: Path) -> None:
    from gitcollab.swarm.joining import join
    from gitcollab.swarm.seeding import init_hub

    hub = tmp_path / "real.git"
    init_hub(str(hub), preset="autoresearch")
    folder = tmp_path / "real"
    folder.mkdir()
    join(folder, str(hub), agent="nova")
    checks = found(folder)
    assert checks["data"].state == "fail"
    assert checks["data"].todo.endswith("gitcollab data prepare climbmix")


def test_a_hub_that_is_none(nova: Swarm, tmp_path: Path, toy_hub: Path) -> None:
    work = tmp_path / "work"
    for args in (
        ["clone", "-q", "-b", "swarm", str(toy_hub), str(work)],
        ["-C", str(work), "rm", "-q", "task.yaml"],
        ["-C", str(work), "-c", "user.name=x", "-c", "user.email=x@y", "commit", "-qm", "gone"],
        ["-C", str(work), "push", "-q"],
    ):
        subprocess.run(["git", *args], check=True)
    nova.member.store.refresh()
    checks = found(nova)
    assert "not a gitcollab hub" in checks["task"].found
    assert "data" not in checks


@pytest.mark.parametrize(
    ("free", "state"), [(5_000_000_000, "ok"), (500_000_000, "warn"), (50_000_000, "fail")]
)
def test_room_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, state: str
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=free)
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: usage)
    assert found(tmp_path)["disk"].state == state


@pytest.mark.parametrize("place", ["/proc/nowhere/gitcollab", "/etc/passwd/gitcollab"])
def test_a_home_that_cannot_be_written(
    nova: Swarm, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.setenv("GITCOLLAB_HOME", place)
    checks = examine(nova.workspace)
    told = [check for check in checks if check.name == "disk" and check.state == "fail"]
    assert "GITCOLLAB_HOME" in told[0].todo


def test_no_git(nova: Swarm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    checks = found(nova)
    assert checks["git"].state == "fail"
    assert checks["copy"].state == "ok"


def test_no_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.importlib.util, "find_spec", lambda _: None)
    assert "without torch" in found(tmp_path)["python"].found


def test_a_sandbox_that_lets_something_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "tried: no network" in found(tmp_path)["sandbox"].found
    monkeypatch.setattr(doctor, "trial", lambda: ["can connect out"])
    check = found(tmp_path)["sandbox"]
    assert (check.state, check.found) == ("fail", "a program in it can connect out")


@pytest.mark.parametrize(
    ("mode", "works", "said"),
    [
        (None, False, "no bwrap: programs of others do not run here"),
        ("required", False, "no bwrap: nothing runs here"),
        ("off", False, "no bwrap: it is off: programs of others run unprotected"),
        ("off", True, "is off in this workspace: programs of others run unprotected"),
    ],
)
def test_no_sandbox(
    nova: Swarm, monkeypatch: pytest.MonkeyPatch, mode: Mode | None, works: bool, said: str
) -> None:
    nova.member.workspace.create(replace(nova.member.config, sandbox=mode))
    if not works:
        monkeypatch.setattr(sandbox, "lacking", lambda: ("no bwrap", "install it"))
    check = found(nova)["sandbox"]
    assert check.state == "warn"
    assert said in check.found


def test_lengths_of_time() -> None:
    lengths = [timedelta(seconds=s) for s in (-5, 59, 61, 7300, 90_000)]
    assert [doctor._span(length) for length in lengths] == ["0 s", "59 s", "1 min", "2 h", "1 d"]


def test_words_that_cannot_be_used_and_models_that_cannot_be_had(
    nova: Swarm, toy_hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nova.member.store.refresh()
    assert found(nova)["words"].state == "ok"
    monkeypatch.setenv("GITCOLLAB_EMBEDDING_MODEL", str(tmp_path / "nowhere"))
    said = found(nova)["words"]
    assert said.state == "warn"
    assert "nowhere" in said.found
    work = tmp_path / "maintainer"
    here = ("-C", str(work), "-c", "user.name=m", "-c", "user.email=m@m")
    for args in (
        ("clone", "-q", "-b", "swarm", str(toy_hub), str(work)),
        (*here, "commit", "-qm", "words", "--allow-empty"),
    ):
        subprocess.run(["git", *args], check=True)
    (work / "synonyms.yaml").write_text("light: [no, list]\n")
    for args in (
        (*here, "add", "synonyms.yaml"),
        (*here, "commit", "-qm", "words"),
        (*here, "push", "-q"),
    ):
        subprocess.run(["git", *args], check=True)
    nova.member.store.refresh()
    said = found(nova)["words"]
    assert (said.state, said.todo) == ("warn", "tell its maintainers")
    assert "light is not text" in said.found
