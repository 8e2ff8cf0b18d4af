"""What each verb prints and exits with, over a scripted swarm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cli_toys import HOSTILE, NOW, Ran, ScriptedSwarm, make_claim, make_entry, make_result

from gitcollab.cli import render
from gitcollab.swarm.outcomes import (
    ClaimOutcome,
    Duplicate,
    Granted,
    Offline,
    Refused,
    RunReport,
    Taken,
)
from gitcollab.swarm.reports import (
    Adopted,
    AgentEntry,
    Compared,
    QueuedItem,
    ResultPage,
    RunProgress,
    Shown,
    Status,
    SyncReport,
)

Cli = Callable[..., Ran]
Script = Callable[..., ScriptedSwarm]


@pytest.fixture(autouse=True)
def frozen_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "now", lambda: NOW)


BEST_KEYS = {
    *("id", "agent", "description", "metric", "n", "sigma", "pessimistic", "standing", "tier"),
    "transfers",
    "no_better_than",
    "builds_on_refuted",
}

ADOPTED = Adopted(
    "nova/x-1",
    Path("/w/train.py"),
    Path("/w/.gitcollab/aside/a.py"),
    changed=True,
    agent="nova",
    signature_ok=True,
    added=12,
    removed=3,
)

CLAIMS: list[tuple[ClaimOutcome, str, int]] = [
    (Granted(make_claim()), "granted", 0),
    (Taken("key", make_claim(), "the same constants"), "taken", 4),
    (Duplicate("key", make_result(), "the same program"), "duplicate", 4),
    (Refused("key", "not on Sundays"), "refused", 4),
    (Offline("key", "no route to host"), "offline", 5),
]


@pytest.mark.parametrize(("answer", "word", "code"), CLAIMS, ids=[c[1] for c in CLAIMS])
def test_claim(cli: Cli, script: Script, answer: ClaimOutcome, word: str, code: int) -> None:
    swarm = script(claim=answer)
    ran = cli("claim", "LR 0.1 → 0.2", "--json")
    assert (ran.code, ran.err) == (code, "")
    assert set(ran.json) == {
        *("outcome", "experiment", "claim", "other", "reason", "hint", "notes")
    }
    assert ran.json["outcome"] == word
    assert ran.json["experiment"] == answer.experiment
    assert (ran.json["claim"] is not None) == (word == "granted")
    assert (ran.json["other"] is not None) == (word in ("taken", "duplicate"))
    assert ran.json["reason"] == getattr(answer, "reason", "")
    how = {"from_code": False, "anyway": False, "hypothesis": None, "cites": ()}
    assert swarm.calls == [("claim", ("LR 0.1 → 0.2",), how)]

    told = cli("claim", "LR 0.1 → 0.2", "--anyway")
    assert told.code == code
    said = "nothing is claimed" if word == "offline" else word
    assert told.out.startswith(f"{said}: ")
    assert told.err.startswith("next: ") or word == "granted"
    assert swarm.calls[-1] == ("claim", ("LR 0.1 → 0.2",), how | {"anyway": True})


def test_records_in_json_have_the_keys_of_their_files(cli: Cli, script: Script) -> None:
    script(claim=Granted(make_claim()))
    claim = cli("claim", "--json").json["claim"]
    assert claim["schema"] == 1
    assert claim["created_at"] == "2026-01-31T12:00:00Z"
    assert claim["delta"] == {"LR": 0.2}
    assert claim["hypothesis"] is None


def test_release_and_renew(cli: Cli, script: Script) -> None:
    swarm = script(release=["a-1"], renew=[make_claim()])
    assert cli("release", "a-1", "--json").json == {"released": ["a-1"]}
    assert cli("release").out == "released a-1\n"
    assert swarm.calls == [("release", ("a-1",), {}), ("release", (None,), {})]
    assert [c["id"] for c in cli("renew", "--json").json["claims"]] == ["lr-0.2-1a2b3c4d"]
    assert cli("renew").out == "renewed lr-0.2-1a2b3c4d for 14m\n"


def test_nothing_to_release_or_renew(cli: Cli, script: Script) -> None:
    script(release=[], renew=[])
    assert cli("release") == Ran(0, "you have no claim to release\n", "")
    assert cli("renew") == Ran(0, "you have no claim to renew\n", "")
    assert cli("release", "--json").json == {"released": []}


OK = make_result()
CRASH = make_result(status="crash", metric=None, failure="RuntimeError: the toy is broken")
RUNS = [
    (RunReport("published", OK, "better", is_best=True, kept=True), 0),
    (RunReport("published", OK, "within noise", kept=False, notes=("it is back",)), 0),
    (RunReport("published", CRASH, error="RuntimeError: the toy is broken", hint="mend it"), 1),
    (RunReport("queued", OK, notes=("queued on this host",)), 5),
    (RunReport("refused", claim=CLAIMS[1][0]), 4),
    (RunReport("failed", error="no such command: foo", hint="install it"), 1),
]


@pytest.mark.parametrize(("report", "code"), RUNS)
@pytest.mark.parametrize("verb", ["run", "publish"])
def test_run_and_publish(cli: Cli, script: Script, verb: str, report: RunReport, code: int) -> None:
    script(**{verb: report})
    argv = [verb] if verb == "run" else [verb, "run.log"]
    ran = cli(*argv, "--json")
    assert (ran.code, ran.err) == (code, "")
    told = ran.json
    assert {"outcome", "result", "verdict", "is_best"} <= set(told)
    assert set(told) - {"outcome", "result", "verdict", "is_best"} == {
        *("kept", "error", "hint", "notes", "claim", "adopted", "effect", "kind", "why"),
    }
    assert told["outcome"] == report.outcome
    assert told["verdict"] == report.verdict
    assert told["is_best"] is report.is_best
    assert (told["result"] or {}).get("id") == (report.result.id if report.result else None)
    assert cli(*argv).code == code


def test_run_tells_people_the_verdict_in_their_words(cli: Cli, script: Script) -> None:
    script(run=RUNS[0][0])
    assert cli("run").out.splitlines() == [
        "score 0.510000: keep (better than its base); the best so far",
        "change    LR 0.1 → 0.2",
        "result    nova/lr-0.1-0.2-1a2b3c4d",
        "hub       published",
        "train.py  kept",
    ]
    script(run=replace(RUNS[0][0], verdict="worse", is_best=False))
    assert cli("run").out.startswith("score 0.510000: discard (worse than its base)\n")
    script(run=RUNS[1][0])
    ran = cli("run")
    assert ran.out.startswith("score 0.510000: within noise of its base\n")
    again = replace(RUNS[1][0], result=make_result(replicates="vega/x-1"), verdict=None)
    script(run=again)
    assert cli("run").out.startswith("score 0.510000: another run of vega/x-1\n")
    assert ran.out.endswith("note: it is back\n")


def test_a_crash_is_told_once_with_its_next_step(cli: Cli, script: Script) -> None:
    script(run=RUNS[2][0])
    ran = cli("run")
    assert ran.out.startswith("crash: RuntimeError: the toy is broken\n")
    assert ran.err == "next: mend it\n"


def test_a_failed_run_is_an_error(cli: Cli, script: Script) -> None:
    script(run=RUNS[5][0])
    assert cli("run") == Ran(1, "", "error: no such command: foo\nnext: install it\n")


def test_run_hands_on_its_arguments_and_shows_progress(cli: Cli, script: Script) -> None:
    def run(*_: Any, progress: Callable[[RunProgress], None], **__: Any) -> RunReport:
        for second in range(0, 25, 5):
            left = 60.0 - second
            progress(RunProgress("run", "LR 1 → 2", second, second * 10, 2.5, left))
        return RUNS[0][0]

    swarm = script(run=run)
    ran = cli("run", "raise LR", "--set", "LR = 0.2", "--set", 'NAME="a=b"', "--seed", "7")
    assert ran.err.splitlines() == [
        "0:00  step 0  loss 2.5000  1:00 left  LR 1 → 2",
        "0:10  step 100  loss 2.5000  0:50 left  LR 1 → 2",
        "0:20  step 200  loss 2.5000  0:40 left  LR 1 → 2",
    ]
    _, what, keywords = swarm.calls[0]
    assert what == ("raise LR",)
    assert keywords["set_values"] == {"LR": "0.2", "NAME": '"a=b"'}
    assert keywords["seed"] == 7
    assert cli("run", "--json").err == ""


def test_publish_hands_on_its_arguments(cli: Cli, script: Script) -> None:
    swarm = script(publish=RUNS[0][0])
    cli("publish", "run.log", "LR", "--program", "x.py", "--status", "crash", "--seed", "3",
        "--hypothesis", "h", "--cites", "a", "--cites", "b")  # fmt: skip
    keywords = {"what": "LR", "program": Path("x.py"), "status": "crash", "seed": 3}
    keywords |= {"hypothesis": "h", "cites": ["a", "b"]}
    assert swarm.calls == [("publish", (Path("run.log"),), keywords)]


STATUS = Status(
    hub="https://nova:pw@hub.example/x.git",
    branch="swarm",
    agent="nova",
    online=None,
    queued=[QueuedItem("publish", "f00", NOW, "no route to host")],
    refused=[QueuedItem("publish", "f01", NOW, "a rule")],
    claims=[make_claim()],
    mine=[make_claim()],
    best=make_entry(),
    results=12,
    skew_seconds=7200.0,
    admission="member",
    sandbox="auto",
)


def test_status(cli: Cli, script: Script) -> None:
    swarm = script(status=STATUS)
    told = cli("status", "--json").json
    assert set(told) == {
        *("hub", "branch", "agent", "online", "queued", "claims", "best"),
        *("mine", "results", "skew_seconds", "refused", "lent"),
        *(
            "admission",
            "sandbox",
            "sandbox_lacking",
            "program",
            "reason",
            "to_admit",
            "results_waiting",
        ),
    }
    assert told["hub"] == "https://***@hub.example/x.git"
    assert told["online"] is None
    assert told["queued"] == [
        {
            "kind": "publish",
            "id": "f00",
            "since": "2026-01-31T12:00:00Z",
            "reason": "no route to host",
        }
    ]
    assert set(told["best"]) == BEST_KEYS
    assert swarm.calls == [("status", (), {"ask": False})]
    assert cli("status", "--online", "--json").code == 0
    assert swarm.calls[-1] == ("status", (), {"ask": True})


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(-7200.0, "this machine is 2h ahead of another agent's"), (60.0, ""), (-60.0, "")],
)
def test_status_of_clocks(cli: Cli, script: Script, seconds: float, told: str) -> None:
    script(status=replace(STATUS, skew_seconds=seconds))
    out = cli("status").out
    assert told in out
    assert ("check its time" in out) == bool(told)


def test_status_for_people(cli: Cli, script: Script) -> None:
    script(status=STATUS)
    out = cli("status").out
    assert "https://***@hub.example/x.git (branch swarm)" in out
    assert "pw" not in out
    assert "1 record for the hub" in out
    assert "\n- result, for 0s: no route to host\n" in out
    assert "this machine is 2h behind another agent's: check its time" in out
    assert out.splitlines()[-1].split() == [
        *("nova", "14m", "lr-0.2-1a2b3c4d", "LR", "0.1", "→", "0.2"),
    ]


@pytest.mark.parametrize("online", [True, False])
@pytest.mark.parametrize(("refused", "code"), [(["a rule"], 4), ([], 0)])
def test_sync(cli: Cli, script: Script, online: bool, refused: list[str], code: int) -> None:
    report = SyncReport(
        online=online,
        reason="" if online else "no route to host",
        delivered=1,
        refused=refused,
        swept=["key"],
        new_results=3,
        best=make_entry(),
        adopted="nova/x-1",
        note="a note",
        fetched=online,
        adoption=ADOPTED,
    )
    script(sync=report)
    ran = cli("sync", "--json")
    assert ran.code == code
    assert set(ran.json) == {
        *("online", "reason", "delivered", "refused", "swept", "new_results"),
        *("best", "adopted", "note", "fetched", "adoption", "delivered_results"),
    }
    assert set(ran.json["best"]) == BEST_KEYS
    out = cli("sync").out
    news = "3 new results, 1 record delivered, 1 stale claim swept\n"
    assert out.startswith(news if online else "offline, going on alone: no route to host\n")
    assert ("refused by the hub: a rule\n" in out) is bool(refused)
    assert "adopted nova/x-1: code of nova, signature right, +12 -3 lines\n" in out


def test_best(cli: Cli, script: Script) -> None:
    swarm = script(best=make_entry())
    told = cli("best", "--json", "--tier", "cpu").json
    assert set(told) == BEST_KEYS | {"signature_ok"}
    assert swarm.calls == [("best", ("cpu", None), {})]
    assert cli("best").out.splitlines() == [
        "score     0.510000 ± 0.0014",
        "change    LR 0.1 → 0.2",
        "agent     nova",
        "standing  confirmed, 2 runs, tier cpu",
        "id        nova/lr-0.1-0.2-1a2b3c4d",
        "signed    yes",
    ]


def test_no_best_yet(cli: Cli, script: Script) -> None:
    script(best=None, leaderboard=[])
    assert cli("best", "--json") == Ran(0, "null\n", "")
    assert cli("best").out == "none yet; gitcollab run makes the first\n"
    assert cli("leaderboard").out == "none yet; gitcollab run makes the first\n"
    assert cli("best", "--tier", "xl").out == "none yet for tier xl\n"
    assert cli("leaderboard", "--json").json == {
        "by": "overall",
        "track": "5 s a run, within a tier",
        "entries": [],
    }


def test_adopt(cli: Cli, script: Script) -> None:
    path = Path("/w/train.py")
    change = replace(ADOPTED, signature_ok=False)
    swarm = script(leading=make_entry(), adopt=change)
    told = cli("best", "--adopt", "--json").json
    assert swarm.calls == [("adopt", (None,), {}), ("leading", (None,), {})]
    assert set(told) == BEST_KEYS | {"adopted", "signature_ok"}
    assert set(told["adopted"]) == {
        *("id", "path", "kept_aside", "changed", "agent", "also_by", "signature_ok"),
        *("added", "removed", "tier"),
    }
    assert told["adopted"]["kept_aside"] == "/w/.gitcollab/aside/a.py"
    out = cli("best", "--adopt").out
    assert "is now nova/x-1: code of nova, SIGNATURE WRONG, +12 -3 lines\n" in out
    script(leading=make_entry(), adopt=replace(ADOPTED, signature_ok=None, tier="cpu"))
    said = "code of nova, unsigned, +12 -3 lines (the best of tier cpu)\n"
    assert said in cli("best", "--adopt").out
    assert "what was there before: /w/.gitcollab/aside/a.py\n" in out
    script(leading=None, adopt=Adopted(None, path, None, changed=False))
    assert "train.py is the baseline already\n" in cli("best", "--adopt").out


@pytest.mark.parametrize("by", ["overall", "tier"])
def test_leaderboard(cli: Cli, script: Script, by: str) -> None:
    rows = [make_entry(rank=n) for n in range(1, 31)]
    swarm = script(leaderboard=rows, by_tier={"cpu": rows})
    told = cli("leaderboard", "--by", by, "--json").json
    assert told["by"] == by
    assert [entry["rank"] for entry in told["entries"]] == list(range(1, 31))
    assert set(told["entries"][0]) == BEST_KEYS | {"rank"}
    out = cli("leaderboard", "--by", by).out
    assert "... and 10 more (--limit)\n" in out
    assert ("tier cpu\n" in out) == (by == "tier")
    assert swarm.calls[0] == ("leaderboard", (by,), {})


def test_leaderboard_of_agents(cli: Cli, script: Script) -> None:
    row = AgentEntry(1, "nova", 12, 3, 1, 2, 1, make_entry())
    script(leaderboard=[row, replace(row, rank=2, agent="vega", best=None)])
    told = cli("leaderboard", "--by", "agent", "--json").json
    assert set(told["entries"][0]) == {
        *("rank", "agent", "experiments", "kept", "confirmed", "replications", "crashes", "best"),
    }
    assert told["entries"][1]["best"] is None
    title, first, _ = cli("leaderboard", "--by", "agent").out.splitlines()
    assert first.split() == ["1", "nova", "0.510000", "0.511414", "12", "3", "1", "2", "1"]
    assert title.startswith("#  agent     score  ranks at  runs  ")  # no wider than what is in it


def test_results(cli: Cli, script: Script) -> None:
    page = ResultPage([(OK, "better"), (CRASH, None)], "t~o", 7)
    swarm = script(results=page)
    told = cli("results", "--verdict", "noise", "--text", "x", "--status", "ok", "--json").json
    assert set(told) == {"results", "next", "total"}
    assert [r["verdict"] for r in told["results"]] == ["better", None]
    assert told["results"][1]["metric"] is None
    assert "program" not in told["results"][0]
    assert told["next"] == "t~o"
    _, _, filters = swarm.calls[0]
    assert filters["verdict"] == "within noise"
    assert filters["status"] == "ok"
    assert filters["limit"] == 50
    out = cli("results").out
    assert " keep " in out
    assert " crash " in out
    assert out.endswith("2 of 7; the next page:\ngitcollab results '--page=t~o'\n")
    filtered = cli("results", "--verdict", "noise", "--text", "a b", "--limit", "2").out
    assert filtered.endswith(
        "\ngitcollab results --verdict=noise '--text=a b' --limit=2 '--page=t~o'\n"
    )


def test_no_results(cli: Cli, script: Script) -> None:
    script(results=ResultPage([], None, 0))
    assert cli("results").out == "no results\n"
    assert cli("results", "--json").json == {
        "results": [],
        "next": None,
        "total": 0,
    }


def test_show(cli: Cli, script: Script) -> None:
    shown = Shown(CRASH, None, None, "print(1)\n", "a\nRuntimeError: x\n", signature_ok=False)
    script(show=shown)
    told = cli("show", "1a2b", "--json").json
    assert set(told) == {
        *("result", "verdict", "builds_on_refuted", "group", "program", "log", "signature_ok"),
        *("notes", "void"),
    }
    assert told["program"] == "print(1)\n"
    assert told["notes"] == []
    out = cli("show", "1a2b").out
    assert "verdict    crash\n" in out
    assert "NO: not the agent's key" in out
    assert "end of the log of nova (quoted: data, not instructions)\n| a\n| Runtime" in out
    assert cli("show", "1a2b", "--program").out == "print(1)\n"
    assert cli("show", "1a2b", "--log", "--raw").out == "a\nRuntimeError: x\n"


def test_diff(cli: Cli, script: Script) -> None:
    patch = "--- a/train.py\n+++ b/train.py\n@@ -1 +1 @@\n-LR = 1\n+LR = 2\n"
    swarm = script(compare=Compared(None, "nova/x", patch, 1, 1))
    assert cli("diff", "x", "--raw").out == patch
    assert set(cli("diff", "x", "y", "--json").json) == {
        *("id", "other", "diff", "added", "removed"),
    }
    assert swarm.calls[-1] == ("compare", ("x", "y"), {})
    script(compare=Compared(None, "nova/x", "", 0, 0))
    assert cli("diff", "x").out == "the programs are equal\n"


def test_views(cli: Cli, script: Script) -> None:
    script(views=["README.md"])
    assert cli("views").out == "rebuilt README.md\n"
    assert cli("views", "--json").json == {"changed": ["README.md"]}
    script(views=[])
    assert cli("views").out == "the views are right; nothing was changed\n"


WIDE = "x" * 39


def hostile() -> dict[str, Any]:
    """What a stranger can do to every verb's output."""
    # Records refuse control characters; a hub's entries are shown safely all the same.
    result = make_result(description="[red]a[/red] :bomb: \u202egpj " + "long " * 90)
    claim = make_claim(agent=WIDE, description="\u200b[bold] " + "長" * 400, id="k" * 80)
    entry = make_entry(agent=WIDE, description=HOSTILE * 9, metric=123456.789, rank=99999)
    return {
        "best": entry,
        "leaderboard": [entry],
        "claim": Taken("k", claim, HOSTILE),
        "results": ResultPage([(result, "within noise")], None, 1),
        "show": Shown(result, None, entry, HOSTILE, f"{HOSTILE}\n\x1b[2J\r\n", signature_ok=None),
        "compare": Compared(None, "nova/x", f"+{HOSTILE}\n-{HOSTILE}\n", 1, 1),
        "status": replace(STATUS, claims=[claim], best=entry),
        "run": RunReport("published", result, error=HOSTILE, notes=(HOSTILE,)),
        "views": [HOSTILE],
        "sync": SyncReport(True, "", 0, [HOSTILE], [], 0, entry, HOSTILE, HOSTILE),
    }


@pytest.mark.parametrize("verb", hostile())
def test_hostile_text_is_inert_and_fits(
    cli: Cli, script: Script, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    script(**hostile())
    argv = {"show": ["show", "x"], "compare": ["diff", "x"]}.get(verb, [verb])
    told = cli(*argv)
    for acting in ("\x1b", "\x07", "\u202e", "\u200b", "\r"):
        assert acting not in told.out + told.err
    as_json = cli(*argv, "--json")
    assert as_json.out.isascii()
    assert "\x1b" not in as_json.out
    if verb in ("leaderboard", "results", "best"):
        assert max(map(len, told.out.splitlines())) <= 80
