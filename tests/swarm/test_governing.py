"""Maintainers and admission on real hubs: who may do what, and what strangers try."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

import pytest

from gitcollab.errors import GitcollabError, RefusedError, UsageError
from gitcollab.records import codec, invitations
from gitcollab.records.models import AgentCard, Ruling, sha256
from gitcollab.records.signing import KeyPair
from gitcollab.store.requests import Request
from gitcollab.swarm import governing, keyring, reading, ruling
from gitcollab.swarm.home import key_path
from gitcollab.swarm.joining import join
from gitcollab.swarm.member import Member, utc_now
from gitcollab.swarm.outcomes import Offline
from gitcollab.swarm.roster import roster, rulings
from gitcollab.swarm.seeding import init_hub
from gitcollab.swarm.swarm import Swarm
from tests.swarm.machines import Machines, member_of, run, status, task_of

# -- making a hub ----------------------------------------------------------------------------------


def test_whoever_seeds_a_hub_maintains_it(
    machines: Machines, tmp_path: Path, toy_task: Path
) -> None:
    keeper = member_of(machines.hub(), "ada")
    task = task_of(keeper)
    key = KeyPair.load(key_path("keeper"))
    assert task.maintainers == {"keeper": key.public_line}
    assert key_path("keeper").stat().st_mode & 0o777 == 0o600
    (said,) = rulings(keeper.store.snapshot())
    files = {p: keeper.store.snapshot().read(p) or b"" for p in said.files}
    assert {"task.yaml", "train.py", "collab.md"} <= set(files)
    assert said.files == {p: sha256(data) for p, data in files.items()}
    other = member_of(machines.hub(name="other.git"), "ada")
    assert task_of(other).maintainers == task.maintainers
    assert task_of(other).hub != task.hub


def test_a_named_maintainer_and_one_that_the_task_names(machines: Machines, toy_task: Path) -> None:
    hub = str(toy_task.parent / "a.git")
    made = init_hub(hub, task_file=toy_task, maintainer="ada")
    assert (made.maintainers, made.key) == (["ada"], key_path("ada"))
    line = KeyPair.load(key_path("ada")).public_line
    named = f"maintainers.ada='{line}'"
    assert init_hub(f"{hub}2", task_file=toy_task, sets=[named]).maintainers == ["ada"]
    stranger = f"maintainers.ada='{KeyPair.generate().public_line}'"
    for name in (None, "ada"):
        with pytest.raises(RefusedError):
            init_hub(f"{hub}3", task_file=toy_task, sets=[stranger], maintainer=name)
    both = init_hub(f"{hub}3", task_file=toy_task, sets=[stranger], maintainer="bob")
    assert both.maintainers == ["bob"]
    with pytest.raises(UsageError):
        init_hub(f"{hub}4", task_file=toy_task, maintainer="../x")


# -- by invitation ---------------------------------------------------------------------------------


def test_an_invitation_lets_in_as_many_as_it_says(machines: Machines) -> None:
    hub = machines.hub("policy.admission=invite")
    keeper = member_of(hub, "ada")  # a maintainer's machine needs none
    token = governing.invite(keeper, uses=2).token
    machines.at("volunteer")
    with pytest.raises(RefusedError, match="only whom a maintainer has invited") as none:
        member_of(hub, "nova")
    assert "ask a maintainer (keeper)" in none.value.hint
    assert none.value.hint.endswith("gitcollab join HUB --invite FILE")
    assert not key_path("nova").exists()
    nova = member_of(hub, "nova", token)
    assert run(nova) == "published"
    member_of(hub, "orion", token)
    with pytest.raises(RefusedError, match="used 2 times already"):
        member_of(hub, "vega", token)
    found = {one.name: one for one in governing.agents(nova)}
    assert {name: one.status for name, one in found.items()} == dict.fromkeys(
        ("ada", "nova", "orion"), "member"
    )
    assert found["nova"].admitted_by == "keeper"
    assert member_of(hub, "nova").config.agent == "nova"  # joined again


def test_invitations_that_are_refused(machines: Machines) -> None:
    hub = machines.hub("policy.admission=invite")
    keeper = member_of(hub, "ada")
    task, now = task_of(keeper), utc_now()
    assert task.hub is not None
    key = KeyPair.load(key_path("keeper"))
    other = member_of(machines.hub("policy.admission=invite", name="other.git"), "ada")
    refused = {
        "expired on": invitations.make(key, task.hub, 1, now - timedelta(seconds=5)),
        "for another hub": governing.invite(other).token,
        "no maintainer": invitations.make(KeyPair.generate(), task.hub, 1, now + timedelta(1)),
    }
    machines.at("volunteer")
    for said, token in refused.items():
        with pytest.raises(RefusedError, match=said) as error:
            member_of(hub, "nova", token)
        assert "\n" not in error.value.message
    for damaged in ("x", invitations.PREFIX, refused["expired on"][:300]):
        with pytest.raises(UsageError):
            member_of(hub, "nova", damaged)
    assert not key_path("nova").exists()
    assert "nova" not in roster(keeper.store.refresh()).agents


def test_of_two_who_race_for_the_last_use_one_wins(machines: Machines) -> None:
    hub = machines.hub("policy.admission=invite")
    token = governing.invite(member_of(hub, "ada")).token
    machines.at("volunteer")
    start = threading.Barrier(4)
    got: dict[str, str] = {}

    def race(name: str) -> None:
        start.wait(timeout=30)
        try:
            member_of(hub, name, token)
            got[name] = "in"
        except RefusedError as e:
            got[name] = e.message

    threads = [threading.Thread(target=race, args=(f"racer-{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(said == "in" for said in got.values()) == [False, False, False, True]
    assert all("used once already" in said for said in got.values() if said != "in")


def test_a_card_copied_with_its_invitation_lets_nobody_in(machines: Machines) -> None:
    hub = machines.hub("policy.admission=invite")
    token = governing.invite(member_of(hub, "ada"), uses=9).token
    machines.at("volunteer")
    nova = member_of(hub, "nova", token)
    seen = reading.cards(nova.store.snapshot())["nova"].invitation
    key = KeyPair.generate()
    card = AgentCard(
        id="mallory",
        agent="mallory",
        created_at=utc_now(),
        nonce=nova.nonce(),
        public_key=key.public_line,
        invitation=seen,
    )
    request = nova.request("join", {"card": codec.to_mapping(key.sign(card))}, when_offline="drop")
    (outcome,) = nova.submit(request)
    assert outcome["outcome"] == "refused"


# -- by approval -----------------------------------------------------------------------------------


def test_who_waits_works_alone_until_admitted(machines: Machines) -> None:
    hub = machines.hub("policy.admission=approval")
    machines.at("volunteer")
    nova = member_of(hub, "nova")
    assert status(nova, "nova") == Swarm(nova).status().admission == "waiting"
    assert isinstance(Swarm(nova).claim("a new idea"), Offline)
    assert run(nova) == "queued"
    report = Swarm(nova).sync()
    assert (report.online, report.delivered, report.refused) == (True, 0, [])
    assert "waits for a maintainer" in report.note
    assert len(nova.store.pending()) == 1
    with pytest.raises(RefusedError, match="keeper"):
        governing.admit(nova, "nova")

    machines.at("keeper")
    keeper = member_of(hub, "ada")
    governing.admit(keeper, "ada")
    done = governing.admit(keeper, "nova")
    assert (done.changed, done.agent.status, done.agent.admitted_by) == (True, "member", "keeper")
    assert not governing.admit(keeper, "nova").changed

    machines.at("volunteer")
    report = Swarm(nova).sync()
    assert (report.delivered, report.note) == (1, "")
    assert nova.store.pending() == []
    assert nova.store.snapshot().count("result") == 1
    assert run(nova) == "published"


def test_admission_is_of_a_key(machines: Machines) -> None:
    """A ruling on a name that somebody else took first must not let that one in."""
    hub = machines.hub("policy.admission=approval")
    keeper = member_of(hub, "ada")
    machines.at("mallory")
    member_of(hub, "nova")
    machines.at("keeper")
    snapshot = keeper.store.refresh()
    key = keyring.maintainer_key(task_of(keeper))
    expected = KeyPair.generate().public_line  # of the one who was meant
    said = ruling.make(
        key, task_of(keeper), ruling.latest(snapshot, utc_now()), "admit",
        subject="nova", public_key=expected,
    )  # fmt: skip
    keeper.submit(keeper.request("rule", ruling.payload(said), when_offline="drop"))
    assert status(keeper, "nova") == "waiting"


# -- names -----------------------------------------------------------------------------------------


def test_a_maintainers_name_is_taken_with_the_maintainers_key_alone(machines: Machines) -> None:
    hub = machines.hub()
    machines.at("mallory")
    with pytest.raises(RefusedError, match="keeper is a maintainer") as refused:
        member_of(hub, "keeper")
    assert "bring the key" in refused.value.hint
    for name in ("nobody", "con"):
        with pytest.raises(UsageError):
            member_of(hub, name)
    machines.at("keeper")
    assert status(member_of(hub, "keeper"), "keeper") == "member"


# -- suspending ------------------------------------------------------------------------------------


def test_suspending_and_restoring(machines: Machines) -> None:
    hub = machines.hub()
    keeper = member_of(hub, "ada")
    machines.at("volunteer")
    nova = member_of(hub, "nova")
    assert run(nova) == "published"

    machines.at("keeper")
    joined = governing.agent(keeper, "ada").joined
    void = governing.suspend(keeper, "nova", since=joined - timedelta(days=2), reason="made up")
    assert (void.agent.status, void.agent.reason) == ("suspended", "made up")
    assert keeper.rankings.best() is None  # all that it made is void
    governing.restore(keeper, "nova")  # within the same second
    assert status(keeper, "nova") == "member"
    assert keeper.rankings.best() is not None
    assert governing.suspend(keeper, "nova").changed
    assert not governing.suspend(keeper, "nova").changed
    with pytest.raises(RefusedError, match="suspended"):
        governing.admit(keeper, "nova")

    machines.at("volunteer")
    nova.store.refresh()
    assert Swarm(nova).status().admission == "suspended"
    assert run(nova) == "refused"
    machines.at("keeper")
    for unknown in ("vega", "nov"):
        with pytest.raises(GitcollabError, match="there is no agent"):
            governing.suspend(keeper, unknown)


# -- the task --------------------------------------------------------------------------------------


def test_changing_the_task(machines: Machines) -> None:
    hub = machines.hub()
    keeper = member_of(hub, "ada")
    change = governing.set_task(keeper, ["policy.claim_ttl_seconds=600", "sigma=0.003"])
    assert change.changes == [("policy.claim_ttl_seconds", 900, 600), ("sigma", 0.002, 0.003)]
    assert change.comparable
    assert task_of(keeper).policy.claim_ttl_seconds == 600
    assert governing.set_task(keeper, ["sigma=0.003"]).changes == []
    assert not governing.set_task(keeper, ["budget.seconds=7"]).comparable
    for bad in ("sigma=-1", "nonsense=1", "hub=abababababababab", "maintainers.x=y", "x"):
        with pytest.raises(GitcollabError):
            governing.set_task(keeper, [bad])
    machines.at("volunteer")
    with pytest.raises(RefusedError, match="maintainers"):
        governing.set_task(member_of(hub, "nova"), ["sigma=0.1"])


def test_who_was_in_stays_in_when_admission_changes(machines: Machines) -> None:
    hub = machines.hub()
    keeper = member_of(hub, "ada")
    machines.at("volunteer")
    nova = member_of(hub, "nova")
    machines.at("keeper")
    keeper.clock = lambda: utc_now() + timedelta(seconds=2)  # joined before, by whole seconds
    changed = governing.set_task(keeper, ["policy.admission=approval"]).changes
    assert [field for field, _, _ in changed] == ["policy.admission", "policy.admission_since"]
    assert status(keeper, "nova") == "member"
    governing.set_task(keeper, ["policy.admission=invite"])  # who waited for approval waits on
    machines.at("volunteer")
    assert run(nova) == "published"
    with pytest.raises(RefusedError):
        member_of(hub, "vega")


def test_a_slow_clock_is_no_reason_to_stay_out(machines: Machines) -> None:
    """Nor a way in: a newcomer's card is dated by the hub's clocks where these are ahead."""
    hub = machines.hub()
    governing.set_task(member_of(hub, "ada"), ["policy.admission=approval"])
    machines.at("vega")
    folder = hub.parent / "v"
    folder.mkdir()
    joined = join(folder, str(hub), agent="vega", clock=lambda: utc_now() - timedelta(minutes=20))
    assert joined.admission == "waiting"


def test_who_joined_with_a_fast_clock_stays_in(machines: Machines) -> None:
    hub = machines.hub()
    machines.at("vega")
    folder = hub.parent / "v"
    folder.mkdir()
    join(folder, str(hub), agent="vega", clock=lambda: utc_now() + timedelta(minutes=20))
    machines.at("keeper")
    ada = member_of(hub, "ada")
    governing.set_task(ada, ["policy.admission=approval"])
    assert roster(ada.store.refresh()).agents["vega"].status == "member"


def test_files_of_the_hub(machines: Machines) -> None:
    keeper = member_of(machines.hub(), "ada")
    words = b"concepts:\n  engram: [engram memory, engram]\n"
    workflow = ".github/workflows/pages.yml"
    for path, data in (("synonyms.yaml", words), ("train.py", b"X = 1\n"), (workflow, b"on: push")):
        assert governing.put(keeper, path, data)
        assert not governing.put(keeper, path, data)
        assert keeper.store.refresh().read(path) == data
    for path, data in (
        ("task.yaml", b"x"),
        ("README.md", b"x"),
        ("results/ada/x/result.yaml", b"x"),
        ("../train.py", b"x"),
        (".github/workflows/../x.yml", b"x"),
        ("synonyms.yaml", b"- no mapping"),
        ("train.py", b"\xff"),
        ("train.py", b"X = \n"),
        ("train.py", b"x" * 1_000_001),
    ):
        with pytest.raises(GitcollabError):
            governing.put(keeper, path, data)


def test_maintainers_come_and_go(machines: Machines) -> None:
    hub = machines.hub("policy.admission=approval")
    keeper = member_of(hub, "ada")
    with pytest.raises(RefusedError, match="last maintainer"):
        governing.remove_maintainer(keeper, "keeper")
    machines.at("volunteer")
    nova = member_of(hub, "nova")
    line = KeyPair.load_or_create(key_path("bob")).public_line
    machines.at("keeper")
    for bad in ("ssh-rsa AAAA", "", "ssh-ed25519 " + "A" * 68, line.replace("ed25519", "ed448")):
        with pytest.raises(UsageError):
            governing.add_maintainer(keeper, "bob", bad)
    with pytest.raises(RefusedError, match="another key"):
        governing.add_maintainer(keeper, "nova", line)
    governing.add_maintainer(keeper, "bob", f"{line} bob@example\n")
    governing.admit(keeper, "ada")

    machines.at("volunteer")  # bob's, too
    governing.admit(nova, "nova")
    gone = keyring.maintainer_key(task_of(nova))[0]
    assert gone == "bob"
    governing.remove_maintainer(nova, "keeper")
    assert len(task_of(nova).retired) == 1
    assert status(nova, "ada") == "member"  # what keeper ruled stays

    machines.at("keeper")
    keeper.store.refresh()
    with pytest.raises(RefusedError, match="bob"):
        governing.suspend(keeper, "nova")
    assert status(keeper, "nova") == "member"


def test_a_former_maintainers_ruling_is_refused(machines: Machines) -> None:
    hub = machines.hub()
    keeper = member_of(hub, "ada")
    key = keyring.maintainer_key(task_of(keeper))
    governing.add_maintainer(keeper, "bob", KeyPair.load_or_create(key_path("bob")).public_line)
    before = task_of(keeper)
    governing.remove_maintainer(keeper, "keeper")
    assert (
        deliver(keeper, ruling.make(key, before, utc_now(), "suspend", subject="ada")) == "refused"
    )
    assert status(keeper, "ada") == "member"


def test_a_ruling_of_another_hub_is_refused(machines: Machines) -> None:
    keeper = member_of(machines.hub(), "ada")
    other = member_of(machines.hub(name="other.git"), "ada")
    governing.suspend(keeper, "ada")
    _seed, said = rulings(keeper.store.snapshot())
    assert deliver(other, said) == "refused"
    assert status(other, "ada") == "member"


def deliver(member: Member, said: Ruling) -> str:
    request = member.request("rule", ruling.payload(said), when_offline="drop")
    return str(member.submit(request)[0]["outcome"])


def test_a_decision_made_upon_another_state_is_refused(machines: Machines) -> None:
    """Two maintainers change the task at once: the second must not undo the first."""
    keeper = member_of(machines.hub(), "ada")
    snapshot = keeper.store.refresh()
    old = task_of(keeper)
    governing.set_task(keeper, ["sigma=0.003"])
    key = keyring.maintainer_key(old)
    files = {"task.yaml": codec.encode(old.model_copy(update={"z": 2.0}))}
    said = ruling.edit(key, old, ruling.latest(snapshot, utc_now()), files, "z")
    asked = ruling.payload(said, files, {"task.yaml": snapshot.read("task.yaml")})
    (outcome,) = keeper.submit(keeper.request("rule", asked, when_offline="drop"))
    assert (outcome["outcome"], "meanwhile" in outcome["reason"]) == ("refused", True)
    assert task_of(keeper).sigma == 0.003


def test_a_ruling_is_made_once(machines: Machines) -> None:
    keeper = member_of(machines.hub(), "ada")
    snapshot = keeper.store.refresh()
    key, task = keyring.maintainer_key(task_of(keeper)), task_of(keeper)
    said = ruling.make(key, task, ruling.latest(snapshot, utc_now()), "suspend", subject="ada")
    request = Request("one", "rule", "keeper", utc_now(), ruling.payload(said), "drop")
    tip = keeper.store.refresh().tip
    first = ruling.decide_rule(keeper.store.snapshot(), request, utc_now())
    assert first.outcome == {"outcome": "ruled"}
    after = keeper.store.snapshot().with_changes(first.changes)
    again = ruling.decide_rule(after, request, utc_now())
    assert (again.outcome, again.changes, again.final) == ({"outcome": "ruled"}, {}, True)
    assert keeper.store.refresh().tip == tip
