"""What is chosen to be run next, on a real hub."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gitcollab.records.models import Claim
from gitcollab.swarm.claiming import claim
from gitcollab.swarm.engine import choosing
from gitcollab.swarm.outcomes import Granted, RunReport
from gitcollab.swarm.proposal import FIRST_SEED, Proposal, propose
from gitcollab.swarm.swarm import Swarm
from gitcollab.swarm.workspace import Base
from tests import people, toy

Agent = Callable[[str], Swarm]


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
    assert reports[0].why == "the best so far, provisional: 1 run, found by nova"
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
    for fingerprint, files in (
        ("sha256:" + "9" * 64, {}),  # no text
        ("sha256:" + "8" * 64, {"train": toy.PROGRAM}),  # the text of another program
        ("sha256:" + "7" * 64, {"train": "def ("}),
    ):
        forge(nova, fingerprint, files)
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
