from __future__ import annotations

import itertools

import pytest

from gitcollab.similarity.compare import Verdict, compare
from gitcollab.similarity.statement import understand
from tests.similarity.field import WORDS, said


def verdict(a: str, b: str) -> Verdict:
    return compare(said(a), said(b), WORDS)


@pytest.mark.parametrize(
    ("a", "b", "by"),
    [
        ("remove the softcap", "Remove the softcap (worse)", "text"),
        ("warmup does not matter at all", "Warmup doesn't matter", "text"),
        ("MATRIX_LR 0.04 → 0.05", "raise Muon LR to 5e-2", "change"),
        ("halve the batch", "TOTAL_BATCH_SIZE 2**18", "change"),
        ("softcap 15 to 20", "logit soft-cap at 20", "wording"),
        ("no weight decay", "WEIGHT_DECAY=0", "change"),
        ("SwiGLU MLP", "use swiglu in the feed-forward network", "wording"),
        ("remove the softcap", "disable logit softcapping", "wording"),
        ("add gradient clipping 1.0", "clip_grad_norm_ with max norm 1", "wording"),
    ],
)
def test_the_same_in_other_words(a: str, b: str, by: str) -> None:
    found = verdict(a, b)
    assert found.same
    assert found.by == by
    assert found.score > 0.5


# Each pair differs in one thing, and that decides.
MINIMAL = [
    ("MATRIX_LR 0.05", "MATRIX_LR 0.06", "change"),
    ("MATRIX_LR 0.05", "SCALAR_LR 0.05", "change"),
    ("MATRIX_LR 0.05", "MATRIX_LR 0.05, DEPTH 10", "change"),
    ("double the batch", "halve the batch", "change"),
    ("MATRIX_LR 0.05 with GELU", "MATRIX_LR 0.06 with GELU", "value"),
    ("softcap 20", "softcap 30", "value"),
    ("dropout 0.1", "dropout", "value"),
    ("rotary base 10K", "rotary base 200K", "value"),
    ("add a softcap", "remove the softcap", "direction"),
    ("raise the softcap", "lower the softcap", "direction"),
    ("use SwiGLU", "don't use SwiGLU", "direction"),
    ("tie embeddings", "untie embeddings", "direction"),
    ("swiglu", "geglu", "contrast"),
    ("dropout 0.1 on attention", "dropout 0.1 on the MLP", "contrast"),
    ("weight decay 0.1", "weight decay 0.1 on the value embeddings", "contrast"),
    ("Adam for attention, Muon for the MLP", "Muon for attention, Adam for the MLP", "contrast"),
    ("norm before attention", "norm after attention", "contrast"),
    ("linear warmdown", "cosine warmdown", "contrast"),
    ("MATRIX_LR 0.05", "MATRIX_LR 0.05 in the last layer", "contrast"),
    ("MATRIX_LR 0.05", "MATRIX_LR 0.05 (attention)", "contrast"),
    ("MATRIX_LR 0.05", "MATRIX_LR 0.05 when it stalls", "contrast"),
    ("remove bias from attention", "remove bias from the MLP", "contrast"),
    ("weight decay on embeddings", "weight decay except on embeddings", "contrast"),
    ("freeze the lm_head", "unfreeze the lm_head", "contrast"),
    ("attention before the MLP", "MLP before attention", "contrast"),
    ("orthogonal init", "orthogonal regularization", "contrast"),
    ("add QK norm", "add QK norm to the first layer", "contrast"),
    ("warm up momentum from 0.8 to 0.95", "warm up momentum from 0.9 to 0.95", "value"),
    ("double heads halve head dim", "halve heads double head dim", "value"),
    ("heads x2, channels x0.5", "heads x0.5, channels x2", "value"),
    ("shuffle the data", "gate the value embeddings", "wording"),
]


@pytest.mark.parametrize(("a", "b", "by"), MINIMAL)
def test_one_thing_makes_another_experiment(a: str, b: str, by: str) -> None:
    found = verdict(a, b)
    assert not found.same
    assert found.by == by


TITLES = [
    *sorted({text for a, b, _ in MINIMAL for text in (a, b)}),
    "x0_lambdas.fill_(0.0)",
    "start without any x0 mix-in (x0 lambdas zero at init)",
]


def test_it_does_not_matter_which_one_comes_first() -> None:
    for a, b in itertools.combinations([said(title) for title in TITLES], 2):
        one, other = compare(a, b, WORDS), compare(b, a, WORDS)
        assert (one.same, one.by, one.score) == (other.same, other.by, other.score), (a, b)


def test_a_text_is_the_same_as_itself() -> None:
    assert all(verdict(title, title).by == "text" for title in TITLES)
    assert all(verdict(title, title).same for title in TITLES)


def test_what_stands_in_brackets_counts() -> None:
    assert verdict("no softcap (attention)", "no softcap (MLP)").by != "text"
    assert verdict("no softcap (worse)", "no softcap (better)").by == "text"


def test_what_says_nothing_is_like_nothing() -> None:
    assert not verdict("", "").same
    assert not verdict("", "DEPTH 9").same


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("double the softcap (15 → 30)", "softcap 30", True),
        ("softcap 15 to 30", "double the softcap", True),
        ("softcap 15 to 20", "double the softcap", False),
        ("softcap 30", "double the softcap", False),
    ],
)
def test_a_change_and_a_value_meet_where_what_was_is_said(a: str, b: str, same: bool) -> None:
    assert verdict(a, b).same is same


def test_a_constant_that_keeps_its_value_does_not_count() -> None:
    assert verdict("MATRIX_LR 0.04, DEPTH 10", "DEPTH 10").same
    assert not verdict("MATRIX_LR 0.04", "MATRIX_LR 0.05").same


def test_a_pattern_is_the_same_however_often_it_is_repeated() -> None:
    assert verdict("WINDOW_PATTERN SLSL", "WINDOW_PATTERN SL").same
    assert not verdict("WINDOW_PATTERN SSL", "WINDOW_PATTERN SL").same


def test_the_reason_names_the_change() -> None:
    assert verdict("matrix LR 0.05", "MATRIX_LR=5e-2").why == "same change: MATRIX_LR → 0.05"
    assert "0.06" in verdict("MATRIX_LR 0.05", "MATRIX_LR 0.06").why


class TestAModel:
    """Where words leave doubt, a model that knows how near two meanings are decides."""

    # A word that the vocabulary does not know, in place of one: half of what is said is shared.
    A = "rotate the embedding gate by a learned quaternion"
    B = "spin the embedding gate with a learned rotor"

    def test_words_alone_say_that_they_are_in_doubt(self) -> None:
        assert compare(said(self.A), said(self.B), WORDS).undecided

    @pytest.mark.parametrize(("nearness", "same"), [(1.0, True), (0.0, False), (-1.0, False)])
    def test_it_decides_between(self, nearness: float, same: bool) -> None:
        found = compare(said(self.A), said(self.B), WORDS, lambda a, b: nearness)
        assert found.same is same
        assert found.by == "embedding"
        assert not found.undecided

    def test_it_is_asked_in_words_written_out(self) -> None:
        asked: list[str] = []
        a, b = understand("VE gate rotor", WORDS), understand("value embedding gate spin", WORDS)
        compare(a, b, WORDS, lambda a, b: asked.extend((a, b)) or 1.0)  # type: ignore[func-returns-value]
        assert all(text.startswith("value embedding gate") for text in asked)

    @pytest.mark.parametrize(("a", "b", "_"), MINIMAL)
    def test_it_is_not_asked_where_something_speaks_against_it(
        self, a: str, b: str, _: str
    ) -> None:
        def refuse(a: str, b: str) -> float:
            raise AssertionError((a, b))

        assert not compare(said(a), said(b), WORDS, refuse).same
