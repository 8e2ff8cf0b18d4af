"""A hub's history as a line of commits: from the state that is known to the one that is judged.

Along first parents. Nothing is believed: a commit may be anything, and history may be rewritten.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from gitcollab.errors import GitcollabError
from gitcollab.git.objects import CommitFields, ObjectStore

MAX_COMMITS = 1_000  # in one push; a host's agents share pushes of at most 256 requests
MAX_MENDED = 100_000  # commits that are gone through again to undo some of them: minutes
LATER = "begin at a later commit that was right"
_MAX_COMMIT_BYTES = 16 * 1024
_CAP = 100_000_000  # bytes of a commit that is looked at all the same


class BadHistory(GitcollabError):  # noqa: N818 - reads as what it is
    """The new commits do not simply follow the old ones."""


class Link(NamedTuple):
    """A commit on the way from one state to another, and what is odd about getting there."""

    commit: str
    tree: str
    parent: str | None  # the first
    made: datetime  # as it says
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
        at = found[-1].parent
    return found[::-1]


def way(objects: ObjectStore, old: str | None, new: str, push: str | None = None) -> list[Link]:
    """``chain``, whatever the history is like: what does not follow is odd, and no error.

    Commits that change nothing are left out: they cost nothing, and hide nothing. Of a rewritten
    history the first is the way back, to where both parted or, where they have nothing in common,
    to the beginning of the new one. ``push``: all up to that commit came in one push, and is one
    odd link if that is more than MAX_COMMITS.
    Raises BadHistory where ``new`` is no commit, or more came after ``old`` than MAX_MENDED.
    """
    found, first = _changing(objects, old, new)
    if first is not None and first.parent != old:
        ours = {link.commit for link in line(objects, old)}
        common = next((one for one in line(objects, new) if one.commit in ours), None)
        if common is not None:
            found, first = _changing(objects, common.commit, new)[0], common
        found = [link for link in found if link != first]
        found.append(first._replace(odd="it does not follow the branch's commits"))
    if push is not None:
        later = {link.commit for link in line(objects, new, push)}
        pushed = sum(link.commit in later for link in found)
        if len(found) - pushed > MAX_COMMITS:
            odd = f"more than {MAX_COMMITS} commits are pushed at once"
            found[pushed:] = [found[pushed]._replace(odd=odd)]
    if len(found) > MAX_MENDED:
        raise BadHistory(f"more than {MAX_MENDED} commits came since", LATER)
    return found[::-1]


def _changing(objects: ObjectStore, old: str | None, new: str) -> tuple[list[Link], Link | None]:
    """The commits after ``old`` that change something, newest first; and the very first of all.

    There is none where ``new`` is ``old``.
    """
    found: list[Link] = []
    last: Link | None = None
    for link in line(objects, new, old):
        if last is not None and last.tree != link.tree:
            found.append(last)
        last = link
    if last is None and new != old:
        raise BadHistory(f"the commit {new[:12]} cannot be read")
    if last is not None and (last.parent is None or last.tree != _tree(objects, last.parent)):
        found.append(last)
    return found, last


def _tree(objects: ObjectStore, commit: str) -> str | None:
    fields = objects.commit_fields(commit, _CAP)
    return None if fields is None else fields.tree


def line(objects: ObjectStore, commit: str | None, end: str | None = None) -> Iterator[Link]:
    """The commit and its first parents, newest first, without ``end`` and what cannot be read."""
    while commit is not None and commit != end:
        fields = objects.commit_fields(commit, _CAP)
        if fields is None:
            return
        link = _link(commit, fields)
        yield link
        commit = link.parent


def _link(commit: str, fields: CommitFields) -> Link:
    odd = fields.odd
    if len(fields.parents) > 1:
        odd = "it is a merge"
    elif len(fields.message) > _MAX_COMMIT_BYTES:
        odd = "its message is too long"
    return Link(commit, fields.tree, next(iter(fields.parents), None), fields.made, odd)
