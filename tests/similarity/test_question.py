"""What questions ask of constants, and what is left to be searched for."""

from __future__ import annotations

import pytest
from field import BASE, WORDS
from hypothesis import given
from hypothesis import strategies as st

from gitcollab.similarity.literal import Value
from gitcollab.similarity.question import MAX_CHARS, Metric, Question, tells, understood
from gitcollab.similarity.vocabulary import stems

KNOWN: dict[str, Value] = {**BASE, "NOISE": 0.0, "ROPE_BASE": 10_000, "val_bpb": 0.5}
LRS = "EMBEDDING_LR, UNEMBEDDING_LR, MATRIX_LR, SCALAR_LR"


def asked(text: str) -> Question:
    return understood(text, WORDS, KNOWN)


def subjects(text: str) -> list[str]:
    return [subject.text for subject in asked(text).subjects]


def terms(text: str) -> list[str]:
    return [term.said for term in asked(text).terms]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("what learning rates have been tried?", LRS),
        ("LR", LRS),
        ("which Adam learning rates?", "EMBEDDING_LR, UNEMBEDDING_LR, SCALAR_LR"),
        ("the learning rate of the embeddings", "EMBEDDING_LR"),
        ("muon lr", "MATRIX_LR"),
        ("MATRIX_LR", "MATRIX_LR"),
        ("matrix_lr", "MATRIX_LR"),
        ("MatrixLR", "MATRIX_LR"),
        ("matrix-lr", "MATRIX_LR"),
        ("batch sizes", "TOTAL_BATCH_SIZE"),
        ("how many layers are best?", "DEPTH"),
        ("what does the noise do?", "NOISE"),
        ("warmup", "WARMUP_RATIO"),
        ("val_bpb below 0.97", "val_bpb below 0.97"),
    ],
)
def test_constants_by_name_in_words_and_by_kind(text: str, said: str) -> None:
    assert subjects(text) == [said]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("MATRIX_LR above 0.05", "MATRIX_LR above 0.05"),
        ("MATRIX_LR > 5e-2", "MATRIX_LR above 0.05"),
        ("MATRIX_LR over 0.05?", "MATRIX_LR above 0.05"),
        ("matrix learning rate larger than 5%", "MATRIX_LR above 0.05"),
        ("MATRIX_LR < 1e-2", "MATRIX_LR below 0.01"),
        ("0.01 > MATRIX_LR", "MATRIX_LR below 0.01"),
        ("0.01 < MATRIX_LR <= 0.05", "MATRIX_LR above 0.01 and at most 0.05"),
        ("MATRIX_LR between 0.02 and 0.05", "MATRIX_LR at least 0.02 and at most 0.05"),
        ("MATRIX_LR 0.02-0.05", "MATRIX_LR at least 0.02 and at most 0.05"),
        ("MATRIX_LR from 0.02 to 0.05", "MATRIX_LR at least 0.02 and at most 0.05"),
        ("MATRIX_LR 0.05 or more", "MATRIX_LR at least 0.05"),
        ("at most 12 layers", "DEPTH at most 12"),
        ("DEPTH 12", "DEPTH = 12"),
        ("DEPTH=12", "DEPTH = 12"),
        ("12 layers", "DEPTH = 12"),
        ("twelve layers", "DEPTH = 12"),
        ("what about runs with depth 12 or more", "DEPTH at least 12"),
        ("depth 10 or 12", "DEPTH = 10 or 12"),
        ("MATRIX_LR not 0.04", "MATRIX_LR not 0.04"),
        ("MATRIX_LR != 0.04", "MATRIX_LR not 0.04"),
        ("MATRIX_LR around 0.04", "MATRIX_LR about 0.04"),
        ("MATRIX_LR 0.04 → 0.02", "MATRIX_LR 0.04 → 0.02"),
        ("TOTAL_BATCH_SIZE of 2**18", "TOTAL_BATCH_SIZE = 262144"),
        ("a batch of 262K tokens", "TOTAL_BATCH_SIZE = 262144"),
        ("double the muon LR", "MATRIX_LR = 2 times what it was"),
        ("WINDOW_PATTERN SSLL", "WINDOW_PATTERN = SSLL"),
        ("ADAM_BETAS (0.9, 0.95)", "ADAM_BETAS = (0.9, 0.95)"),
        ("adam beta2 0.99", "ADAM_BETAS[1] = 0.99"),
        ("what happens with a higher matrix LR?", "MATRIX_LR raised"),
        ("what raised depth to 9", "DEPTH = 9"),
        ("no warmup", "WARMUP_RATIO = 0"),
        ("above MATRIX_LR 0.05", "MATRIX_LR above 0.05"),
        ("at most the muon LR of 0.05", "MATRIX_LR at most 0.05"),
        ("making the model deeper", "DEPTH raised"),
        ("a shallower network", "DEPTH lowered"),
    ],
)
def test_what_is_asked_of_values(text: str, said: str) -> None:
    assert subjects(text) == [said]
    assert terms(text) == []


@pytest.mark.parametrize(
    ("text", "said", "either"),
    [
        ("DEPTH 12, 0.05 for MATRIX_LR", ["DEPTH = 12", "MATRIX_LR = 0.05"], False),
        ("DEPTH 12 and MATRIX_LR 0.05", ["DEPTH = 12", "MATRIX_LR = 0.05"], False),
        ("DEPTH 12 or MATRIX_LR above 0.05", ["DEPTH = 12", "MATRIX_LR above 0.05"], True),
        ("embedding and unembedding LR", ["EMBEDDING_LR", "UNEMBEDDING_LR"], False),
        ("MATRIX_LR above 0.02 and MATRIX_LR below 0.05",
         ["MATRIX_LR above 0.02 and below 0.05"], False),
        ("larger batches with smaller lr", ["TOTAL_BATCH_SIZE raised", f"{LRS} lowered"], False),
    ],
)  # fmt: skip
def test_several_constants(text: str, said: list[str], either: bool) -> None:
    assert subjects(text) == said
    assert asked(text).either == either


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("was SwiGLU tried instead of ReLU²?", ["swiglu", "relu2", "tried"]),
        ("gating in the last layer", ["gating", "last", "layer"]),
        ("what do we know about rotary embeddings?", ["rotary embedding"]),
        ("what about 0.05?", ["0.05"]),
        ("does anybody know?", []),
        ("which one gave something right since?", []),
        ("weight decay for the value embeddings",
         ["value embedding weight decay", "weight decay", "value embedding"]),
        ("VE weight decay", ["value embedding weight decay", "weight decay", "ve"]),
    ],
)  # fmt: skip
def test_other_words_are_searched_for(text: str, said: list[str]) -> None:
    assert sorted(terms(text)) == sorted(said)
    assert subjects(text) == []


def test_a_word_is_searched_for_as_the_field_writes_it() -> None:
    (term,) = asked("relu squared").terms
    assert {"relu squared", "squared relu", "relu2", "relu²"} <= set(term.ways)
    (subject,) = asked("muon LR").subjects
    assert {"muon lr", "muon learning rate", "matrix lr"} <= set(subject.ways)


def test_a_name_that_is_none_is_said_with_those_near_it() -> None:
    found = asked("FOO_LR above 3 with MATRIX_LRS 2")
    assert [(one.name, one.near[:1]) for one in found.unknown] == [
        ("FOO_LR", ()),
        ("MATRIX_LRS", ("MATRIX_LR",)),
    ]
    assert found.subjects == ()
    assert found.terms == ()


def test_a_name_of_known_words_is_none_either() -> None:
    known: dict[str, Value] = {"EMBEDDING_LR": 0.2, "SCALAR_LR": 0.3}
    found = understood("MATRIX_LR above 0.05", WORDS, known)
    ((name, near),) = found.unknown
    assert (name, "SCALAR_LR" in near) == ("MATRIX_LR", True)
    assert (found.subjects, found.terms, found.missed) == ((), (), ())


@pytest.mark.parametrize(
    ("text", "missed"),
    [
        ("MATRIX_LR above 1e999", ("above", "1e999")),
        ("MATRIX_LR > 1e9999", (">", "1e9999")),
        ("<s>", ("<", ">")),
        ("<s> below", ("below", ">")),
    ],
)
def test_what_was_not_understood_is_said_as_typed(text: str, missed: tuple[str, ...]) -> None:
    found = asked(text)
    assert (found.subjects, found.missed) == ((), missed)


def test_values_are_held_against_what_was_there_before() -> None:
    (subject,) = asked("double the matrix LR").subjects
    (named,) = subject.names
    assert subject.holds(named, 0.08, 0.04)
    assert not subject.holds(named, 0.08, 0.05)
    assert not subject.holds(named, 0.08)
    (moved,) = asked("MATRIX_LR 0.04 → 0.02").subjects
    assert moved.holds(named, 0.02, 0.04)
    assert moved.holds(named, 0.02)  # what it was is not known
    assert not moved.holds(named, 0.02, 0.03)


def test_an_amount_of_nothing_is_of_the_metric_where_it_may_be() -> None:
    metric = Metric("val_bpb", 0.9, 1.1)

    def read(text: str) -> tuple[list[str], list[str], tuple[str, ...]]:
        found = understood(text, WORDS, KNOWN, metric)
        return [one.text for one in found.subjects], [t.said for t in found.terms], found.missed

    assert read("between 0.97 and 0.971")[0] == ["val_bpb at least 0.97 and at most 0.971"]
    assert read("memory above 70") == ([], [], ("memory above 70",))
    assert read("MATRIX_LR above 0.95")[0] == ["MATRIX_LR above 0.95"]


WAYS = [" ".join(way) for way in WORDS.concepts]
PIECES = [*WAYS, *KNOWN, "above", "below", "not", "deeper", "wider", "or", "and", "0.05", "12"]
MADE_UP = st.from_regex(r"(?:zq|qx|vz)[bdfgk]{2,6}", fullmatch=True)


@given(st.lists(st.one_of(st.sampled_from(PIECES), MADE_UP), min_size=1, max_size=12))
def test_no_word_vanishes(pieces: list[str]) -> None:
    """Every word that tells something is in what was understood, or is said not to be."""
    found = asked(" ".join(pieces)[:MAX_CHARS])
    said = [one.text for one in found.subjects] + [one.said for one in found.subjects]
    said += [one.said for one in found.terms] + [*found.missed]
    told = set(stems(" ".join(said)))
    for piece in pieces:
        if piece[:2] in ("zq", "qx", "vz"):
            assert piece in told


def test_no_word_of_the_field_vanishes() -> None:
    """By itself, each is a constant, a term, or missed; but for what only asks, or adds."""

    def is_silent(way: str) -> bool:
        asks = not any(tells(word, WORDS) for word in way.split())
        return asks or WORDS.concepts[tuple(way.split())] == "add"

    read = {way: asked(way) for way in WAYS if not is_silent(way)}
    assert [way for way, q in read.items() if not (q.subjects or q.terms or q.missed)] == []


@given(st.text(max_size=2 * MAX_CHARS))
def test_any_text_is_a_question(text: str) -> None:
    understood(text, WORDS, KNOWN)


@pytest.mark.parametrize(
    "piece", ["LR_", "(0.1, ", "above ", "0.1-", "or ", '"', "a_b ", "½", "= "]
)
def test_long_questions_take_no_time(piece: str) -> None:
    understood(piece * 5_000, WORDS, KNOWN)
