"""collab.md holds: whoever takes it at its word gets through it, and through what goes wrong."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import reader
from cli_toys import TOY_TASK, Ran

from gitcollab import errors
from gitcollab.cli import boundary
from gitcollab.faces import briefing
from gitcollab.records.models import Policy
from gitcollab.runner import sandbox
from gitcollab.store.differences import difference
from gitcollab.swarm import authorship

Cli = Callable[..., Ran]
PROTOCOL = Path(__file__).parents[2] / "collab.md"
# A program with the constants that the protocol speaks of; the best MATRIX_LR is 0.03.
PROGRAM = """\
import os

MATRIX_LR = 0.01
WEIGHT_DECAY = 0.1
WIDTH = 8

print("---")
print(f"score: {1 + 100 * (MATRIX_LR - 0.03) ** 2 + 0 * WEIGHT_DECAY:.6f}")
print(f"num_steps: {WIDTH // WIDTH}")
"""


@pytest.fixture
def task_file(tmp_path: Path) -> Path:
    folder = tmp_path / "toy"
    folder.mkdir()
    (folder / "train.py").write_text(PROGRAM)
    (folder / "task.yaml").write_text(TOY_TASK)
    return folder / "task.yaml"


def result_in(ran: Ran) -> str:
    (found,) = re.findall(r"^result +(\S+)$", ran.out, re.M)
    return found


class Reader:
    """Types what the protocol says, and what is only hinted at: edits, patches, others' records."""

    def __init__(self, cli: Cli, folder: Path, hub: Path) -> None:
        self.cli = cli
        self.folder = folder
        self.known = {"HUB": str(hub), "NAME": "nova"}

    def edit(self, old: str, new: str) -> None:
        program = self.folder / "train.py"
        program.write_text(program.read_text().replace(old, new))

    def patch(self, old: str, new: str) -> str:
        text = (self.folder / "train.py").read_text()
        found = difference(text, text.replace(old, new), "train.py")
        path = self.folder / "smaller.patch"
        path.write_text(found.patch)
        return str(path)

    def follow(self, one: reader.Typed) -> Ran:
        if "ReLU²" in one.command:  # "edit train.py, and say in a few words what you changed"
            self.edit('print(f"score', 'ACTIVATION = max  # SwiGLU\nprint(f"score')
        if "FILE" in one.command:
            self.known["FILE"] = self.patch("WIDTH = 8", "WIDTH = 4")
        ran = self.cli(*one.argv(self.known), cwd=self.folder)
        assert ran.code == one.code, (one, ran)
        if one.sample:
            steps = [row for row in ran.err.splitlines() if row.startswith("next: ")]
            shown = [*ran.out.splitlines(), *steps]
            assert reader.shape(shown) == reader.shape(one.sample), shown
        if "\nresult " in ran.out and one.code == 0:
            self.known["RESULT"] = self.known["ID"] = result_in(ran)
        return ran


@pytest.fixture
def crowd(cli: Cli, join: Callable[[str], Path]) -> dict[str, Path]:
    """Others, who were there before: a baseline, a change, a hypothesis, an insight."""
    folders = {name: join(name) for name in ("vega", "lyra")}
    assert cli("run", cwd=folders["vega"]).code == 0
    assert cli("run", "--set", "MATRIX_LR=0.005").code == 0
    told = cli(
        "hypothesis",
        "add",
        "a larger decay",
        "--because",
        "I think so",
        "--set",
        "WEIGHT_DECAY=0.2",
    )
    assert told.code == 0, told
    told = cli("insight", "add", "decay hardly matters here", "--expects", "noise")
    assert told.code == 0, told
    return folders


def test_the_protocol_can_be_followed(
    cli: Cli, hub: Path, crowd: dict[str, Path], tmp_path: Path
) -> None:
    text = (crowd["vega"] / "collab.md").read_text()  # as join puts it there
    mine = tmp_path / "nova"
    mine.mkdir()
    me = Reader(cli, mine, hub)
    me.known["IDEA"] = cli("hypothesis", "list", "--json", cwd=crowd["vega"]).json["hypotheses"][0][
        "id"
    ]
    me.known["INSIGHT"] = cli("insight", "list", "--json").json["insights"][0]["id"]
    commands = list(reader.typed(text))
    troubles = [one for one in commands if one.section == "When something goes wrong"]
    assert len(commands) > 15
    assert troubles
    for one in commands:
        if one not in troubles:
            me.follow(one)
    late = Reader(cli, crowd["lyra"], hub)  # whose base is still what nova began with
    assert cli("sync", cwd=crowd["vega"]).code == 0
    for one in troubles:
        late.follow(one)


NO_RESULTS = """\
#!/bin/sh
while read old new ref; do
  if git diff --name-only $old $new | grep -q ^results/; then echo no room; exit 1; fi
done
"""


@dataclass
class Troubles:
    """The table of what goes wrong, held against what is seen."""

    rows: list[reader.Trouble]
    unseen: list[str]

    @classmethod
    def of(cls, text: str) -> Troubles:
        rows = reader.troubles(text)
        return cls(rows, [mark for row in rows for mark in row.marks])

    def row(self, words: str) -> reader.Trouble:
        (found,) = [row for row in self.rows if words in row.seen]
        return found

    def saw(self, mark: str, ran: Ran) -> reader.Trouble:
        """The row of something that went wrong: it says what was seen, and the code."""
        row = self.row(f"`{mark}`")
        assert mark in ran.out + ran.err, ran
        assert ran.code == row.code, (row, ran)
        self.unseen.remove(mark)
        return row


def test_what_goes_wrong_is_told_and_mended_as_the_protocol_says(
    cli: Cli, hub: Path, crowd: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    table = Troubles.of((crowd["vega"] / "collab.md").read_text())
    vega, lyra = crowd["vega"], crowd["lyra"]

    assert cli("claim", "MATRIX_LR 0.01 → 0.05", cwd=vega).code == 0
    table.saw("taken", cli("run", "--set", "MATRIX_LR=0.05", cwd=lyra))
    table.saw("duplicate", cli("run", "--set", "MATRIX_LR=0.005"))
    told = ("insight", "add", "decay hardly matters here", "--expects", "noise")
    table.saw("known", cli(*told))

    with monkeypatch.context() as patch:
        patch.setattr(authorship, "_is_own_file", lambda *_: False)
        patch.setattr(sandbox, "lacking", lambda: ("bubblewrap is not installed", "install it"))
        row = table.saw("there is no sandbox", cli("run", "--set", "WEIGHT_DECAY=0.3"))
        assert "install bubblewrap" in row.does

    door = hub / "hooks" / "pre-receive"
    door.parent.mkdir(exist_ok=True)
    door.write_text(NO_RESULTS)
    door.chmod(0o755)
    row = table.saw("the hub refused the result", cli("run", "--set", "WEIGHT_DECAY=0.3"))
    why, again, _ = row.commands
    assert "no room" in typed(cli, why).out
    door.unlink()
    assert typed(cli, again).code == 0
    assert "no room" not in typed(cli, why).out

    away = hub.rename(hub.with_name("away.git"))
    table.saw("queued", cli("run", "--set", "WEIGHT_DECAY=0.4"))
    row = table.saw("nothing is claimed", cli("claim", "WEIGHT_DECAY 0.1 → 0.5"))
    assert "offline" in cli("sync").out
    away.rename(hub)
    (again,) = row.commands
    assert "1 record" in typed(cli, again).out

    crashed = cli("run", "--set", "WIDTH=0")
    assert crashed.code == reader.codes(PROTOCOL.read_text())["failed"]
    (log,) = table.row("crashed").commands
    assert "ZeroDivisionError" in typed(cli, log, ID=result_in(crashed)).out
    assert table.unseen == []


def typed(cli: Cli, command: str, **stand_ins: str) -> Ran:
    """What came of a command of the table."""
    return cli(*reader.Typed(command, 0, (), "").argv(stand_ins))


def test_its_numbers_are_those_of_the_code() -> None:
    text = PROTOCOL.read_text()
    assert reader.codes(text) == {
        "done": 0,
        "failed": errors.GitcollabError.exit_code,
        "wrong usage or input": errors.UsageError.exit_code,
        "refused": errors.RefusedError.exit_code,
        "queued or offline": errors.OfflineError.exit_code,
        "interrupted": boundary.INTERRUPTED,
    }
    lasts = Policy().claim_ttl_seconds // 60
    assert reader.amounts(text) == [(briefing.MOST, "tokens"), (lasts, "minutes")]


def test_every_command_in_it_exists() -> None:
    text = PROTOCOL.read_text()
    found = [*reader.spans(text), *(one.command for one in reader.typed(text))]
    assert len(found) > 35
    for command in found:
        reader.check_exists(command)


def test_it_is_short_and_each_rule_has_its_reason() -> None:
    text = PROTOCOL.read_text()
    assert len(text) < 11_000  # an agent reads it whole
    assert max(map(len, text.split("| why |")[0].splitlines())) <= 115
    cannot = text.split("## You cannot")[1].split("\n## ")[0]
    assert len(re.findall(r"^- ", cannot, re.M)) == 5
    for section in text.split("\n### ")[1:]:
        number = section[0]
        assert number in "46" or "*Why" in section, section.splitlines()[0]
    assert all(row.count("|") == 4 for row in text.splitlines() if row.startswith("| "))
