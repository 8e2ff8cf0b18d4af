from __future__ import annotations

from pathlib import Path

import pytest

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


@pytest.mark.parametrize(
    "hub",
    [
        "https:/me:secret@host/hub",
        "https://me:a secret@host/hub",
        "https://host/hub?private_token=secret",
        "https://me:'secret@host/hub",
    ],
)
def test_no_odd_address_brings_its_secret_into_a_folders_name(tmp_path: Path, hub: str) -> None:
    assert "secret" not in str(folder_of(tmp_path, hub, "swarm"))
