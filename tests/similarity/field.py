"""The package's own words, and the constants of a program to say things of."""

from __future__ import annotations

from importlib.resources import files

from gitcollab.records import codec
from gitcollab.similarity.literal import Value
from gitcollab.similarity.statement import Statement, understand
from gitcollab.similarity.vocabulary import vocabulary

WORDS = vocabulary(codec.load((files("gitcollab.similarity") / "synonyms.yaml").read_bytes()))

BASE: dict[str, Value] = {
    "ASPECT_RATIO": 64,
    "HEAD_DIM": 128,
    "WINDOW_PATTERN": "SSSL",
    "TOTAL_BATCH_SIZE": 524288,
    "EMBEDDING_LR": 0.6,
    "UNEMBEDDING_LR": 0.004,
    "MATRIX_LR": 0.04,
    "SCALAR_LR": 0.5,
    "WEIGHT_DECAY": 0.2,
    "ADAM_BETAS": (0.8, 0.95),
    "WARMUP_RATIO": 0.0,
    "WARMDOWN_RATIO": 0.5,
    "FINAL_LR_FRAC": 0.0,
    "DEPTH": 8,
    "DEVICE_BATCH_SIZE": 128,
}


def said(text: str) -> Statement:
    """What a text says of the program."""
    return understand(text, WORDS, BASE)
