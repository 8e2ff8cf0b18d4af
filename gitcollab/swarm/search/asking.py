"""Asking the swarm: what it knows of a question, as a ranked list of records.

What a question says of constants is understood and found exactly; all other words are searched in
full text; a sentence model finds what is meant in other words. These rankings are fused by their
places (see ``similarity.fusion``), constants first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from gitcollab.errors import UsageError
from gitcollab.records.quoting import line
from gitcollab.similarity.literal import shown
from gitcollab.similarity.quantities import NUMBER
from gitcollab.similarity.question import MAX_CHARS, Metric, Question, Subject, general, understood
from gitcollab.swarm import looking
from gitcollab.swarm.changes import Changed
from gitcollab.swarm.member import Member
from gitcollab.swarm.ranking import Standings
from gitcollab.swarm.roster import roster
from gitcollab.swarm.search.filters import KINDS, Elsewhere, Filters, Kind, filtered
from gitcollab.swarm.search.pieces import Piece, Pieces, set_by
from gitcollab.swarm.search.searching import Matches, Search
from gitcollab.swarm.search.tried import Value, tried

Where: TypeAlias = Literal["results", "hypotheses", "insights", "claims"]

MAX_PAGE = 200
_BETTER = re.compile(r"\b(better|worse) than(?=\s+\.?\d)", re.IGNORECASE)
_ALL = re.compile(r"\b(?:all|everything|anything)\b", re.IGNORECASE)
_WAYS = ("below", "above")
_FEW = 4  # constants that are told one by one
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
    ``says_changes``: the text alone tells all that it changes, and to what.
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
    says_changes: bool = False


@dataclass(frozen=True, slots=True)
class Now:
    """What a constant is in the task's own program and in the best; None: not known there.

    ``asked``: the value at the start is as the question asks, so that it needed no experiment.
    """

    constant: str
    baseline: str | None
    best: str | None
    asked: bool = False

    @property
    def text(self) -> str:
        """That in words."""
        said = f"{self.constant} is {self.baseline or 'not set'} in the baseline"
        return f"{said}, {self.best or 'not known'} in the best"


@dataclass(frozen=True)
class Answer:
    """What the swarm knows of a question. ``understood`` says in lines how it was taken.

    ``tried`` summarises the values of the constants that it asks about, ``values`` of them in all;
    ``other_values``: of what was asked nothing has been tried, and these are the values that have.
    ``meaning`` says what the sentence model did, or why it did nothing. ``next`` is the token of
    the next page. ``pointers`` are commands that answer what records do not; ``now`` says what
    constants are that it names. ``nothing_asked``: there is nothing in the question to look for.
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
    pointers: Sequence[str] = ()
    now: Sequence[Now] = ()
    nothing_asked: bool = False


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
    filters, asked, rest = _read(pieces, question, tier, None if where is None else _KIND[where])
    kinds = [k for k in KINDS if k in (filters.kinds or KINDS)]
    if _is_empty(filters, asked) and not _ALL.search(question):
        return Answer(question, (), (), 0, (), "", None, nothing_asked=True)
    told = filters if where is None else replace(filters, kinds=None)  # it need not be said
    matches = Search(pieces, filters, asked, rest).matches(kinds, meaning)
    values, count, other = _tried(pieces, matches)
    left = matches.ranked[start:]
    return Answer(
        question=question,
        understood=[*told.lines(), *_lines(asked, filters, matches)],
        hits=[_hit(pieces, matches, piece) for piece in left[:limit]],
        total=len(matches.ranked),
        tried=values,
        meaning=matches.meaning,
        next=str(start + limit) if len(left) > limit else None,
        values=count,
        other_values=other,
        pointers=_pointers(filters, matches.subjects),
        now=list(_now(pieces, matches.subjects)),
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


def _read(
    pieces: Pieces, question: str, tier: str | None, only: Kind | None
) -> tuple[Filters, Question, str]:
    """What is asked, and the words that are left of the question when filters are taken out."""
    member, where = pieces.member, pieces.where
    words = member.words().words
    agents = {*roster(pieces.snapshot).agents, *(run.agent for run in where.results.values())}
    tiers = {where.tier_of(run) for run in where.results.values()}
    filters, rest = filtered(
        _compared(question, pieces.where.task.sign),
        agents=agents,
        tiers=tiers,
        me=member.config.agent,
        now=pieces.snapshot.time(member.clock()),
        names=pieces.constants,
        is_word=lambda name: bool(words.concepts_in(name)) or name in words.weak,
        only=only,
    )
    if tier is not None:
        filters = replace(filters, tiers=frozenset((tier,)))
    metric = _metric(where)
    asked = understood(rest, words, {**pieces.constants, where.task.metric.name: 0.5}, metric)
    asked = replace(asked, missed=tuple(_typed(one, question) for one in asked.missed))
    if _is_empty(replace(filters, kinds=None), asked):
        asked = replace(asked, terms=general(rest, words))
    return filters, asked, rest


def _is_empty(filters: Filters, asked: Question) -> bool:
    """Whether nothing is asked for that was found in the question, nor anything that was not."""
    said = (asked.subjects, asked.terms, asked.unknown, asked.missed, filters.missed)
    return not (any(said) or filters.elsewhere or any(True for _ in filters.lines()))


def _compared(question: str, sign: int) -> str:
    """The question with "better than 0.97" as what that is of the metric."""
    better, worse = _WAYS if sign > 0 else reversed(_WAYS)
    return _BETTER.sub(lambda m: better if m[1].lower() == "better" else worse, question)


def _typed(missed: str, question: str) -> str:
    """What was not understood as it was typed: "better than .5", not "below 0.5"."""
    for found in re.finditer(rf"{_BETTER.pattern}\s+({NUMBER})", question, re.IGNORECASE):
        if missed in (f"{way} {float(found[2].replace(',', '')):.12g}" for way in _WAYS):
            return found[0]
    return missed


def _metric(where: Standings) -> Metric | None:
    """The metric with what counted results came to, and a tenth more at both ends."""
    found = [run.metric for run in where.results.values() if run.metric and where.is_counted(run)]
    if not found:
        return None
    beyond = 0.1 * max(map(abs, found))
    return Metric(where.task.metric.name, min(found) - beyond, max(found) + beyond)


_POINTERS: dict[Elsewhere, Sequence[str]] = {
    "untried": ("gitcollab coverage",),
    "next": (
        "gitcollab analyze",
        "gitcollab hypothesis list --status open",
        "gitcollab coverage",
    ),
    "again": ("gitcollab analyze",),
    "constants": ("gitcollab coverage", "gitcollab analyze"),
}


def _pointers(filters: Filters, subjects: Sequence[Subject]) -> Sequence[str]:
    """The commands that answer; of the constants that are asked about, where they are few."""
    found = dict.fromkeys(one for of in sorted(filters.elsewhere) for one in _POINTERS[of])
    names = dict.fromkeys(named.name for subject in subjects for named in subject.names)
    if "gitcollab coverage" not in found or not 0 < len(names) <= _FEW:
        return [*found]
    each = [f"gitcollab coverage {name}" for name in names]
    return [*each, *(one for one in found if one != "gitcollab coverage")]


def _now(pieces: Pieces, subjects: Sequence[Subject]) -> Iterator[Now]:
    """What the constants are that are named singly or with a value."""
    told: set[str] = set()
    for subject in subjects:
        if len(subject.names) > _FEW:
            continue
        for named in subject.names:
            base, best = (of.get(named.name) for of in (pieces.values.baseline, pieces.values.best))
            if named.name in told or (base is None and best is None):
                continue
            told.add(named.name)
            first = pieces.baseline.get(named.name)
            asked = bool(subject.bounds) and first is not None and subject.holds(named, first)
            yield Now(named.name, base, best, asked)


def _lines(asked: Question, filters: Filters, matches: Matches) -> Iterator[str]:
    for subject in asked.subjects:
        yield subject.text
    for name, near in asked.unknown:
        hint = f"; near: {', '.join(near)}" if near else ""
        yield f"{line(name)}: there is no constant of that name{hint}"
    if asked.terms:
        yield f"words: {', '.join(line(term.said) for term in asked.terms)}"
    if matches.partly:
        yield "all of it together: nobody tried that; these are some of it, those with most first"
    elif asked.either:
        yield "any of these is enough"
    for missed in dict.fromkeys((*filters.missed, *asked.missed)):
        yield f"not understood: {line(missed)}"


def _hit(pieces: Pieces, matches: Matches, piece: Piece) -> Hit:
    return Hit(
        piece.kind,
        piece.id,
        piece.agent,
        piece.at,
        piece.text,
        _changes(pieces, piece),
        piece.metric,
        pieces.mark(piece) if piece.kind == "result" else piece.verdict,
        piece.tier,
        round(matches.scores[piece.key], 6),
        matches.by[piece.key],
        piece.waiting,
        _says_changes(pieces, piece),
    )


def _says_changes(pieces: Pieces, piece: Piece) -> bool:
    if piece.delta is None:
        return False
    values = set_by(piece.delta)
    if all(name in piece.text and shown(value) in piece.text for name, value in values.items()):
        return True
    said = pieces.member.words().understood(piece.text, pieces.constants).delta
    return all(name in said and said[name] == value for name, value in values.items())


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
