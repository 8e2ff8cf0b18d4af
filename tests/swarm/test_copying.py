"""What of a program another program has."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

import gitcollab
from gitcollab.swarm.copying import MIN_COPIED, added, lines
from tests import toy

LONG = "x = " + " + ".join(f"y{n} * z" for n in range(MIN_COPIED))


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        ("os.abort()", "os.abort()  # a ; b # c"),
        ("os.abort()", "\ufeffos.abort()"),
        ("os.abort()", "x = 1 ;\tos.abort();"),
        ("os.abort()", "( this is no Python\r\nos.abort() # hers"),
        ("os.abort('#;')", "os.abort( '#;' )  # a"),
        ("( this is no Python\nos.abort() # said", "os.abort() # said"),
        ("os.abort(\n    1,  # one\n    2,\n)", "os.abort(\n    1,  # two\n    2\n)"),
        ("os.abort(1, 2)", "os.abort(\n    1,\n    2,\n)"),
        ("os.abort(\n    1,\n    2,\n)", "os.abort(1, 2)"),
        (LONG, f"({LONG})"),
    ],
)
def test_a_line_is_known_in_whatever_form(mine: str, theirs: str) -> None:
    assert added(f"import os\n{mine}").within(theirs.encode()).are_copied


@pytest.mark.parametrize(
    "line",
    [
        "from os import *",
        "from os import open",
        "from posix import system as norm",
        "import os.path as open",
        "from torch.hub import load; load('x')",
        "from random import _os; _os.abort()",
        "import torch; torch.load('x')",
        "x = model.__class__",
        "print = exec",
        "print(f'{1:{eval(x)}}')",
        "@exec\ndef f(): pass",
        "lines = [\n    1,\n    open('x')\n]",
    ],
)
def test_a_line_that_reaches_out_is_copied_however_short(line: str) -> None:
    assert added(line).within(line.encode()).are_copied


@pytest.mark.parametrize(
    "line",
    [
        "import os, sys, subprocess",
        "import numpy as np",
        "from pathlib import Path",
        "from torch.nn import functional as F",
        "from gitcollab.task import (\n    evaluate,\n    load_data,\n)",
        "if __name__ == '__main__':\n    pass",
        "LR: float = 3e-4; DEPTH = 2**3; FAST = True",
        '"""What it does, in so many words that nobody says the same, %s."""' % ("x" * MIN_COPIED),
        "super().__init__()",
        "model.eval()",
        "x = re.compile('open')",
        "x = F.silu(x)",
    ],
)
def test_what_everybody_writes_is_not(line: str) -> None:
    assert not added(line).within(line.encode()).are_copied


def test_much_of_what_does_not_reach_out_is_copied() -> None:
    assert added(LONG).within(LONG.encode()).are_copied
    assert not added(LONG[: MIN_COPIED // 2]).within(LONG[: MIN_COPIED // 2].encode()).are_copied


def test_what_a_base_has_is_not_added() -> None:
    assert not added(toy.PROGRAM, toy.PROGRAM)
    indented = toy.PROGRAM.replace("print(", "if 1:\n    print(")
    assert not added(indented, toy.PROGRAM, "if 1:\n    pass").are_copied


def test_lines_are_known_again_by_their_digests() -> None:
    found = lines("import os\nos.abort()\nx = 1")
    assert found.among(found.digests) == found
    assert not found.among(lines("os.abort(1)").digests)


@pytest.mark.parametrize("piece", [b"#", b"#\n", b"a#b#c\n", b";", b"\xff", b"\0", b"(\n", b"'"])
def test_no_program_takes_long(piece: bytes) -> None:
    hostile = piece * (1_000_000 // len(piece))
    mine = added((Path(gitcollab.__file__).parent / "swarm" / "copying.py").read_text())
    began = time.process_time()
    mine.within(hostile)
    lines(hostile[:50_000].decode(errors="replace"))
    assert time.process_time() - began < 5
