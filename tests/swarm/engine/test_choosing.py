"""What is chosen to be run next, on a real hub."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gitcollab.records.models import Claim
from gitcollab.swarm.claiming import claim
from gitcollab.swarm.engine import choosing
from gitcollab.swarm.outcomes import Granted, RunReport
from gitcollab.swarm.proposal import FIRST_SEED, propose
from gitcollab.swarm.swarm import Swarm
from gitcollab.swarm.workspace import Base
from tests import people, toy

Agent = Callable[[str], Swarm]


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
    ran = [r.result.replicates for r in reports]
    assert ran[:2] == [better.id, better.id]  # then it has been run often enough
    assert ran[-2:] == [worse.id, worse.id]
    assert better.id not in ran[2:]
    reports.clear()
    nova.run_many(1)
    nova.run_many(2, on_report=reports.append)
    assert reports[-1].result.replicates == better.id  # nothing is worth it: the best again


def test_runs_that_others_have_claimed_count(agent: Agent) -> None:
    nova, atlas, orion = agent("nova"), agent("atlas"), agent("orion")
    nova.run()
    better = nova.run(set_values={"RATE": "0.3"}).result
    for other, seed in ((atlas, FIRST_SEED + 1), (orion, FIRST_SEED + 2)):
        assert claim_of(other, seed).replicates == better.id
    plan = choosing.choose(nova.member, choosing.Past())
    assert plan.experiment.description == "baseline"


def test_what_is_not_what_it_says_is_passed_over(agent: Agent) -> None:
    nova = agent("nova")
    first = nova.run().result
    for fingerprint, files in (
        ("sha256:" + "9" * 64, {}),  # no text
        ("sha256:" + "8" * 64, {"train": toy.PROGRAM}),  # the text of another program
        ("sha256:" + "7" * 64, {"train": "def ("}),
    ):
        forge(nova, fingerprint, files)
    plan = choosing.choose(nova.member, choosing.Past())
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
    assert choosing.choose(nova.member, past).experiment.replicates == baseline.id
    past = choosing.Past(crashed=frozenset({better.fingerprint, baseline.fingerprint}))
    assert choosing.choose(nova.member, past).program == toy.PROGRAM  # the last resort
