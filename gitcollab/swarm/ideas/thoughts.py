"""Hypotheses and insights as lists and searches see them: a line each, so floods are no burden.

The store keeps these columns beside every record (see ``store.columns``); a whole record is read
only where it is shown.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from gitcollab.errors import GitcollabError
from gitcollab.records.models import Hypothesis, Insight, rfc3339
from gitcollab.records.names import short_hash
from gitcollab.similarity import delta
from gitcollab.similarity.literal import plain
from gitcollab.store.columns import Columns, Scalar
from gitcollab.swarm.identity import canonical_json, change_text


class Guess(NamedTuple):
    """One hypothesis, without its reasoning. Times are RFC 3339, which sorts as it is."""

    id: str
    agent: str
    created_at: str
    title: str
    change: str | None  # the constants that it sets, as ``identity.canonical_json``
    patch: str | None  # which lines its patch changes (``lines_of``), where it does more than that
    base: str | None
    evidence: str  # ids, with blanks between them
    priority: int  # 1 is the most urgent, 5 the least

    @property
    def executable(self) -> bool:
        """Whether a machine can try it without anybody reading it."""
        return self.change is not None or self.patch is not None


class Lesson(NamedTuple):
    """One insight. Times are RFC 3339, which sorts as it is."""

    id: str
    agent: str
    created_at: str
    text: str
    evidence: str  # ids, with blanks between them
    expects: str  # the verdict that it foretells for experiments which cite it


def lines_of(patch: str) -> str:
    """What identifies the lines that a patch changes, wherever they are and whatever is around."""
    return short_hash("\n".join(_lines(patch) or patch.splitlines()), length=32)


def _lines(patch: str) -> list[str]:
    rows = patch.replace("\r\n", "\n").split("\n")
    first = next((n for n, row in enumerate(rows) if row.startswith("@@")), len(rows))
    return [row.rstrip() for row in rows[first:] if row[:1] in ("+", "-")]


def set_by(patch: str) -> dict[str, Any]:
    """The constants that a patch sets, as records have them; none where it changes more than that.

    Its lines alone tell: what they were and what they become is the same but for values.
    """
    old, new = (
        "\n".join(row[1:] for row in _lines(patch) if row[0] == mark) for mark in ("-", "+")
    )
    try:
        made = delta.between(old, new)
    except GitcollabError:
        return {}
    changes = {} if made.structural else made.changes
    return {name: plain(change.after) for name, change in changes.items()}


def _guess(one: Hypothesis) -> tuple[Scalar, ...]:
    patched = {} if one.patch is None else set_by(one.patch)
    values = {**patched, **(one.set or {})}
    return Guess(
        id=one.id,
        agent=one.agent,
        created_at=rfc3339(one.created_at),
        title=one.title,
        change=canonical_json(values) if values else None,
        patch=None if one.patch is None or patched else lines_of(one.patch),
        base=one.base,
        evidence=" ".join(one.evidence),
        priority=one.priority,
    )[1:]


def _lesson(one: Insight) -> tuple[Scalar, ...]:
    return Lesson(
        id=one.id,
        agent=one.agent,
        created_at=rfc3339(one.created_at),
        text=one.text,
        evidence=" ".join(one.evidence),
        expects=one.expects or "better",
    )[1:]


def _words(one: Hypothesis) -> str:
    return "\n".join((one.title, change_text(one.set or {}), one.reasoning))


HYPOTHESES = Columns(
    kind="hypothesis",
    names=Guess._fields[1:],
    keyed=("agent", "change", "patch"),
    of=_guess,
    version=3,
    text=_words,
)
INSIGHTS = Columns(
    kind="insight",
    names=Lesson._fields[1:],
    keyed=("agent",),
    of=_lesson,
    version=1,
    text=lambda one: one.text,
)
