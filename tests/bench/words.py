"""What recognising a description among many costs, without and with what the host has kept."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from random import Random

from gitcollab.swarm.recogniser import Recogniser
from tests.bench.figures import Figure, clocked, timed

RESULTS = 10_000
CHECK_SECONDS = 0.1  # the check against so many results, once they are loaded
ASKED = "swap the squared ReLU of the MLP for SwiGLU, 4x hidden"

_WHAT = (
    "swap ReLU² for {}", "{} in the MLP", "try {} (worse)", "learnable {} per head",
    "remove the {}", "{} before attention", "{} on the last {n} layers", "{} init std 0.{n}",
    "{} every {n} steps", "exp{n}: {} with scale {n}", "gated {}, hidden {n}x", "{} 0.0{n} — flat",
)  # fmt: skip
_OF = (
    "SwiGLU", "GeGLU", "QK norm", "value embeddings", "logit softcap", "token shift", "RoPE",
    "cautious weight decay", "attention gate", "x0 skip", "label smoothing", "EMA of the weights",
    "multi-token prediction", "momentum warmup", "window pattern", "bigram table", "z-loss",
)  # fmt: skip


def descriptions(count: int) -> list[str]:
    """So many different descriptions, of the kinds that logs are full of."""
    random = Random(0)
    every = [
        pattern.format(f"{a} and {b}" if a != b else a, n=n)
        for pattern, a, b, n in itertools.product(_WHAT, _OF, _OF, range(2, 12))
    ]
    random.shuffle(every)
    return list(dict.fromkeys(every))[:count]


def measure(root: Path) -> Iterator[Figure]:
    """Understanding 10,000 descriptions once, having them back, and asking which are the same."""
    said = descriptions(RESULTS)
    assert len(said) == RESULTS
    folder = root / "words"
    first = Recogniser(folder).library()
    yield Figure(
        "10,000 descriptions: understood once", clocked(lambda: first.statements(said)), "s"
    )
    again = Recogniser(folder).library()
    loaded = clocked(lambda: again.statements(said))
    yield Figure("10,000 descriptions: read back from the host", loaded, "s")
    again.alike(ASKED, said)  # a model, where it was needed, has answered
    checked = timed(lambda: again.alike(ASKED, said), 5)
    yield Figure("10,000 descriptions: which say the same", checked, "s", most=CHECK_SECONDS)
