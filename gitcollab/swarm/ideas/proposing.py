"""Hypotheses and insights: what somebody thinks or has learned, added once. Pure decisions.

What says the same as an older one that stands is not added again: floods of one idea would bury the
others. What was withdrawn, or was not signed by its agent, is in nobody's way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TypeVar

from gitcollab.records import codec
from gitcollab.records.models import Hypothesis, Insight, Task
from gitcollab.records.names import path_of
from gitcollab.store.requests import Decision, Request
from gitcollab.store.snapshot import Snapshot
from gitcollab.swarm import reading
from gitcollab.swarm.flooding import has_room
from gitcollab.swarm.ideas.board import judged
from gitcollab.swarm.ideas.folding import identity_of
from gitcollab.swarm.ideas.retracting import withdrawn
from gitcollab.swarm.ideas.thoughts import HYPOTHESES, INSIGHTS, Guess, Lesson
from gitcollab.swarm.identity import change_text, normal_words
from gitcollab.swarm.recogniser import Recogniser, Words
from gitcollab.swarm.roster import roster

_Line = TypeVar("_Line", Guess, Lesson)

MOST_COMPARED = 5_000  # the newest: understanding so many takes 0.1 s once they are known here
MOST_ALIKE = 600  # characters of an insight whose words are compared by what they say


def decide_propose(
    snapshot: Snapshot, request: Request, now: datetime, *, recogniser: Recogniser
) -> Decision:
    """Add the hypothesis in the request unless an older one that stands says the same.

    Outcomes: ``proposed``; ``duplicate`` with ``other`` (a record) and ``reason``; ``refused``,
    where its agent has too many open ones, too. ``anyway`` adds what is said already.
    """
    mine = Hypothesis.model_validate(request.payload["hypothesis"])
    if done := _is_there(snapshot, mine, "hypothesis", "proposed"):
        return done
    anyway, words = bool(request.payload.get("anyway")), recogniser.on(snapshot)
    if not anyway and (found := said_before(snapshot, mine, words)):
        return _duplicate(*found)
    if why := too_many(snapshot, reading.task_of(snapshot, "the hub", "it"), mine.agent):
        return Decision({"outcome": "refused", "reason": why}, {}, "")
    changes = {path_of("hypothesis", mine.id): codec.encode(mine)}
    return Decision({"outcome": "proposed"}, changes, f"hypothesis: {mine.title}")


def decide_learn(
    snapshot: Snapshot, request: Request, now: datetime, *, recogniser: Recogniser
) -> Decision:
    """Add the insight in the request unless an older one that stands says the same.

    Outcomes: ``learned``; ``duplicate`` with ``other`` (a record) and ``reason``; ``refused``.
    ``anyway`` adds what is said already.
    """
    mine = Insight.model_validate(request.payload["insight"])
    if done := _is_there(snapshot, mine, "insight", "learned"):
        return done
    anyway, words = bool(request.payload.get("anyway")), recogniser.on(snapshot)
    if not anyway and (found := learned_before(snapshot, mine, words)):
        return _duplicate(*found)
    changes = {path_of("insight", mine.id): codec.encode(mine)}
    return Decision({"outcome": "learned"}, changes, f"insight: {mine.text.split(chr(10))[0]}")


def _is_there(
    snapshot: Snapshot, mine: Hypothesis | Insight, kind: str, outcome: str
) -> Decision | None:
    standing = snapshot.record(path_of(kind, mine.id))
    if not isinstance(standing, Hypothesis | Insight):
        return None
    if standing.nonce == mine.nonce:
        return Decision({"outcome": outcome}, {}, "", final=True)
    reason = f"another {kind} has the id {mine.id}"
    return Decision({"outcome": "refused", "reason": reason}, {}, "")


def _duplicate(other: Hypothesis | Insight, why: str) -> Decision:
    record = codec.to_mapping(other)
    return Decision({"outcome": "duplicate", "other": record, "reason": why}, {}, "")


def too_many(snapshot: Snapshot, task: Task, agent: str, waiting: int = 0) -> str | None:
    """Why the agent may propose no more for now, when so many of its wait; None when it may."""
    if has_room(snapshot, task, agent, waiting + 1):
        return None
    most = task.policy.limits.open_hypotheses
    held = f" ({waiting} of them wait for the hub)" if waiting else ""
    return f"{agent} has {most} open hypotheses{held}, and no more are allowed here"


# -- what says the same ----------------------------------------------------------------------------


def said_before(
    snapshot: Snapshot, mine: Hypothesis, words: Words
) -> tuple[Hypothesis, str] | None:
    """The hypothesis that stands and says the same, and why it does; the surest first.

    What was tested may be proposed for another base.
    """
    line = Guess(mine.id, *HYPOTHESES.of(mine))  # type: ignore[arg-type]
    alike = _same_change(snapshot, line) if line.executable else _same_title(snapshot, line, words)
    found: list[tuple[Hypothesis, str]] = []
    for guess, why in alike:
        other = snapshot.record(path_of("hypothesis", guess.id))
        if isinstance(other, Hypothesis) and counts(snapshot, other):
            if other.base == mine.base:
                return other, why
            found.append((other, why))
    if not found:
        return None
    done = judged(snapshot, reading.task_of(snapshot, "the hub", "it"))
    return None if any(other.id in done for other, _ in found) else found[0]


def learned_before(snapshot: Snapshot, mine: Insight, words: Words) -> tuple[Insight, str] | None:
    """The insight that stands and says the same, and why it does; the surest first."""
    line = Lesson(mine.id, *INSIGHTS.of(mine))  # type: ignore[arg-type]
    known = [one for one in reading.lessons(snapshot) if one.expects == line.expects]
    for insight_id, why in _alike(line.text, {one.id: one.text for one in _newest(known)}, words):
        other = snapshot.record(path_of("insight", insight_id))
        if isinstance(other, Insight) and counts(snapshot, other):
            return other, why
    return None


def same_idea(mine: Hypothesis, other: Hypothesis) -> bool:
    """Whether two hypotheses say the same in the same words, or would change the same."""
    a, b = (Guess(one.id, *HYPOTHESES.of(one)) for one in (mine, other))  # type: ignore[arg-type]
    return identity_of(a) == identity_of(b)


def same_lesson(mine: Insight, other: Insight) -> bool:
    """Whether two insights say the same in the same words."""
    said = normal_words(mine.text) == normal_words(other.text)
    return said and (mine.expects or "better") == (other.expects or "better")


def counts(snapshot: Snapshot, record: Hypothesis | Insight) -> bool:
    """Whether a record is its agent's, a member's, and was not withdrawn."""
    path = path_of(type(record).__name__.lower(), record.id)
    return path not in withdrawn(snapshot) and roster(snapshot).trusts(record)


def _same_change(snapshot: Snapshot, mine: Guess) -> Iterator[tuple[Guess, str]]:
    """Those that would change the same, on whatever base."""
    key = {"change": mine.change} if mine.change is not None else {"patch": mine.patch}
    rows = map(Guess._make, snapshot.select("hypothesis", *Guess._fields[1:], **key))
    for guess in sorted(rows, key=lambda one: (one.created_at, one.id)):
        if identity_of(guess) == identity_of(mine):
            yield guess, _what(snapshot, guess)


def _what(snapshot: Snapshot, guess: Guess) -> str:
    record = snapshot.record(path_of("hypothesis", guess.id))
    if guess.patch is not None or not isinstance(record, Hypothesis) or not record.set:
        return "same patch"
    return f"same change: {change_text(record.set)}"


def _same_title(snapshot: Snapshot, mine: Guess, words: Words) -> Iterator[tuple[Guess, str]]:
    """Those whose titles say the same, where this one says no change that a machine can make."""
    known = {one.id: one for one in _newest(reading.guesses(snapshot))}
    titles = {one.id: one.title for one in known.values()}
    for hypothesis_id, why in _alike(mine.title, titles, words):
        yield known[hypothesis_id], why


def _newest(lines: list[_Line]) -> list[_Line]:
    return sorted(lines, key=lambda one: one.created_at)[-MOST_COMPARED:]


def _alike(mine: str, texts: Mapping[str, str], words: Words) -> Iterator[tuple[str, str]]:
    """The ids of texts that say the same, and why: word for word, then in other words."""
    exact = normal_words(mine)
    for one, text in texts.items():
        if normal_words(text) == exact:
            yield one, "same words"
    if len(mine) > MOST_ALIKE or not texts:
        return
    others = {one: text for one, text in texts.items() if len(text) <= MOST_ALIKE}
    ids = list(others)
    for place, verdict in words().alike(mine, list(others.values())):
        yield ids[place], f"same in other words: {verdict.why}"
