"""How one text became another, in lines."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Difference:
    """``patch`` is a unified diff; empty when the texts are equal."""

    patch: str
    added: int
    removed: int


def difference(
    old: str, new: str, name: str = "", old_id: str = "", new_id: str = ""
) -> Difference:
    """How ``old`` became ``new``. The patch names the file ``name`` on both sides; what the ids say
    of each stands behind it, after a tab, where patches have times.

    By git's own algorithm, which bounds what hostile texts can cost (1 MB: a few seconds).
    """
    from gitcollab.git.objects import unified

    if old == new:
        return Difference("", 0, 0)
    hunks, added, removed = unified(old.encode(), new.encode())
    heading = f"--- a/{name}\t{old_id}\n+++ b/{name}\t{new_id}\n"
    return Difference(heading + hunks.decode(errors="replace"), added, removed)
