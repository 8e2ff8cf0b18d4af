"""A hub on a host whose door is a workflow: the workflow as the host runs it, and repairs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from host import Host, state, tip
from plain import FILE, LINK, Plain

from gitcollab.errors import GitcollabError
from gitcollab.faces.pages import pages
from gitcollab.git.command import run_git
from gitcollab.records import codec
from gitcollab.records.models import Insight, Retraction, Ruling
from gitcollab.records.names import path_of
from gitcollab.swarm import governing, mending, reading, verifying
from gitcollab.swarm.outcomes import Granted
from gitcollab.swarm.roster import roster, rulings
from gitcollab.swarm.swarm import Swarm

Agent = Callable[[str], Swarm]


def vandalise(plain: Plain, result: str) -> tuple[str, str]:
    """A push that no door refused: a result goes, a link and a strange name come; its ends."""
    before = plain.fetch()
    bad = plain.with_files({result: None, "train.py": b"evil\n", "README.md": b"# mine\n"})
    entries = plain.entries(bad)
    blob = plain.blob(b"/etc/passwd")
    odd = [(LINK, blob, b"link"), (FILE, blob, b"a\\b"), (FILE, blob, b"\xff")]
    after = plain.commit(plain.raw_tree([*entries, *odd]), bad)
    assert plain.push(after).returncode == 0
    return before, after


def test_a_push_is_undone_and_later_ones_stay(
    toy_hub: Path, agent: Agent, tmp_path: Path, secret: str
) -> None:
    nova, vega = agent("nova"), agent("vega")
    done = nova.run(set_values={"RATE": "0.2"}).result
    assert done is not None
    path = path_of("result", done.id)
    written = run_git("show", f"swarm:{path}", git_dir=toy_hub).out
    host, plain = Host(toy_hub, tmp_path / "host"), Plain(toy_hub, tmp_path / "plain.git")
    assert host.run("push", {"before": plain.fetch(), "after": plain.fetch()}) == [0]

    before, after = vandalise(plain, path)
    later = vega.run(set_values={"RATE": "0.25"}).result  # on what was broken
    assert later is not None
    event = {"before": before, "after": after}
    assert host.run("push", event) == [0, 1]  # without the secret it is told
    assert "GITCOLLAB_MAINTAINER_KEY" in host.said
    broken = tip(toy_hub)

    assert host.run("push", event, secret) == [0, 0], host.said

    repair = tip(toy_hub)
    assert run_git("rev-parse", f"{repair}^", git_dir=toy_hub).out.strip() == broken
    assert run_git("show", f"swarm:{path}", git_dir=toy_hub).out == written
    names = run_git("ls-tree", "-r", "-z", "--name-only", "swarm", git_dir=toy_hub).out.split("\0")
    assert path_of("result", later.id) in names
    assert not {"link", "a\\b", "\ufffd"} & set(names)
    assert state(toy_hub).breaches == []
    snapshot = verifying.open_hub(toy_hub, "swarm").snapshot(repair)
    said = rulings(snapshot)[-1]
    assert said.does == "edit"
    assert {path, "train.py"} <= set(said.files)
    assert "link" in said.removes
    assert "mallory-at-host" in str(said.reason)
    assert not [r for r in rulings(snapshot) if r.does == "suspend"]

    assert host.run("push", event, secret) == [0, 0]  # again, or late: there is nothing left to do
    assert host.run("push", {"before": broken, "after": repair}, secret)[0] == 0
    assert tip(toy_hub) == repair
    assert nova.run(set_values={"RATE": "0.28"}).outcome == "published"


def test_whose_own_signature_proves_it_is_suspended(
    toy_hub: Path, agent: Agent, tmp_path: Path, secret: str
) -> None:
    nova, mallory, trent = agent("nova"), agent("mallory"), agent("trent")
    done = nova.run(set_values={"RATE": "0.2"}).result
    assert done is not None
    plain, now = Plain(toy_hub, tmp_path / "plain.git"), datetime.now(UTC)
    common = {"created_at": now, "nonce": "ab" * 16}
    theirs = Retraction(
        id="mallory/x-1", agent="mallory", target=path_of("result", done.id), **common
    )
    hub = nova.task.hub
    ruled = Ruling(
        id="nova/x-1", agent="nova", hub="cd" * 16, does="suspend", subject="trent", **common
    )
    assert hub != ruled.hub
    before = plain.fetch()
    after = plain.with_files(
        {
            path_of("retraction", theirs.id): codec.encode(mallory.member.sign(theirs)),
            # A stranger copies what nova signed as a maintainer of another hub.
            path_of("ruling", ruled.id): codec.encode(nova.member.sign(ruled)),
            # And writes in the name of trent, whose card is removed.
            "agents/trent.yaml": None,
        }
    )
    assert trent.agent == "trent"
    assert plain.push(after).returncode == 0
    host = Host(toy_hub, tmp_path / "host")
    assert host.run("push", {"before": before, "after": after}, secret) == [0, 0], host.said

    repository = verifying.open_hub(toy_hub, "swarm")
    people = roster(repository.snapshot(repository.tip())).agents
    assert {name: one.status for name, one in people.items()} == {
        "mallory": "suspended",
        "nova": "member",
        "trent": "member",
    }
    assert state(toy_hub).breaches == []


def test_pull_requests_are_checked_as_data(toy_hub: Path, agent: Agent, tmp_path: Path) -> None:
    host, plain = Host(toy_hub, tmp_path / "host"), Plain(toy_hub, tmp_path / "plain.git")
    trap = {"gitcollab/__init__.py": b"raise SystemExit(0)\n", "typing.py": b"raise SystemExit\n"}
    bad = plain.with_files(trap)
    assert plain.push(bad, "refs/pull/1/head").returncode == 0
    assert host.run("pull-request", {"number": 1}) == [4]
    assert "nothing belongs there" in host.said

    start = plain.fetch()
    agent("nova").run(set_values={"RATE": "0.2"})
    good = plain.fetch()
    assert plain.push(good, "refs/pull/2/head").returncode == 0
    run_git("update-ref", "refs/heads/swarm", start, git_dir=toy_hub)
    assert host.run("pull-request", {"number": 2}) == [0], host.said


def test_a_push_that_started_no_workflow_is_found_within_the_hour(
    toy_hub: Path, agent: Agent, tmp_path: Path, secret: str
) -> None:
    done = agent("nova").run(set_values={"RATE": "0.2"}).result
    assert done is not None
    path = path_of("result", done.id)
    host, plain = Host(toy_hub, tmp_path / "host"), Plain(toy_hub, tmp_path / "plain.git")
    good = plain.fetch()
    assert host.run("hourly", {"good": ""}) == [0, 0], host.said
    bad = plain.with_files({path: None}, message="x [skip ci]")
    assert plain.push(bad).returncode == 0
    event = {"good": good}

    assert host.run("hourly", event) == [0, 1]  # without the secret it is told
    assert host.run("hourly", event, secret)[:2] == [0, 0], host.said
    assert host.run("hourly", event, secret) == [0, 0, 0], host.said  # and then it is right

    assert path in run_git("ls-tree", "-r", "--name-only", "swarm", git_dir=toy_hub).out
    assert plain.fetch()
    assert plain.push(plain.with_files({"evil.txt": b"x"})).returncode == 0
    assert host.run("hourly", {"good": ""}, secret) == [0, 4]  # nothing known: the state is judged


def test_a_pull_request_follows_the_hub_as_it_is(
    toy_hub: Path, agent: Agent, tmp_path: Path
) -> None:
    """Else who was suspended meanwhile would be judged as it was before."""
    nova, mallory = agent("nova"), agent("mallory")
    host, plain = Host(toy_hub, tmp_path / "host"), Plain(toy_hub, tmp_path / "plain.git")
    plain.fetch()
    common = {"created_at": datetime.now(UTC), "nonce": "ab" * 16}
    made = mallory.member.sign(Insight(id="mallory/x-1", agent="mallory", text="hm", **common))
    bad = plain.with_files({path_of("insight", made.id): codec.encode(made)})
    governing.suspend(nova.member, "mallory")
    assert plain.push(bad, "refs/pull/1/head").returncode == 0
    assert host.run("pull-request", {"number": 1}) == [4]
    assert "rebase onto the branch" in host.said


def test_a_repair_that_loses_the_race_is_made_again(
    toy_hub: Path, agent: Agent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nova = agent("nova")
    done = nova.run(set_values={"RATE": "0.2"}).result
    assert done is not None
    plain = Plain(toy_hub, tmp_path / "plain.git")
    before, _ = vandalise(plain, path_of("result", done.id))
    fetch, races = mending.Upstream.fetch, iter(["0.3", "0.4"])

    def raced(upstream: mending.Upstream) -> str:
        found = fetch(upstream)
        if (value := next(races, None)) is not None:
            assert nova.run(set_values={"RATE": value}).outcome == "published"
        return found

    monkeypatch.setattr(mending.Upstream, "fetch", raced)
    repository = verifying.open_hub(toy_hub, "swarm")
    mended = mending.mend(repository, before, None, pages)
    assert mended.commit == tip(toy_hub)
    assert state(toy_hub).breaches == []
    assert len(repository.snapshot(mended.commit).records("result")) == 3


def test_a_repair_of_what_is_right_changes_nothing(toy_hub: Path, agent: Agent) -> None:
    before = tip(toy_hub)
    agent("nova").run()
    now = tip(toy_hub)
    repository = verifying.open_hub(toy_hub, "swarm")
    assert mending.mend(repository, before, None, pages) == mending.Mended(None)
    assert tip(toy_hub) == now


def test_a_secret_that_is_no_key_is_not_told() -> None:
    with pytest.raises(GitcollabError) as caught:
        mending.key_in("hunter2 hunter2")
    assert "hunter2" not in f"{caught.value.message} {caught.value.hint}"
    assert caught.value.__cause__ is None


def test_what_others_built_on_it_in_good_faith_is_nobodys_fault(
    toy_hub: Path, agent: Agent, tmp_path: Path
) -> None:
    nova, vega = agent("nova"), agent("vega")
    plain = Plain(toy_hub, tmp_path / "plain.git")
    taken, copied = nova.claim("RATE 0.1 to 0.2"), vega.claim("RATE 0.1 to 0.3")
    assert isinstance(taken, Granted)
    assert isinstance(copied, Granted)
    mine, theirs = (path_of("claim", one.claim.id) for one in (taken, copied))
    old = run_git("show", f"swarm:{theirs}", git_dir=toy_hub).out.encode()
    vega.release(copied.claim.id)
    assert isinstance(nova.claim("RATE 0.1 to 0.3"), Granted)
    nova.member.store.refresh()
    before = plain.fetch()
    # A stranger takes nova's claim away, and puts there again what vega once signed.
    assert plain.push(plain.with_files({mine: None, theirs: old})).returncode == 0
    vega.sync()
    assert isinstance(vega.claim("RATE 0.1 to 0.2"), Granted)  # it is free, as far as vega sees

    repository = verifying.open_hub(toy_hub, "swarm")
    mended = mending.mend(repository, before, None, pages)

    assert len(mended.undone) == 2
    assert mended.suspended == []
    snapshot = repository.snapshot(mended.commit)
    assert {claim.agent for claim in reading.claims(snapshot).values()} == {"nova"}
    assert len(reading.claims(snapshot)) == 2
    assert state(toy_hub).breaches == []
