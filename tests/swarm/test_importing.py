"""A log of experiments becomes results: what each is, who vouches for it, and what comes twice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gitcollab.errors import OfflineError, RefusedError, UsageError
from gitcollab.faces.pages import pages
from gitcollab.records.models import Result
from gitcollab.similarity.program import fingerprint
from gitcollab.store.drain import Drain
from gitcollab.swarm import governing
from gitcollab.swarm.engine import candidates, policy
from gitcollab.swarm.exporting import cells
from gitcollab.swarm.home import key_path
from gitcollab.swarm.hooks import install
from gitcollab.swarm.importing import Wanted
from gitcollab.swarm.looking import NoProgram
from gitcollab.swarm.outcomes import Duplicate
from gitcollab.swarm.swarm import Swarm
from gitcollab.swarm.verifying import copy_of, open_hub, verify_all, verify_range
from tests import toy
from tests.repos import git
from tests.swarm.machines import Machines, member_of

LOG = """\
commit\tscore\tmemory_gb\tstatus\tdescription
baseline\t1.040000\t1.0\tkeep\tbaseline
a1a1a1a\t1.010000\t1.0\tkeep\tRATE 0.1 to 0.2
b2b2b2b\t1.020000\t1.5\tdiscard\tWIDTH=16
c3c3c3c\t0.000000\t0.0\tcrash\tWIDTH 8 to 99
d4d4d4d\t1.000000\t1.0\tkeep\tRATE=0.3
e5e5e5e\t1.050000\t1.0\tdiscard\tmake RATE depend on the seed
"""
REAL = Path(__file__).parents[3] / "shared" / "data" / "autoresearch-h100-mar8.tsv"

Agent = Callable[[str], Swarm]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "results.tsv"
    path.write_text(LOG)
    return path


def results(swarm: Swarm) -> list[Result]:
    """All results, in the order of time."""
    return [result for result, _ in swarm.results(limit=1000).results][::-1]


def breaches(swarm: Swarm) -> list[str]:
    """What the doors say of the hub as it stands, and of each commit that led there."""
    member = swarm.member
    repository, snapshot = copy_of(member), member.store.refresh()
    assert snapshot.tip is not None
    state = verify_all(repository, snapshot, pages)
    history = verify_range(repository, None, snapshot.tip, pages, datetime.now(UTC))
    return [f"{b.path}: {b.reason}" for v in (state, history) for b in v.breaches]


def test_each_row_becomes_a_result(agent: Agent, log: Path) -> None:
    nova, start = agent("nova"), datetime.now(UTC).replace(microsecond=0)
    report = nova.import_log(log, Wanted(agent="karp", tier="xl", device="H100 of a friend"))
    assert (report.rows, report.imported, report.there, report.crashes) == (6, 6, 0, 1)
    assert (report.agent, report.registered, report.queued, report.refused) == ("karp", True, 0, [])
    made = results(nova)
    base, rate, width, crash, best, last = made
    assert [r.metric for r in made] == [1.04, 1.01, 1.02, None, 1.0, 1.05]
    assert [r.base for r in made] == [None, base.id, rate.id, rate.id, rate.id, best.id]
    assert [r.delta for r in made] == [
        *({}, {"RATE": 0.2}, {"WIDTH": 16}, {"WIDTH": 99}, {"RATE": 0.3}, {}),
    ]
    assert (crash.status, crash.metrics) == ("crash", {})
    assert (width.metrics, width.agent) == ({"memory_gb": 1.5}, "karp")
    assert {r.hardware.device for r in made} == {"H100 of a friend"}
    assert {r.hardware.tier for r in made} == {"xl"}
    assert all(r.fingerprint is None for r in made)
    assert last.created_at - base.created_at == timedelta(seconds=5)
    assert start <= last.created_at <= datetime.now(UTC)
    told = nova.show(rate.id)
    assert told.log.splitlines() == [
        "imported from results.tsv, line 3: what it says was measured",
        "columns: commit, score, memory_gb, status, description",
        "a1a1a1a 1.010000    1.0 keep    RATE 0.1 to 0.2",
    ]
    assert (told.signature_ok, told.void, told.verdict) == (True, None, "better")
    assert nova.signed(rate.id) is True
    assert not breaches(nova)


def first_choice(nova: Swarm) -> str | None:
    """The program that would be run now."""
    return nova.next_choices().choices[0].plan.experiment.fingerprint


def test_they_rank_and_are_nobodys_program(agent: Agent, log: Path, toy_hub: Path) -> None:
    nova = agent("nova")
    nova.import_log(log)
    best = nova.best()
    assert best is not None
    assert (best.description, best.standing) == ("RATE=0.3", "provisional")
    assert not nova.has_program(best.id)
    # What cannot be run is neither adopted nor run again.
    program = nova.workspace / "train.py"
    assert nova.sync().adopted is None
    assert nova.adopt().id is None
    assert program.read_text() == toy.PROGRAM
    assert first_choice(nova) == fingerprint(toy.PROGRAM)
    for look in (nova.diff, lambda i: nova.diff(best.id, i)):
        with pytest.raises(NoProgram, match="its program is not on the hub"):
            look(best.id)
    # What is run here takes the lead of those that can be.
    assert nova.run().outcome == "published"
    assert nova.sync().best == best
    shot = nova.member.store.snapshot()
    assert shot.read("best/train_py") is None
    assert b"RATE=0.3" in (shot.read("best/metadata.yaml") or b"")
    assert "best/train_py)" not in (shot.read("README.md") or b"").decode()
    assert not breaches(nova)


def test_many_of_them_are_not_in_the_way_of_programs(
    agent: Agent, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nova = agent("nova")
    nova.run(set_values={"RATE": "0.2"})
    ran = fingerprint(nova.member.workspace.program(nova.task))
    nova.import_log(log)
    for module in (policy, candidates):
        monkeypatch.setattr(module, "MOST", 2)
    assert first_choice(nova) == ran


def test_again_it_adds_what_is_new(agent: Agent, log: Path, tmp_path: Path) -> None:
    nova = agent("nova")
    before = [r.id for r in results(nova)] or nova.import_log(log).ids
    again = nova.import_log(log)
    assert (again.imported, again.there, again.ids) == (0, 6, [])
    # The same log as a spreadsheet writes it, and with another row.
    lines = [line.split("\t") for line in LOG.splitlines()]
    rows = [",".join(f'"{cell}"' for cell in reversed(line)) for line in lines]
    other = tmp_path / "other.csv"
    other.write_bytes("\r\n".join([*rows, "new,keep,1.0,0.9,f6f6f6f"]).encode("utf-8-sig"))
    grown = nova.import_log(other)
    assert (grown.imported, grown.there) == (1, 6)
    made = results(nova)
    assert [r.id for r in made] == [*before, *grown.ids]
    assert made[-1].base == made[4].id


def test_of_another_agent_they_are_other_results(agent: Agent, log: Path) -> None:
    nova = agent("nova")
    nova.import_log(log)
    assert nova.import_log(log, Wanted(agent="karp")).imported == 6
    assert len(results(nova)) == 12


def test_a_dry_run_changes_nothing(agent: Agent, log: Path) -> None:
    nova = agent("nova")
    tip = nova.member.store.refresh().tip
    report = nova.import_log(log, Wanted(agent="karp"), dry_run=True)
    assert (report.imported, report.crashes, report.dry_run, len(report.ids)) == (6, 1, True, 6)
    assert nova.member.store.refresh().tip == tip
    assert not results(nova)


def test_what_a_row_says_of_itself(agent: Agent, tmp_path: Path) -> None:
    nova, path = agent("nova"), tmp_path / "log.csv"
    path.write_text("score,description,tokens/s,seed,tier,note\n1.0,baseline,5e6,7,large,x\n")
    started = datetime(2026, 3, 8, 9, tzinfo=UTC)
    nova.import_log(path, Wanted(started=started))
    (made,) = results(nova)
    assert (made.metrics, made.seed, made.hardware.tier) == ({"tokens_s": 5e6}, 7, "large")
    assert (made.hardware.device, made.started_at) == ("unknown", started)


def test_a_task_that_maximises(machines: Machines, tmp_path: Path, log: Path) -> None:
    hub = machines.hub("metric.direction=maximize", "metric.name=accuracy")
    nova = Swarm(member_of(hub, "nova"))
    with pytest.raises(UsageError, match="no column accuracy"):
        nova.import_log(log)
    with pytest.raises(UsageError, match="the log is of what to minimize") as caught:
        nova.import_log(log, Wanted(direction="minimize"))
    assert "--metric COLUMN" in caught.value.hint
    nova.import_log(log, Wanted(metric="Score", direction="minimize"))
    best = nova.best()
    assert best is not None
    assert best.metric == 1.05


@pytest.mark.parametrize("name", ["Nova", "a b", "../x", "none", ""])
def test_names_that_no_agent_may_have(agent: Agent, log: Path, name: str) -> None:
    with pytest.raises(UsageError, match="cannot be an agent's name"):
        agent("nova").import_log(log, Wanted(agent=name))


@pytest.mark.parametrize("tier", ["XL 8", "any", "all"])
def test_tiers_that_cannot_be(agent: Agent, log: Path, tier: str) -> None:
    with pytest.raises(UsageError, match="cannot be a tier"):
        agent("nova").import_log(log, Wanted(tier=tier))


# -- whose word it is ------------------------------------------------------------------------------


def test_without_programs_a_maintainer_has_to_vouch(machines: Machines, log: Path) -> None:
    hub = machines.hub()
    install(hub)
    machines.at("elsewhere")
    nova = Swarm(member_of(hub, "nova"))
    with pytest.raises(RefusedError, match="only a maintainer imports it") as caught:
        nova.import_log(log)
    assert "ask a maintainer (keeper)" in caught.value.hint
    assert "--repo" in caught.value.hint
    would = nova.import_log(log, dry_run=True)
    assert (would.imported, would.ids, would.left, len(would.refused)) == (0, [], [], 6)
    assert "only a maintainer imports it (ask a maintainer (keeper)" in would.refused[0]
    assert not nova.outbox().refused
    # The same through the hub's own door, with a maintainer's word.
    machines.at("keeper")
    keeper = Swarm(member_of(hub, "nebula"))
    assert keeper.import_log(log).imported == 6
    assert not verify_all(open_hub(hub, "swarm"), keeper.member.store.refresh(), pages).breaches
    assert not breaches(keeper)


def test_a_stranger_cannot_vouch(machines: Machines, log: Path) -> None:
    from gitcollab.swarm import importing, keyring

    hub = machines.hub()
    install(hub)
    machines.at("elsewhere")
    nova = Swarm(member_of(hub, "nova"))
    own = nova.member.key
    for name in ("keeper", "nova"):  # in the maintainer's name, and in its own
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(importing.keyring, "maintainer_key", lambda _, n=name: (n, own))
            report = nova.import_log(log)
        assert report.imported == 0
        assert len(report.refused) == 6
    assert keyring.maintainer_key is not None
    assert not nova.member.store.refresh().records("result")


def test_who_waits_is_admitted_first(machines: Machines, log: Path) -> None:
    hub = machines.hub("policy.admission=approval")
    keeper = Swarm(member_of(hub, "keeper"))
    with pytest.raises(RefusedError, match="karp waits for a maintainer") as caught:
        keeper.import_log(log, Wanted(agent="karp"))
    assert "gitcollab admit karp" in caught.value.hint
    governing.admit(keeper.member, "karp")
    assert keeper.import_log(log, Wanted(agent="karp")).imported == 6
    governing.suspend(keeper.member, "karp")
    (log.parent / "more.tsv").write_text(LOG + "f6f6f6f\t0.9\t1.0\tkeep\tmore\n")
    with pytest.raises(RefusedError, match="karp is suspended"):
        keeper.import_log(log.parent / "more.tsv", Wanted(agent="karp"))


def test_a_maintainers_machine_needs_no_invitation(machines: Machines, log: Path) -> None:
    hub = machines.hub("policy.admission=invite")
    keeper = Swarm(member_of(hub, "keeper"))
    assert keeper.import_log(log, Wanted(agent="karp")).imported == 6
    assert not breaches(keeper)


def test_somebody_elses_name(machines: Machines, log: Path) -> None:
    hub = machines.hub()
    machines.at("elsewhere")
    member_of(hub, "karp")
    machines.at("keeper")
    nova = Swarm(member_of(hub, "nova"))
    with pytest.raises(RefusedError, match="karp is registered with a key that is not here"):
        nova.import_log(log, Wanted(agent="karp"))


def test_floods_are_told_before_anything_is_sent(machines: Machines, log: Path) -> None:
    hub = machines.hub("policy.limits.records_per_day=5")
    nova = Swarm(member_of(hub, "nova"))
    with pytest.raises(RefusedError, match="the hub takes 5 of an agent a day") as caught:
        nova.import_log(log)
    assert "policy.limits.records_per_day=6" in caught.value.hint
    assert not results(nova)


# -- programs --------------------------------------------------------------------------------------


@pytest.fixture
def session(tmp_path: Path) -> tuple[Path, Path]:
    """A repository with the programs of a log, and the log: its last row's commit is gone."""
    repo, path = tmp_path / "repo", tmp_path / "session.tsv"
    repo.mkdir()
    git(repo, "init", "-q")
    commits = []
    for change in ("", "0.2", "0.5", "0.3"):
        text = toy.PROGRAM.replace("RATE = 0.1", f"RATE = {change}") if change else toy.PROGRAM
        (repo / "train.py").write_text(text + f"# {change}\n")
        git(repo, "add", ".")
        git(repo, "commit", "-q", "-m", "x")
        commits.append(git(repo, "rev-parse", "--short", "HEAD"))
    rows = [
        f"{commits[0]}\t1.04\tkeep\tbaseline",
        f"{commits[1]}\t1.01\tkeep\tfaster",
        f"{commits[2]}\t1.04\tdiscard\tmuch faster",
        f"{commits[3]}\t1.00\tkeep\ta little slower",
        f"{commits[3]}\t1.00\tdiscard\tthe same again",
        "abcdef0\t0.99\tkeep\tWIDTH=9",
        "abcdef1\t0.00\tcrash\tWIDTH=10",
    ]
    path.write_text("\n".join(["commit\tscore\tstatus\tdescription", *rows]))
    return repo, path


def test_programs_come_from_the_repository(machines: Machines, session: tuple[Path, Path]) -> None:
    repo, path = session
    hub = machines.hub()
    install(hub)
    machines.at("elsewhere")
    nova = Swarm(member_of(hub, "nova"))
    would = nova.import_log(path, Wanted(repo=repo), dry_run=True)
    report = nova.import_log(path, Wanted(repo=repo))
    assert (would.imported, would.left, would.ids) == (6, report.left, report.ids)
    assert (report.imported, report.refused) == (6, [])
    assert [one.line for one in report.left] == [7]
    assert "line 7 (abcdef0), line 8 (abcdef1)" in report.notes[0]
    base, fast, faster, best, again, crash = results(nova)
    assert base.fingerprint == base.base_fingerprint == fingerprint(toy.PROGRAM)
    assert [r.delta for r in (base, fast, faster, best)] == [
        *({}, {"RATE": 0.2}, {"RATE": 0.5}, {"RATE": 0.3}),
    ]
    assert (best.base, best.base_fingerprint) == (fast.id, fast.fingerprint)
    assert (again.replicates, again.fingerprint) == (best.id, best.fingerprint)
    assert (crash.fingerprint, crash.base, crash.status) == (None, best.id, "crash")
    assert "RATE = 0.2" in nova.show(fast.id).program
    match nova.claim("raise RATE to 2e-1"):  # it has been done, says the log
        case Duplicate(other=other):
            assert other.id == fast.id
        case answer:
            pytest.fail(f"{answer}")
    adopted = nova.adopt()
    assert adopted.id == best.id
    again = nova.import_log(path, Wanted(repo=repo))
    assert (again.imported, again.there, [one.line for one in again.left]) == (0, 6, [7])
    assert not breaches(nova)


def test_what_is_there_needs_nobodys_word(machines: Machines, log: Path) -> None:
    hub = machines.hub()
    keeper = Swarm(member_of(hub, "karp"))
    keeper.import_log(log)
    key = key_path("keeper")
    key.rename(key.with_name("elsewhere"))
    assert keeper.import_log(log).there == 6


def test_a_dry_run_says_what_would_be_refused(machines: Machines, log: Path) -> None:
    hub = machines.hub()
    keeper = Swarm(member_of(hub, "keeper"))
    machines.at("elsewhere")
    member_of(hub, "karp")
    machines.at("keeper")
    with pytest.raises(RefusedError, match="a key that is not here"):
        keeper.import_log(log, Wanted(agent="karp"), dry_run=True)
    governing.suspend(keeper.member, "keeper")
    with pytest.raises(RefusedError, match="keeper is suspended"):
        keeper.import_log(log, dry_run=True)


def test_a_maintainer_vouches_for_what_has_none(agent: Agent, session: tuple[Path, Path]) -> None:
    repo, path = session
    nova = agent("nova")
    report = nova.import_log(path, Wanted(repo=repo))
    assert (report.imported, list(report.left)) == (7, [])
    width = next(r for r in results(nova) if r.description == "WIDTH=9")
    best = next(r for r in results(nova) if r.description == "a little slower")
    assert (width.fingerprint, width.base_fingerprint) == (None, best.fingerprint)
    assert width.delta == {"WIDTH": 9}
    assert not breaches(nova)


# -- the hub is away, we are ended -----------------------------------------------------------------


def test_without_the_hub_they_wait(agent: Agent, log: Path, toy_hub: Path) -> None:
    nova = agent("nova")
    away = toy_hub.rename(toy_hub.with_name("away"))
    report = nova.import_log(log)
    assert (report.imported, report.queued) == (0, 6)
    assert report.reason
    again = nova.import_log(log)
    assert (again.queued, again.there, again.waiting) == (0, 0, 6)
    assert len(results(nova)) == 6
    assert nova.show(report.ids[0]).log.startswith("imported from")
    (item,) = nova.outbox().waiting
    assert item.description == "6 results of nova, imported from a log"
    with pytest.raises(OfflineError, match="karp is not registered"):
        nova.import_log(log, Wanted(agent="karp"))
    away.rename(toy_hub)
    assert nova.sync().delivered == 1
    assert len(nova.member.store.refresh().records("result")) == 6
    assert not breaches(nova)


def test_programs_wait_too(
    machines: Machines, session: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from gitcollab.swarm import posting

    monkeypatch.setattr(posting, "_COMMITS", 2)  # so that there are pushes after the first
    repo, path = session
    hub = machines.hub()
    nova = Swarm(member_of(hub, "nova"))
    away = hub.rename(hub.with_name("away"))
    assert nova.import_log(path, Wanted(repo=repo)).queued == 7
    away.rename(hub)
    assert nova.import_log(path, Wanted(repo=repo)).there == 7  # and delivers them
    assert len(nova.member.store.refresh().records("result")) == 7


def test_killed_in_the_middle_it_is_done_again_without_doubles(
    agent: Agent, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gitcollab.swarm import imported, posting

    class Killed(BaseException):
        pass

    monkeypatch.setattr(imported, "MOST", 2)
    monkeypatch.setattr(posting, "_VOUCHED", 1)
    nova, run, left = agent("nova"), Drain.run, list[int]()

    def dies(self: Drain, done: Callable[[], bool]) -> None:
        if not left:
            raise Killed
        left.pop()
        run(self, done)

    for _ in range(2):
        left.append(1)
        with monkeypatch.context() as patch:
            patch.setattr(Drain, "run", dies)
            with pytest.raises(Killed):
                nova.import_log(log)
        nova = Swarm.open(nova.workspace, pages=pages)
    nova.import_log(log)
    made = results(nova)
    assert len(made) == len({r.id for r in made}) == 6
    assert len(nova.member.store.refresh().records("result")) == 6
    assert not nova.outbox().waiting
    assert not nova.outbox().refused
    assert not breaches(nova)


def test_two_at_once_add_each_once(agent: Agent, log: Path) -> None:
    """The second has read the hub before the first wrote to it."""
    from gitcollab.swarm import importing

    nova = agent("nova")
    first = Swarm.open(nova.workspace, pages=pages)
    deliver = importing.posting.deliver

    def late(*args: object) -> object:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(importing.posting, "deliver", deliver)
            assert first.import_log(log).imported == 6
        return deliver(*args)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(importing.posting, "deliver", late)
        second = nova.import_log(log)
    assert not second.refused
    assert len(results(nova)) == 6
    assert not breaches(nova)


# -- a real session --------------------------------------------------------------------------------


@pytest.mark.skipif(not REAL.exists(), reason="the real log is not here")
def test_a_real_session(tmp_path: Path) -> None:
    from gitcollab.swarm.joining import join
    from gitcollab.swarm.seeding import init_hub

    hub, folder = tmp_path / "hub.git", tmp_path / "nova"
    init_hub(str(hub), preset="autoresearch", pages=pages)
    folder.mkdir()
    join(folder, str(hub), agent="nova", pages=pages)
    nova = Swarm.open(folder, pages=pages)
    report = nova.import_log(REAL, Wanted(agent="karp", tier="xl", device="H100"))
    assert (report.imported, report.crashes, list(report.left)) == (126, 1, [])
    made = results(nova)
    metrics = [r.metric for r in made if r.metric is not None]
    assert (len(metrics), metrics[0], min(metrics)) == (125, 0.9979, 0.969686)
    best = nova.best()
    assert best is not None
    assert (best.metric, best.description) == (0.969686, "warmdown 0.7 to 0.75")
    assert len({r.base for r in made} - {None}) == 23  # those that were kept
    by_words = {r.description: r.delta for r in made}
    assert by_words["halve batch 524K to 262K (more steps in 5 min)"] == {"TOTAL_BATCH_SIZE": 2**18}
    assert by_words["warmdown 0.7 to 0.8"] == {"WARMDOWN_RATIO": 0.8}
    assert not breaches(nova)


def test_a_longer_export_builds_on_the_results_that_it_names(agent: Agent, tmp_path: Path) -> None:
    nova, path = agent("nova"), tmp_path / "all.tsv"
    nova.run()
    (made,) = results(nova)
    rows = [f"1.04\tkeep\tbaseline\t{made.id}", "1.0\tkeep\tRATE=0.3\t"]
    path.write_text("\n".join(["score\tstatus\tdescription\tid", *rows]))
    assert nova.import_log(path).imported == 1
    assert results(nova)[-1].base == made.id


def test_a_part_of_an_export_makes_no_base_up(agent: Agent, tmp_path: Path) -> None:
    nova, path = agent("nova"), tmp_path / "part.tsv"
    rows = [
        "1.0\tkeep\tRATE=0.3\tvega/rate-0.3-aaaaaaaaaa\tvega/gone-bbbbbbbbbb",
        "1.1\tkeep\tbaseline\tvega/wide-cccccccccc\tvega/gone-bbbbbbbbbb",
        "0.9\tkeep\tWIDTH=16\tvega/width-dddddddddd\tvega/rate-0.3-aaaaaaaaaa",
        "1.2\tkeep\tanother start\tvega/start-eeeeeeeeee\t",
        "1.3\tkeep\tx\tvega/x-ffffffffff\tno id",
    ]
    path.write_text("\n".join(["score\tstatus\tdescription\tid\tbase", *rows]))
    would, report = nova.import_log(path, dry_run=True), nova.import_log(path)
    gone = "vega/gone-bbbbbbbbbb"
    said = f"the base is neither in the file nor on the hub: line 2 ({gone}), line 3 ({gone})"
    assert would.notes == report.notes == [said]
    assert [left.line for left in report.left] == [6]
    rate, wide, width, start = results(nova)
    assert (rate.base, rate.base_fingerprint, rate.delta) == (gone, None, {"RATE": 0.3})
    assert (wide.base, wide.base_fingerprint, wide.structural) == (gone, None, True)
    assert (width.base, width.delta) == (rate.id, {"WIDTH": 16})
    assert (start.base, start.structural) == (None, False)
    kept = {e.result.id for e in nova.exported() if cells(e)[3] == "keep"}
    assert wide.id not in kept
    assert start.id in kept
    again = nova.import_log(path)
    assert (again.there, again.notes) == (4, [])
    assert not breaches(nova)


def test_a_base_on_the_hub_need_not_be_in_the_file(agent: Agent, tmp_path: Path) -> None:
    nova, path = agent("nova"), tmp_path / "part.tsv"
    nova.run(set_values={"RATE": "0.2"})
    (made,) = results(nova)
    row = f"1.0\tkeep\tWIDTH=16\tvega/width-aaaaaaaaaa\t{made.id}"
    path.write_text(f"score\tstatus\tdescription\tid\tbase\n{row}\n")
    assert nova.import_log(path).notes == []
    width = results(nova)[-1]
    assert (width.base, width.base_fingerprint) == (made.id, made.fingerprint)
    assert width.delta == {"WIDTH": 16}


def test_devices_in_any_words(agent: Agent, tmp_path: Path) -> None:
    nova, path = agent("nova"), tmp_path / "log.tsv"
    path.write_text(
        "score\tdescription\tdevice\n1.0\tone\t\x1b[31m" + "\u0958" * 200 + "\n2.0\ttwo\t\n"
    )
    assert nova.import_log(path).imported == 2
    one, two = results(nova)
    assert len(one.hardware.device) == 120
    assert two.hardware.device == "unknown"
    path.write_text("score\tdescription\n3.0\tthree\n")
    nova.import_log(path, Wanted(device="\x07" * 500))
    three = next(r for r in results(nova) if r.description == "three")
    assert three.hardware.device.startswith("\\x07")


def test_the_longest_names_fit_into_a_ruling(agent: Agent, tmp_path: Path) -> None:
    nova, path = agent("nova"), tmp_path / "log.tsv"
    rows = [f"1.{n:03}\t{'long words ' * 20}{n}" for n in range(150)]
    path.write_text("\n".join(["score\tdescription", *rows]))
    assert nova.import_log(path, Wanted(agent="a" * 39)).imported == 150
    assert not breaches(nova)
