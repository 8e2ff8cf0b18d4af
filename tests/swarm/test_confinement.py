"""When a program runs in the sandbox, when it runs without, and when it does not run."""

from __future__ import annotations

import ctypes
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import pytest

from gitcollab.errors import GitcollabError, RefusedError
from gitcollab.records.models import Experiment
from gitcollab.runner import process, sandbox, syscalls
from gitcollab.swarm import authorship, confinement, running, workspace
from gitcollab.swarm.confinement import decide, trial
from gitcollab.swarm.datasets import data_of
from gitcollab.swarm.home import home
from gitcollab.swarm.joining import join
from gitcollab.swarm.swarm import Swarm
from gitcollab.swarm.workspace import Mode
from gitcollab.task.storage import sha256
from tests import toy
from tests.swarm.factories import make_task

Agent = Callable[[str], Swarm]
needs_sandbox = pytest.mark.skipif(
    sandbox.lacking() is not None, reason=f"there is no sandbox: {sandbox.lacking()}"
)
WHY = ("bubblewrap is not installed", "install the package bubblewrap")
PLAIN = Experiment(description="x")


@pytest.fixture
def foreign(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub is not this machine's own."""
    monkeypatch.setattr(authorship, "_is_own_file", lambda *_: False)


@pytest.fixture
def situation(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool, tuple[str, ...]], None]:
    """Set whether there is a sandbox, and whose code it is."""

    def set_up(works: bool, others: tuple[str, ...]) -> None:
        monkeypatch.setattr(sandbox, "lacking", lambda: None if works else WHY)
        monkeypatch.setattr(confinement, "strangers", lambda *_: others)

    return set_up


@pytest.mark.parametrize(
    ("mode", "works", "others", "sandboxed"),
    [
        (None, True, (), True),
        (None, True, ("eve",), True),
        (None, False, (), False),
        (None, False, ("eve",), None),
        ("auto", False, ("eve",), None),
        ("required", True, ("eve",), True),
        ("required", False, (), None),
        ("off", True, (), False),
        ("off", True, ("eve",), False),
        ("off", False, ("eve",), False),
    ],
)
def test_what_decides(
    agent: Agent,
    situation: Callable[[bool, tuple[str, ...]], None],
    mode: Mode | None,
    works: bool,
    others: tuple[str, ...],
    sandboxed: bool | None,
) -> None:
    member = agent("nova").member
    situation(works, others)
    if sandboxed is None:
        with pytest.raises(RefusedError):
            decide(member, PLAIN, mode)
        return
    found = decide(member, PLAIN, mode)
    assert (found.sandboxed, found.strangers) == (sandboxed, others)
    asked_for = mode == "off" and not others  # and nobody else is concerned
    assert bool(found.notes) == (not sandboxed and not asked_for)


def test_the_refusal_says_whose_code_and_what_to_do(
    agent: Agent, situation: Callable[[bool, tuple[str, ...]], None], toy_hub: Path
) -> None:
    nova = agent("nova")
    situation(False, ("eve", "mallory", "a", "b", "c"))
    with pytest.raises(RefusedError) as refused:
        nova.run()

    assert refused.value.message == (
        "this runs code by eve, mallory, a and 2 more, and there is no sandbox: "
        "bubblewrap is not installed"
    )
    assert refused.value.hint == (
        "install the package bubblewrap; or, if the user of this machine accepts the risk (ask "
        f"first), in this folder: gitcollab join {toy_hub} --agent nova --branch swarm "
        "--sandbox off"
    )
    assert refused.value.exit_code == 4
    assert nova.status().claims == []


def test_the_refusal_shows_no_credentials(
    agent: Agent, situation: Callable[[bool, tuple[str, ...]], None]
) -> None:
    member = agent("nova").member
    situation(False, ("eve",))
    member.config = replace(member.config, hub="https://me:secret@host/hub")
    with pytest.raises(RefusedError) as refused:
        decide(member, PLAIN)
    assert refused.value.hint.endswith("in this folder: gitcollab run --sandbox off")
    member.config = replace(member.config, hub="/a b/hub", branch="x")
    with pytest.raises(RefusedError) as refused:
        decide(member, PLAIN)
    assert "join '/a b/hub' --agent nova --branch x --sandbox off" in refused.value.hint


PATCH = """\
--- a/train.py
+++ b/train.py
@@ -3,2 +3,2 @@
-RATE = 0.1   # what matters
+RATE = 0.3   # what matters
 WIDTH = 8    # what does not
"""


def test_a_patch_is_its_authors_and_so_is_what_is_built_on_it(
    agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    nova = agent("nova")
    monkeypatch.setattr(sandbox, "lacking", lambda: WHY)
    assert nova.run().outcome == "published"  # all own
    with pytest.raises(RefusedError, match="code by the author of the patch"):
        nova.run(patch=PATCH)
    report = nova.run(patch=PATCH, sandbox="off")
    assert "code by the author of the patch runs unprotected: the sandbox is off" in report.notes
    assert report.kept
    with pytest.raises(RefusedError, match="code by the author of the patch"):
        nova.run(set_values={"WIDTH": "9"})
    other = agent("atlas")  # which takes it from the hub
    with pytest.raises(RefusedError, match="code by the author of the patch"):
        other.run(set_values={"WIDTH": "9"})


def test_a_patch_that_was_no_better_leaves_nothing(
    agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    nova = agent("nova")
    monkeypatch.setattr(sandbox, "lacking", lambda: WHY)
    nova.run()
    assert nova.run(patch=PATCH.replace("0.3", "5.0"), sandbox="off").kept is False
    assert nova.run(set_values={"RATE": "0.2"}).outcome == "published"


@pytest.mark.parametrize("killed", ["patch", "adopt"])
def test_killed_in_between_anothers_program_is_nobodys_own_edits(
    agent: Agent, monkeypatch: pytest.MonkeyPatch, killed: str
) -> None:
    nova = agent("nova")
    nova.run()
    text = nova.member.workspace.program(nova.member.task)
    if killed == "adopt":
        agent("atlas").run(set_values={"RATE": "0.3"})

    class Killed(BaseException):
        pass

    def kill(*_: object) -> None:
        raise Killed

    set_base = workspace.Workspace.set_base
    with monkeypatch.context() as patched:
        patched.setattr(running, "_measure", kill)
        patched.setattr(running, "_undo", lambda *_: "")
        patched.setattr(
            workspace.Workspace,
            "set_base",
            lambda self, base: set_base(self, base) if base.by else kill(),
        )
        with pytest.raises(Killed):
            nova.run(patch=PATCH, sandbox="off") if killed == "patch" else nova.sync()
    monkeypatch.setattr(sandbox, "lacking", lambda: WHY)
    (nova.workspace / ".gitcollab" / "trial.json").unlink(missing_ok=True)  # no run undoes it
    assert nova.member.workspace.program(nova.member.task) != text
    by = "the author of the patch" if killed == "patch" else "somebody unknown"
    with pytest.raises(RefusedError, match=by):
        nova.run("mine")


def test_the_mode_is_the_workspaces_and_stays(agent: Agent, toy_hub: Path) -> None:
    nova = agent("nova")
    config = nova.workspace / ".gitcollab" / "config.yaml"
    assert "sandbox" not in config.read_text()
    join(nova.workspace, str(toy_hub), agent="nova", sandbox="off")
    join(nova.workspace, str(toy_hub), agent="nova")
    assert Swarm.open(nova.workspace).member.config.sandbox == "off"
    config.write_text(config.read_text().replace("'off'", "sometimes"))
    with pytest.raises(GitcollabError, match="none of required, auto and off"):
        Swarm.open(nova.workspace)


HOSTILE = """
import os
for name, mode in {"../../config.yaml": "r", "../../../train.py": "r", "log.txt": "a"}.items():
    try: print("reached", open(name, mode))
    except OSError: pass
for name in ("../../config.yaml", "../../../collab.md"):
    try: open(name, "w").write("mine")  # in a /tmp of its own, at most
    except OSError: pass
os.symlink("/etc", "link")
os.makedirs("left/over")
print("at", os.getcwd(), os.environ["GITCOLLAB_TASK"])
"""


@needs_sandbox
def test_a_run_is_in_the_sandbox_and_leaves_nothing(agent: Agent, foreign: None) -> None:
    nova = agent("nova")
    program = nova.workspace / "train.py"
    program.write_text(program.read_text() + HOSTILE)
    report = nova.run("hostile")

    assert report.result is not None
    assert report.outcome == "published", report
    log = nova.show(report.result.id).log
    assert "reached" not in log
    assert "at . ./task.json" in log
    assert "mine" not in (nova.workspace / ".gitcollab" / "config.yaml").read_text()
    assert "mine" not in (nova.workspace / "collab.md").read_text()
    (run,) = (nova.workspace / ".gitcollab" / "runs").iterdir()
    assert {p.name for p in run.iterdir()} == {"log.txt", "train.py", "task.json"}


@pytest.mark.parametrize("how", ["once", "workspace"])
def test_what_is_unprotected_is_said(agent: Agent, toy_hub: Path, foreign: None, how: str) -> None:
    nova = agent("nova")
    if how == "workspace":
        join(nova.workspace, str(toy_hub), agent="nova", sandbox="off")
        nova = Swarm.open(nova.workspace)
    report = nova.run(sandbox="off" if how == "once" else None)
    note = "code by the hub's maintainers runs unprotected: the sandbox is off"
    assert note in report.notes
    told: list[Any] = []
    nova.run_many(1, sandbox="off", on_report=told.append)
    assert note in told[0].notes


def test_without_a_sandbox_rounds_end_where_others_code_begins(
    agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was measured before is told and published."""
    nova = agent("nova")
    monkeypatch.setattr(sandbox, "lacking", lambda: WHY)
    answers = chain([()], repeat(("eve",)))
    monkeypatch.setattr(confinement, "strangers", lambda *_: next(answers))
    told: list[Any] = []
    with pytest.raises(RefusedError, match="code by eve"):
        nova.run_many(3, on_report=told.append)
    assert [report.outcome for report in told] == ["published"]
    assert nova.status().claims == []


@needs_sandbox
def test_what_uses_too_much_is_a_crash(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    nova = agent("nova")
    monkeypatch.setattr(sandbox.Sandbox, "excess", lambda _: "used more than 1 byte")
    report = nova.run()
    assert report.result is not None
    assert (report.result.status, report.result.metric) == ("crash", None)
    assert str(report.result.failure).startswith("it used more than 1 byte and was ended")


@needs_sandbox
def test_a_sandbox_that_fails_publishes_nothing(
    agent: Agent, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    nova = agent("nova")
    monkeypatch.setattr(confinement, "data_of", lambda _: {"x": tmp_path / "nowhere"})
    report = nova.run()
    assert report.outcome == "failed"
    assert "could not begin the program: bwrap: Can't find source path" in report.error
    assert nova.status().claims == []


def vsock_works() -> bool:
    with suppress(OSError):
        socket.socket(40, socket.SOCK_STREAM).close()
        return True
    return False


def keyrings_work() -> bool:
    here = syscalls.architecture()
    return here is not None and ctypes.CDLL(None).syscall(here.keyctl, 0, -3, 0) >= 0


@needs_sandbox
def test_the_trial_finds_nothing_in_the_sandbox_and_all_without_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (home() / "keys").mkdir(parents=True)
    (home() / "keys" / "nova").touch()
    assert trial() == []
    run = process.run
    monkeypatch.setattr(process, "run", lambda *a, **k: run(*a, **(k | {"cage": None})))
    assert trial() == [
        "can read your keys",
        "can see your home",
        *(["can use the kernel's keyrings"] if keyrings_work() else []),
        *(["can reach the machine's host (vsock)"] if vsock_works() else []),
        "can connect out",
        "can write into gitcollab",
        "can reach gitcollab's process",
    ]


def test_the_data_of_a_task_and_nothing_else_is_passed(tmp_path: Path) -> None:
    kept = home() / "data"
    assert data_of(make_task()) == {}
    (kept / "embedded").mkdir(parents=True)
    assert data_of(make_task()) == {"embedded": kept / "embedded"}
    (kept / "climbmix").mkdir()
    climbmix = make_task(dataset={"name": "climbmix"})
    assert data_of(climbmix) == {"climbmix": kept / "climbmix"}
    (tmp_path / "texts").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "texts")
    linked = data_of(
        make_task(dataset={"name": "climbmix"}).model_copy(
            update={
                "dataset": climbmix.dataset.model_copy(update={"name": f"text:{tmp_path / 'link'}"})
            }
        )
    )
    key = {n: sha256(str(tmp_path / n).encode())[:16] for n in ("texts", "link")}
    assert linked == {f"text-{one}": kept / f"text-{key['texts']}" for one in key.values()}


WAITING = """
import time
from pathlib import Path
for _ in range(1500):
    if Path("known").exists():
        break
    time.sleep(0.01)
else:
    raise SystemExit("nobody looked")
Path("left").touch()
"""


@needs_sandbox
def test_whose_code_it_is_is_found_while_it_runs(
    toy_task: Path,
    foreign: None,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    """Nobody waits for that; where it cannot be found out, all is as if it were strangers'."""
    (toy_task.parent / "train.py").write_text(toy.PROGRAM + WAITING)
    swarm: Swarm = request.getfixturevalue("agent")("nova")
    runs = swarm.member.workspace.folder / "runs"

    def unknown(*_: object) -> tuple[str, ...]:
        (folder,) = runs.iterdir()
        (folder / "known").touch()
        raise GitcollabError("it cannot be read", "check permissions")

    monkeypatch.setattr(confinement, "strangers", unknown)
    notes: list[str] = []
    report = swarm.run(
        sandbox="required",
        progress=lambda seen: notes.append(seen.description) if seen.phase == "note" else None,
    )
    assert report.result is not None
    assert report.result.status == "ok"
    assert not list(runs.glob("*/left"))
    assert [note for note in notes if "could not be found out (it cannot be read)" in note]


@needs_sandbox
def test_where_a_run_is_ended_nobody_waits_for_whose_code_it_is(
    agent: Agent, foreign: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    swarm = agent("nova")
    walking, ended = threading.Event(), threading.Event()

    def long(*_: object) -> tuple[str, ...]:
        walking.set()
        assert ended.wait(60)
        return ()

    def end(*_: object, **__: object) -> None:
        assert walking.wait(60)
        raise KeyboardInterrupt

    monkeypatch.setattr(confinement, "strangers", long)
    monkeypatch.setattr(process, "run", end)
    with pytest.raises(KeyboardInterrupt):
        swarm.run(sandbox="required")
    assert not ended.is_set()
    ended.set()
