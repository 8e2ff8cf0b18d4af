from __future__ import annotations

import json
import os
from datetime import timedelta
from pathlib import Path

import pytest
from store_toys import FROZEN, ask

from gitcollab.errors import GitcollabError
from gitcollab.git.failures import DiskFull
from gitcollab.store.outbox import Outbox
from gitcollab.store.requests import Request, from_json, to_json


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    return Outbox(tmp_path / "outbox")


def at(seconds: float, name: str) -> Request:
    return Request(name, "note", "nova", FROZEN + timedelta(seconds=seconds), {"text": "ü\n"})


def test_requests_come_back_as_they_were_oldest_first(outbox: Outbox) -> None:
    asked = [at(2, "b"), at(1, "c"), at(-3, "d"), at(2, "a")]
    outbox.put(asked)

    assert outbox.pending() == [asked[2], asked[1], asked[3], asked[0]]


def test_json_round_trip() -> None:
    asked = ask(
        "note", not_after=FROZEN, when_offline="drop", text="\u2028 x", deep={"a": [1, None]}
    )

    assert from_json(to_json(asked)) == asked


@pytest.mark.parametrize("name", ["", "a/b", "..", "a" * 101, "a b", "é"])
def test_ids_that_are_no_file_names(name: str) -> None:
    with pytest.raises(GitcollabError, match="cannot be the id"):
        at(0, name)


def test_an_outcome_is_told_once(outbox: Outbox) -> None:
    asked = at(0, "a")
    outbox.put([asked])
    assert outbox.take(asked) is None

    outbox.finish(asked, {"outcome": "done"})

    assert outbox.pending() == []
    assert outbox.take(asked) == {"outcome": "done"}
    assert outbox.take(asked) is None


def test_halves_and_nonsense_among_the_pending_do_no_harm(outbox: Outbox) -> None:
    outbox.put([at(0, "a")])
    pending = outbox.folder / "pending"
    (pending / "00-x.json").write_bytes(b"{")
    (pending / "01-y.json").write_bytes(b"[]")
    (pending / "02-z.json").write_bytes(json.dumps({"id": "z"}).encode())
    (pending / ".half.tmp").write_bytes(b"{")

    assert [request.id for request in outbox.pending()] == ["a"]
    assert len(outbox.broken()) == 3
    assert not (outbox.folder / "broken").exists()  # looking changes nothing
    assert [request.id for request in outbox.pending(mend=True)] == ["a"]
    assert len(list((outbox.folder / "broken").iterdir())) == len(outbox.broken()) == 3


def test_all_or_none_are_stored(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def full_at_the_third(fd: int) -> None:
        calls.append(fd)
        if len(calls) == 3:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_at_the_third)
    with pytest.raises(DiskFull):
        outbox.put(at(n, f"r{n}") for n in range(5))

    assert outbox.pending() == []
    assert list((outbox.folder / "pending").iterdir()) == []


def test_quarantine_keeps_the_reason(outbox: Outbox) -> None:
    asked = at(0, "a")
    outbox.put([asked])

    outbox.quarantine(asked, "no", {"outcome": "refused"})

    [one] = outbox.quarantined()
    assert (one.request, one.reason) == (asked, "no")
    assert outbox.pending() == []
    assert outbox.take(asked) == {"outcome": "refused"}
    outbox.retry(asked)
    assert outbox.pending() == [asked]
    assert outbox.quarantined() == []


def test_tidying_spares_what_is_new(outbox: Outbox) -> None:
    outbox.put([at(0, "a"), at(0, "b")])
    for name in "ab":
        outbox.finish(at(0, name), {"outcome": name})
    os.utime(outbox.folder / "done" / "a.json", (0, 0))

    outbox.tidy()

    assert outbox.take(at(0, "a")) is None
    assert outbox.take(at(0, "b")) == {"outcome": "b"}


def test_a_waiting_request_is_moved_on_by_the_name_it_was_read_under(outbox: Outbox) -> None:
    asked = [at(0, "a"), at(1, "b")]
    outbox.put(asked)
    pending = outbox.folder / "pending"
    for number, path in enumerate(sorted(pending.iterdir())):
        path.rename(pending / f"moved-{number}.json")
    outbox.put([asked[0]])  # once more, under its own name

    assert [request.id for request in outbox.pending()] == ["a", "a", "b"]
    assert all(outbox.is_pending(request) for request in asked)
    outbox.finish(asked[0], {"outcome": "done"})
    outbox.withdraw([asked[1]])

    assert list(pending.iterdir()) == []
    assert not any(outbox.is_pending(request) for request in asked)


def test_a_quarantined_request_is_dropped_by_the_name_it_was_read_under(outbox: Outbox) -> None:
    outbox.quarantine(at(0, "a"), "no", {"outcome": "refused"})
    [path] = (outbox.folder / "quarantine").iterdir()
    path.rename(path.with_name("moved.json"))

    [one] = outbox.quarantined()
    outbox.retry(one.request)

    assert outbox.quarantined() == []
    assert outbox.pending() == [one.request]
