"""train.py itself, as the process that agents run."""

from __future__ import annotations

import ast
import json
import math
import os
import re
import statistics
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from gitcollab.task.data import load, prepare
from gitcollab.task.embedded import ENTROPY_FLOOR

PROGRAM = Path(__file__).parents[2] / "train.py"
KEY_TEXT = (
    "val_bpb training_seconds total_seconds peak_vram_mb mfu_percent total_tokens_M num_steps "
    "num_params_M depth seed device"
)
KEYS = KEY_TEXT.split()
CONSTANT_TEXT = (
    "DEPTH ASPECT_RATIO HEAD_DIM WINDOW_PATTERN TOTAL_BATCH_SIZE EMBEDDING_LR UNEMBEDDING_LR "
    "MATRIX_LR SCALAR_LR WEIGHT_DECAY ADAM_BETAS WARMUP_RATIO WARMDOWN_RATIO FINAL_LR_FRAC "
    "DEVICE_BATCH_SIZE"
)
CONSTANTS = CONSTANT_TEXT.split()


@pytest.fixture
def small(texts: Path, tmp_path: Path) -> Path:
    """A folder whose task is three steps on a few kilobytes of text."""
    dataset = f"text:{texts}"
    prepare(dataset)
    folder = tmp_path / "work"
    (folder / ".gitcollab").mkdir(parents=True)
    task = {"name": "small", "dataset": dataset, "budget": {"steps": 3}}
    (folder / ".gitcollab" / "task.json").write_text(json.dumps(task))
    return folder


@pytest.mark.parametrize(("batches", "steps"), [(2, "2"), (2.9, "2"), (1, "1")])
def test_a_budget_in_tokens_is_not_exceeded(small: Path, batches: float, steps: str) -> None:
    batch = 6 * 768  # as in the program
    task = small / ".gitcollab" / "task.json"
    fields = json.loads(task.read_text()) | {"budget": {"tokens": int(batches * batch)}}
    task.write_text(json.dumps(fields))
    ran = _run(small)
    assert ran.returncode == 0, ran.stderr
    assert _summary(ran.stdout)["num_steps"] == steps


def _run(folder: Path, seed: int = 0, **constants: object) -> subprocess.CompletedProcess[str]:
    source = PROGRAM.read_text()
    for name, value in constants.items():
        source, found = re.subn(rf"(?m)^{name} = [^#\n]*", f"{name} = {value!r}  ", source)
        assert found == 1
    (folder / "train.py").write_text(source)
    return subprocess.run(
        [sys.executable, "train.py"],
        cwd=folder,
        env={**os.environ, "GITCOLLAB_SEED": str(seed), "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
    )


def _summary(output: str) -> dict[str, str]:
    block = output.rsplit("---\n", 1)[1]
    return dict(re.findall(r"(?m)^(\w+): +(\S+)$", block))


def test_it_ends_with_the_summary_and_is_the_same_for_the_same_seed(small: Path) -> None:
    first, again, other = _run(small), _run(small), _run(small, seed=7)
    assert first.returncode == 0, first.stderr
    summary = _summary(first.stdout)
    assert list(summary) == KEYS
    assert 0 < float(summary["val_bpb"]) < 9
    assert (summary["num_steps"], summary["depth"], summary["seed"]) == ("3", "3", "0")
    assert summary["val_bpb"] == _summary(again.stdout)["val_bpb"]
    assert summary["val_bpb"] != _summary(other.stdout)["val_bpb"]
    assert _summary(other.stdout)["seed"] == "7"
    line = r"(?m)^step 00001 \(33\.3%\) \| loss: 5\.\d{6} \| .* \| remaining: \d+s$"
    assert re.search(line, first.stdout)


def test_diverged_training_prints_no_summary(small: Path) -> None:
    done = _run(small, MATRIX_LR=1e30, SOFTCAP=1e30)
    assert done.returncode == 1
    assert "---" not in done.stdout
    assert "diverged" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_task_that_is_not_prepared_is_said_in_one_line(small: Path) -> None:
    (small / ".gitcollab" / "task.json").write_text('{"dataset": "climbmix"}')
    done = _run(small)
    assert done.returncode == 1
    assert done.stderr.strip().splitlines() == [
        "FAIL: the dataset climbmix is not prepared (run: gitcollab data prepare climbmix)"
    ]


@pytest.mark.parametrize(
    "constants",
    [
        {"WINDOW_PATTERN": "L", "DEPTH": 2, "TOTAL_BATCH_SIZE": 5000, "DEVICE_BATCH_SIZE": 3},
        {"WARMUP_RATIO": 0.5, "HEAD_DIM": 16, "ASPECT_RATIO": 20, "DEPTH": 1},
    ],
)
def test_constants_may_be_changed(small: Path, constants: dict[str, object]) -> None:
    done = _run(small, **constants)
    assert done.returncode == 0, done.stderr
    assert _summary(done.stdout)["depth"] == str(constants["DEPTH"])


def test_constants_are_plain_and_explained() -> None:
    source = PROGRAM.read_text()
    lines = source.splitlines()
    found = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found[node.targets[0].id] = lines[node.lineno - 1]
    for name in CONSTANTS:
        assert re.fullmatch(rf"{name} = [^#]+  # \S.+", found[name]), name


def test_it_imports_the_harness_and_torch_only() -> None:
    modules = set()
    for node in ast.walk(ast.parse(PROGRAM.read_text())):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            modules.add(str(node.module))
    outside = {m for m in modules if m.split(".")[0] not in sys.stdlib_module_names}
    assert {m for m in outside if not m.startswith("torch")} == {"gitcollab.task"}


def _unigram_bpb() -> float:
    dataset = load("embedded")
    counts, val = Counter(dataset.train.tokens.tolist()), Counter(dataset.val.tokens.tolist())
    total, length = sum(counts.values()), sum(val.values())
    return -sum(n * math.log2(counts[b] / total) for b, n in val.items()) / length


@pytest.mark.soak
def test_micro_closes_half_the_gap_and_feels_its_learning_rate(tmp_path: Path, kept: Path) -> None:
    def val_bpb(seed: int = 0, **constants: object) -> float:
        done = _run(tmp_path, seed, **constants)
        assert done.returncode == 0, done.stderr
        return float(_summary(done.stdout)["val_bpb"])

    default = [val_bpb(seed) for seed in (0, 1, 2)]
    mean, deviation = statistics.mean(default), statistics.stdev(default)
    assert mean > ENTROPY_FLOOR
    assert mean < (_unigram_bpb() + ENTROPY_FLOOR) / 2
    assert val_bpb(MATRIX_LR=0.001) > mean + 5 * deviation  # a tenth of the default
