"""What later results say of an insight: for, against, or nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gitcollab.records.models import Hypothesis, Insight
from gitcollab.records.names import path_of
from gitcollab.swarm.ideas.insights import Learned, Lessons
from gitcollab.swarm.outcomes import Known
from gitcollab.swarm.swarm import Swarm
from tests.faces.dashboards import facts_of
from tests.swarm.ideas.planting import Planted, told


class World(Planted):
    """A hub that records are put on, and its insights."""

    def lesson(self, stem: str = "lesson", *, signed: bool = True, **fields: Any) -> Insight:
        fields = {"id": f"nova/{stem}", "agent": "nova", "text": stem} | self.own() | fields
        return self.put("insight", Insight(**fields), signed=signed)  # type: ignore[no-any-return]

    def idea(self, *evidence: str, signed: bool = True) -> Hypothesis:
        own = self.own()
        one = Hypothesis(
            id=f"nova/idea-{self.number}",
            agent="nova",
            title=f"idea {self.number}",
            reasoning="because",
            evidence=list(evidence),
            **own,
        )
        return self.put("hypothesis", one, signed=signed)  # type: ignore[no-any-return]

    def of(self, one: Insight) -> Learned:
        facts = facts_of(self.hub)
        lessons = Lessons(facts.snapshot, facts.where)
        line = next(line for line in lessons.lines if line.id == one.id)
        found = lessons.learned(line)
        assert found is not None
        return found

    @property
    def ids(self) -> list[str]:
        facts = facts_of(self.hub)
        return [line.id for line in Lessons(facts.snapshot, facts.where).lines]


@pytest.fixture
def on(toy_hub: Path) -> World:
    return World(toy_hub)


BETTER, WORSE, NOISE = 0.9, 1.1, 1.0001


@pytest.mark.parametrize(
    ("expects", "metrics", "standing", "support", "against"),
    [
        (None, [], "untested", 0, 0),
        (None, [BETTER], "supported", 1, 0),
        (None, [WORSE], "contradicted", 0, 1),
        (None, [NOISE], "undecided", 0, 0),
        (None, [BETTER, WORSE], "undecided", 1, 1),
        (None, [BETTER, 0.8, WORSE], "supported", 2, 1),
        ("better", [None], "untested", 0, 0),
        ("worse", [WORSE], "supported", 1, 0),
        ("worse", [BETTER, NOISE], "contradicted", 0, 1),
        ("within noise", [NOISE], "supported", 1, 0),
        ("within noise", [BETTER, WORSE, NOISE], "contradicted", 1, 2),
    ],
)
def test_standing(
    on: World,
    expects: str | None,
    metrics: list[float | None],
    standing: str,
    support: int,
    against: int,
) -> None:
    one = on.lesson(expects=expects)
    for n, metric in enumerate(metrics):
        on.run(f"program-{n}", metric, cites=[one.id])
    found = on.of(one)
    assert (found.standing, found.support, found.against) == (standing, support, against)
    assert len(found.runs) == len(metrics)


def test_programs_count_not_runs(on: World) -> None:
    one = on.lesson()
    for _ in range(3):
        on.run("good", BETTER, cites=[one.id])
    for n in range(2):
        on.run(f"bad-{n}", WORSE, cites=[one.id])
    found = on.of(one)
    assert (found.support, found.against, len(found.runs)) == (1, 2, 5)


def test_a_result_may_cite_it_through_a_hypothesis(on: World) -> None:
    one = on.lesson()
    idea = on.idea(one.id)
    run = on.run("good", BETTER, hypothesis=idea.id, cites=[one.id])
    assert [found.id for found in on.of(one).runs] == [run.id]  # once
    on.withdraw("hypothesis", idea.id)
    other = on.lesson("other")
    on.run("bad", WORSE, hypothesis=on.idea(other.id).id)
    assert (on.of(one).standing, on.of(other).standing) == ("supported", "contradicted")


def test_what_is_not_its_agents_links_nothing(on: World) -> None:
    one = on.lesson()
    on.run("bad", WORSE, hypothesis=on.idea(one.id, signed=False).id)
    gone = on.run("worse", WORSE, cites=[one.id])
    on.withdraw("result", gone.id)
    assert on.of(one).standing == "untested"


def test_its_own_evidence_is_no_test(on: World) -> None:
    seen = on.run("good", BETTER)
    one = on.lesson(evidence=[seen.id])
    idea = on.idea(one.id)
    path = path_of("result", seen.id)
    on.put("result", seen.model_copy(update={"hypothesis": idea.id, "signature": None}))
    assert facts_of(on.hub).snapshot.record(path) is not None
    assert (on.of(one).standing, on.of(one).runs) == ("untested", [])


def test_another_run_of_its_own_evidence_is_no_test(on: World) -> None:
    seen = on.run("good", BETTER)
    idea = on.idea()
    through = on.run("fine", BETTER, hypothesis=idea.id)
    one = on.lesson(evidence=[seen.id, idea.id])
    on.run("good", BETTER, cites=[one.id])
    on.run("fine", BETTER, cites=[one.id], replicates=through.id)
    assert (on.of(one).standing, on.of(one).runs) == ("untested", [])
    later = on.run("new", BETTER, hypothesis=idea.id, cites=[one.id])
    other = on.run("good", 0.8, cites=[one.id], hardware={"device": "h100", "tier": "h100"})
    assert [run.id for run in on.of(one).runs] == [later.id, other.id]
    assert (on.of(one).standing, on.of(one).support) == ("supported", 1)


def test_circles_of_evidence_end(on: World) -> None:
    a = on.lesson("a", evidence=["nova/b"])
    b = on.lesson("b", evidence=["nova/a", "nova/b"])
    assert {on.of(one).standing for one in (a, b)} == {"untested"}


def test_what_stands(on: World) -> None:
    kept, gone = on.lesson("kept"), on.lesson("gone")
    on.lesson("forged", signed=False)
    on.withdraw("insight", gone.id)
    assert on.ids == [kept.id]


def test_what_says_the_opposite_is_told_and_what_says_the_same_is_known(nova: Swarm) -> None:
    told(nova.learn("A higher RATE helps up to 0.3"))
    told(nova.learn("RATE above 0.3 helps"))
    hurts = told(nova.learn("RATE above 0.3 hurts"))
    again = nova.learn("a rate over 0.3 is worse")
    assert isinstance(again, Known)
    assert (again.other.id, again.reason) == (hurts.id, "same in other words")
    told(nova.learn("a rate over 0.4 is worse"))
    told(nova.learn("a rate over 0.3 is worse", expects="worse"))
