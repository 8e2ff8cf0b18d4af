"""The files of made-up results, written by templates: a hundred times faster than by the codec."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from datetime import timedelta
from random import Random

from gitcollab.records import codec
from gitcollab.records.models import Result, Task, rfc3339, sha256
from gitcollab.records.names import short_hash, slug
from gitcollab.similarity import program
from gitcollab.swarm.identity import canonical_json, change_text
from tests import people
from tests.bench.research import TIERS, Run

HARNESS = sha256(b"the harness of the benchmark")
LINES = 44  # of a log


def files_of(run: Run) -> dict[str, str]:
    """What lies beside a result."""
    return {"train.py": run.program, "log.txt": log(run), "curve.csv": curve(run)}


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


def record(task: Task, run: Run, files: Mapping[str, str]) -> bytes:
    """The result's YAML; ``files`` are the digests of what lies beside it."""
    tier, device, vram, _, _ = TIERS[run.agent.tier]
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
        f"experiment: {_key(run)}",
        f"claim: {_nonce('claim', run.id)}",
        f"started_at: {rfc3339(run.at - timedelta(seconds=340))}",
        "wall_seconds: 331.25",
        *_mapping("files", files),
        f"nonce: {_nonce('result', run.id)}",
    ]
    return "".join(f"{line}\n" for line in lines).encode()


def signed(task: Task, run: Run, files: Mapping[str, str]) -> bytes:
    """The result's YAML with its agent's signature."""
    data = record(task, run, files)
    unsigned = codec.from_mapping("result", codec.load(data))
    assert isinstance(unsigned, Result)
    return data + f"signature: {people.signed(unsigned).signature}\n".encode()


def checked(task: Task, run: Run, files: Mapping[str, str]) -> Result:
    """The result, where the templates wrote what parser and codec would have."""
    data = signed(task, run, files)
    decoded = codec.decode("result", data)
    assert isinstance(decoded, Result)
    assert codec.encode(decoded) == data, (data, codec.encode(decoded))
    assert decoded.fingerprint == program.fingerprint(run.program)
    return decoded


def _key(run: Run) -> str:
    if run.changed:
        return f"{slug(change_text(run.changed))}-{short_hash(canonical_json(run.changed))}"
    return f"{slug(run.description)}-{short_hash(run.fingerprint)}"


def _nonce(*parts: str) -> str:
    # Beginning with a letter that no number holds, so that it needs no quotes.
    return "c" + hashlib.sha256("\0".join(parts).encode()).hexdigest()[:31]


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
