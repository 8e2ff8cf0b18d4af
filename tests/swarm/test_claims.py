"""Who gets an experiment: the pure decisions, on real snapshots."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gitcollab.records import codec
from gitcollab.records.models import Claim, Hardware, Result, Signed
from gitcollab.records.names import path_of
from gitcollab.store.requests import Decision, Request
from gitcollab.store.snapshot import Snapshot
from gitcollab.swarm import claims
from gitcollab.swarm.identity import key_of
from gitcollab.swarm.recogniser import Recogniser
from gitcollab.swarm.swarm import Swarm
from tests import people, toy

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
TASK_RECORD = codec.decode("task", toy.TASK.encode())
TASK = TASK_RECORD.digest
RECOGNISER = Recogniser(Path("/dev/null/words"))  # where nothing can be kept
A, B, C = (f"sha256:{c * 64}" for c in "abc")


def claim(agent: str = "nova", *, minutes: float = 15, **fields: object) -> Claim:
    given = {
        "description": "MATRIX_LR → 0.05",
        "delta": {"MATRIX_LR": 0.05},
        "agent": agent,
        "created_at": NOW,
        "nonce": hashlib.md5(agent.encode()).hexdigest(),
        "tier": "cpu",
        "expires_at": NOW + timedelta(minutes=minutes),
    } | fields
    bare = Claim.model_validate(given | {"id": "x"})
    return people.signed(bare.model_copy(update={"id": given.get("id") or key_of(bare, 42)}))


def result(agent: str = "nova", **fields: object) -> Result:
    given = {
        "id": f"{agent}/done-1",
        "agent": agent,
        "created_at": NOW,
        "nonce": "f" * 32,
        "description": "MATRIX_LR → 0.05",
        "delta": {"MATRIX_LR": 0.05},
        "status": "ok",
        "metric": 1.0,
        "task": TASK,
        "hardware": Hardware(device="cpu", tier="cpu"),
    } | fields
    return people.signed(Result.model_validate(given))


@pytest.fixture
def hub(agent: Callable[[str], Swarm]) -> Callable[..., Snapshot]:
    """A snapshot of a real hub with these records in it, just arrived."""
    member = agent("nova").member
    member.clock = lambda: NOW
    empty = member.store.snapshot()

    def holding(*records: Signed) -> Snapshot:
        kinds = {Claim: "claim", Result: "result"}
        files = {path_of(kinds[type(r)], r.id): codec.encode(r) for r in records}
        return empty.with_changes(files | people.cards({r.agent for r in records}))

    return holding


def decide(snapshot: Snapshot, mine: Claim, *, anyway: bool = False) -> Decision:
    payload = {"claim": mine.model_dump(mode="json", by_alias=True), "task": TASK, "anyway": anyway}
    request = Request("r", "claim", mine.agent, NOW, payload)
    return claims.decide_claim(snapshot, request, NOW, recogniser=RECOGNISER)


def outcome(snapshot: Snapshot, mine: Claim, **options: bool) -> str:
    return str(decide(snapshot, mine, **options).outcome["outcome"])


def test_a_free_experiment_is_granted_under_a_path_without_a_name(hub) -> None:
    mine = claim()
    found = decide(hub(), mine)
    assert found.outcome == {"outcome": "granted"}
    assert found.changes == {f"claims/{mine.id}.yaml": codec.encode(mine)}
    assert "nova" not in mine.id


def test_asking_again_after_a_lost_reply_changes_nothing(hub) -> None:
    mine = claim()
    found = decide(hub(mine), mine)
    assert found.outcome == {"outcome": "granted"}
    assert not found.changes


@pytest.mark.parametrize(
    ("theirs", "mine", "expected"),
    [
        ({}, {}, "taken"),
        ({"base_fingerprint": A}, {"base_fingerprint": B}, "taken"),  # any base, while it runs
        ({"minutes": -1}, {}, "granted"),  # expired
        ({"delta": {"MATRIX_LR": 0.06}}, {}, "granted"),
        ({"delta": {"MATRIX_LR": 0.05, "DEPTH": 9}}, {}, "granted"),
        ({"delta": {"DEPTH": 8.0}}, {"delta": {"DEPTH": 8}}, "taken"),
        ({"delta": {"FLAG": True}}, {"delta": {"FLAG": 1}}, "granted"),
        ({"structural": True, "fingerprint": A}, {"structural": True, "fingerprint": B}, "granted"),
        (
            {"structural": True, "fingerprint": A, "description": "one way to say it"},
            {"structural": True, "fingerprint": A, "description": "another"},
            "taken",
        ),
        (
            {"delta": {}, "description": "Try SwiGLU."},
            {"delta": {}, "description": "try  swiglu"},
            "taken",
        ),
        (
            {"delta": {}, "description": "try SwiGLU"},
            {"delta": {}, "description": "try GeGLU"},
            "granted",
        ),
    ],
)
def test_against_a_running_claim(hub, theirs, mine, expected) -> None:
    assert outcome(hub(claim("atlas", **theirs)), claim(**mine)) == expected


def test_the_refusal_says_who_and_why(hub) -> None:
    found = decide(hub(claim("atlas", id="another-key")), claim()).outcome
    assert found["other"]["agent"] == "atlas"
    assert found["reason"] == "same change: MATRIX_LR → 0.05"


@pytest.mark.parametrize(
    ("done", "mine", "expected"),
    [
        ({}, {}, "duplicate"),
        ({"base_fingerprint": A}, {"base_fingerprint": A}, "duplicate"),
        ({"base_fingerprint": A}, {"base_fingerprint": B}, "granted"),  # a moved base may be tried
        (
            {"fingerprint": C, "base_fingerprint": A},
            {"fingerprint": C, "base_fingerprint": B},
            "duplicate",
        ),
        ({"task": "sha256:" + "2" * 64}, {}, "granted"),
        ({"hardware": Hardware(device="x", tier="large")}, {}, "granted"),
        ({"status": "crash", "metric": None}, {}, "duplicate"),
        (
            {"delta": {}, "description": "Try SwiGLU", "fingerprint": C},
            {"delta": {}, "description": "try swiglu"},
            "duplicate",
        ),
    ],
)
def test_against_a_finished_result(hub, done, mine, expected) -> None:
    assert outcome(hub(result("atlas", **done)), claim(**mine)) == expected


def test_anyway_repeats_what_is_done_but_not_what_is_running(hub) -> None:
    assert outcome(hub(result("atlas")), claim(), anyway=True) == "granted"
    assert outcome(hub(claim("atlas")), claim(), anyway=True) == "taken"


def test_a_replicate_is_never_a_duplicate(hub) -> None:
    done = result("atlas", fingerprint=A)
    again = claim(fingerprint=A, replicates=done.id, delta={})
    assert outcome(hub(done), again) == "granted"
    assert (
        outcome(hub(done, claim("orion", fingerprint=A, replicates=done.id, delta={})), again)
        == "taken"
    )


def test_a_claim_in_words_is_refined_under_its_own_key(hub) -> None:
    spoken = claim(delta={}, description="try SwiGLU")
    code = spoken.model_copy(update={"fingerprint": A, "structural": True})
    found = decide(hub(spoken), code)
    assert found.outcome == {"outcome": "granted"}
    assert list(found.changes) == [f"claims/{spoken.id}.yaml"]
    running = claim("atlas", delta={}, structural=True, fingerprint=A, description="gated MLP")
    assert outcome(hub(spoken, running), code) == "taken"


def request(kind: str, **payload: object) -> Request:
    return Request("r", kind, "nova", NOW, payload)


def test_renewing(hub) -> None:
    mine = claim()
    later = people.signed(mine.model_copy(update={"expires_at": NOW + timedelta(minutes=30)}))
    asked = request("renew", claim=later.model_dump(mode="json", by_alias=True))
    assert claims.decide_renew(hub(mine), asked, NOW).outcome["outcome"] == "renewed"
    assert claims.decide_renew(hub(later), asked, NOW).changes == {}
    swept = claims.decide_renew(hub(), asked, NOW)
    assert (swept.outcome["outcome"], len(swept.changes)) == ("renewed", 1)
    stolen = claim("atlas", id=mine.id)
    assert claims.decide_renew(hub(stolen), asked, NOW).outcome["outcome"] == "lost"


def test_only_the_very_claim_is_released(hub) -> None:
    mine = claim()
    asked = request("release", experiment=mine.id, nonce=mine.nonce)
    assert claims.decide_release(hub(mine), asked, NOW).changes == {f"claims/{mine.id}.yaml": None}
    assert claims.decide_release(hub(), asked, NOW).changes == {}
    assert claims.decide_release(hub(claim("atlas", id=mine.id)), asked, NOW).changes == {}


def test_a_sweep_takes_what_expired_a_while_ago(hub) -> None:
    fresh, old = claim(), claim("atlas", minutes=-2, delta={"DEPTH": 9})
    just = claim("orion", minutes=-0.5, delta={"DEPTH": 10})
    found = claims.decide_sweep(hub(fresh, old, just), request("sweep"), NOW)
    assert found.changes == {f"claims/{old.id}.yaml": None}
    assert found.outcome["experiments"] == [old.id]


def test_a_claim_for_another_task_is_refused(hub) -> None:
    payload = {"claim": claim().model_dump(mode="json", by_alias=True), "task": A}
    found = claims.decide_claim(
        hub(), Request("r", "claim", "nova", NOW, payload), NOW, recogniser=RECOGNISER
    )
    assert found.outcome == {"outcome": "refused", "reason": "the hub's task has changed"}


def test_no_claim_holds_for_ever(hub) -> None:
    eternal = claim("atlas", minutes=500_000)
    assert outcome(hub(eternal), claim()) == "taken"
    assert claims.active(hub(eternal)) == [eternal]
    assert claims.left(hub(eternal), eternal, TASK_RECORD) == timedelta(minutes=15)


def test_a_renewal_moves_the_expiry_whatever_the_clock_says() -> None:
    ahead = claim(minutes=120)
    later = claims.renewed(ahead, TASK_RECORD, NOW)
    assert later.expires_at == ahead.expires_at + timedelta(seconds=1)
    assert claims.renewed(claim(minutes=1), TASK_RECORD, NOW).expires_at == NOW + timedelta(
        minutes=15
    )


def test_a_crashed_baseline_may_be_run_again(hub) -> None:
    crashed = result(
        "atlas", delta={}, fingerprint=A, base_fingerprint=A, status="crash", metric=None
    )
    baseline = {"delta": {}, "fingerprint": A, "base_fingerprint": A}
    assert outcome(hub(crashed), claim(**baseline)) == "granted"
    changed = {"delta": {}, "fingerprint": A, "base_fingerprint": B, "structural": True}
    assert outcome(hub(crashed), claim(**changed)) == "duplicate"


# -- one of several --------------------------------------------------------------------------------


def lr(agent: str, value: float, **fields: object) -> Claim:
    given = {
        "description": f"LR {value}",
        "delta": {"LR": value},
        "nonce": f"{int(value * 1e6):032x}",
    }
    return claim(agent, **given | fields)


def pick(snapshot: Snapshot, *wanted: Claim, most: int | None = None) -> Decision:
    first, *rest = (one.model_dump(mode="json", by_alias=True) for one in wanted)
    chosen = {one.id: most for one in wanted}
    payload = {"claim": first, "instead": rest, "chosen": chosen, "task": TASK}
    request = Request("r", "claim", wanted[0].agent, NOW, payload)
    return claims.decide_claim(snapshot, request, NOW, recogniser=RECOGNISER)


def test_the_first_that_is_free_is_granted(hub: Callable[..., Snapshot]) -> None:
    mine = [lr("nova", value) for value in (0.1, 0.2, 0.3)]
    theirs = lr("atlas", 0.1, nonce="a" * 32)
    done = result("vega", delta={"LR": 0.2}, description="LR 0.2")
    found = pick(hub(theirs, done), *mine)
    assert found.outcome == {"outcome": "granted", "experiment": mine[2].id}
    assert list(found.changes) == [path_of("claim", mine[2].id)]
    assert pick(hub(theirs), *mine).outcome["experiment"] == mine[1].id


def test_where_none_is_free_the_first_says_why(hub: Callable[..., Snapshot]) -> None:
    mine = [lr("nova", value) for value in (0.1, 0.2)]
    theirs = [lr("atlas", 0.1, nonce="a" * 32), lr("atlas", 0.2, nonce="b" * 32)]
    found = pick(hub(*theirs), *mine)
    assert (found.outcome["outcome"], found.changes) == ("taken", {})
    assert found.outcome["other"]["id"] == theirs[0].id


def test_after_a_lost_reply_the_one_that_landed_is_granted_again(
    hub: Callable[..., Snapshot],
) -> None:
    """Though another, which is wanted more, is free by now."""
    mine = [lr("nova", value) for value in (0.1, 0.2)]
    found = pick(hub(mine[1]), *mine)
    assert found.outcome == {"outcome": "granted", "experiment": mine[1].id}
    assert (found.changes, found.final) == ({}, True)


def test_another_run_is_wanted_only_while_there_are_as_few(hub: Callable[..., Snapshot]) -> None:
    again = {"description": "again", "delta": {}, "fingerprint": A, "replicates": "vega/done-1"}
    first = result("vega", fingerprint=A, delta={}, description="again")
    mine = claim("nova", **again, id="again-1")
    theirs = claim("atlas", **again, id="again-2")
    elsewhere = claim("orion", **again, id="again-3", tier="h100")
    assert pick(hub(first, elsewhere), mine, most=1).outcome["outcome"] == "granted"
    lost = pick(hub(first, theirs), mine, most=1)
    assert lost.outcome["outcome"] == "taken"
    assert lost.outcome["reason"] == "enough runs of this program are done or under way"
    assert lost.outcome["other"]["id"] == theirs.id
    assert pick(hub(first, theirs), mine, most=2).outcome["outcome"] == "granted"
    more = result("atlas", **again, seed=3, id="atlas/done-2")
    assert pick(hub(first, more), mine, most=1).outcome["outcome"] == "taken"
    assert pick(hub(first, more), mine, most=2).outcome["outcome"] == "granted"
    assert decide(hub(first, theirs), mine).outcome["outcome"] == "granted"  # asked for by hand


def test_a_hypothesis_is_tried_by_one_at_a_time(hub: Callable[..., Snapshot]) -> None:
    """On whatever base: a patch of two bases makes two programs."""
    idea = {"hypothesis": "vega/idea-1", "delta": {}, "structural": True, "description": "an idea"}
    theirs = claim("atlas", **idea, fingerprint=A)
    mine = claim("nova", **idea, fingerprint=B)
    found = pick(hub(theirs), mine)
    assert (found.outcome["outcome"], found.outcome["reason"]) == ("taken", "same hypothesis")
    assert decide(hub(theirs), mine).outcome["outcome"] == "granted"
