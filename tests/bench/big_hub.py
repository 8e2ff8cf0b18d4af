"""Make a hub with many results, in the layout of a real one: python -m tests.bench.big_hub PATH N.

Ten thousand results take some seconds through git's fast-import; the derived files are then made by
the real deriver, which reads all of it once.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import IO

from gitcollab.git.remote import create_bare
from gitcollab.records import codec
from gitcollab.records.models import AgentCard, Claim, Hardware, Policy, Result, Task, sha256
from gitcollab.records.names import path_of
from gitcollab.swarm import presets, ruling
from gitcollab.swarm.identity import key_of
from gitcollab.swarm.publishing import seed_files
from tests import people
from tests.bench import writing
from tests.bench.research import BEGAN, TIERS, Agent, Research, Run
from tests.bench.toys import BRANCH, request, store_at

CLAIMS = 30
PER_COMMIT = 100
CHECKED_EVERY = 499  # results of which one is compared with what the codec makes of it


def make(path: Path, results: int, *, seed: int = 0, task: Task | None = None) -> None:
    """Make ``path`` a hub of the preset autoresearch with so many results and a few live claims.

    The same tree for the same seed, apart from the claims: those are made now and hold for a day.
    ``task`` is what the hub is for instead.
    """
    task = task or task_of()
    research = research_of(results, seed)
    create_bare(path)
    with subprocess.Popen(
        ["git", f"--git-dir={path}", "fast-import", "--quiet", "--depth=50"], stdin=subprocess.PIPE
    ) as importer:
        assert importer.stdin is not None
        _import(Stream(importer.stdin), task, research, list(islice(research.runs(), results)))
        importer.stdin.close()
        assert importer.wait() == 0
    _derive(path)


def task_of() -> Task:
    """The hub's task."""
    task, _ = presets.preset("autoresearch")
    # The claims of a hub that is used for hours must not run out meanwhile.
    policy = Policy(claim_ttl_seconds=86_400)
    keeper = {"keeper": people.key("keeper").public_line}
    return task.model_copy(update={"policy": policy, "hub": "ab" * 16, "maintainers": keeper})


def research_of(results: int, seed: int = 0) -> Research:
    """The history that ``make`` writes; it can be followed further, for results to come."""
    return Research(presets.preset("autoresearch")[1].decode(), results, seed)


class Stream:
    """A stream of git fast-import."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out = out
        self._marks = 0

    def blob(self, data: bytes) -> int:
        """Store ``data``; the mark that stands for it."""
        self._marks += 1
        self._out.write(b"blob\nmark :%d\ndata %d\n" % (self._marks, len(data)) + data + b"\n")
        return self._marks

    def commit(self, when: datetime, message: str, files: Sequence[tuple[str, int]]) -> None:
        """Add ``files`` (path, mark) to the branch."""
        text, seconds = message.encode(), int(when.timestamp())
        who = b"committer bench <bench@gitcollab.invalid> %d +0000\n" % seconds
        self._out.write(b"commit refs/heads/%b\n" % BRANCH.encode() + who)
        self._out.write(b"data %d\n%b\n" % (len(text), text))
        for path, mark in files:
            self._out.write(b"M 100644 :%d %b\n" % (mark, path.encode()))


def _import(stream: Stream, task: Task, research: Research, runs: Sequence[Run]) -> None:
    _import_seed(stream, task, research)
    digests: list[dict[str, str]] = [{} for _ in runs]
    files: list[list[tuple[str, int]]] = [[] for _ in runs]

    def add(name: str, text: Callable[[Run], str]) -> None:
        for run, said, placed in zip(runs, digests, files, strict=True):
            data = text(run).encode()
            said[name] = sha256(data)
            placed.append((f"results/{run.id}/{name}", stream.blob(data)))

    # fast-import makes a delta against the blob before, so alike goes with alike.
    add("train.py", lambda run: run.program)
    add("log.txt", writing.log)
    add("curve.csv", writing.curve)
    for run, said, placed in zip(runs, digests, files, strict=True):
        if run.number % CHECKED_EVERY == 0:
            writing.checked(task, run, said)
        data = writing.signed(task, run, said)
        placed.append((f"results/{run.id}/result.yaml", stream.blob(data)))
    for start in range(0, len(runs), PER_COMMIT):
        batch = [one for placed in files[start : start + PER_COMMIT] for one in placed]
        stream.commit(runs[start].at, f"results from {start}", batch)
    _import_claims(stream, task, research)


def _import_seed(stream: Stream, task: Task, research: Research) -> None:
    baseline = presets.preset("autoresearch")[1]
    seeded = seed_files(task, baseline, presets.asset("collab.md"))
    files = {path: text.encode() for path, text in seeded.items()}
    keeper = "keeper", people.key("keeper")
    edit = ruling.edit(keeper, task, BEGAN, files, "a hub")
    files[path_of("ruling", edit.id)] = codec.encode(edit)
    placed = [(path, stream.blob(data)) for path, data in files.items()]
    for agent in research.agents:
        placed.append((f"agents/{agent.name}.yaml", stream.blob(codec.encode(_card(agent)))))
    stream.commit(BEGAN - timedelta(days=1), "a hub", placed)


def _card(agent: Agent) -> AgentCard:
    tier, device, vram, _, _ = TIERS[agent.tier]
    hardware = Hardware(device=device, tier=tier, gpus=int(vram is not None), vram_gb=vram)
    return people.signed(
        people.card(agent.name, BEGAN).model_copy(update={"hardware": hardware, "signature": None})
    )


def _import_claims(stream: Stream, task: Task, research: Research) -> None:
    now = datetime.now(UTC)
    placed = []
    for number, agent in enumerate(research.agents[:CLAIMS]):
        claim = _claim(task, agent, number, now)
        placed.append((f"claims/{claim.id}.yaml", stream.blob(codec.encode(claim))))
    stream.commit(now, f"{CLAIMS} claims", placed)


def _claim(task: Task, agent: Agent, number: int, now: datetime) -> Claim:
    claim = Claim(
        id="x",
        agent=agent.name,
        created_at=now - timedelta(seconds=number),
        nonce=f"c{number:031x}",
        tier=TIERS[agent.tier][0],
        expires_at=now + timedelta(seconds=task.policy.claim_ttl_seconds - number),
        description=f"WARMUP_RATIO 0.0 → 0.3{number:02d}1",
        delta={"WARMUP_RATIO": float(f"0.3{number:02d}1")},
    )
    return people.signed(claim.model_copy(update={"id": key_of(claim)}))


def _derive(path: Path) -> None:
    """Let the real deriver write the derived files."""
    with tempfile.TemporaryDirectory() as home:
        store = store_at(path, Path(home))
        outcome = store.submit(request("views", "bench", {}))[0]
        assert outcome["outcome"] == "rebuilt", outcome
        invalid = store.snapshot().invalid()
        assert not invalid, dict(islice(invalid.items(), 3))


def to_come(results: int, *, seed: int = 0) -> Iterator[tuple[Result, dict[str, str]]]:
    """What follows on the results of ``make(path, results, seed=seed)``, each with its files."""
    for run in islice(research_of(results, seed).runs(), results, None):
        files = writing.files_of(run)
        digests = {name: sha256(text.encode()) for name, text in files.items()}
        yield writing.checked(task_of(), run, digests), files


if __name__ == "__main__":
    began = time.perf_counter()
    make(Path(sys.argv[1]), int(sys.argv[2]))
    print(f"{sys.argv[1]}: {sys.argv[2]} results in {time.perf_counter() - began:.1f} s")
