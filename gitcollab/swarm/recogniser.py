"""Recognising experiments by their descriptions, in the words of the field and of a hub.

The words are data: ``synonyms.yaml`` of gitcollab, and a file of the same form and name at the top
of a hub's state branch, which its maintainers may add. What was understood, and the vectors of a
sentence model where one was needed, are kept on this host.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache, cached_property, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from gitcollab.errors import GitcollabError
from gitcollab.records import codec
from gitcollab.records.names import SYNONYMS_PATH
from gitcollab.store.snapshot import Snapshot
from gitcollab.swarm.home import home

if TYPE_CHECKING:  # what reads words is imported when words are to be read
    from gitcollab.similarity.embedding import Model, Source
    from gitcollab.similarity.kept import Kept
    from gitcollab.similarity.library import Library
    from gitcollab.similarity.vectors import Vectors

# Descriptions that a hub's own words are tried on before they are used.
_TRIED = ("depth 12, dim 768", "halve the batch, no warmup", "all attention windows long (LR 2x)")
_TRIED_ON = {"DEPTH": 8, "ASPECT_RATIO": 64, "HEAD_DIM": 128, "MATRIX_LR": 0.04}

# The library of a hub, made when words must decide: code mostly does.
Words: TypeAlias = "Callable[[], Library]"

# A folder with a sentence-transformers model, in place of the default one.
MODEL_VARIABLE = "GITCOLLAB_EMBEDDING_MODEL"


class Recogniser:
    """The libraries of descriptions, one for each hub's words; ``folder`` keeps what is learned.

    ``notice`` hears what takes long.
    """

    def __init__(self, folder: Path, notice: Callable[[str], None] = lambda _: None) -> None:
        self._folder = folder
        self._notice = notice
        self._library = lru_cache(maxsize=8)(self._made)

    @classmethod
    def of_this_host(cls, notice: Callable[[str], None] = lambda _: None) -> Recogniser:
        """The one that keeps what it learns among gitcollab's own files."""
        return cls(home() / "words", notice)

    def library(self, hub_words: bytes | None = None) -> Library:
        """The library in the words of the field and of a hub (the bytes of its synonyms.yaml).

        Raises GitcollabError for a hub's words that cannot be used.
        """
        return self._library(hub_words)

    def on(self, snapshot: Snapshot) -> Words:
        """The library of a hub; its words are left aside when they cannot be used."""
        return cache(lambda: self._of_hub(snapshot))

    def _of_hub(self, snapshot: Snapshot) -> Library:
        own = snapshot.read(SYNONYMS_PATH)
        if own is None or unusable(own):
            return self.library()
        return self.library(own)

    def _made(self, hub_words: bytes | None) -> Library:
        from gitcollab.similarity.library import Library
        from gitcollab.similarity.vocabulary import vocabulary

        own = [] if hub_words is None else [codec.load(hub_words)]
        return Library(vocabulary(_field_words(), *own), self._vectors, self._statements)

    @cached_property
    def _vectors(self) -> Vectors:
        from gitcollab.similarity.embedding import find
        from gitcollab.similarity.vectors import Vectors

        source = _Announced(find(configured_model()), self._notice)
        return Vectors(self._folder / "vectors.sqlite", source)

    @cached_property
    def _statements(self) -> Kept:
        from gitcollab.similarity.kept import Kept

        return Kept(self._folder / "statements.sqlite")


class _Announced:
    """A source of a model that says when it loads one."""

    def __init__(self, source: Source, notice: Callable[[str], None]) -> None:
        self._source = source
        self._notice = notice

    @property
    def name(self) -> str:
        return self._source.name

    def load(self) -> Model:
        from gitcollab.similarity.embedding import ModelUnavailable, located

        try:
            is_far = located(configured_model()) == "hub"
        except ModelUnavailable:
            is_far = False  # to load it says so
        self._notice(f"{'downloading (90 MB) and ' if is_far else ''}loading the sentence model")
        return self._source.load()


def configured_model() -> Path | None:
    """The folder of the model that this host is told to use."""
    configured = os.environ.get(MODEL_VARIABLE)
    return Path(os.path.expanduser(configured)) if configured else None  # noqa: PTH111 - raises not


@lru_cache(maxsize=8)
def unusable(hub_words: bytes) -> str | None:
    """Why a hub's own words cannot be used; None when they can."""
    from gitcollab.similarity.library import Library
    from gitcollab.similarity.vocabulary import vocabulary

    try:
        tried = Library(vocabulary(_field_words(), codec.load(hub_words)))
        for text in _TRIED:
            tried.understood(text, _TRIED_ON)
    except GitcollabError as e:
        return e.message
    except Exception as e:  # a rule that nobody thought of must not stop those who claim
        return f"a description cannot be read with them ({type(e).__name__})"
    return None


@cache
def _field_words() -> dict[str, Any]:
    return codec.load((files("gitcollab.similarity") / "synonyms.yaml").read_bytes())
