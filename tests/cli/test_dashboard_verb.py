"""The verb that builds the dashboard: from a workspace, from a hub, shown in a browser."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_toys import Ran

from gitcollab.cli.dashboard import _public

Cli = Callable[..., Ran]


@pytest.fixture
def nova(cli: Cli, hub: Path, tmp_path: Path) -> Path:
    """A workspace whose agent has run the baseline and a change."""
    folder = tmp_path / "nova"
    folder.mkdir()
    assert cli("join", str(hub), "--agent", "nova", cwd=folder).code == 0
    assert cli("run").code == 0
    assert cli("run", "--set", "LR=0.2").code == 0
    return folder


def test_a_workspace_builds_it_in_its_own_folder(cli: Cli, nova: Path) -> None:
    ran = cli("dashboard", "--json")
    assert ran.code == 0
    index = nova / ".gitcollab" / "dashboard" / "index.html"
    assert ran.json["index"] == str(index)
    assert ran.json["results"] == 2
    page = index.read_text()
    assert "0.510000" in page
    assert "LR" in page
    assert str(nova.parent) not in "".join(
        p.read_text() for p in index.parent.rglob("*.html")
    )  # no folder of this machine
    again = cli("dashboard")
    assert again.out.splitlines() == [f"{index}: 2 results, 0 files new or changed"]


def test_a_hub_and_a_checkout_of_it_give_the_same_pages(
    cli: Cli, nova: Path, hub: Path, tmp_path: Path
) -> None:
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", "-b", "swarm", hub, clone], check=True)
    for place, out in ((hub, "one"), (clone, "two")):
        ran = cli("dashboard", "--git-dir", str(place), "--out", str(tmp_path / out), cwd=tmp_path)
        assert ran.code == 0, ran.err
    one, two = (
        {p.relative_to(tmp_path / out): p.read_bytes() for p in (tmp_path / out).rglob("*.html")}
        for out in ("one", "two")
    )
    assert one == two
    assert len(one) > 3


def test_what_cannot_be_is_said_with_the_next_step(cli: Cli, hub: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("mine")
    at = ("dashboard", "--git-dir", str(hub))
    assert cli(*at, cwd=tmp_path).code == 2  # where to?
    assert cli("dashboard", "--branch", "swarm", "--out", "x", cwd=tmp_path).code == 2
    assert cli(*at, "--branch", "none", "--out", "x").code == 2
    assert cli("dashboard", "--git-dir", str(mine), "--out", "x").code == 2
    ran = cli(*at, "--out", str(mine))
    assert ran.code == 2
    assert "no dashboard" in ran.err
    assert [p.name for p in mine.iterdir()] == ["thesis.txt"]


def test_open_shows_it_in_the_users_browser(
    cli: Cli, nova: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda url: opened.append(url) or True)
    assert cli("dashboard", "--open").code == 0
    assert opened == [(nova / ".gitcollab" / "dashboard" / "index.html").as_uri()]


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://github.com/a/b.git", "https://github.com/a/b.git"),
        ("https://user:secret@example.org/b.git", "https://example.org/b.git"),
        ("git@example.org:a/b.git", "git@example.org:a/b.git"),
        ("/srv/hubs/b.git", ""),
        ("file:///srv/hubs/b.git", ""),
        ("../b.git", ""),
    ],
)
def test_an_address_is_shown_where_it_is_of_use(address: str, shown: str) -> None:
    assert _public(address) == shown


def test_what_is_in_the_way_is_one_clear_line(cli: Cli, nova: Path, hub: Path) -> None:
    at = ("dashboard", "--git-dir", str(hub), "--out")
    out = nova.parent / "out"
    assert cli(*at, str(out)).code == 0
    (out / "index.html").unlink()
    (out / "index.html").mkdir()
    (nova.parent / "file").write_text("mine")
    for place, code in ((out, 1), (nova.parent / "file" / "sub", 2), (hub / "refs/heads/dash", 2)):
        ran = cli(*at, str(place))
        assert ran.code == code
        assert "bug" not in ran.err
        assert [line.partition(":")[0] for line in ran.err.splitlines()] == ["error", "next"]


def test_a_pipe_hears_of_pages_only_when_there_are_many(
    cli: Cli, nova: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "pages" not in cli("dashboard").err
    monkeypatch.setattr("gitcollab.cli.dashboard._MANY", 2)
    assert "pages" not in cli("dashboard").err  # all are there
    assert cli("run", "--set", "LR=0.3").code == 0
    assert "pages  100%" in cli("dashboard").err
