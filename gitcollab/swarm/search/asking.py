"""Asking the swarm: what it knows of a question, as a ranked list of records.

What a question says of constants is understood and found exactly; all other words are searched in
full text; a sentence model finds what is meant in other words. These rankings are fused by their
places (see ``similarity.fusion``), constants first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from gitcollab.errors import UsageError
from gitcollab.records.quoting import line
from gitcollab.similarity.literal import shown
from gitcollab.similarity.question import MAX_CHARS, Question, Subject, understood
from gitcollab.swarm import looking
from gitcollab.swarm.changes import Changed
from gitcollab.swarm.member import Member
from gitcollab.swarm.roster import roster
from gitcollab.swarm.search.filters import KINDS, Filters, Kind, filtered
from gitcollab.swarm.search.pieces import Piece, Pieces, set_by
from gitcollab.swarm.search.searching import Matches, Search
from gitcollab.swarm.search.tried import Value, tried

Where: TypeAlias = Literal["results", "hypotheses", "insights", "claims"]

MAX_PAGE = 200
_KIND: dict[Where, Kind] = {
    "results": "result",
    "hypotheses": "hypothesis",
    "insights": "insight",
    "claims": "claim",
}


@dataclass(frozen=True, slots=True)
class Hit:
    """A record that answers, with what it changes and what became of it.

    ``verdict`` is a progress.Mark of a result, the status or outcome of a hypothesis, the standing
    of an insight, "running" for a claim. ``by`` says what found it: "constants", "words",
    "meaning"; nothing where the question asks for all. ``waiting``: it is on this host only.
    """

    kind: Kind
    id: str
    agent: str
    at: str  # RFC 3339
    text: str
    changes: Sequence[Changed]
    metric: float | None
    verdict: str | None
    tier: str | None
    score: float
    by: tuple[str, ...]
    waiting: bool = False


@dataclass(frozen=True)
class Answer:
    """What the swarm knows of a question. ``understood`` says in lines how it was taken.

    ``tried`` summarises the values of the constants that it asks about, ``values`` of them in all;
    ``other_values``: of what was asked nothing has been tried, and these are the values that have.
    ``meaning`` says what the sentence model did, or why it did nothing. ``next`` is the token of
    the next page.
    """

    question: str
    understood: Sequence[str]
    hits: Sequence[Hit]
    total: int
    tried: Sequence[Value]
    meaning: str
    next: str | None
    values: int = 0
    other_values: bool = False


def ask(
    member: Member,
    question: str,
    *,
    where: Where | None = None,
    limit: int = 20,
    page: str | None = None,
    meaning: bool | None = None,
    tier: str | None = None,
) -> Answer:
    """What the swarm knows of ``question``, the best first: only of ``where``, if it is given.

    ``page`` is the token that an earlier page gave. ``meaning``: the sentence model is used (True),
    is not (False), or is where it is at hand or words find too little (None). UsageError for an
    empty question, and for an unknown tier or token.
    """
    start = _checked(member, question, limit, page, tier)
    pieces = Pieces(member)
    filters, asked, rest = _read(pieces, question, tier)
    kinds = [_KIND[where]] if where else [k for k in KINDS if k in (filters.kinds or KINDS)]
    matches = Search(pieces, filters, asked, rest).matches(kinds, meaning)
    values, count, other = _tried(pieces, matches)
    left = matches.ranked[start:]
    return Answer(
        question=question,
        understood=[*filters.lines(), *_lines(asked)],
        hits=[_hit(pieces, matches, piece) for piece in left[:limit]],
        total=len(matches.ranked),
        tried=values,
        meaning=matches.meaning,
        next=str(start + limit) if len(left) > limit else None,
        values=count,
        other_values=other,
    )


def _checked(member: Member, question: str, limit: int, page: str | None, tier: str | None) -> int:
    """The place at which the page begins."""
    if not question.strip():
        raise UsageError("there is no question", 'as in gitcollab ask "what LRs have been tried?"')
    if len(question) > MAX_CHARS:
        raise UsageError(f"a question has at most {MAX_CHARS} characters", "ask for one thing")
    if not 1 <= limit <= MAX_PAGE:
        raise UsageError(f"a page has 1 to {MAX_PAGE} answers, not {limit}")
    looking.check_tier(member, tier)
    if page is None:
        return 0
    if not (page.isascii() and page.isdigit() and len(page) < 10):
        raise UsageError(
            f"{page[:40]!r} is no page token",
            "use what the page before gave as next, or leave --page out",
        )
    return int(page)


def _read(pieces: Pieces, question: str, tier: str | None) -> tuple[Filters, Question, str]:
    """What is asked, and the words that are left of the question when filters are taken out."""
    member, where = pieces.member, pieces.where
    words = member.words().words
    agents = {*roster(pieces.snapshot).agents, *(run.agent for run in where.results.values())}
    tiers = {run.tier for run in where.results.values()}
    filters, rest = filtered(
        question,
        agents=agents,
        tiers=tiers,
        me=member.config.agent,
        names=pieces.constants,
        is_word=lambda name: bool(words.concepts_in(name)) or name in words.weak,
    )
    if tier is not None:
        filters = replace(filters, tiers=frozenset((tier,)))
    metric = where.task.metric.name
    asked = understood(rest, words, {**pieces.constants, metric: 0.5})
    return filters, asked, rest


def _lines(asked: Question) -> Iterator[str]:
    for subject in asked.subjects:
        yield subject.text
    for name, near in asked.unknown:
        hint = f"; near: {', '.join(near)}" if near else ""
        yield f"{line(name)}: there is no constant of that name{hint}"
    if asked.terms:
        yield f"words: {', '.join(line(term.said) for term in asked.terms)}"


def _hit(pieces: Pieces, matches: Matches, piece: Piece) -> Hit:
    return Hit(
        piece.kind,
        piece.id,
        piece.agent,
        piece.at,
        piece.text,
        _changes(pieces, piece),
        piece.metric,
        piece.verdict,
        piece.tier,
        round(matches.scores[piece.key], 6),
        matches.by[piece.key],
        piece.waiting,
    )


def _changes(pieces: Pieces, piece: Piece) -> Sequence[Changed]:
    if piece.delta is None:
        return ()
    if piece.kind == "result":
        return pieces.values.changes.get(piece.id, ())
    return [Changed(n, None, shown(value)) for n, value in sorted(set_by(piece.delta).items())]


def _tried(pieces: Pieces, matches: Matches) -> tuple[Sequence[Value], int, bool]:
    """The values of the constants asked about; of these whatever their values, if none is so."""
    subjects = matches.subjects
    if not subjects:
        return (), 0, False
    where, changes = pieces.where, pieces.values.changes
    found = list(_set(pieces, subjects, matches.results))
    if found:
        return *tried(where, changes, found), False
    free = [replace(one, bounds=()) for one in subjects]
    values, count = tried(where, changes, _set(pieces, free, matches.results))
    return values, count, bool(values)


def _set(
    pieces: Pieces, subjects: Sequence[Subject], results: Sequence[Piece]
) -> Iterator[tuple[Piece, str, str]]:
    """The results that set any of the subjects as asked, with constant and value."""
    for piece in pieces.setting(subjects, results):
        for constant, value in pieces.settings(piece, subjects):
            yield piece, constant, value
