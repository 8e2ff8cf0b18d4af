from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable
from pathlib import Path

import pytest

from gitcollab.git.objects import ObjectStore, create
from gitcollab.git.rawtrees import (
    MAX_BLOB_BYTES,
    Change,
    difference,
    name_fault,
    path_fault,
)
from gitcollab.git.trees import Entry

Row = tuple[bytes, str, bytes]  # mode, object, name
FILE, FOLDER = b"100644", b"40000"
ABSENT = "1" * 40


@pytest.fixture
def objects(tmp_path: Path) -> ObjectStore:
    create(tmp_path / "repo.git")
    return ObjectStore(tmp_path / "repo.git")


def put(objects: ObjectStore, kind: str, data: bytes) -> str:
    """Whatever bytes, as a loose object."""
    whole = f"{kind} {len(data)}\0".encode() + data
    oid = hashlib.sha1(whole, usedforsecurity=False).hexdigest()
    path = objects.path / "objects" / oid[:2] / oid[2:]
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(zlib.compress(whole))
    return oid


def packed(rows: Iterable[Row]) -> bytes:
    return b"".join(mode + b" " + name + b"\0" + bytes.fromhex(oid) for mode, oid, name in rows)


def tree(objects: ObjectStore, *rows: Row) -> str:
    ordered = sorted(rows, key=lambda r: r[2] + b"/" * (r[0] == FOLDER))
    return put(objects, "tree", packed(ordered))


def faults(objects: ObjectStore, old: str | None, new: str) -> dict[bytes, str]:
    return dict(difference(objects, old, new).faults)


def test_what_differs_is_told_and_nothing_else(objects: ObjectStore) -> None:
    old = objects.write_tree(None, {"a/x": b"1", "a/y": b"2", "b/z": b"3", "c": b"4"})
    new = objects.write_tree(old, {"a/x": b"9", "c/d": b"5", "b/z": None})

    found = difference(objects, old, new)

    assert found.complete
    assert found.faults == []
    assert {(c.path, c.was is not None, c.now is not None) for c in found.changes} == {
        (b"a/x", True, True),
        (b"b/z", True, False),
        (b"c", True, False),
        (b"c/d", False, True),
    }


def test_odd_entries_that_stay_are_not_the_new_trees_fault(objects: ObjectStore) -> None:
    blob = put(objects, "blob", b"x")
    odd: list[Row] = [
        (b"120000", blob, b"link"),
        (b"160000", ABSENT, b"sub"),
        (b"100755", blob, b"run"),
        (b"100664", blob, b"group"),
        (FILE, blob, b"A"),
        (FILE, blob, b"a"),
        (FILE, blob, b"\xff"),
        (FILE, ABSENT, b"gone"),
    ]
    clean = tree(objects, (FILE, blob, b"z"))
    old = tree(objects, *odd)
    new = tree(objects, *odd, (FILE, blob, b"z"))

    assert difference(objects, old, new).changes == [Change(b"z", None, Entry(FILE, blob))]
    assert faults(objects, old, new) == {}
    assert faults(objects, old, clean) == {}  # taking them away is welcome
    told = faults(objects, clean, new)
    assert told.keys() == {name for _, _, name in odd}
    assert "symbolic link" in told[b"link"]
    assert "submodule" in told[b"sub"]
    assert "executable" in told[b"run"]
    assert "100664" in told[b"group"]
    assert "in case or spelling" in told[b"a"]
    assert "not UTF-8" in told[b"\xff"]
    assert "missing" in told[b"gone"]


def test_names_clash_with_the_whole_folder(objects: ObjectStore) -> None:
    blob = put(objects, "blob", b"x")
    old = tree(objects, *[(FILE, blob, f"file-{n}".encode()) for n in range(50)])
    rows: list[Row] = [(FILE, blob, f"file-{n}".encode()) for n in range(50)]
    assert list(faults(objects, old, tree(objects, *rows, (FILE, blob, b"FILE-7")))) == [b"FILE-7"]
    assert list(faults(objects, old, tree(objects, *rows, (FILE, blob, "ﬁle-7".encode())))) == [
        "ﬁle-7".encode()
    ]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (b".git", "git's own"), (b".GIT", "git's own"), (b".g\xe2\x80\x8cit", "not seen"),
        (b"git~1", "git's own"), (b".git.", "ends in"), (b".git ", "ends in"), (b"..", "ends in"),
        (b".", "ends in"), (b"", "empty"), (b"a/b", "some system"), (b"a\\b", "some system"),
        (b"a:b", "some system"), (b"a\nb", "some system"), (b"\xed\xa0\x80", "not UTF-8"),
        (b"e\xcc\x81", "normal form"), (b"\xe2\x80\xaegpj", "not seen"), (b"COM1.txt", "device"),
        (b"x" * 256, "too long"),
    ],
)  # fmt: skip
def test_names_that_some_system_takes_for_another(name: bytes, words: str) -> None:
    assert words in str(name_fault(name))


@pytest.mark.parametrize("name", [b"result.yaml", b".github", "ü".encode(), b"a-b_c.d", b"console"])
def test_names_that_may_be(name: bytes) -> None:
    assert name_fault(name) is None


def test_paths_are_bounded(objects: ObjectStore) -> None:
    assert path_fault(b"a/b/c") is None
    assert path_fault(b"/".join([b"d"] * 40)) == "the path is too long"
    assert path_fault(b"/".join([b"d" * 200] * 6)) == "the path is too long"
    below = tree(objects, (FILE, put(objects, "blob", b"x"), b"x"))
    for _ in range(100):
        below = tree(objects, (FOLDER, below, b"d"))
    assert "too deep" in "".join(faults(objects, None, below).values())


@pytest.mark.parametrize(
    ("cut", "words"),
    [
        (lambda rows: packed(reversed(rows)), "not sorted"),
        (lambda rows: packed([rows[0], *rows]), "one name"),
        (lambda rows: packed(rows)[:-3], "cut short"),
        (lambda rows: b"100644" + packed(rows), "malformed"),
        (lambda rows: b"x" * 100, "malformed"),
        (lambda rows: b"", "empty"),
    ],
)
def test_trees_that_git_would_not_write(objects: ObjectStore, cut, words: str) -> None:  # type: ignore[no-untyped-def]
    blob = put(objects, "blob", b"x")
    rows: list[Row] = [(FILE, blob, b"a"), (FILE, blob, b"b")]
    inner = put(objects, "tree", cut(rows))
    assert words in faults(objects, None, tree(objects, (FOLDER, inner, b"d")))[b"d"]


def test_one_name_as_file_and_folder(objects: ObjectStore) -> None:
    blob = put(objects, "blob", b"x")
    folder = tree(objects, (FILE, blob, b"x"))
    both = put(
        objects, "tree", packed([(FILE, blob, b"a"), (FILE, blob, b"a.b"), (FOLDER, folder, b"a")])
    )
    assert "one name" in faults(objects, None, both)[b""]


def test_contents_are_there_and_small(objects: ObjectStore) -> None:
    large = put(objects, "blob", b"\0" * (MAX_BLOB_BYTES + 1))
    folder = tree(objects, (FILE, large, b"x"))
    new = tree(
        objects,
        (FILE, large, b"large"),
        (FILE, ABSENT, b"missing"),
        (FILE, folder, b"folder"),
        (FOLDER, ABSENT, b"no-folder"),
        (FOLDER, large, b"no-tree"),
    )
    told = faults(objects, None, new)
    assert f"{MAX_BLOB_BYTES + 1} bytes" in told[b"large"]
    for name in (b"missing", b"folder", b"no-folder", b"no-tree"):
        assert "missing" in told[name], name


def test_the_work_is_bounded(objects: ObjectStore) -> None:
    blob = put(objects, "blob", b"x")
    wide = tree(objects, *[(FILE, blob, b"%d" % n) for n in range(1000)])
    for _ in range(30):  # a thousand to the thirtieth files
        wide = tree(objects, *[(FOLDER, wide, b"%d" % n) for n in range(1000)])
    for old, new in ((None, wide), (wide, tree(objects, (FILE, blob, b"x")))):
        found = difference(objects, old, new)
        assert not found.complete
        assert len(found.changes) < 10_000

    hollow = tree(objects, (FOLDER, put(objects, "tree", b""), b"x"))  # folders without any file
    for _ in range(20):
        hollow = tree(objects, *[(FOLDER, hollow, b"%d" % n) for n in range(20)])
    assert not difference(objects, None, hollow).complete


def test_a_huge_folder_is_not_read(objects: ObjectStore) -> None:
    huge = put(objects, "tree", b"100644 x\0" + b"\0" * 9_000_000)
    told = faults(objects, None, tree(objects, (FOLDER, huge, b"d")))
    assert "holds too much" in told[b"d"]
