"""A text as tokens: constants, concepts, other words, values, and the small words between them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import TypeAlias

from gitcollab.similarity import quantities
from gitcollab.similarity.literal import Value
from gitcollab.similarity.quantities import NUMBER, Quantity
from gitcollab.similarity.vocabulary import Vocabulary, Words, stem, stems

Amount: TypeAlias = "Quantity | str | tuple[float, ...]"


class Kind(Enum):
    """What a token is."""

    CONSTANT = "constant"  # an exact name
    CONCEPT = "concept"
    WORD = "word"  # one that the vocabulary does not know
    WEAK = "weak"  # one that tells nothing apart
    VALUE = "value"
    ARROW = "arrow"  # → or "to": before it what was, after it what is
    FROM = "from"  # "from", "instead of": what follows is what was
    WITH = "with"
    EQUALS = "equals"
    COMMA = "comma"  # between changes: a comma, "and", "+"


@dataclass(slots=True)
class Token:
    """A piece of text. ``before``: it says what was there, not what is to be."""

    kind: Kind
    text: str = ""
    amount: Amount | None = None
    before: bool = False


_LEXEMES = re.compile(
    rf"""
  (?P<arrow>-+>|=+>|→|⇒|➔|➜|⟶)
| (?P<quoted>"[^"]{{0,100}}"|(?<!\w)'[^']{{1,100}}'(?!\w))
| (?P<power>(?<![\w.])\d{{1,6}}\s?(?:\*\*|\^)\s?-?\d{{1,3}}(?![\w.]))
| (?P<several>[(\[]\s*[+-]?{NUMBER}(?:\s*,\s*[+-]?{NUMBER})+\s*,?\s*[)\]])
| (?P<ratio>(?<![\w.])\d{{1,5}}\s?/\s?\d{{1,5}}(?![\w./]))
| (?P<factor>(?<![\w.])(?:[x×*](?!0(?!\.))\s?{NUMBER}(?![\w]|\.\d)
             |{NUMBER}\s?(?:[x×](?!\w|\s\d)|-?fold\b|\s?times\b)))
| (?P<percent>(?<![\w.])[+-]?{NUMBER}\s?(?:%|percent\b|pct\b))
| (?P<number>(?:(?<![\w.)\]])[+-])?(?<![\w.]){NUMBER}
             (?:[kKmM](?:i|ib)?(?![A-Za-z0-9])|(?![A-Za-z0-9_]|\.\d)
              |(?=(?:px|d|h|s|ms|min|th|rd|nd|st)\b)))
| (?P<word>[^\W\d][\w²]*(?:\.[^\W\d]\w*)*|\d+[^\W_]\w*)
| (?P<mark>[,;:=+&|])
""",
    re.VERBOSE,
)
WINDOWS = re.compile(r"[SL]{2,}|L")  # short and long attention windows, layer by layer
_FROM: tuple[Words, ...] = (
    ("instead", "of"), ("rather", "than"), ("in", "place", "of"), ("as", "opposed", "to"),
    ("up", "from"), ("down", "from"), ("from",), ("was",), ("previously",),
    ("formerly",), ("replacing",), ("originally",), ("replace",), ("replaced",), ("vs",),
    ("versus",), ("swap",), ("swapping",), ("currently",), ("than",),
)  # fmt: skip
_SWAPS = frozenset({"replace", "replaced", "replacing", "swap", "swapping"})
_INSTEAD = frozenset({"instead", "rather", "in", "as"})
_READERS = {
    "power": quantities.power,
    "several": quantities.several,
    "ratio": quantities.ratio,
    "factor": quantities.factor,
    "percent": quantities.percent,
    "number": quantities.number,
}


def tokens(text: str, words: Vocabulary, constants: Mapping[str, Value]) -> list[Token]:
    """The tokens of a text, with what was there before marked as such."""
    own = own_words(words, tuple(constants))
    found = list(_named(list(lexed(text, words, constants)), words, own))
    _mark_before(found, words)
    return found


def lexed(text: str, words: Vocabulary, constants: Mapping[str, Value]) -> Iterator[Token]:
    """Tokens in which words are not yet concepts."""
    names = {name.lower(): name for name in constants}
    patterns = any(isinstance(v, str) and WINDOWS.fullmatch(v) for v in constants.values())
    for match in _LEXEMES.finditer(text):
        kind, piece = match.lastgroup, match[0]
        if kind == "arrow":
            yield Token(Kind.ARROW, piece)
        elif kind == "quoted":
            yield from _quoted(piece[1:-1], words, constants)
        elif kind == "mark":
            yield Token(Kind.EQUALS if piece in "=:" else Kind.COMMA, piece)
        elif kind in _READERS:
            if (amount := _READERS[kind](piece)) is not None:
                yield Token(Kind.VALUE, piece, amount)
        elif piece.lower() in names and ("_" in piece or piece.isupper()):
            yield Token(Kind.CONSTANT, names[piece.lower()])
        elif WINDOWS.fullmatch(piece) and patterns:
            yield Token(Kind.VALUE, piece, piece)
        else:
            yield from (Token(Kind.WORD, word) for word in _split(piece))


def _quoted(inside: str, words: Vocabulary, constants: Mapping[str, Value]) -> Iterator[Token]:
    """Quoted text means what it would without quotes; one that means nothing is a value."""
    found = list(lexed(inside, words, constants))  # shorter, and without this kind of quotes
    known = any(concept for concept, _ in words.scan(stems(inside)))
    if WINDOWS.fullmatch(inside) or not (known or any(t.kind is not Kind.WORD for t in found)):
        yield Token(Kind.VALUE, inside, inside)
    else:
        yield from found


def _split(piece: str) -> list[str]:
    """The stems of a piece such as c_proj, n_embd, maxNorm, 50257x128."""
    return [stem(piece.lower())] if piece[0].isdigit() else stems(piece)


@lru_cache(maxsize=64)
def own_words(words: Vocabulary, constants: tuple[str, ...]) -> dict[Words, str]:
    """The constants whose names, in words, mean nothing in the field: "noise" for NOISE."""
    own = {}
    for name in constants:
        spoken = stems(name.replace("_", " "))
        if spoken and not any(concept for concept, _ in words.scan(spoken)):
            own[tuple(spoken)] = name
    return own


def _named(found: list[Token], words: Vocabulary, own: Mapping[Words, str]) -> Iterator[Token]:
    """The tokens with their words replaced by what they mean, longest phrases first."""
    at = 0
    while at < len(found):
        if found[at].kind is not Kind.WORD:
            yield found[at]
            at += 1
            continue
        run = [t.text for t in _run(found[at : at + words.longest])]
        length, meant = _meaning(run, words, own)
        yield from meant
        at += length


def _run(found: list[Token]) -> Iterator[Token]:
    for token in found:
        if token.kind is not Kind.WORD:
            return
        yield token


def _meaning(
    run: list[str], words: Vocabulary, own: Mapping[Words, str]
) -> tuple[int, list[Token]]:
    """How many of a run's first words belong together, and the tokens that they make."""
    for marker in _FROM:
        if tuple(run[: len(marker)]) == marker:
            return len(marker), [Token(Kind.FROM, marker[0])]
    for length in range(min(words.longest, len(run)), 0, -1):
        if (concept := words.concepts.get(tuple(run[:length]))) is not None:
            return length, [Token(Kind.CONCEPT, concept)]
        if (constant := own.get(tuple(run[:length]))) is not None:
            return length, [Token(Kind.CONSTANT, constant)]
    small = _small_word(run[0], words)
    if small.kind is Kind.WORD and (undone := _undone(run[0], words)) is not None:
        return 1, [Token(Kind.CONCEPT, "remove"), Token(Kind.CONCEPT, undone)]
    return 1, [small]


def _undone(word: str, words: Vocabulary) -> str | None:
    """The concept that a word such as untie or nonlinear takes back."""
    for prefix in ("un", "non"):
        rest = word.removeprefix(prefix)
        if rest != word and len(rest) > 2:
            return words.concepts.get((stem(rest),))
    return None


def _small_word(word: str, words: Vocabulary) -> Token:
    if word in ("to", "into"):
        return Token(Kind.ARROW, word)
    if word in ("and", "plus", "then", "together"):
        return Token(Kind.COMMA, word)
    if word in ("with", "by", "for", "via"):
        return Token(Kind.WITH, word)
    if word in words.factors:
        return Token(Kind.VALUE, word, Quantity((words.factors[word],), "factor"))
    if word in words.fractions:
        return Token(Kind.VALUE, word, Quantity((words.fractions[word],), "fraction"))
    if word in words.numbers:
        return Token(Kind.VALUE, word, Quantity((words.numbers[word],)))
    return Token(Kind.WEAK if word in words.weak else Kind.WORD, word)


def _mark_before(found: list[Token], words: Vocabulary) -> None:
    for at, token in enumerate(found):
        if token.kind is Kind.FROM:
            _mark_after_from(found, at, words)
        elif token.kind is Kind.ARROW:
            _mark_before_arrow(found, at, words)


def _mark_after_from(found: list[Token], at: int, words: Vocabulary) -> None:
    """``from 0.5``, ``instead of ReLU``: one value, or what belongs to a contrast."""
    if found[at].text == "from" and _takes_out(found[max(0, at - 4) : at]):
        return  # remove the bias from attention
    swap, swapped = found[at].text in _SWAPS, found[at].text in _INSTEAD
    values = 0
    for token in found[at + 1 : at + 7]:
        ends = (Kind.ARROW, Kind.COMMA) if not swap else (Kind.ARROW, Kind.COMMA, Kind.WITH)
        if token.kind in (*ends, Kind.FROM) or token.text == "for":
            return
        if token.kind is Kind.VALUE:
            values += 1
            token.before = values == 1
        elif _contrasted(token, words) or (swapped and token.kind in (Kind.CONSTANT, Kind.WORD)):
            token.before = True


def _takes_out(before: list[Token]) -> bool:
    return any(t.kind is Kind.CONCEPT and t.text in ("remove", "drop") for t in before) and not any(
        t.kind is Kind.VALUE for t in before
    )


def _mark_before_arrow(found: list[Token], at: int, words: Vocabulary) -> None:
    """``0.04 → 0.05``, ``0.04 to 0.05``, ``relu² → gelu``."""
    new = _nearest(found[at + 1 : at + 5], words)
    if new is None:
        return
    old = _nearest(found[max(0, at - 4) : at][::-1], words, like=new)
    if old is None:
        return
    if found[at].text in ("to", "into"):
        start = next(i for i, t in enumerate(found) if t is old)
        if not _leads(old, found[start + 1 : at], found[at + 1 : at + 5], words):
            return
    if multiplies(old):  # halve it to 262K: the factor says nothing more
        old.kind = Kind.WEAK
    else:
        old.before = True


def multiplies(token: Token) -> bool:
    """A word that says what is done: halve, double."""
    amount = token.amount
    return isinstance(amount, Quantity) and amount.kind == "factor" and token.text.isalpha()


def _nearest(
    found: Collection[Token], words: Vocabulary, like: Token | None = None
) -> Token | None:
    """The first value or contrasted concept, over no more than two other words.

    ``like`` another one: a value for a value, a concept that excludes it for a concept.
    """
    for hops, token in enumerate(found):
        if token.kind is Kind.VALUE and (like is None or like.kind is Kind.VALUE):
            return token
        if _contrasted(token, words) and (like is None or _exclude(token.text, like.text, words)):
            return token
        if hops == 2 or token.kind not in (Kind.WEAK, Kind.WORD, Kind.CONCEPT):
            return None
    return None


def _leads(old: Token, between: list[Token], after: list[Token], words: Vocabulary) -> bool:
    """Whether "0.04 to 0.05" is one change: what stands between is of both values."""
    said = {t.text for t in after}
    return all(
        t.kind is not Kind.CONCEPT or t.text in said or t.text in words.light for t in between
    )


def _contrasted(token: Token, words: Vocabulary) -> bool:
    return token.kind is Kind.CONCEPT and token.text in words.contrasted


def _exclude(one: str, other: str, words: Vocabulary) -> bool:
    return one != other and any(one in g and other in g for g in words.contrasts)
