"""outbox and doctor: on a real hub with a rule of its own, and what a stranger may say there."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cli_toys import HOSTILE, NOW, Ran, ScriptedSwarm

from gitcollab.cli import render
from gitcollab.swarm import doctor
from gitcollab.swarm.doctor import Check
from gitcollab.swarm.reports import Dropped, OutboxItem, OutboxReport, Retried

Cli = Callable[..., Ran]
Join = Callable[[str], Path]
Script = Callable[..., ScriptedSwarm]

ITEM_KEYS = {
    *("id", "request", "kind", "agent", "description", "since", "reason"),
    *("refused_by", "refused_at"),
}
WAITING = OutboxItem(
    id="nova/lr-0.1-0.2-1a2b3c4d",
    request="f" * 32,
    kind="publish",
    agent="nova",
    description="LR 0.1 → 0.2",
    since=NOW - timedelta(hours=2),
    reason="no route to host",
)
REFUSED = replace(
    WAITING,
    id="nova/lr-0.1-0.9-5e6f7a8b",
    request="e" * 32,
    description="LR 0.1 → 0.9",
    reason="not on Sundays",
    refused_by="hub",
    refused_at=NOW - timedelta(minutes=5),
)


@pytest.fixture
def frozen_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "now", lambda: NOW)


def rule(hub: Path, body: str) -> None:
    """Let the hub refuse pushes that bring results, as ``body`` says."""
    hook = hub / "hooks" / "update"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ngit diff --name-only $2 $3 | grep -q ^results || exit 0\n{body}\n")
    hook.chmod(0o755)


def id_of(ran: Ran) -> str:
    return str(ran.json["result"]["id"])


# -- on a real hub ---------------------------------------------------------------------------------


def test_refused_work_is_shown_tried_again_and_dropped(cli: Cli, join: Join, hub: Path) -> None:
    nova = join("nova")
    rule(hub, "printf '\\033[31mnot on\\007 Sundays\\n' >&2; exit 1")
    for rate in (0.2, 0.25):
        ran = cli("run", "--set", f"LR={rate}", cwd=nova)
        assert ran.code == 4
        assert "granted" not in ran.out
        assert ran.err.endswith("see: gitcollab outbox\n")

    told = cli("outbox", "--json").json
    assert told["waiting"] == []
    first, second = (item["id"] for item in told["refused"])
    item = told["refused"][0]
    assert set(item) == ITEM_KEYS
    assert (item["kind"], item["refused_by"]) == ("publish", "hub")
    assert "Sundays" in item["reason"]
    shown = cli("outbox").out
    assert "refused by the hub" in shown
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert cli("status").out.splitlines()[-1].startswith("next: gitcollab outbox")
    assert "next: gitcollab outbox" not in cli("sync").out  # told once, not again and again

    again = cli("outbox", "retry")
    assert again.code == 4
    assert again.out.count("refused again") == 2
    assert len(cli("outbox", "--json").json["refused"]) == 2

    rule(hub, "exit 0")
    one = cli("outbox", "retry", render.short_id(first), "--json")
    assert one.code == 0
    assert [(r["id"], r["outcome"]) for r in one.json["retried"]] == [(first, "published")]
    assert first in cli("results", "--json").out
    assert [i["id"] for i in cli("outbox", "--json").json["refused"]] == [second]

    dropped = cli("outbox", "drop", second.rpartition("-")[2][:6], "--json")
    assert dropped.code == 0
    kept = json.loads(Path(dropped.json["path"]).read_bytes())
    assert Path(dropped.json["path"]).parent == nova / ".gitcollab" / "aside"
    assert kept["payload"]["result"]["id"] == second
    assert "LR = 0.25" in kept["payload"]["files"]["train.py"]
    assert cli("outbox", "--json").json == {"waiting": [], "refused": []}
    assert cli("outbox", "retry") == Ran(0, "nothing was refused\n", "")


def test_what_waits_is_shown_and_can_be_dropped(cli: Cli, join: Join, hub: Path) -> None:
    nova = join("nova")
    gone = hub.with_name("gone.git")
    hub.rename(gone)
    waiting = [id_of(cli("run", "--set", f"LR={r}", "--json", cwd=nova)) for r in (0.2, 0.25)]
    told = cli("outbox", "--json").json
    assert [item["id"] for item in told["waiting"]] == waiting
    assert told["refused"] == []
    out = cli("outbox").out
    assert "2 records for the hub; gitcollab sync delivers" in out
    assert "last try: there is no repository" in out
    assert render.short_id(waiting[1]) in out

    not_refused = cli("outbox", "retry", waiting[0])
    assert not_refused.code == 1
    assert "gitcollab sync" in not_refused.err
    assert cli("outbox", "drop", "lr-").code == 2  # both
    assert cli("outbox", "drop", "nothing-like-it").code == 2
    assert cli("outbox", "drop").code == 2
    assert cli("outbox", "drop", waiting[0]).code == 0
    gone.rename(hub)
    assert cli("sync", "--json").json["delivered"] == 1
    found = {r["id"] for r in cli("results", "--json").json["results"]}
    assert waiting[1] in found
    assert waiting[0] not in found


def test_a_retry_without_the_hub_is_queued(cli: Cli, join: Join, hub: Path) -> None:
    nova = join("nova")
    rule(hub, "exit 1")
    assert cli("run", "--set", "LR=0.2", cwd=nova).code == 4
    [refused] = cli("outbox", "--json").json["refused"]
    hub.rename(hub.with_name("gone.git"))

    ran = cli("outbox", "retry", "--json")

    assert ran.code == 5
    assert [(r["id"], r["outcome"]) for r in ran.json["retried"]] == [(refused["id"], "queued")]
    hub.with_name("gone.git").rename(hub)
    rule(hub, "exit 0")
    assert cli("sync", "--json").json["delivered"] == 1
    assert cli("outbox").out == "nothing waits for the hub, and nothing was refused\n"


def test_an_old_refusal_is_not_taken_for_the_answer(cli: Cli, join: Join, hub: Path) -> None:
    nova = join("nova")
    gone = hub.with_name("gone.git")
    hub.rename(gone)
    cli("run", "--set", "LR=0.2", cwd=nova)
    gone.rename(hub)
    rule(hub, "exit 1")
    assert cli("sync").code == 4  # nobody waits for this outcome
    rule(hub, "exit 0")
    assert cli("outbox", "retry").code == 0


def test_doctor_of_a_workspace_that_is_well(cli: Cli, join: Join, hub: Path) -> None:
    nova = join("nova")
    ran = cli("doctor", "--json", cwd=nova)
    assert ran.json["ok"] is True
    assert ran.code == 0
    assert {"git", "hub", "push", "task", "copy", "outbox", "key", "disk", "sandbox"} <= {
        check["name"] for check in ran.json["checks"]
    }
    assert all(set(c) == {"name", "state", "found", "todo"} for c in ran.json["checks"])
    hub.rename(hub.with_name("gone.git"))
    ran = cli("doctor")
    assert ran.code == 1
    assert "\nFAIL  hub " in ran.out
    assert cli("doctor", "--json").json["ok"] is False


def test_doctor_outside_of_a_workspace(cli: Cli, tmp_path: Path) -> None:
    ran = cli("doctor", cwd=tmp_path)
    assert ran.code == 0
    assert ran.out.startswith("ok    git  ")


# -- what is printed -------------------------------------------------------------------------------


def test_outbox_for_people(cli: Cli, script: Script, frozen_clock: None) -> None:
    ours = replace(
        REFUSED, refused_by="bug", reason="Traceback (most recent ...)\n  x\nKeyError: 1\n"
    )
    script(outbox=OutboxReport([WAITING], [REFUSED, ours]))
    assert cli("outbox").out.splitlines() == [
        "1 record for the hub; gitcollab sync delivers",
        "last try: no route to host",
        "1a2b3c4d      result by nova, 2h old: LR 0.1 → 0.2",
        "",
        "2 records refused, and kept on this host",
        "5e6f7a8b      result by nova, 2h old: LR 0.1 → 0.9",
        "              refused by the hub 5m ago: not on Sundays",
        "5e6f7a8b      result by nova, 2h old: LR 0.1 → 0.9",
        "              refused by a bug in gitcollab 5m ago: KeyError: 1",
        "next: gitcollab outbox retry [ID], or gitcollab outbox drop ID",
    ]


def test_a_long_outbox_is_cut(cli: Cli, script: Script, frozen_clock: None) -> None:
    script(outbox=OutboxReport([WAITING] * 50, []))
    out = cli("outbox").out
    assert out.count("LR 0.1") == 20
    assert out.endswith("... and 30 more (--json gives all)\n")
    assert len(cli("outbox", "--json").json["waiting"]) == 50


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        (["published"], 0),
        (["published", "refused"], 4),
        (["queued"], 5),
        (["queued", "failed"], 4),
        ([], 0),
    ],
)
def test_what_a_retry_comes_to(cli: Cli, script: Script, outcomes: list[str], code: int) -> None:
    swarm = script(retry=[Retried(REFUSED, outcome, "why") for outcome in outcomes])
    assert cli("outbox", "retry").code == code
    assert cli("outbox", "retry", "5e6f", "--json").code == code
    assert swarm.calls == [("retry", (None,), {}), ("retry", ("5e6f",), {})]


def test_hostile_words_are_inert(cli: Cli, script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    bad = replace(REFUSED, reason=HOSTILE * 20, description=HOSTILE, agent="x" * 39)
    checks = [Check("hub", "fail", f"https://me:secret@host/x {HOSTILE}", f"{HOSTILE}\nmore")]
    monkeypatch.setattr(doctor, "examine", lambda folder: checks)
    script(
        outbox=OutboxReport([bad], [bad]),
        retry=[Retried(bad, "refused", HOSTILE)],
        drop=Dropped(bad, Path(f"/w/{HOSTILE}")),
    )
    for argv in (["outbox"], ["outbox", "retry"], ["outbox", "drop", "x"], ["doctor"]):
        told = cli(*argv)
        as_json = cli(*argv, "--json")
        for acting in ("\x1b", "\x07", "\u202e", "\u200b", "\r"):
            assert acting not in told.out + told.err
        assert as_json.out.isascii()
        assert "\x1b" not in as_json.out
        assert "secret" not in told.out + as_json.out


def test_doctor_for_people(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    checks = [
        Check("git", "ok", "2.39.5"),
        Check("clock", "warn", "2 h behind", "set it"),
        Check("hub", "fail", "no answer", "check the connection"),
    ]
    monkeypatch.setattr(doctor, "examine", lambda folder: checks)
    ran = cli("doctor")
    assert ran.code == 1
    assert ran.out.splitlines() == [
        "ok    git    2.39.5",
        "warn  clock  2 h behind",
        "             > set it",
        "FAIL  hub    no answer",
        "             > check the connection",
        "3 checks: 1 failed, 1 warning",
    ]
    monkeypatch.setattr(doctor, "examine", lambda folder: checks[:1])
    assert cli("doctor") == Ran(0, "ok    git  2.39.5\nall is well\n", "")
