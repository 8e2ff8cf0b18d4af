"""The vectors of texts, kept on this host: a text is encoded once, whichever command asks."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from gitcollab.similarity.embedding import Model, ModelUnavailable, Source
from gitcollab.similarity.kept import Kept, batches

if TYPE_CHECKING:
    import numpy as np

# So many texts are encoded at a time, and kept: a process that is killed has not worked in vain.
_AT_ONCE = 512
# So many vectors at hand in memory (about 80 MB) are a reason to start over.
_AT_HAND = 50_000


class Vectors:
    """The vectors that the model of ``source`` makes, kept in the SQLite file ``path``.

    The model is loaded only where a text's vector is not kept. The file can be deleted at any
    time and be used by several processes; a damaged one is moved aside (``.damaged``), and where
    none can be read or written, texts are encoded again. Each method raises ModelUnavailable
    where it needs the model and there is none; that is found out once.
    """

    def __init__(self, path: Path, source: Source) -> None:
        self._file = Kept(path)
        self._source = source
        self._model: Model | ModelUnavailable | None = None
        self._vectors: dict[bytes, np.ndarray] = {}

    def similarity(self, a: str, b: str) -> float:
        """The cosine between two texts, in [-1, 1]."""
        return self.similarities(a, [b])[0]

    def similarities(self, text: str, others: Sequence[str]) -> list[float]:
        """The cosine between ``text`` and each of ``others``, in [-1, 1]."""
        if not others:
            return []
        import numpy as np

        self.prepare([text, *others])
        rows = np.stack([self._vectors[self._key(other)] for other in others])
        cosines = rows @ self._vectors[self._key(text)]
        return [float(cosine) for cosine in cosines.clip(-1.0, 1.0)]

    @property
    def loaded(self) -> bool:
        """Whether the model is in memory: then a new text takes hundredths of a second."""
        return isinstance(self._model, Model)

    def closest(
        self,
        text: str,
        others: Sequence[str],
        most_new: int,
        notice: Callable[[int], None] = lambda _: None,
    ) -> list[float | None]:
        """The cosine between ``text`` and each of ``others``, in [-1, 1]; None: not encoded yet.

        At most so many of the others are encoded that were not, the first of them; ``notice``
        hears how many, before.
        """
        import numpy as np

        self.prepare([text])
        keys = [self._key(other) for other in others]
        missing = self._recall(dict(zip(keys, others, strict=True)))
        new = dict(islice(missing.items(), most_new))
        if new:
            notice(len(new))
            self._encode(new)
        there = [key for key in dict.fromkeys(keys) if key in self._vectors]
        if not there:
            return [None] * len(keys)
        rows = np.stack([self._vectors[key] for key in there])
        cosines = (rows @ self._vectors[self._key(text)]).clip(-1.0, 1.0).tolist()
        found = dict(zip(there, cosines, strict=True))
        return [found.get(key) for key in keys]

    def prepare(self, texts: Iterable[str]) -> None:
        """Have the vectors of all these texts at hand: those that are missing are encoded."""
        missing = self._recall({self._key(text): text for text in texts})
        if missing:
            self._encode(missing)

    def _recall(self, wanted: Mapping[bytes, str]) -> dict[bytes, str]:
        """Have at hand what is kept of these; what is not, in their order."""
        if len(self._vectors) > _AT_HAND:
            self._vectors.clear()
        asked = [key for key in wanted if key not in self._vectors]
        if asked:
            for key, data in self._file.get(asked).items():
                self._vectors[key] = _unpacked(data)
        return {key: wanted[key] for key in asked if key not in self._vectors}

    def _encode(self, texts: dict[bytes, str]) -> None:
        model = self._load()
        for keys in batches(texts, _AT_ONCE):
            rows = model.encode([texts[key] for key in keys])
            made = dict(zip(keys, rows, strict=True))
            self._vectors.update(made)
            self._file.put([(key, _packed(row)) for key, row in made.items()])

    def _load(self) -> Model:
        if self._model is None:
            try:
                self._model = self._source.load()
            except ModelUnavailable as e:
                self._model = e  # a hub that was silent is not waited for again
        if isinstance(self._model, ModelUnavailable):
            raise self._model
        return self._model

    def _key(self, text: str) -> bytes:
        data = f"{self._source.name}\n{text}".encode(errors="surrogatepass")
        return hashlib.sha256(data).digest()


def _packed(vector: np.ndarray) -> bytes:
    """Float32 numbers, little-endian."""
    return vector.astype("<f4").tobytes()


def _unpacked(data: bytes) -> np.ndarray:
    import numpy as np

    return np.frombuffer(data, dtype="<f4").astype(np.float32)
