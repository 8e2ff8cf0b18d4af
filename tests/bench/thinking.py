"""What thinking together costs on a large hub: asking, and the briefings that begin a session."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from pathlib import Path
from unittest.mock import patch

from gitcollab.errors import GitcollabError
from gitcollab.faces.pages import pages
from gitcollab.similarity.embedding import find
from gitcollab.similarity.kept import Kept
from gitcollab.similarity.vectors import Vectors, _packed
from gitcollab.swarm.search.asking import ask
from gitcollab.swarm.search.meaning import text_of
from gitcollab.swarm.swarm import Swarm
from tests.bench import big_hub, thoughts
from tests.bench.figures import Figure, clocked, timed
from tests.bench.toys import call, gitcollab

TIMES = 5
WITHIN = 1.0  # seconds: a verb, as a process
MORE = 150.0  # milliseconds: the sentence model, once it is loaded

# Constants alone; with a verdict and values; words of which there are many, few and none.
QUESTIONS = (
    "what learning rates have been tried?",
    "what failed with MATRIX_LR above 0.05",
    "rescale the residual stream by its norm",
    "which insights are there about gated attention?",
)
_VERBS = (
    ("analyze",),
    ("coverage",),
    ("coverage", "MATRIX_LR"),
    ("prime",),
    ("hypothesis", "list"),
    ("lineage",),
    ("frontier",),
)


def measure(root: Path, results: int, hubs: Path | None = None) -> Iterator[Figure]:
    """Every verb as a process of its own, warm; then the sentence model in a process that stays.

    ``hubs`` keeps the hub for other runs.
    """
    folder = root / "thinking"
    folder.mkdir()
    _hub(folder / "hub.git", results, hubs)
    work = folder / "work"
    work.mkdir()
    gitcollab("join", str(folder / "hub.git"), "--agent", "volunteer", cwd=work)
    bare = timed(lambda: call(sys.executable, "-c", "pass", cwd=work), TIMES)
    for argv in [*(("ask", question, "--words") for question in QUESTIONS), *_VERBS]:
        spent = timed(lambda a=argv: gitcollab(*a, cwd=work), TIMES)  # type: ignore[misc]
        what = f"{results:,} results: {' '.join(argv)[:40]}"
        yield Figure(what, spent, "s", "python -c pass", bare, most=WITHIN)
    yield from _with_the_model(work, results)


def _hub(hub: Path, results: int, hubs: Path | None) -> None:
    kept = None if hubs is None else hubs / f"thinking-{results}.git"
    if kept is None or not kept.exists():
        big_hub.make(hub, results)
        thoughts.plant(hub, results)
        if kept is not None:
            kept.parent.mkdir(parents=True, exist_ok=True)
            shutil.copytree(hub, kept)
    else:
        shutil.copytree(kept, hub)


def _with_the_model(work: Path, results: int) -> Iterator[Figure]:
    """An ask with all texts known to the model, beside the same one without it."""
    swarm = Swarm.open(work, pages=pages)
    try:
        _know(swarm)
        swarm.ask(QUESTIONS[2], meaning=True)
    except GitcollabError:
        return  # there is no model here
    for question in QUESTIONS[2:]:
        without, spent = (_least(_asking(swarm, question, how)) for how in (False, True))
        what = f"{results:,} results: the model's part of an ask"
        beside = "an ask by words, in the process"
        yield Figure(what, spent - without, "ms", beside, without, most=MORE)


def _least(act: Callable[[], object]) -> float:
    """The least milliseconds of some: what else a machine does is no part of a difference."""
    act()
    return 1000 * min(clocked(act) for _ in range(2 * TIMES))


def _asking(swarm: Swarm, question: str, meaning: bool) -> Callable[[], object]:
    """An ask that is another one each time: the model has to read it."""
    numbers = count()
    return lambda: ask(swarm.member, f"{question} {next(numbers)}", meaning=meaning)


def _know(swarm: Swarm) -> None:
    """Keep a vector of every text there is: which one does not change what it costs."""
    import numpy as np

    from gitcollab.swarm.search.filters import KINDS, Filters
    from gitcollab.swarm.search.pieces import Pieces

    pieces = Pieces(swarm.member)
    words = swarm.member.words().words
    texts = {text_of(p, words) for kind in KINDS for p in pieces.of(kind, Filters())}
    path = Path(os.environ["GITCOLLAB_HOME"]) / "words" / "vectors.sqlite"
    vectors, random = Vectors(path, find()), np.random.default_rng(0)
    rows = random.normal(size=(len(texts), 384)).astype("f4")
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    keys: Sequence[bytes] = [vectors._key(text) for text in texts]
    with patch("gitcollab.similarity.kept.KEPT", 1_000_000):
        Kept(path).put([(key, _packed(row)) for key, row in zip(keys, rows, strict=True)])
