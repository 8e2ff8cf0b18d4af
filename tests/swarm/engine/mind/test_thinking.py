"""Rounds with a mind: it is asked before each experiment, and told after those it thought of."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gitcollab.cli import main
from gitcollab.errors import UsageError
from gitcollab.swarm.engine.mind import Thought
from gitcollab.swarm.engine.mind.calling import Command
from gitcollab.swarm.engine.mind.outcome import not_run
from gitcollab.swarm.engine.terms import Terms
from gitcollab.swarm.outcomes import RunReport
from gitcollab.swarm.swarm import Swarm
from gitcollab.swarm.workspace import Base
from tests import toy

Agent = Callable[[str], Swarm]

# Each time a rate that is a little better; it counts what it was asked and told.
CLIMB = """
import json, os, re
from pathlib import Path
phase, scratch = os.environ["GITCOLLAB_PHASE"], Path("scratch")
(scratch / phase).touch()
if phase == "think":
    text = Path("train.py").read_text()
    rate = float(re.search(r"RATE = ([0-9.]+)", text)[1]) + 0.05
    Path("train.py").write_text(re.sub(r"RATE = [0-9.]+", f"RATE = {rate:.2f}", text))
"""


@pytest.fixture
def command(tmp_path: Path) -> Callable[[str], str]:
    def write(code: str) -> str:
        (tmp_path / "mind.py").write_text(code)
        return shlex.join([sys.executable, str(tmp_path / "mind.py")])

    return write


def rooms(swarm: Swarm) -> list[Path]:
    found = (swarm.workspace / ".gitcollab" / "mind").glob("*")
    return sorted(found, key=lambda path: path.stat().st_ctime_ns)


def rates(reports: list[RunReport]) -> list[object]:
    return [r.result.delta.get("RATE") for r in reports if r.result is not None]


def test_rounds_run_what_it_thinks_of(nova: Swarm, command: Callable[[str], str]) -> None:
    nova.run()
    reports: list[RunReport] = []
    done = nova.run_many(3, terms=Terms(think=command(CLIMB)), on_report=reports.append)
    assert (done.rounds, done.stopped) == (3, "")
    assert [report.kind for report in reports] == ["thought"] * 3
    assert rates(reports) == [0.15, 0.2, 0.25]
    told = [json.loads((room / "outcome.json").read_text()) for room in rooms(nova)]
    assert [one["verdict"] for one in told] == ["better"] * 3
    assert all((room / "work" / "scratch" / "learn").exists() for room in rooms(nova))
    nova.sync()
    assert "RATE = 0.25" in (nova.workspace / "train.py").read_text()


def test_without_a_thought_the_queue_goes_on(nova: Swarm, command: Callable[[str], str]) -> None:
    notes: list[str] = []
    done = nova.run_many(
        2,
        terms=Terms(think=command("raise SystemExit(1)")),
        progress=lambda seen: notes.append(seen.description) if seen.phase == "note" else None,
    )
    assert (done.rounds, done.counts["published"]) == (2, 2)
    assert [note.split(" (its")[0] for note in notes] == [
        "the mind had no thought: it failed (exit code 1)"
    ] * 2
    assert not any((room / "learn.log").exists() for room in rooms(nova))


def test_words_that_the_code_contradicts_are_told_of(
    nova: Swarm, command: Callable[[str], str]
) -> None:
    nova.run()
    false = CLIMB + '    Path("description.txt").write_text("set WIDTH to 16")\n'
    reports: list[RunReport] = []
    for code in (false, CLIMB):
        nova.run_many(1, terms=Terms(think=command(code)), on_report=reports.append)
    assert rates(reports) == [0.15, 0.2]
    said = "the words say WIDTH → 16, the code still has 8: the code decides"
    assert [said in report.notes for report in reports] == [True, False]


def test_what_others_did_first_is_told_to_it(
    nova: Swarm, agent: Agent, command: Callable[[str], str]
) -> None:
    nova.run()
    vega = agent("vega")
    vega.sync()
    first = vega.run(set_values={"WIDTH": "16"})
    same = 'from pathlib import Path\np = Path("train.py")\n'
    same += 'p.write_text(p.read_text().replace("WIDTH = 8", "WIDTH = 16"))'
    reports: list[RunReport] = []
    nova.run_many(1, terms=Terms(think=command(same)), on_report=reports.append)
    assert reports[0].kind != "thought"
    assert first.result is not None
    told = json.loads((rooms(nova)[-1] / "outcome.json").read_text())
    assert told["outcome"] in ("not run", "refused")
    assert f"vega has done it (same program): {first.result.id}" in told["error"]
    assert not (rooms(nova)[-1] / "learn.log").exists()


def test_why_a_thought_was_not_run(nova: Swarm, agent: Agent) -> None:
    base = Base(None, toy.PROGRAM)
    thought = Thought(base, toy.PROGRAM.replace("WIDTH = 8", "WIDTH = 16"), None)
    assert not_run(nova.member, thought)["error"] == ""
    agent("vega").claim("WIDTH=16")
    nova.sync()
    assert not_run(nova.member, thought)["error"] == "vega is doing it (same experiment)"
    code = Thought(base, toy.PROGRAM + "def f():\n    pass\n", None)
    assert "it cannot describe itself" in not_run(nova.member, code)["error"]


def test_from_the_command_line(
    nova: Swarm,
    command: Callable[[str], str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(nova.workspace)
    nova.run()
    typed = command(CLIMB + 'if phase == "think": Path("x.md").touch()')
    assert main.run(["run", "--count", "1", "--think", typed, "--think-minutes", "1"]) == 0
    said = capsys.readouterr().err
    assert "note: the mind had no thought: it wrote beside train.py: x.md (its words: " in said
    assert main.run(["run", "--count", "1", "--think", command(CLIMB)]) == 0
    assert "RATE 0.1 → 0.15" in capsys.readouterr().out


@pytest.mark.parametrize("typed", ["true; true", "true | tee x", "true >x", "true && true"])
def test_a_shell_line_is_told_from_a_command(typed: str) -> None:
    with pytest.raises(UsageError, match="gets no shell") as e:
        Command.parse(typed)
    assert "sh -c" in (e.value.hint or "")


@pytest.mark.parametrize(
    "typed",
    ["sh -c 'true; true >x'", "true --allowedTools 'Bash(a:*)' -", 'true -p "say <what> & why;"'],
)
def test_what_is_quoted_is_no_shell_line(typed: str) -> None:
    assert Command.parse(typed).words[1:] == tuple(shlex.split(typed)[1:])


def test_a_command_that_is_not_there_begins_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    assert main.run(["run", "--forever", "--think", "no-such-thing"]) == 2
    assert "the command to think is not there: 'no-such-thing'" in capsys.readouterr().err
    assert list(Path().iterdir()) == []
