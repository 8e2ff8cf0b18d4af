"""What a hub on GitHub keeps itself right by: workflows, which are files that maintainers keep.

They travel with the package as they stand in its own repository, for a hub on the branch "swarm".
"""

from __future__ import annotations

import re

from gitcollab.swarm import presets

NAMES = ("leaderboard", "pages", "sweep", "validation")
_WRITTEN_FOR = re.compile(r"\bswarm\b")  # they hold that word for nothing else


def workflows(branch: str) -> dict[str, bytes]:
    """The workflows for a hub on that branch by their paths there.

    They install this version of gitcollab.
    """
    paths = [f".github/workflows/{name}.yml" for name in NAMES]
    return {path: _WRITTEN_FOR.sub(branch, presets.asset(path).decode()).encode() for path in paths}
