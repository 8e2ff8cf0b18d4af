"""What a text says is to be changed: constants and values, concepts, other words, numbers."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from gitcollab.similarity.clauses import ACTIONS, Clause, clauses_of
from gitcollab.similarity.literal import Value
from gitcollab.similarity.quantities import Quantity
from gitcollab.similarity.resolving import (
    about,
    follows,
    resolve,
    same_value,
    settle_meaning,
    solve,
    spoken_with,
)
from gitcollab.similarity.tokens import WINDOWS, Amount, Kind, Token, tokens
from gitcollab.similarity.vocabulary import Vocabulary
from gitcollab.similarity.wording import Wording, judges, take_apart

_MOST_REMARKS = 8
# A number that hangs on a word may be a part of its name, or a change of it: top-2, depth-1.
_GLUED = re.compile(r"(?<![\d.])[A-Za-z][-+]\d")


@dataclass(frozen=True, slots=True)
class Statement:
    """A text understood.

    ``delta`` gives constants and their values after; it is all that the text says when it is
    ``complete``. ``terms`` are the concepts and unknown words in order, ``remarks`` those that
    stand in brackets; amounts likewise.
    """

    text: str
    delta: Mapping[str, Value]
    complete: bool
    terms: tuple[str, ...]
    core: frozenset[str]  # the terms, remarks and all that they imply: what is not shared differs
    concepts: frozenset[str]
    actions: frozenset[str]
    after: tuple[tuple[str | None, Amount], ...]  # each with the constant it is a value of
    counted: tuple[Amount, ...]
    before: tuple[Amount, ...]
    remarks: frozenset[str]
    remarked: tuple[Amount, ...]
    kept: frozenset[str]  # constants of the delta that keep the value they have
    bound: tuple[tuple[frozenset[str], tuple[Amount, ...]], ...]  # the amounts of each subject
    started: tuple[Amount, ...]  # what the change itself says was there before
    limited: bool  # it holds only here or there, for a while, or beside another change


def understand(
    text: str, words: Vocabulary, constants: Mapping[str, Value] | None = None
) -> Statement:
    """What the text says, against the values that the constants have now.

    Bounded: see ``wording.MAX_CHARS``.
    """
    base = dict(constants or {})
    is_verdict = words.verdicts.__contains__
    said = take_apart(text, is_verdict)
    main = _reading(said.change, words, base)
    asides: list[_Reading] = []
    judged: list[_Reading] = []
    for remark in said.remarks[:_MOST_REMARKS]:
        kind = judged if judges(remark, is_verdict) else asides
        read = _reading(remark, words, {**base, **main.delta})  # (dim 640)
        if not _borne_out(read, main.delta, base):
            read = _reading(remark, words, base)  # (half of what it was)
        kind.append(read)
    for aside in asides:
        _heed(aside, main, words, base)
    purpose = _conditions(tokens(said.purpose, words, base), words)
    own = _spoken_with(main.delta, words)
    limited = bool((main.conditions | purpose) - own) or any(
        _limits(aside, main.delta, words, base) for aside in asides
    )
    main.complete &= not _GLUED.search(said.change)
    main.complete &= not any(_says_more(part, own, words) for part in _unjudged(said, is_verdict))
    return _stated(said.change, main, asides, judged, words, base, limited)


def _unjudged(said: Wording, is_verdict: Callable[[str], bool]) -> Iterator[str]:
    """What was cut off from a change and judges nothing: remarks, and their parts."""
    for remark in said.remarks[:_MOST_REMARKS]:
        yield from (part for part in remark.split(",") if not judges(part, is_verdict))


def _says_more(part: str, own: Collection[str], words: Vocabulary) -> bool:
    """Whether it adds a change: "(with SwiGLU)", not "(2x tokens)" or "(extra layer)"."""
    found = tokens(part, words, {})
    told = {t.text for t in found if t.kind is Kind.CONCEPT and not t.before}
    derived = {concept for concept, _, _ in words.derived}
    return bool(told - words.light - ACTIONS - words.closure(own) - derived)


def _conditions(found: Iterable[Token], words: Vocabulary) -> frozenset[str]:
    """What says that a change holds only here or there, or for a while."""
    return words.conditions & {t.text for t in found if t.kind is not Kind.VALUE}


def _spoken_with(constants: Iterable[str], words: Vocabulary) -> set[str]:
    return set().union(*(spoken_with(name, words) for name in constants))


def _limits(
    aside: _Reading, delta: Mapping[str, Value], words: Vocabulary, base: Mapping[str, Value]
) -> bool:
    """Whether a remark takes back that the change is all: "(last layer)", "(DEPTH 10)"."""
    own = _spoken_with({**delta, **aside.delta}, words)
    if aside.conditions - own or not _borne_out(aside, delta, base):
        return True
    plain = not any(
        c.words or c.after or c.before or {*c.concepts} & ACTIONS for c in aside.clauses
    )
    named = {concept for c in aside.clauses for concept in c.concepts}
    return plain and not words.places.isdisjoint(named - own)  # (attention and MLP)


def _borne_out(aside: _Reading, delta: Mapping[str, Value], base: Mapping[str, Value]) -> bool:
    """Whether a remark names no value but those that the constants come to."""
    now = {**base, **delta}
    return all(same_value(value, now[name]) for name, value in aside.delta.items())


@dataclass(slots=True)
class _Reading:
    clauses: list[Clause]
    delta: dict[str, Value]
    complete: bool
    named: bool  # a constant by its own name
    changes: bool  # from one value to another
    conditions: frozenset[str]


def _reading(text: str, words: Vocabulary, base: Mapping[str, Value]) -> _Reading:
    found = tokens(text, words, base)
    clauses = clauses_of(found)
    delta, complete = resolve(clauses, words, base)
    # What follows as it is changes nothing else: depth 10, dim 640 where that comes to 640.
    clauses, delta, complete = _without_what_follows(clauses, delta, complete, words, base)
    if not complete:
        solve(clauses, delta, words, base)
        delta, complete = resolve(clauses, words, base)
    clauses, delta, complete = _without_what_follows(clauses, delta, complete, words, base)
    for clause in clauses:
        if clause.constant is None:
            settle_meaning(clause, words)
    named = any(t.kind is Kind.CONSTANT for t in found)
    changes = any(t.kind is Kind.VALUE and t.before for t in found)
    complete = complete and bool(clauses)
    return _Reading(clauses, delta, complete, named, changes, _conditions(found, words))


def _without_what_follows(
    clauses: list[Clause],
    delta: dict[str, Value],
    complete: bool,
    words: Vocabulary,
    base: Mapping[str, Value],
) -> tuple[list[Clause], dict[str, Value], bool]:
    if complete or not delta:
        return clauses, delta, complete
    left = [c for c in clauses if not follows(c, delta, words, base)]
    return left, *resolve(left, words, base)


def _stated(
    text: str,
    main: _Reading,
    asides: list[_Reading],
    judged: list[_Reading],
    words: Vocabulary,
    base: Mapping[str, Value],
    limited: bool,
) -> Statement:
    concepts = {c for clause in main.clauses for c in clause.concepts}
    concepts |= {
        c for clause in main.clauses if clause.constant for c in about(clause.constant, words)
    }
    terms = tuple(_terms(main.clauses, words))
    remarks = frozenset(t for r in asides for t in _terms(r.clauses, words))
    return Statement(
        text=text.casefold(),
        delta=main.delta,
        complete=main.complete and not limited,
        terms=terms,
        core=frozenset(words.closure({*terms, *remarks})),
        concepts=frozenset(concepts - ACTIONS),
        actions=frozenset(concepts & ACTIONS),
        after=tuple((c.constant, a) for c in main.clauses for a in c.after),
        counted=tuple(a for c in main.clauses for a in c.counted),
        before=tuple(a for c in main.clauses for a in c.before)
        + tuple(a for r in judged for c in r.clauses for a in (*c.after, *c.before)),
        remarks=remarks,
        remarked=tuple(a for r in asides for c in r.clauses for a in (*c.after, *c.before)),
        kept=frozenset(k for k, v in main.delta.items() if same_value(v, base[k])),
        limited=limited,
        bound=tuple(_bound(main.clauses)),
        started=tuple(a for c in main.clauses for a in c.before if not _is_word(a)),
    )


def _bound(clauses: Iterable[Clause]) -> Iterator[tuple[frozenset[str], tuple[Amount, ...]]]:
    for clause in clauses:
        subject = frozenset((*clause.concepts, *clause.words)) - ACTIONS
        if subject and clause.after and clause.constant is None:
            yield subject, tuple(clause.after)


def _is_word(amount: Amount) -> bool:
    """What was there before is kept as a word where it is no amount."""
    return isinstance(amount, str) and not WINDOWS.fullmatch(amount)


def _heed(aside: _Reading, main: _Reading, words: Vocabulary, base: Mapping[str, Value]) -> None:
    """What a remark adds to the change that it stands beside."""
    values = any(c.after for c in main.clauses)
    amounts = [a for c in aside.clauses for a in c.after]
    more = aside.complete and aside.changes and not aside.delta.keys() & main.delta.keys()
    moves = any(not same_value(v, base[k]) for k, v in aside.delta.items())
    if not values and _acts(aside) and not _acts(main):  # plain (non-cautious) weight decay
        main.clauses += aside.clauses
    elif main.complete and more:  # halve the batch (device batch 128 → 64)
        main.delta |= aside.delta
    elif not main.complete and aside.complete and moves and (aside.named or not main.delta):
        main.complete = _says_no_more(main, aside, words)
        main.delta |= aside.delta  # wider model (ASPECT_RATIO=80)
    elif len(amounts) == 1 and main.clauses and (not values or _one_change(main)):
        _adopt(main, aside)  # up 50% (0.04 to 0.06)
        main.delta, main.complete = resolve(main.clauses, words, base)


def _terms(clauses: Iterable[Clause], words: Vocabulary) -> Iterator[str]:
    for clause in clauses:
        if clause.constant:
            yield from sorted(about(clause.constant, words))
        yield from (c for c in clause.concepts if c not in ACTIONS)
        yield from clause.words


def _acts(reading: _Reading) -> bool:
    return any(c in ("add", "remove") for clause in reading.clauses for c in clause.concepts)


def _says_no_more(main: _Reading, aside: _Reading, words: Vocabulary) -> bool:
    """Whether what is not resolved in a text is about the constants that a remark names."""
    own = _spoken_with(aside.delta, words) | ACTIONS
    own |= {dim for dim, *of in words.derived if aside.delta.keys() & {*of[0], of[1]}}
    given = {a for c in aside.clauses for a in (*c.after, *c.before)}
    for clause in main.clauses:
        if clause.constant in main.delta:
            continue
        if clause.constant or clause.words or set(clause.concepts) - own:
            return False
        if not aside.named and set(clause.after) - given:
            return False
    return True


def _one_change(reading: _Reading) -> bool:
    amounts = [a for c in reading.clauses for a in c.after]
    return len(amounts) == 1 and isinstance(amounts[0], Quantity) and amounts[0].relative


def _adopt(main: _Reading, aside: _Reading) -> None:
    """ "up 50% (0.04 to 0.06)": the remark gives the value."""
    clause = next((c for c in main.clauses if c.after), main.clauses[-1])
    clause.after = [a for c in aside.clauses for a in c.after]
    clause.before += [a for c in aside.clauses for a in c.before]
