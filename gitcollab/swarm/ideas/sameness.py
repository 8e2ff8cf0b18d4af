"""What says the same as an older hypothesis or insight that stands. Pure.

What two hypotheses would change decides where it is known: of one that a machine can try, and of a
title that says no more than a change of constants ("double WIDTH"), read in the words of the hub
against the program that the newer one is about. Else titles are compared.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TypeVar

from gitcollab.records.models import Hypothesis, Insight
from gitcollab.records.names import path_of
from gitcollab.similarity.constants import Value
from gitcollab.similarity.delta import values_json
from gitcollab.store.snapshot import Snapshot
from gitcollab.swarm import reading
from gitcollab.swarm.ideas.board import line_of, tried
from gitcollab.swarm.ideas.fitting import program_constants
from gitcollab.swarm.ideas.retracting import withdrawn
from gitcollab.swarm.ideas.standing import standing_guesses, standing_ids
from gitcollab.swarm.ideas.thoughts import INSIGHTS, Guess, Lesson
from gitcollab.swarm.identity import change_text, normal_words
from gitcollab.swarm.recogniser import Words
from gitcollab.swarm.roster import roster

_Line = TypeVar("_Line", Guess, Lesson)

_WAITS = "it waits on this host for the hub"
MOST_COMPARED = 5_000  # the newest: understanding so many takes 0.1 s once they are known here
MOST_READ = 200  # titles that are read against a program: 0.5 ms each
MOST_ALIKE = 600  # characters of an insight whose words are compared by what they say


def said_before(
    snapshot: Snapshot, mine: Hypothesis, words: Words, waiting: Iterable[Hypothesis] = ()
) -> tuple[Hypothesis, str] | None:
    """The hypothesis that stands, or is ``waiting``, and says the same; and why it does.

    The surest first. What was tested, or crashed, may be proposed for another base.
    """
    line, queued = line_of(mine), {one.id: one for one in waiting}
    found: list[tuple[Hypothesis, str]] = []
    for guess, why in _Same(snapshot, line, words, map(line_of, queued.values())):
        if guess.id in queued:
            return queued[guess.id], _WAITS
        other = snapshot.record(path_of("hypothesis", guess.id))
        if isinstance(other, Hypothesis) and counts(snapshot, other):
            if other.base == mine.base:
                return other, why
            found.append((other, why))
    if not found:
        return None
    done = tried(snapshot, reading.task_of(snapshot, "the hub", "it"))
    return None if any(other.id in done for other, _ in found) else found[0]


def learned_before(
    snapshot: Snapshot, mine: Insight, words: Words, waiting: Iterable[Insight] = ()
) -> tuple[Insight, str] | None:
    """The insight that stands, or is ``waiting``, and says the same; and why it does.

    The surest first.
    """
    line, ids = _line_of(mine), standing_ids(snapshot, "insight")
    queued = {one.id: one for one in waiting}
    known = [one for one in reading.lessons(snapshot) if one.id in ids]
    known += map(_line_of, queued.values())
    texts = {one.id: one.text for one in _newest(known) if one.expects == line.expects}
    for insight_id, why in _same_lesson(line.text, texts, words):
        if insight_id in queued:
            return queued[insight_id], _WAITS
        other = snapshot.record(path_of("insight", insight_id))
        if isinstance(other, Insight):
            return other, why
    return None


def counts(snapshot: Snapshot, record: Hypothesis | Insight) -> bool:
    """Whether a record is its agent's, a member's, and was not withdrawn."""
    path = path_of(type(record).__name__.lower(), record.id)
    return path not in withdrawn(snapshot) and roster(snapshot).trusts(record)


class _Same:
    """The hypotheses that say what ``mine`` says, and why; ``waiting`` are not on the hub yet."""

    def __init__(
        self, snapshot: Snapshot, mine: Guess, words: Words, waiting: Iterable[Guess]
    ) -> None:
        self._snapshot = snapshot
        self._mine = mine
        self._words = words
        self._waiting = list(waiting)

    def __iter__(self) -> Iterator[tuple[Guess, str]]:
        mine = self._mine
        change = mine.change if mine.executable else self._read(mine.title)
        patch = mine.patch
        if change is not None or patch is not None:
            yield from self._same_change(change, patch)
        if change is not None and patch is None:
            yield from self._said_so(change)
        if not mine.executable:
            yield from self._same_title()

    def _same_change(self, change: str | None, patch: str | None) -> Iterator[tuple[Guess, str]]:
        """Those that a machine can try and that would change the same, on whatever base."""
        key = {"change": change} if change is not None else {"patch": patch}
        rows = map(Guess._make, self._snapshot.select("hypothesis", *Guess._fields[1:], **key))
        why = "same patch" if patch is not None or change is None else _told(change)
        for guess in sorted([*rows, *self._waiting], key=lambda one: (one.created_at, one.id)):
            if (guess.change, guess.patch) == (change, patch):
                yield guess, why

    def _said_so(self, change: str) -> Iterator[tuple[Guess, str]]:
        """Those that say this change of constants in their titles."""
        said = [one for one in self._others if not one.executable]
        for guess in self._about(change, said)[-MOST_READ:]:
            if self._read(guess.title) == change:
                yield guess, _told(change)

    def _about(self, change: str, guesses: Sequence[Guess]) -> list[Guess]:
        """Those whose titles may be about what a change sets: only these need be read."""
        from gitcollab.similarity.vocabulary import stems

        values = json.loads(change)
        names = {word for name in values for word in stems(name.replace("_", " "))}
        mine, *others = self._words().statements([change_text(values), *(g.title for g in guesses)])
        return [
            guess
            for guess, said in zip(guesses, others, strict=True)
            if not mine.core.isdisjoint(said.core) or not names.isdisjoint(stems(guess.title))
        ]

    def _same_title(self) -> Iterator[tuple[Guess, str]]:
        """Those whose titles say the same."""
        known = {one.id: one for one in self._others}
        titles = {one.id: one.title for one in known.values()}
        for hypothesis_id, why in _alike(self._mine.title, titles, self._words):
            yield known[hypothesis_id], why

    def _read(self, title: str) -> str | None:
        """The change of constants that a title says, where it says nothing more."""
        said = self._words().understood(title, self._constants) if self._constants else None
        if said is None or not said.complete:
            return None
        made = {name: value for name, value in said.delta.items() if name not in said.kept}
        return values_json(made) if made else None

    @cached_property
    def _others(self) -> list[Guess]:
        """Those that stand or wait, the newest at the end."""
        return _newest([*standing_guesses(self._snapshot), *self._waiting])

    @cached_property
    def _constants(self) -> Mapping[str, Value]:
        return program_constants(self._snapshot, self._mine.base)


def _told(change: str) -> str:
    return f"same change: {change_text(json.loads(change))}"


def _line_of(one: Insight) -> Lesson:
    return Lesson(one.id, *INSIGHTS.of(one))  # type: ignore[arg-type]


def _newest(lines: list[_Line]) -> list[_Line]:
    return sorted(lines, key=lambda one: one.created_at)[-MOST_COMPARED:]


def _same_lesson(mine: str, texts: Mapping[str, str], words: Words) -> Iterator[tuple[str, str]]:
    """The ids of insights that say the same, and why.

    Where not word for word, what they assert has to agree, and what they are about. In doubt they
    are two: one said twice harms nobody, one that is not told is lost.
    """
    exact = normal_words(mine)
    for one, text in texts.items():
        if normal_words(text) == exact:
            yield one, "same words"
    if len(mine) > MOST_ALIKE or not texts:
        return
    from gitcollab.similarity.assertion import asserted, subject

    vocabulary = words().words
    said = asserted(mine, vocabulary)
    about = {one: subject(text) for one, text in texts.items() if len(text) <= MOST_ALIKE}
    for one, why in _alike(subject(mine), about, words):
        if said.agrees(asserted(texts[one], vocabulary)):
            yield one, "same in other words" if why == "same words" else why


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
