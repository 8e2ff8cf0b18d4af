"""Experiments one after another: a result and the claim of the next are one push."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gitcollab.errors import GitcollabError
from gitcollab.git.command import run_git
from gitcollab.records import codec
from gitcollab.records.models import Claim, Result
from gitcollab.swarm import running
from gitcollab.swarm.claiming import claim
from gitcollab.swarm.competing import Picked, Wanted, claim_first
from gitcollab.swarm.engine import edits, picking, rounds
from gitcollab.swarm.interrupted import Interrupted
from gitcollab.swarm.member import Member
from gitcollab.swarm.outcomes import Granted, Offline, Refused, RunReport, Taken
from gitcollab.swarm.preparing import Ready
from gitcollab.swarm.proposal import FIRST_SEED
from gitcollab.swarm.reports import RunProgress
from gitcollab.swarm.swarm import Swarm
from tests import toy
from tests.swarm.engine.test_choosing import chosen, claim_of

Agent = Callable[[str], Swarm]
During = Callable[[int, Callable[[], object]], None]


class Traffic:
    """What goes over the wire: the ranges that pushes brought, and git's own calls."""

    def __init__(self, hub: Path, folder: Path) -> None:
        self._hub = hub
        self._pushes = folder / "pushes.log"
        self._calls = folder / "git.log"

    def begin(self) -> None:
        for log in (self._pushes, self._calls):
            log.write_text("")

    def pushes(self) -> list[list[str]]:
        """Of each push that landed, the subjects of its commits, oldest first."""
        ranges = [line.split() for line in self._pushes.read_text().splitlines()]
        return [
            run_git("log", "--reverse", "--format=%s", f"{old}..{new}", git_dir=self._hub)
            .out.strip()
            .split("\n")
            for old, new, _ in ranges
        ]

    def calls(self, verb: str) -> int:
        """How often git was asked to ``verb``, successfully or not."""
        return self._calls.read_text().split().count(verb)


@pytest.fixture
def traffic(tmp_path: Path, toy_hub: Path, monkeypatch: pytest.MonkeyPatch) -> Traffic:
    """Counts pushes at the hub, and what is asked of the git command."""
    hook = toy_hub / "hooks" / "post-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ncat >> {tmp_path}/pushes.log\n")
    hook.chmod(0o755)
    wrapper = tmp_path / "bin" / "git"
    wrapper.parent.mkdir()
    wrapper.write_text(
        f"""#!/bin/sh
for verb in "$@"; do case "$verb" in push|fetch|ls-remote) echo "$verb" >> {tmp_path}/git.log;; esac
done
exec {shutil.which("git")} "$@"
"""
    )
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{wrapper.parent}:{os.environ['PATH']}")
    counted = Traffic(toy_hub, tmp_path)
    counted.begin()
    return counted


def on_hub(hub: Path, kind: str) -> list[str]:
    paths = run_git("ls-tree", "-r", "--name-only", "swarm", git_dir=hub).out.splitlines()
    return [p for p in paths if p.startswith(f"{kind}/") and p.endswith(".yaml")]


def program(swarm: Swarm) -> Path:
    return swarm.workspace / "train.py"


@pytest.fixture
def during(monkeypatch: pytest.MonkeyPatch) -> During:
    """Let something happen while the program of the n-th round from now runs."""

    def when(number: int, act: Callable[[], object]) -> None:
        real = running.measure
        begun = []

        def measure(*args, **named):
            begun.append(1)
            if len(begun) == number:
                act()
            return real(*args, **named)

        monkeypatch.setattr(running, "measure", measure)

    return when


# -- pushes ----------------------------------------------------------------------------------------


def test_n_experiments_are_n_plus_one_pushes(agent: Agent, traffic: Traffic, toy_hub: Path) -> None:
    nova = agent("nova")
    traffic.begin()
    reports: list[RunReport] = []
    done = nova.run_many(5, on_report=reports.append)
    assert [r.outcome for r in reports] == ["published"] * 5
    assert (done.rounds, done.counts, done.stopped) == (5, {"published": 5}, "")
    assert done.last is reports[-1]
    score = "result 1.040000: baseline"
    assert traffic.pushes() == [
        ["claim: baseline"],
        *[[score, "claim: baseline"]] * 4,
        [score],
    ]
    assert (traffic.calls("push"), traffic.calls("fetch"), traffic.calls("ls-remote")) == (6, 0, 0)
    assert [r.result.seed for r in reports] == [*range(FIRST_SEED, FIRST_SEED + 5)]
    assert {r.result.replicates for r in reports[1:]} == {reports[0].result.id}
    assert on_hub(toy_hub, "claims") == []
    assert nova.status().mine == []
    assert nova.views() == []


def test_each_experiment_runs_under_the_claim_made_for_it(
    agent: Agent, toy_hub: Path, during: During
) -> None:
    nova = agent("nova")
    seen: list[list[str]] = []
    for number in (1, 2):
        during(number, lambda: seen.append(on_hub(toy_hub, "claims")))
    reports: list[RunReport] = []
    nova.run_many(2, on_report=reports.append)
    for report in reports:
        assert isinstance(report.claim, Granted)
        assert report.result.claim == report.claim.claim.nonce
    assert seen == [[f"claims/{report.result.experiment}.yaml"] for report in reports]


def test_what_others_did_meanwhile_costs_one_push_more(
    agent: Agent, traffic: Traffic, toy_hub: Path, during: During
) -> None:
    nova, atlas = agent("nova"), agent("atlas")
    during(2, lambda: put_note(toy_hub))
    traffic.begin()
    assert nova.run_many(3).counts == {"published": 3}
    assert (len(traffic.pushes()), traffic.calls("push")) == (4, 5)
    assert atlas.sync().best.n == 3


def put_note(hub: Path) -> None:
    """Another host pushed something."""
    from tests.swarm.test_bad_input import put

    put(hub, {"note.txt": b"x\n"})


# -- claiming --------------------------------------------------------------------------------------


def test_a_claim_lost_to_another_leads_to_another_experiment(
    agent: Agent,
    tmp_path: Path,
    toy_hub: Path,
    during: During,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    nova = agent("nova")
    nova.run()
    monkeypatch.setenv("GITCOLLAB_HOME", str(tmp_path / "elsewhere"))
    atlas = agent("atlas")  # a clone of its own: nova does not see at once what it claims
    _ = atlas.member.store, atlas.member.key
    third = FIRST_SEED + 2  # what nova would run next
    reports: list[RunReport] = []
    during(1, lambda: claim_of(atlas, third))
    done = nova.run_many(2, on_report=reports.append)
    assert done.counts == {"published": 2}
    assert [r.result.seed for r in reports] == [third - 1, third + 1]
    assert len(on_hub(toy_hub, "results")) == 3
    (claims,) = {tuple(on_hub(toy_hub, "claims"))}
    assert [codec.decode("claim", read(toy_hub, path)).agent for path in claims] == ["atlas"]


def read(hub: Path, path: str) -> bytes:
    return run_git("show", f"swarm:{path}", git_dir=hub).out.encode()


def test_a_run_that_is_finished_meanwhile_is_not_repeated(
    agent: Agent, tmp_path: Path, during: During, monkeypatch: pytest.MonkeyPatch
) -> None:
    nova = agent("nova")
    nova.run()
    monkeypatch.setenv("GITCOLLAB_HOME", str(tmp_path / "elsewhere"))
    atlas = agent("atlas")
    _ = atlas.member.store, atlas.member.key
    during(1, lambda: atlas.run(seed=FIRST_SEED + 2))
    reports: list[RunReport] = []
    nova.run_many(2, on_report=reports.append)
    assert [r.result.seed for r in reports] == [FIRST_SEED + 1, FIRST_SEED + 3]


def test_in_a_crowd_a_seed_of_ones_own_is_taken(
    agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    nova = agent("nova")
    nova.run()
    asked: list[int] = []

    def busy(member: Member, wanted: Sequence[Wanted], *more: Any) -> Any:
        asked.append(wanted[0].seed)
        if len(asked) <= picking.MAX_TRIES:
            held = Claim.model_validate(standing | {"id": f"other-{len(asked)}"})
            return [], Picked(wanted[0], Taken(wanted[0].key, held, "same experiment"))
        return claim_first(member, wanted, *more)

    standing = nova.claim("RATE=0.2").claim.model_dump()
    nova.release()
    monkeypatch.setattr(picking, "claim_first", busy)
    done = nova.run_many(1)
    assert done.counts == {"published": 1}
    assert len(asked) == picking.MAX_TRIES + 1
    assert asked[-1] > 10_000


def test_while_another_runs_the_only_program_a_seed_of_ones_own_is_run(
    agent: Agent, toy_hub: Path
) -> None:
    nova, atlas = agent("nova"), agent("atlas")
    held = nova.claim()
    assert isinstance(held, Granted)
    reports: list[RunReport] = []
    atlas.run_many(2, on_report=reports.append)
    first, second = (r.result for r in reports)
    assert isinstance(reports[0].claim, Taken)
    assert any("unclaimed" in note for note in reports[0].notes)
    assert (first.claim, first.seed > 10_000) == (None, True)
    assert isinstance(reports[1].claim, Granted)
    assert (second.replicates, second.seed) == (first.id, FIRST_SEED)
    assert on_hub(toy_hub, "claims") == [f"claims/{held.claim.id}.yaml"]


def test_what_is_refused_again_and_again_ends_a_number_of_rounds(
    agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    nova = agent("nova")

    def no(_: Member, wanted: Sequence[Wanted], *more: Any) -> Any:
        return [], Picked(wanted[0], Refused("key", "not on Sundays"))

    monkeypatch.setattr(picking, "claim_first", no)
    done = nova.run_many(3)
    assert (done.last.outcome, done.rounds, done.failing) == ("refused", 1, False)
    assert "nothing else can be claimed" in done.stopped
    assert "not on Sundays" in done.last.error


# -- the working program ---------------------------------------------------------------------------


def test_between_rounds_the_best_is_adopted(agent: Agent) -> None:
    nova, atlas = agent("nova"), agent("atlas")
    nova.run()
    better = nova.run(set_values={"RATE": "0.3"}).result
    done = atlas.run_many(2)
    assert done.last.result.replicates == better.id
    assert "RATE = 0.3" in program(atlas).read_text()
    assert atlas.member.workspace.base().id == better.id


def test_the_first_round_is_what_run_does(agent: Agent) -> None:
    nova = agent("nova")
    nova.run()
    reports: list[RunReport] = []
    nova.run_many(2, set_values={"RATE": "0.3"}, seed=7, on_report=reports.append)
    first, second = (r.result for r in reports)
    assert (first.description, first.seed, reports[0].kept) == ("RATE 0.1 → 0.3", 7, True)
    assert (second.replicates, second.seed) == (first.id, FIRST_SEED)


def test_an_edit_that_says_nothing_is_left_as_it_is(
    agent: Agent, traffic: Traffic, toy_hub: Path, during: During
) -> None:
    nova = agent("nova")
    during(1, lambda: program(nova).write_text("mine = 1\n"))
    told: list[RunProgress] = []
    traffic.begin()
    done = nova.run_many(5, progress=told.append)
    assert (done.rounds, done.counts, done.stopped) == (5, {"published": 5}, "")
    assert program(nova).read_text() == "mine = 1\n"
    (note,) = [one.description for one in told if one.phase == "note"]  # said once
    assert note.startswith("train.py has your edits and is left as it is: ")
    assert "it cannot describe itself" in note
    assert len(traffic.pushes()) == 6 + 1  # it was looked at before the next was claimed
    assert on_hub(toy_hub, "claims") == []


def test_an_edit_that_stands_for_a_round_is_run(agent: Agent, during: During) -> None:
    nova = agent("nova")
    nova.run()
    edited = toy.PROGRAM.replace("RATE = 0.1", "RATE = 0.3")
    during(1, lambda: program(nova).write_text(edited))
    during(2, lambda: program(nova).write_text(edited + "# of mine\n"))  # still at it
    reports: list[RunReport] = []
    done = nova.run_many(5, on_report=reports.append)
    assert [r.kind for r in reports] == [
        *["replication"] * 2, "rerun", "edit", "replication",
    ]  # fmt: skip
    mine, again = reports[3:]
    assert (mine.why, mine.kept) == ("train.py has your edits", True)
    assert mine.result.description == "RATE 0.1 → 0.3"
    assert again.result.replicates == mine.result.id
    assert program(nova).read_text() == edited + "# of mine\n"
    assert done.keeps == 1


def test_an_edit_that_was_done_before_is_not_tried_again(
    agent: Agent, during: During, toy_hub: Path
) -> None:
    nova, atlas = agent("nova"), agent("atlas")
    nova.run()
    theirs = atlas.run(set_values={"RATE": "0.9"}).result
    edited = toy.PROGRAM.replace("RATE = 0.1", "RATE = 0.9")
    during(1, lambda: program(nova).write_text(edited))
    reports: list[RunReport] = []
    done = nova.run_many(6, on_report=reports.append)
    assert done.counts == {"published": 5, "refused": 1}
    assert reports[2].kind == "edit"
    assert theirs.id in reports[2].error
    assert program(nova).read_text() == edited
    assert on_hub(toy_hub, "claims") == []


def test_an_edit_that_another_runs_is_tried_again_later(
    agent: Agent, during: During, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edits, "LATER", timedelta(0))
    nova, atlas = agent("nova"), agent("atlas")
    assert isinstance(atlas.claim("RATE=0.9"), Granted)
    edited = toy.PROGRAM.replace("RATE = 0.1", "RATE = 0.9")
    during(1, lambda: program(nova).write_text(edited))
    reports: list[RunReport] = []

    def told(report: RunReport) -> None:
        reports.append(report)
        if isinstance(report.claim, Taken):
            atlas.release()  # and it comes to nothing

    nova.run_many(5, on_report=told)
    tried = [r for r in reports if r.kind == "edit"]
    assert [r.outcome for r in tried] == ["refused", "published"]
    assert tried[1].result.delta == {"RATE": 0.9}


def test_an_edit_whose_run_was_interrupted_is_run_again(
    agent: Agent, during: During, monkeypatch: pytest.MonkeyPatch
) -> None:
    nova = agent("nova")
    edited = toy.PROGRAM.replace("RATE = 0.1", "RATE = 0.9")

    real, reports = rounds.perform, []
    asleep = iter([True])

    def perform(member: Member, ready: Ready, *more: Any) -> Any:
        if ready.plan.program == edited and next(asleep, False):
            raise Interrupted("the machine slept")
        return real(member, ready, *more)

    monkeypatch.setattr(rounds, "perform", perform)
    during(1, lambda: program(nova).write_text(edited))
    nova.run_many(5, on_report=reports.append)
    assert next(asleep, None) is None
    assert [r.result.delta for r in reports if r.kind == "edit"] == [{"RATE": 0.9}]


def test_an_edit_that_a_claim_announced_is_run_in_its_words(agent: Agent, during: During) -> None:
    nova = agent("nova")
    nova.run()
    assert isinstance(nova.claim("count the steps twice"), Granted)
    edited = toy.PROGRAM + "print('twice')\n"
    during(1, lambda: program(nova).write_text(edited))
    reports: list[RunReport] = []
    nova.run_many(3, on_report=reports.append)
    assert [r.kind for r in reports] == ["replication", "replication", "edit"]
    assert reports[2].result.description == "count the steps twice"
    assert nova.status().mine == []


def test_an_edit_that_is_claimed_afterwards_is_run(agent: Agent, during: During) -> None:
    nova = agent("nova")
    nova.run()
    edited = toy.PROGRAM + "print('twice')\n"
    during(1, lambda: program(nova).write_text(edited))
    # It was looked at by then, and could not say what it is.
    during(4, lambda: nova.claim("count the steps twice"))
    reports: list[RunReport] = []
    nova.run_many(8, on_report=reports.append)
    (mine,) = [r.result for r in reports if r.kind == "edit"]
    assert mine.description == "count the steps twice"


def test_what_the_user_claims_meanwhile_outlives_the_rounds(agent: Agent, during: During) -> None:
    nova = agent("nova")

    def interrupt() -> None:
        raise KeyboardInterrupt

    during(1, lambda: nova.claim("count the steps twice"))
    during(2, interrupt)
    with pytest.raises(KeyboardInterrupt):
        nova.run_many()
    (mine,) = nova.member.workspace.claims()
    assert mine.description == "count the steps twice"


def test_what_was_claimed_in_advance_is_others_during_a_pause(agent: Agent, toy_hub: Path) -> None:
    nova = agent("nova")
    during_pause: list[list[str]] = []

    def told(_: RunReport) -> None:
        if not during_pause:
            assert len(on_hub(toy_hub, "claims")) == 1
            nova.pause()

    def progress(seen: RunProgress) -> None:
        if seen.phase == "wait":
            during_pause.append(on_hub(toy_hub, "claims"))
            nova.resume()

    done = nova.run_many(2, progress=progress, on_report=told)
    assert (done.rounds, during_pause) == (2, [[]])


# -- what goes wrong -------------------------------------------------------------------------------


def test_a_crash_is_followed_by_something_else(agent: Agent) -> None:
    nova = agent("nova")
    program(nova).write_text("raise SystemExit(3)\n")
    reports: list[RunReport] = []
    done = nova.run_many(2, "break it", on_report=reports.append)
    assert [r.result.status for r in reports] == ["crash", "ok"]
    assert (done.counts, done.failing) == ({"crashed": 1, "published": 1}, False)


def test_a_hub_whose_program_crashes(tmp_path: Path, toy_task: Path) -> None:
    from gitcollab.swarm.joining import join
    from gitcollab.swarm.seeding import init_hub

    (toy_task.parent / "train.py").write_text("raise SystemExit(3)\n")
    hub = tmp_path / "broken.git"
    init_hub(str(hub), task_file=toy_task)
    join(tmp_path / "w", str(hub), agent="nova")
    done = Swarm.open(tmp_path / "w").run_many(7)
    assert (done.rounds, done.failing) == (rounds.MAX_FAILURES, True)
    assert "5 experiments in a row failed: exit code 3" in done.stopped
    assert len(on_hub(hub, "results")) == rounds.MAX_FAILURES
    assert on_hub(hub, "claims") == []


def test_a_command_that_does_not_exist_stops_at_once(tmp_path: Path, toy_task: Path) -> None:
    from gitcollab.swarm.joining import join
    from gitcollab.swarm.seeding import init_hub

    toy_task.write_text(toy.TASK.replace("run: [python,", "run: [no-such-program,"))
    hub = tmp_path / "odd.git"
    init_hub(str(hub), task_file=toy_task)
    join(tmp_path / "w", str(hub), agent="nova")
    done = Swarm.open(tmp_path / "w").run_many(7)
    assert (done.rounds, done.last.outcome) == (1, "failed")
    assert done.stopped
    assert on_hub(hub, "claims") == []


def test_without_the_hub_the_rounds_go_on(
    agent: Agent, traffic: Traffic, toy_hub: Path, during: During
) -> None:
    nova = agent("nova")
    away = toy_hub.with_name("away.git")
    during(2, lambda: toy_hub.rename(away))
    during(4, lambda: away.rename(toy_hub))
    reports: list[RunReport] = []
    traffic.begin()
    done = nova.run_many(5, on_report=reports.append)
    assert [r.outcome for r in reports] == [
        "published",
        *["queued"] * 2,
        *["published"] * 2,
    ]
    assert [type(r.claim) for r in reports] == [Granted, Granted, Offline, Offline, Granted]
    assert done.counts == {"published": 3, "queued": 2}
    assert nova.status().queued == []
    pushes = traffic.pushes()
    assert len(pushes) == 4
    result = "result 1.040000: baseline"
    assert pushes[2] == [result, result, result, "claim: baseline"]  # all that had waited
    assert len({r.result.seed for r in reports}) == 5
    assert len(on_hub(toy_hub, "results")) == 5
    assert on_hub(toy_hub, "claims") == []


def test_a_refused_result_is_not_built_upon(agent: Agent, toy_hub: Path) -> None:
    nova = agent("nova")
    hook = toy_hub / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(
        """#!/bin/sh
while read old new ref; do
  git log --format=%s "$old..$new" | grep -q "^result" && { echo "no results today"; exit 1; }
done
exit 0
"""
    )
    hook.chmod(0o755)
    done = nova.run_many(7)
    assert (done.failing, done.counts) == (True, {"refused": rounds.MAX_FAILURES})
    assert "no results today" in done.stopped
    assert on_hub(toy_hub, "claims") == []
    assert len(nova.status().refused) == rounds.MAX_FAILURES


def test_what_was_measured_outlives_a_failure_to_choose(
    agent: Agent, toy_hub: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nova = agent("nova")

    def fail(*_: object) -> None:
        raise GitcollabError("no idea")

    monkeypatch.setattr(picking.Picker, "candidates", fail)
    with pytest.raises(GitcollabError, match="no idea"):
        nova.run_many(2, "the baseline", seed=7)
    assert len(on_hub(toy_hub, "results")) == 1
    assert on_hub(toy_hub, "claims") == []


def test_an_interrupt_while_publishing_keeps_the_result_and_no_claim(
    agent: Agent, toy_hub: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nova = agent("nova")
    real = nova.member.store.submit

    def cut(*requests):
        outcomes = real(*requests)
        if [r.kind for r in requests] == ["publish", "claim"]:
            raise KeyboardInterrupt
        return outcomes

    monkeypatch.setattr(nova.member.store, "submit", cut)
    with pytest.raises(KeyboardInterrupt):
        nova.run_many(2)
    assert len(on_hub(toy_hub, "results")) == 1
    assert (on_hub(toy_hub, "claims"), nova.status().mine) == ([], [])


SLOW_AFTER_FIRST = toy.PROGRAM.replace(
    "import os\n",
    f'import os, time\ntime.sleep(0 if os.environ["GITCOLLAB_SEED"] == "{FIRST_SEED}" else 19)\n',
)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupt_in_the_second_round(agent: Agent, toy_hub: Path, number: int) -> None:
    nova = agent("nova")
    program(nova).write_text(SLOW_AFTER_FIRST)
    with subprocess.Popen(
        [sys.executable, "-m", "gitcollab", "run", "sleep", "--forever", "--json"],
        cwd=nova.workspace,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        first = json.loads(process.stdout.readline())
        assert first["outcome"] == "published"
        begun = nova.workspace / ".gitcollab" / "runs"
        while len(list(begun.glob("*/log.txt"))) < 2:
            assert process.poll() is None  # it ends by itself
        claims = on_hub(toy_hub, "claims")
        process.send_signal(number)
        out, _ = process.communicate(timeout=30)
    assert len(claims) == 1
    (result,) = on_hub(toy_hub, "results")
    assert isinstance(codec.decode("result", read(toy_hub, result)), Result)
    if number == signal.SIGINT:
        assert process.returncode == 130
        assert json.loads(out)["stopped"].startswith("interrupted")
        assert on_hub(toy_hub, "claims") == []
    else:  # left to expire, unless the same workspace goes on with it
        assert on_hub(toy_hub, "claims") == claims
        again = chosen(nova)
        assert f"claims/{claim(nova.member, again.experiment, seed=again.seed).claim.id}.yaml" in (
            claims
        )
        assert re.fullmatch(r"claims/replicate-sleep-\w+\.yaml", claims[0])
