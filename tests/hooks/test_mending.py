"""Repairs that somebody works against: innocents to be framed, histories that cannot be read."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from host import Host, state, tip
from plain import LINK, Plain

from gitcollab.faces.pages import pages
from gitcollab.git.command import run_git
from gitcollab.records import codec
from gitcollab.records.models import AgentCard, Claim, Retraction, Ruling
from gitcollab.records.names import path_of
from gitcollab.records.signing import KeyPair
from gitcollab.store import audit, history
from gitcollab.swarm import governing, mending, verifying
from gitcollab.swarm.home import key_path
from gitcollab.swarm.outcomes import Granted
from gitcollab.swarm.roster import roster, rulings
from gitcollab.swarm.swarm import Swarm

Agent = Callable[[str], Swarm]


@pytest.fixture
def plain(toy_hub: Path, tmp_path: Path) -> Plain:
    """A client of the hub, which has no door of its own."""
    return Plain(toy_hub, tmp_path / "plain.git")


def mend(hub: Path, old: str, key: KeyPair | None = None, **given: Any) -> mending.Mended:
    return mending.mend(verifying.open_hub(hub, "swarm"), old, key, pages, **given)


def statuses(hub: Path) -> dict[str, str]:
    repository = verifying.open_hub(hub, "swarm")
    agents = roster(repository.snapshot(repository.tip())).agents
    return {name: one.status for name, one in agents.items()}


def files(hub: Path) -> list[str]:
    return run_git("ls-tree", "-r", "--name-only", "swarm", git_dir=hub).out.splitlines()


def retraction(agent: str, target: str) -> Retraction:
    now = datetime.now(UTC)
    return Retraction(
        id=f"{agent}/x-1", agent=agent, target=target, created_at=now, nonce="ab" * 16
    )


def test_a_card_that_is_replaced_first_proves_nothing(
    toy_hub: Path, agent: Agent, plain: Plain
) -> None:
    nova, vega, key = agent("nova"), agent("vega"), KeyPair.generate()
    done = vega.run(set_values={"RATE": "0.2"}).result
    assert done is not None
    card = nova.member.store.refresh().record("agents/nova.yaml")
    assert isinstance(card, AgentCard)
    before = plain.fetch()
    forged = key.sign(card.model_copy(update={"public_key": key.public_line}))
    bad = key.sign(retraction("nova", path_of("result", done.id)))
    one = plain.with_files({"agents/nova.yaml": codec.encode(forged)})
    two = plain.with_files({path_of("retraction", bad.id): codec.encode(bad)}, parent=one)
    assert plain.push(two).returncode == 0

    mended = mend(toy_hub, before)

    assert (len(mended.undone), mended.suspended) == (2, [])
    assert statuses(toy_hub) == {"nova": "member", "vega": "member"}


@pytest.mark.parametrize("stands", [True, False])
def test_who_handed_the_office_on_ruled_rightly(
    toy_hub: Path, agent: Agent, plain: Plain, stands: bool
) -> None:
    """What a former maintainer signed is taken away and put there again, or kept until now."""
    keeper, ada = agent("keeper"), KeyPair.load_or_create(key_path("ada"))
    member = keeper.member
    governing.add_maintainer(member, "ada", ada.public_line)
    kept = key_path("keeper")
    ruled = Ruling(
        id="keeper/x-1", agent="keeper", hub=member.task.hub, does="suspend", subject="nova",
        created_at=datetime.now(UTC), nonce="ab" * 16,
    )  # fmt: skip
    data = codec.encode(KeyPair.load(kept).sign(ruled))
    governing.remove_maintainer(member, "keeper")
    before, path = plain.fetch(), path_of("ruling", ruled.id)
    if stands:
        last = [r for r in rulings(member.store.refresh()) if r.agent == "keeper"][-1]
        path = path_of("ruling", last.id)
        data = run_git("show", f"swarm:{path}", git_dir=toy_hub).out.encode()
    one = plain.with_files({path: None}) if stands else before
    bad = plain.with_files({path: data, "evil.txt": b"x"}, parent=one)
    assert plain.push(bad).returncode == 0

    assert mend(toy_hub, before, ada).undone
    assert statuses(toy_hub) == {"keeper": "member"}


def test_what_was_made_upon_files_that_are_not_read_is_nobodys_fault(
    toy_hub: Path, agent: Agent, plain: Plain
) -> None:
    mallory, nova = agent("mallory"), agent("nova")
    done = nova.run(set_values={"RATE": "0.2"}).result
    assert done is not None
    before = plain.fetch()
    bad = mallory.member.sign(retraction("mallory", path_of("result", done.id)))
    entries = [*plain.entries(before), (LINK, plain.blob(b"x"), b"link")]
    one = plain.commit(plain.raw_tree(entries), before)
    two = plain.with_files({path_of("retraction", bad.id): codec.encode(bad)}, parent=one)
    assert plain.push(two).returncode == 0
    mended = mend(toy_hub, before)
    assert (len(mended.undone), mended.suspended) == (2, [])


@pytest.mark.parametrize("how", ["merge", "first parent", "message", "many"])
def test_an_odd_history_is_undone_and_later_commits_stay(
    toy_hub: Path,
    agent: Agent,
    plain: Plain,
    tmp_path: Path,
    secret: str,
    how: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done = agent("nova").run(set_values={"RATE": "0.2"}).result
    assert done is not None
    path = path_of("result", done.id)
    before = plain.fetch()
    bad = plain.with_files({path: None, "evil.txt": b"evil\n"})
    tree, after = plain.tree(bad), bad
    if how == "merge":
        after = plain.commit(tree, before, bad)
    elif how == "first parent":
        after = plain.commit(tree, plain.commit(tree), before)
    elif how == "message":
        after = plain.commit(tree, before, message="x" * 70_000)
    else:
        monkeypatch.setattr(history, "MAX_COMMITS", 5)
        for number in range(6):
            after = plain.with_files({f"evil-{number}.txt": b"x"}, parent=after)
    assert plain.push(after).returncode == 0
    later = agent("vega").run(set_values={"RATE": "0.25"}).result
    assert later is not None

    if how == "many":
        assert mend(toy_hub, before, push=after).undone == [after]
    else:
        host = Host(toy_hub, tmp_path / "host")
        assert host.run("push", {"before": before, "after": after}, secret) == [0, 0], host.said

    assert {path, path_of("result", later.id)} <= set(files(toy_hub))
    assert "evil.txt" not in files(toy_hub)
    assert state(toy_hub).breaches == []


@pytest.mark.parametrize("how", ["replaced", "taken back"])
def test_a_rewritten_history_is_undone_and_later_commits_stay(
    toy_hub: Path, agent: Agent, plain: Plain, tmp_path: Path, secret: str, how: str
) -> None:
    run_git("config", "uploadpack.allowAnySHA1InWant", "true", git_dir=toy_hub)
    nova, vega = agent("nova"), agent("vega")
    root = plain.fetch()
    done = nova.run(set_values={"RATE": "0.2"}).result
    assert done is not None
    before = plain.fetch()
    after = root if how == "taken back" else plain.commit(plain.tree(root))
    assert plain.push(after).returncode == 0
    later = vega.run(set_values={"RATE": "0.25"}).result
    assert later is not None
    host, event = Host(toy_hub, tmp_path / "host"), {"before": before, "after": after}

    assert host.run("push", event, secret) == [0, 0], host.said

    mended = tip(toy_hub)
    assert {path_of("result", one.id) for one in (done, later)} <= set(files(toy_hub))
    assert state(toy_hub).breaches == []
    assert host.run("push", event, secret) == [0, 0], host.said
    assert tip(toy_hub) == mended


def test_a_repair_goes_on_where_it_was(
    toy_hub: Path, agent: Agent, plain: Plain, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often the hub moves, each commit is gone through once."""
    nova = agent("nova")
    before = plain.fetch()
    assert plain.push(plain.with_files({"evil.txt": b"x"})).returncode == 0
    push, taken = mending.Upstream.push, []
    values = iter(["0.2", "0.25"])

    def raced(upstream: mending.Upstream, *given: object) -> str | None:
        if (value := next(values, None)) is not None:
            assert nova.run(set_values={"RATE": value}).outcome == "published"
        return push(upstream, *given)  # type: ignore[arg-type]

    take = mending._Replay.take

    def told(replay: mending._Replay, step: audit.Step, now: datetime) -> None:
        taken.append(step.commit)
        take(replay, step, now)

    monkeypatch.setattr(mending.Upstream, "push", raced)
    monkeypatch.setattr(mending._Replay, "take", told)
    mended = mend(toy_hub, before)
    assert mended.commit == tip(toy_hub)
    assert len(taken) == len(set(taken)) > 2
    assert state(toy_hub).breaches == []


def test_what_changes_nothing_hides_nothing(
    toy_hub: Path, agent: Agent, plain: Plain, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = agent("nova").run(set_values={"RATE": "0.2"}).result
    assert done is not None
    path = path_of("result", done.id)
    before = plain.fetch()
    after = plain.with_files({path: None})
    for number in range(6):
        after = plain.commit(plain.tree(after), after, message=f"{number}")
    assert plain.push(after).returncode == 0
    monkeypatch.setattr(history, "MAX_MENDED", 3)
    assert len(mend(toy_hub, before).undone) == 1
    assert path in files(toy_hub)


def test_a_claim_that_was_given_back_is_known_by_history(
    toy_hub: Path, agent: Agent, plain: Plain
) -> None:
    nova = agent("nova")
    claimed = nova.claim("WIDTH 8 to 9")
    assert isinstance(claimed, Granted)
    path = path_of("claim", claimed.claim.id)
    data = run_git("show", f"swarm:{path}", git_dir=toy_hub).out.encode()
    nova.release(claimed.claim.id)
    before = plain.fetch()
    assert plain.push(plain.with_files({path: b"\n\n" + data})).returncode == 0
    assert len(mend(toy_hub, before).undone) == 1
    assert path not in files(toy_hub)


def test_a_malformed_committer_stops_nobody(toy_hub: Path, agent: Agent, plain: Plain) -> None:
    nova = agent("nova")
    before = plain.fetch()
    tree = plain.tree(plain.with_files({"evil.txt": b"x"}))
    for committer in ("m", "m <m@x> " + "9" * 20 + " +0000"):
        people = f"author m <m@x> 1 +0000\ncommitter {committer}\n"
        head = f"tree {tree}\nparent {before}\n{people}"
        bad = plain.object("commit", f"{head}\nx\n".encode())
        assert plain.push(bad).returncode == 0
        assert nova.sync().online
        assert mend(toy_hub, before).undone == [bad]
        before = plain.fetch()
    assert nova.run(set_values={"RATE": "0.2"}).outcome == "published"


@pytest.mark.parametrize(
    ("where", "cap", "most", "words"),
    [
        (history, "MAX_MENDED", 3, "more than 3 commits"),
        (audit, "MAX_MENDED_BYTES", 3000, "more than 3000 bytes"),
    ],
)
def test_more_than_can_be_gone_through_is_left_as_it_is(
    toy_hub: Path,
    agent: Agent,
    plain: Plain,
    monkeypatch: pytest.MonkeyPatch,
    where: ModuleType,
    cap: str,
    most: int,
    words: str,
) -> None:
    """Honest work of hours is not undone because there is much of it."""
    nova = agent("nova")
    before = plain.fetch()
    assert plain.push(plain.with_files({"evil.txt": b"x"})).returncode == 0
    for value in ("0.2", "0.25"):
        assert nova.run(set_values={"RATE": value}).outcome == "published"
    there = tip(toy_hub)
    monkeypatch.setattr(where, cap, most)
    with pytest.raises(history.BadHistory, match=words):
        mend(toy_hub, before)
    assert tip(toy_hub) == there


def test_what_was_right_when_it_was_made_stays(toy_hub: Path, agent: Agent, plain: Plain) -> None:
    """A maintainer who was away for days undoes what was wrong, and nothing else."""
    before = plain.fetch()
    assert plain.push(plain.with_files({"evil.txt": b"x"})).returncode == 0
    done = agent("vega").run(set_values={"RATE": "0.2"}).result
    assert done is not None
    later = datetime.now(UTC) + timedelta(days=3)
    mended = mend(toy_hub, before, clock=lambda: later)
    assert len(mended.undone) == 1
    assert {"agents/vega.yaml", path_of("result", done.id)} <= set(files(toy_hub))


def test_a_ruling_in_a_history_without_its_makers_office_proves_nothing(
    toy_hub: Path, agent: Agent, plain: Plain
) -> None:
    keeper, nova = agent("keeper").member, agent("nova").member
    before = plain.fetch()
    governing.add_maintainer(keeper, "nova", nova.key.public_line)
    ruled = nova.sign(
        Ruling(
            id="nova/x-1", agent="nova", hub=nova.task.hub, does="suspend", subject="vega",
            created_at=datetime.now(UTC), nonce="ab" * 16,
        )
    )  # fmt: skip
    path = path_of("ruling", ruled.id)
    assert plain.push(plain.with_files({path: codec.encode(ruled)}, parent=before)).returncode == 0

    mended = mend(toy_hub, before, KeyPair.load(key_path("keeper")))

    assert (len(mended.undone), mended.suspended) == (1, [])
    assert statuses(toy_hub)["nova"] == "member"


def test_a_repair_is_right_by_the_rules(toy_hub: Path, agent: Agent, plain: Plain) -> None:
    """Whatever names it has to remove: no ruling can say each of them."""
    done = agent("nova").run(set_values={"RATE": "0.2"}).result
    assert done is not None
    before = plain.fetch()
    bad = {f"results/{done.id}/\u00fc.txt": b"x", path_of("result", done.id): None}
    assert plain.push(plain.with_files(bad)).returncode == 0
    assert mend(toy_hub, before).commit
    assert mend(toy_hub, before).commit is None


MINUTE = 60
NEVER = datetime(2999, 1, 1, tzinfo=UTC)
FUTURE, LONG_AGO = int(NEVER.timestamp()), 1


@pytest.mark.parametrize(
    ("made", "expires", "again", "taken", "stands"),
    [
        pytest.param(0, None, None, 20 * MINUTE, True, id="expired"),
        pytest.param(0, NEVER, None, 20 * MINUTE, True, id="expires never"),
        pytest.param(FUTURE, NEVER, None, 20 * MINUTE, True, id="made in the future"),
        pytest.param(0, None, None, 5 * MINUTE, False, id="in force"),
        pytest.param(0, None, None, LONG_AGO, False, id="taken long ago"),
        pytest.param(0, None, LONG_AGO, 5 * MINUTE, False, id="put there again"),
    ],
)
def test_claims_are_as_old_as_history_says(
    toy_hub: Path,
    agent: Agent,
    plain: Plain,
    made: int,
    expires: datetime | None,
    again: int | None,
    taken: int,
    stands: bool,
) -> None:
    """Seconds are since nova's claim; what another takes after it expired is its own."""
    nova, vega = agent("nova"), agent("vega")
    start = plain.fetch()
    got = nova.claim("RATE 0.1 to 0.2")
    assert isinstance(got, Granted)
    assert nova.member.task.policy.claim_ttl_seconds == 15 * MINUTE
    claim, path, zero = got.claim, path_of("claim", got.claim.id), int(time.time())
    if expires:
        claim = claim.model_copy(update={"expires_at": expires, "signature": None})
        claim = nova.member.sign(claim)
    other = claim.model_copy(update={"agent": "vega", "nonce": "cd" * 16, "signature": None})
    done = nova.run(set_values={"RATE": "0.25"}).result
    assert done is not None
    mine = vega.member.sign(retraction("vega", path_of("result", "vega/none")))
    files = {
        path: codec.encode(vega.member.sign(other)),
        path_of("retraction", mine.id): codec.encode(mine),
    }
    held = codec.encode(claim)
    before = after = plain.with_files({path: held}, parent=start, when=made or zero)
    if again is not None:
        after = plain.with_files({path: None}, parent=after, when=zero)
        after = plain.with_files({path: held}, parent=after, when=again)
    after = plain.with_files(files, parent=after, when=zero + taken if taken > 1 else taken)
    assert plain.push(after).returncode == 0

    now = datetime.fromtimestamp(zero + max(taken, 5 * MINUTE), UTC)
    repository = verifying.open_hub(toy_hub, "swarm")
    mending.mend(repository, before, None, pages, clock=lambda: now)

    snapshot = repository.snapshot(tip(toy_hub))
    standing = snapshot.record(path)
    assert isinstance(standing, Claim)
    assert standing.agent == ("vega" if stands else "nova")
    # No record is lost for who had a claim.
    assert snapshot.record(path_of("retraction", mine.id)) == mine
