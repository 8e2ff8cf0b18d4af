"""A hub in trouble: claim says offline, run goes on, status tells why, sync delivers."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cli_toys import Ran

from gitcollab.git import command

Cli = Callable[..., Ran]
Join = Callable[[str], Path]


@contextmanager
def silent(hub: Path) -> Iterator[str]:
    with hook(hub, "exec sleep 600"):
        yield "no answer in"


@contextmanager
def read_only(hub: Path) -> Iterator[str]:
    for argv in (["--bind", hub, hub], ["-o", "remount,bind,ro", hub]):
        if os.geteuid() != 0 or subprocess.run(["mount", *argv], capture_output=True).returncode:
            pytest.skip("mounting takes root, and leave to")
    try:
        yield "unable to create temporary object directory"
    finally:
        subprocess.run(["umount", "-l", hub], check=True)


@contextmanager
def half_a_reply(hub: Path) -> Iterator[str]:
    """The hub ends while it is asked."""
    with hook(hub, "kill -9 $PPID"):
        yield "hung up"


@contextmanager
def hook(hub: Path, body: str) -> Iterator[None]:
    path = hub / "hooks" / "pre-receive"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    yield
    path.unlink()


@pytest.mark.parametrize("trouble", [silent, read_only, half_a_reply])
def test_work_goes_on_and_is_delivered_in_order(
    cli: Cli, join: Join, hub: Path, monkeypatch: pytest.MonkeyPatch, trouble: Callable
) -> None:
    nova = join("nova")
    right = command.run_git

    def impatient(*args: str, **more: object) -> command.Ran:
        return right(*args, **{**more, "idle": 1.0})

    with trouble(hub) as reason, monkeypatch.context() as patch:
        patch.setattr(command, "run_git", impatient)
        claimed = cli("claim", "LR 0.1 → 0.2", "--json", cwd=nova)
        assert (claimed.code, claimed.json["outcome"]) == (5, "offline")
        assert reason in claimed.json["reason"]
        runs = [cli("run", "--set", f"LR=0.{n}", "--json", cwd=nova) for n in (2, 4)]
        assert [(ran.code, ran.json["outcome"]) for ran in runs] == [(5, "queued")] * 2
        queued = cli("status", "--json", cwd=nova).json["queued"]
        assert [one["kind"] for one in queued] == ["publish", "publish"]
        assert all(reason in one["reason"] for one in queued)
        if len({one["reason"] for one in queued}) == 1:
            assert cli("status", cwd=nova).out.count("\n- 2 × result, for ") == 1

    back = cli("sync", "--json", cwd=nova).json
    assert (back["online"], back["delivered"]) == (True, 2)
    log = ["git", f"--git-dir={hub}", "log", "-2", "--reverse", "--format=%s", "swarm"]
    told = subprocess.run(log, check=True, capture_output=True, text=True).stdout.splitlines()
    assert [line.rpartition(" ")[2] for line in told] == ["0.2", "0.4"]
    assert cli("status", "--json", cwd=nova).json["queued"] == []


def test_a_hub_that_was_there_is_not_to_be_made_anew(cli: Cli, join: Join, hub: Path) -> None:
    nova = join("nova")
    hub.rename(hub.with_name("away.git"))
    for told in (cli("verify", cwd=nova).err, cli("doctor").out):
        assert "gitcollab init" not in told
        assert "ask whether the hub has moved" in told
    ran = cli("run")
    assert (ran.code, ran.out.count("there is no repository")) == (5, 1)
    assert "note: unclaimed, and queued on this host (there is no repository" in ran.out


def test_a_release_waits_for_the_hub(cli: Cli, join: Join, hub: Path) -> None:
    nova = join("nova")
    key = cli("claim", "LR 0.1 → 0.2", "--json", cwd=nova).json["experiment"]
    hub.rename(hub.with_name("away.git"))
    told = cli("release", cwd=nova)
    assert (told.code, told.out) == (5, "")
    assert told.err.startswith(f"error: queued: the release of {key} (")
    hub.with_name("away.git").rename(hub)
    assert cli("sync", "--json", cwd=nova).json["delivered"] == 1
    assert cli("status", "--json", cwd=nova).json["claims"] == []
