"""Full text: the words of records, by their stems, as hostile as they may be."""

from __future__ import annotations

from pathlib import Path

import pytest
from store_toys import ask, open_store

from gitcollab.store.columns import Columns
from gitcollab.store.requests import Decision, Request
from gitcollab.store.snapshot import Snapshot
from gitcollab.store.store import Store

TEXTS = {
    "nova/lr": "a learning rate of 0.05 diverges",
    "nova/gates": "gated attention, and ReLU² in the MLP",
    "vega/rates": "learning rates of embeddings: MATRIX_LR may be higher",
    "vega/long": "attention " * 20 + "is what this is about",
    "vega/odd": "quotes \" and ' and * and NEAR(a, b) OR -c ^d: e",
}
INSIGHTS = Columns(
    "insight", ("agent",), (), lambda r: (r.agent,), version=1, text=lambda r: str(r.text)
)


def decide_write(snapshot: Snapshot, request: Request, now: object) -> Decision:
    found = {path: None if t is None else t.encode() for path, t in request.payload.items()}
    return Decision({"outcome": "written"}, found)


def insight(name: str, text: str) -> str:
    agent, said = name.split("/")[0], text.replace('"', '\\"')
    return (
        f"schema: 1\nid: {name}\nagent: {agent}\ncreated_at: 2026-01-02T03:04:05Z\n"
        f"nonce: '{'0' * 16}'\ntext: \"{said}\"\n"
    )


@pytest.fixture
def store(hub: Path, tmp_path: Path) -> Store:
    deciders = {"write": decide_write}
    made = open_store(hub, tmp_path / "home", deciders=deciders, columns=[INSIGHTS])
    files = {f"insights/{name}.yaml": insight(name, text) for name, text in TEXTS.items()}
    assert made.submit(ask("write", **files))[0]["outcome"] == "written"
    return made


def found(store: Store, *words: str, most: int = 10) -> list[str]:
    return [name for name, _ in store.snapshot().search("insight", words, most)]


def test_words_are_found_by_their_stems_and_phrases_whole(store: Store) -> None:
    assert found(store, "learning rate") == ["nova/lr", "vega/rates"]
    assert found(store, "diverged") == ["nova/lr"]
    assert found(store, "rate learning") == []
    assert found(store, "matrix lr") == ["vega/rates"]
    assert found(store, "relu²") == ["nova/gates"]
    assert found(store) == []


def test_any_word_will_do_and_the_best_match_comes_first(store: Store) -> None:
    assert found(store, "gated", "attention")[0] == "nova/gates"
    assert set(found(store, "gated", "diverge")) == {"nova/gates", "nova/lr"}
    assert len(found(store, "attention", "rate", most=2)) == 2


def test_no_word_is_a_query(store: Store) -> None:
    for word in ('"', "*", "a OR b", "NEAR(a, b)", '" OR "', "", "^d", "\0", "\ud800", "-c", "x:y"):
        assert set(found(store, word)) <= {"vega/odd"}


def test_what_changes_touch_is_left_out_and_what_is_gone_is_gone(store: Store) -> None:
    path = "insights/nova/lr.yaml"
    over = store.snapshot().with_changes({path: insight("nova/lr", "rates").encode()})
    assert [name for name, _ in over.search("insight", ["rate"], 10)] == ["vega/rates"]
    store.submit(ask("write", **{path: None}))
    assert found(store, "rate") == ["vega/rates"]
    changed = insight("vega/rates", "about something else")
    store.submit(ask("write", **{"insights/vega/rates.yaml": changed}))
    assert found(store, "rate") == []
    assert found(store, "something") == ["vega/rates"]
