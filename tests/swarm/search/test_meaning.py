"""The sentence model in an answer: when it is used, what it adds, and how it is missing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gitcollab.similarity import embedding
from gitcollab.similarity.embedding import Model, ModelUnavailable
from gitcollab.swarm.recogniser import _Announced
from gitcollab.swarm.search import meaning
from gitcollab.swarm.search.asking import Answer
from gitcollab.swarm.swarm import Swarm
from tests.swarm.knowing import everything

USED = "the sentence model read all texts"


class Model2D:
    """A model for which a text means attention as much as it says so, in any of three words."""

    name = "toy"

    def __init__(self, *, missing: bool = False) -> None:
        self.loads = 0
        self.encoded: list[str] = []
        self.missing = missing

    def load(self) -> Model:
        self.loads += 1
        if self.missing:
            raise ModelUnavailable("there is none", "pip install one")
        return Model(self.name, self)

    def encode(self, texts: list[str], **_: Any) -> np.ndarray:
        self.encoded += texts
        turns = [any(w in text.lower() for w in ("attention", "look", "heed")) for text in texts]
        return np.array([[1.0, 0.0] if turn else [0.0, 1.0] for turn in turns], dtype=np.float32)


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Model2D:
    """The model that is found, which is on this machine."""
    found = Model2D()
    monkeypatch.setattr(embedding, "find", lambda _: found)
    monkeypatch.setattr(embedding, "located", lambda _: "installed")
    return found


@pytest.fixture
def swarm(agent: Callable[[str], Swarm], toy_hub: Path, toy_task: Path, model: Model2D) -> Swarm:
    everything(toy_hub, toy_task)
    found = agent("orion")
    found.member.store.refresh()
    return found


def by_meaning(answer: Answer) -> list[str]:
    return [hit.id for hit in answer.hits if "meaning" in hit.by]


def test_it_finds_other_words_where_these_find_little(swarm: Swarm, model: Model2D) -> None:
    answer = swarm.ask("heed what is far away")
    assert by_meaning(answer) == ["lyra/prose"]
    assert (answer.hits[0].by, answer.meaning, model.loads) == (("meaning",), USED, 1)
    before = list(model.encoded)
    again = swarm.ask("heed the past")  # texts are kept, a question is read
    assert by_meaning(again) == ["lyra/prose"]
    assert (model.loads, model.encoded) == (1, [*before, "heed the past (heed the past)"])


def test_it_is_left_alone_where_words_or_constants_are_enough(
    swarm: Swarm, model: Model2D, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meaning, "FEW", 1)
    assert "not needed" in swarm.ask("attention").meaning
    assert swarm.ask("RATE above 0.3").meaning == ""
    assert swarm.ask("what failed?").meaning == ""
    assert swarm.ask("heed", meaning=False).meaning == "not asked for"
    assert model.loads == 0
    assert swarm.ask("RATE above 0.3", meaning=True).meaning == USED
    assert model.loads == 1
    assert swarm.ask("attention").meaning == USED  # it is at hand now


def test_texts_are_read_some_at_a_time_and_the_newest_first(
    swarm: Swarm, model: Model2D, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meaning, "_NEW", 3)
    heard: list[str] = []
    swarm.member.notice = heard.append
    first = swarm.ask("heed", meaning=True)
    assert first.meaning == "the sentence model read 3 of 11 texts; ask again for more"
    assert heard[-1] == "reading 3 texts for meaning"
    assert model.encoded[1] == "RATE 0.25, in a moment (rate in a moment)"
    for _ in range(3):
        last = swarm.ask("heed", meaning=True)
    assert last.meaning == USED


def test_a_model_that_is_missing_is_said_and_is_no_error(swarm: Swarm, model: Model2D) -> None:
    model.missing = True
    for _ in range(2):
        answer = swarm.ask("heed what is far away", meaning=True)
        assert answer.hits == []
        assert answer.meaning == "no sentence model: there is none; pip install one"
    assert model.loads == 1


def test_nothing_is_downloaded_unasked(
    swarm: Swarm, model: Model2D, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedding, "located", lambda _: "hub")
    assert "--meaning downloads it" in swarm.ask("heed what is far away").meaning

    def nowhere(_: object) -> str:
        raise ModelUnavailable("no libraries", "install them")

    monkeypatch.setattr(embedding, "located", nowhere)
    answer = swarm.ask("heed what is far away")
    assert answer.meaning == "no sentence model: no libraries; install them"
    assert model.loads == 0


def test_it_finds_nothing_that_sets_a_constant_otherwise(
    swarm: Swarm, model: Model2D, toy_hub: Path, toy_task: Path
) -> None:
    known = everything(toy_hub, toy_task)
    known.run("nova/heed", 1.1, "heed, RATE 0.2", sets={"RATE": 0.2})
    known.run("nova/wider", 1.1, "heed, WIDTH 12", sets={"WIDTH": 12})
    known.plant()
    swarm.member.store.refresh()
    assert {*by_meaning(swarm.ask("heed", meaning=True))} == {
        *("nova/heed", "nova/wider", "lyra/prose"),
    }
    assert by_meaning(swarm.ask("looks with RATE above 0.4", meaning=True)) == ["lyra/prose"]


def test_a_question_of_general_words_is_put_to_it(swarm: Swarm, model: Model2D) -> None:
    swarm.ask("network", meaning=True)
    assert model.encoded[0].startswith("network")


def test_a_download_is_told_where_it_is_one(
    swarm: Swarm, model: Model2D, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[str] = []
    monkeypatch.setattr(meaning, "_NEW", 1)
    swarm.member.recogniser._notice = swarm.member.notice = heard.append
    swarm.ask("heed", meaning=True)
    assert heard == ["loading the sentence model", "reading 1 text for meaning"]
    source, heard[:] = _Announced(model, heard.append), []
    monkeypatch.setattr(embedding, "located", lambda _: "hub")
    source.load()
    assert heard == ["downloading (90 MB) and loading the sentence model"]


def test_what_stands_out_is_found() -> None:
    assert meaning.likest([]) == meaning.likest([None]) == meaning.likest([0.2, 0.1, 0.1]) == []
    # nothing of what is as like as most texts are, however like these are
    assert meaning.likest([0.4, 0.8, None, 0.4, 0.42, 0.75]) == [1, 5]


def test_what_does_not_count_is_not_even_read(swarm: Swarm, model: Model2D) -> None:
    swarm.ask("heed", meaning=True)
    assert not any("forged" in text or "0.9" in text for text in model.encoded)
