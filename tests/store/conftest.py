from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from store_toys import make_hub


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    """A seeded hub: a bare repository with one commit on the branch `swarm`."""
    return make_hub(tmp_path / "hub.git")


@pytest.fixture
def wrap_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Put a script before git: it logs each call; the subcommand is in $verb, git in $real."""

    def wrap(body: str = "") -> Path:
        folder, log = tmp_path / "bin", tmp_path / "git.log"
        folder.mkdir(exist_ok=True)
        real = shutil.which("git", path=os.environ["PATH"].removeprefix(f"{folder}:"))
        script = folder / "git"
        script.write_text(
            f"""#!/bin/sh
real={real}
for verb in "$@"; do case "$verb" in push|fetch|repack|prune|--version|init) break;; esac; done
echo "$verb" >> {log}
{body}
exec $real "$@"
"""
        )
        script.chmod(0o755)
        if not os.environ["PATH"].startswith(f"{folder}:"):
            monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
        log.write_text("")
        return log

    return wrap
