"""Telling hypotheses and insights: their evidence, what is suggested, what came of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gitcollab.errors import GitcollabError, UsageError
from gitcollab.faces.coordinator import claims
from gitcollab.faces.coordinator.shapes import FOLDERS
from gitcollab.faces.swarm import Swarm
from gitcollab.swarm import looking
from gitcollab.swarm.outcomes import Kept, Known, NotTold, TellOutcome, Told

_PREFIX = re.compile(rf"(?:@[^/]+/)?(?P<kind>{'|'.join(FOLDERS.values())})/")


def evidence(swarm: Swarm, keys: Iterable[str]) -> tuple[list[str], list[str]]:
    """The ids of the records that these keys mean, and the keys that mean none.

    A key is an id, with or without its kind before it, or the key that an experiment was claimed
    under: then it means its newest result.
    """
    found: list[str] = []
    unknown: list[str] = []
    for key in keys:
        meant = _meant(swarm, key)
        (found if meant else unknown).append(meant or key)
    return list(dict.fromkeys(found)), unknown


def _meant(swarm: Swarm, key: str) -> str | None:
    named = _PREFIX.match(key)
    bare = key[named.end() :] if named else key
    if (named is None or named["kind"] == "results") and "/" not in bare:
        return next(iter(claims.finished(swarm.member, bare)), None)
    try:
        return _record(swarm, named["kind"] if named else None, bare)
    except UsageError:  # there is no such record
        return None


def _record(swarm: Swarm, kind: str | None, record_id: str) -> str:
    if kind == "hypotheses":
        return swarm.hypothesis(record_id).hypothesis.id
    if kind == "insights":
        return swarm.insight(record_id).insight.id
    return looking.find(swarm.member, record_id).id


def propose(
    swarm: Swarm,
    title: str,
    because: str,
    config: Mapping[str, Any],
    known: Sequence[str],
    priority: int,
) -> tuple[TellOutcome, str]:
    """Tell a hypothesis; a note where its config is told in words only.

    That is so where the program has no such constants, or cannot hold such values.
    """
    values = {str(name): _text(value) for name, value in config.items()}
    how: dict[str, Any] = {"evidence": known, "priority": priority}
    try:
        return swarm.propose(title, because, set_values=values or None, **how), ""
    except UsageError as e:
        if not values:
            raise
        said = ", ".join(f"{name} = {value}" for name, value in values.items())
        told = swarm.propose(title, f"{because}\n\nsuggested: {said}", **how)
        return told, f"its config is told in words, since no machine could run it: {e.message}"


def _text(value: Any) -> str:
    """A value as a program would have it; text may be a value's own text."""
    return value if isinstance(value, str) else repr(value)


def told(outcome: TellOutcome, what: str) -> str:
    """What became of a hypothesis or an insight, in a line."""
    match outcome:
        case Told(record=record):
            return f"published {what}: {record.id}"
        case Known(other=other, reason=why):
            return f"not published, since {other.agent} has said so ({why}): {other.id}"
        case Kept(record=record, reason=why):
            return f"{what} {record.id} waits on this host ({why})"
        case NotTold(reason=why, hint=hint):
            return f"{what} refused: {why}; next: {hint}"
    raise GitcollabError(f"{what} was not published")
