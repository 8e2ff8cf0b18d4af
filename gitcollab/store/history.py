"""A hub's history as a line of commits: from the state that is known to the one that is judged.

Along first parents. Nothing is believed: a commit may be anything, and history may be rewritten.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from gitcollab.errors import GitcollabError
from gitcollab.git.objects import CommitFields, ObjectStore

MAX_COMMITS = 1_000  # in one push; a host's agents share pushes of at most 256 requests
MAX_MENDED = 10_000  # commits that are gone through again to undo some of them
LATER = "begin at a later commit that was right"
_MAX_COMMIT_BYTES = 16 * 1024
_CAP = 100_000_000  # bytes of a commit that is looked at all the same


class BadHistory(GitcollabError):  # noqa: N818 - reads as what it is
    """The new commits do not simply follow the old ones."""


class Link(NamedTuple):
    """A commit on the way from one state to another, and what is odd about getting there."""

    commit: str
    fields: CommitFields
    odd: str = ""


def chain(objects: ObjectStore, old: str | None, new: str) -> list[Link]:
    """The commits after ``old`` (None: all there are) up to ``new``, oldest first.

    Raises BadHistory where ``new`` does not follow ``old``, there are too many, or one is a merge
    or malformed.
    """
    found: list[Link] = []
    at: str | None = new
    while at != old:
        if at is None:
            raise BadHistory(
                "the branch is only added to, and this does not follow its newest commit",
                "fetch, and build on the tip",
            )
        fields = objects.commit_fields(at, _MAX_COMMIT_BYTES)
        if fields is None:
            raise BadHistory(f"the commit {at[:12]} is malformed, or its message is too long")
        found.append(_link(at, fields))
        if len(found) > MAX_COMMITS:
            raise BadHistory(
                f"more than {MAX_COMMITS} commits are pushed at once", "push them in parts"
            )
        if len(fields.parents) > 1:
            raise BadHistory(
                f"the commit {at[:12]} is a merge", "put your changes on the tip, one by one"
            )
        at = fields.parents[0] if fields.parents else None
    return found[::-1]


def way(objects: ObjectStore, old: str | None, new: str, push: str | None = None) -> list[Link]:
    """``chain``, whatever the history is like: what does not follow is odd, and no error.

    Of a rewritten history the first is the way back, to where both parted or, where they have
    nothing in common, to the oldest that is looked at. ``push``: all up to that commit came in one
    push, and is one odd link if that is more than MAX_COMMITS.
    Raises BadHistory where ``new`` is no commit, or more came after ``old`` than MAX_MENDED.
    """
    found = [_link(*one) for one in islice(_line(objects, new, old), MAX_MENDED)]
    if not found:
        if new == old:
            return []
        raise BadHistory(f"the commit {new[:12]} cannot be read")
    before = found[-1].fields.parents[:1]
    if before != ((old,) if old else ()):
        found = _parted(objects, old, found)
    pushed = next((at for at, link in enumerate(found) if link.commit == push), None)
    if pushed is not None and len(found) - pushed > MAX_COMMITS:
        odd = f"more than {MAX_COMMITS} commits are pushed at once"
        found[pushed:] = [found[pushed]._replace(odd=odd)]
    elif len(found) == MAX_MENDED and before:
        raise BadHistory(f"more than {MAX_MENDED} commits came since", LATER)
    return found[::-1]


def _parted(objects: ObjectStore, old: str | None, found: list[Link]) -> list[Link]:
    """Of a history without ``old``: what came after both parted, and the way back to there."""
    ours = {commit for commit, _ in _line(objects, old, None)}
    common = next((at for at, link in enumerate(found) if link.commit in ours), len(found) - 1)
    back = found[common]._replace(odd="it does not follow the branch's commits")
    return [*found[:common], back]


def _line(
    objects: ObjectStore, commit: str | None, end: str | None
) -> Iterator[tuple[str, CommitFields]]:
    """The commit and its first parents, newest first, without ``end`` and what cannot be read."""
    while commit is not None and commit != end:
        fields = objects.commit_fields(commit, _CAP)
        if fields is None:
            return
        yield commit, fields
        commit = fields.parents[0] if fields.parents else None


def _link(commit: str, fields: CommitFields) -> Link:
    odd = fields.odd
    if len(fields.parents) > 1:
        odd = "it is a merge"
    elif len(fields.message) > _MAX_COMMIT_BYTES:
        odd = "its message is too long"
    return Link(commit, fields, odd)
