"""Tracks: budgets in tokens or steps rank all machines together, seconds each tier for itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gitcollab.faces.pages import pages
from gitcollab.swarm import governing, tracks
from gitcollab.swarm.outcomes import Duplicate
from gitcollab.swarm.ranking import Standings, standings
from gitcollab.swarm.seeding import init_hub
from gitcollab.swarm.swarm import Swarm
from gitcollab.swarm.views import all_files
from tests.swarm.factories import Bench, make_task
from tests.swarm.machines import Machines, member_of
from tests.swarm.world import World

TOKENS = {"tokens": 450_000}


def stand(bench: Bench) -> Standings:
    return standings(bench.task, bench.results)


def on_two_machines(bench: Bench) -> Bench:
    bench.add("base", 1.0, tier="cpu")
    bench.add("new", 0.98, "vega", base="base", tier="xl")
    bench.add("new", 0.98, "nova", tier="cpu", replicates="vega/new-1")
    return bench


@pytest.mark.parametrize(
    ("budget", "told"),
    [
        ({"seconds": 60}, "60 s a run, within a tier"),
        (TOKENS, "450,000 tokens a run, any machine"),
        ({"steps": 1}, "1 step a run, any machine"),
    ],
)
def test_a_track_in_words(budget: dict[str, int], told: str) -> None:
    assert tracks.told(make_task(budget=budget)) == told


@pytest.mark.parametrize("budget", [TOKENS, {"steps": 100}])
def test_machines_of_all_tiers_are_ranked_together(budget: dict[str, int]) -> None:
    bench = on_two_machines(Bench(make_task(budget=budget)))
    where = stand(bench)
    assert list(where.by_tier) == [tracks.ANY]
    best = where.best
    assert best is not None
    assert (best.n, best.standing, best.tier) == (2, "confirmed", tracks.ANY)
    assert [where.verdict(run) for run in bench.results] == [None, "better", None]
    assert [where.tier_of(run) for run in bench.results] == ["cpu", "xl", "cpu"]
    assert where.transfers == {}
    assert where.built_on_refuted(bench.results[1]) is None


def test_with_seconds_they_are_not() -> None:
    bench = on_two_machines(Bench())
    where = stand(bench)
    assert list(where.by_tier) == ["cpu", "xl"]
    assert {group.n for group in where.groups} == {1}
    assert where.verdict(bench.results[1]) is None


def test_there_is_one_best_and_no_folders_of_tiers() -> None:
    where = stand(on_two_machines(Bench(make_task(budget=TOKENS))))
    files = all_files(where, lambda path: b"x", ["best/tier/cpu/train_py"])
    assert files["best/tier/cpu/train_py"] is None
    assert not any(path.startswith("best/tier/") for path, data in files.items() if data)
    assert b'"track": "450,000 tokens a run, any machine"' in (files["leaderboard.json"] or b"")


def test_a_refuted_program_is_refuted_whatever_the_machines() -> None:
    bench = Bench(make_task(budget=TOKENS))
    for tier in ("cpu", "xl", "small"):
        bench.add("base", 1.0, tier=tier)
    bench.add("wonder", 0.99, "vega", base="base", tier="xl")
    bench.add("wonder", 1.005, "nova", tier="cpu")
    bench.add("wonder", 1.006, "lyra", tier="small")
    assert [g.standing for g in stand(bench).ranked] == ["provisional", "refuted"]


# -- from end to end -------------------------------------------------------------------------------


def in_tier(swarm: Swarm, tier: str) -> Swarm:
    swarm.member.config = replace(swarm.member.config, tier=tier)
    return swarm


@pytest.fixture
def world(tmp_path: Path, toy_task: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A hub whose runs have 100 steps each."""
    toy_task.write_text(toy_task.read_text().replace("{seconds: 5}", "{steps: 100}"))
    hub = tmp_path / "hub.git"
    assert init_hub(str(hub), task_file=toy_task, pages=pages).seeded
    return World(tmp_path, hub, monkeypatch)


def test_machines_of_two_tiers_are_one_track(world: World) -> None:
    nova, vega = in_tier(world.agent("nova"), "cpu"), in_tier(world.agent("vega"), "xl")
    nova.run()
    vega.sync()
    found = vega.run(set_values={"RATE": "0.3"})
    assert (found.verdict, found.is_best) == ("better", True)
    assert found.result is not None
    assert found.result.hardware.tier == "xl"
    again = nova.run(set_values={"RATE": "0.3"}).claim
    assert isinstance(again, Duplicate)  # what a machine of another tier has done is done
    nova.sync()
    assert "RATE = 0.3" in (nova.workspace / "train.py").read_text()  # adopted: one best for all
    for tier in (None, "all", "cpu", "small"):
        best = nova.best(tier)
        assert best is not None
        assert (best.id, best.tier) == (found.result.id, tracks.ANY)
    assert list(nova.by_tier()) == [tracks.ANY]
    assert [r.id for r, _ in nova.results(tier="xl").results] == [found.result.id]


def test_a_run_says_what_it_did_to_the_standing(world: World) -> None:
    nova, vega = in_tier(world.agent("nova"), "cpu"), in_tier(world.agent("vega"), "xl")
    first = nova.run()
    assert first.effect is not None
    assert (first.effect.standing, first.effect.before, first.effect.n) == ("provisional", None, 1)
    vega.sync()
    second = vega.run(seed=7)
    assert second.effect is not None
    assert (second.effect.standing, second.effect.before) == ("confirmed", "provisional")
    assert (second.effect.n, second.effect.agents) == (2, 2)


def test_another_budget_is_another_track(machines: Machines) -> None:
    nova = Swarm(member_of(machines.hub(), "nova"))
    nova.run()
    nova.run(set_values={"RATE": "0.3"})
    assert (nova.best() is None, len(nova.ask("rate").hits)) == (False, 1)
    assert nova.coverage().constants
    changed = governing.set_task(nova.member, ["budget={tokens: 1000}"])
    assert (changed.comparable, changed.unranked) == (False, 2)
    nova.sync()
    assert tracks.told(nova.task) == "1,000 tokens a run, any machine"
    assert nova.best() is nova.lineage() is None
    assert (list(nova.leaderboard("overall")), list(nova.leaderboard("agent"))) == ([], [])
    assert nova.ask("rate").hits == []
    assert nova.coverage().constants == []
    found = nova.analyze()
    assert (found.best, found.kept, found.replicate, found.course.experiments) == (None, [], [], 0)
    assert nova.member.standings().results == {}  # all that the engine goes by
    assert nova.frontier().total == 0
    again = nova.run(set_values={"RATE": "0.3"})  # done under the old one: no duplicate
    assert again.outcome == "published"
