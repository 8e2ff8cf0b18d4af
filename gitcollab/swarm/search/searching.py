"""Finding the records that answer a question: by constants, by words, by meaning."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeAlias

from gitcollab.similarity.bounds import all_hold
from gitcollab.similarity.fusion import fused
from gitcollab.similarity.question import Question, Subject, general
from gitcollab.similarity.spellings import narrower
from gitcollab.similarity.vocabulary import stems
from gitcollab.swarm.grouping import key_of
from gitcollab.swarm.search.filters import Filters, Kind
from gitcollab.swarm.search.meaning import meant
from gitcollab.swarm.search.pieces import Piece, Pieces
from gitcollab.swarm.search.tried import gain_of

MOST_BY_WORDS = 200  # of a kind
_LOOKED_AT = 1000  # of a kind, since some do not meet the filters
_FIRST = 1.0  # what being found by constants is worth: more than all places together
_MARKS = ("keep", "discard", "noise", "unconfirmed", "unjudged", "rerun", "crash", "uncounted")

_TIES: Sequence[Kind] = ("result", "insight", "hypothesis", "claim")
_Key: TypeAlias = tuple[Kind, str]
_Rankings: TypeAlias = list[tuple[str, Sequence[_Key]]]  # each with what found it


@dataclass
class Matches:
    """What was found, the best first, with its score and what found it.

    ``results`` are all results that meet the filters, whatever else is asked; ``subjects`` are the
    constants that are asked about. ``meaning``: what the sentence model did. ``partly``: no record
    sets all constants as asked, and these set some.
    """

    subjects: Sequence[Subject]
    results: Sequence[Piece]
    ranked: Sequence[Piece]
    scores: Mapping[_Key, float]
    by: Mapping[_Key, tuple[str, ...]] = field(default_factory=dict)
    meaning: str = ""
    partly: bool = False


class Search:
    """One question, put to the records of a hub. ``text`` is what the sentence model is asked."""

    def __init__(self, pieces: Pieces, filters: Filters, asked: Question, text: str) -> None:
        self._pieces = pieces
        self._filters = filters
        self._asked = asked
        self._text = text
        metric = pieces.where.task.metric.name
        self._measured = [b for s in asked.subjects if _is_metric(s, metric) for b in s.bounds]
        self._subjects = [s for s in asked.subjects if not _is_metric(s, metric)]
        self._bounded = any(subject.bounds for subject in self._subjects)
        self._partly: list[bool] = []  # of each kind: what was found meets some of what is asked

    def matches(self, kinds: Sequence[Kind], meaning: bool | None) -> Matches:
        """What the records of these kinds have to say."""
        filters = self._filters
        if filters.elsewhere:  # records do not answer that
            return Matches(self._subjects, (), (), {})
        ordered = filters.order not in (None, "newest") and filters.kinds is None
        if self._measured or ordered:
            kinds = [kind for kind in kinds if kind == "result"]
        found = {k: self._pieces.of(k, filters, self._measured) for k in kinds}
        if filters.gains:
            found["result"] = [one for one in found.get("result", ()) if self._gained(one)]
        every = {piece.key: piece for of in found.values() for piece in of}
        if not (self._subjects or self._asked.terms or self._asked.unknown):
            if self._is_misunderstood:
                return Matches(self._subjects, (), (), {})
            rankings: _Rankings = [("", self._all(of)) for of in found.values()]
            words = self._pieces.member.words().words
            asks = meaning is True and bool(general(self._text, words))
        else:
            rankings = [one for kind, of in found.items() for one in self._searched(kind, of)]
            if not any(ranking for _, ranking in rankings):
                rankings += [("words", self._by_words(k, found[k], self._narrower)) for k in found]
            asks = meaning is not None or bool(self._asked.terms or self._asked.unknown)
        said = ""
        if asks:
            known = {key for _, ranking in rankings for key in ranking}
            more = meant(self._pieces.member, self._text, every.values(), meaning, len(known))
            rankings.append(("meaning", [p.key for p in more.found if self._may_mean(p, known)]))
            said = more.said
        return self._fused(found.get("result", ()), every, rankings, said)

    def _may_mean(self, piece: Piece, known: Collection[_Key]) -> bool:
        """Whether a piece may be what is meant: where values are asked, what it sets decides."""
        return not self._bounded or piece.delta is None or piece.key in known

    def _fused(
        self, results: Sequence[Piece], every: Mapping[_Key, Piece], rankings: _Rankings, said: str
    ) -> Matches:
        scores = fused(ranking for _, ranking in rankings)
        by: dict[_Key, dict[str, None]] = defaultdict(dict)
        for name, ranking in rankings:
            for key in ranking if name else ():
                by[key][name] = None
        for key, names in by.items():
            scores[key] += _FIRST if "constants" in names else 0.0
        ranked = sorted(scores, key=lambda key: (-scores[key], _TIES.index(key[0]), key))
        return Matches(
            self._subjects,
            results,
            [every[key] for key in ranked],
            scores,
            {key: tuple(by.get(key, ())) for key in ranked},
            said,
            any(self._partly) and all(self._partly),
        )

    @property
    def _is_misunderstood(self) -> bool:
        """Whether something is asked, and nothing of it understood: that is no call for all."""
        asked = bool(self._asked.missed or self._filters.missed)
        narrowed = replace(self._filters, kinds=None)
        return asked and not self._measured and not any(True for _ in narrowed.lines())

    def _gained(self, piece: Piece) -> bool:
        gain = gain_of(self._pieces.where, self._pieces.run(piece))
        return gain is not None and all_hold(self._filters.gains, gain)

    def _searched(self, kind: Kind, found: Sequence[Piece]) -> _Rankings:
        """The rankings of one kind.

        Texts that speak of the constants count like records that set them, where no value is asked
        for, and where there is nothing that they set. What sets them is judged by that alone.
        """
        exact = self._by_constants(found)
        other = {*self._otherwise(found)}
        fit = [piece for piece in found if piece.key not in other]
        terms = self._by_words(kind, fit, [way for t in self._asked.terms for way in t.ways])
        unknown = [name.replace("_", " ") for name, _ in self._asked.unknown]
        ways = [*self._ways, *unknown] if self._searches(kind) else []
        spoken = self._by_words(kind, found, ways)
        prose = {p.key for p in found if p.delta is None and kind not in ("result", "claim")}
        if not self._bounded and self._ways:
            exact += [key for key in spoken if key in prose]
        known = {*exact, *(p.key for p in self._pieces.setting(self._subjects, found))}
        return [
            ("constants", exact),
            ("words", terms),
            ("words", [key for key in spoken if key not in known]),
        ]

    def _otherwise(self, found: Sequence[Piece]) -> Iterator[_Key]:
        """Those that set a constant that is asked about, and not as is asked."""
        if self._bounded and not self._asked.either:
            for piece in self._pieces.setting(self._subjects, found):
                if not any(self._meets(piece, subject) for subject in self._subjects):
                    yield piece.key

    @cached_property
    def _narrower(self) -> Sequence[str]:
        """How texts write what is a kind of what is asked for: SwiGLU of activation functions."""
        words = self._pieces.member.words().words
        return [way for term in self._asked.terms for way in narrower(term.said, words)]

    def _searches(self, kind: Kind) -> bool:
        """Whether texts are searched for the constants; code says it all where values are asked."""
        return not self._bounded or kind not in ("result", "claim")

    # -- constants ---------------------------------------------------------------------------------

    def _by_constants(self, found: Sequence[Piece]) -> list[_Key]:
        """Those that set the constants as asked: the cleanest tests first, the kept before others.

        All that is asked must hold, or (where the question says "or", or names constants without
        values) any of it; where nothing meets it all, any of it will do.
        """
        met: list[tuple[int, Piece]] = []
        for piece in self._pieces.setting(self._subjects, found):
            if many := sum(self._meets(piece, subject) for subject in self._subjects):
                met.append((many, piece))
        all_asked = not self._asked.either and all(subject.bounds for subject in self._subjects)
        wanted = len(self._subjects)
        every = any(many == wanted for many, _ in met)
        if met:
            self._partly.append(not every and wanted > 1 and not self._asked.either)
        if all_asked and every:
            met = [one for one in met if one[0] == wanted]
        return [piece.key for _, piece in sorted(met, key=lambda one: self._place(*one))]

    def _meets(self, piece: Piece, subject: Subject) -> bool:
        return next(self._pieces.settings(piece, [subject]), None) is not None

    def _place(self, many: int, piece: Piece) -> tuple[float, ...]:
        if self._filters.order is not None:
            return -many, *self._order(piece)
        others = piece.structural or (piece.delta or "").count('":') > 1
        if piece.kind != "result":
            return -many, others, 0, 0.0  # hypotheses come in the order of their use
        gain = gain_of(self._pieces.where, self._pieces.run(piece))
        return -many, others, _MARKS.index(self._pieces.mark(piece)), -(gain or 0.0)

    # -- words -------------------------------------------------------------------------------------

    @cached_property
    def _ways(self) -> Sequence[str]:
        return [way for subject in self._subjects for way in subject.ways]

    def _by_words(self, kind: Kind, found: Sequence[Piece], phrases: Sequence[str]) -> list[_Key]:
        """Those whose text has the words, the best match first; what waits here before others."""
        if not phrases:
            return []
        phrases = list(dict.fromkeys(phrases))
        if kind == "claim":
            return [piece.key for piece in found if _says(piece.text, phrases)]
        allowed = {piece.id for piece in found}
        rows = self._pieces.snapshot.search(kind, phrases, _LOOKED_AT)
        there = [(kind, record_id) for record_id, _ in rows if record_id in allowed]
        here = [piece.key for piece in found if piece.waiting and _says(piece.text, phrases)]
        return [*here, *there][:MOST_BY_WORDS]

    # -- all ---------------------------------------------------------------------------------------

    def _all(self, found: Sequence[Piece]) -> list[_Key]:
        """Where nothing but filters is asked: the newest first, or the best."""
        if self._filters.order is None and found and found[0].kind == "hypothesis":
            return [piece.key for piece in found]  # in the order of their use
        return [piece.key for piece in sorted(found, key=lambda p: (*self._order(p), p.id))]

    def _order(self, piece: Piece) -> tuple[float, float]:
        """The place of a piece among all: by its program's rank where the best is asked for."""
        if self._filters.order in (None, "newest") or piece.kind != "result":
            return 0, -_time(piece.at)
        if self._filters.order != "best":
            gain = gain_of(self._pieces.where, self._pieces.run(piece))
            sign = -1 if self._filters.order == "largest gain" else 1
            return math.inf if gain is None else sign * gain, -_time(piece.at)
        run, last = self._pieces.run(piece), len(self._ranks)
        counts = self._pieces.where.is_counted(run)
        return self._ranks.get(key_of(run), last) if counts else last + 1, -_time(piece.at)

    @cached_property
    def _ranks(self) -> Mapping[tuple[str, str], int]:
        return {draft.key: place for place, draft in enumerate(self._pieces.where.eligible)}


def _is_metric(subject: Subject, metric: str) -> bool:
    return [named.name for named in subject.names] == [metric]


def _time(at: str) -> int:
    """A time in RFC 3339 as a number that rises with it."""
    return int("".join(filter(str.isdigit, at)))


def _says(text: str, phrases: Iterable[str]) -> bool:
    said = f" {' '.join(stems(text))} "
    return any(f" {' '.join(stems(phrase))} " in said for phrase in phrases)
