"""Crowds: real processes on a real hub, with frozen clocks; own clones, or one shared."""

from __future__ import annotations

from pathlib import Path

import pytest
from store_toys import DECIDERS, ask, commits, count_notes, files, git, open_store, race


@pytest.fixture(autouse=True)
def frozen_dates(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"):
        monkeypatch.setenv(name, "2026-01-02T03:04:05Z")


def test_of_sixteen_clones_claiming_one_experiment_exactly_one_is_granted(
    hub: Path, tmp_path: Path
) -> None:
    def claim(number: int) -> str:
        store = open_store(hub, tmp_path / f"home{number}")
        [outcome] = store.submit(ask("claim", name="same", when_offline="drop"))
        return str(outcome["outcome"])

    outcomes = race(16, claim)

    assert sorted(outcomes) == ["granted"] + ["taken"] * 15
    assert files(hub) == ["README.md", "claims/same.yaml"]
    assert commits(hub) == 2


def test_sixteen_clones_claiming_sixteen_experiments_all_land(hub: Path, tmp_path: Path) -> None:
    def claim(number: int) -> str:
        store = open_store(hub, tmp_path / f"home{number}")
        store.snapshot()
        [outcome] = store.submit(ask("claim", name=f"x{number:02d}"))
        return str(outcome["outcome"])

    assert race(16, claim) == ["granted"] * 16
    assert files(hub) == ["README.md", *(f"claims/x{n:02d}.yaml" for n in range(16))]
    assert commits(hub) == 17


def test_same_agent_same_text_same_second_on_two_machines_both_land(
    hub: Path, tmp_path: Path
) -> None:
    def note(number: int) -> str:
        store = open_store(hub, tmp_path / f"home{number}")
        [outcome] = store.submit(ask("note", text="identical"))
        return str(outcome["outcome"])

    assert race(4, note) == ["noted"] * 4
    assert len(files(hub)) == 5


def test_eight_agents_of_one_host_share_pushes(hub: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    open_store(hub, home).snapshot()

    def notes(number: int) -> list[str]:
        store = open_store(hub, home, derive=count_notes)
        return [
            str(store.submit(ask("note", f"agent{number}", text=f"{k}"))[0]["outcome"])
            for k in range(5)
        ]

    assert race(8, notes) == [["noted"] * 5] * 8
    assert commits(hub) == 41
    assert git(hub, "show", "swarm:COUNT") == "40"
    assert open_store(hub, home).pending() == []


def test_threads_sharing_one_store(hub: Path, tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    store = open_store(hub, tmp_path / "home")
    with ThreadPoolExecutor(8) as pool:
        asked = [ask("claim", f"agent{n}", name=f"x{n % 4}") for n in range(8)]
        outcomes = [o["outcome"] for [o] in pool.map(store.submit, asked)]

    assert sorted(outcomes) == ["granted"] * 4 + ["taken"] * 4
    assert len(files(hub)) == 5


def test_two_seeders_of_one_empty_hub(tmp_path: Path) -> None:
    from gitcollab.git.remote import create_bare

    hub = tmp_path / "new.git"

    def seed(number: int) -> str:
        create_bare(hub)
        store = open_store(hub, tmp_path / f"home{number}", deciders=DECIDERS)
        [outcome] = store.submit(ask("seed"))
        return str(outcome["outcome"])

    assert sorted(race(4, seed)) == ["already"] * 3 + ["seeded"]
    assert commits(hub) == 1
