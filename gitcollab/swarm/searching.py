"""Finding the records that answer a question: by constants, by words, by meaning."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from gitcollab.similarity.fusion import fused
from gitcollab.similarity.literal import NotLiteral, Value, evaluate, shown
from gitcollab.similarity.question import Question, Subject, ways_to_say
from gitcollab.similarity.vocabulary import stems
from gitcollab.swarm.filters import Filters, Kind
from gitcollab.swarm.pieces import Piece, Pieces, set_by
from gitcollab.swarm.tried import gain_of

MOST_BY_WORDS = 200  # of a kind
_FIRST = 1.0  # what being found by constants is worth: more than any places
_MARKS = ("keep", "discard", "noise", "unconfirmed", "unjudged", "rerun", "crash", "uncounted")
_Key = tuple[Kind, str]


@dataclass
class Matches:
    """What was found, the best first; ``results`` are all results that meet the filters."""

    subjects: Sequence[Subject]
    results: Sequence[Piece]
    ranked: Sequence[Piece] = ()
    scores: dict[_Key, float] = field(default_factory=dict)
    by: dict[_Key, tuple[str, ...]] = field(default_factory=dict)
    meaning: str = ""


class Search:
    """One question, put to the records of a hub."""

    def __init__(self, pieces: Pieces, filters: Filters, asked: Question, text: str) -> None:
        self._pieces = pieces
        self._filters = filters
        self._asked = asked
        self._text = text
        metric = pieces.where.task.metric.name
        self._measured = [b for s in asked.subjects if _is_metric(s, metric) for b in s.bounds]
        self._subjects = [s for s in asked.subjects if not _is_metric(s, metric)]

    def matches(self, kinds: Sequence[Kind], meaning: bool | None) -> Matches:
        """What the records of these kinds have to say."""
        if self._measured:
            kinds = [kind for kind in kinds if kind == "result"]
        found = {k: self._pieces.of(k, self._filters, self._measured) for k in kinds}
        every = {piece.key: piece for of in found.values() for piece in of}
        rankings: dict[str, list[list[_Key]]] = {
            "constants": [self._by_constants(of) for of in found.values()],
            "words": [self._by_words(kind, of) for kind, of in found.items()],
        }
        if not self._subjects and not self._asked.terms and not self._asked.unknown:
            rankings = {"": [self._all(of) for of in found.values()]}
        return self._fused(found.get("result", ()), every, rankings)

    def _fused(
        self,
        results: Sequence[Piece],
        every: dict[_Key, Piece],
        rankings: dict[str, list[list[_Key]]],
    ) -> Matches:
        scores = fused(ranking for lists in rankings.values() for ranking in lists)
        by: dict[_Key, tuple[str, ...]] = defaultdict(tuple)
        for name, lists in rankings.items():
            for key in {key for ranking in lists for key in ranking} if name else ():
                by[key] = (*by[key], name)
        for key in by:
            if "constants" in by[key]:
                scores[key] += _FIRST
        ranked = sorted(scores, key=lambda key: (-scores[key], every[key].at, key), reverse=False)
        return Matches(self._subjects, results, [every[key] for key in ranked], scores, by)

    # -- constants ---------------------------------------------------------------------------------

    def _by_constants(self, found: Sequence[Piece]) -> list[_Key]:
        """Those that set the constants as asked: the cleanest tests first, the kept before others.

        All that is asked must hold, or (where the question says "or", or names constants without
        values) any of it; where nothing meets it all, any of it will do.
        """
        if not self._subjects:
            return []
        names = {f'"{named.name}"' for subject in self._subjects for named in subject.names}
        met: list[tuple[int, Piece]] = []
        for piece in found:
            if piece.delta is None or not any(name in piece.delta for name in names):
                continue
            if many := sum(self._meets(piece, subject) for subject in self._subjects):
                met.append((many, piece))
        wanted = len(self._subjects)
        if not self._any_will_do and any(many == wanted for many, _ in met):
            met = [one for one in met if one[0] == wanted]
        return [piece.key for _, piece in sorted(met, key=lambda one: self._place(*one))]

    @property
    def _any_will_do(self) -> bool:
        return self._asked.either or not all(subject.bounds for subject in self._subjects)

    def _meets(self, piece: Piece, subject: Subject) -> bool:
        return any(True for _ in Search.settings(self._pieces, [subject], piece))

    def _place(self, many: int, piece: Piece) -> tuple[object, ...]:
        others = piece.structural + (piece.delta or "").count('":') > 1
        if piece.kind != "result":
            return -many, others, 0, 0.0, _later(piece.at)
        gain = gain_of(self._pieces.where, self._pieces.run(piece))
        mark = _MARKS.index(piece.verdict) if piece.verdict in _MARKS else len(_MARKS)
        return -many, others, mark, -(gain or 0.0), _later(piece.at)

    @staticmethod
    def settings(
        pieces: Pieces, subjects: Sequence[Subject], piece: Piece
    ) -> Iterator[tuple[str, str]]:
        """The constants that a piece sets as one of the subjects asks, with the values."""
        if piece.delta is None:
            return
        values = set_by(piece.delta)
        for subject in subjects:
            for named in subject.names:
                if named.name not in values:
                    continue
                before = _before(pieces, piece, named.name) if subject.bounds else None
                if subject.holds(named, values[named.name], before):
                    yield named.name, shown(values[named.name])

    # -- words -------------------------------------------------------------------------------------

    def _by_words(self, kind: Kind, found: Sequence[Piece]) -> list[_Key]:
        """Those whose text has the words, the best match first; what waits here before others."""
        words = self._phrases(kind)
        if not words:
            return []
        if kind == "claim":
            return [piece.key for piece in found if _says(piece.text, words)]
        allowed = {piece.id for piece in found}
        rows = self._pieces.snapshot.search(kind, words, MOST_BY_WORDS * 5)
        there = [(kind, record_id) for record_id, _ in rows if record_id in allowed]
        here = [p.key for p in found if p.waiting and _says(p.text, words)]
        return [*here, *there][:MOST_BY_WORDS]

    def _phrases(self, kind: Kind) -> list[str]:
        """What is searched for. A result says in code what it sets, so its text need not agree."""
        phrases = [way for term in self._asked.terms for way in term.ways]
        bounded = any(subject.bounds for subject in self._subjects)
        if not (kind in ("result", "claim") and bounded):
            words = self._pieces.member.words().words
            phrases += [way for one in self._subjects for way in ways_to_say(one, words)]
        phrases += [name.replace("_", " ") for name, _ in self._asked.unknown]
        return list(dict.fromkeys(phrases))

    # -- all ---------------------------------------------------------------------------------------

    def _all(self, found: Sequence[Piece]) -> list[_Key]:
        """Where nothing but filters is asked: the newest first, or the best."""
        if self._filters.order == "best":
            sign = self._pieces.where.task.sign
            return [p.key for p in sorted(found, key=lambda p: _metric(p, sign))]
        return [p.key for p in sorted(found, key=lambda p: (p.at, p.id), reverse=True)]


def _is_metric(subject: Subject, metric: str) -> bool:
    return [named.name for named in subject.names] == [metric]


def _metric(piece: Piece, sign: int) -> tuple[bool, float, str]:
    counts = piece.metric is not None and piece.verdict not in ("uncounted", "unconfirmed")
    return not counts, (piece.metric or 0.0) * sign, piece.id


def _later(at: str) -> int:
    """Later times first, in an order that rises."""
    return -int("".join(filter(str.isdigit, at)))


def _says(text: str, phrases: Sequence[str]) -> bool:
    said = f" {' '.join(stems(text))} "
    return any(f" {' '.join(stems(phrase))} " in said for phrase in phrases)


def _before(pieces: Pieces, piece: Piece, name: str) -> Value:
    """What a constant was in the base of a result; None where that is not known."""
    if piece.kind != "result":
        return pieces.baseline.get(name)
    for change in pieces.values.changes.get(piece.id, ()):
        if change.name == name and change.before is not None:
            return _value(change.before)
    return None


@lru_cache(maxsize=10_000)
def _value(text: str) -> Value:
    try:
        return evaluate(ast.parse(text, mode="eval").body)
    except (NotLiteral, SyntaxError):
        return None
