from __future__ import annotations

import os
import shutil
import subprocess
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


@pytest.fixture
def wrap_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Run a script in the place of the hub's side of a push or a fetch.

    ``wrap("receive-pack", body)``: git's own program is "$real", its arguments "$@".
    """
    real = Path(
        subprocess.run(
            ["git", "--exec-path"], check=True, capture_output=True, text=True
        ).stdout.strip()
    )
    folder = tmp_path / "git-core"
    folder.mkdir()
    for path in real.iterdir():
        (folder / path.name).symlink_to(path)
    monkeypatch.setenv("GIT_EXEC_PATH", str(folder))

    def wrap(side: str, body: str) -> None:
        script = folder / f"git-{side}"
        script.unlink()
        script.write_text(f"#!/bin/bash\nreal={real / 'git'}\nside={side}\n{body}\n")
        script.chmod(0o755)

    return wrap
