"""The folder of a dashboard: built alone, files whole, nothing touched that is somebody else's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gitcollab.errors import GitcollabError, UsageError
from gitcollab.faces.dashboard import folder, results, site
from gitcollab.faces.dashboard.facts import Facts
from gitcollab.records.models import Retraction
from gitcollab.records.names import path_of
from tests.faces.hubs import Hub, changed

Build = Callable[[], site.Built]


@pytest.fixture
def hub(toy_hub: Path) -> Hub:
    hub = Hub(toy_hub)
    base = hub.run("base", 1.0)
    hub.run("x", 0.9, "vega", program=changed(0.2), base=base)
    return hub


@pytest.fixture
def facts(hub: Hub) -> Facts:
    return hub.facts


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


@pytest.fixture
def build(facts: Facts, out: Path) -> Build:
    return lambda: site.build(facts, out)


def files(place: Path) -> dict[str, bytes]:
    """The files that readers of a dashboard see."""
    return {
        str(path.relative_to(place)): path.read_bytes()
        for path in place.rglob("*")
        if path.is_file() and not path.name.startswith(".gitcollab-dashboard")
    }


def test_files_of_others_stay_and_what_was_built_and_is_gone_is_removed(
    build: Build, out: Path
) -> None:
    build()
    (out / "old.html").write_text("a page of ours, of a result that was withdrawn")
    (out / "CNAME").write_text("example.org")
    marker = json.loads((out / folder.MARKER).read_text())
    (out / folder.MARKER).write_text(json.dumps({**marker, "old.html": ["key", 9]}))
    build()
    assert not (out / "old.html").exists()
    assert (out / "CNAME").read_text() == "example.org"


def test_a_folder_with_something_else_is_left_alone(build: Build, out: Path) -> None:
    out.mkdir()
    (out / "index.html").write_text("mine")
    with pytest.raises(UsageError, match="no dashboard"):
        build()
    assert (out / "index.html").read_text() == "mine"
    assert [path.name for path in out.iterdir()] == ["index.html"]


# -- one build at a time -------------------------------------------------------------------------


def test_a_second_build_waits_for_the_first(
    hub: Hub, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder, "PATIENCE", 0.0)
    older = hub.facts
    site.build(older, out)
    hub.run("new", 0.5, "lyra", program=changed(0.3))
    refused: list[str] = []

    def between(done: int, total: int) -> None:
        with pytest.raises(GitcollabError, match="another dashboard has been building") as error:
            site.build(older, out)
        refused.append(error.value.hint)

    site.build(hub.facts, out, between)
    assert refused
    site.build(hub.facts, tmp_path / "anew")
    assert files(out) == files(tmp_path / "anew")
    site.build(older, out)  # the lock is free again


# -- cut off, cut short --------------------------------------------------------------------------


def test_a_page_that_is_not_as_it_was_made_is_made_again(build: Build, out: Path) -> None:
    build()
    good = files(out)
    page = out / "results/vega/x.html"
    page.write_bytes(page.read_bytes()[:500])
    assert build().written == 1
    page.unlink()
    assert build().written == 1
    (out / "index.html").write_text("cut")
    assert build().written == 1
    assert files(out) == good
    assert build().written == 0


def test_a_build_cut_off_between_pages_and_marker_is_seen(
    hub: Hub, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a page of the state between, as long as the one before it, would stay for good."""
    site.build(hub.facts, out)
    good = files(out)
    better = hub.run("better", 0.5, "lyra", program=changed(0.3))
    real = results._page

    def alike(*given: object) -> bytes:
        page = real(*given)  # type: ignore[arg-type]
        name = given[1].run.id  # type: ignore[attr-defined]
        before = good.get(f"results/{name}.html")
        return page if before is None else b"!" * len(before)

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(results, "_page", alike)
        patched.setattr(folder.Folder, "finish", stop)
        with pytest.raises(KeyboardInterrupt):
            site.build(hub.facts, out)
    assert (out / "results/vega/x.html").read_bytes().startswith(b"!")
    target = path_of("result", better.id)
    hub.put("retraction", Retraction(id="lyra/r", agent="lyra", target=target, **hub.own()))
    site.build(hub.facts, out)
    assert not (out / "results/vega/x.html").read_bytes().startswith(b"!")


def test_a_first_build_that_was_cut_off_forgets_no_page(
    facts: Facts, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        site.build(facts, out, stop)
    with monkeypatch.context() as patched:
        patched.setattr(results, "pages", lambda facts: iter(()))
        site.build(facts, out)
    assert not (out / "results").exists()


def test_what_is_written_is_never_half_there(
    facts: Facts, build: Build, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build()
    good = files(out)
    real = os.replace

    def killed(*given: object, **more: object) -> None:
        raise KeyboardInterrupt

    (out / "index.html").write_text("older")
    monkeypatch.setattr("os.replace", killed)
    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        build()
    assert (out / "index.html").read_text() == "older"
    monkeypatch.setattr("os.replace", real)
    monkeypatch.undo()
    build()
    assert files(out).items() >= good.items()


@pytest.mark.parametrize(
    "left", [b"", b'{"index.html": ["', b"[1, 2]", b"7", b"\xff\xfe", b"[" * 9999]
)
def test_a_marker_that_cannot_be_read_means_build_all_and_remove_nothing(
    build: Build, out: Path, left: bytes
) -> None:
    first = build()
    good = files(out)
    (out / "old.html").write_text("whose?")
    (out / folder.MARKER).write_bytes(left)
    page = out / "results/vega/x.html"
    page.write_bytes(b"!" * page.stat().st_size)
    assert build().files == first.files
    assert files(out) == {**good, "old.html": b"whose?"}


@pytest.mark.parametrize(
    "said",
    [
        *(
            {name: ["k", 1]}
            for name in ("", ".", "a\0b", "\ud800", "static", "n" * 300, folder.LOCK)
        ),
        {"index.html": {"a": 1}},
        {"old": "key"},
    ],
)
def test_odd_words_in_the_marker_do_no_harm(build: Build, out: Path, said: object) -> None:
    build()
    good = files(out)
    (out / folder.MARKER).write_text(json.dumps(said))
    build()
    assert files(out) == good
    assert build().written == 0


# -- links ---------------------------------------------------------------------------------------


def test_a_marker_that_points_elsewhere_removes_nothing_there(
    build: Build, out: Path, tmp_path: Path
) -> None:
    mine = tmp_path / "mine.html"
    mine.write_text("mine")
    build()
    (out / "link").symlink_to(tmp_path)
    (tmp_path / "empty").mkdir()
    names = (
        "link/empty/x.html",
        "../mine.html",
        str(mine),
        "link/mine.html",
        "static/../../mine.html",
    )
    (out / folder.MARKER).write_text(json.dumps({name: ["k", 4] for name in names}))
    build()
    assert mine.read_text() == "mine"
    assert (tmp_path / "empty").is_dir()


def test_a_link_in_the_place_of_a_file_is_replaced(build: Build, out: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.txt"
    build()
    good = files(out)
    for name in ("index.html", "results/vega/x.html", folder.MARKER):
        mine.write_bytes(good.get(name, b"{}"))  # as what is to be written, and still no file of it
        (out / name).unlink()
        (out / name).symlink_to(mine)
    mine.write_text("mine")
    build()
    assert mine.read_text() == "mine"
    assert files(out) == good
    assert not any(path.is_symlink() for path in out.rglob("*"))


@pytest.mark.parametrize("name", ["static", "results", "results/vega", "data"])
def test_nothing_is_written_through_a_folder_that_leads_elsewhere(
    build: Build, out: Path, tmp_path: Path, name: str
) -> None:
    build()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (out / name).rename(tmp_path / "before")
    (out / name).symlink_to(elsewhere)
    with pytest.raises(UsageError, match="leads out"):
        build()
    assert list(elsewhere.iterdir()) == []


def test_the_folder_itself_may_be_a_link(facts: Facts, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "www").symlink_to(tmp_path / "real")
    site.build(facts, tmp_path / "www")
    assert (tmp_path / "real/index.html").is_file()
    assert site.build(facts, tmp_path / "www").written == 0


# -- what cannot be ------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["file/sub", "file", "n" * 300, "loop", "loop/sub"])
def test_a_place_where_no_folder_can_be_is_said(facts: Facts, tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(UsageError, match="cannot build the dashboard at"):
        site.build(facts, tmp_path / place)
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("name", ["static", "results", "results/vega"])
def test_a_file_where_a_folder_should_be_is_said(build: Build, out: Path, name: str) -> None:
    build()
    (out / name).rename(out.parent / "before")
    (out / name).write_text("mine")
    with pytest.raises(GitcollabError, match=name.split("/")[-1]) as error:
        build()
    assert error.value.hint
    assert (out / name).read_text() == "mine"


@pytest.mark.parametrize("name", ["index.html", "results/vega/x.html", folder.MARKER, folder.LOCK])
def test_a_folder_where_a_file_should_be_is_said(build: Build, out: Path, name: str) -> None:
    build()
    (out / name).unlink(missing_ok=True)
    (out / name).mkdir()
    with pytest.raises(GitcollabError, match=Path(name).name):
        build()
    assert (out / name).is_dir()
    assert not list(out.rglob("*.tmp"))


@pytest.mark.parametrize("name", ["index.html", "results/vega/x.html", folder.MARKER])
def test_a_pipe_in_the_place_of_a_file_is_not_opened(build: Build, out: Path, name: str) -> None:
    build()
    good = files(out)
    (out / name).unlink()
    os.mkfifo(out / name)
    build()
    assert files(out) == good


def test_a_full_disk_is_said(hub: Hub, out: Path) -> None:
    code = (
        "import resource, sys; from pathlib import Path;"
        "from tests.faces.dashboards import facts_of; from gitcollab.faces.dashboard import site;"
        "from gitcollab.errors import GitcollabError; facts = facts_of(Path(sys.argv[1]));"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000))\n"
        "try: site.build(facts, Path(sys.argv[2]))\n"
        "except GitcollabError as e: print(e.message, e.hint, sep='; ')"
    )
    command = [sys.executable, "-c", code, str(hub.path), str(out)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ran.stdout.startswith(f"cannot build the dashboard at {out}")
    assert ran.stdout.endswith("File too large; free some space\n")
    assert not list(out.rglob("*.tmp"))
    site.build(hub.facts, out)


@pytest.mark.parametrize("place", ["", "refs/heads/dash", "objects/new", "dash"])
def test_no_git_directory_is_built_in(hub: Hub, place: str) -> None:
    before = sorted(hub.path.rglob("*"))
    with pytest.raises(UsageError, match="git directory"):
        site.build(hub.facts, hub.path / place)
    assert sorted(hub.path.rglob("*")) == before


def test_a_work_tree_may_be_built_in(facts: Facts, tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", tmp_path / "pages"], check=True)
    site.build(facts, tmp_path / "pages/docs")
    assert (tmp_path / "pages/docs/index.html").is_file()
    with pytest.raises(UsageError, match="git directory"):
        site.build(facts, tmp_path / "pages/.git/docs")
    (tmp_path / "by-link").symlink_to(tmp_path / "pages/.git")
    with pytest.raises(UsageError, match="git directory"):
        site.build(facts, tmp_path / "by-link/docs")
