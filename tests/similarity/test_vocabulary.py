from __future__ import annotations

from contextlib import suppress
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitcollab.similarity.vocabulary import (
    MAX_ENTRIES,
    InvalidVocabulary,
    stem,
    stems,
    vocabulary,
)
from tests.similarity.field import WORDS

steady = settings(derandomize=True, deadline=None)

SMALL: dict[str, Any] = {
    "concepts": {"lr": ["learning rate", "lr"], "matrix": ["matrix"], "muon": ["muon"]},
    "parameters": {"MATRIX_LR": ["(muon) matrix lr"]},
    "weak": "the a",
}


class TestStems:
    @pytest.mark.parametrize(
        ("word", "expected"),
        [
            ("layers", "layer"),
            ("betas", "beta"),
            ("matrices", "matrice"),
            ("queries", "query"),
            ("loss", "loss"),
            ("bias", "bia"),
            ("radius", "radius"),
            ("this", "this"),
            ("is", "is"),
            ("ns", "ns"),
        ],
    )
    def test_a_plural_is_its_singular(self, word: str, expected: str) -> None:
        assert stem(word) == expected

    @pytest.mark.parametrize(
        "text",
        ["weight decay", "Weight-Decay", "WEIGHT_DECAY", "weight  decays", "ｗｅｉｇｈｔ decay"],
    )
    def test_spelling_does_not_count(self, text: str) -> None:
        assert stems(text) == ["weight", "decay"]

    def test_digits_at_the_end_belong_to_a_word(self) -> None:
        assert stems("beta1 relu2 x0") == ["beta1", "relu2", "x0"]

    @steady
    @given(st.text(max_size=50))
    def test_of_any_text_they_are_words(self, text: str) -> None:
        assert all(word and not word.isspace() for word in stems(text))


class TestMeaning:
    def test_the_longest_phrase_counts(self) -> None:
        words = vocabulary(
            {"concepts": {"embedding": ["embedding"], "value_embedding": ["value embedding"]}}
        )
        found = [concept for concept, _ in words.scan(stems("the value embeddings"))]
        assert found == [None, "value_embedding"]

    def test_a_concept_follows_through_others(self) -> None:
        words = vocabulary({"implies": {"a": ["b"], "b": ["c"], "c": ["a"]}})
        assert words.closure(["a"]) == {"a", "b", "c"}

    def test_the_core_leaves_out_what_follows(self) -> None:
        words = vocabulary({"implies": {"relu": ["activation"]}})
        assert words.core(["relu", "activation"]) == {"relu"}
        assert words.core(["activation"]) == {"activation"}

    def test_concepts_that_follow_from_each_other_do_not_vanish(self) -> None:
        words = vocabulary({"implies": {"a": ["b"], "b": ["a"]}})
        assert words.core(["a", "b"]) == {"a", "b"}

    def test_what_stands_in_brackets_may_be_left_out(self) -> None:
        forms = vocabulary(SMALL).parameters["MATRIX_LR"]
        assert set(forms) == {frozenset({"lr", "matrix"}), frozenset({"lr", "matrix", "muon"})}


class TestMerging:
    def test_a_hub_adds_ways_of_writing_and_concepts(self) -> None:
        more = {"concepts": {"lr": ["pace"], "noise": ["gaussian noise"]}, "weak": "please"}
        words = vocabulary(SMALL, more)
        assert words.concepts_in("pace of the matrix") == {"lr", "matrix"}
        assert words.concepts_in("learning rate") == {"lr"}
        assert words.concepts_in("gaussian noise") == {"noise"}
        assert words.weak == {"the", "a", "please"}
        assert words.names["lr"] == "learning rate"

    def test_a_phrase_stays_with_whom_it_was_given_first(self) -> None:
        words = vocabulary(SMALL, {"concepts": {"theft": ["learning rate"]}})
        assert words.concepts_in("learning rate") == {"lr"}

    def test_the_data_given_is_not_changed(self) -> None:
        one: dict[str, Any] = {"concepts": {"lr": ["lr"]}, "contrasts": [["a", "b"]]}
        vocabulary(one, {"concepts": {"lr": ["pace"]}, "contrasts": [["c", "d"]]})
        assert one == {"concepts": {"lr": ["lr"]}, "contrasts": [["a", "b"]]}

    @pytest.mark.parametrize(
        "more",
        [
            {"concepts": {"lr": ["pace"]}},
            {"weak": "please"},
            {"contrasts": [["lr", "matrix"]]},
            {"numbers": {"score": 20}},
            {"shares": "part"},
        ],
    )
    def test_the_digest_tells_every_change(self, more: dict[str, Any]) -> None:
        assert vocabulary(SMALL).digest != vocabulary(SMALL, more).digest
        assert vocabulary(SMALL, more).digest == vocabulary(SMALL, more).digest


class TestBadData:
    @pytest.mark.parametrize(
        ("data", "about"),
        [
            ({"synonims": {}}, "'synonims'"),
            ({1: {}}, "no section 1"),
            ({"concepts": ["lr"]}, "concepts is not a mapping"),
            ({"contrasts": {"a": "b"}}, "contrasts is not a list"),
            ({"weak": ["a"]}, "weak is not text"),
            ({"concepts": {"lr": "learning rate"}}, "concepts.lr is not a list"),
            ({"concepts": {"lr": [None]}}, "concepts.lr is not a list"),
            ({"concepts": {"lr": ["x" * 61]}}, "longer than 60"),
            ({"concepts": {"lr": ["a b c d e f g h i"]}}, "1 to 8 words"),
            ({"concepts": {"lr": ["!!!"]}}, "1 to 8 words"),
            ({"concepts": {1: ["a"], "b": ["c"]}}, "names 1"),
            ({"concepts": {"a\nb": ["c"]}}, "names"),
            ({"implies": {"a": "b"}}, "implies.a is not a list"),
            ({"contrasts": ["ab"]}, "contrasts is not a list"),
            ({"equivalents": [["a", "b"]]}, "equivalents"),
            ({"derived": [["dim", "DEPTH", "HEAD"]]}, "derived"),
            ({"parts": [["A", -1, ["b"]]]}, "parts"),
            ({"parts": [["A", 64, ["b"]]]}, "parts"),
            ({"settings": [["A", None, ["b"]]]}, "settings"),
            ({"settings": [["A", 1, "b"]]}, "settings.A is not a list|settings is not a list"),
            ({"parameters": {"A": {"b": "c"}}}, "parameters.A is not a list"),
            ({"numbers": {"few": "three"}}, "numbers"),
            ({"numbers": {"few": 10**400}}, "numbers"),
            ({"factors": {"lots": float("inf")}}, "factors"),
            ({"factors": {2: 2}}, "factors"),
            ({"light": "a " * (MAX_ENTRIES + 1)}, "5,001 entries; 5,000 are allowed"),
        ],
    )
    def test_is_named_in_one_line(self, data: dict[Any, Any], about: str) -> None:
        with pytest.raises(InvalidVocabulary, match=about) as raised:
            vocabulary(data)
        assert "\n" not in raised.value.message
        assert len(raised.value.message) < 300

    def test_nobody_s_share_of_the_entries_is_refused_alone(self) -> None:
        half = {"weak": "a " * (MAX_ENTRIES // 2)}
        vocabulary(half)
        with pytest.raises(InvalidVocabulary):
            vocabulary(half, half, {"weak": "one"})

    plain = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.text(max_size=8) | st.integers(), inner, max_size=3)
        ),
        max_leaves=6,
    )
    sections = st.sampled_from([field.name for field in fields(WORDS)])

    @steady
    @given(st.dictionaries(sections | st.text(max_size=8), plain, max_size=3))
    def test_whatever_it_is_nothing_else_is_raised(self, data: dict[str, Any]) -> None:
        with suppress(InvalidVocabulary):
            vocabulary(data)


class TestThePackage:
    def test_every_concept_that_others_speak_of_exists(self) -> None:
        """A misspelt concept in a contrast or an implication would never be met."""
        known = set(WORDS.names) | {"increase", "decrease", "add", "remove", "drop"}
        spoken = set().union(*WORDS.contrasts, *WORDS.implies.values(), WORDS.implies.keys())
        for left, right in WORDS.equivalents:
            spoken |= left | right
        spoken |= {concept for concept, _, _ in WORDS.derived} | WORDS.places
        assert spoken <= known

    def test_every_way_to_speak_of_a_constant_means_something(self) -> None:
        assert all(WORDS.parameters.values())
        assert all(setting.concepts for setting in WORDS.settings)
