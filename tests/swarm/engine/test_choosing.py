"""What is chosen to be run next, on a real hub."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from gitcollab.records.models import Claim, Result, sha256
from gitcollab.similarity.program import fingerprint
from gitcollab.swarm.claiming import claim
from gitcollab.swarm.engine import choosing
from gitcollab.swarm.engine.scene import Scene
from gitcollab.swarm.outcomes import Granted, RunReport
from gitcollab.swarm.proposal import FIRST_SEED, Proposal, propose
from gitcollab.swarm.swarm import Swarm
from gitcollab.swarm.workspace import Base
from tests import people, toy

Agent = Callable[[str], Swarm]


@pytest.fixture
def toy_task(toy_task: Path) -> Path:
    """The task, with a step that can be too large."""
    toy_task.write_text(toy_task.read_text().replace("max_step: 5.0", "max_step: 0.9"))
    return toy_task


def chosen(swarm: Swarm, past: choosing.Past | None = None) -> Proposal:
    """What this agent would run next."""
    return choosing.outlook(swarm.member, past=past, count=1).choices[0].plan


def claim_of(swarm: Swarm, seed: int) -> Claim:
    """Claim another run of the baseline with this seed, as somebody else."""
    best = swarm.sync().best
    text = swarm.show(best.id).program
    member = swarm.member
    plan = propose(text, Base(best.id, text), lambda f: member.runs_of(member.task, f))
    answer = claim(member, plan.experiment, seed=seed)
    assert isinstance(answer, Granted)
    return answer.claim


def test_the_most_promising_program_is_run_again_first(agent: Agent) -> None:
    nova = agent("nova")
    nova.run()
    better = nova.run(set_values={"RATE": "0.3"}).result
    worse = nova.run(set_values={"RATE": "0.9"}).result
    reports: list[RunReport] = []
    nova.run_many(6, on_report=reports.append)
    assert {r.result.replicates for r in reports} == {better.id}
    kinds = [r.kind for r in reports]
    assert kinds == ["replication"] * 2 + ["rerun"] * 4  # then it has been run often enough
    assert reports[0].why == "what the swarm builds on: 1 run, found by nova"
    assert worse.id not in {r.result.replicates for r in reports}  # it can hardly be the best


def test_runs_that_others_have_claimed_count(agent: Agent) -> None:
    nova, atlas, orion = agent("nova"), agent("atlas"), agent("orion")
    atlas.run()
    better = atlas.run(set_values={"RATE": "0.3"}).result
    (first, *_) = choosing.outlook(nova.member).choices
    assert (first.kind, first.plan.experiment.replicates) == ("replication", better.id)
    for other, seed in ((atlas, FIRST_SEED + 1), (orion, FIRST_SEED + 2)):
        assert claim_of(other, seed).replicates == better.id
    (first, *_) = choosing.outlook(nova.member).choices
    assert (first.kind, first.plan.seed) == ("rerun", FIRST_SEED + 3)


def test_what_is_not_what_it_says_is_passed_over(agent: Agent) -> None:
    nova = agent("nova")
    first = nova.run().result
    for print_of, files in (
        ("sha256:" + "9" * 64, {}),  # no text
        ("sha256:" + "8" * 64, {"train": toy.PROGRAM}),  # the text of another program
        ("sha256:" + "7" * 64, {"train": "def ("}),
    ):
        forge(nova, print_of, files)
    plan = chosen(nova)
    assert plan.experiment.replicates == first.id
    assert plan.program == toy.PROGRAM


def forge(swarm: Swarm, fingerprint: str, files: dict[str, str]) -> None:
    """Put a wonder on the hub that no client of ours would have made."""
    done, _ = swarm.results().results[-1]
    name = f"mallory/x-{fingerprint[-1]}"
    theirs = {"id": name, "agent": "mallory", "nonce": fingerprint[-32:], "metric": 0.9}
    made = done.model_copy(update=theirs | {"fingerprint": fingerprint, "files": {}})
    people.plant(Path(swarm.hub), people.files_of(made, **files))
    swarm.member.store.refresh()


def test_crashed_programs_are_not_chosen_again(agent: Agent) -> None:
    nova = agent("nova")
    baseline = nova.run().result
    better = nova.run(set_values={"RATE": "0.3"}).result
    past = choosing.Past(crashed=frozenset({better.fingerprint}))
    assert chosen(nova, past).experiment.replicates == baseline.id
    past = choosing.Past(crashed=frozenset({better.fingerprint, baseline.fingerprint}))
    assert chosen(nova, past).program == toy.PROGRAM  # the last resort


def plant(swarm: Swarm, text: str, number: int = 0, **more: object) -> Result:
    """Publish a run of a program that its finder says is good."""
    done, _ = swarm.results().results[-1]
    print_of = fingerprint(text)
    theirs = {"id": f"mallory/x-{number}", "agent": "mallory", "nonce": f"{number + 9:032x}"}
    said = {"metric": done.metric - 0.05, "fingerprint": print_of, "replicates": None}
    built = {"base": done.id, "base_fingerprint": done.fingerprint, "structural": True}
    files = {"files": {"train.py": sha256(text.encode())}}
    made = done.model_copy(update=theirs | said | built | files | more)
    people.plant(Path(swarm.hub), people.files_of(made, train=text))
    return made


def run_once(swarm: Swarm) -> Result:
    """What one more round of this machine runs: it was restarted, and knows the records alone."""
    reports: list[RunReport] = []
    swarm.sync()
    swarm.run_many(1, on_report=reports.append)
    return reports[0].result


def test_what_crashes_with_others_is_run_by_each_once_and_then_passed_over(agent: Agent) -> None:
    nova, atlas, orion = agent("nova"), agent("atlas"), agent("orion")
    first = nova.run().result
    atlas.run()
    planted = plant(nova, toy.PROGRAM + "\nraise SystemExit(3)\n")
    done = run_once(nova)
    assert (done.status, done.replicates) == ("crash", planted.id)
    assert run_once(nova).fingerprint == first.fingerprint  # not again, by whom it failed with
    assert Scene(nova.member, choosing.Past()).base.id == first.id
    done = run_once(atlas)
    assert (done.status, done.replicates) == ("crash", planted.id)
    for swarm in (atlas, orion):  # who has not run it passes it over, too
        assert run_once(swarm).fingerprint == first.fingerprint
        assert Scene(swarm.member, choosing.Past()).base.id == first.id
    reasons = {one.why for one in choosing.outlook(orion.member).passed if one.id == planted.id}
    assert reasons == {"it failed with atlas and nova, and ended with nobody but its finder"}


def test_a_new_tier_begins_with_the_baseline_once_something_failed(agent: Agent) -> None:
    nova, atlas = agent("nova"), agent("atlas")
    done = atlas.run().result
    for n in range(4):
        hardware = done.hardware.model_copy(update={"tier": "xl"})
        text = toy.PROGRAM + f"\nraise SystemExit({n + 3})\n"
        plant(atlas, text, n, hardware=hardware, metric=0.5 + n / 100)
    config = nova.workspace / ".gitcollab" / "config.yaml"
    config.write_text(config.read_text() + "tier: small\n")
    nova = Swarm.open(nova.workspace)
    made = [run_once(nova) for _ in range(3)]
    assert [one.status for one in made] == ["crash", "ok", "ok"]
    assert {one.fingerprint for one in made[1:]} == {done.fingerprint}


def test_a_dead_wonder_stands_before_nobodys(agent: Agent) -> None:
    nova, atlas = agent("nova"), agent("atlas")
    nova.run()
    atlas.run()
    done, _ = nova.results().results[-1]
    for n, name in enumerate(("mallory", "vega", "lyra")):
        text = toy.PROGRAM.replace("WIDTH = 8", f"WIDTH = {n}")
        named = fingerprint(text) if n else "sha256:" + "7" * 64  # what it says is not its program
        made = done.created_at + timedelta(seconds=n)
        who = {"id": f"{name}/x", "agent": name, "created_at": made}
        plant(nova, text, n, **who, fingerprint=named, metric=0.1)
    nova.sync()
    found = choosing.outlook(nova.member)
    again = [one.plan.experiment.replicates for one in found.choices if one.kind == "replication"]
    assert again == ["vega/x"]
    reasons = {one.id: one.why for one in found.passed}
    assert reasons["lyra/x"] == "one that gained too much is run at a time"
    assert "mallory/x" in reasons


def test_the_baseline_waits_for_whoever_claims_it_and_nobody_else(agent: Agent) -> None:
    nova, atlas, orion = agent("nova"), agent("atlas"), agent("orion")
    atlas.run()
    config = nova.workspace / ".gitcollab" / "config.yaml"
    for swarm in (nova, orion):
        config = swarm.workspace / ".gitcollab" / "config.yaml"
        config.write_text(config.read_text() + "tier: small\n")
    nova, orion = (Swarm.open(swarm.workspace) for swarm in (nova, orion))
    assert isinstance(atlas.claim("WIDTH 8 → 16"), Granted)  # older, and of something else
    claim_of(orion, FIRST_SEED + 1)
    nova.sync()
    reasons = {(one.kind, one.why) for one in choosing.outlook(nova.member).passed}
    assert ("baseline", "claimed by orion") in reasons


def test_what_was_measured_just_now_counts_once(agent: Agent) -> None:
    nova = agent("nova")
    done = nova.run().result
    scene = Scene(nova.member, choosing.Past(done, toy.PROGRAM))
    assert [one.id for one in scene.runs(done.fingerprint)] == [done.id]
