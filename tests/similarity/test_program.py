from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import gitcollab
from gitcollab.similarity.constants import ProgramTooComplex
from gitcollab.similarity.program import fingerprint
from tests.similarity.programs import PROGRAM, STEADY, sources

# Pinned: identities in hubs rest on it. A change here is a change of the record format.
PINNED = "sha256:a2fd7400bfe3f4c507ddf284b94ec3463d11bca7223270b60840a5640d4001af"


def test_the_fingerprint_is_pinned() -> None:
    assert fingerprint(PROGRAM) == PINNED


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("x = 2**18", "x = 262144"),
        ("x = 2**18", "x = 1 << 18"),
        ("x = 1e-1", "x = 0.1"),
        ("x = 10**-3", "x = 0.001"),
        ("x = f(-1)", "x = f(- 1)"),
        ("x = 'a' \"b\"", "x = 'ab'"),
        ("x = u'a'", "x = 'a'"),
        ("x = (1)", "x = 1"),
        ("x = 1  # note", "x = 1\n\n\n"),
        ("x = [1,\n 2]", "x = [1, 2]"),
        ("x = 1\n", "x = 1\r\n"),
        ("\ufeffx = 1\n", "x = 1\n"),
        ("def f():\n  'doc'\n  return 1", "def f():\n    return 1"),
        ("'''doc'''\nx = 1", "x = 1"),
        ("x = f'a' 'b{c}'", "x = 'a' f'b{{c}}'"),
        ("x = f'{y:}'", "x = f'{y:}' ''"),
        ("if x: pass", "if x:\n    pass"),
    ],
)
def test_form_does_not_count(a: str, b: str) -> None:
    assert fingerprint(a) == fingerprint(b)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("x = 1", "y = 1"),
        ("x = 1", "x = 1.0"),
        ("x = 1", "x = True"),
        ("x = 'a'", "x = b'a'"),
        ("x = 0.0", "x = -0.0"),
        ("x = None", "x = ()"),
        ("return_ = f()", "return_ = f(None)"),
        ("f(a, b)", "f(a)(b)"),
        ("x = {**a}", "x = {a: a}"),
        ("x = f'{a}'", "x = f'{a!r}'"),
        ("x = f'{a}b'", "x = f'b{a}'"),
        ("x = a + b - c", "x = a + (b - c)"),
        ("x = [1, 2]", "x = (1, 2)"),
        ("def f(a, b=1): pass", "def f(a=1, *, b): pass"),
        ("def f(*, a=1, b): pass", "def f(*, a, b=1): pass"),
        ("from . import a", "from .. import a"),
        ("x = 'print(1)'", "print(1)"),
        ("if x:\n  a()\nb()", "if x:\n  a()\n  b()"),
        ("match x:\n  case None: pass", "match x:\n  case True: pass"),
    ],
)
def test_meaning_counts(a: str, b: str) -> None:
    assert fingerprint(a) != fingerprint(b)


def test_text_that_is_not_python_is_digested_as_text() -> None:
    script = "#!/bin/sh\nfor x in 1 2; do echo $x; done\n"

    assert fingerprint(script) == fingerprint(script.replace("\n", "  \r\n") + "\n\n")
    assert fingerprint(script) != fingerprint(script.replace("echo", "print"))
    assert fingerprint(script) != fingerprint(script.replace("\nfor", "\n for"))


def test_lone_surrogates_are_digested() -> None:
    assert fingerprint("\ud800") != fingerprint("\ud801")


def test_huge_numbers_are_bounded() -> None:
    assert fingerprint("x = 0x" + "f" * 900_000).startswith("sha256:")


@pytest.mark.parametrize(
    "source",
    [
        "x = " + "-" * 100_000 + "1",
        "x = a" + ".b" * 800,
        "x = " + "+".join("a" * 200_000),
        "if 1: pass\n" + "elif 1: pass\n" * 700,
        "x = 1\n" * 200_000,
    ],
    ids=["unary", "attributes", "chain", "elif", "long"],
)
def test_a_program_beyond_the_bounds_is_refused(source: str) -> None:
    with pytest.raises(ProgramTooComplex) as caught:
        fingerprint(source)

    assert caught.value.hint


@STEADY
@given(sources(), st.integers(0, 5), st.booleans())
def test_formatting_keeps_the_fingerprint(source: str, blanks: int, crlf: bool) -> None:
    lines = [line.rstrip() for line in source.replace("\r\n", "\n").split("\n")]
    changed = ("\n" * blanks + "# note\n").join(f"{line}   # c\n" for line in lines)
    if crlf:
        changed = changed.replace("\n", "\r\n")

    assert fingerprint(changed) == fingerprint(source)


def _other_pythons() -> list[Path]:
    """Other Python versions, where the machine happens to have them beside this one."""
    own = Path(sys.base_prefix)
    found = sorted(own.parent.glob("3.1[1-9]*/bin/python3"))
    return [python for python in found if python.parts[-3] != own.name]


SHOW = """
import sys
from concurrent.futures import ThreadPoolExecutor
from gitcollab.similarity.program import fingerprint
print(fingerprint(sys.stdin.buffer.read().decode()))
"""


@pytest.mark.parametrize("python", _other_pythons(), ids=lambda python: python.parts[-3])
def test_other_python_versions_give_the_same(python: Path) -> None:
    package = Path(gitcollab.__file__).parent.parent
    found = subprocess.run(
        [python, "-c", SHOW], input=PROGRAM.encode(), cwd=package, capture_output=True, check=True
    )

    assert found.stdout.decode().strip() == PINNED


@pytest.mark.parametrize(
    "cookie",
    [
        "# coding: raw_unicode_escape",
        "# -*- coding: unicode_escape -*-",
        "#!/usr/bin/python\n# vim: set fileencoding=latin-1 :",
        "\n\t# coding=utf-7",
        "\f# coding:rot13",
    ],
)
def test_a_program_that_python_reads_otherwise_has_no_fingerprint(cookie: str) -> None:
    hidden = f"{cookie}\n#\\u000aimport os\nRATE = 1\n"
    with pytest.raises(ProgramTooComplex, match="encoding"):
        fingerprint(hidden)


@pytest.mark.parametrize(
    "cookie", ["# coding: utf-8", "# -*- coding: UTF_8 -*-", "x = 1 # coding: x"]
)
def test_what_is_utf_8_all_the_same_is_read(cookie: str) -> None:
    assert fingerprint(f"{cookie}\nRATE = 1\n")


@pytest.mark.parametrize("part", ["a<", "@a\n", "1,", "a or ", "A=1\n"])
def test_a_program_that_takes_long_to_read_is_not_read(part: str) -> None:
    with pytest.raises(ProgramTooComplex, match="words and signs"):
        fingerprint(part * (990_000 // len(part)))


def test_a_long_program_of_few_words_is() -> None:
    assert fingerprint('"""' + "x" * 900_000 + '"""\nRATE = 1\n')


def test_many_threads_read_programs_at_once() -> None:
    programs = [PROGRAM + f"\nX{n} = [{n}, -{n}, {n}.5]\n" * 40 for n in range(8)]
    alone = [fingerprint(program) for program in programs]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(fingerprint, programs * 6)) == alone * 6
