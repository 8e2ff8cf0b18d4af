"""What a question says of amounts: above 0.05, between 8 and 12, 0.02-0.05, at most 2**18, 0.1 →.

A question is spelt as one text, in which ``#3`` stands for an amount and ``@4`` for a constant (by
the place of their tokens), so that comparisons are patterns of words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple, TypeAlias

from gitcollab.similarity.bounds import Bound, Op
from gitcollab.similarity.quantities import NUMBER, Quantity
from gitcollab.similarity.tokens import Amount, Kind, Token
from gitcollab.similarity.vocabulary import Vocabulary

_Ops: TypeAlias = tuple[Op | Literal["→"], ...]


class Compared(NamedTuple):
    """What is asked of one value, as it was said, and where that ends."""

    bounds: tuple[Bound, ...]
    said: str
    end: int


# Marks that values are compared with, as words: the lexer knows only those of descriptions.
_WORDS_FOR = (
    (r"!=|≠|<>", " other than "),
    (r">=|≥", " at least "),
    (r"<=|≤", " at most "),
    (r"(?<![-=])>", " above "),
    (r"<", " below "),
    (r"≈|~", " about "),
)
_TURNED = {"<": ">", "<=": ">=", "≤": ">=", ">": "<", ">=": "<=", "≥": "<="}
_NUMBER_FIRST = re.compile(rf"(?<![\w.])({NUMBER}[kKmM]?)\s*(<=|>=|<|>|≤|≥)\s*(?=[A-Za-z])")
_SPAN = re.compile(rf"(?<![\w.])({NUMBER}[kKmM]?)\s*(?:-|–|—|\.\.\.?)\s*(?={NUMBER})")

_MORE = "more|higher|above|over|up|larger|bigger|greater|beyond|longer|deeper|wider"
_LESS = "less|lower|below|under|down|smaller|fewer|shorter|narrower|shallower"
# Most telling first; words as their stems.
_RULES: tuple[tuple[str, _Ops], ...] = (
    (r"(?:any ?where )?between #(\d+) (?:and|to|,) #(\d+)", ("≥", "≤")),
    (r"(?:from )?#(\d+) → #(\d+)", ("→",)),
    (r"(?:from )?#(\d+) (?:up to|to|through|until) #(\d+)", ("≥", "≤")),
    (r"(?:at least|no less than|not (?:below|under)|minimum of) #(\d+)", ("≥",)),
    (r"(?:at most|up to|no more than|not (?:above|over)|maximum of) #(\d+)", ("≤",)),
    (rf"#(\d+) (?:or|and) (?:{_MORE})\b", ("≥",)),
    (rf"#(\d+) (?:or|and) (?:{_LESS})\b", ("≤",)),
    (rf"(?:above|over|beyond|past|exceed(?:ing|ed)?|(?:{_MORE}) than) #(\d+)", (">",)),
    (rf"(?:below|under|(?:{_LESS}) than) #(\d+)", ("<",)),
    (r"(?:about|around|near|roughly|approximately|close to) #(\d+)", ("≈",)),
    (r"(?:not|other than|except|but not) #(\d+)", ("≠",)),
    (r"(?:(?:=|is|was|at|of|to|set|equal|→) )*#(\d+)", ("=",)),
)
# A comparison before the name: above the Muon LR of 0.05. The amount follows within some words.
_AHEAD: tuple[tuple[str, Op], ...] = (
    (r"at least|no less than|minimum of", "≥"),
    (r"at most|no more than|maximum of", "≤"),
    (rf"above|over|beyond|exceed(?:ing|ed)?|(?:{_MORE}) than", ">"),
    (rf"below|under|(?:{_LESS}) than", "<"),
)
_COMPARED_AHEAD = tuple(
    (re.compile(rf"(?:{words})(?= (?:(?![#,])\S+ ){{1,6}}?#)"), op) for words, op in _AHEAD
)
_COMPARISONS = tuple((re.compile(rf"{pattern}(?= |$)"), ops) for pattern, ops in _RULES)
_TRUTHS = re.compile(r"(?:= )+(true|false|none)(?= |$)")


def plainly(text: str) -> str:
    """The text with marks of comparison as words, in the order in which they are spoken."""
    text = _NUMBER_FIRST.sub(lambda found: f"{_TURNED[found[2]]} {found[1]} ", text)
    text = _SPAN.sub(r"\1 to ", text)
    for mark, word in _WORDS_FOR:
        text = re.sub(mark, word, text)
    return text


def as_typed(said: str, text: str) -> str:
    """What was said in words of ``plainly``, with the mark that the text has instead of them."""
    for mark, word in _WORDS_FOR:
        there = re.search(mark, text)
        if there and f"{said} ".startswith(word.lstrip()) and word.strip() not in text.lower():
            return f"{there[0]}{said[len(word) - 2 :]}"
    return said


def spelling(tokens: Sequence[Token]) -> str:
    """The tokens as one text, with blanks between them."""
    return " ".join(_spelt(token, at) for at, token in enumerate(tokens))


def compared(spelt: str, at: int, tokens: Sequence[Token]) -> Compared | None:
    """What is said of an amount from there on; None where something else is."""
    for pattern, ops in _COMPARISONS:
        if found := pattern.match(spelt, at):
            named = [tokens[int(number)] for number in found.groups()]
            said = " ".join(token.text for token in named)
            return Compared(tuple(_bounds(ops, [t.amount for t in named])), said, found.end())
    if found := _TRUTHS.match(spelt, at):
        return Compared((Bound("=", found[1]),), found[1], found.end())
    return None


def ahead(spelt: str, at: int) -> tuple[int, Op] | None:
    """Where a comparison ends that stands before a name, and what the amount after it is to be."""
    for pattern, op in _COMPARED_AHEAD:
        if found := pattern.match(spelt, at):
            return found.end(), op
    return None


def with_numbers(found: Sequence[Token], words: Vocabulary) -> list[Token]:
    """The tokens with words that are numbers as such: twelve, double, half; not half precision."""
    return [_counted(found, at, words) for at in range(len(found))]


def _counted(found: Sequence[Token], at: int, words: Vocabulary) -> Token:
    token = found[at]
    if token.kind is not Kind.WORD:
        return token
    word = token.text
    amount: Amount | None = None
    if words.numbers.get(word, 0) > 1:
        amount = Quantity((words.numbers[word],))
    elif word in words.factors:
        amount = Quantity((words.factors[word],), "factor")
    elif word in ("half", "quarter") and not _is_part(found, at, words):
        amount = Quantity((words.fractions.get(word, 0.5),), "fraction")
    return token if amount is None else Token(Kind.VALUE, word, amount)


def _is_part(found: Sequence[Token], at: int, words: Vocabulary) -> bool:
    """Whether a word is part of a phrase with the one before or after it."""
    pairs = (found[max(0, at - 1) : at + 1], found[at : at + 2])
    phrases = (tuple(t.text for t in pair) for pair in pairs)
    return any(len(phrase) > 1 and phrase in words.concepts for phrase in phrases)


def _bounds(ops: _Ops, amounts: Sequence[Amount | None]) -> Iterator[Bound]:
    if ops == ("→",):
        yield Bound("=", amounts[1], was=amounts[0])
        return
    for op, amount in zip(ops, amounts, strict=True):
        if op != "→":
            yield Bound(op, amount)


def _spelt(token: Token, at: int) -> str:
    match token.kind:
        case Kind.VALUE:
            return f"#{at}"
        case Kind.CONSTANT:
            return f"@{at}"
        case Kind.ARROW:
            return "→"
        case Kind.EQUALS:
            return "="
        case Kind.COMMA:
            return ","
    return token.text
