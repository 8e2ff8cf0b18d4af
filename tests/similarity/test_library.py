from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitcollab.similarity import library as module
from gitcollab.similarity.compare import Verdict, compare
from gitcollab.similarity.embedding import ModelUnavailable
from gitcollab.similarity.kept import Kept
from gitcollab.similarity.library import Library
from gitcollab.similarity.statement import Statement, understand
from gitcollab.similarity.vocabulary import vocabulary
from tests.similarity.field import BASE, WORDS

steady = settings(derandomize=True, deadline=None)

TITLES = [
    "halve batch 524K to 262K (more steps in 5 min)",
    "TOTAL_BATCH_SIZE 2**19 → 2**18",
    "exp3: depth 9 aspect_ratio 57",
    "DEPTH 8 → 9, ASPECT_RATIO 64 → 57 (worse)",
    "add 5% warmup",
    "warmup 0.05",
    "SSSSL window pattern (5:1 short:long)",
    'WINDOW_PATTERN "SSSL" → "SSSSL"',
    "random seed 42 to 137",
    "change seed to 137",
    "softcap 15 to 20",
    "logit softcap 20 (was 15)",
    "remove cautious WD mask (much worse)",
    "disable the cautious weight decay mask in Muon",
    "gradient clipping max_norm=1.0",
    "clip gradients at norm 1",
    "Muon ns_steps 5 to 4",
    "4 Newton-Schulz iterations instead of 5",
    "constant WD at 0.1",
    "weight decay fixed at 0.1, no decay schedule",
    "SwiGLU MLP",
    "replace relu squared with SwiGLU",
    "rotate the embedding gate by a learned quaternion",
    "spin the embedding gate with a learned rotor",
    "Adam betas (0.9, 0.95)",
    "ADAM_BETAS (0.8, 0.95) → (0.9, 0.95)",
    "halve the batch (first half)",
    "no softcap",
    "frob it to 20 (softcap)",
    "0.5",
    "???",
    "",
]


class Meanings:
    """In place of a model: how near two texts are, by the letters they share; it counts."""

    def __init__(self, *, broken: bool = False) -> None:
        self.broken = broken
        self.asked: list[tuple[str, str]] = []
        self.prepared: list[str] = []
        self.loads = 0

    def similarity(self, a: str, b: str) -> float:
        self._need()
        self.asked.append((a, b))
        return len(set(a) & set(b)) / max(1, len(set(a) | set(b)))

    def prepare(self, texts: Iterable[str]) -> None:
        self._need()
        self.prepared += texts

    def _need(self) -> None:
        self.loads += 1
        if self.broken:
            raise ModelUnavailable("there is none")


def library(vectors: Any = None, kept: Kept | None = None) -> Library:
    return Library(WORDS, vectors, kept)


def one_by_one(text: str, others: list[str], meanings: Meanings | None) -> dict[int, Verdict]:
    """What ``alike`` has to give: the verdict on each pair by itself."""
    mine = understand(text, WORDS)
    near = meanings.similarity if meanings else None
    verdicts = [compare(mine, understand(other, WORDS), WORDS, near) for other in others]
    return {place: verdict for place, verdict in enumerate(verdicts) if verdict.same}


class TestAlike:
    @pytest.mark.parametrize("meanings", [None, Meanings()])
    def test_it_gives_what_each_pair_by_itself_gives(self, meanings: Meanings | None) -> None:
        mine = library(meanings)
        for text in TITLES:
            found = dict(mine.alike(text, TITLES))
            expected = one_by_one(text, TITLES, meanings)
            assert {p: (v.same, v.score) for p, v in found.items()} == {
                p: (v.same, v.score) for p, v in expected.items()
            }, text

    pieces = st.sampled_from(" ".join(TITLES).split())

    @steady
    @given(st.lists(pieces, max_size=5), st.lists(st.lists(pieces, max_size=5), max_size=6))
    def test_nothing_is_lost_of_any_texts(self, text: list[str], others: list[list[str]]) -> None:
        texts = [" ".join(other) for other in others]
        found = dict(library().alike(" ".join(text), texts))
        assert found.keys() == one_by_one(" ".join(text), texts, None).keys()

    def test_the_surest_come_first(self) -> None:
        scores = [v.score for _, v in library().alike("softcap 20", [*TITLES, "softcap 20"])]
        assert scores == sorted(scores, reverse=True)
        assert scores[0] == 1.0

    def test_of_many_doubtful_ones_the_likeliest_are_asked_about(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "_MOST_ASKED", 2)
        meanings = Meanings()
        others = [f"spin the embedding gate with a learned rotor {'abc'[n]}zz" for n in range(3)]
        library(meanings).alike("rotate the embedding gate by a learned quaternion", others)
        assert len(meanings.asked) == 2


class TestTheModel:
    def test_it_is_asked_only_where_words_leave_doubt(self) -> None:
        meanings = Meanings()
        library(meanings).alike(
            "TOTAL_BATCH_SIZE 2**18", ["halve the batch", "softcap 20", "DEPTH 9"]
        )
        assert meanings.loads == 0

    def test_its_texts_are_had_ready_all_at_once(self) -> None:
        meanings = Meanings()
        others = ["spin the embedding gate with a learned rotor", "softcap 20"]
        library(meanings).alike("rotate the embedding gate by a learned quaternion", others)
        assert len(meanings.prepared) == 2
        assert {text for pair in meanings.asked for text in pair} == set(meanings.prepared)

    def test_one_that_is_missing_is_asked_once(self) -> None:
        meanings = Meanings(broken=True)
        mine = library(meanings)
        assert not mine.model_missing
        for _ in range(3):
            mine.alike("rotate the embedding gate by a learned quaternion", TITLES)
            mine.compare(*TITLES[22:24])
        assert meanings.loads == 1
        assert mine.model_missing == "there is none"

    def test_without_it_words_decide_alone(self) -> None:
        for text in TITLES:
            assert library(Meanings(broken=True)).alike(text, TITLES) == library().alike(
                text, TITLES
            )

    def test_a_comparison_of_two_uses_the_constants(self) -> None:
        verdict, one, other = library().compare("halve the batch", "batch 262K", BASE)
        assert verdict.by == "change"
        assert one.delta == other.delta == {"TOTAL_BATCH_SIZE": 262144}


class TestStatementsOnDisk:
    @pytest.mark.parametrize("title", TITLES)
    def test_a_statement_comes_back_as_it_was(self, title: str) -> None:
        made = understand(title, WORDS)
        again = module._unpacked(module._packed(made), WORDS)
        for field in fields(Statement):
            assert getattr(again, field.name) == getattr(made, field.name), field.name

    @steady
    @given(st.text(max_size=80))
    def test_whatever_the_text(self, text: str) -> None:
        made = understand(text, WORDS)
        assert module._unpacked(module._packed(made), WORDS) == made

    def test_another_process_does_not_make_them_again(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "statements.sqlite"
        made = library(kept=Kept(path)).statements(TITLES)
        counted = _counting(monkeypatch)
        assert library(kept=Kept(path)).statements(TITLES) == made
        assert counted == []

    def test_new_words_make_them_again(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "statements.sqlite"
        Library(vocabulary({"weak": "the"}), None, Kept(path)).statements(["the frob"])
        counted = _counting(monkeypatch)
        more = vocabulary({"weak": "the", "concepts": {"frob": ["frob"]}})
        [said] = Library(more, None, Kept(path)).statements(["the frob"])
        assert counted == ["the frob"]
        assert said.concepts == {"frob"}

    def test_new_code_makes_them_again(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "statements.sqlite"
        library(kept=Kept(path)).statements(["softcap 20"])
        monkeypatch.setattr(module, "_edition", lambda: "another")
        counted = _counting(monkeypatch)
        library(kept=Kept(path)).statements(["softcap 20"])
        assert counted == ["softcap 20"]

    def test_the_edition_covers_every_module_that_a_statement_is_made_by(self) -> None:
        """What ``statement`` imports, and so on, as far as it is about similarity."""
        source = Path(module.__file__)
        pending, met = ["statement"], set()
        while pending:
            name = pending.pop()
            met.add(name)
            text = (source.parent / f"{name}.py").read_text()
            for other in source.parent.glob("*.py"):
                if other.stem not in met and f"similarity.{other.stem} import" in text:
                    pending.append(other.stem)
        covered = {"library", *module._SOURCES}
        assert met <= covered

    def test_a_damaged_one_is_made_again(self, tmp_path: Path) -> None:
        path = tmp_path / "statements.sqlite"
        path.write_bytes(b"rubbish" * 500)
        assert library(kept=Kept(path)).statements(["softcap 20"]) == [
            understand("softcap 20", WORDS)
        ]

    def test_a_text_is_understood_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        counted = _counting(monkeypatch)
        mine = library()
        mine.statements(["softcap 20", "DEPTH 9", "softcap 20"])
        mine.alike("DEPTH 9", ["softcap 20"])
        assert sorted(counted) == ["DEPTH 9", "softcap 20"]

    def test_memory_is_bounded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "_AT_HAND", 10)
        mine = library()
        for n in range(100):
            assert mine.statements([f"softcap {n}"])[0].text == f"softcap {n}"
        assert len(mine._statements) <= 11


def _counting(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that are understood from now on."""
    counted: list[str] = []

    def understood(text: str, *more: Any) -> Statement:
        counted.append(text)
        return understand(text, *more)

    monkeypatch.setattr(module, "understand", understood)
    return counted
