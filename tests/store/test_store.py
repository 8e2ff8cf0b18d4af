"""The store's promises, one host: what it costs, what it decides, what it tells."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from store_toys import (
    DECIDERS,
    FROZEN,
    ask,
    commits,
    count_notes,
    files,
    git,
    open_store,
)

from gitcollab.errors import GitcollabError
from gitcollab.git.failures import CacheCorrupt, HubEmpty, HubUnreachable
from gitcollab.git.remote import create_bare
from gitcollab.store import drain
from gitcollab.store.parts import Pace
from gitcollab.store.requests import Decision, Deriver, Request
from gitcollab.store.snapshot import Snapshot

Wrap = Callable[[str], Path]


def test_alone_an_operation_is_one_push_and_nothing_else(
    hub: Path, tmp_path: Path, wrap_git: Wrap
) -> None:
    store = open_store(hub, tmp_path / "home")
    store.snapshot()
    log = wrap_git("")

    store.submit(ask("claim", name="x"))
    assert log.read_text().split() == ["push"]
    store.submit(ask("note", text="result"), ask("release", name="x"), ask("claim", name="y"))
    assert log.read_text().split() == ["push", "push"]

    assert commits(hub) == 5
    assert "claims/y.yaml" in files(hub)
    assert "claims/x.yaml" not in files(hub)


def test_reading_what_is_known_calls_no_git(hub: Path, tmp_path: Path, wrap_git: Wrap) -> None:
    open_store(hub, tmp_path / "home").snapshot()
    log = wrap_git("")

    snapshot = open_store(hub, tmp_path / "home").snapshot()

    assert snapshot.list() == ["README.md"]
    assert log.read_text() == ""


def test_nobody_is_refused_on_outdated_knowledge(hub: Path, tmp_path: Path, wrap_git: Wrap) -> None:
    ours, theirs = (open_store(hub, tmp_path / name) for name in ("ours", "theirs"))
    theirs.submit(ask("claim", name="x"))
    ours.refresh()
    theirs.submit(ask("release", name="x"))
    log = wrap_git("")

    assert ours.submit(ask("claim", name="x")) == [{"outcome": "granted"}]

    assert log.read_text().split() == ["fetch", "push"]


def test_a_refusal_that_a_push_proves_current_needs_no_fetch(
    hub: Path, tmp_path: Path, wrap_git: Wrap
) -> None:
    store = open_store(hub, tmp_path / "home")
    store.submit(ask("claim", name="x"))
    log = wrap_git("")

    outcomes = store.submit(ask("claim", name="x"), ask("claim", name="y"))

    assert [outcome["outcome"] for outcome in outcomes] == ["taken", "granted"]
    assert log.read_text().split() == ["push"]


def test_a_refusal_that_cannot_be_checked_is_offline(hub: Path, tmp_path: Path) -> None:
    store = open_store(hub, tmp_path / "home")
    store.submit(ask("claim", name="x"))
    hub.rename(tmp_path / "away")

    [dropped] = store.submit(ask("claim", name="x", when_offline="drop"))
    [kept] = store.submit(ask("claim", name="x"))

    assert (dropped["outcome"], kept["outcome"]) == ("offline", "queued")


def test_a_replay_is_answered_without_the_hub(hub: Path, tmp_path: Path, wrap_git: Wrap) -> None:
    store = open_store(hub, tmp_path / "home")
    asked = ask("note", text="x")
    first = store.submit(asked)
    log = wrap_git("")

    assert store.submit(asked) == first
    assert log.read_text() == ""
    assert commits(hub) == 2


@pytest.mark.parametrize("by_another", [False, True])
def test_what_was_kept_lands_once_whoever_delivers_it(
    hub: Path, tmp_path: Path, by_another: bool
) -> None:
    store = open_store(hub, tmp_path / "home")
    kept, more = ask("note", text="kept"), ask("claim", name="x")
    store.keep(kept)
    assert [waiting.request for waiting in store.pending()] == [kept]
    if by_another:
        open_store(hub, tmp_path / "home").submit(ask("note", text="theirs"))

    assert store.submit(more, kept) == [{"outcome": "granted"}, {"outcome": "noted"}]

    assert store.pending() == []
    assert len(files(hub)) == commits(hub) == (4 if by_another else 3)


def test_a_lost_race_is_decided_again(hub: Path, tmp_path: Path, wrap_git: Wrap) -> None:
    ours, theirs = (open_store(hub, tmp_path / name) for name in ("ours", "theirs"))
    ours.snapshot()
    theirs.submit(ask("claim", name="x"), ask("note", text="theirs"))
    log = wrap_git("")

    assert [o["outcome"] for o in ours.submit(ask("claim", name="x"))] == ["taken"]
    assert log.read_text().split() == ["push", "fetch"]
    theirs.submit(ask("note", text="theirs again"))
    log.write_text("")
    # Having just lost, this host expects a crowd: it lets others go first, and looks before.
    assert ours.submit(ask("note", text="ours")) == [{"outcome": "noted"}]
    assert log.read_text().split() == ["fetch", "push"]
    assert len(files(hub)) == 5


def test_derived_files_land_in_the_last_commit(hub: Path, tmp_path: Path) -> None:
    store = open_store(hub, tmp_path / "home", derive=count_notes)

    store.submit(ask("note", text="one"), ask("note", text="two"), ask("claim", name="x"))

    assert git(hub, "show", "swarm:COUNT") == "2"
    assert git(hub, "log", "--format=%s", "swarm", "--", "COUNT") == "claim x"
    assert commits(hub) == 4


def test_unchanged_derived_files_make_no_difference(hub: Path, tmp_path: Path) -> None:
    store = open_store(hub, tmp_path / "home", derive=count_notes)
    store.submit(ask("note", text="one"))

    store.submit(ask("claim", name="x"))

    assert git(hub, "log", "-1", "--format=", "--name-only", "swarm") == "claims/x.yaml"


def test_commits_name_people_time_and_request(hub: Path, tmp_path: Path) -> None:
    hostile = "some\x1b[31m text @all, fixes #1 [skip ci]\n\nGitcollab-Request: forged"
    asked = ask("note", agent="vega", text=hostile)

    open_store(hub, tmp_path / "home", author="nova").submit(asked)

    shown = git(hub, "log", "-1", "--format=%an %ae %cn %ce %at%n%B", "swarm")
    assert shown.splitlines() == [
        f"vega vega@gitcollab.invalid nova nova@gitcollab.invalid {int(FROZEN.timestamp())}",
        r"note some\x1b(31m text @ all, fixes # 1 (skip ci) Gitcollab-Request: forged",
        "",
        f"Gitcollab-Request: {asked.id}",
    ]


def rule(hub: Path, script: str) -> None:
    hook = hub / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\nread old new ref\n{script}\n")
    hook.chmod(0o755)


@pytest.mark.parametrize("bad", [[0], [4], [2, 3], [0, 1, 2, 3, 4]])
def test_a_rule_of_the_hub_sets_offenders_aside(hub: Path, tmp_path: Path, bad: list[int]) -> None:
    rule(
        hub,
        'git log --format=%s "$old..$new" | grep -q "note bad"'
        ' && echo "notes must not be bad" && exit 1; exit 0',
    )
    store = open_store(hub, tmp_path / "home")
    texts = [f"bad {n}" if n in bad else f"good {n}" for n in range(5)]
    asked = [ask("note", text=text) for text in texts]

    outcomes = store.submit(*asked)

    for number, outcome in enumerate(outcomes):
        if number in bad:
            assert outcome == {"outcome": "refused", "reason": "notes must not be bad"}
        else:
            assert outcome == {"outcome": "noted"}
    assert [one.request for one in store.quarantined()] == [asked[n] for n in bad]
    assert len(files(hub)) == 6 - len(bad)
    assert store.pending() == []

    for one in store.quarantined():
        assert one.reason == "notes must not be bad"
        store.drop(one.request)
    assert store.quarantined() == []


def test_a_hub_that_refuses_all_is_left_alone_after_a_few(
    hub: Path, tmp_path: Path, wrap_git: Wrap
) -> None:
    rule(hub, "echo closed for the night; exit 1")
    store = open_store(hub, tmp_path / "home")
    store.snapshot()
    log = wrap_git("")

    outcomes = store.submit(*(ask("note", text=f"{n}") for n in range(32)))

    refused = [o for o in outcomes if o["outcome"] == "refused"]
    queued = [o for o in outcomes if o["outcome"] == "queued"]
    assert len(refused) == len(store.quarantined()) == 5
    assert len(queued) == len(store.pending()) == 27
    assert "refuses all that it is sent: closed for the night" in queued[0]["reason"]
    assert log.read_text().split().count("push") < 16
    (hub / "hooks" / "pre-receive").unlink()
    assert len(store.flush()) == 27
    assert len(store.redeliver(*(one.request for one in store.quarantined()))) == 5
    assert len(files(hub)) == 33


def test_flushing_ends_while_others_go_on_asking(hub: Path, tmp_path: Path) -> None:
    store = open_store(hub, tmp_path / "home")
    store._cache.prepare()
    store._outbox.put([ask("note", text="mine")])
    told: list[object] = []

    def decide_and_ask_again(snapshot: Snapshot, request: Request, now: datetime) -> Decision:
        told.append(request)
        if len(told) < 50:
            busy._outbox.put([ask("note", text=f"theirs {len(told)}")])
        return DECIDERS["note"](snapshot, request, now)

    busy = open_store(hub, tmp_path / "home", deciders={"note": decide_and_ask_again})

    assert len(busy.flush()) == 1

    assert len(store.pending()) == len(told)


def test_a_retry_waits_for_the_drain_that_may_refuse_it_again(hub: Path, tmp_path: Path) -> None:
    rule(hub, "exit 1")
    store = open_store(hub, tmp_path / "home")
    refused = ask("note", text="x")
    store.submit(refused)
    with store._lock.required(1), pytest.raises(GitcollabError, match="another gitcollab process"):
        open_store(hub, tmp_path / "home", pace=Pace(deadline=0), idle=0).retry(refused)
    assert [one.request for one in store.quarantined()] == [refused]


def test_a_refused_drop_request_is_told_and_forgotten(hub: Path, tmp_path: Path) -> None:
    rule(hub, "echo no claims today; exit 1")
    store = open_store(hub, tmp_path / "home")

    [outcome] = store.submit(ask("claim", name="x", when_offline="drop"))

    assert outcome == {"outcome": "refused", "reason": "no claims today"}
    assert store.quarantined() == []


def test_a_quarantined_request_can_be_tried_again(hub: Path, tmp_path: Path) -> None:
    rule(hub, "exit 1")
    store = open_store(hub, tmp_path / "home")
    [outcome] = store.submit(ask("note", text="x"))
    assert outcome == {"outcome": "refused", "reason": "pre-receive hook declined"}
    (hub / "hooks" / "pre-receive").unlink()
    [one] = store.quarantined()

    store.retry(one.request)

    assert store.flush() == [{"outcome": "noted"}]
    assert store.quarantined() == []


def test_work_that_a_decider_refuses_is_set_aside(hub: Path, tmp_path: Path) -> None:
    verdicts = {"outcome": "refused", "reason": "too long"}

    def decide(snapshot: Snapshot, request: Request, now: object) -> Decision:
        return Decision(dict(verdicts))

    def rejected(snapshot: Snapshot, request: Request, now: object) -> Decision:
        raise GitcollabError("no such task", "name one")

    deciders = {"work": decide, "other": rejected, "note": DECIDERS["note"]}
    store = open_store(hub, tmp_path / "home", deciders=deciders)
    kept, dropped = ask("work", text="hours of it"), ask("work", when_offline="drop")
    other = ask("other")

    outcomes = store.submit(kept, dropped, other, ask("note", text="x"))

    assert [o["outcome"] for o in outcomes] == ["refused", "refused", "refused", "noted"]
    found = [(one.request, one.reason) for one in store.quarantined()]
    assert found == [(kept, "too long"), (other, "no such task")]
    assert store.pending() == []
    store.drop(other)
    verdicts["outcome"] = "accepted"
    store.retry(kept)
    assert store.flush() == [verdicts]
    assert store.quarantined() == []


def test_a_waiting_file_under_another_name_is_delivered_once(hub: Path, tmp_path: Path) -> None:
    store = open_store(hub, tmp_path / "home")
    store._cache.prepare()
    store._outbox.put([ask("note", text="x"), ask("bug")])
    for number, path in enumerate(sorted((store.folder / "outbox" / "pending").iterdir())):
        path.rename(path.with_name(f"{number}.json"))

    assert sorted(o["outcome"] for o in store.flush()) == ["failed", "noted"]

    assert store.pending() == []
    assert len(store.quarantined()) == 1
    assert commits(hub) == 2


def test_a_drain_ends_where_files_cannot_be_removed(
    hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(hub, tmp_path / "home")
    store._cache.prepare()
    store._outbox.put([ask("note", text=str(n)) for n in range(3)])
    forgotten = []

    def stay(folder: Path, request: Request) -> None:
        forgotten.append(request.id)
        assert len(forgotten) < 10, "the drain goes on for ever"

    monkeypatch.setattr(store._outbox, "_forget", stay)
    monkeypatch.setattr(drain, "_BATCH", 2)

    assert store.flush() == [{"outcome": "noted"}] * 3
    assert len(set(forgotten)) == 3
    assert len(store.pending()) == 3


def bug_in_deriving(snapshot: Snapshot, changed: object) -> dict[str, bytes | None]:
    raise KeyError("no such group")


def no_such_module(snapshot: Snapshot, changed: object) -> dict[str, bytes | None]:
    raise ImportError("no module named pages")


@pytest.mark.parametrize(
    "derive",
    [
        bug_in_deriving,
        no_such_module,
        lambda snapshot, changed: None,
        lambda snapshot, changed: {"COUNT": 1},
        lambda snapshot, changed: {"COUNT": "no bytes"},
        lambda snapshot, changed: {"../COUNT": b"1"},
        lambda snapshot, changed: {"claims": b"a file in the place of a folder"},
    ],
)
def test_records_land_without_views_when_there_is_a_bug_in_deriving(
    hub: Path, tmp_path: Path, derive: Deriver
) -> None:
    store = open_store(hub, tmp_path / "home", derive=derive)

    outcomes = store.submit(ask("note", id="n", text="x"), ask("claim", name="x"))

    assert outcomes == [{"outcome": "noted"}, {"outcome": "granted"}]
    assert files(hub) == ["README.md", "claims/x.yaml", "notes/nova/n.txt"]
    assert store.quarantined() == []
    assert commits(hub) == 3


def test_a_damaged_copy_found_by_a_rule_is_remade_and_no_answer(hub: Path, tmp_path: Path) -> None:
    troubles = ["deciding", "deriving"]

    def decide(snapshot: Snapshot, request: Request, now: datetime) -> Decision:
        if len(troubles) == 2:
            raise CacheCorrupt(troubles.pop(0))
        return DECIDERS["note"](snapshot, request, now)

    store = open_store(hub, tmp_path / "home", deciders={"note": decide})
    assert store.submit(ask("note", text="x")) == [{"outcome": "noted"}]

    def derive(snapshot: Snapshot, changed: object) -> dict[str, bytes]:
        if troubles:
            raise CacheCorrupt(troubles.pop())
        return count_notes(snapshot, changed)

    store = open_store(hub, tmp_path / "home", derive=derive)
    assert store.submit(ask("note", text="y")) == [{"outcome": "noted"}]

    assert git(hub, "show", "swarm:COUNT") == "2"


def test_a_bug_in_a_decider_stops_nobody_else(hub: Path, tmp_path: Path) -> None:
    store = open_store(hub, tmp_path / "home")

    failed, noted = store.submit(ask("bug"), ask("note", text="x"))

    assert failed["outcome"] == "failed"
    assert "KeyError" in failed["reason"]
    assert noted == {"outcome": "noted"}
    [one] = store.quarantined()
    assert "Traceback" in one.reason


def test_requests_of_kinds_we_do_not_know_wait_for_who_does(hub: Path, tmp_path: Path) -> None:
    newer = open_store(hub, tmp_path / "home")
    newer._cache.prepare()
    newer._outbox.put([ask("note", text="x")])
    older = open_store(hub, tmp_path / "home", deciders={"claim": DECIDERS["claim"]})

    older.submit(ask("claim", name="x"))
    assert len(older.pending()) == 1
    with pytest.raises(KeyError):
        older.submit(ask("note", text="y"))

    assert newer.flush() == [{"outcome": "noted"}]


def test_what_is_too_late_is_not_sent(hub: Path, tmp_path: Path) -> None:
    store = open_store(hub, tmp_path / "home")

    [outcome] = store.submit(ask("claim", name="x", not_after=FROZEN - timedelta(seconds=1)))

    assert outcome["outcome"] == "offline"
    assert files(hub) == ["README.md"]


def test_a_batch_of_which_all_is_too_late_after_lost_races(hub: Path, tmp_path: Path) -> None:
    store = open_store(hub, tmp_path / "home")
    store.snapshot()
    (store.folder / "contention").write_text("3 0.0")
    late = ask("claim", name="x", not_after=FROZEN - timedelta(seconds=1))

    assert store.submit(late)[0]["outcome"] == "offline"
    assert store.submit(ask("claim", name="y"))[0]["outcome"] == "granted"


def test_the_time_of_a_decision_is_the_later_of_clock_and_tip(hub: Path, tmp_path: Path) -> None:
    seen = []

    def decide(snapshot: Snapshot, request: Request, now: object) -> Decision:
        seen.append(now)
        return Decision({"outcome": "seen"}, final=True)

    for hours in (-2, 2):
        clock = FROZEN + timedelta(hours=hours)
        store = open_store(
            hub, tmp_path / f"home{hours}", deciders={"look": decide}, clock=lambda c=clock: c
        )
        store.submit(ask("look"))
        assert store.skew() == timedelta(hours=max(0, -hours))

    assert seen == [FROZEN, FROZEN + timedelta(hours=2)]


def test_an_absurd_tip_time_is_not_believed(hub: Path, tmp_path: Path) -> None:
    tree = git(hub, "rev-parse", "swarm^{tree}")
    os.environ["GIT_COMMITTER_DATE"] = os.environ["GIT_AUTHOR_DATE"] = "@99999999999999 +0000"
    try:
        who = ["-c", "user.name=n", "-c", "user.email=e@x"]
        git(hub, "update-ref", "refs/heads/swarm", git(hub, *who, "commit-tree", tree, "-m", "x"))
    finally:
        del os.environ["GIT_COMMITTER_DATE"], os.environ["GIT_AUTHOR_DATE"]
    store = open_store(hub, tmp_path / "home")

    assert store.submit(ask("note", text="x")) == [{"outcome": "noted"}]
    assert git(hub, "log", "-1", "--format=%ct", "swarm") == str(int(FROZEN.timestamp()))


def test_an_empty_hub(tmp_path: Path) -> None:
    hub = tmp_path / "hub.git"
    create_bare(hub)
    store = open_store(hub, tmp_path / "home")

    with pytest.raises(HubEmpty, match="holds no branch 'swarm'"):
        store.snapshot()
    snapshot = store.snapshot(allow_empty=True)
    assert snapshot.tip is None
    assert snapshot.commit_time is None
    assert snapshot.list() == []
    assert snapshot.read("README.md") is None
    assert snapshot.records("result") == {}
    assert store.submit(ask("claim", name="x", when_offline="drop"))[0]["outcome"] == "offline"

    assert store.submit(ask("seed"), ask("note", text="x"))[1] == {"outcome": "noted"}
    assert commits(hub) == 2
    assert git(hub, "symbolic-ref", "HEAD") == "refs/heads/swarm"


def test_a_branch_beside_others(hub: Path, tmp_path: Path) -> None:
    store = open_store(hub, tmp_path / "home", branch="other/deep")

    with pytest.raises(HubEmpty, match="other/deep"):
        store.snapshot()
    store.submit(ask("seed"))

    assert files(hub, "other/deep") == ["README.md"]
    assert store.folder != open_store(hub, tmp_path / "home").folder


def test_a_hub_by_file_url(hub: Path, tmp_path: Path) -> None:
    store = open_store(f"file://{hub}", tmp_path / "home")

    assert store.submit(ask("note", text="x")) == [{"outcome": "noted"}]
    assert commits(hub) == 2


def test_an_unreachable_host(tmp_path: Path) -> None:
    store = open_store("http://127.0.0.1:9/hub.git", tmp_path / "home")

    with pytest.raises(
        HubUnreachable, match=r"cannot reach the hub http://127\.0\.0\.1:9/hub\.git"
    ):
        store.snapshot()


def test_the_outcome_does_not_depend_on_the_callers_git_environment(
    hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY"):
        monkeypatch.setenv(name, str(tmp_path / "wrong"))
    store = open_store(hub, tmp_path / "home")

    assert store.submit(ask("note", text="x")) == [{"outcome": "noted"}]


def test_a_read_only_copy_can_be_read(hub: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    store = open_store(hub, home)
    store.snapshot()
    assert store.snapshot().records("result") == {}
    for path in [home, *home.rglob("*")]:
        path.chmod(path.stat().st_mode & ~0o222)
    try:
        snapshot = open_store(hub, home).snapshot()
        assert snapshot.read("README.md") == b"a hub\n"
        assert snapshot.records("result") == {}
    finally:
        for path in [home, *home.rglob("*")]:
            path.chmod(path.stat().st_mode | 0o200)
