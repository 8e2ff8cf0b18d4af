"""Patches change lines of the program and nothing else; git is the judge of what they come to."""

from __future__ import annotations

import random
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitcollab.errors import RefusedError
from gitcollab.records.models import MAX_PROGRAM_BYTES
from gitcollab.store.differences import difference
from gitcollab.swarm.patching import MAX_HUNKS, applied, source, touched

PROGRAM = "".join(f"line {n}\n" for n in range(1, 21))
HEAD = "--- a/train.py\n+++ b/train.py\n"
HUNK = "@@ -2,3 +2,3 @@\n line 2\n-line 3\n+three\n line 4\n"
DONE = PROGRAM.replace("line 3\n", "three\n")


def as_git(patch: str, text: str, folder: Path) -> str | None:
    """What ``git apply`` makes of it; None when it refuses."""
    folder.mkdir()
    (folder / "train.py").write_bytes(text.encode())
    (folder / "p").write_bytes(patch.encode())
    env = {"PATH": "/usr/bin:/bin", "GIT_DIR": str(folder / "none"), "HOME": str(folder)}
    done = subprocess.run(
        ["git", "apply", "--whitespace=nowarn", "p"], cwd=folder, env=env, capture_output=True
    )
    return None if done.returncode else (folder / "train.py").read_bytes().decode()


HONEST = {
    "plain": HEAD + HUNK,
    "no prefixes": "--- train.py\n+++ train.py\n" + HUNK,
    "dotted": "--- ./train.py\n+++ ./train.py\n" + HUNK,
    "times": "--- a/train.py\t2026-01-01 00:00:00\n+++ b/train.py\t2026-01-02\n" + HUNK,
    "git": f"diff --git a/train.py b/train.py\nindex 1a2b3c4..5d6e7f8 100644\n{HEAD}{HUNK}",
    "mail": f"From 1a2b\nSubject: [PATCH]\n\n---\n train.py | 2 +-\n\n{HEAD}{HUNK}-- \n2.39.2\n\n",
    "function": HEAD + HUNK.replace("@@\n", "@@ def f():\n"),
    "cut at its end": (HEAD + HUNK)[:-1],
    "moved": HEAD + HUNK.replace("-2,3 +2,3", "-9,3 +9,3"),
    "beyond the end": HEAD + HUNK.replace("-2,3 +2,3", "-900,3 +900,3"),
}


@pytest.mark.parametrize("name", HONEST)
def test_honest_patches(name: str, tmp_path: Path) -> None:
    assert touched(HONEST[name]) == {"train.py"}
    assert applied(HONEST[name], PROGRAM, "train.py") == DONE
    if name != "cut at its end":
        assert as_git(HONEST[name], PROGRAM, tmp_path / "git") == DONE


NAMES = [
    *("/etc/passwd", "../train.py", "a/../train.py", "a//etc/passwd", "other.py", "sub/train.py"),
    *("/dev/null", '"a/train.py"', "a/train.py ", "a/.git/config", "a/train.py/", "~/train.py"),
    *("", "a/", "a/train.py\x1b[2J", "C:\\train.py", "a/./train.py/..", "TRAIN.PY", "a/a/train.py"),
    *("a/tr\u0430in.py", "a/train.py\u202e", "train.py.orig", "file:///etc/passwd", "-rf"),
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("side", ["old", "new", "both", "git", "index"])
def test_no_other_file_can_be_named(name: str, side: str) -> None:
    old = name if side in ("old", "both") else "a/train.py"
    new = name if side in ("new", "both") else "b/train.py"
    lead = {"git": f"diff --git a/train.py {name}\n", "index": f"Index: {name}\n"}.get(side, "")
    patch = f"{lead}--- {old}\n+++ {new}\n{HUNK}"
    with pytest.raises(RefusedError) as caught:
        applied(patch, PROGRAM, "train.py")
    assert "\n" not in caught.value.message
    assert caught.value.message.isprintable()
    assert caught.value.hint
    with suppress(RefusedError):  # what stands there is no plain name
        assert touched(patch) - {"train.py"}


MORE = {
    "mode": "diff --git a/train.py b/train.py\nold mode 100644\nnew mode 100755\n" + HEAD + HUNK,
    "new": "diff --git a/train.py b/train.py\nnew file mode 100644\n" + HEAD + HUNK,
    "link": "diff --git a/train.py b/train.py\nindex 1a2b3c4..5d6e7f8 120000\n" + HEAD + HUNK,
    "submodule": "diff --git a/train.py b/train.py\nindex 1a2b3c4..5d6e7f8 160000\n" + HEAD + HUNK,
    "deleted": "diff --git a/train.py b/train.py\ndeleted file mode 100644\n" + HEAD + HUNK,
    "rename": "diff --git a/train.py b/train.py\nrename from train.py\nrename to x.py\n"
    + HEAD
    + HUNK,
    "copy": "diff --git a/train.py b/train.py\ncopy from train.py\ncopy to x.py\n" + HEAD + HUNK,
    "similar": "diff --git a/train.py b/train.py\nsimilarity index 90%\n" + HEAD + HUNK,
    "binary": "diff --git a/train.py b/train.py\nGIT binary patch\nliteral 3\nabc\n",
    "binaries differ": "Binary files a/train.py and b/train.py differ\n" + HEAD + HUNK,
    "combined": "diff --cc train.py\n" + HEAD + "@@@ -1,1 -1,1 +1,1 @@@\n  x\n",
    "only a mode": "diff --git a/train.py b/train.py\nold mode 100644\nnew mode 100755\n",
    "nothing": "",
    "words": "please rewrite train.py\n",
    "no hunk": HEAD,
    "no file": HUNK,
    "twice": HEAD + HUNK + HEAD + "@@ -9 +9 @@\n-line 9\n+nine\n",
    "two files": HEAD + HUNK + "--- a/x.py\n+++ b/x.py\n@@ -1 +1 @@\n-a\n+b\n",
    "cut": HEAD + HUNK[:30],
    "more lines": HEAD + HUNK + "+sneaked in\n",
    "forged heading in a hunk": HEAD + HUNK + "--- a/x\n",
    "counts": HEAD + HUNK.replace("-2,3", "-2,2"),
    "counts beyond": HEAD + HUNK.replace("-2,3", "-2,99"),
    "odd heading": HEAD + "@@ -x +y @@\n-a\n+b\n",
    "vast line": HEAD + HUNK.replace("-2,3", "-99999999999999999999,3"),
    "odd line": HEAD + HUNK.replace("-line 3", "*line 3"),
    "other context": HEAD + HUNK.replace("line 2", "line two"),
    "blanks in the context": HEAD + HUNK.replace(" line 2\n", " line 2 \n"),
    "no change": HEAD + "@@ -2,1 +2,1 @@\n line 2\n",
    "insertion without context": HEAD + "@@ -3,0 +4,1 @@\n+x\n",
    "an end in the middle": HEAD
    + HUNK.replace("+three\n", "+three\n\\ No newline at end of file\n"),
    "NUL": HEAD + HUNK.replace("three", "th\0ree"),
    "half a character": HEAD + HUNK.replace("three", "\ud800"),
    "many hunks": HEAD + "@@ -1 +1 @@\n-line 1\n+line 1\n" * (MAX_HUNKS + 1),
    "large": HEAD + HUNK + "#" * MAX_PROGRAM_BYTES,
    "makes it large": HEAD + HUNK.replace("three", "x" * (MAX_PROGRAM_BYTES - 100)),
    "backwards": HEAD + "@@ -9 +9 @@\n-line 9\n+x\n@@ -3 +3 @@\n-line 3\n+y\n",
    "the same twice": HEAD + HUNK + HUNK,
}


@pytest.mark.parametrize("name", MORE)
def test_what_is_more_or_less_than_changed_lines_is_refused(name: str) -> None:
    with pytest.raises(RefusedError) as caught:
        applied(MORE[name], PROGRAM, "train.py")
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 400
    assert caught.value.hint


def test_hunks_are_counted() -> None:
    many = "".join(f"@@ -{n} +{n} @@\n-{n}\n+x\n" for n in range(1, MAX_HUNKS + 2))
    with pytest.raises(RefusedError, match="more than 1000 hunks"):
        touched(HEAD + many)


def test_a_moved_hunk_has_to_have_one_place(tmp_path: Path) -> None:
    block = "def f():\n    return 1\n\n"
    patch = HEAD + "@@ -2,3 +2,3 @@\n def f():\n-    return 1\n+    return 2\n \n"
    assert applied(patch, "# a\n# b\n" + block, "train.py").endswith("return 2\n\n")
    twice = "# a\n# b\n" + block + block
    with pytest.raises(RefusedError, match=r"hunk 1 \(line 2\) does not match .* in one place"):
        applied(patch, twice, "train.py")
    assert as_git(patch, twice, tmp_path / "git") is not None  # it takes the nearest
    later = (
        HEAD + "@@ -5,3 +5,3 @@\n p\n-q\n+Q\n r\n" + patch.removeprefix(HEAD).replace("2,3", "9,3")
    )
    around = "# a\n" + block + "p\nq\nr\n" + "y\n" * 9 + block
    with pytest.raises(RefusedError, match="hunk 2"):  # git goes back, to what is nearer
        applied(later, around, "train.py")
    changed = applied(patch, "# a\n" + block + block, "train.py")  # the line decides
    assert changed == "# a\n" + block.replace("1", "2") + block


def test_hunks_behind_a_moved_one_move_with_it(tmp_path: Path) -> None:
    second = "@@ -5,3 +5,3 @@\n x\n-x\n+y\n x\n"
    patch = HEAD + "@@ -2,2 +2,2 @@\n-first\n+FIRST\n x\n" + second
    now = "#\n#\n#\nfirst\nx\no\nx\nx\nx\n"
    done = "#\n#\n#\nFIRST\nx\no\nx\ny\nx\n"
    assert applied(patch, now, "train.py") == done
    assert as_git(patch, now, tmp_path / "one") == done
    # Its line is that of another file: what lies there by chance is not taken for its place.
    with pytest.raises(RefusedError, match="hunk 2"):
        applied(patch, "#\n#\nfirst\n" + "x\n" * 6, "train.py")
    assert applied(HEAD + second, "x\n" * 9, "train.py") == "x\n" * 5 + "y\n" + "x\n" * 3


# A change that begins or ends its hunk is at the beginning or the end of the file.
ANCHORED = {
    "end": ("@@ -19,2 +19,2 @@\n line 19\n-line 20\n+x\n", PROGRAM, True),
    "end, moved": ("@@ -9,2 +9,2 @@\n line 19\n-line 20\n+x\n", PROGRAM, True),
    "no longer the end": ("@@ -19,2 +19,2 @@\n line 19\n-line 20\n+x\n", PROGRAM + "z\n", False),
    "not the end": ("@@ -2,2 +2,2 @@\n line 2\n-line 3\n+x\n", PROGRAM, False),
    "no end before": ("@@ -19,2 +19 @@\n line 19\n-line 20\n", PROGRAM[:-1], False),
    "beginning": ("@@ -1,2 +1,2 @@\n-line 1\n+x\n line 2\n", PROGRAM, True),
    "beginning, context": ("@@ -1,3 +1,3 @@\n line 1\n-line 2\n+x\n line 3\n", PROGRAM, True),
    "moved from the beginning": (
        "@@ -1,3 +1,3 @@\n line 1\n-line 2\n+x\n line 3\n",
        "z\n" + PROGRAM,
        False,
    ),
    "line 0": ("@@ -0,0 +1,2 @@\n+x\n line 1\n".replace("0,0", "0,1"), PROGRAM, True),
    "not at the beginning": ("@@ -7,2 +7,2 @@\n-line 3\n+x\n line 4\n", PROGRAM, True),
    "neither": ("@@ -3 +3 @@\n-line 3\n+x\n", PROGRAM, False),
    "neither, at the end": ("@@ -3 +3 @@\n-line 20\n+x\n", PROGRAM, True),
    "neither, at the beginning": ("@@ -1 +1 @@\n-line 1\n+x\n", PROGRAM, False),
    "all": ("@@ -1 +1 @@\n-a\n+b\n", "a\n", True),
    "all and more": ("@@ -1 +1 @@\n-a\n+b\n", "a\na\n", False),
    "added at the end": ("@@ -20,0 +21 @@\n+x\n", PROGRAM, True),
    "added to nothing": ("@@ -0,0 +1 @@\n+x\n", "", True),
    "added to something": ("@@ -0,0 +1 @@\n+x\n", "a\n", False),
    "emptied": ("@@ -1 +0,0 @@\n-a\n", "a\n", True),
    "no change in a hunk": (
        "@@ -2,2 +2,2 @@\n line 2\n line 3\n@@ -5,3 +5,3 @@\n line 5\n-line 6\n+x\n line 7\n",
        PROGRAM,
        False,
    ),
    "the line of the result decides": (
        "@@ -2,2 +2,3 @@\n a\n+x\n b\n@@ -5,3 +9,3 @@\n a\n-b\n+c\n a\n",
        "z\n" + "a\nb\na\n" * 4,
        True,
    ),
    "the other is taken": (
        "@@ -2,3 +2,3 @@\n a\n-b\n+c\n a\n@@ -7,3 +7,3 @@\n a\n-b\n+c\n a\n",
        "z\na\nb\na\nz\nz\nz\na\nb\na\n",
        True,
    ),
    "no such remark": ("@@ -20 +20 @@\n-line 20\n+x\n\\ No end\n", PROGRAM, True),
    "words between hunks": (
        HUNK + "And:\n@@ -9,3 +9,3 @@\n line 9\n-line 10\n+x\n line 11\n",
        PROGRAM,
        False,
    ),
}


@pytest.mark.parametrize("name", ANCHORED)
def test_a_hunk_lies_where_git_puts_it(name: str, tmp_path: Path) -> None:
    hunks, text, fits = ANCHORED[name]
    theirs = as_git(HEAD + hunks, text, tmp_path / "git")
    assert (theirs is not None) == fits
    if fits:
        assert applied(HEAD + hunks, text, "train.py") == theirs
    else:
        with pytest.raises(RefusedError):
            applied(HEAD + hunks, text, "train.py")


def difference_of_git(context: int, old: str, new: str, folder: Path) -> str:
    (folder / "old").write_text(old)
    (folder / "new").write_text(new)
    command = ["git", "diff", "--no-index", f"-U{context}", "old", "new"]
    env = {"PATH": "/usr/bin:/bin", "HOME": str(folder)}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
    found = done.stdout.partition("\n@@")
    return HEAD + "@@" + found[2] if found[1] else ""


def edited(rng: random.Random, lines: list[str], new: Iterator[str], edits: int) -> list[str]:
    """A few stretches of lines replaced, added or removed."""
    result = list(lines)
    for _ in range(edits):
        at = rng.choice([0, len(result), rng.randint(0, len(result))])
        result[at : at + rng.randint(0, 2)] = [next(new) for _ in range(rng.randint(0, 2))]
    return result


@pytest.mark.parametrize("context", [0, 1, 2, 3])
@pytest.mark.parametrize("alike", [False, True])
def test_git_takes_the_same_and_makes_the_same_of_it(
    alike: bool, context: int, tmp_path: Path
) -> None:
    """Patches that git made, on their base and on what became of it.

    Of lines that are all different every hunk has one place, so git decides alone; but for hunks
    without old lines, which it puts at the end, and last lines without an end, to which it glues
    what follows. Among lines that are alike more is refused.
    """
    rng = random.Random(f"{alike} {context}")
    new = (rng.choice("ab") if alike else f"line {n}" for n in count())
    outcomes = Counter[tuple[bool, bool]]()
    for number in range(60):
        base = [next(new) for _ in range(rng.randint(0, 24))]
        last = rng.choice(["\n", "\n", ""])
        old, after = ("\n".join(lines) for lines in (base, edited(rng, base, new, 3)))
        patch = difference_of_git(context, old + last, after + rng.choice(["\n", last]), tmp_path)
        if not patch:
            continue
        drifted = "\n".join(edited(rng, base, new, rng.randint(1, 3)))
        for now in {old + last, drifted + last}:
            theirs = as_git(patch, now, tmp_path / f"{number} {now == old + last}")
            try:
                mine = applied(patch, now, "train.py")
            except RefusedError as e:
                mine = None
                told = e.message
            outcomes[mine is not None, theirs is not None] += 1
            if mine is not None or (now == old + last and context):
                assert mine == theirs, (patch, now)
            elif theirs is not None:
                glued = "\\ No newline" in patch
                assert alike or glued or "no lines to find its place by" in told, (patch, now)
    assert alike or outcomes[False, True] <= 4, outcomes
    assert min(outcomes[True, True], outcomes[False, False]) >= 10, outcomes


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("last", [True, False])
def test_line_ends_stay(ends: str, last: bool, tmp_path: Path) -> None:
    old = ends.join(["a", "b", "c", "d"]) + (ends if last else "")
    new = old.replace("d", "D\tä\u2028\x0c")
    patch = difference(old, new, "train.py").patch
    assert applied(patch, old, "train.py") == new
    assert as_git(patch, old, tmp_path / "git") == new


def test_a_patch_of_unix_lines_does_not_fit_others() -> None:
    with pytest.raises(RefusedError, match="does not match"):
        applied(HEAD + HUNK, PROGRAM.replace("\n", "\r\n"), "train.py")
    other = (HEAD + HUNK).replace("\n", "\r\n")
    assert applied(other, PROGRAM.replace("\n", "\r\n"), "train.py") == DONE.replace("\n", "\r\n")


def test_an_empty_program_has_one_place() -> None:
    assert applied(HEAD + "@@ -0,0 +1 @@\n+x\n", "", "train.py") == "x\n"


LINES = st.lists(
    st.sampled_from(["a\n", "b\n", "\n", "  c\n", "+d\n", "-- e\n", "@@\n"]), max_size=30
)


@given(LINES, LINES, st.booleans())
def test_what_a_difference_says_is_what_its_patch_does(
    old: list[str], new: list[str], ended: bool
) -> None:
    before, after = "".join(old), "".join(new) + ("" if ended else "z")
    found = difference(before, after, "train.py", "baseline", "nova/x")
    if before == after:
        assert (found.patch, found.added, found.removed) == ("", 0, 0)
    else:
        assert applied(found.patch, before, "train.py") == after
        assert len(after.splitlines()) - len(before.splitlines()) == found.added - found.removed


@settings(max_examples=25, deadline=None)
@given(LINES, LINES, LINES)
def test_git_agrees_on_a_program_that_went_on(
    tmp_path_factory: pytest.TempPathFactory, old: list[str], new: list[str], more: list[str]
) -> None:
    """Where a hunk has one place, git finds the same; what git refuses is refused."""
    before, after, now = "".join(old), "".join(new), "".join(more + old)
    patch = difference(before, after, "train.py").patch
    if not patch:
        return
    try:
        mine = applied(patch, now, "train.py")
    except RefusedError:
        return
    theirs = as_git(patch, now, tmp_path_factory.mktemp("git") / "x")
    assert theirs == mine


def test_a_change_that_is_there_already() -> None:
    patch = HEAD + HUNK
    there = applied(patch, PROGRAM, "train.py")
    with pytest.raises(RefusedError, match="has the patch's change already"):
        applied(patch, there, "train.py")
    with pytest.raises(RefusedError, match="does not match"):
        applied(patch, "something else\n", "train.py")


PIECES = st.sampled_from(
    [
        *(
            HEAD,
            HUNK,
            *NAMES,
            "--- ",
            "+++ ",
            "@@ -1,2 +1,2 @@\n",
            " line 1\n",
            "-line 2\n",
            "+x\n",
        ),
        *(
            "\\ No newline at end of file\n",
            "diff --git ",
            "index 1..2\n",
            "\n",
            "\r",
            "-- \n",
            "Index: ",
        ),
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES | st.text(max_size=9), max_size=12).map("".join), st.text(max_size=60))
def test_any_text_is_applied_or_refused(patch: str, text: str) -> None:
    for program in (PROGRAM, text):
        try:
            result = applied(patch, program, "train.py")
        except RefusedError:
            continue
        assert touched(patch) == {"train.py"}
        assert len(result.encode()) <= MAX_PROGRAM_BYTES


SLOW = {
    "blank lines": ("\n" * 900_000, "@@ -5 +5 @@\n-x\n+y\n" * MAX_HUNKS),
    "one letter": ("a\n" * 450_000, "@@ -5,3 +5,3 @@\n a\n a\n-b\n+a\n" * MAX_HUNKS),
    "many places to look for": (
        "z\n" + "".join("a\n" * 440 + f"{n:04}\na\n" for n in range(MAX_HUNKS)),
        "".join(
            "@@ -2,102 +2,102 @@\n" + " a\n" * 100 + f"-{n:04}\n+x\n a\n" for n in range(MAX_HUNKS)
        ),
    ),
    "long lines": ("ab" * 450_000 + "\n", f"@@ -2 +1 @@\n-{'ab' * 200_000}b\n+c\n" * 2),
}


@pytest.mark.parametrize("name", SLOW)
def test_no_patch_takes_long(name: str) -> None:
    text, hunks = SLOW[name]
    began = time.process_time()
    with pytest.raises(RefusedError):
        applied(HEAD + hunks, text, "train.py")
    assert time.process_time() - began < 5


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_a_patch_says_which_result_it_leads_to(ends: str) -> None:
    made = difference("a\n", "b\n", "train.py", "baseline", "nova/b-1a2b3c4d").patch
    assert source(made.replace("\n", ends)) == "nova/b-1a2b3c4d"
    assert source(difference("a\n", "b\n", "train.py").patch) is None
    assert source("+++ b/train.py\n") is None
