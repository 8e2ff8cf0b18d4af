"""Git repositories that tests make for themselves."""

from __future__ import annotations

import subprocess
from pathlib import Path

from gitcollab.git.command import environment


def git(folder: Path, *args: str) -> str:
    """What git says, run in the work tree ``folder``, where it has somebody's name."""
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    argv = ["git", "-C", str(folder), *who, *args]
    done = subprocess.run(argv, env=environment(), capture_output=True, check=True, text=True)
    return done.stdout.strip()
