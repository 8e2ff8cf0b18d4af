"""What the real sentence model finds in the field's own log, against labels made by hand."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pytest

from gitcollab.similarity.embedding import Model, ModelUnavailable, find, located
from gitcollab.similarity.spellings import in_full
from gitcollab.similarity.vocabulary import Vocabulary
from gitcollab.swarm.recogniser import Recogniser
from gitcollab.swarm.search.meaning import likest

REAL = Path(__file__).parents[4] / "shared" / "data" / "autoresearch-h100-mar8.tsv"

_DECAY = r"\bWD\b|weight decay"
_LOCAL = "window|SSS|pattern"
# The descriptions that answer a question, as a pattern; None: nothing in the log does.
LABELS: Mapping[str, str | None] = {
    "regularisation": rf"{_DECAY}|clipping",
    "weight tying": "tying",
    "learning rate schedule": "schedule|warm(down|up)|FINAL_LR",
    "learning rates": r"\bLR\b",
    "cooldown": "warmdown",
    "overfitting": _DECAY,
    "L2 penalty": _DECAY,
    "shrinking weights": _DECAY,
    "attention heads": "multi-query",
    "grouped query attention": "multi-query",
    "sliding window": _LOCAL,
    "local attention": _LOCAL,
    "positional encoding": "rope|rotary",
    "sharing embeddings between input and output": "tying",
    "value embeddings": r"\bVE\b|value embedding",
    "wider model": "dim|aspect",
    "deeper network": "depth [0-9]|layers",
    "feed-forward expansion": "MLP hidden",
    "batch size": "batch",
    "exploding gradients": "clipping",
    "logit clipping": "softcap",
    "initialisation of weights": r"\binit\b",
    "residual connections": "resid|x0",
    "luck of the seed": "seed",
    "quantum annealers": None,
    "cooking recipes": None,
    "mixture of experts": None,
    "knowledge distillation": None,
    "curriculum learning": None,
}


@pytest.fixture(scope="module")
def texts() -> list[str]:
    if not REAL.exists():
        pytest.skip("the log is not here")
    with REAL.open() as log:
        return list(
            dict.fromkeys(row["description"] for row in csv.DictReader(log, delimiter="\t"))
        )


@pytest.fixture(scope="module")
def model() -> Model:
    try:
        if located() == "hub":
            pytest.skip("the sentence model is not here")
        return find().load()
    except ModelUnavailable as e:
        pytest.skip(e.message)


def test_what_stands_out_is_what_is_meant(texts: list[str], model: Model, tmp_path: Path) -> None:
    words: Vocabulary = Recogniser(tmp_path).library().words
    rows = model.encode([in_full(text, words) for text in texts])
    asked = model.encode([in_full(question, words) for question in LABELS])
    found = {
        question: [texts[at] for at in likest((rows @ vector).tolist())]
        for question, vector in zip(LABELS, asked, strict=True)
    }
    assert {q: found[q] for q, wanted in LABELS.items() if wanted is None and found[q]} == {}
    scores = {q: _score(found[q], texts, wanted) for q, wanted in LABELS.items() if wanted}
    assert sum(scores.values()) / len(scores) > 0.55
    assert sum(score == 0 for score in scores.values()) <= 5
    assert found["learning rate schedule"]
    assert found["regularisation"]
    assert found["weight tying"] == ["weight tying (shared embed/unembed, broken)"]


def _score(found: list[str], texts: list[str], wanted: str) -> float:
    """F0.5: what is found counts more by being right than by being all."""
    is_meant = partial(re.search, wanted, flags=re.IGNORECASE)
    right = sum(map(bool, map(is_meant, found)))
    if not right:
        return 0.0
    precision, recall = right / len(found), right / sum(map(bool, map(is_meant, texts)))
    return 1.25 * precision * recall / (0.25 * precision + recall)
