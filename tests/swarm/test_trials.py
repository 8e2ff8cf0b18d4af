"""The change of a run in the working program: no edit is lost, and nothing published unmeant.

A process that dies writes nothing any more: every write of a workspace's files, and the end of
``trial.json``, is a step that it may not reach.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gitcollab.errors import GitcollabError
from gitcollab.store.differences import difference
from gitcollab.swarm import running, trials, workspace
from gitcollab.swarm.authorship import PATCHER
from gitcollab.swarm.reports import RunProgress
from gitcollab.swarm.swarm import Swarm
from gitcollab.swarm.workspace import Base, Workspace
from tests import toy

Agent = Callable[[str], Swarm]

OWN = toy.PROGRAM.replace('1 | loss: 2.5")', '1 | loss: 2.5", "")  # an hour of thought')
SHORTER = OWN.replace('print("step 1 | loss: 2.5", "")  # an hour of thought\n', 'print("3")\n')
PATCH = difference(OWN, SHORTER.replace("RATE = 0.1 ", "RATE = 4.0 "), "train.py").patch
HALF_RATE = toy.PROGRAM.replace("RATE = 0.1 ", "RATE = 0.05 ")
TO_THE_BASE = difference(HALF_RATE, toy.PROGRAM, "train.py").patch


class Killed(BaseException):
    """The process is gone."""


class Death:
    """A process that dies before a write of its own, the ``at``-th; it then writes nothing more."""

    def __init__(self, at: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left = at
        monkeypatch.setattr(workspace, "write_aside", self._before(workspace.write_aside))
        unlink = Path.unlink
        before = self._before(unlink)

        def journal(path: Path, **how: bool) -> None:
            (before if path.name == "trial.json" and path.exists() else unlink)(path, **how)

        monkeypatch.setattr(Path, "unlink", journal)

    def _before(self, real: Callable[..., None]) -> Callable[..., None]:
        def write(*args: Any, **how: Any) -> None:
            self.left -= 1
            if self.left < 0:
                raise Killed
            real(*args, **how)

        return write


@pytest.fixture
def nova(agent: Agent) -> Swarm:
    """An agent that has run the baseline, so that there is a verdict."""
    nova = agent("nova")
    assert nova.run(sandbox="off").outcome == "published"
    return nova


def write(swarm: Swarm, text: str) -> None:
    (swarm.workspace / "train.py").write_text(text)


def text_of(swarm: Swarm) -> str:
    return (swarm.workspace / "train.py").read_text()


def base_of(swarm: Swarm) -> Base:
    base = swarm.member.workspace.base()
    assert base is not None
    return base


def is_kept(swarm: Swarm, text: str) -> bool:
    """Whether the program is in the workspace, or aside."""
    aside = swarm.workspace / ".gitcollab" / "aside"
    return any(
        path.read_text() == text for path in (swarm.workspace / "train.py", *aside.glob("*"))
    )


def during(phase: str, act: Callable[[], object]) -> Callable[[RunProgress], None]:
    """Progress that lets something happen, once, as a run comes to a phase."""
    done = []

    def progress(at: RunProgress) -> None:
        if at.phase == phase and not done:
            done.append(at)
            act()

    return progress


@contextmanager
def interrupted(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> Iterator[None]:
    """Within the block something happens while the program runs, and then ^C."""

    def measure(*_: object, **__: object) -> None:
        act()
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(running, "measure", measure)
        yield


def cut_off(swarm: Swarm, monkeypatch: pytest.MonkeyPatch, **how: Any) -> None:
    """A run that is killed while its program runs."""

    def measure(*_: object, **__: object) -> None:
        Death(0, patched)
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(running, "measure", measure)
        with pytest.raises(Killed):
            swarm.run(sandbox="off", **how)


# -- wherever it is killed -------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """A run: of which program, and what may have become of it where it was kept."""

    before: str
    how: dict[str, Any]
    kept: str | None = None  # what of the kept program tells that it is one


CASES = {
    "no better": Case(OWN, {"what": "x", "set_values": {"RATE": "4.0"}}),
    "better": Case(OWN, {"what": "x", "set_values": {"RATE": "0.3"}}, "RATE = 0.3 "),
    "no edits": Case(toy.PROGRAM, {"set_values": {"RATE": "0.3"}}, "RATE = 0.3 "),
    "patch": Case(OWN, {"what": "x", "patch": PATCH}),
    "back to the base": Case(HALF_RATE, {"set_values": {"RATE": "0.1"}}),
    "patch to the base": Case(HALF_RATE, {"patch": TO_THE_BASE}),
}
ENDS = ("runs", "is interrupted", "was cut off", "was cut off, the base adopted")


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("name", CASES)
def test_a_run_may_be_killed_anywhere(
    nova: Swarm, monkeypatch: pytest.MonkeyPatch, name: str, end: str
) -> None:
    case, space, begun = CASES[name], nova.member.workspace, base_of(nova)
    how = {**case.how, "anyway": True}

    def go() -> None:
        if end == "runs":
            nova.run(sandbox="off", **how)
        elif end == "is interrupted":
            with interrupted(monkeypatch, lambda: None), pytest.raises(KeyboardInterrupt):
                nova.run(sandbox="off", **how)
        elif end == "was cut off":
            trials.recover(space, nova.task)
        else:
            nova.adopt()

    steps, ended = 0, False
    while not ended:
        shutil.rmtree(space.folder / "aside", ignore_errors=True)
        (space.folder / "trial.json").unlink(missing_ok=True)
        space.set_base(begun)
        write(nova, case.before)
        if end.startswith("was cut off"):
            cut_off(nova, monkeypatch, **how)
        with monkeypatch.context() as patched:
            Death(steps, patched)
            try:
                go()
                ended = True
            except Killed:
                steps += 1
        check(nova, case, begun)
    assert steps > 2


def check(nova: Swarm, case: Case, begun: Base) -> None:
    """What the next run begins with is the user's, or what was kept, whole."""
    space = nova.member.workspace
    trials.recover(space, nova.task)
    base, now = base_of(nova), text_of(nova)
    if base.text == begun.text:
        assert now in (case.before, base.text)
    else:
        assert case.kept is not None
        assert case.kept in now
        assert now == base.text
    assert PATCHER not in base.by
    assert case.before == begun.text or is_kept(nova, case.before)
    assert not (space.folder / "trial.json").exists()


DIES_IN_KEEP = """
import os
from gitcollab.swarm.swarm import Swarm
from gitcollab.swarm.workspace import Workspace
set_base = Workspace.set_base
Workspace.set_base = lambda self, base: (set_base(self, base), os._exit(9))
Swarm.open().run(set_values={"RATE": "0.3"}, sandbox="off")
"""


def test_what_a_killed_process_has_kept_is_kept(nova: Swarm) -> None:
    died = subprocess.run([sys.executable, "-c", DIES_IN_KEEP], cwd=nova.workspace, check=False)
    assert died.returncode == 9
    assert (nova.workspace / ".gitcollab" / "trial.json").exists()
    report = nova.run(sandbox="off")
    assert report.result is not None
    assert (report.result.delta, report.result.replicates) == ({}, base_of(nova).id)
    assert "RATE = 0.3 " in text_of(nova)


# -- edits before the run --------------------------------------------------------------------------


@pytest.mark.parametrize("how", [{"set_values": {"RATE": "4.0"}}, {"patch": PATCH}])
def test_an_edit_while_it_is_claimed_is_left_alone(nova: Swarm, how: dict[str, Any]) -> None:
    write(nova, OWN)
    edit = during("claim", lambda: write(nova, OWN + "# more\n"))
    report = nova.run("x", progress=edit, sandbox="off", **how)
    assert (report.outcome, report.error) == ("failed", "train.py was edited meanwhile")
    assert report.hint == "run the same command again"
    assert text_of(nova) == OWN + "# more\n"
    assert nova.status(ask=True).mine == []
    assert base_of(nova).by == ()
    assert nova.run("x", sandbox="off").outcome == "published"


def test_an_edit_as_the_trial_begins_is_left_alone(
    nova: Swarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_authors = Workspace.add_authors

    def edit(space: Workspace, names: tuple[str, ...]) -> None:
        add_authors(space, names)
        write(nova, OWN)

    monkeypatch.setattr(Workspace, "add_authors", edit)
    report = nova.run(set_values={"RATE": "4.0"}, sandbox="off")
    assert report.error == "train.py was edited meanwhile"
    assert text_of(nova) == OWN
    assert not (nova.workspace / ".gitcollab" / "trial.json").exists()


@pytest.mark.parametrize(("rate", "kept"), [("4.0", False), ("0.3", True)])
def test_where_the_edits_of_before_are_is_said(nova: Swarm, rate: str, kept: bool) -> None:
    write(nova, OWN.replace("RATE = 0.1 ", "RATE = 0.12 "))
    before = text_of(nova)
    report = nova.run("x", set_values={"RATE": rate}, sandbox="off")
    assert report.kept is kept
    told = "train.py as it was before the run is in "
    (note,) = (note for note in report.notes if note.startswith(told))
    assert (nova.workspace / note.removeprefix(told)).read_text() == before


@pytest.mark.parametrize("how", [{"set_values": {"RATE": "0.1"}}, {"patch": TO_THE_BASE}])
def test_a_change_that_only_gave_the_base_is_undone(nova: Swarm, how: dict[str, Any]) -> None:
    write(nova, HALF_RATE)
    report = nova.run(sandbox="off", **how)
    assert report.result is not None
    assert (report.result.delta, report.result.seed) == ({}, 43)
    assert text_of(nova) == HALF_RATE
    assert "train.py is as it was before the run" in report.notes


def test_a_change_that_the_hub_refuses_is_undone_and_kept_aside(nova: Swarm, toy_hub: Path) -> None:
    hook = toy_hub / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(
        "#!/bin/sh\nread old new ref\n"
        "if git diff --name-only $old $new | grep -q ^results/; then echo no; exit 1; fi\n"
    )
    hook.chmod(0o755)
    write(nova, OWN)
    report = nova.run("x", set_values={"RATE": "0.3"}, sandbox="off")
    assert report.outcome == "refused"
    assert text_of(nova) == OWN
    assert is_kept(nova, OWN.replace("RATE = 0.1 ", "RATE = 0.3 "))


# -- edits during the run --------------------------------------------------------------------------


def test_an_edit_before_an_interrupt_is_asked_about(
    nova: Swarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    def edit() -> None:
        write(nova, text_of(nova).replace("WIDTH = 8", "WIDTH = 9"))

    with interrupted(monkeypatch, edit), pytest.raises(KeyboardInterrupt) as stopped:
        nova.run(set_values={"RATE": "4.0"}, sandbox="off")
    (told,) = stopped.value.__notes__
    stays = "train.py stays as it was edited meanwhile (it may have the run's change)"
    assert told == f"{stays} and the claim was given back"
    ask_once(nova)


def test_an_edit_during_a_run_that_was_no_better_is_asked_about(nova: Swarm) -> None:
    edit = during("publish", lambda: write(nova, text_of(nova) + "more = 1\n"))
    report = nova.run(set_values={"RATE": "4.0"}, progress=edit, sandbox="off")
    assert report.kept is False
    assert any("was edited during the run and is left as it is" in note for note in report.notes)
    ask_once(nova)


def ask_once(swarm: Swarm) -> None:
    """The next run publishes nothing, and says where the program is as it was before the other."""
    edited = text_of(swarm)
    with pytest.raises(GitcollabError, match="a run has changed train") as e:
        swarm.run("x", sandbox="off")
    assert text_of(swarm) == edited
    assert ".gitcollab/aside/before-a-run.py" in e.value.hint
    assert is_kept(swarm, toy.PROGRAM)
    assert swarm.run("x", sandbox="off").outcome == "published"


def test_an_edit_during_a_run_that_was_kept_is_said(nova: Swarm) -> None:
    edit = during("publish", lambda: write(nova, text_of(nova) + "more = 1\n"))
    report = nova.run(set_values={"RATE": "0.3"}, progress=edit, sandbox="off")
    assert report.kept is True
    assert "train.py was edited during the run and is left as it is" in report.notes
    assert text_of(nova) == base_of(nova).text + "more = 1\n"


# -- another program is adopted --------------------------------------------------------------------


def test_adopting_after_a_kill_keeps_the_edits(
    nova: Swarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(nova, OWN)
    cut_off(nova, monkeypatch, what="x", patch=PATCH)
    aside = nova.adopt().kept_aside
    assert aside is not None
    assert aside.read_text() == OWN
    assert text_of(nova) == toy.PROGRAM
    assert base_of(nova).by == ()


def test_a_program_that_is_gone_after_a_kill_comes_back_and_the_edits_are_kept(
    nova: Swarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(nova, OWN)
    cut_off(nova, monkeypatch, what="x", patch=PATCH)
    (nova.workspace / "train.py").unlink()
    with pytest.raises(GitcollabError, match="cannot be read") as e:
        nova.run()
    assert e.value.hint == "get the best one: gitcollab best --adopt"
    nova.sync()
    assert text_of(nova) == toy.PROGRAM
    assert is_kept(nova, OWN)


def test_adopting_before_an_interrupt_keeps_the_edits(
    nova: Swarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(nova, OWN)
    with interrupted(monkeypatch, nova.adopt), pytest.raises(KeyboardInterrupt) as stopped:
        nova.run("x", patch=PATCH, sandbox="off")
    (told,) = stopped.value.__notes__
    assert told == "train.py stays as it was edited meanwhile and the claim was given back"
    assert text_of(nova) == toy.PROGRAM
    assert is_kept(nova, OWN)


def test_what_was_adopted_during_a_run_stays_the_base(agent: Agent, nova: Swarm) -> None:
    best = agent("atlas").run(set_values={"RATE": "0.25"}, sandbox="off").result
    assert best is not None

    def adopt() -> None:
        nova.sync()
        nova.adopt()

    report = nova.run(set_values={"RATE": "0.3"}, progress=during("publish", adopt), sandbox="off")
    assert (report.verdict, report.kept) == ("better", False)
    assert base_of(nova).id == best.id
    assert text_of(nova) == base_of(nova).text


def test_a_sync_does_not_take_a_runs_change_for_an_unedited_program(
    nova: Swarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(nova, HALF_RATE)
    cut_off(nova, monkeypatch, set_values={"RATE": "0.1"})
    assert text_of(nova) == base_of(nova).text
    report = nova.sync()
    assert report.adopted is None
    assert "train.py has the change of a run that goes on, or was cut off" in report.note
    assert trials.recover(nova.member.workspace, nova.task)
    assert text_of(nova) == HALF_RATE


# -- a run made by hand ----------------------------------------------------------------------------


def test_a_runs_change_is_not_published_or_claimed_as_its_users(
    nova: Swarm, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    log, mine = tmp_path / "run.log", tmp_path / "mine.py"
    log.write_text("---\nscore: 1.04\nnum_steps: 1\n")
    mine.write_text(toy.PROGRAM.replace("WIDTH = 8", "WIDTH = 9"))
    write(nova, mine.read_text())
    refused: list[GitcollabError] = []

    def by_hand() -> None:
        for verb in (
            lambda: nova.publish(log),
            nova.claim,
            lambda: nova.claim("x", from_code=True),
        ):
            with pytest.raises(GitcollabError, match="the change of a run that goes on") as e:
                verb()
            refused.append(e.value)

    with interrupted(monkeypatch, by_hand), pytest.raises(KeyboardInterrupt):
        nova.run(set_values={"RATE": "4.0"}, sandbox="off")
    cut_off(nova, monkeypatch, set_values={"RATE": "4.0"})
    by_hand()
    assert len(refused) == 6
    wait = "wait until the run has ended; one that was cut off is undone by the next"
    assert refused[0].hint == f"{wait}; or name what ran: --program FILE"
    assert refused[1].hint == wait
    report = nova.publish(log, program=mine)
    assert report.result is not None
    assert report.result.delta == {"WIDTH": 9}
