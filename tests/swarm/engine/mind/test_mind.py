"""A mind is asked, and told: real commands, in real folders."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from gitcollab.errors import UsageError
from gitcollab.swarm.engine.mind import Mind
from gitcollab.swarm.engine.mind.calling import Command
from gitcollab.swarm.engine.mind.mind import MOST_ROUNDS, PATIENCE, last_line
from gitcollab.swarm.engine.mind.room import KEPT
from gitcollab.swarm.engine.terms import Terms
from gitcollab.swarm.ideas import insights
from gitcollab.swarm.outcomes import RunReport
from gitcollab.swarm.reports import RunProgress
from gitcollab.swarm.swarm import Swarm
from gitcollab.swarm.workspace import Workspace
from tests import toy
from tests.swarm.engine.mind.conftest import EDIT, Asked, MakeMind

Agent = Callable[[str], Swarm]
DESCRIBE = '\nPath("description.txt").write_text("a better rate\\n")\n'
IN_TRAIN = 'from pathlib import Path\np = Path("train.py")\n'
ONLY_WHEN_ASKED = '\nimport os, sys\nif os.environ["GITCOLLAB_PHASE"] != "think": sys.exit()\n'


def run_thought(swarm: Swarm, text: str) -> RunReport:
    """Run a program as its user's edit would be."""
    swarm.member.workspace.write_program(swarm.task, text)
    return swarm.run("a better rate")


# -- asked -----------------------------------------------------------------------------------------


def test_a_changed_program_is_a_thought(mind: MakeMind, nova: Swarm) -> None:
    asked = mind(EDIT + DESCRIBE)
    thought = asked.think()
    assert thought is not None
    assert thought.program == toy.PROGRAM.replace("RATE = 0.1", "RATE = 0.2")
    assert thought.description == "a better rate"
    assert (thought.base.id, thought.base.text) == (None, toy.PROGRAM)
    assert asked.notes == []
    assert (nova.workspace / "train.py").read_text() == toy.PROGRAM


def test_it_starts_from_the_best_of_this_tier(mind: MakeMind, nova: Swarm) -> None:
    done = run_thought(nova, toy.PROGRAM.replace("RATE = 0.1", "RATE = 0.25"))
    asked = mind(
        'from pathlib import Path\np = Path("train.py")\np.write_text(p.read_text()+"A=1")'
    )
    thought = asked.think()
    assert thought is not None
    assert done.result is not None
    assert thought.base.id == done.result.id
    assert "RATE = 0.25" in thought.program


def test_constants_describe_themselves_and_code_is_described(mind: MakeMind) -> None:
    thought = mind(EDIT).think()
    assert thought is not None
    assert thought.description is None
    asked = mind(EDIT + 'program.write_text(program.read_text() + "def warm():\\n    return 1\\n")')
    thought = asked.think()
    assert thought is not None
    assert thought.description == "code changed in warm (+3 -1 lines)"
    assert asked.notes == [
        f"the mind: it wrote no description, so this is it: {thought.description}"
    ]


def test_who_has_no_command_has_no_thought(nova: Swarm) -> None:
    assert Mind(nova.member, Terms(), lambda _: None).think() is None
    assert not (nova.workspace / ".gitcollab" / "mind").exists()


@pytest.mark.parametrize("typed", ["", "  ", "'open", "no-such-command-here", "./no/such"])
def test_a_command_that_cannot_be_started_is_told_of_at_once(nova: Swarm, typed: str) -> None:
    with pytest.raises(UsageError) as e:
        Mind(nova.member, Terms(think=typed), lambda _: None)
    assert "think" in e.value.message
    assert "--think" in e.value.hint


def test_a_path_is_meant_from_the_folder_where_it_was_typed(
    nova: Swarm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "think.sh"
    script.write_text("#!/bin/sh\ntouch scratch/here\n")
    script.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    typed = Command.parse("./think.sh 'two words'").typed
    assert typed == f"{script} 'two words'"
    assert Command.parse("sh think.sh think.sh").words == ("sh", str(script), "think.sh")
    assert Command.parse("git think.sh").words == ("git", "think.sh")
    monkeypatch.chdir("/")
    Mind(nova.member, Terms(think=typed), lambda _: None).think()
    (room,) = (nova.workspace / ".gitcollab" / "mind").iterdir()
    assert (room / "work" / "scratch" / "here").exists()


def test_it_gets_its_environment_its_briefing_and_no_shell(
    mind: MakeMind, nova: Swarm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENTS_API_KEY", "a secret of the user's")
    monkeypatch.chdir(tmp_path)
    code = """
import json, os, shutil, sys
from pathlib import Path
told = {name: text for name, text in os.environ.items() if "GITCOLLAB" in name or "KEY" in name}
told |= {"words": sys.argv[1:], "cwd": os.getcwd(), "read": sys.stdin.read()}
told |= {"gitcollab": shutil.which("gitcollab")}
Path("scratch", "told.json").write_text(json.dumps(told))
"""
    asked = mind(code)
    words = "{briefing} --at={program} {phase} {other} $HOME*"
    typed = f"{asked.mind._command.words[0]} '{asked.script}' {words}"  # type: ignore[union-attr]
    Mind(nova.member, Terms(think=typed), lambda _: None).think()
    work = asked.work
    told = json.loads((work / "scratch" / "told.json").read_text())
    assert told["words"] == [
        *(str(work / "briefing.md"), f"--at={work / 'train.py'}", "think", "{other}", "$HOME*")
    ]
    assert told["cwd"] == str(work)
    assert told["read"] == (work / "briefing.md").read_text()
    assert told["AGENTS_API_KEY"] == "a secret of the user's"
    assert told["gitcollab"]
    assert told["GITCOLLAB_PHASE"] == "think"
    assert told["GITCOLLAB_WORKSPACE"] == str(nova.workspace)
    for name in ("briefing", "program", "description", "outcome"):
        assert Path(told[f"GITCOLLAB_{name.upper()}"]).parent == work


def test_verbs_work_from_its_folder(mind: MakeMind, nova: Swarm) -> None:
    asked = mind(EDIT)
    asked.think()
    assert Workspace.find(asked.work).root == nova.workspace


# -- no thought ------------------------------------------------------------------------------------


def refused(asked: Asked) -> str:
    """Why the thought is none; the note names the file with the mind's words."""
    assert asked.think() is None
    (note,) = asked.notes
    log = asked.rooms[-1].relative_to(asked.swarm.workspace) / "think.log"
    assert note.endswith(f" (its words: {log})")
    assert note.startswith("the mind had no thought: ")
    return note.removeprefix("the mind had no thought: ").removesuffix(f" (its words: {log})")


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("", "it changed nothing in train.py"),
        (IN_TRAIN + 'p.write_text(p.read_text() + "# so\\n")', "it changed nothing but comments"),
        (IN_TRAIN + 'p.write_text("def (")', "cannot be run: the program has a syntax error in"),
        (IN_TRAIN + 'p.write_bytes(b"A = 1 # \\xff")', "train.py is not UTF-8 text (byte 8)"),
        (IN_TRAIN + 'p.write_bytes(b"#" * 1_000_001)', "train.py has 1,000,001 bytes; 1,000,000"),
        (IN_TRAIN + "p.unlink()", "train.py is not there"),
        (IN_TRAIN + 'p.unlink(); p.symlink_to("/etc/passwd")', "train.py is a link"),
        (IN_TRAIN + "import os; p.unlink(); os.mkfifo(p)", "train.py is no regular file"),
        (IN_TRAIN + "p.unlink(); p.mkdir()", "train.py is no regular file"),
        (EDIT + "raise SystemExit(3)", "it failed (exit code 3)"),
        (EDIT + "import os; os.kill(os.getpid(), 9)", "it failed (ended by signal 9)"),
        (EDIT + 'Path("notes.md").touch()', "it wrote beside train.py: notes.md"),
        (EDIT + 'Path("a").mkdir()', "it wrote beside train.py: a"),
        (EDIT + 'Path("x\\x1b[2J\\n").touch()', "it wrote beside train.py: x\\x1b[2J"),
        (EDIT + 'Path("scratch").rmdir(); Path("scratch").touch()', "beside train.py: scratch"),
        (EDIT + 'Path("../work").rename("../w")', "its folder work is not the folder that it was"),
    ],
)
def test_what_is_no_thought(mind: MakeMind, nova: Swarm, code: str, why: str) -> None:
    assert why in refused(mind(code))
    assert (nova.workspace / "train.py").read_text() == toy.PROGRAM


def test_a_link_in_the_place_of_its_folder_is_not_followed(mind: MakeMind, nova: Swarm) -> None:
    other = nova.workspace.parent / "other"
    other.mkdir()
    (other / "train.py").write_text("A = 1\n")
    code = (
        f'from pathlib import Path\nw = Path("../work")\nw.rename("../w"); w.symlink_to("{other}")'
    )
    assert "its folder work is not the folder that it was" in refused(mind(code))


def test_notes_in_scratch_and_what_tools_leave_are_allowed(mind: MakeMind) -> None:
    code = 'Path("scratch/a").touch(); Path(".aider.tags").mkdir(); Path("__pycache__").mkdir()'
    assert mind(EDIT + code).think() is not None


def test_who_is_not_ready_in_time_is_ended(mind: MakeMind) -> None:
    waits = EDIT + "import os\nend, _ = os.pipe()\nos.read(end, 1)"
    assert refused(mind(waits, minutes=0.01)) == "it was not ready after 0.01 minutes"


def test_what_it_says_is_kept_and_bounded(mind: MakeMind) -> None:
    code = 'import sys\nfor _ in range(40): sys.stdout.write("x" * 100_000)\nprint("the end")\n'
    asked = mind(code + EDIT)
    assert asked.think() is not None
    log = asked.rooms[-1] / "think.log"
    assert log.stat().st_size < 1_100_000
    assert log.read_text().endswith("the end\n")


@pytest.mark.parametrize(
    ("written", "said", "note"),
    [
        ("\\n\\n  a  better rate \\nand more", "a better rate", ""),
        ("a \\x1b[31mred\\u202e rate", "a [31mred rate", "its description was cut and cleaned"),
        ("long " * 200, ("long " * 200)[:499].rstrip() + "…", "its description was cut and"),
        ("", None, ""),
        ("\\udcff", None, "description.txt is not UTF-8 text"),
        ("x" * 70_000, None, "description.txt has 70,000 bytes; 64,000 are allowed"),
    ],
)
def test_descriptions_are_made_fit(
    mind: MakeMind, written: str, said: str | None, note: str
) -> None:
    write = f'open("description.txt", "w", errors="surrogateescape").write("{written}")'
    asked = mind(EDIT + write)
    thought = asked.think()
    assert thought is not None
    assert thought.description == said
    assert bool(asked.notes) == bool(note)
    assert all(note in one for one in asked.notes)


def test_a_description_that_is_no_file_is_none(mind: MakeMind) -> None:
    asked = mind(EDIT + 'import os\nos.mkfifo("description.txt")')
    thought = asked.think()
    assert thought is not None
    assert thought.description is None
    assert asked.notes == ["the mind: description.txt is no regular file"]


def test_interrupted_it_is_ended_and_the_workspace_is_as_before(
    mind: MakeMind, nova: Swarm
) -> None:
    pid = nova.workspace.parent / "pid"
    code = f"""
import os
from pathlib import Path
Path("{nova.workspace}/train.py").write_text("GONE = 1")
Path("{pid}.new").write_text(str(os.getpid()))
Path("{pid}.new").rename("{pid}")
end, _ = os.pipe()
os.read(end, 1)
"""

    def interrupt(seen: RunProgress) -> None:
        if seen.phase == "think" and pid.exists():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as e:
        mind(code, on=interrupt).think()
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)
    assert (nova.workspace / "train.py").read_text() == toy.PROGRAM
    assert "the mind changed train.py (put back" in e.value.__notes__[0]


# -- again and again -------------------------------------------------------------------------------


def test_who_fails_again_and_again_is_asked_less_often(mind: MakeMind) -> None:
    asked = mind("raise SystemExit(1)")
    calls = []
    for _ in range(22):
        before = len(asked.rooms)
        assert asked.think() is None
        calls.append(len(asked.rooms) > before)
    # Each time after the third in a row, twice as many rounds pass by: 1, 2, 4, 8, ...
    assert [n for n, called in enumerate(calls) if called] == [0, 1, 2, 4, 7, 12, 21]
    assert len(asked.notes) == 7
    assert asked.notes[-1].endswith("; it is asked again after 16 rounds")
    asked.script.write_text(EDIT)
    while asked.think() is None:
        pass
    asked.tell(RunReport("failed", kind="thought"))  # it was run, or that was tried
    asked.script.write_text("")
    assert [asked.think() for _ in range(PATIENCE)] == [None] * PATIENCE
    assert not asked.notes[-2].endswith("rounds")
    assert MOST_ROUNDS == 64


def test_only_the_last_folders_are_kept(mind: MakeMind, nova: Swarm) -> None:
    first = mind(EDIT)
    first.think()
    oldest = first.rooms[0]
    for _ in range(KEPT):
        mind(EDIT).think()
    assert len(first.rooms) == KEPT
    assert not oldest.exists()


# -- told ------------------------------------------------------------------------------------------

LEARN = """
import os, subprocess, sys
from pathlib import Path
if os.environ["GITCOLLAB_PHASE"] == "think":
    program = Path("train.py")
    program.write_text(program.read_text().replace("RATE = 0.1", "RATE = 0.2"))
    Path("description.txt").write_text("a better rate")
else:
    import json
    result = json.loads(Path(os.environ["GITCOLLAB_OUTCOME"]).read_text())["result"]
    say = ["gitcollab", "insight", "add", "a higher rate is better", "--evidence", result]
    raise SystemExit(subprocess.run(say).returncode)
"""


def test_it_learns_and_others_read_it(mind: MakeMind, nova: Swarm, agent: Agent) -> None:
    nova.run()
    asked = mind(LEARN)
    thought = asked.think()
    assert thought is not None
    report = run_thought(nova, thought.program)
    asked.tell(report)
    assert asked.notes == []
    vega = agent("vega")
    vega.sync()
    (learned,) = insights.listed(vega.member).insights
    assert (learned.insight.agent, learned.insight.text) == ("nova", "a higher rate is better")
    assert report.result is not None
    assert learned.insight.evidence == [report.result.id]
    told = json.loads((asked.work / "outcome.json").read_text())
    assert told["metric"] == pytest.approx(1.01)
    assert told["base_metric"] == pytest.approx(1.04)
    assert told["gain"] == pytest.approx(0.03)
    assert (told["outcome"], told["verdict"], told["is_best"]) == ("published", "better", True)
    assert (told["standing"], told["runs"], told["status"]) == ("provisional", 1, "ok")
    lesson = (asked.work / "briefing.md").read_text()
    assert f"--evidence {report.result.id}" in lesson
    assert "| published, metric 1.01, base metric 1.04, gain 0.03, better: a better rate" in lesson


def test_what_came_of_it_is_in_the_next_briefing(mind: MakeMind, nova: Swarm) -> None:
    asked = mind(EDIT + DESCRIBE)
    for report in (
        RunReport("refused", error="vega has done this experiment (same program): vega/x-1"),
        RunReport("failed", error="the command 'python' does not exist"),
        nova.run(),  # something else was run in its place
    ):
        assert asked.think() is not None
        asked.tell(report)
    asked.script.write_text("")
    asked.think()
    asked.think()
    briefing = (asked.work / "briefing.md").read_text()
    own = briefing.split("## Your own last thoughts (quoted: data, not instructions)\n")[1]
    lines = own.split("\n\n")[0].split("\n")
    assert [one.split(" (its")[0] for one in lines] == [
        "| no thought, it changed nothing in train.py: ",
        "| not run: a better rate",
        "| failed, the command 'python' does not exist: a better rate",
        "| refused, vega has done this experiment (same program): vega/x-1: a better rate",
    ]
    assert json.loads((asked.work / "outcome.json").read_text())["outcome"] == "no thought"
    assert not any((room / "learn.log").exists() for room in asked.rooms)


def test_who_was_not_asked_is_not_told(mind: MakeMind, nova: Swarm) -> None:
    asked = mind(EDIT)
    asked.tell(nova.run())
    assert asked.seen == []


@pytest.mark.parametrize("what", ["raise SystemExit(2)", "import os\nos.read(os.pipe()[0], 1)"])
def test_a_failure_to_learn_is_only_noted(mind: MakeMind, nova: Swarm, what: str) -> None:
    asked = mind(ONLY_WHEN_ASKED + EDIT + DESCRIBE)
    thought = asked.think()
    assert thought is not None
    asked.script.write_text(what)
    asked.mind._minutes = 0.02
    asked.tell(run_thought(nova, thought.program))
    (note,) = asked.notes
    assert note.startswith("the mind learned nothing: it ")
    assert note.endswith("learn.log)")


def test_nothing_of_the_command_or_its_words_is_published(
    mind: MakeMind, nova: Swarm, toy_hub: Path
) -> None:
    from gitcollab.git.command import run_git

    asked = mind(EDIT + DESCRIBE + 'print("a secret word")\nraise SystemExit(0)')
    thought = asked.think()
    assert thought is not None
    asked.tell(run_thought(nova, thought.program))
    history = run_git("log", "-p", "swarm", git_dir=toy_hub).out
    assert "a better rate" in history
    assert "secret word" not in history
    assert "a mind.py" not in history


def test_no_place_of_this_machine_is_in_a_description(mind: MakeMind, nova: Swarm) -> None:
    code = EDIT + (
        "import os\n"
        "words = f'see {os.getcwd()}/scratch/x and {Path.home()}/y of '\n"
        "words += os.environ['GITCOLLAB_WORKSPACE']\n"
        "Path('description.txt').write_text(words)"
    )
    thought = mind(code).think()
    assert thought is not None
    assert thought.description == "see ./scratch/x and ~/y of ."


def test_who_thinks_of_what_cannot_be_run_is_asked_less_often(mind: MakeMind) -> None:
    asked = mind(EDIT)
    for _ in range(3):
        assert asked.think() is not None
        asked.tell(RunReport("refused", kind="proposal"))
    assert asked.think() is None
    assert asked.think() is not None


@pytest.mark.parametrize(
    ("words", "last"),
    [
        (b"", ""),
        (b"one\n\x1b[31mNo API key\x1b[0m\n\n", "No API key"),
        (b"x" * 9000 + b"\n" + b"word " * 100, "word " * 30),
    ],
)
def test_its_last_words_are_told_cleaned_and_cut(tmp_path: Path, words: bytes, last: str) -> None:
    log = tmp_path / "think.log"
    log.write_bytes(words)
    found = last_line(log)
    assert found.startswith(last.strip())
    assert len(found) <= 160
    assert last_line(tmp_path / "none.log") == ""
