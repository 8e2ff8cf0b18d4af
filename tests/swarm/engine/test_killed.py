"""SIGKILL of workers at any moment: no result is lost, nothing is stuck, nothing lives on."""

from __future__ import annotations

import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from killing import TTL, Farm, Moment, fsck, word_of

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="what a killed worker leaves is seen in /proc"
)

# One of each kind, and of what each can hit.
FEW = [
    ("nova", Moment("line", 2)),
    ("atlas", Moment("pre-receive", 2)),
    ("vega", Moment("post-receive", 2, all_of_it=True)),
    ("nova", Moment("told", 1)),
    ("atlas", Moment("line", 4, all_of_it=True)),
    ("nova", Moment("step", 150)),
    ("vega", Moment("step", 330)),
    ("nova", Moment("pre-receive", 1, all_of_it=True)),
]


def test_workers_that_are_killed_lose_nothing(tmp_path: Path) -> None:
    farm = Farm(tmp_path)
    for number, (agent, moment) in enumerate(FEW):
        farm.kill(agent, moment, number)
    check(farm)


@pytest.mark.soak
def test_a_hundred_rounds_of_kills(tmp_path: Path) -> None:
    farm, rng = Farm(tmp_path), Random(8)
    kinds: Counter[str] = Counter()
    for number in range(100):
        moment = Moment.drawn(rng)
        farm.kill(rng.choice(sorted(farm.hosts)), moment, number)
        kinds[moment.kind] += 1
    check(farm)
    found = f"{len(farm.results())} results; killed at: {dict(kinds)}"
    print(f"\n{found}; measured and not stored before the kill: {len(unstored(farm))}")


def check(farm: Farm) -> None:
    """What must be true after any number of kills, and of one more run of each."""
    for agent in farm.hosts:  # nothing is stuck: each works on at once
        farm.call(agent, "run", "--count", "1")
    assert farm.told <= farm.results()
    assert farm.waiting <= farm.results()
    words = Counter(word_of(log) for log in farm.logs().values())
    assert max(words.values()) == 1, "a measurement was published twice"
    assert farm.deaths["killed"] > 0
    assert farm.deaths["lived on"] == 0
    for agent in farm.hosts:
        check_workspace(farm, agent)
    check_claims(farm)
    assert {str(one): said for one in farm.repositories() if (said := fsck(one))} == {}
    for agent in ("nova", "atlas"):  # of each host
        farm.call(agent, "doctor")
    farm.call("nova", "verify", "--git-dir", str(farm.hub))


def check_workspace(farm: Farm, agent: str) -> None:
    """It is as if nobody had been killed: its program is its base, nothing waits."""
    swarm, workspace = farm.swarm(agent), farm.workspace(agent)
    base = workspace.base()
    assert base is not None
    assert workspace.program(swarm.task) == base.text
    assert base.id is None or base.id in farm.results()
    assert not (workspace.folder / "trial.json").exists()
    assert not workspace.is_running()
    assert swarm.member.store.pending() == []
    assert swarm.member.store.quarantined() == []
    assert swarm.member.store.broken() == []


def check_claims(farm: Farm) -> None:
    """What the killed had claimed is done, given back, or runs out and is swept."""
    farm.swarm("atlas").sync()
    late = farm.swarm("atlas", timedelta(seconds=TTL + 120))
    late.sync()
    assert late.status(ask=True).claims == []


def unstored(farm: Farm) -> set[str]:
    """Words of measurements that no outbox had when their worker was killed."""
    return farm.words - {word_of(log) for log in farm.logs().values()}
