"""Descriptions against many others: what they say, understood once, and which say the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from gitcollab.similarity.compare import Verdict, compare, spelled
from gitcollab.similarity.embedding import ModelUnavailable
from gitcollab.similarity.kept import Kept
from gitcollab.similarity.literal import Value
from gitcollab.similarity.quantities import Quantity
from gitcollab.similarity.statement import Statement, understand
from gitcollab.similarity.tokens import Amount
from gitcollab.similarity.vectors import Vectors
from gitcollab.similarity.vocabulary import Vocabulary

# So many statements in memory (about 100 MB) are a reason to start over.
_AT_HAND = 100_000
# Of the descriptions that a model must decide, no more than the likeliest are put to it.
_MOST_ASKED = 256
# The modules that make a statement of a text.
_SOURCES = (
    *("literal", "quantities", "vocabulary"),
    *("wording", "tokens", "clauses", "resolving", "statement"),
)


class Library:
    """What descriptions say, in the words of a vocabulary.

    ``kept`` keeps it on this host; ``vectors`` decides where words alone don't. A model that can't
    be had is asked for once: then words alone decide, and verdicts say so.
    """

    def __init__(
        self, words: Vocabulary, vectors: Vectors | None = None, kept: Kept | None = None
    ) -> None:
        self.words = words
        self.model_missing = ""  # why there is no model, once one was needed
        self.model_hint = ""  # and what to do about it
        self._vectors = vectors
        self._kept = kept
        self._statements: dict[str, Statement] = {}

    def understood(self, text: str, constants: Mapping[str, Value]) -> Statement:
        """What a description says of a program with these constants."""
        return understand(text, self.words, constants)

    def compare(
        self, a: str, b: str, constants: Mapping[str, Value] | None = None
    ) -> tuple[Verdict, Statement, Statement]:
        """Whether two descriptions of changes to one program say the same, and what each says."""
        x, y = (self.understood(text, constants or {}) for text in (a, b))
        return self._settled(compare(x, y, self.words), x, y), x, y

    def read_ahead(
        self, pairs: Iterable[tuple[str, str]], constants: Mapping[str, Value] | None = None
    ) -> None:
        """Have all that the model must say of these pairs said at once: it is faster so."""
        doubtful: list[Statement] = []
        for pair in pairs:
            a, b = (self.understood(text, constants or {}) for text in pair)
            if compare(a, b, self.words).undecided:
                doubtful += [a, b]
        self._prepare(doubtful)

    def alike(self, text: str, others: Sequence[str]) -> list[tuple[int, Verdict]]:
        """Which of the others say the same as ``text``: their places, the surest first."""
        mine = self.statements([text])[0]
        found: list[tuple[int, Verdict]] = []
        doubtful: list[tuple[int, Verdict, Statement]] = []
        for place, other in enumerate(self.statements(others)):
            if mine.text != other.text and mine.core.isdisjoint(other.core):
                continue
            verdict = compare(mine, other, self.words)
            if verdict.undecided and self._vectors is not None and not self.model_missing:
                doubtful.append((place, verdict, other))
            elif verdict.same:
                found.append((place, verdict))
        likeliest = sorted(doubtful, key=lambda d: -d[1].score)[:_MOST_ASKED]
        self._prepare([mine, *(other for _, _, other in likeliest)] if likeliest else [])
        asked = ((place, self._settled(words, mine, other)) for place, words, other in likeliest)
        found += [(place, verdict) for place, verdict in asked if verdict.same]
        return sorted(found, key=lambda f: (-f[1].score, f[0]))

    @property
    def has_loaded(self) -> bool:
        """Whether the model is in memory already."""
        return self._vectors is not None and self._vectors.loaded

    def closest(
        self,
        text: str,
        others: Sequence[str],
        most_new: int,
        notice: Callable[[int], None] = lambda _: None,
    ) -> list[float | None] | None:
        """How alike ``text`` and each of the others are in meaning (see ``Vectors.closest``).

        None where there is no model: ``model_missing`` says why.
        """
        if self._vectors is None or self.model_missing:
            return None
        try:
            return self._vectors.closest(text, others, most_new, notice)
        except ModelUnavailable as e:
            self._go_without(e)
            return None

    def statements(self, texts: Sequence[str]) -> list[Statement]:
        """What each text says, without a program to say it of."""
        if len(self._statements) > _AT_HAND:
            self._statements.clear()
        missing = list(dict.fromkeys(t for t in texts if t not in self._statements))
        if missing and self._kept is not None:
            keys = {self._key(text): text for text in missing}
            for key, data in self._kept.get(list(keys)).items():
                self._statements[keys[key]] = _unpacked(data, self.words)
            missing = [t for t in missing if t not in self._statements]
        made = {text: understand(text, self.words) for text in missing}
        self._statements |= made
        if made and self._kept is not None:
            self._kept.put([(self._key(text), _packed(s)) for text, s in made.items()])
        return [self._statements[text] for text in texts]

    def _settled(self, verdict: Verdict, a: Statement, b: Statement) -> Verdict:
        """The verdict of words alone, or the model's where they leave doubt and there is one."""
        if not verdict.undecided or self._vectors is None or self.model_missing:
            return verdict
        try:
            return compare(a, b, self.words, self._vectors.similarity)
        except ModelUnavailable as e:
            self._go_without(e)
            return verdict

    def _go_without(self, missing: ModelUnavailable) -> None:
        self.model_missing, self.model_hint = missing.message, missing.hint

    def _prepare(self, statements: Iterable[Statement]) -> None:
        texts = [spelled(s, self.words) for s in statements]
        if not texts or self._vectors is None or self.model_missing:
            return
        try:
            self._vectors.prepare(texts)
        except ModelUnavailable as e:
            self._go_without(e)

    def _key(self, text: str) -> bytes:
        data = f"{_edition()}\n{self.words.digest}\n{text}"
        return hashlib.sha256(data.encode(errors="surrogatepass")).digest()


@cache
def _edition() -> str:
    """What a statement depends on beside text and words: how texts are understood."""
    folder = Path(__file__).parent
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for name in _SOURCES:
        digest.update((folder / f"{name}.py").read_bytes())
    return digest.hexdigest()


def _packed(said: Statement) -> bytes:
    """A statement without constants, as JSON."""
    fields = [
        said.text,
        said.limited,
        said.terms,
        *(sorted(names) for names in (said.concepts, said.actions, said.remarks)),
        *(
            [_plain(amount) for amount in amounts]
            for amounts in (
                (a for _, a in said.after),
                said.counted,
                said.before,
                said.remarked,
                said.started,
            )
        ),
        [[sorted(subject), [_plain(amount) for amount in part]] for subject, part in said.bound],
    ]
    return json.dumps(fields, separators=(",", ":")).encode()


def _unpacked(data: bytes, words: Vocabulary) -> Statement:
    text, limited, terms, concepts, actions, remarks, *amounts, bound = json.loads(data)
    after, counted, before, remarked, started = (tuple(map(_amount, part)) for part in amounts)
    return Statement(
        text=text,
        delta={},
        complete=False,
        terms=tuple(terms),
        core=frozenset(words.closure([*terms, *remarks])),
        concepts=frozenset(concepts),
        actions=frozenset(actions),
        after=tuple((None, amount) for amount in after),
        counted=counted,
        before=before,
        remarks=frozenset(remarks),
        remarked=remarked,
        kept=frozenset(),
        bound=tuple((frozenset(subject), tuple(map(_amount, part))) for subject, part in bound),
        started=started,
        limited=limited,
    )


def _plain(amount: Amount) -> Any:
    if isinstance(amount, Quantity):
        return [amount.kind, list(amount.readings)]
    return amount if isinstance(amount, str) else ["several", list(amount)]


def _amount(value: Any) -> Amount:
    if isinstance(value, str):
        return value
    kind, numbers = value
    return tuple(numbers) if kind == "several" else Quantity(tuple(numbers), kind)
