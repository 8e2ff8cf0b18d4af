"""A made-up history of research: who tried what on which base, and what came of it.

Deterministic in its seed, and the same from the start however long it goes on. The records are
valid and their fingerprints the real ones; both are written by templates, a hundred times faster
than through the codec and the parser, and ``Research.check`` compares them with those.
"""

from __future__ import annotations

import ast
import hashlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

from gitcollab.records import codec
from gitcollab.records.models import Result, Task, rfc3339, sha256
from gitcollab.records.names import short_hash, slug
from gitcollab.similarity import constants, literal, program
from gitcollab.swarm.identity import canonical_json, change_text

BEGAN = datetime(2026, 9, 1, tzinfo=UTC)
SPAN = timedelta(weeks=6)
HARNESS = sha256(b"the harness of the benchmark")
AGENTS = 200
# tier, device, GB of its memory, share of the agents, how much worse its numbers are
TIERS = (
    ("large", "NVIDIA H100 80GB HBM3", 79.6, 0.4, 0.0),
    ("xl", "NVIDIA H200", 139.8, 0.1, -0.01),
    ("medium", "NVIDIA GeForce RTX 4090", 24.0, 0.25, 0.04),
    ("small", "NVIDIA GeForce RTX 4060", 8.0, 0.15, 0.11),
    ("cpu", "AMD EPYC 7763 64-Core Processor", None, 0.1, 0.4),
)
NOISE = 0.0015
FLOOR = 0.9
FAILURES = (
    "exit code 1 (torch.OutOfMemoryError, tried to allocate 2.00 GiB)",
    "the loss is nan at step 41",
    "exit code 1 (RuntimeError, mat1 and mat2 shapes cannot be multiplied)",
)
LINES = 44  # of a log

Values = Mapping[str, int | float]


@dataclass(frozen=True)
class Agent:
    """One agent and its machine; ``tier`` is a row of TIERS."""

    name: str
    tier: int


class Shape:
    """A program but for the values of its constants: texts and fingerprints at little cost."""

    def __init__(self, text: str) -> None:
        self.source = text
        tree = ast.parse(text)
        nodes = constants.assignments(tree)
        found = constants.constants(text)
        self.values: dict[str, int | float] = {
            name: one.value for name, one in found.items() if type(one.value) in (int, float)
        }  # type: ignore[misc]
        self._names = list(nodes)
        spans = [(found[n].start, found[n].end) for n in self._names]
        ends = [0, *(end for _, end in spans)]
        starts = [*(start for start, _ in spans), len(text)]
        self._text = [text[a:b] for a, b in zip(ends, starts, strict=True)]
        self._spelled = [text[a:b] for a, b in spans]
        masked = {id(node) for node in nodes.values()}
        tokens = "".join(f"\n{token}" for token in program._tokens(tree, masked))
        self._tokens = tokens.split(f"\n{program._MASK}\n")
        self._folded = ["\n".join(program._tokens(nodes[n])) for n in self._names]

    def text(self, values: Values) -> str:
        """The program with these values of the constants it names."""
        return _filled(self._text, self._names, self._spelled, values, "", repr)

    def fingerprint(self, values: Values) -> str:
        """``program.fingerprint(self.text(values))``."""
        filled = _filled(self._tokens, self._names, self._folded, values, "\n", program._constant)
        return f"sha256:{hashlib.sha256(f'python{filled}'.encode()).hexdigest()}"

    def grown(self, number: int) -> Shape:
        """This program with one more function."""
        body = f"def experiment_{number}(x):\n    return x * (1 + {number} / (1 + x.norm()))\n"
        return Shape(f"{self.source}\n\n{body}")


def _filled(pieces, names, standing, values, glue, spell):  # type: ignore[no-untyped-def]
    parts = [pieces[0]]
    for name, old, piece in zip(names, standing, pieces[1:], strict=True):
        parts += [glue, spell(values[name]) if name in values else old, glue, piece]
    return "".join(parts)


@dataclass(frozen=True)
class Run:
    """One result to be, but for its files."""

    number: int
    id: str
    agent: Agent
    at: datetime
    description: str
    shape: Shape
    values: Values
    fingerprint: str
    quality: float  # the metric without noise and tier
    metric: float | None
    failure: str | None
    seed: int
    base: Run | None
    changed: Values = field(default_factory=dict)
    structural: bool = False
    replicates: str | None = None

    @property
    def program(self) -> str:
        return self.shape.text(self.values)


class Research:
    """The history of a hub of ``results`` results; it can be followed beyond them."""

    def __init__(self, task: Task, baseline: str, results: int, seed: int = 0) -> None:
        self.task = task
        self.step = SPAN / max(results, 1)
        self._rng = Random(seed)
        self._baseline = Shape(baseline)
        self.agents = [Agent(_name(n), _tier(self._rng.random())) for n in range(AGENTS)]
        self._bests: list[Run] = []
        self._done: list[Run] = []  # of late, with a metric

    def runs(self) -> Iterator[Run]:
        """The results in the order in which they are made; there is no end."""
        number = 0
        while True:
            run = self._next(number)
            if run.metric is not None:
                self._done = [*self._done[-99:], run]
                if not self._bests or run.quality < self._bests[-1].quality:
                    self._bests.append(run)
            yield run
            number += 1

    def _next(self, number: int) -> Run:
        if not self._bests:
            return self._baseline_run(number)
        rng = self._rng
        agent = rng.choice(self.agents)
        draw = rng.random()
        if draw < 0.1:
            return self._replicate(number, agent)
        base = self._bests[-1] if rng.random() < 0.8 else rng.choice(self._bests[-20:])
        if draw < 0.12:
            return self._structural(number, agent, base)
        return self._constants(number, agent, base)

    def _baseline_run(self, number: int) -> Run:
        shape, agent = self._baseline, self.agents[0]
        return self._run(number, agent, "baseline", shape, {}, 1.05, None)

    def _replicate(self, number: int, agent: Agent) -> Run:
        of = self._rng.choice(self._done if self._rng.random() < 0.5 else self._bests[-5:])
        return self._run(
            number, agent, of.description, of.shape, of.values, of.quality, of,
            seed=42 + number % 50, replicates=of.replicates or of.id, fails=0.02,
        )  # fmt: skip

    def _structural(self, number: int, agent: Agent, base: Run) -> Run:
        shape = base.shape.grown(number)
        what = f"experiment {number}: rescale the residual stream by its norm"
        quality = self._quality(number, base)
        return self._run(
            number, agent, what, shape, base.values, quality, base, structural=True, fails=0.4
        )

    def _constants(self, number: int, agent: Agent, base: Run) -> Run:
        rng = self._rng
        standing = {**base.shape.values, **base.values}
        names = rng.sample(sorted(standing), rng.choice((1, 1, 1, 2)))
        changed = {name: _another(rng, standing[name]) for name in names}
        what = ", ".join(
            f"{n} {literal.shown(standing[n])} → {literal.shown(v)}" for n, v in changed.items()
        )
        return self._run(
            number, agent, what, base.shape, {**base.values, **changed},
            self._quality(number, base), base, changed=changed, fails=0.15,
        )  # fmt: skip

    def _quality(self, number: int, base: Run) -> float:
        """Gains become rarer and smaller; most changes make it a little worse."""
        if self._rng.random() < 1 / (1 + number / 50):
            return base.quality - (base.quality - FLOOR) * 0.02 * self._rng.expovariate(1)
        return base.quality + 0.004 * self._rng.expovariate(1)

    def _run(
        self,
        number: int,
        agent: Agent,
        what: str,
        shape: Shape,
        values: Values,
        quality: float,
        base: Run | None,
        *,
        seed: int = 42,
        changed: Values | None = None,
        structural: bool = False,
        replicates: str | None = None,
        fails: float = 0.0,
    ) -> Run:
        rng = self._rng
        crashed = rng.random() < fails
        metric = round(quality + TIERS[agent.tier][4] + rng.gauss(0, NOISE), 6)
        return Run(
            number,
            f"{agent.name}/{slug(what)}-{short_hash(f'{number}', length=8)}",
            agent,
            BEGAN + self.step * number,
            what,
            shape,
            values,
            shape.fingerprint(values),
            quality,
            None if crashed else metric,
            rng.choice(FAILURES) if crashed else None,
            seed,
            base,
            changed or {},
            structural,
            replicates,
        )

    def record(self, run: Run, files: Mapping[str, str]) -> bytes:
        """The result's YAML; ``files`` are the digests of what lies beside it."""
        return _record(self.task, run, files)

    def check(self, run: Run, files: Mapping[str, str], data: bytes) -> None:
        """Compare what the templates wrote with what parser and codec make of it."""
        decoded = codec.decode("result", data)
        assert isinstance(decoded, Result)
        assert codec.encode(decoded) == data, (data, codec.encode(decoded))
        assert decoded.fingerprint == program.fingerprint(run.program)
        assert decoded.files == files


def log(run: Run) -> str:
    """The output of the run: what train.py prints, a line a second."""
    lines = [f"autoresearch: climbmix, cuda, {50_332_176 + run.number:,} parameters"]
    lines += [
        f"step {step:05d} ({100 * share:.1f}%) | loss: {loss:.6f} | lrm: {1 - share:.2f} | "
        f"dt: {310 + run.number % 9}ms | tok/sec: {1_650_000 + run.number % 7919:,} | epoch: 1 | "
        f"remaining: {300 * (1 - share):.0f}s"
        for step, share, loss in _points(run)
    ]
    if run.metric is None:
        return "\n".join([*lines, f"FAIL: {run.failure}"]) + "\n"
    lines += [
        "---",
        f"val_bpb:          {run.metric:.6f}",
        "training_seconds: 300.1",
        f"num_steps:        {953 + run.number % 31}",
        f"seed:             {run.seed}",
        "device:           cuda",
    ]
    return "\n".join(lines) + "\n"


def curve(run: Run) -> str:
    """The loss over the run, as CSV."""
    rows = [f"{step},{300 * share:.1f},{loss:.6f}" for step, share, loss in _points(run)]
    return "\n".join(["step,seconds,loss", *rows]) + "\n"


def _points(run: Run) -> list[tuple[int, float, float]]:
    rng = Random(run.number)
    count = LINES if run.metric is not None else 1 + run.number % LINES
    return [
        (n * 22, n / LINES, 3.1 + 6 * math.exp(-n / 7) + rng.gauss(0, 0.03)) for n in range(count)
    ]


def _another(rng: Random, value: float) -> int | float:
    if isinstance(value, int):
        new = max(1, round(value * rng.choice((0.5, 0.75, 1.25, 1.5, 2))))
        return new if new != value else value + 1
    if value == 0.0:
        return round(rng.uniform(0.001, 0.2), 4)
    new = max(0.001, float(f"{value * rng.uniform(0.5, 1.6):.3g}"))
    return new if new != value else value * 2


def _name(number: int) -> str:
    stems = ("nova", "lyra", "vega", "orion", "altair", "rigel", "mira", "deneb", "castor", "atlas")
    return f"{stems[number % len(stems)]}-{number}"


def _tier(draw: float) -> int:
    for row, (*_, share, _offset) in enumerate(TIERS):
        draw -= share
        if draw < 0:
            return row
    return 0


def _nonce(*parts: str) -> str:
    # Beginning with a letter that no number holds, so that it needs no quotes.
    return "c" + hashlib.sha256("\0".join(parts).encode()).hexdigest()[:31]


def _record(task: Task, run: Run, files: Mapping[str, str]) -> bytes:
    tier, device, vram, _, _ = TIERS[run.agent.tier]
    key = (
        f"{slug(change_text(run.changed))}-{short_hash(canonical_json(run.changed))}"
        if run.changed
        else f"{slug(run.description)}-{short_hash(run.fingerprint)}"
    )
    base = run.base
    lines = [
        "schema: 1",
        f"id: {run.id}",
        f"agent: {run.agent.name}",
        f"created_at: {rfc3339(run.at)}",
        f"description: {_quoted(run.description)}",
        f"status: {'crash' if run.metric is None else 'ok'}",
        *([] if run.metric is None else [f"metric: {run.metric!r}"]),
        *_mapping("delta", run.changed),
        f"structural: {'true' if run.structural else 'false'}",
        f"fingerprint: {run.fingerprint}",
        *([] if base is None else [f"base: {base.id}"]),
        f"base_fingerprint: {run.fingerprint if base is None else base.fingerprint}",
        *([] if run.replicates is None else [f"replicates: {run.replicates}"]),
        *([] if run.failure is None else [f"failure: {_quoted(run.failure)}"]),
        *_mapping("metrics", _metrics(run)),
        f"seed: {run.seed}",
        f"task: {task.digest}",
        "hardware:",
        f"  device: {device}",
        f"  tier: {tier}",
        f"  gpus: {0 if vram is None else 1}",
        *([] if vram is None else [f"  vram_gb: {vram}"]),
        "  cpus: 26",
        "  memory_gb: 200.0",
        "environment:",
        "  python: 3.11.7",
        "  torch: 2.5.1+cu124",
        "  gitcollab: 0.1.0",
        f"  harness: {HARNESS}",
        f"experiment: {key}",
        f"claim: {_nonce('claim', run.id)}",
        f"started_at: {rfc3339(run.at - timedelta(seconds=340))}",
        "wall_seconds: 331.25",
        *_mapping("files", files),
        f"nonce: {_nonce('result', run.id)}",
    ]
    return "".join(f"{line}\n" for line in lines).encode()


def _metrics(run: Run) -> dict[str, object]:
    if run.metric is None:
        return {}
    return {
        "training_seconds": 300.1,
        "total_seconds": 331.2,
        "peak_vram_mb": 45060.2,
        "mfu_percent": round(30 + run.number % 997 / 100, 2),
        "num_steps": float(953 + run.number % 31),
        "depth": float(run.values.get("DEPTH", 8)),
        "seed": float(run.seed),
    }


def _mapping(name: str, values: Mapping[str, object]) -> list[str]:
    if not values:
        return [f"{name}: {{}}"]
    return [f"{name}:", *(f"  {key}: {value}" for key, value in values.items())]


def _quoted(text: str) -> str:
    return f"'{text}'" if ": " in text else text
