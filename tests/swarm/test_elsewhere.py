"""Runs that were made and measured by other means: what they are as results, and on what base."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gitcollab.errors import GitcollabError, RefusedError, UsageError
from gitcollab.swarm.elsewhere import Measured, base_of, leads, publish_measured, remember_pulled
from gitcollab.swarm.outcomes import Granted, RunReport
from gitcollab.swarm.swarm import Swarm
from tests import toy

Agent = Callable[[str], Swarm]
RATE = toy.PROGRAM.replace("RATE = 0.1", "RATE = 0.2")
WIDE = RATE.replace("WIDTH = 8", "WIDTH = 16")


def told(swarm: Swarm, text: str, metric: float | None, **more: Any) -> RunReport:
    status = "crash" if metric is None else "ok"
    what = more.pop("what", "as I said")
    return publish_measured(swarm.member, Measured(text, status, metric, what, **more))


def test_the_code_says_what_was_changed_and_the_results_whether_it_helps(agent: Agent) -> None:
    nova = agent("nova")
    base = told(nova, toy.PROGRAM, 1.04, what="baseline").result
    report = told(nova, RATE, 1.01, what="more  rate", metrics={"num_steps": 3.0}, seed=7)
    assert base is not None
    assert report.result is not None
    assert (report.verdict, report.is_best) == ("better", True)
    found = report.result
    assert (found.description, found.delta, found.seed) == ("more rate", {"RATE": 0.2}, 7)
    assert found.base_fingerprint == base.fingerprint
    assert found.metrics == {"num_steps": 3.0}
    assert nova.show(found.id).program == RATE
    assert nova.show(found.id).signature_ok is True
    # The working program was another, and stays what is built on here.
    assert nova.member.workspace.base().text == toy.PROGRAM  # type: ignore[union-attr]


def test_a_better_working_program_becomes_the_base(agent: Agent) -> None:
    nova = agent("nova")
    told(nova, toy.PROGRAM, 1.04)
    (nova.workspace / "train.py").write_text(RATE)
    result = told(nova, RATE, 1.01).result
    assert result is not None
    assert nova.member.workspace.base().id == result.id  # type: ignore[union-attr]
    (nova.workspace / "train.py").write_text(WIDE)
    told(nova, WIDE, 1.02)
    assert nova.member.workspace.base().id == result.id  # type: ignore[union-attr]


def test_the_base_is_what_the_program_differs_least_from(agent: Agent) -> None:
    nova, vega = agent("nova"), agent("vega")
    task = nova.task
    first = told(nova, toy.PROGRAM, 1.04).result
    rate = told(nova, RATE, 1.01).result
    wide = told(nova, WIDE, 1.5).result  # neither the best nor vega's own
    assert first is not None
    assert rate is not None
    assert wide is not None
    vega.member.store.refresh()
    noisy = WIDE.replace("NOISE = 0.0", "NOISE = 0.1")
    assert base_of(vega.member, task, noisy).id == rate.id  # the best is all that vega may know
    remember_pulled(vega.member, wide.id)
    assert base_of(vega.member, task, noisy).id == wide.id
    assert base_of(nova.member, task, noisy).id == wide.id  # its own
    assert base_of(vega.member, task, WIDE).id == wide.id  # another run of it
    assert base_of(vega.member, task, toy.PROGRAM).id == first.id


def test_another_run_of_a_program_is_told_as_such(agent: Agent) -> None:
    nova, vega = agent("nova"), agent("vega")
    first = told(nova, RATE, 1.01, what="more rate").result
    vega.member.store.refresh()
    report = told(vega, RATE, 1.02, what="RATE 0.1 -> 0.9")
    assert first is not None
    assert report.result is not None
    assert (report.result.replicates, report.result.delta) == (first.id, {})
    assert vega.show(report.result.id).program == RATE  # the words have changed nothing
    assert f"the program is that of {first.id}, unchanged" in report.notes[-1]
    with pytest.raises(RefusedError, match="has been published"):
        told(vega, RATE, 1.02)
    assert leads(vega.member, RATE, 1.02)
    assert not leads(vega.member, RATE, 1.01)  # nova's
    assert not leads(vega.member, WIDE, 1.02)


def test_its_claim_is_what_it_was_claimed_under(agent: Agent) -> None:
    nova = agent("nova")
    claimed = nova.claim("wider, says somebody")
    assert isinstance(claimed, Granted)
    result = told(nova, WIDE, 1.0, experiment=claimed.experiment).result
    assert result is not None
    assert (result.experiment, result.claim) == (claimed.experiment, claimed.claim.nonce)
    assert nova.status().claims == nova.status().mine == []
    other = told(nova, RATE, 1.0, experiment="nobody-claimed-this").result
    assert other is not None
    assert other.claim is None


@pytest.mark.parametrize(
    ("text", "metric", "error"),
    [
        (toy.PROGRAM, float("nan"), UsageError),
        (toy.PROGRAM, float("-inf"), UsageError),
        (toy.PROGRAM, -0.1, GitcollabError),  # below the least that is possible
        ("def broken(:", 1.0, GitcollabError),
    ],
)
def test_what_no_run_can_have_come_to(
    agent: Agent, text: str, metric: float, error: type[GitcollabError]
) -> None:
    nova = agent("nova")
    with pytest.raises(error):
        told(nova, text, metric)
    assert nova.results().total == 0


def test_a_crash_has_no_metric(agent: Agent) -> None:
    nova = agent("nova")
    report = told(nova, RATE, None, metrics={"memory_gb": 3.0})
    assert report.result is not None
    assert (report.result.status, report.result.metric) == ("crash", None)
    assert report.result.failure == "reported as crash"
    told(nova, RATE, None)
    assert nova.results().total == 2  # two crashes feign nothing
