"""Descriptions judged in pairs, with what was understood of each, and how often labels agree.

In a workspace texts are read in the words of its hub, as this host knows them, and against the
constants of the program that it starts from; elsewhere in the words of the field. Nothing here asks
a hub.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gitcollab.errors import GitcollabError
from gitcollab.records.names import SYNONYMS_PATH
from gitcollab.similarity import literal
from gitcollab.similarity.compare import Verdict
from gitcollab.similarity.embedding import MODEL
from gitcollab.similarity.library import Library
from gitcollab.similarity.literal import Value
from gitcollab.similarity.resolving import about
from gitcollab.similarity.statement import Statement
from gitcollab.similarity.tokens import Amount
from gitcollab.similarity.vocabulary import Vocabulary
from gitcollab.swarm.identity import normal_words
from gitcollab.swarm.pairs import Pair, check_text, of_program, read_base
from gitcollab.swarm.recogniser import MODEL_VARIABLE, Recogniser, unusable
from gitcollab.swarm.workspace import NotJoined, Workspace

Progress = Callable[[int, int], None]  # how many pairs are judged, of how many


@dataclass(frozen=True)
class Understood:
    """What counts of a text: constants and their new values, and all else by its full name.

    ``complete``: the constants are all that it says. ``remarks`` stood in brackets.
    """

    text: str
    constants: Mapping[str, Value]
    complete: bool
    actions: Sequence[str]  # add, remove, increase, decrease
    about: Sequence[str]
    remarks: Sequence[str]
    numbers: Sequence[str]  # that no constant above has for its value
    before: Sequence[str]


@dataclass(frozen=True)
class Judged:
    """A pair with its verdict."""

    pair: Pair
    verdict: Verdict

    @property
    def wrong(self) -> bool:
        """There is a label, and the verdict is another."""
        return self.pair.label is not None and self.verdict.same != (self.pair.label == "same")


@dataclass(frozen=True)
class Scores:
    """How often verdicts are what labels say; None where there is nothing to divide by."""

    accuracy: float | None
    precision: float | None  # of "same"
    recall: float | None  # of "same"


class Comparison:
    """Judges pairs in the words of a library, of changes to a program with these constants."""

    def __init__(self, library: Library, base: Mapping[str, Value], note: str = "") -> None:
        self.note = note  # of what a person should know of the words
        self._library = library
        self._base = base
        self._model_used = False
        self._model_wanted = False

    @property
    def model(self) -> str | None:
        """The sentence model that decided something so far: its name, or its configured folder."""
        return (os.environ.get(MODEL_VARIABLE) or MODEL) if self._model_used else None

    @property
    def model_missing(self) -> str:
        """Why words alone decided where a sentence model would have; empty where none did."""
        return self._library.model_missing if self._model_wanted else ""

    @property
    def model_hint(self) -> str:
        """What to do about a model that is missing."""
        hint = self._library.model_hint
        return f"correct {MODEL_VARIABLE}: {hint}" if os.environ.get(MODEL_VARIABLE) else hint

    def explain(self, pair: Pair) -> tuple[Judged, tuple[Understood, Understood]]:
        """The verdict, and how each text was understood; UsageError for texts that can't be."""
        for name, text in (("A", pair.a), ("B", pair.b)):
            check_text(text, name)
        judged, a, b = self._judge(pair)
        words = self._library.words
        return judged, (_understood(a, words), _understood(b, words))

    def judge(self, pairs: Sequence[Pair], progress: Progress | None = None) -> list[Judged]:
        """The verdicts on all pairs, in their order."""
        found = []
        self._library.read_ahead(((pair.a, pair.b) for pair in pairs), self._base)
        for done, pair in enumerate(pairs):
            if progress is not None:
                progress(done, len(pairs))
            found.append(self._judge(pair)[0])
        return found

    def _judge(self, pair: Pair) -> tuple[Judged, Statement, Statement]:
        verdict, a, b = self._library.compare(pair.a, pair.b, self._base)
        if normal_words(pair.a) == normal_words(pair.b):  # words that leave nothing when cut, too
            verdict = Verdict(True, "text", 1.0, "same description")
        self._model_used |= verdict.by == "embedding"
        self._model_wanted |= verdict.undecided
        return Judged(pair, verdict), a, b


def comparison(folder: Path, base_file: Path | None = None) -> Comparison:
    """What judges pairs in this folder, against the constants of ``base_file`` where given.

    Raises UsageError for a file that gives none.
    """
    given = None if base_file is None else read_base(base_file)
    try:
        workspace = Workspace.find(folder)
    except NotJoined:
        return Comparison(Recogniser.of_this_host().library(), given or {})
    from gitcollab.swarm.member import Member

    member = Member(workspace, workspace.config)
    own = member.store.snapshot().read(SYNONYMS_PATH)
    wrong = unusable(own) if own else None
    base = _start_of(workspace) if given is None else given
    return Comparison(member.words(), base, f"left aside: {wrong}" if wrong else "")


def scores(judged: Sequence[Judged]) -> Scores:
    """How well labels are met, over the pairs that have one."""
    labelled = [one for one in judged if one.pair.label is not None]
    called = [one for one in labelled if one.verdict.same]
    really = [one for one in labelled if one.pair.label == "same"]
    hits = sum(not one.wrong for one in called)
    right = sum(not one.wrong for one in labelled)
    return Scores(_share(right, labelled), _share(hits, called), _share(hits, really))


def _share(part: int, whole: Sequence[Judged]) -> float | None:
    return part / len(whole) if whole else None


def _start_of(workspace: Workspace) -> dict[str, Value]:
    """The constants of the program that a workspace starts from, where it is Python."""
    start = workspace.base()
    try:
        return {} if start is None else of_program(start.text)
    except GitcollabError:
        return {}


def _understood(said: Statement, words: Vocabulary) -> Understood:
    own = frozenset[str]().union(*(about(name, words) for name in said.delta))
    rest = [amount for name, amount in said.after if name not in said.delta]
    return Understood(
        text=said.text,
        constants=said.delta,
        complete=said.complete,
        actions=sorted(said.actions),
        about=_named((term for term in said.terms if term not in own), words),
        remarks=_named(sorted(said.remarks), words),
        numbers=_shown([*rest, *said.counted, *said.remarked]),
        before=_shown(said.before),
    )


def _named(terms: Iterable[str], words: Vocabulary) -> list[str]:
    return list(dict.fromkeys(words.names.get(term, term) for term in terms))


def _shown(amounts: Sequence[Amount]) -> list[str]:
    return list(dict.fromkeys(map(_amount, amounts)))


def _amount(amount: Amount) -> str:
    """``262000 or 262144``, ``1.5x``, ``by 2``, ``(0.8, 0.95)``, ``SSSL``."""
    if isinstance(amount, str):
        return amount
    if isinstance(amount, tuple):
        return literal.shown(amount)
    numbers = " or ".join(f"{reading:.12g}" for reading in amount.readings)
    return {"factor": f"{numbers}x", "added": f"by {numbers}"}.get(amount.kind, numbers)
