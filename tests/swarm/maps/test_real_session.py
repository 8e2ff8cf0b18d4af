"""A real session, imported from its log, is told as the log has it: values, gains, the line."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from gitcollab.faces.pages import pages
from gitcollab.swarm.importing import Wanted
from gitcollab.swarm.joining import join
from gitcollab.swarm.maps.analysis import WORDS
from gitcollab.swarm.maps.coverage import baseline_of
from gitcollab.swarm.maps.values import values
from gitcollab.swarm.maps.words import started
from gitcollab.swarm.seeding import init_hub
from gitcollab.swarm.swarm import Swarm

REAL = Path(__file__).parents[4] / "shared" / "data" / "autoresearch-h100-mar8.tsv"


def imported(tmp_path: Path) -> Swarm:
    """An agent of a hub that holds the log."""
    if not REAL.exists():
        pytest.skip("the log is not here")
    hub, folder = tmp_path / "real.git", tmp_path / "nova"
    assert init_hub(str(hub), preset="autoresearch", pages=pages).seeded
    join(folder, str(hub), agent="nova", pages=pages)
    swarm = Swarm.open(folder, pages=pages)
    assert swarm.import_log(REAL, Wanted(agent="karp", tier="xl")).imported == 126
    return swarm


# By hand from the log: what a row sets, from what to what, of the constants that the task's program
# has. Every other row sets none of them.
ROWS: dict[str, dict[str, tuple[str, str]]] = {
    "halve batch 524K to 262K (more steps in 5 min)": {"TOTAL_BATCH_SIZE": ("524288", "262144")},
    "depth 9 aspect_ratio 57 (extra layer dim ~512)": {
        "DEPTH": ("8", "9"),
        "ASPECT_RATIO": ("64", "57"),
    },
    "add 5% warmup": {"WARMUP_RATIO": ("0", "0.05")},
    "warmdown 0.5 to 0.7": {"WARMDOWN_RATIO": ("0.5", "0.7")},
    "SSSSL window pattern (5:1 short:long)": {"WINDOW_PATTERN": ('"SSL"', '"SSSSL"')},
    "RoPE base frequency 10K to 200K": {"ROPE_BASE": ("10000", "200000")},
    "embedding LR 0.6 to 0.8": {"EMBEDDING_LR": ("0.6", "0.8")},
    "unembedding LR 0.004 to 0.008": {"UNEMBEDDING_LR": ("0.004", "0.008")},
    "FINAL_LR_FRAC 0.0 to 0.05": {"FINAL_LR_FRAC": ("0", "0.05")},
    "matrix LR 0.04 to 0.045": {"MATRIX_LR": ("0.04", "0.045")},
    "unembedding LR 0.004 to 0.006": {"UNEMBEDDING_LR": ("0.004", "0.006")},
    "batch 131K (assert fail: not divisible by device batch)": {
        "TOTAL_BATCH_SIZE": ("262144", "131072")
    },
    "embedding LR 0.8 to 1.0": {"EMBEDDING_LR": ("0.8", "1")},
    "softcap 15 to 20": {"SOFTCAP": ("15", "20")},
    "warmdown 0.7 to 0.8": {"WARMDOWN_RATIO": ("0.7", "0.8")},
    "depth 10 aspect 51 dim 512 (too narrow)": {
        "DEPTH": ("9", "10"),
        "ASPECT_RATIO": ("57", "51"),
    },
    "weight decay 0.2 to 0.15": {"WEIGHT_DECAY": ("0.2", "0.15")},
    "scalar LR 0.5 to 0.3": {"SCALAR_LR": ("0.5", "0.3")},
    "Adam beta1 0.8 to 0.85": {"ADAM_BETAS": ("(0.8, 0.95)", "(0.85, 0.95)")},
    "FINAL_LR_FRAC 0.05 to 0.1": {"FINAL_LR_FRAC": ("0.05", "0.1")},
    "Muon ns_steps 5 to 4": {"MUON_ITERATIONS": ("5", "4")},
    "muon final momentum 0.95 to 0.96": {"MUON_MOMENTUM": ("0.95", "0.96")},
    "matrix LR 0.04 to 0.035": {"MATRIX_LR": ("0.04", "0.035")},
    "embedding LR 0.8 to 0.9": {"EMBEDDING_LR": ("0.8", "0.9")},
    "unembedding LR 0.006 to 0.005": {"UNEMBEDDING_LR": ("0.006", "0.005")},
    "RoPE base 200K to 400K": {"ROPE_BASE": ("200000", "400000")},
    "softcap 15 to 13": {"SOFTCAP": ("15", "13")},
    # Widths are multiples of 128: 9 x 57 and 11 x 57 both come to 640.
    "depth 11 dim 640 (too big, too few steps)": {"DEPTH": ("9", "11")},
    "add 2% warmup (any warmup hurts)": {"WARMUP_RATIO": ("0", "0.02")},
    "SSSL pattern (more long layers hurt steps)": {"WINDOW_PATTERN": ('"SSSSL"', '"SSSL"')},
    "FINAL_LR_FRAC 0.05 to 0.02": {"FINAL_LR_FRAC": ("0.05", "0.02")},
    "depth 10 same dim 640 (too few steps)": {"DEPTH": ("9", "10")},
    "depth 8 dim 640 (too shallow)": {"DEPTH": ("9", "8"), "ASPECT_RATIO": ("57", "80")},
    "warmdown 0.7 to 0.65": {"WARMDOWN_RATIO": ("0.7", "0.65")},
    "MLP hidden 4x to 3.5x": {"MLP_RATIO": ("4", "3.5")},
    "RoPE base 200K to 150K": {"ROPE_BASE": ("200000", "150000")},
    "FINAL_LR_FRAC 0.05 to 0.03": {"FINAL_LR_FRAC": ("0.05", "0.03")},  # twice
    "SSSSSL pattern (too few long layers)": {"WINDOW_PATTERN": ('"SSSSL"', '"SSSSSL"')},
    "scalar LR 0.5 to 0.7": {"SCALAR_LR": ("0.5", "0.7")},
    "unembedding LR 0.005 to 0.004": {"UNEMBEDDING_LR": ("0.005", "0.004")},
    "weight decay 0.2 to 0.25": {"WEIGHT_DECAY": ("0.2", "0.25")},
    "MLP hidden 4x to 4.5x (fewer steps)": {"MLP_RATIO": ("4", "4.5")},
    "softcap 15 to 14": {"SOFTCAP": ("15", "14")},
    "Adam beta2 0.95 to 0.99": {"ADAM_BETAS": ("(0.8, 0.95)", "(0.8, 0.99)")},
    "Adam beta1 0.8 to 0.9": {"ADAM_BETAS": ("(0.8, 0.95)", "(0.9, 0.95)")},
    "embedding LR 0.8 to 0.9 (with WD)": {"EMBEDDING_LR": ("0.8", "0.9")},
    "embedding LR 0.9 to 1.0": {"EMBEDDING_LR": ("0.9", "1")},
    "unembedding LR 0.005 to 0.006": {"UNEMBEDDING_LR": ("0.005", "0.006")},
    "Muon WD 0.2 to 0.22": {"WEIGHT_DECAY": ("0.2", "0.22")},
    "warmdown 0.7 to 0.75": {"WARMDOWN_RATIO": ("0.7", "0.75")},
    "warmdown 0.75 to 0.8": {"WARMDOWN_RATIO": ("0.75", "0.8")},
    "RoPE base 200K to 300K": {"ROPE_BASE": ("200000", "300000")},
}
MORE = {"embedding LR 0.8 to 0.9 (with WD)"}  # that change something else, too
# Constants that no row sets, of which rows speak: these rows, the best first.
SPOKEN_OF = {
    "SHORT_WINDOW": [
        "short window 1/10 context (quality loss)",
        "short window 1/6 context (slower)",
        "short window 1/8 context (256 tokens)",
    ]
}
UNTOUCHED = ["DEVICE_BATCH_SIZE", "EVAL_BATCH_SIZE", "HEAD_DIM"]
# What the log's last kept row comes to.
IN_BEST = {
    "TOTAL_BATCH_SIZE": "262144",
    "DEPTH": "9",
    "ASPECT_RATIO": "57",
    "WINDOW_PATTERN": '"SSSSL"',
    "ROPE_BASE": "200000",
    "EMBEDDING_LR": "0.9",
    "UNEMBEDDING_LR": "0.005",
    "FINAL_LR_FRAC": "0.05",
    "WARMDOWN_RATIO": "0.75",
    "MATRIX_LR": "0.04",
    "SOFTCAP": "15",
    "MLP_RATIO": "4",
    "SCALAR_LR": "0.5",
    "WEIGHT_DECAY": "0.2",  # as three rows say; the task's own program has 0.1
    "ADAM_BETAS": "(0.8, 0.95)",
    "WARMUP_RATIO": "0",
    "MUON_ITERATIONS": "5",
    "MUON_MOMENTUM": "0.95",
}


def test_a_real_session_is_told_as_its_log_has_it(tmp_path: Path) -> None:
    real = imported(tmp_path)
    rows = list(csv.DictReader(REAL.open(), delimiter="\t"))
    check_values(real, rows)
    check_coverage(real, rows)
    check_line(real, [row for row in rows if row["status"] == "keep"])
    check_what_nobody_can_run(real)


def check_values(real: Swarm, rows: Sequence[Mapping[str, str]]) -> None:
    """Row by row: the constants, and what they were before and after."""
    where = real.member.standings()
    known = values(where, baseline_of(real.member), started(where.results, real.member.words))
    assert {row["description"] for row in rows} >= ROWS.keys()
    runs = sorted(where.results.values(), key=lambda run: run.created_at)
    assert [run.description for run in runs] == [row["description"] for row in rows]
    for run in runs:
        told = {one.name: (one.before, one.after) for one in known.changes.get(run.id, ())}
        assert told == ROWS.get(run.description, {}), run.description


def check_coverage(real: Swarm, rows: Sequence[Mapping[str, str]]) -> None:
    """Value by value: how often, alone or not, from what, with what metrics."""
    found = real.coverage()
    metrics = {r.id: r.metric for r, _ in real.results(limit=1000).results}
    tried = {(one.name, t.value): t for one in found.constants for t in one.tried}
    expected: dict[tuple[str, str], list[Mapping[str, str]]] = defaultdict(list)
    for row in rows:
        for name, (_, after) in ROWS.get(row["description"], {}).items():
            expected[name, after].append(row)
    assert tried.keys() == expected.keys()
    for (name, value), those in expected.items():
        one, said = tried[name, value], [row["description"] for row in those]
        assert one.n == len(those), (name, value)
        assert one.alone == sum(len(ROWS[d]) == 1 and d not in MORE for d in said), (name, value)
        assert set(one.before) == {ROWS[d][name][0] for d in said}, (name, value)
        assert one.crashed == sum(row["status"] == "crash" for row in those), (name, value)
        known = sorted(m for i in one.results if (m := metrics[i]) is not None)
        measured = [row for row in those if row["status"] != "crash"]
        assert known == sorted(float(row["val_bpb"]) for row in measured), (name, value)
    assert {one.name: one.now for one in found.constants} == IN_BEST
    assert [one.name for one in found.constants if one.said] == ["WEIGHT_DECAY"]
    assert [name for name, _ in found.untouched] == UNTOUCHED
    described = {r.id: r.description for r, _ in real.results(limit=1000).results}
    assert {w.name: [described[i] for i in w.results] for w in found.worded} == SPOKEN_OF
    assert found.experiments == len(rows) - 1  # all but the baseline
    assert found.by_words == found.experiments - sum(row["description"] in ROWS for row in rows)
    assert found.structural == found.by_words + len(MORE)
    assert tried["TOTAL_BATCH_SIZE", "262144"].kept == 1
    assert tried["TOTAL_BATCH_SIZE", "262144"].gain == pytest.approx(0.997900 - 0.986041)


def check_line(real: Swarm, kept: Sequence[Mapping[str, str]]) -> None:
    line = real.lineage()
    assert line is not None
    assert [link.run.description for link in line.links] == [row["description"] for row in kept]
    shown = [float(row["val_bpb"]) for row in kept]
    assert [link.group and link.group.mean for link in line.links] == shown
    gains = [a - b for a, b in pairwise(shown)]
    assert [link.gain for link in line.links[1:]] == pytest.approx(gains)
    assert line.gain == pytest.approx(0.997900 - 0.969686)
    assert line.origin == "begun"
    (credit,) = line.credits
    assert (credit.agent, credit.changes) == ("karp", len(kept))


def check_what_nobody_can_run(real: Swarm) -> None:
    """The log has no programs: nothing is worth another run, or to be built on."""
    found, front = real.analyze(), real.frontier()
    assert (found.replicate, front.leaves, front.total, found.leaves) == ([], [], 0, 0)
    assert found.bare > 90
    assert front.bare > 90
    assert found.diversity.most == WORDS
