"""Questions to the field's own log, answered as its rows have it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitcollab.faces.pages import pages
from gitcollab.swarm.importing import Wanted
from gitcollab.swarm.joining import join
from gitcollab.swarm.search.asking import Answer
from gitcollab.swarm.seeding import init_hub
from gitcollab.swarm.swarm import Swarm

REAL = Path(__file__).parents[4] / "shared" / "data" / "autoresearch-h100-mar8.tsv"

# By hand from the log: every row whose description sets one of the four learning rates.
RATES = {
    "EMBEDDING_LR": {"0.8": 1, "0.9": 2, "1": 2},
    "MATRIX_LR": {"0.035": 1, "0.045": 2},
    "SCALAR_LR": {"0.3": 1, "0.7": 1},
    "UNEMBEDDING_LR": {"0.004": 1, "0.005": 1, "0.006": 2, "0.008": 1},
}
# And what rows say, whose metrics answer (the order does not count).
METRICS = {
    "warmdown between 0.7 and 0.8": [0.981201, 0.973659, 0.969686, 0.970244],
    "rope base frequency above 150K": [0.978784, 0.970678, 0.974038],
    "embedding lr 0.9": [0.973894, 0.969952],
    "depth 10": [0.979340, 0.974655],
    "halve the batch": [0.986041, None],
    "window pattern SSSL": [0.974912],
    "weight tying": [3.215849],
    "what crashed?": [None],
    "MATRIX_LR above 0.05": [],
    "between 3 and 4": [3.215849],
    "results above 0.99": [0.9979, 3.215849],
}


def metrics(answer: Answer) -> list[float | None]:
    return sorted((hit.metric for hit in answer.hits), key=lambda one: one or 0.0)


def test_a_real_session(tmp_path: Path) -> None:
    if not REAL.exists():
        pytest.skip("the log is not here")
    hub, folder = tmp_path / "real.git", tmp_path / "nova"
    assert init_hub(str(hub), preset="autoresearch", pages=pages).seeded
    join(folder, str(hub), agent="nova", pages=pages)
    swarm = Swarm.open(folder, pages=pages)
    swarm.import_log(REAL, Wanted(agent="karp", tier="xl"))

    answer = swarm.ask("what learning rates have been tried?", limit=100, meaning=False)
    told: dict[str, dict[str, int]] = {}
    for value in answer.tried:
        told.setdefault(value.constant, {})[value.value] = value.n
    assert told == RATES
    first = [{change.name for change in hit.changes} for hit in answer.hits[:15]]
    assert all(len(names) == 1 and names <= RATES.keys() for names in first)
    gains = {(v.constant, v.value): v.gain for v in answer.tried}
    assert gains["EMBEDDING_LR", "0.8"] == pytest.approx(0.978784 - 0.975524)
    # the summary tells what the map of constants tells
    for constant in ("EMBEDDING_LR", "WEIGHT_DECAY"):
        found_values = swarm.ask(constant, meaning=False).tried
        (explored,) = swarm.coverage(constant).constants
        assert [(v.value, v.n, v.alone, v.best) for v in found_values] == [
            (one.value, one.n, one.alone, one.best) for one in explored.tried
        ]
        assert [v.gain for v in found_values] == [pytest.approx(t.gain) for t in explored.tried]
    # weight decay had been raised before the log says so: words are believed where they say it
    decays = swarm.ask("WEIGHT_DECAY", where="results", meaning=False)
    changes = [hit.changes[0] for hit in decays.hits if hit.changes]
    # in whatever words it is said, it need not be said twice
    assert all(hit.says_changes for hit in decays.hits if hit.changes)
    assert {change.before for change in changes} == {"0.2"}
    ranked = swarm.ask("weight decay for the value embeddings", where="results", meaning=False)
    assert all("VE WD" in hit.text for hit in ranked.hits[:3])
    assert ranked.tried == ()  # WEIGHT_DECAY is Muon's
    assert swarm.ask("what gave the largest gain?", meaning=False).hits[0].metric == 0.986041
    for question, expected in METRICS.items():
        found = metrics(swarm.ask(question, where="results", limit=100, meaning=False))
        assert found == sorted(expected, key=lambda one: one or 0.0), question
