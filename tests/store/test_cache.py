from __future__ import annotations

from pathlib import Path

import pytest
from store_toys import ask, commits, open_store

from gitcollab.store import cache
from gitcollab.store.cache import folder_of


def test_folders_tell_hubs_and_branches_apart_and_hold_no_secrets(tmp_path: Path) -> None:
    hubs = [
        ("https://me:secret@host/team/hub.git", "swarm"),
        ("https://host/team/hub.git", "other"),
        ("https://host/team/hub2.git", "swarm"),
        ("/srv/team/hub.git", "swarm"),
    ]
    folders = [folder_of(tmp_path, *hub) for hub in hubs]

    assert len(set(folders)) == 4
    assert folders[0].name.startswith("https-host-team-hub-")
    assert folders[0] == folder_of(tmp_path, "https://host/team/hub.git", "swarm")
    assert all("secret" not in str(folder) for folder in folders)


def loose(repo: Path) -> int:
    return sum(1 for path in (repo / "objects").rglob("*") if len(path.name) == 38)


def test_loose_objects_are_packed(
    hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "_LOOSE", 0)
    store = open_store(hub, tmp_path / "home")
    snapshot = store.snapshot()
    for number in range(3):
        store.submit(*(ask("note", text=f"{number} {k}") for k in range(10)))
    before = loose(store.folder / "repo.git")
    (store.folder / "trash-left-by-a-kill").mkdir()
    (store.folder / "tidied").unlink(missing_ok=True)  # a drain may have had its turn already

    store._cache.tidy()

    assert loose(store.folder / "repo.git") < before / 4
    assert not list(store.folder.glob("trash-*"))
    assert snapshot.read("README.md") == b"a hub\n"
    assert len(store.snapshot().list("notes/")) == 30
    assert store.submit(ask("note", text="after")) == [{"outcome": "noted"}]
    assert commits(hub) == 32
    again = loose(store.folder / "repo.git")
    store._cache.tidy()  # not twice within minutes
    assert loose(store.folder / "repo.git") == again
