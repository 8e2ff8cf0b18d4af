"""What a question asks for beside constants and words: verdicts, agents, tiers, kinds of records.

"What failed with deeper models on cpu, by vega?" asks for crashes and discards, of one tier, by one
agent. These words are taken out of the question; what is left is searched for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias, TypeVar

from gitcollab.similarity.bounds import Bound, text_of
from gitcollab.swarm.progress import Mark
from gitcollab.swarm.search import amounts, windows

Kind: TypeAlias = Literal["result", "hypothesis", "insight", "claim"]
Order: TypeAlias = Literal["newest", "best", "largest gain", "largest loss"]
# What other commands answer: what nobody has tried, what to try, what to repeat, what matters.
Elsewhere: TypeAlias = Literal["untried", "next", "again", "constants"]
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
    """What must hold of what is found; empty: anything. ``kinds`` None: the question names none.

    ``since`` and ``before`` are times in RFC 3339. ``gains`` are asked of what a result gained over
    its base (positive is better). ``elsewhere``: what records do not answer. ``missed`` are words
    that were not understood.
    """

    kinds: frozenset[Kind] | None = None
    marks: frozenset[Mark] = frozenset()
    states: frozenset[State] = frozenset()
    agents: frozenset[str] = frozenset()
    others: frozenset[str] = frozenset()  # agents that it is not to be of
    tiers: frozenset[str] = frozenset()
    order: Order | None = None
    since: str | None = None
    before: str | None = None
    gains: tuple[Bound, ...] = ()
    elsewhere: frozenset[Elsewhere] = frozenset()
    missed: tuple[str, ...] = ()

    def is_of(self, agent: str) -> bool:
        """Whether records of an agent are asked for."""
        return agent not in self.others and (not self.agents or agent in self.agents)

    def lines(self) -> Iterator[str]:
        """What was understood, in words of ours, a line each."""
        for label, names in (
            ("in", () if self.kinds is None else [PLURALS[k] for k in KINDS if k in self.kinds]),
            ("verdict", [mark for mark in _MARKS if mark in self.marks]),
            ("status", sorted(self.states)),
            ("agent", sorted(self.agents)),
            ("agent", [f"not {name}" for name in sorted(self.others)]),
            ("tier", sorted(self.tiers)),
            ("since", [self.since] if self.since else []),
            ("before", [self.before] if self.before else []),
            ("gain", [text_of(self.gains)] if self.gains else []),
            ("order", [] if self.order is None else [f"{self.order} first"]),
            ("asked", [_ELSEWHERE[one] for one in sorted(self.elsewhere)]),
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
    others: set[str] = field(default_factory=set)
    tiers: set[str] = field(default_factory=set)
    order: Order | None = None
    since: str | None = None
    before: str | None = None
    gains: list[Bound] = field(default_factory=list)
    elsewhere: set[Elsewhere] = field(default_factory=set)
    missed: list[str] = field(default_factory=list)


PLURALS: dict[Kind, str] = {
    "result": "results",
    "hypothesis": "hypotheses",
    "insight": "insights",
    "claim": "claims",
}
_ELSEWHERE: dict[Elsewhere, str] = {
    "untried": "what nobody has tried",
    "next": "what to try next",
    "again": "what to run again",
    "constants": "which constants matter",
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
    now: datetime,
    names: Collection[str] = (),
    is_word: Callable[[str], bool] = lambda _: False,
    only: Kind | None = None,
) -> tuple[Filters, str]:
    """What a question asks for, and what is left of it.

    ``agents`` and ``tiers`` are those that there are, ``me`` is the agent who asks, ``now`` what
    "yesterday" is reckoned from. ``names`` are of constants: written so, they are no verdicts.
    ``is_word`` says whether an agent's name is a word of the field; then it takes "by" to mean the
    agent. ``only`` records of this kind are looked at, whatever the question says.
    """
    found = _Found(question)
    _take_times(found, now)
    _take_agents(found, frozenset(agents), me, is_word)
    _take_tiers(found, frozenset(tiers))
    keep = frozenset(names)
    found.kinds.update(_take(found, _KINDS, keep))
    if only is not None:
        found.kinds = {only}
    if found.kinds and found.kinds <= {"hypothesis", "insight"}:
        found.states.update(_take(found, _STATES, keep))
    found.elsewhere.update(_take(found, _ASKED_ELSEWHERE, keep))
    found.weak.update(_take(found, _WEAK_KINDS, keep))
    found.rest, gains = amounts.taken(found.rest)
    found.gains.extend(gains)
    found.order = next(iter(_take(found, _ORDERS, keep)), None)
    _take_verdicts(found, keep)
    return _settled(found), found.rest


def _take_times(found: _Found, now: datetime) -> None:
    window = windows.taken(found.rest, now)
    found.rest, found.since, found.before = window.rest, window.since, window.before
    found.missed += window.missed


def _take_verdicts(found: _Found, keep: frozenset[str]) -> None:
    """Verdicts are of results: of other records they say nothing."""
    asks = _ASKS.match(found.rest)  # whether it is so: then it is no filter
    said: list[str] = []
    marks = _take(found, _VERDICTS, keep, said)
    if asks:
        return
    if found.kinds and "result" not in found.kinds:
        found.missed += said
    else:
        found.marks.update(marks)


def _settled(found: _Found) -> Filters:
    kinds = found.kinds or found.weak
    if (found.marks or found.gains) and not found.kinds:
        kinds = {"result"}
    return Filters(
        frozenset(kinds) or None,
        frozenset(found.marks),
        frozenset(found.states),
        frozenset(found.agents),
        frozenset(found.others),
        frozenset(found.tiers),
        found.order,
        found.since,
        found.before,
        tuple(found.gains),
        frozenset(found.elsewhere),
        tuple(found.missed),
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
_LEARNED = r"learn(?:s|ed|t)?(?=\W*$|\s+(?:about|from|of|on|in|with|by|so|yet)\b)"
_KINDS: _Table[Kind] = (
    (r"hypothes[ie]s|conjectures?", ("hypothesis",)),
    (r"hypothesi[sz]ed?|propos(?:e[sd]?|als?|ing)|suggest(?:s|ed|ions?)?", ("hypothesis",)),
    (rf"insights?|lessons?(?: learn(?:ed|t))?|what\s+(?:(?:have |has )?(?:we |been ))?{_LEARNED}",
     ("insight",)),
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
    (rf"{_NOT} (?:yet |been )*(?:tried|tested|run)(?: yet)?", ("untested", "open")),
    (r"untested", ("untested", "open")),
    (r"supported", ("supported",)),
    (r"undecided", ("undecided",)),
    (r"claimed|taken", ("claimed",)),
    (r"tested", ("tested",)),
    (r"refuted|contradicted|disproved|wrong", ("refuted", "contradicted")),
    (r"crash(?:es|ed)?", ("crashed",)),
    (r"confirmed|right", ("supported",)),
)
_BIG = r"(?:largest|biggest|greatest|highest|most|best|top)"
_GAINS = r"(?:gains?|improvements?|progress|benefits?|wins?)"
_LOSSES = r"(?:loss(?:es)?|regressions?|harm|damage)"
_ORDERS: _Table[Order] = (
    (r"newest|latest|most recent|recent(?:ly)?|lately", ("newest",)),
    (
        rf"(?:the )?{_BIG} {_LOSSES}|(?:hurts?|harm(?:s|ed)?) (?:it )?(?:the )?most",
        ("largest loss",),
    ),
    (rf"(?:the )?{_BIG} {_GAINS}|{_GOOD} (?:\w+ )?(?:the )?most", ("largest gain",)),
    (r"(?:(?:works?|worked|did|does|do|perform(?:s|ed)?|scored?) )?(?:the )?best|top", ("best",)),
)
_UNTRIED = rf"(?:{_NOT}|(?:nobody|no[ -]?one)(?: has| have)?)"
_TRY = r"(?:tried|tested|attempted|explored|run|changed|touched|done)"
_WE = r"(?:i|we|one|you|they)"
_SHOULD = r"(?:should|could|can|shall|do|would)"
_TO_TRY = r"(?:try|do|run|test|tried|done|tested)"
_AGAIN = r"(?:(?:replicat|confirm|repeat)\w*|another run|run again|re-?run)"
_CONSTANTS = r"(?:constants?|parameters?|hyper-?parameters?|knobs?|settings?)"
_MATTER = r"(?:matters?|counts?|(?:is|are)(?: the)?(?: most)? (?:important|sensitive))"
_ASKED_ELSEWHERE: _Table[Elsewhere] = (
    (rf"{_UNTRIED}(?: (?:yet|ever|been|be|{_WE}))* {_TRY}(?: yet)?", ("untried",)),
    (rf"(?:has|have)(?: {_WE})?(?:n[o']?t| not)(?: {_WE}| yet| been)* {_TRY}(?: yet)?",
     ("untried",)),
    (r"untried|unexplored|untouched|(?:is |are )?(?:still )?left to (?:try|test|explore|do)",
     ("untried",)),
    (rf"(?:what|which \w+) {_SHOULD}(?: {_WE})? (?:be )?{_TO_TRY}(?: next)?", ("next",)),
    (r"(?:try|do|run|test|what) next|next (?:experiments?|steps?)", ("next",)),
    (rf"(?:(?:what|which \w+) )?(?:should|could|must|needs?|worth|to)(?: to)?(?: be)? {_AGAIN}",
     ("again",)),
    (rf"(?:which|what) {_CONSTANTS} {_MATTER}(?: (?:the )?most)?", ("constants",)),
)  # fmt: skip


def _take(
    found: _Found, table: _Table[_T], keep: frozenset[str], said: list[str] | None = None
) -> list[_T]:
    """Take the words of a table out of the text, and what they mean; names of constants stay.

    ``said`` is given the words that were taken.
    """
    taken: list[_T] = []
    for pattern, meant in table:

        def cut(match: re.Match[str], meant: Sequence[_T] = meant) -> str:
            if match[0] in keep or not match[0].strip():
                return match[0]
            taken.extend(meant)
            if said is not None:
                said.append(match[0].strip())
            return " "

        found.rest = re.sub(rf"(?<![\w-])(?:{pattern})(?![\w-])", cut, found.rest, flags=re.I)
    return taken


# -- names -----------------------------------------------------------------------------------------

_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,37}[A-Za-z0-9])?"
_BY = re.compile(rf"(?:\b(?:by|agents?)\s+@?|@)({_NAME})(?![\w-])", re.IGNORECASE)
_BUT = r"(?:not|except|excluding|without)(?: (?:those|results|runs))?"
_NOT_BY = re.compile(rf"\b{_BUT} (?:by|from|of) @?({_NAME})(?![\w-])", re.IGNORECASE)
_OF = re.compile(rf"\b(?:of|from|did|has|have|does|is|was)\s+({_NAME})(?![\w-])", re.IGNORECASE)
_WHOSE = re.compile(rf"(?<![\w-])({_NAME})['’]s?(?![\w-])", re.IGNORECASE)
_MINE = re.compile(r"\b(?:by me|(?:did|have|has) i|i have|my|mine)\b", re.IGNORECASE)


def _take_agents(
    found: _Found, agents: frozenset[str], me: str, is_word: Callable[[str], bool]
) -> None:

    def other(match: re.Match[str]) -> str:
        name = me if match[1].lower() == "me" else match[1].lower()
        if name not in agents:
            return match[0]
        found.others.add(name)
        return " "

    found.rest = _NOT_BY.sub(other, found.rest)
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
