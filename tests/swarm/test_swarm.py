"""The verbs, end to end on a real hub, with a program that runs at once."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from gitcollab.errors import GitcollabError, OfflineError, RefusedError, UsageError
from gitcollab.records import codec
from gitcollab.records.signing import verify
from gitcollab.swarm import governing
from gitcollab.swarm.home import key_path
from gitcollab.swarm.joining import join
from gitcollab.swarm.outcomes import Duplicate, Granted, Offline, Taken
from gitcollab.swarm.reports import RunProgress
from gitcollab.swarm.seeding import init_hub
from gitcollab.swarm.swarm import Swarm
from gitcollab.swarm.workspace import NotJoined
from tests import people, toy

Agent = Callable[[str], Swarm]


def hub_files(swarm: Swarm) -> dict[str, bytes]:
    snapshot = swarm.member.store.refresh()
    return {path: snapshot.read(path) or b"" for path in snapshot.list()}


def program(swarm: Swarm) -> str:
    return (swarm.workspace / "train.py").read_text()


# -- setting up ------------------------------------------------------------------------------------


def test_init_seeds_once(tmp_path: Path, toy_task: Path) -> None:
    hub = str(tmp_path / "new" / "hub.git")
    first = init_hub(hub, task_file=toy_task)
    assert (first.created, first.seeded) == (True, True)
    again = init_hub(hub, preset="micro")
    assert (again.created, again.seeded, again.task) == (False, False, "toy")
    assert "nothing was changed" in again.note


def test_init_takes_fields_by_name(tmp_path: Path) -> None:
    hub = str(tmp_path / "hub.git")
    init_hub(hub, preset="micro", sets=["budget.seconds=20", "name=quick"])
    join(tmp_path, hub, agent="nova")
    task = Swarm.open(tmp_path).task
    assert (task.name, task.budget.seconds) == ("quick", 20)


@pytest.mark.parametrize(
    "bad", ["budget.seconds=-1", "metric=3", "nonsense=1", "x", "sigma=no", "budget.steps=3"]
)
def test_init_refuses_a_task_that_cannot_be(tmp_path: Path, bad: str) -> None:
    with pytest.raises(GitcollabError):
        init_hub(str(tmp_path / "hub.git"), sets=[bad])
    assert not (tmp_path / "hub.git").exists()


def test_init_leaves_a_branch_alone_that_is_something_else(
    tmp_path: Path, toy_hub: Path, agent: Agent
) -> None:
    with pytest.raises(GitcollabError):
        init_hub(str(toy_task_file(tmp_path)), preset="micro")


def toy_task_file(tmp_path: Path) -> Path:
    return tmp_path / "toy" / "task.yaml"


def test_join_makes_a_workspace(agent: Agent) -> None:
    nova = agent("nova")
    assert program(nova) == toy.PROGRAM
    assert (nova.workspace / "collab.md").is_file()
    assert (nova.workspace / ".gitcollab" / ".gitignore").read_text() == "*\n"
    assert key_path("nova").stat().st_mode & 0o777 == 0o600
    card = codec.decode("agent", hub_files(nova)["agents/nova.yaml"])
    assert verify(card, card.public_key)


def test_join_again_is_harmless(tmp_path: Path, toy_hub: Path, agent: Agent) -> None:
    nova = agent("nova")
    (nova.workspace / "train.py").write_text("edited = 1\n")
    report = join(nova.workspace, str(toy_hub))
    assert (report.agent, report.registered, report.program) == ("nova", False, "kept")
    assert program(nova) == "edited = 1\n"


def test_a_name_with_another_key_is_refused(tmp_path: Path, toy_hub: Path, agent: Agent) -> None:
    agent("nova")
    key_path("nova").unlink()
    with pytest.raises(RefusedError, match="a key that is not here"):
        join(tmp_path / "thief", str(toy_hub), agent="nova")
    assert not key_path("nova").exists()
    assert not (tmp_path / "thief" / ".gitcollab").exists()


def test_without_a_name_there_is_a_codename(tmp_path: Path, toy_hub: Path) -> None:
    report = join(tmp_path / "w", str(toy_hub))
    assert re.fullmatch(r"[a-z]+-[a-z]+-\d{4}", report.agent)


def test_a_folder_that_is_no_workspace(tmp_path: Path) -> None:
    with pytest.raises(NotJoined) as caught:
        Swarm.open(tmp_path)
    assert "gitcollab join" in caught.value.hint


# -- running ---------------------------------------------------------------------------------------


def test_an_experiment_end_to_end(agent: Agent) -> None:
    nova, atlas = agent("nova"), agent("atlas")
    first = nova.run()
    assert first.outcome == "published"
    assert (first.result.description, first.result.metric, first.is_best) == (
        "baseline",
        1.04,
        True,
    )
    better = atlas.run(set_values={"RATE": "0.3"})
    assert (better.verdict, better.is_best, better.kept) == ("better", True, True)
    assert better.result.description == "RATE 0.1 → 0.3"
    assert better.result.base_fingerprint == first.result.fingerprint
    files = hub_files(nova)
    folder = f"results/{better.result.id}"
    assert files[f"{folder}/train.py"].decode() == toy.PROGRAM.replace("0.1 ", "0.3 ")
    assert files["best/train_py"] == files[f"{folder}/train.py"]
    assert b"score: 1.000000" in files[f"{folder}/log.txt"]
    assert files[f"{folder}/curve.csv"] == b"step,seconds,loss\n1,,2.5\n"
    assert not [p for p in files if p.startswith("claims/")]
    record = codec.decode("result", files[f"{folder}/result.yaml"])
    assert verify(record, codec.decode("agent", files["agents/atlas.yaml"]).public_key)


def test_a_run_claims_and_publishes_in_two_commits(agent: Agent, toy_hub: Path) -> None:
    nova = agent("nova")
    nova.run()
    from gitcollab.git.command import run_git

    log = run_git("log", "--format=%s", "swarm", git_dir=toy_hub).out.splitlines()
    assert log[:2] == ["result 1.040000: baseline", "claim: baseline"]


def test_what_is_not_better_is_reverted_and_kept_aside(agent: Agent) -> None:
    nova = agent("nova")
    nova.run()
    same = nova.run(set_values={"WIDTH": "16"})
    assert (same.verdict, same.kept) == ("within noise", False)
    assert program(nova) == toy.PROGRAM
    (aside,) = (nova.workspace / ".gitcollab" / "aside").glob("*.py")
    assert "WIDTH = 16" in aside.read_text()
    worse = nova.run(set_values={"RATE": "2"})
    assert (worse.verdict, worse.kept) == ("worse", False)


def test_an_edit_during_the_run_is_left_alone(agent: Agent) -> None:
    nova = agent("nova")
    nova.run()

    def edit(at: RunProgress) -> None:
        if at.phase == "publish":
            (nova.workspace / "train.py").write_text("mine = 1\n")

    report = nova.run(set_values={"WIDTH": "16"}, progress=edit)
    assert report.kept is False
    assert program(nova) == "mine = 1\n"
    assert any("left as it is" in note for note in report.notes)


def test_the_base_is_replicated_with_another_seed(agent: Agent) -> None:
    nova, atlas = agent("nova"), agent("atlas")
    first = nova.run()
    atlas.sync()
    again = atlas.run()
    assert again.result.replicates == first.result.id
    assert again.result.seed == first.result.seed + 1
    best = nova.sync().best
    assert (best.n, best.standing) == (2, "confirmed")


def test_a_duplicate_is_refused_with_its_result(agent: Agent) -> None:
    nova, atlas = agent("nova"), agent("atlas")
    nova.run()
    done = nova.run(set_values={"WIDTH": "16"})
    report = atlas.run(set_values={"WIDTH": "2**4"})
    assert report.outcome == "refused"
    assert isinstance(report.claim, Duplicate)
    assert report.claim.other.id == done.result.id
    assert done.result.id in report.error
    assert program(atlas) == toy.PROGRAM  # the refused change was not left behind


@pytest.mark.parametrize(
    ("print_line", "status", "match"),
    [
        ('print("no metric here")', "crash", "score"),
        ('print("---\\nscore: nan")', "crash", "nan"),
        ('print("---\\nscore: inf")', "crash", "inf"),
        ('print("---\\nscore: -1")', "crash", "below 0"),
        ('print("---\\nscore: 1\\n---\\nscore: 1")', "crash", "2 summary blocks"),
        ('raise ValueError("boom")', "crash", "exit code 1; the program says: ValueError: boom"),
        ("import time; time.sleep(60)", "timeout", "no result after 1 s"),
    ],
)
def test_whatever_happens_is_published(
    tmp_path: Path, toy_task: Path, print_line: str, status: str, match: str
) -> None:
    toy_task.write_text(toy.TASK.replace("timeout_seconds: 20", "timeout_seconds: 1"))
    hub = str(tmp_path / "short.git")
    init_hub(hub, task_file=toy_task)
    join(tmp_path / "w", hub, agent="nova")
    nova = Swarm.open(tmp_path / "w")
    (nova.workspace / "train.py").write_text(print_line + "\n")
    report = nova.run("a try")
    assert (report.outcome, report.result.status, report.result.metric) == (
        "published",
        status,
        None,
    )
    assert match in report.error
    assert report.hint
    assert match in report.result.failure
    files = hub_files(nova)
    assert f"results/{report.result.id}/result.yaml" in files
    assert not [p for p in files if p.startswith("claims/")]
    assert program(nova) == toy.PROGRAM
    assert nova.best() is None


def test_a_command_that_does_not_exist(tmp_path: Path, toy_task: Path) -> None:
    toy_task.write_text(toy.TASK.replace("run: [python,", "run: [no-such-program,"))
    hub = str(tmp_path / "odd.git")
    init_hub(hub, task_file=toy_task)
    join(tmp_path / "w", hub, agent="nova")
    nova = Swarm.open(tmp_path / "w")
    report = nova.run()
    assert (report.outcome, report.result) == ("failed", None)
    assert "no-such-program" in report.error
    assert report.hint
    assert nova.status().claims == []


def test_an_interrupt_gives_the_claim_back(agent: Agent) -> None:
    nova = agent("nova")
    (nova.workspace / "train.py").write_text("import time\ntime.sleep(60)\n")

    def stop(progress) -> None:
        if progress.phase == "run":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        nova.run("sleep", progress=stop)
    files = hub_files(nova)
    assert not [p for p in files if p.startswith(("claims/", "results/"))]


# -- claims ----------------------------------------------------------------------------------------


def test_claim_run_publish(agent: Agent) -> None:
    nova, atlas = agent("nova"), agent("atlas")
    nova.run()
    granted = nova.claim("a wider net")
    assert isinstance(granted, Granted)
    assert nova.claim("A wider net.") == granted
    taken = atlas.claim("a wider net")
    assert isinstance(taken, Taken)
    assert taken.other.agent == "nova"
    (nova.workspace / "train.py").write_text(toy.PROGRAM.replace("WIDTH = 8", "WIDTH = 64"))
    report = nova.run()
    assert report.result.description == "a wider net"
    assert report.result.delta == {"WIDTH": 64}
    assert report.result.claim == granted.claim.nonce
    assert nova.sync().online
    assert nova.status().claims == []


def test_claims_are_renewed_and_released(agent: Agent) -> None:
    nova, atlas = agent("nova"), agent("atlas")
    claim = nova.claim("RATE=0.2").claim
    (renewed,) = nova.renew()
    assert renewed.expires_at >= claim.expires_at
    assert nova.release() == [claim.id]
    assert isinstance(atlas.claim("RATE 0.1 → 0.2"), Granted)
    with pytest.raises(GitcollabError, match="holds no claim"):
        nova.release("nothing")


def test_publish_by_hand(agent: Agent, tmp_path: Path) -> None:
    nova = agent("nova")
    log = tmp_path / "run.log"
    log.write_text("step 1\n---\nscore: 1.02\nseed: 7\n")
    (nova.workspace / "train.py").write_text(toy.PROGRAM.replace("RATE = 0.1", "RATE = 0.2"))
    report = nova.publish(log)
    assert (report.outcome, report.result.metric, report.result.seed) == ("published", 1.02, 7)
    assert report.result.description == "RATE 0.1 → 0.2"
    log.write_text("nothing\n")
    with pytest.raises(GitcollabError, match="score") as caught:
        nova.publish(log)
    assert "--status crash" in caught.value.hint


# -- looking ---------------------------------------------------------------------------------------


def test_looking(agent: Agent) -> None:
    nova, atlas = agent("nova"), agent("atlas")
    nova.run()
    better = nova.run(set_values={"RATE": "0.3"})
    atlas.sync()
    atlas.run(set_values={"RATE": "0.5"})
    assert [e.rank for e in nova.leaderboard()] == [1, 2, 3][: len(nova.leaderboard())]
    nova.sync()
    assert nova.leaderboard()[0].id == better.result.id
    assert {e.agent for e in nova.leaderboard("agent")} == {"nova", "atlas"}
    page = nova.results(limit=2)
    assert (len(page.results), page.total) == (2, 3)
    rest = nova.results(limit=2, page=page.next)
    assert (len(rest.results), rest.next) == (1, None)
    ids = [r.id for r, _ in page.results + rest.results]
    assert len(set(ids)) == 3
    shown = atlas.show(better.result.id.split("/")[1])
    assert (shown.signature_ok, shown.verdict) == (True, "better")
    assert "+RATE = 0.3" in atlas.diff(better.result.id)
    with pytest.raises(GitcollabError, match="no result"):
        nova.show("nova/nothing")
    with pytest.raises(UsageError):
        nova.leaderboard("luck")


def test_adopting_keeps_edits_aside(agent: Agent) -> None:
    nova, atlas = agent("nova"), agent("atlas")
    nova.run()
    nova.run(set_values={"RATE": "0.3"})
    (atlas.workspace / "train.py").write_text("mine = 1\n")
    report = atlas.sync()
    assert report.adopted is None
    assert "your edits" in report.note
    adopted = atlas.adopt()
    assert adopted.kept_aside.read_text() == "mine = 1\n"
    assert "RATE = 0.3" in program(atlas)


def test_views_are_rebuilt_only_where_they_differ(agent: Agent) -> None:
    nova = agent("nova")
    nova.run()
    assert nova.views() == []
    store = nova.member.store
    before = hub_files(nova)
    assert {
        "README.md",
        "LEADERBOARD.md",
        "leaderboard.json",
        "progress.svg",
        "best/metadata.yaml",
    } <= before.keys()
    bare = Swarm.open(nova.workspace)  # no pages: a program that renders none writes none
    assert bare.views() == []
    assert hub_files(nova) == before
    assert store.pending() == []


# -- alone -----------------------------------------------------------------------------------------


def test_without_the_hub_work_goes_on(agent: Agent, toy_hub: Path) -> None:
    nova = agent("nova")
    nova.run()
    away = toy_hub.with_name("away.git")
    toy_hub.rename(away)
    assert isinstance(nova.claim("RATE=0.2"), Offline)
    report = nova.run(set_values={"RATE": "0.3"})
    assert (report.outcome, report.verdict, report.kept) == ("queued", "better", True)
    status = nova.status(ask=True)
    assert status.online is False
    assert [q.kind for q in status.queued] == ["publish"]
    assert status.best.id == report.result.id
    assert nova.sync().online is False
    with pytest.raises(OfflineError):
        nova.views()
    away.rename(toy_hub)
    synced = nova.sync()
    assert (synced.online, synced.delivered) == (True, 1)
    assert nova.status().queued == []
    assert f"results/{report.result.id}/result.yaml" in hub_files(nova)


def test_without_any_set_up_there_is_an_embedded_hub(tmp_path: Path) -> None:
    swarm = Swarm.open(tmp_path / "empty", create_embedded=True)
    assert swarm.hub == str(tmp_path / "empty" / ".gitcollab" / "hub.git")
    assert swarm.task.name == "micro"
    assert (tmp_path / "empty" / "train.py").is_file()


@pytest.mark.parametrize(
    "branch", ["a b", "", "..", "a..b", "/a", "a/", "a.lock", "-x", "a//b", "a/.b", "x" * 200]
)
def test_a_branch_that_cannot_be(tmp_path: Path, branch: str) -> None:
    with pytest.raises(UsageError):
        init_hub(str(tmp_path / "hub.git"), branch=branch)
    with pytest.raises(UsageError):
        join(tmp_path / "w", str(tmp_path), branch=branch)


def test_joining_where_nothing_is(tmp_path: Path) -> None:
    with pytest.raises(GitcollabError, match="no hub at") as caught:
        join(tmp_path / "w", str(tmp_path / "nothing.git"))
    assert "gitcollab init" in caught.value.hint
    assert caught.value.exit_code == 2


# -- faults that were found once -------------------------------------------------------------------


def forge(swarm: Swarm, **fields: object) -> None:
    """Put a result on the hub that no client of ours would have made."""
    done, _ = swarm.results().results[-1]
    theirs = {"id": "mallory/x-1", "agent": "mallory", "nonce": "e" * 32}
    people.plant(Path(swarm.hub), people.files_of(done.model_copy(update=theirs | fields)))
    swarm.member.store.refresh()


def test_a_record_without_its_program_is_never_adopted(agent: Agent, tmp_path: Path) -> None:
    nova, atlas = agent("nova"), agent("atlas")
    first = nova.run().result
    forge(nova, metric=0.9, fingerprint="sha256:" + "9" * 64)
    report = atlas.sync()
    assert report.adopted == first.id
    assert program(atlas) == toy.PROGRAM
    assert program(agent("orion")) == toy.PROGRAM
    with pytest.raises(GitcollabError, match="holds no"):
        atlas.diff("mallory/x-1")


def test_only_a_yes_is_a_yes(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    nova = agent("nova")
    real = nova.member.store.submit

    def broken(*requests):
        if requests[0].kind == "publish":
            return [{"outcome": "failed", "reason": "a bug"}]
        return real(*requests)

    monkeypatch.setattr(nova.member.store, "submit", broken)
    report = nova.run()
    assert report.outcome == "refused"
    assert "a bug" in report.error
    assert nova.status().claims == []


def test_one_run_at_a_time_in_a_workspace(agent: Agent) -> None:
    nova = agent("nova")
    errors = []

    def again(progress) -> None:
        if progress.phase == "claim":
            with pytest.raises(GitcollabError, match="running in") as caught:
                Swarm.open(nova.workspace).run()
            errors.append(caught.value.hint)

    assert nova.run(progress=again).outcome == "published"
    assert len(errors) == 1


def test_a_log_is_published_once(agent: Agent, tmp_path: Path) -> None:
    nova = agent("nova")
    log = tmp_path / "run.log"
    log.write_text("step 1\n---\nscore: 1.02\n")
    nova.publish(log)
    with pytest.raises(RefusedError, match="has been published"):
        nova.publish(log)
    log.write_text("no metric\n")
    with pytest.raises(GitcollabError):
        nova.publish(log, status="ok")


def test_offline_too_nothing_is_run_twice(agent: Agent, toy_hub: Path) -> None:
    nova = agent("nova")
    nova.run()
    toy_hub.rename(toy_hub.with_name("away.git"))
    assert nova.run(set_values={"WIDTH": "9"}).outcome == "queued"
    again = nova.run(set_values={"WIDTH": "9"})
    assert (again.outcome, type(again.claim)) == ("refused", Duplicate)


def test_an_interrupt_undoes_the_edit(agent: Agent) -> None:
    nova = agent("nova")

    def stop(progress) -> None:
        if progress.phase == "run":
            raise KeyboardInterrupt

    text = toy.PROGRAM.replace("import os", "import os, time; time.sleep(60)")
    (nova.workspace / "train.py").write_text(text)
    with pytest.raises(KeyboardInterrupt):
        nova.run("slow", set_values={"WIDTH": "9"}, progress=stop)
    assert program(nova) == text
    assert nova.status().claims == []


def test_an_interrupt_after_the_claim_landed_gives_it_back(
    agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    nova, atlas = agent("nova"), agent("atlas")
    real = nova.member.store.submit

    def cut(*requests):
        outcomes = real(*requests)
        if requests[0].kind == "claim":
            raise KeyboardInterrupt
        return outcomes

    monkeypatch.setattr(nova.member.store, "submit", cut)
    with pytest.raises(KeyboardInterrupt):
        nova.claim("RATE=0.2")
    assert isinstance(atlas.claim("RATE=0.2"), Granted)


def test_a_foreign_request_in_the_outbox_is_passed_over(agent: Agent, toy_hub: Path) -> None:
    nova = agent("nova")
    nova.run()
    toy_hub.rename(toy_hub.with_name("away.git"))
    member = nova.member
    odd = member.request("publish", {"result": {"id": "nova/x-1", "future": 1}, "files": {}})
    member.store._outbox.put([odd])  # as another version of gitcollab on this host may leave it
    assert [q.id for q in nova.status().queued] == [odd.id]
    assert nova.run(set_values={"WIDTH": "9"}).outcome == "queued"


def test_a_changed_task_stops_claims_until_the_next_sync(
    agent: Agent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as elsewhere:  # two machines
        elsewhere.setenv("GITCOLLAB_HOME", str(tmp_path / "elsewhere"))
        nova = agent("nova")
        nova.run()
    governing.set_task(agent("keeper").member, ["budget.seconds=6"])
    report = nova.run(set_values={"RATE": "0.2"})
    assert report.outcome == "refused"
    assert "task has changed" in report.error
    nova.sync()
    assert nova.run(set_values={"RATE": "0.2"}).outcome == "published"


def test_a_task_that_changes_during_a_run_is_told(agent: Agent, toy_hub: Path) -> None:
    from tests.swarm.test_bad_input import put

    nova = agent("nova")
    changed = toy.TASK.replace("seconds: 5", "seconds: 6").encode()

    def change(progress) -> None:
        if progress.phase == "publish":
            put(toy_hub, {"task.yaml": changed})

    report = nova.run(progress=change)
    assert report.outcome == "published"
    assert any("task changed meanwhile" in note for note in report.notes)
    assert nova.best() is None


def test_places_of_this_machine_are_not_published(agent: Agent, isolated_home: Path) -> None:
    nova = agent("nova")
    line = f"raise OSError({str(isolated_home / 'secret-plan.txt')!r}, {str(nova.workspace)!r})\n"
    (nova.workspace / "train.py").write_text(line)
    report = nova.run("a try")
    shown = nova.show(report.result.id)
    for text in (shown.log, report.result.failure):
        assert "OSError" in text
        assert str(isolated_home) not in text
        assert str(nova.workspace) not in text


def test_a_claim_in_words_is_not_spent_on_something_else(agent: Agent) -> None:
    nova = agent("nova")
    nova.run()
    spoken = nova.claim("rotary embeddings").claim
    other = nova.run(set_values={"WIDTH": "9"})
    assert other.result.description == "WIDTH 8 → 9"
    assert [c.id for c in nova.status().mine] == [spoken.id]
    assert nova.run().result.replicates  # unchanged: nothing that the words could mean


def test_a_crash_can_be_repeated_on_purpose(agent: Agent) -> None:
    nova = agent("nova")
    (nova.workspace / "train.py").write_text("raise SystemExit(3)\n")
    assert nova.run("a try").result.status == "crash"
    (nova.workspace / "train.py").write_text("raise SystemExit(3)\n")
    refused = nova.run("a try")
    assert "--anyway" in refused.hint
    assert nova.run("a try", anyway=True).outcome == "published"


def test_a_claim_is_renewed_while_its_experiment_runs(agent: Agent) -> None:
    from datetime import timedelta

    from gitcollab.swarm.claiming import Renewal

    nova = agent("nova")
    claim = nova.claim("RATE=0.2").claim
    real = nova.member.clock
    renewal = Renewal(nova.member, claim)
    renewal.tick()
    assert renewal.finish() == claim  # it is not time yet
    nova.member.clock = lambda: real() + timedelta(minutes=6)
    renewal.tick()
    assert renewal.finish().expires_at > claim.expires_at
    (standing,) = nova.status().claims
    assert standing.expires_at > claim.expires_at
    assert nova.release() == [claim.id]


@pytest.mark.parametrize("broken", ["tier: My GPU", "agent: 5", "hub: [1]", "- 1"])
def test_a_damaged_configuration_is_told(agent: Agent, broken: str) -> None:
    nova = agent("nova")
    path = nova.workspace / ".gitcollab" / "config.yaml"
    lines = [x for x in path.read_text().splitlines() if x.split(":")[0] != broken.split(":")[0]]
    path.write_text("\n".join([*lines, broken]) + "\n")
    with pytest.raises(GitcollabError, match=r"config\.yaml") as caught:
        Swarm.open(nova.workspace)
    assert caught.value.hint


def test_the_protocol_speaks_of_the_hubs_own_task(agent: Agent) -> None:
    told = (agent("nova").workspace / "collab.md").read_text()
    assert "`score` after a fixed budget; lower is better" in told
    assert "val_bpb" not in told


def test_the_public_swarm_renders_the_pages(agent: Agent) -> None:
    import gitcollab

    nova = agent("nova")
    public = gitcollab.Swarm.open(nova.workspace)
    public.run()
    assert public.views() == []
    assert b"1.040000" in hub_files(public)["README.md"]
