"""Code of others that comes in by hand, around patches and adopting, is still theirs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gitcollab.errors import RefusedError
from gitcollab.runner import sandbox
from gitcollab.store.differences import difference
from gitcollab.swarm import authorship, patching
from gitcollab.swarm.swarm import Swarm
from tests import toy
from tests.swarm.machines import Machines, member_of

PATCH = difference(
    toy.PROGRAM,
    toy.PROGRAM.replace("RATE = 0.1 ", 'EXTRA = len(os.listdir("."))\nRATE = 5.0 '),
    "train.py",
).patch
# What eve published: two lines of hers, and another value.
HERS = toy.PROGRAM.replace(
    'print("---")',
    'for name in sorted(os.environ):\n    print("step", len(name))\nprint("---")',
).replace("0.1 ", "0.2 ")


@pytest.fixture
def nova(machines: Machines, monkeypatch: pytest.MonkeyPatch) -> Swarm:
    """The owner of a hub, on a machine without a sandbox; eve has published her program there."""
    monkeypatch.setattr(sandbox, "lacking", lambda: ("there is none", "install it"))
    hub = machines.hub()
    mine = Swarm(member_of(hub, "nova"))
    assert mine.run().outcome == "published"
    machines.at("far away")
    eve = Swarm(member_of(hub, "eve"))
    write(eve, HERS)
    assert eve.run("count the environment", sandbox="off").outcome == "published"
    machines.at("keeper")
    mine.member.store.refresh()
    return mine


def write(swarm: Swarm, text: str) -> None:
    (swarm.workspace / "train.py").write_text(text)


def publish(machines: Machines, nova: Swarm, agent: str, text: str) -> None:
    """Another agent, elsewhere, publishes a program, whether it runs or not."""
    machines.at("far away")
    other = Swarm(member_of(Path(nova.member.config.hub), agent))
    write(other, text)
    log = other.workspace / "run.log"
    log.write_text("---\nscore: 1.5\nnum_steps: 1\n")
    assert other.publish(log, what=f"by {agent}").outcome == "published"
    machines.at("keeper")
    nova.member.store.refresh()


def own_edit(text: str) -> str:
    return text.replace("WIDTH = 8", "WIDTH = 16").replace('print("step 1 ', 'print("step 2 ')


def reformatted(text: str) -> str:
    return "# mine\n" + text.replace("0.2   #", "0.2 #").replace("(name)", "( name )")


COPIES: dict[str, tuple[Callable[[str], str], dict[str, str] | None]] = {
    "as it is": (str, None),
    "reformatted": (reformatted, None),
    "with a value set": (str, {"WIDTH": "9"}),
    "reformatted, with a value set": (reformatted, {"RATE": "0.25"}),
    "with an edit": (own_edit, None),
    "with an edit and a value": (own_edit, {"RATE": "0.25"}),
    "formatted and edited": (
        lambda text: (
            own_edit(text)
            .replace('"step", len(name)', "'step',len( name )")
            .replace("sorted(os.environ):", "sorted( os.environ ):  # what is there")
        ),
        None,
    ),
    "with other line ends": (lambda text: own_edit(text).replace("\n", "\r\n"), None),
    "indented otherwise": (lambda text: own_edit(text).replace("    print", "  print"), None),
    "in the middle of what is mine": (
        lambda text: (
            own_edit(text).replace("seed % 10", "seed % 7").replace("NOISE = 0.0", "N = 0")
        ),
        None,
    ),
}


COMMAND = "import os; os.system('true # what she likes')"
LONG = 'print("step", len(os.environ), os.getcwd(), os.getpid(), os.sep, os.name, os.linesep)'
WRAPPED = (
    'print(\n    "step",\n    len(os.environ),\n    os.getcwd(),\n    os.getpid(),\n    os.sep,\n'
    "    os.name,\n    os.linesep,\n)"
)


def doing(*lines: str) -> str:
    return toy.PROGRAM.replace('print("---")', "\n".join((*lines, 'print("---")')))


# What eve publishes, and what is in it that a copy with edits of one's own still has.
HIDDEN: dict[str, tuple[str, str]] = {
    "behind a hash in a string": (doing(f'_="#";{COMMAND}'), ""),
    "each behind a hash": (doing(f'_="#";{COMMAND}', '_="#";X=1', '_="#";Y=2'), ""),
    "in a constant": (
        toy.PROGRAM.replace("NOISE = ", f"NOTE = {COMMAND!r}\nNOISE = ").replace(
            'print("---")', 'exec(NOTE)\nprint("---")'
        ),
        "",
    ),
    "in numbers": (doing(f"CODE = {tuple(COMMAND.encode())}", "exec(bytes(CODE))"), ""),
    "in one number": (doing(f"CODE = {int.from_bytes(COMMAND.encode())}", "exec(f(CODE))"), ""),
    "in letters that are read as others": (doing("e\U0001d4cdec(NOTE)"), ""),
    "by another name": (doing("import subprocess as s", "s.run('a')"), ""),
    "imported": (doing("from os import getppid", "getppid()"), ""),
    "imported for another": (doing("from os import system as norm"), ""),
    "by a name of a name": (doing("math.os.abort()"), ""),
    "in a formatted string": (doing("print(f'{os.abort()}')"), ""),
    "after a value": (doing("SIZE = 5; os.abort()"), "SIZE = 6; os.abort()"),
    "short": (doing("os.kill(0, 0)"), ""),
    "wrapped": (doing(LONG), WRAPPED),
    "unwrapped": (doing(WRAPPED), LONG),
    "unwrapped, and short": (doing("os.kill(", "    0, 0", ")"), "os.kill(0, 0)"),
}


@pytest.mark.parametrize("how", HIDDEN)
def test_her_lines_are_known_wherever_she_hides_them(
    nova: Swarm, machines: Machines, how: str
) -> None:
    hers, copied = HIDDEN[how]
    publish(machines, nova, "eve", hers)
    write(nova, own_edit(doing(copied) if copied else hers))
    with pytest.raises(RefusedError, match="code by eve, and there is no sandbox"):
        nova.run("mine")


@pytest.mark.parametrize("how", COPIES)
def test_a_program_copied_by_hand_is_its_authors(nova: Swarm, how: str) -> None:
    edit, values = COPIES[how]
    write(nova, edit(HERS))
    with pytest.raises(RefusedError, match="code by eve, and there is no sandbox"):
        nova.run("mine", set_values=values)
    assert nova.status().claims == []


def test_so_is_what_is_built_on_the_copy(nova: Swarm) -> None:
    write(nova, own_edit(HERS))
    report = nova.run("mine", sandbox="off")
    assert "code by eve runs unprotected: the sandbox is off" in report.notes
    assert report.kept
    with pytest.raises(RefusedError, match="code by eve"):
        nova.run(set_values={"RATE": "0.3"})


def test_a_published_copy_is_marked(nova: Swarm, tmp_path: Path) -> None:
    base = nova.member.workspace.base()
    assert base is not None
    write(nova, own_edit(HERS))
    log = tmp_path / "run.log"
    log.write_text("---\nscore: 1.01\nnum_steps: 1\n")
    made = nova.publish(log, what="mine").result
    assert made is not None
    write(nova, base.text)
    write(nova, own_edit(HERS).replace("listing", "x"))
    with pytest.raises(RefusedError, match="code by eve"):
        nova.run("mine", anyway=True)
    assert authorship.strangers(nova.member, made) == ("eve",)


@pytest.mark.parametrize("edit", [str, own_edit], ids=["as it is", "edited"])
@pytest.mark.parametrize("values", [None, {"WIDTH": "9"}], ids=["", "with a value set"])
def test_a_patch_that_was_put_aside_is_still_its_authors(
    nova: Swarm, edit: Callable[[str], str], values: dict[str, str] | None
) -> None:
    report = nova.run("a patch", patch=PATCH, sandbox="off")
    assert report.kept is False
    (aside,) = (nova.workspace / ".gitcollab" / "aside").iterdir()
    write(nova, edit(aside.read_text()))
    with pytest.raises(RefusedError, match="code by the author of the patch"):
        nova.run("mine", set_values=values, anyway=True)


def interrupt(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_a_patch_that_was_interrupted_is_still_its_authors(
    nova: Swarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("gitcollab.swarm.running.measure", interrupt)
        with pytest.raises(KeyboardInterrupt):
            nova.run("a patch", patch=PATCH, sandbox="off")
    assert nova.member.workspace.program(nova.member.task) == toy.PROGRAM
    write(nova, patching.applied(PATCH, toy.PROGRAM, "train.py").replace("# what", "# What"))
    with pytest.raises(RefusedError, match="code by the author of the patch"):
        nova.run("mine")


def test_so_is_an_edited_copy_of_its_run(nova: Swarm, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("gitcollab.runner.process.run", interrupt)
        with pytest.raises(KeyboardInterrupt):
            nova.run("a patch", patch=PATCH, sandbox="off")
    (copy,) = (nova.workspace / ".gitcollab" / "runs").glob("*-a-patch/train.py")
    write(nova, own_edit(copy.read_text()))
    with pytest.raises(RefusedError, match="code by the author of the patch"):
        nova.run("mine")


def test_so_is_an_edited_copy_of_a_patch_that_was_run_offline(nova: Swarm) -> None:
    hub = Path(nova.member.config.hub)
    hub.rename(hub.with_suffix(".away"))
    assert nova.run("a patch", patch=PATCH, sandbox="off").outcome == "queued"
    (aside,) = (nova.workspace / ".gitcollab" / "aside").iterdir()
    write(nova, own_edit(aside.read_text()))
    with pytest.raises(RefusedError, match="code by the author of the patch"):
        nova.run("mine")


OWN: dict[str, str] = {
    "a value that she has too": toy.PROGRAM.replace("0.1 ", "0.2 "),
    "an idea of one's own": own_edit(toy.PROGRAM),
    "a short line that she has too": toy.PROGRAM.replace("WIDTH = 8 ", "RATE = 0.2 "),
    "a comment that she has too": "# count all that is in the environment\n"
    + own_edit(toy.PROGRAM),
}


@pytest.mark.parametrize("what", OWN)
def test_what_one_writes_oneself_is_own(nova: Swarm, what: str) -> None:
    write(nova, OWN[what])
    assert nova.run("mine", set_values={"NOISE": "0.001"}).outcome == "published"


EVERYDAY = """\
from collections import defaultdict
from pathlib import Path
import os, subprocess
import torch.nn.functional as F

SEED = 1_000
try:
    pass
except ValueError:
    pass
else:
    pass
torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
model = torch.compile(model).eval()
if __name__ == "__main__":
    pass
"""


def test_what_everybody_writes_is_nobodys(nova: Swarm, machines: Machines) -> None:
    publish(machines, nova, "eve", toy.PROGRAM + EVERYDAY)
    mine = own_edit(toy.PROGRAM).replace('print("---")', "X = [1]\nprint('---')") + "if False:\n"
    write(nova, mine + "".join(f"    {line}\n" for line in EVERYDAY.splitlines()) + "    X = [2]")
    assert nova.run("mine").outcome == "published"


def test_the_baselines_lines_are_its_owners_whoever_ran_it_first(
    machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox, "lacking", lambda: ("there is none", "install it"))
    hub = machines.hub()
    mine = Swarm(member_of(hub, "nova"))
    machines.at("far away")
    assert Swarm(member_of(hub, "eve")).run(sandbox="off").outcome == "published"
    machines.at("keeper")
    mine.member.store.refresh()
    seed = 'seed = int(os.environ["GITCOLLAB_SEED"])'
    write(mine, toy.PROGRAM.replace(seed, "seed = 1").replace("0.1 ", "0.2 "))
    assert mine.run("always the same seed").kept
    write(mine, toy.PROGRAM.replace("0.1 ", "0.25 "))
    assert mine.run("seeds again").outcome == "published"


def test_a_patch_back_to_what_is_own_makes_nothing_anybody_elses(nova: Swarm) -> None:
    mine = toy.PROGRAM.replace("0.1 ", "0.2 ")
    write(nova, mine)
    assert nova.run().kept
    back = difference(mine, toy.PROGRAM, "train.py").patch
    assert nova.run("back", patch=back, sandbox="off", anyway=True).kept is False
    assert nova.run(set_values={"WIDTH": "9"}).outcome == "published"
    write(nova, toy.PROGRAM.replace("WIDTH = 8", "WIDTH = 10"))
    assert nova.run().outcome == "published"


def test_own_lines_stay_own_when_others_take_them(nova: Swarm, machines: Machines) -> None:
    mine = own_edit(toy.PROGRAM).replace(
        'print("---")', 'print("step 3 | loss: 2.4")\nprint("---")'
    )
    write(nova, mine)
    assert nova.run("more steps").outcome == "published"
    machines.at("far away")
    eve = Swarm(member_of(Path(nova.member.config.hub), "eve"))
    write(eve, mine.replace("seed % 10", "seed % 9"))
    eve.member.clock = lambda: datetime.now(UTC) + timedelta(seconds=9)
    assert eve.run("taken", sandbox="off").outcome == "published"
    machines.at("keeper")
    nova.member.store.refresh()
    write(nova, mine.replace("seed % 10", "(seed + 1) % 10"))
    assert nova.run("again").outcome == "published"


def test_a_program_that_is_run_again_is_still_its_authors(nova: Swarm) -> None:
    write(nova, HERS)
    with pytest.raises(RefusedError, match="code by eve"):
        nova.run(anyway=True)
    report = nova.run(anyway=True, sandbox="off")
    assert "code by eve runs unprotected: the sandbox is off" in report.notes
    assert report.result is not None
    assert report.result.replicates is not None
    assert report.result.replicates.startswith("eve/")
    with pytest.raises(RefusedError, match="code by eve"):
        nova.run("hers, with a value", set_values={"RATE": "0.3"})
