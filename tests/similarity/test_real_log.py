"""A real log, title by title, as claims: what is refused, and what is recognised elsewhere.

Every title is compared with all earlier ones that start from the same program; a kept one makes
the next base, with its constants. Nothing in this log was tried twice on one base, so that each
refusal would be a wrong one; what was tried again after the base had moved must be recognised.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import NamedTuple

import pytest

from gitcollab.records import codec
from gitcollab.similarity.library import Library
from gitcollab.similarity.literal import Value, from_plain
from gitcollab.swarm.recogniser import Recogniser

DATA = Path(__file__).parents[3] / "shared" / "data"
LOG, BASE = DATA / "autoresearch-h100-mar8.tsv", DATA / "experiment-pairs-base.yaml"

# What the log tries again once its base has moved, by the words it uses the second time.
AGAIN = {
    "embedding WD 0.001 to 0.002",
    "embedding WD 0.001 to 0.002 (with LR 0.9)",
    "embedding LR 0.8 to 0.9 (with WD)",
    "embedding LR 0.9 to 1.0",
    "unembedding LR 0.005 to 0.006",
    "matrix LR 0.04 to 0.045",
    "warmdown 0.75 to 0.8",
    "FINAL_LR_FRAC 0.05 to 0.03",
    "VE gate scale 2 to 3",
}


class Tried(NamedTuple):
    title: str
    base: int
    constants: dict[str, Value]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    return Recogniser(tmp_path_factory.mktemp("words")).library()


@pytest.mark.skipif(not LOG.exists(), reason="the real log is not here")
def test_a_real_log_taken_in_order(library: Library) -> None:
    constants = {name: from_plain(v) for name, v in codec.load(BASE.read_bytes()).items()}
    tried: list[Tried] = []
    refused, elsewhere = [], set()
    with LOG.open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert len(rows) > 120
    base = 0
    for row in rows:
        title = row["description"]
        for earlier in tried:
            if library.compare(title, earlier.title, constants)[0].same:
                if earlier.base == base:
                    refused.append((title, earlier.title))
                else:
                    elsewhere.add(title)
        tried.append(Tried(title, base, constants))
        if row["status"] == "keep":
            base += 1
            constants = constants | library.understood(title, constants).delta
    assert refused == []
    assert elsewhere >= AGAIN
