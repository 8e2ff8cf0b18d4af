"""How a field writes about its experiments: the words for what is changed, and how they relate.

A vocabulary is made from data (``synonyms.yaml`` says what each section means); a hub adds to the
package's own with a mapping of the same form. Words are compared in a simple stem: case, accents of
spelling such as hyphens and underscores, and a plural s do not count.
"""

from __future__ import annotations

import itertools
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from hashlib import sha256
from typing import Any, TypeAlias

from gitcollab.errors import GitcollabError

Words: TypeAlias = tuple[str, ...]

MAX_ENTRIES = 5_000
MAX_PHRASE_CHARS = 60
MAX_PHRASE_WORDS = 8
_LARGEST = 1_000_000
_SECTIONS: dict[str, type] = {
    "concepts": dict,
    "contrasts": list,
    "implies": dict,
    "equivalents": list,
    "parameters": dict,
    "parts": list,
    "settings": list,
    "derived": list,
    "light": str,
    "weak": str,
    "verdicts": str,
    "conditions": str,
    "natural": dict,
    "places": str,
    "shares": str,
    "numbers": dict,
    "fractions": dict,
    "factors": dict,
}
_WORD = re.compile(r"[^\W\d_]+\d*|\d+")
_OPTIONAL = re.compile(r"\(([^()]*)\)")


class InvalidVocabulary(GitcollabError):  # noqa: N818
    """The data is no vocabulary; the message says what is wrong with it."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"the synonyms cannot be used: {what}",
            "see synonyms.yaml of gitcollab for the form of each section",
        )


@lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """A word without its plural s."""
    if len(word) > 3 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def stems(text: str) -> list[str]:
    """The stems of a text's words; digits at the end of a word belong to it."""
    folded = unicodedata.normalize("NFKC", text).lower()
    return [stem(word) for word in _WORD.findall(folded)]


@dataclass(frozen=True)
class Setting:
    """Words that say a constant's value without a number: ``full attention in all layers``."""

    constant: str
    value: str | int | float
    concepts: frozenset[str]

    def same_value(self, other: Setting) -> bool:
        """Another way to say the same."""
        return (self.constant, self.value) == (other.constant, other.value)


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """Words and how they relate; see ``synonyms.yaml`` for the meaning of each field."""

    concepts: Mapping[Words, str]
    contrasts: tuple[frozenset[str], ...]
    implies: Mapping[str, frozenset[str]]  # everything that follows, itself apart
    equivalents: tuple[tuple[frozenset[str], frozenset[str]], ...]
    parameters: Mapping[str, tuple[frozenset[str], ...]]
    parts: tuple[tuple[str, int, frozenset[str]], ...]
    settings: tuple[Setting, ...]
    derived: tuple[tuple[str, tuple[str, ...], str], ...]  # concept, factors, a multiple of
    light: frozenset[str]
    weak: frozenset[str]
    verdicts: frozenset[str]
    conditions: frozenset[str]
    natural: Mapping[str, frozenset[str]]
    places: frozenset[str]
    shares: frozenset[str]
    numbers: Mapping[str, float]
    fractions: Mapping[str, float]
    factors: Mapping[str, float]
    names: Mapping[str, str]  # a concept as it is best said in full
    digest: str  # changes whenever anything does

    @cached_property
    def longest(self) -> int:
        """The number of words of the longest phrase."""
        return max(map(len, self.concepts), default=1)

    @cached_property
    def contrasted(self) -> frozenset[str]:
        """Every concept that excludes another one."""
        return frozenset().union(*self.contrasts)

    def closure(self, concepts: Iterable[str]) -> set[str]:
        """The concepts and all that they imply."""
        found = set(concepts)
        for concept in tuple(found):
            found |= self.implies.get(concept, frozenset())
        return found

    def core(self, concepts: Iterable[str]) -> frozenset[str]:
        """The concepts without those that others of them imply."""
        all_of = set(concepts)
        implied = set().union(*(self.implies.get(c, frozenset()) for c in all_of))
        return frozenset(all_of - implied) or frozenset(all_of)

    def concepts_in(self, text: str) -> frozenset[str]:
        """The core of the concepts that a phrase names."""
        return self.core(found for found, _ in self.scan(stems(text)) if found)

    def scan(self, words: list[str]) -> Iterator[tuple[str | None, Words]]:
        """The words in order, longest phrases first: (concept, its words), or (None, one word)."""
        at = 0
        while at < len(words):
            for length in range(min(self.longest, len(words) - at), 0, -1):
                phrase = tuple(words[at : at + length])
                if (concept := self.concepts.get(phrase)) is not None:
                    yield concept, phrase
                    break
            else:
                length = 1
                yield None, (words[at],)
            at += length


def vocabulary(*data: Mapping[str, Any]) -> Vocabulary:
    """The vocabulary of one or more mappings; a later one adds to the earlier ones.

    Raises InvalidVocabulary.
    """
    merged = _merged(data)
    phrases, names = _phrases(merged["concepts"])
    implies = _closed({c: set(_texts(f"implies.{c}", v)) for c, v in merged["implies"].items()})
    draft = Vocabulary(
        concepts=phrases,
        contrasts=tuple(frozenset(_texts("contrasts", group)) for group in merged["contrasts"]),
        implies=implies,
        equivalents=tuple(_equivalent(rule) for rule in merged["equivalents"]),
        parameters={},
        parts=(),
        settings=(),
        derived=tuple(_derived(rule) for rule in merged["derived"]),
        light=frozenset(merged["light"].split()),
        weak=_word_set(merged["weak"]),
        verdicts=_word_set(merged["verdicts"]),
        conditions=_word_set(merged["conditions"]),
        natural={c: frozenset(_texts(f"natural.{c}", v)) for c, v in merged["natural"].items()},
        places=frozenset(merged["places"].split()),
        shares=_word_set(merged["shares"]),
        numbers=_values("numbers", merged["numbers"]),
        fractions=_values("fractions", merged["fractions"]),
        factors=_values("factors", merged["factors"]),
        names=names,
        digest="",
    )
    return replace(
        draft,
        parameters={
            name: _forms(draft, f"parameters.{name}", ways)
            for name, ways in merged["parameters"].items()
        },
        parts=tuple(_parts(draft, merged["parts"])),
        settings=tuple(_settings(draft, merged["settings"])),
        digest=sha256(json.dumps(merged, sort_keys=True).encode()).hexdigest(),
    )


def _merged(data: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    merged: dict[str, Any] = {name: kind() for name, kind in _SECTIONS.items()}
    for one in data:
        for name, value in one.items():
            if name not in _SECTIONS:
                known = ", ".join(_SECTIONS)
                named = repr(name)[:40]
                raise InvalidVocabulary(f"there is no section {named} (there are {known})")
            _merge(merged, name, value)
    if (entries := sum(map(_size, merged.values()))) > MAX_ENTRIES:
        raise InvalidVocabulary(f"there are {entries:,} entries; {MAX_ENTRIES:,} are allowed")
    return merged


def _merge(merged: dict[str, Any], name: str, value: object) -> None:
    kind = _SECTIONS[name]
    if not isinstance(value, kind):
        wanted = {"dict": "a mapping", "list": "a list"}.get(kind.__name__, "text")
        raise InvalidVocabulary(f"{name} is not {wanted}")
    if isinstance(value, dict):
        for key, more in value.items():
            if not isinstance(key, str) or len(key) > MAX_PHRASE_CHARS or not key.isprintable():
                raise InvalidVocabulary(f"{name} names {repr(key)[:40]}, which is no short text")
            known = merged[name].get(key)
            both = isinstance(known, list) and isinstance(more, list)
            merged[name][key] = [*known, *more] if both else more
    elif isinstance(value, str):
        merged[name] = f"{merged[name]} {value}"
    else:
        merged[name] = [*merged[name], *value]  # type: ignore[misc]


def _size(value: object) -> int:
    if isinstance(value, dict):
        return sum(1 + _size(v) for v in value.values())
    if isinstance(value, list):
        return sum(1 + _size(v) for v in value)
    return len(value.split()) if isinstance(value, str) else 1


def _texts(where: str, value: object) -> list[str]:
    """A list of short texts; numbers are what they look like (a seed may be called 42)."""
    if not isinstance(value, list) or not all(isinstance(v, str | int | float) for v in value):
        raise InvalidVocabulary(f"{where} is not a list of words")
    texts = [str(v) for v in value]
    if long := next((t for t in texts if len(t) > MAX_PHRASE_CHARS), None):
        raise InvalidVocabulary(f"{where} holds {long[:40]!r}…, longer than {MAX_PHRASE_CHARS}")
    return texts


def _phrases(concepts: Mapping[str, Any]) -> tuple[dict[Words, str], dict[str, str]]:
    """Each way of writing a concept; the first concept that claims a phrase has it."""
    found: dict[Words, str] = {}
    names: dict[str, str] = {}
    for concept, ways in concepts.items():
        texts = _texts(f"concepts.{concept}", ways)
        for text in (concept, *texts):
            words = tuple(stems(text))
            if not words or len(words) > MAX_PHRASE_WORDS:
                raise InvalidVocabulary(f"concepts.{concept} holds {text[:40]!r}: 1 to 8 words")
            found.setdefault(words, concept)
        names[concept] = texts[0] if texts else concept.replace("_", " ")
    return found, names


def _closed(implies: dict[str, set[str]]) -> dict[str, frozenset[str]]:
    closed = {}
    for concept in implies:
        found: set[str] = set()
        waiting = list(implies[concept])
        while waiting:
            if (one := waiting.pop()) not in found:
                found.add(one)
                waiting.extend(implies.get(one, ()))
        closed[concept] = frozenset(found - {concept})
    return closed


def _equivalent(rule: object) -> tuple[frozenset[str], frozenset[str]]:
    match rule:
        case [list(said), list(meant)]:
            return frozenset(_texts("equivalents", said)), frozenset(_texts("equivalents", meant))
        case _:
            raise InvalidVocabulary("equivalents is not a list of pairs of lists")


def _derived(rule: object) -> tuple[str, tuple[str, ...], str]:
    match rule:
        case [str(concept), [_, *_] as factors, str(multiple)]:
            return concept, tuple(_texts("derived", factors)), multiple
        case _:
            raise InvalidVocabulary("derived is not a list of [concept, factors, multiple]")


def _forms(words: Vocabulary, where: str, ways: object) -> tuple[frozenset[str], ...]:
    """The concepts of each way to speak of a parameter, with and without words in brackets."""
    forms: dict[frozenset[str], None] = {}
    for way in _texts(where, ways):
        optional = _OPTIONAL.findall(way)[:4]
        bare = _OPTIONAL.sub(" ", way)
        for chosen in itertools.product((False, True), repeat=len(optional)):
            extra = " ".join(itertools.compress(optional, chosen))
            if concepts := words.concepts_in(f"{extra} {bare}"):
                forms[concepts] = None
    return tuple(forms)


def _parts(words: Vocabulary, parts: list[object]) -> Iterator[tuple[str, int, frozenset[str]]]:
    for part in parts:
        match part:
            case [str(name), int(index), list(ways)] if 0 <= index < 64:
                for form in _forms(words, f"parts.{name}", ways):
                    yield name, index, form
            case _:
                raise InvalidVocabulary("parts is not a list of [constant, index, ways]")


def _settings(words: Vocabulary, settings: list[object]) -> Iterator[Setting]:
    for setting in settings:
        match setting:
            case [str(name), str() | int() | float() as value, list(ways)]:
                for way in _texts(f"settings.{name}", ways):
                    yield Setting(name, value, words.concepts_in(way))
            case _:
                raise InvalidVocabulary("settings is not a list of [constant, value, ways]")


def _word_set(text: str) -> frozenset[str]:
    return frozenset(stem(word.lower()) for word in text.split())


def _values(where: str, values: Mapping[str, object]) -> dict[str, float]:
    if not all(isinstance(v, int | float) and abs(v) <= _LARGEST for v in values.values()):
        raise InvalidVocabulary(f"{where} is not a mapping of words to numbers, up to a million")
    return {stem(word.lower()): float(v) for word, v in values.items()}  # type: ignore[arg-type]
