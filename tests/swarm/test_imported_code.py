"""Programs that come with a log, out of somebody's repository, are somebody's code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gitcollab.cli import render
from gitcollab.errors import RefusedError
from gitcollab.records.models import Result
from gitcollab.runner import sandbox
from gitcollab.swarm import authorship, importing
from gitcollab.swarm.importing import Wanted
from gitcollab.swarm.swarm import Swarm
from tests import toy
from tests.repos import git
from tests.swarm.machines import Machines, member_of

THEIRS = toy.PROGRAM.replace(
    'print("---")',
    'for name in sorted(os.environ):\n    print("step", len(name))\nprint("---")',
).replace("0.1 ", "0.2 ")
SAYS = "code by the author of the imported repository, and there is no sandbox"


@pytest.fixture
def nova(machines: Machines, monkeypatch: pytest.MonkeyPatch) -> Swarm:
    """The owner of a hub, on a machine without a sandbox."""
    monkeypatch.setattr(sandbox, "lacking", lambda: ("there is none", "install it"))
    return Swarm(member_of(machines.hub(), "nova"))


@pytest.fixture
def theirs(tmp_path: Path) -> tuple[Path, Path]:
    """A stranger's repository: the baseline, and a program that does more; and its log."""
    repo, log = tmp_path / "theirs", tmp_path / "theirs.tsv"
    repo.mkdir()
    git(repo, "init", "-q")
    rows = ["commit\tscore\tstatus\tdescription"]
    for text, said in ((toy.PROGRAM, "1.04\tkeep\tbaseline"), (THEIRS, "1.01\tkeep\tfaster")):
        (repo / "train.py").write_text(text)
        git(repo, "add", ".")
        git(repo, "commit", "-q", "-m", "x")
        rows.append(f"{git(repo, 'rev-parse', 'HEAD')}\t{said}")
    log.write_text("\n".join(rows))
    return repo, log


def bring(nova: Swarm, theirs: tuple[Path, Path], name: str | None = None) -> list[Result]:
    report = nova.import_log(theirs[1], Wanted(repo=theirs[0], agent=name))
    found = [nova.member.result(i) for i in report.ids]
    return [result for result in found if result is not None]


def write(nova: Swarm, text: str) -> None:
    (nova.workspace / "train.py").write_text(text)


@pytest.mark.parametrize("name", [None, "karp"])
def test_who_adopts_one_does_not_run_it_unprotected(
    nova: Swarm, theirs: tuple[Path, Path], name: str | None
) -> None:
    base, best = bring(nova, theirs, name)
    assert authorship.strangers(nova.member, best) == (authorship.IMPORTED,)
    assert authorship.strangers(nova.member, base) == ()
    adopted = nova.adopt()
    assert adopted.id == best.id
    assert render.whose(adopted).startswith(
        f"code of {best.agent} and the author of the imported repository, signature right"
    )
    for values in (None, {"RATE": "0.25"}):
        with pytest.raises(RefusedError, match=SAYS):
            nova.run(set_values=values)
    assert nova.run(sandbox="off").outcome == "published"


@pytest.mark.parametrize(
    "edit",
    [
        str,
        lambda text: text.replace("WIDTH = 8", "WIDTH = 16").replace('"step 1 ', '"step 2 '),
        lambda text: "# mine\n" + text.replace("(name)", "( name )"),
    ],
)
def test_so_it_is_with_a_copy(
    nova: Swarm, theirs: tuple[Path, Path], edit: Callable[[str], str]
) -> None:
    bring(nova, theirs)
    write(nova, edit(THEIRS))
    with pytest.raises(RefusedError, match=SAYS):
        nova.run("mine", anyway=True)


def test_it_is_so_from_before_anything_is_sent(
    nova: Swarm, theirs: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(importing.posting, "deliver", interrupt)
    with pytest.raises(KeyboardInterrupt):
        bring(nova, theirs)
    write(nova, THEIRS)
    with pytest.raises(RefusedError, match=SAYS):
        nova.run("mine")


def test_the_hubs_own_program_stays_what_it_is(nova: Swarm, theirs: tuple[Path, Path]) -> None:
    bring(nova, theirs)
    write(nova, toy.PROGRAM.replace("0.1 ", "0.29 "))
    assert nova.run().outcome == "published"
    assert nova.run(set_values={"WIDTH": "9"}).outcome == "published"


def test_what_one_has_published_oneself_stays_own(nova: Swarm, theirs: tuple[Path, Path]) -> None:
    write(nova, THEIRS)
    assert nova.run("mine").kept
    bring(nova, theirs)
    assert nova.run(set_values={"RATE": "0.25"}).outcome == "published"
