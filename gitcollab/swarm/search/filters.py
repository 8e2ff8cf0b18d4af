"""What a question asks for beside constants and words: verdicts, agents, tiers, kinds of records.

"What failed with deeper models on cpu, by vega?" asks for crashes and discards, of one tier, by one
agent. These words are taken out of the question; what is left is searched for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, TypeVar

from gitcollab.swarm.progress import Mark

Kind: TypeAlias = Literal["result", "hypothesis", "insight", "claim"]
Order: TypeAlias = Literal["newest", "best"]
# What became of a hypothesis, or of an insight.
State: TypeAlias = Literal[
    "open",
    "claimed",
    "tested",
    "supported",
    "refuted",
    "crashed",
    "untested",
    "contradicted",
    "undecided",
]

KINDS: tuple[Kind, ...] = ("result", "hypothesis", "insight", "claim")


@dataclass(frozen=True)
class Filters:
    """What must hold of what is found; empty: anything. ``kinds`` None: the question names none."""

    kinds: frozenset[Kind] | None = None
    marks: frozenset[Mark] = frozenset()
    states: frozenset[State] = frozenset()
    agents: frozenset[str] = frozenset()
    tiers: frozenset[str] = frozenset()
    order: Order | None = None

    @property
    def narrow(self) -> bool:
        """Whether results have to meet any of them."""
        return bool(self.marks or self.agents or self.tiers)

    def lines(self) -> Iterator[str]:
        """What was understood, in words of ours, a line each."""
        for label, names in (
            ("in", () if self.kinds is None else [PLURALS[k] for k in KINDS if k in self.kinds]),
            ("verdict", [mark for mark in _MARKS if mark in self.marks]),
            ("status", sorted(self.states)),
            ("agent", sorted(self.agents)),
            ("tier", sorted(self.tiers)),
            ("order", [] if self.order is None else [f"{self.order} first"]),
        ):
            if names:
                yield f"{label}: {' or '.join(names)}"


@dataclass
class _Found:
    """What has been found in a question so far, and the text that is left of it."""

    rest: str
    kinds: set[Kind] = field(default_factory=set)
    weak: set[Kind] = field(default_factory=set)  # kinds that count where no other is named
    marks: set[Mark] = field(default_factory=set)
    states: set[State] = field(default_factory=set)
    agents: set[str] = field(default_factory=set)
    tiers: set[str] = field(default_factory=set)
    order: Order | None = None


PLURALS: dict[Kind, str] = {
    "result": "results",
    "hypothesis": "hypotheses",
    "insight": "insights",
    "claim": "claims",
}
_MARKS: tuple[Mark, ...] = (
    *("keep", "discard", "noise", "crash"),
    *("unconfirmed", "rerun", "unjudged", "uncounted"),
)


def filtered(
    question: str,
    *,
    agents: Collection[str],
    tiers: Collection[str],
    me: str,
    names: Collection[str] = (),
    is_word: Callable[[str], bool] = lambda _: False,
) -> tuple[Filters, str]:
    """What a question asks for, and what is left of it.

    ``agents`` and ``tiers`` are those that there are, ``me`` is the agent who asks. ``names`` are
    of constants: written so, they are no verdicts. ``is_word`` says whether an agent's name is a
    word of the field; then it takes "by" to mean the agent.
    """
    found = _Found(question)
    _take_agents(found, frozenset(agents), me, is_word)
    _take_tiers(found, frozenset(tiers))
    keep = frozenset(names)
    found.kinds.update(_take(found, _KINDS, keep))
    if found.kinds and found.kinds <= {"hypothesis", "insight"}:
        found.states.update(_take(found, _STATES, keep))
    found.weak.update(_take(found, _WEAK_KINDS, keep))
    asks = _ASKS.match(found.rest)  # whether it is so: then it is no filter
    marks = _take(found, _VERDICTS, keep)
    found.marks.update(() if asks else marks)
    found.order = next(iter(_take(found, _ORDERS, keep)), None)
    return _settled(found), found.rest


def _settled(found: _Found) -> Filters:
    kinds = found.kinds or found.weak
    if found.marks and not found.kinds:
        kinds = {"result"}
    return Filters(
        frozenset(kinds) or None,
        frozenset(found.marks),
        frozenset(found.states),
        frozenset(found.agents),
        frozenset(found.tiers),
        found.order,
    )


# -- words -----------------------------------------------------------------------------------------

_ASKS = re.compile(
    r"\s*(?:is|are|was|were|does|do|did|can|could|has|have|would|should|will)\b", re.IGNORECASE
)
_NOT = r"(?:(?:did|does|do|was|were|is|are|has|have)(?:n[o']?t| not| never)|never|not)"
_GOOD = (
    r"(?:keep|kept|work(?:s|ed)?|help(?:s|ed)?|improve[sd]?|succeed(?:s|ed)?|better|gain(?:s|ed)?)"
)
_BAD_MARKS: tuple[Mark, ...] = ("discard", "noise", "crash")

# Each a pattern and what it stands for; those that hold others come before them.
_T = TypeVar("_T")
_Table: TypeAlias = Sequence[tuple[str, Sequence[_T]]]
_VERDICTS: _Table[Mark] = (
    (rf"{_NOT} (?:been |be )?{_GOOD}", _BAD_MARKS),
    (r"(?:no|without(?: any)?) (?:improvements?|gains?|success)", _BAD_MARKS),
    (r"(?:made|makes|make)? ?no (?:effect|difference)|(?:with)?in (?:the )?noise", ("noise",)),
    (r"noisy|neutral|inconclusive", ("noise",)),
    (rf"{_GOOD}|keeps|keepers?|kept|improvements?|success(?:es|ful)?|won|wins?|winners?",
     ("keep",)),
    (r"paid off|pay(?:s)? off", ("keep",)),
    (r"fail(?:s|ed|ures?)?|unsuccessful(?:ly)?", ("discard", "crash")),
    (r"discard(?:s|ed)?|worse|hurts?|harm(?:s|ed|ful)?|regress(?:es|ed|ions?)?", ("discard",)),
    (r"crash(?:es|ed|ing)?|tim(?:e|ed)[ -]?outs?", ("crash",)),
    (r"unconfirmed", ("unconfirmed",)),
    (r"re-?runs?|re-?ran", ("rerun",)),
)  # fmt: skip
_KINDS: _Table[Kind] = (
    (r"hypothes[ie]s|conjectures?", ("hypothesis",)),
    (r"insights?|lessons?|learn(?:ed|t)", ("insight",)),
    (r"claims?|(?:currently |now |being )(?:running|run|tried|claimed)|running now|in progress",
     ("claim",)),
)  # fmt: skip
_WEAK_KINDS: _Table[Kind] = (
    (r"results?|experiments?", ("result",)),
    (r"(?:ever |already )?(?:been )?tried|tested|attempted|explored", ("result", "claim")),
    (r"running", ("claim",)),
)
_STATES: _Table[State] = (
    (r"open", ("open",)),
    (r"untested", ("untested", "open")),
    (r"supported", ("supported",)),
    (r"undecided", ("undecided",)),
    (r"claimed|taken", ("claimed",)),
    (r"tested", ("tested",)),
    (r"refuted|contradicted|disproved|wrong", ("refuted", "contradicted")),
    (r"crash(?:es|ed)?", ("crashed",)),
    (r"confirmed|right", ("supported",)),
)
_ORDERS: _Table[Order] = (
    (r"newest|latest|most recent|recent(?:ly)?|lately|last (?:week|days?|hours?)", ("newest",)),
    (r"the best|best|top", ("best",)),
)


def _take(found: _Found, table: _Table[_T], keep: frozenset[str]) -> list[_T]:
    """Take the words of a table out of the text, and what they mean; names of constants stay."""
    taken: list[_T] = []
    for pattern, meant in table:

        def cut(match: re.Match[str], meant: Sequence[_T] = meant) -> str:
            if match[0] in keep or not match[0].strip():
                return match[0]
            taken.extend(meant)
            return " "

        found.rest = re.sub(rf"(?<![\w-])(?:{pattern})(?![\w-])", cut, found.rest, flags=re.I)
    return taken


# -- names -----------------------------------------------------------------------------------------

_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,37}[A-Za-z0-9])?"
_BY = re.compile(rf"(?:\b(?:by|agents?)\s+@?|@)({_NAME})(?![\w-])", re.IGNORECASE)
_OF = re.compile(rf"\b(?:of|from|did|has|have|does|is|was)\s+({_NAME})(?![\w-])", re.IGNORECASE)
_WHOSE = re.compile(rf"(?<![\w-])({_NAME})['’]s?(?![\w-])", re.IGNORECASE)
_MINE = re.compile(r"\b(?:by me|(?:did|have|has) i|i have|my|mine)\b", re.IGNORECASE)


def _take_agents(
    found: _Found, agents: frozenset[str], me: str, is_word: Callable[[str], bool]
) -> None:
    if _MINE.search(found.rest):
        found.agents.add(me)
        found.rest = _MINE.sub(" ", found.rest)
    plain = frozenset(name for name in agents if not is_word(name))
    for pattern, known in ((_BY, agents), (_WHOSE, plain), (_OF, plain)):

        def cut(match: re.Match[str], known: frozenset[str] = known) -> str:
            if match[1].lower() not in known:
                return match[0]
            found.agents.add(match[1].lower())
            return " "

        found.rest = pattern.sub(cut, found.rest)


_TIER = (
    r"(?:tiers?\s+({0})|({0})\s+(?:tiers?|machines?|gpus?|hardware|cards?)|on\s+(?:the\s+)?({1}))"
)
_PLAIN_TIERS = ("cpu", "xl")  # others are words of the field, too: a large batch


def _take_tiers(found: _Found, tiers: frozenset[str]) -> None:
    if not tiers:
        return
    plain = [re.escape(name) for name in _PLAIN_TIERS if name in tiers] or ["(?!)"]
    pattern = _TIER.format("|".join(map(re.escape, sorted(tiers))), "|".join(plain))

    def cut(match: re.Match[str]) -> str:
        found.tiers.update(name.lower() for name in match.groups() if name)
        return " "

    found.rest = re.sub(
        rf"(?<![\w-])(?:in\s+(?:the\s+)?)?{pattern}(?![\w-])", cut, found.rest, flags=re.I
    )
