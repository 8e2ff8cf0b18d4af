"""The hub's answer is lost, or half of it is: what landed is known by its nonce, never doubled."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from store_toys import ask, commits, git, landed, open_store

from gitcollab.git.command import run_git
from gitcollab.store.requests import Request
from gitcollab.store.store import Store

WrapHub = Callable[[str, str], None]
Wrap = Callable[[str], Path]

# Git reads so many bytes of what the hub's side says, which then hears no more itself.
CUT = f"""exec {sys.executable} - {{}} "$real" "$side" "$@" 3<&0 <<'END'
import os, subprocess, sys, threading
left, argv = int(sys.argv[1]), sys.argv[2:]
hub = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
def forward():
    while data := os.read(3, 65536):
        os.write(hub.stdin.fileno(), data)
threading.Thread(target=forward, daemon=True).start()
while left and (data := os.read(hub.stdout.fileno(), left)):
    os.write(1, data)
    left -= len(data)
hub.stdin.close()
hub.stdout.read()
hub.wait()
os._exit(0)
END
"""
PLAIN = 'exec "$real" "$side" "$@"'


def asked(number: int) -> list[Request]:
    claim = ask("claim", name=f"x{number}", when_offline="drop")
    return [ask("note", text=f"{number}"), claim]


def outcomes(store: Store, requests: list[Request]) -> list[str]:
    return [str(outcome["outcome"]) for outcome in store.submit(*requests)]


def test_a_lost_reply_is_recognised(hub: Path, tmp_path: Path, wrap_git: Wrap) -> None:
    store = open_store(hub, tmp_path / "home")
    store.snapshot()
    once = tmp_path / "once"
    log = wrap_git(
        f'[ "$verb" = push ] && [ ! -e {once} ] && touch {once} && "$real" "$@" >/dev/null 2>&1'
        ' && echo "fatal: the remote end hung up unexpectedly" >&2 && exit 128'
    )

    assert store.submit(ask("claim", name="x")) == [{"outcome": "granted"}]

    assert log.read_text().split() == ["push", "fetch"]
    assert commits(hub) == 2


def test_a_hub_that_swallows_its_replies(
    hub: Path, tmp_path: Path, wrap_git: Wrap, wrap_hub: WrapHub
) -> None:
    """It says where the branch is, takes the push, and of its report one byte arrives."""
    store = open_store(hub, tmp_path / "home")
    store.snapshot()
    wrap_hub("receive-pack", f"size=$({advertisement('$@')})\n" + CUT.format("$((size + 1))"))
    log = wrap_git("")

    assert outcomes(store, asked(0)) == ["noted", "granted"]

    assert log.read_text().split() == ["push", "fetch"]
    assert commits(hub) == len(set(landed(hub))) == 3


def advertisement(repository: str) -> str:
    """A command that prints the size of what the hub says before it is sent anything."""
    return f'"$real" receive-pack --http-backend-info-refs {repository} </dev/null | wc -c'


def sizes(total: int, count: int) -> Iterator[int]:
    """Some sizes up to ``total``, each end included."""
    return iter(sorted({total * n // (count - 1) for n in range(count)}))


@pytest.mark.parametrize("count", [9, pytest.param(400, marks=pytest.mark.soak)])
@pytest.mark.parametrize("side", ["receive-pack", "upload-pack"])
def test_half_a_reply(hub: Path, tmp_path: Path, wrap_hub: WrapHub, side: str, count: int) -> None:
    store = open_store(hub, tmp_path / "home", idle=10)
    other = open_store(hub, tmp_path / "other")
    store.snapshot()
    total = whole_reply(hub, tmp_path, wrap_hub, side, store)
    for number, size in enumerate(sizes(total, count)):
        if side == "upload-pack":
            wrap_hub(side, PLAIN)
            other.submit(ask("note", text="moved on"))  # so that there is something to fetch
        wrap_hub(side, CUT.format(size))
        requests = asked(number)

        noted, granted = outcomes(store, requests)

        wrap_hub(side, PLAIN)
        assert (noted, granted) in (("noted", "granted"), ("queued", "offline"))
        assert len(store.pending()) == (noted == "queued")
        store.flush()
        assert store.pending() == []
        if granted == "granted":
            assert git(hub, "show", f"swarm:claims/x{number}.yaml") == f"holder: {requests[1].id}"
        found = landed(hub)
        assert found.count(requests[0].id) == 1
        assert len(found) == len(set(found))
    assert (store.folder / "repo.git" / "HEAD").exists()


def whole_reply(hub: Path, tmp_path: Path, wrap_hub: WrapHub, side: str, store: Store) -> int:
    """How many bytes the hub's side says in a push, or in a fetch."""
    said = tmp_path / "said"
    wrap_hub(side, f'"$real" "$side" "$@" | tee {said}')
    if side == "receive-pack":
        store.submit(ask("note", text="to measure"))
    else:
        wrap_hub("receive-pack", PLAIN)
        open_store(hub, tmp_path / "measuring").submit(ask("note", text="to measure"))
        store.refresh()
    return said.stat().st_size


def test_a_claim_that_may_have_arrived_is_said_to(
    hub: Path, tmp_path: Path, wrap_git: Wrap
) -> None:
    """The push lands, its reply is lost, and then the hub is away: nobody knows."""
    store = open_store(hub, tmp_path / "home")
    store.snapshot()
    away = tmp_path / "away"
    wrap_git(
        f'[ "$verb" = push ] && [ -e {hub} ] && "$real" "$@" >/dev/null 2>&1 && mv {hub} {away}'
        ' && echo "fatal: the remote end hung up unexpectedly" >&2 && exit 128'
    )

    noted, offline = store.submit(*asked(0))

    assert (noted["outcome"], offline["outcome"]) == ("queued", "offline")
    assert offline["reason"].endswith("; it may have arrived")
    assert "may have arrived" not in noted["reason"]
    wrap_git("")
    [again] = store.submit(ask("claim", name="y", when_offline="drop"))
    assert "may have arrived" not in again["reason"]  # it never left
    away.rename(hub)
    assert store.flush() == [{"outcome": "noted"}]
    assert commits(hub) == 3


def test_the_wrapped_side_is_the_hubs(hub: Path, tmp_path: Path, wrap_hub: WrapHub) -> None:
    wrap_hub("upload-pack", "exit 7")
    assert run_git("ls-remote", str(hub)).code != 0
    wrap_hub("upload-pack", PLAIN)
    assert run_git("ls-remote", str(hub)).code == 0
