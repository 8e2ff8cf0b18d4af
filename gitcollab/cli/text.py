"""Text for a terminal: strangers' words inert (see ``records.quoting``), addresses without secrets.

Every word that a verb prints and that is not its own goes through here.
"""

from __future__ import annotations

from gitcollab import errors
from gitcollab.records.quoting import line, lines

__all__ = ["line", "lines", "without_credentials"]


def without_credentials(text: str) -> str:
    """``text`` with the user and password of every URL in it replaced by ``***``."""
    return errors.without_credentials(text, "***@")
