from __future__ import annotations

import pytest

from gitcollab.errors import without_credentials


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("https://me:token@host/x.git", "https://*host/x.git"),
        ("https://token@host/x.git", "https://*host/x.git"),
        ("https://me:pa/ss@localhost:1/x.git", "https://*localhost:1/x.git"),
        ("https://me:p@ss/wo?r#d@host/x", "https://*host/x"),
        ("https://me:p[w@host/x", "https://*host/x"),
        ("ssh://me:secret@host/x", "ssh://*host/x"),
        ("ssh://git@host/x", "ssh://git@host/x"),
        ("git@host:x", "git@host:x"),
        ("https://host:80/x@v1", "https://host:80/x@v1"),
        ("/srv/a@b", "/srv/a@b"),
        (
            "cannot get 'https://a:b@h/x/': no, https://h/y",
            "cannot get 'https://*h/x/': no, https://h/y",
        ),
    ],
)
def test_secrets_are_not_shown(said: str, shown: str) -> None:
    assert without_credentials(said, "*") == shown
