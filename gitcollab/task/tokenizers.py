"""Text to token ids and back: bytes, or a byte-pair encoding trained on the corpus.

Both have one special token, BOS, which begins every piece of a document and stands for no bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from gitcollab.task.errors import TaskError
from gitcollab.task.storage import written

if TYPE_CHECKING:
    import numpy as np

# How GPT-4's tokenizer splits text, with numbers in pairs of digits: a small vocabulary has no
# room for a thousand numbers.
SPLIT_PATTERN = (
    r"""'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,2}"""
    r"""| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"""
)


class Tokenizer(Protocol):
    """What data preparation and evaluation need of a tokenizer."""

    vocab_size: int
    bos: int

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Return each text's token ids, without BOS."""

    def decode(self, tokens: Iterable[int]) -> str:
        """Return the text of some tokens; BOS is dropped, broken UTF-8 replaced."""

    def token_bytes(self) -> np.ndarray[Any, Any]:
        """Return the number of bytes each token stands for (int64, ``vocab_size`` long)."""


class ByteTokenizer:
    """Token n is byte n; token 256 is BOS."""

    vocab_size = 257
    bos = 256

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Return each text's UTF-8 bytes."""
        return [list(text.encode("utf-8")) for text in texts]

    def decode(self, tokens: Iterable[int]) -> str:
        """Return the text of some bytes."""
        return bytes(t for t in tokens if t != self.bos).decode("utf-8", errors="replace")

    def token_bytes(self) -> np.ndarray[Any, Any]:
        """Return one for every byte and zero for BOS."""
        import numpy as np

        lengths = np.ones(self.vocab_size, dtype=np.int64)
        lengths[self.bos] = 0
        return lengths


class BpeTokenizer:
    """A byte-pair encoding: trained by rustbpe, applied by tiktoken. BOS is the last token."""

    def __init__(self, ranks: Sequence[bytes], pattern: str = SPLIT_PATTERN) -> None:
        self.ranks = tuple(ranks)
        self.pattern = pattern
        self.bos = len(self.ranks)
        self.vocab_size = len(self.ranks) + 1

    @classmethod
    def train(cls, texts: Iterable[str], vocab_size: int) -> BpeTokenizer:
        """Learn a vocabulary of ``vocab_size`` tokens, BOS included."""
        import rustbpe

        trainer = rustbpe.Tokenizer()
        trainer.train_from_iterator(iter(texts), vocab_size - 1, pattern=SPLIT_PATTERN)
        ranks = sorted(trainer.get_mergeable_ranks(), key=lambda pair: pair[1])
        return cls([bytes(token) for token, _ in ranks])

    @classmethod
    def load(cls, path: Path) -> BpeTokenizer:
        """Read a saved tokenizer; raises `TaskError` when it isn't one."""
        try:
            content = json.loads(path.read_text(encoding="ascii"))
            return cls([bytes.fromhex(token) for token in content["tokens"]], content["pattern"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise TaskError(
                f"the tokenizer {path} cannot be read", "prepare the dataset again"
            ) from error

    def save(self, path: Path) -> None:
        """Write the tokenizer as JSON: the split pattern, and the tokens in hexadecimal."""
        content = {"pattern": self.pattern, "tokens": [token.hex() for token in self.ranks]}
        with written(path) as file:
            file.write(json.dumps(content).encode("ascii"))

    @cached_property
    def _encoding(self) -> Any:
        import tiktoken

        return tiktoken.Encoding(
            name="gitcollab",
            pat_str=self.pattern,
            mergeable_ranks={token: rank for rank, token in enumerate(self.ranks)},
            special_tokens={"<|bos|>": self.bos},
        )

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Return each text's token ids; what looks like a special token is text like any other."""
        batches: list[list[int]] = self._encoding.encode_ordinary_batch(list(texts))
        return batches

    def decode(self, tokens: Iterable[int]) -> str:
        """Return the text of some tokens."""
        text: str = self._encoding.decode([t for t in tokens if t != self.bos], errors="replace")
        return text

    def token_bytes(self) -> np.ndarray[Any, Any]:
        """Return each token's length in bytes, zero for BOS."""
        import numpy as np

        return np.array([*(len(token) for token in self.ranks), 0], dtype=np.int64)
