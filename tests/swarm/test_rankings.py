"""The rankings people ask for: the same whether they were remembered or worked out."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from gitcollab.errors import OfflineError
from gitcollab.store.answers import Answers
from gitcollab.swarm import derive, rankings, reading
from gitcollab.swarm.joining import join
from gitcollab.swarm.ranking import Standings, standings
from gitcollab.swarm.rankings import Rankings
from gitcollab.swarm.roster import uncounted
from gitcollab.swarm.seeding import init_hub
from gitcollab.swarm.swarm import Swarm
from tests.swarm.factories import Bench


def crowded(bench: Bench, tiers: int = 2) -> Standings:
    rng = random.Random(7)
    for number in range(150):
        agent, tier = f"agent-{number % 7}", f"t{number % tiers}"
        bench.add(f"p{number}", rng.gauss(1.0, 0.01), agent, tier=tier)
    return standings(bench.task, bench.results)


def everything(found: Rankings) -> object:
    tiers = {tier: list(lines) for tier, lines in found.tiers.items()}
    return list(found.overall), tiers, list(found.agents), list(found.ranked("tier")), found.course


def never() -> Standings:
    raise AssertionError("it was worked out again")


@pytest.mark.parametrize("tiers", [2, 40], ids=["few tiers", "too many tiers to remember"])
def test_what_is_remembered_is_what_was_worked_out(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiers: int
) -> None:
    monkeypatch.setattr(rankings, "TOP", 10)
    monkeypatch.setattr(rankings, "MAX_REMEMBERED", 100)
    where = crowded(bench, tiers)
    recall = partial(Answers(tmp_path / "answers").get, key=lambda: "one")
    plain = Rankings(lambda: where, lambda name, make: make())
    first, second = (Rankings(lambda: where, lambda n, m: recall(n, make=m)) for _ in range(2))
    assert everything(first) == everything(second) == everything(plain)
    truth = {tier: [g.first.id for g in groups] for tier, groups in where.by_tier.items()}
    assert {tier: [e.id for e in lines] for tier, lines in second.tiers.items()} == truth
    assert [e.id for e in second.overall] == [g.first.id for g in where.ranked]
    assert [line.rank for line in second.overall] == list(range(1, 151))
    assert second.overall[-1] == plain.overall[149]
    assert second.best(tier="t1") == plain.tiers["t1"][0]
    third = next(e for e in plain.overall if e.agent == "agent-3")
    assert second.best(agent="agent-3") == replace(third, rank=1)
    agent = plain.tiers["t1"][-1].agent
    both = replace(next(e for e in plain.tiers["t1"] if e.agent == agent), rank=1)
    assert second.best("t1", agent) == both
    assert second.best(tier="t99") is second.best(agent="nobody") is None


def test_the_tops_are_not_worked_out_again(bench: Bench, tmp_path: Path) -> None:
    where = crowded(bench)
    answers = Answers(tmp_path / "answers")

    def of(key: str, source: Callable[[], Standings]) -> Rankings:
        return Rankings(source, lambda name, make: answers.get(name, lambda: key, make))

    first = of("one", lambda: where)
    told = first.best(), first.best(tier="t0"), first.best(agent="agent-1"), first.overall[:5]
    again = of("one", never)
    assert told == (
        again.best(),
        again.best(tier="t0"),
        again.best(agent="agent-1"),
        again.overall[:5],
    )
    assert len(again.overall) == 150
    with pytest.raises(AssertionError, match="worked out again"):
        again.overall[120]
    with pytest.raises(AssertionError, match="worked out again"):
        of("other", never).best()


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"key": "one"}', b"\xff\xfe"])
def test_damaged_answers_are_asked_again(tmp_path: Path, damage: bytes) -> None:
    answers = Answers(tmp_path / "answers")
    assert answers.get("sum", lambda: "one", lambda: 2) == 2
    (tmp_path / "answers" / "sum.json").write_bytes(damage)
    assert answers.get("sum", lambda: "one", lambda: 3) == 3
    assert answers.get("sum", lambda: "one", never) == 3


def test_what_changed_while_it_was_worked_out_is_not_kept(tmp_path: Path) -> None:
    answers, state = Answers(tmp_path / "answers"), ["one"]

    def key() -> str:
        return state[0]

    def make() -> int:
        state[0] = "two"
        return 2

    assert answers.get("sum", key, make) == 2
    state[0] = "one"
    assert answers.get("sum", key, lambda: 1) == 1


def test_answers_that_cannot_be_kept_are_given(tmp_path: Path) -> None:
    (tmp_path / "answers").write_text("in the way")
    assert Answers(tmp_path / "answers").get("sum", lambda: "one", lambda: 2) == 2


def test_a_queued_result_is_ranked_at_once(toy_task: Path, tmp_path: Path) -> None:
    hub = tmp_path / "hub.git"
    init_hub(str(hub), task_file=toy_task)
    join(tmp_path / "ws", str(hub), agent="nova")
    nova = Swarm.open(tmp_path / "ws")
    nova.run()
    first = nova.best()
    assert first is not None
    assert nova.best() == first
    hub.rename(tmp_path / "away.git")
    report = nova.run(set_values={"RATE": "0.3"})
    better = nova.best()
    assert better is not None
    assert better.id == report.result.id
    assert nova.leaderboard("agent")[0].experiments == 2
    with pytest.raises(OfflineError):
        nova.member.store.refresh()


def test_what_a_push_was_derived_from_is_not_worked_out_again_once_it_landed(
    agent: Callable[[str], Swarm], monkeypatch: pytest.MonkeyPatch
) -> None:
    nova, worked_out = agent("nova"), []

    def noted(*given: object) -> Standings:
        worked_out.append(given)
        return standings(*given)  # type: ignore[arg-type]

    nova.run()
    monkeypatch.setattr(derive, "standings", noted)
    assert nova.run(set_values={"RATE": "0.3"}).outcome == "published"
    assert len(worked_out) == 1
    snapshot, where = nova.member.store.snapshot(), nova.member.standings()
    assert len(worked_out) == 1
    baseline = reading.baseline(snapshot)
    anew = standings(nova.member.task, reading.runs(snapshot), uncounted(snapshot), baseline)
    assert dict(where.results) == dict(anew.results)
    assert [group.runs for group in where.ranked] == [group.runs for group in anew.ranked]
