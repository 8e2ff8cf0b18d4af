"""Where gitcollab keeps what is the user's: keys, caches of hubs, outboxes, logs."""

from __future__ import annotations

import os
from pathlib import Path


def home() -> Path:
    """``$GITCOLLAB_HOME``, or the platform's folder for a user's data."""
    if moved := os.environ.get("GITCOLLAB_HOME"):
        return Path(moved).expanduser().absolute()
    import platformdirs

    return Path(platformdirs.user_data_dir("gitcollab"))


def key_path(agent: str) -> Path:
    """The agent's private signing key."""
    return home() / "keys" / agent
