"""What judging costs at a hub's door: hostile commits, and programs made to be slow to read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from gitcollab.faces.pages import pages
from gitcollab.git.objects import ObjectStore
from gitcollab.similarity.program import fingerprint
from gitcollab.similarity.source import MAX_TOKENS, ProgramTooComplex
from gitcollab.swarm import verifying
from tests.bench.figures import Figure, clocked
from tests.hostile import corpus

SECONDS = 1.0  # each
_PARTS = ("a<", "@a\n", "1,", "a or ", "A=1\n", "f(", "lambda:", "x[0].", "'")


def measure(root: Path) -> Iterator[Figure]:
    """The slowest of each kind."""
    hub = root / "doors" / "hub.git"
    hub.parent.mkdir()
    corpus.seed(hub)
    tip = ObjectStore(hub).tip(f"refs/heads/{corpus.BRANCH}")
    found = corpus.corpus()
    costs = []
    for hostile in found:
        line = f"{tip} {corpus.written(hub, hostile)} refs/heads/{corpus.BRANCH}\n"
        repository = verifying.open_hub(hub, corpus.BRANCH)
        costs.append(clocked(lambda r=repository, p=line: _refuse(r, p)))  # type: ignore[misc]
    yield Figure(f"{len(found)} hostile commits: the slowest", max(costs), "s", most=SECONDS)
    spent = max(clocked(lambda p=part: _read(p)) for part in _PARTS)  # type: ignore[misc]
    yield Figure("hostile programs: the slowest", spent, "s", most=SECONDS)


def _refuse(repository: verifying.Repository, pushed: str) -> None:
    assert verifying.refusals(repository, [pushed], pages)


def _read(part: str) -> None:
    """As many words and signs as are read, and as many characters as a program may have."""
    words = max(1, len(part.split()) * 2)
    for program in (part * (MAX_TOKENS // words), part * (990_000 // len(part))):
        with suppress(ProgramTooComplex):
            fingerprint(f"{program}\n")
