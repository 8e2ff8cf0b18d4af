"""What texts say of a program: the change of constants they come to, or that they don't.

A change that a text does not quite say is worse than none: claims are known by it.
"""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gitcollab.similarity.literal import Value
from gitcollab.similarity.statement import understand
from tests.similarity.field import BASE, WORDS, said

steady = settings(derandomize=True, deadline=None)

LR = {"MATRIX_LR": 0.05}
HALF_BATCH = {"TOTAL_BATCH_SIZE": 262144}


def value_of(text: str) -> dict[str, Value] | None:
    """The change that a text comes to; None where it does not say one, or says more."""
    statement = said(text)
    return dict(statement.delta) if statement.complete else None


WRITTEN: list[tuple[str, dict[str, Any]]] = [
    # one change, in every way of writing
    ("MATRIX_LR 0.04 → 0.05", LR),
    ("MATRIX_LR 0.04->0.05", LR),
    ("MATRIX_LR 0.04 => 0.05", LR),
    ("matrix LR 0.04 to 0.05", LR),
    ("MATRIX_LR=0.05", LR),
    ("MATRIX_LR: 0.05", LR),
    ("matrix_lr = .05", LR),
    ("set `MATRIX_LR` to `0.05`", LR),
    ('"MATRIX_LR = 0.05"', LR),
    ("raise Muon LR to 5e-2", LR),
    ("raise Muon LR to 5e−2", LR),
    ("increase the Muon matrix learning rate from 0.04 to 0.05", LR),
    ("MATRIX_LR 0.05 instead of 0.04", LR),
    ("MATRIX_LR 0.05 (was 0.04)", LR),
    ("MATRIX_LR 0.05, not 0.04", LR),
    ("learning rate of the matrices 0.05", LR),
    # what was there, and what is to be done with it
    ("MATRIX_LR 1.25x", LR),
    ("MATRIX_LR x1.25", LR),
    ("MATRIX_LR * 1.25", LR),
    ("MATRIX_LR *= 1.25", LR),
    ("1.25*MATRIX_LR", LR),
    ("MATRIX_LR +25%", LR),
    ("raise MATRIX_LR by 25%", LR),
    ("increase matrix LR 25%", LR),
    ("matrix LR 25% higher", LR),
    ("MATRIX_LR += 0.01", LR),
    ("MATRIX_LR + 0.01", LR),
    ("raise MATRIX_LR by 0.01", LR),
    ("raise MATRIX_LR by a factor of 1.25", LR),
    ("up 25% on the Muon LR (0.04 to 0.05)", LR),
    ("lower MATRIX_LR by 0.01", {"MATRIX_LR": 0.03}),
    ("MATRIX_LR -= 0.01", {"MATRIX_LR": 0.03}),
    ("MATRIX_LR -25%", {"MATRIX_LR": 0.03}),
    ("halve MATRIX_LR", {"MATRIX_LR": 0.02}),
    ("MATRIX_LR halved", {"MATRIX_LR": 0.02}),
    ("MATRIX_LR / 2", {"MATRIX_LR": 0.02}),
    ("MATRIX_LR/2", {"MATRIX_LR": 0.02}),
    ("MATRIX_LR /= 2", {"MATRIX_LR": 0.02}),
    ("cut MATRIX_LR in half", {"MATRIX_LR": 0.02}),
    ("half the matrix LR", {"MATRIX_LR": 0.02}),
    ("matrix LR 2x lower", {"MATRIX_LR": 0.02}),
    ("reduce the matrix LR by 2x", {"MATRIX_LR": 0.02}),
    ("reduce matrix LR by a factor of 2", {"MATRIX_LR": 0.02}),
    ("double the lm_head learning rate", {"UNEMBEDDING_LR": 0.008}),
    ("triple the embedding LR", {"EMBEDDING_LR": 1.8}),
    # counts
    ("DEPTH 9", {"DEPTH": 9}),
    ("9 layers", {"DEPTH": 9}),
    ("nine layers", {"DEPTH": 9}),
    ("depth +2", {"DEPTH": 10}),
    ("+2 layers", {"DEPTH": 10}),
    ("2 more layers", {"DEPTH": 10}),
    ("two more layers", {"DEPTH": 10}),
    ("add 2 layers", {"DEPTH": 10}),
    ("add two layers", {"DEPTH": 10}),
    ("increase depth by 2", {"DEPTH": 10}),
    ("DEPTH + 2", {"DEPTH": 10}),
    ("drop 2 layers", {"DEPTH": 6}),
    ("DEPTH+1", {"DEPTH": 9}),
    ("WEIGHT_DECAY-0.1", {"WEIGHT_DECAY": 0.1}),
    ("MATRIX_LR=5.e-2", {"MATRIX_LR": 0.05}),
    ("halve the batch for more steps, double the depth", HALF_BATCH | {"DEPTH": 16}),
    ("DEPTH 10 for better quality, MATRIX_LR 0.03", {"DEPTH": 10, "MATRIX_LR": 0.03}),
    ("one layer fewer", {"DEPTH": 7}),
    ("DEPTH -= 2", {"DEPTH": 6}),
    ("double DEPTH", {"DEPTH": 16}),
    ("2*DEPTH", {"DEPTH": 16}),
    # powers of two
    ("TOTAL_BATCH_SIZE 2**18", HALF_BATCH),
    ("TOTAL_BATCH_SIZE=2^18", HALF_BATCH),
    ("TOTAL_BATCH_SIZE 2¹⁹ → 2¹⁸", HALF_BATCH),
    ("batch 524K to 262K", HALF_BATCH),
    ("batch size 262,144", HALF_BATCH),
    ("total batch 256K tokens", HALF_BATCH),
    ("262K-token batch with the Muon LR cut by a quarter", HALF_BATCH | {"MATRIX_LR": 0.03}),
    ("halve batch", HALF_BATCH),
    ("half the batch", HALF_BATCH),
    ("½ the batch", HALF_BATCH),
    ("batch to 50%", HALF_BATCH),
    ("0.5x batch", HALF_BATCH),
    ("batch 1M", {"TOTAL_BATCH_SIZE": 2**20}),
    # shares
    ("add 5% warmup", {"WARMUP_RATIO": 0.05}),
    ("warmup 0.05", {"WARMUP_RATIO": 0.05}),
    ("warm up over 5% of training", {"WARMUP_RATIO": 0.05}),
    ("warmdown 0.5 to 0.7", {"WARMDOWN_RATIO": 0.7}),
    ("70% of the budget for the LR cooldown instead of 50%", {"WARMDOWN_RATIO": 0.7}),
    ("no warmdown", {"WARMDOWN_RATIO": 0}),
    ("FINAL_LR_FRAC 0.0 to 0.05", {"FINAL_LR_FRAC": 0.05}),
    ("10% LR floor", {"FINAL_LR_FRAC": 0.1}),
    # abbreviations
    ("WD 0.1", {"WEIGHT_DECAY": 0.1}),
    ("disable weight decay", {"WEIGHT_DECAY": 0}),
    ("wte lr 0.8", {"EMBEDDING_LR": 0.8}),
    ("unembedding LR 0.008", {"UNEMBEDDING_LR": 0.008}),
    ("AR 48", {"ASPECT_RATIO": 48}),
    # items of a tuple, patterns
    ("beta1 0.8 → 0.9", {"ADAM_BETAS": (0.9, 0.95)}),
    ("Adam beta1 0.9", {"ADAM_BETAS": (0.9, 0.95)}),
    ("Adam beta2 0.95 to 0.99", {"ADAM_BETAS": (0.8, 0.99)}),
    ("ADAM_BETAS (0.8, 0.95) → (0.9, 0.99)", {"ADAM_BETAS": (0.9, 0.99)}),
    ("ADAM_BETAS=(0.9,0.95)", {"ADAM_BETAS": (0.9, 0.95)}),
    ('WINDOW_PATTERN "SSSL" → "SL"', {"WINDOW_PATTERN": "SL"}),
    ("SSSSL window pattern", {"WINDOW_PATTERN": "SSSSL"}),
    ("full attention in all layers", {"WINDOW_PATTERN": "L"}),
    # what follows from constants
    ("dim 640", {"ASPECT_RATIO": 80}),
    ("depth 12, dim 384", {"DEPTH": 12, "ASPECT_RATIO": 32}),
    ("DEPTH 10, dim 640", {"DEPTH": 10}),
    ("depth=9 AR=56 same width", {"DEPTH": 9, "ASPECT_RATIO": 56}),
    ("DEPTH=12, ASPECT_RATIO=43 (dim 516)", {"DEPTH": 12, "ASPECT_RATIO": 43}),
    # several changes
    ("depth 9 aspect_ratio 57", {"DEPTH": 9, "ASPECT_RATIO": 57}),
    ("MATRIX_LR=0.05 DEPTH=10", {"MATRIX_LR": 0.05, "DEPTH": 10}),
    ("MATRIX_LR 0.05 and WEIGHT_DECAY 0.1", {"MATRIX_LR": 0.05, "WEIGHT_DECAY": 0.1}),
    ("MATRIX_LR 0.05 + WEIGHT_DECAY 0.1", {"MATRIX_LR": 0.05, "WEIGHT_DECAY": 0.1}),
    ("muon lr 0.05 & wd 0.1", {"MATRIX_LR": 0.05, "WEIGHT_DECAY": 0.1}),
    ("MATRIX_LR 0.05 with no warmdown", {"MATRIX_LR": 0.05, "WARMDOWN_RATIO": 0}),
    ("double MATRIX_LR, halve EMBEDDING_LR", {"MATRIX_LR": 0.08, "EMBEDDING_LR": 0.3}),
    ("lower the batch 25%, MATRIX_LR → 0.05", {"TOTAL_BATCH_SIZE": 393216, "MATRIX_LR": 0.05}),
    ("MATRIX_LR + 0.01 and DEPTH 10", {"MATRIX_LR": 0.05, "DEPTH": 10}),
    ("halve the batch, 10 layers, WD 0.1", {**HALF_BATCH, "DEPTH": 10, "WEIGHT_DECAY": 0.1}),
    ("halve the batch (device batch 128 → 64)", {**HALF_BATCH, "DEVICE_BATCH_SIZE": 64}),
    ("raise WEIGHT_DECAY by 10%, MATRIX_LR → 0.05", {"WEIGHT_DECAY": 0.22, "MATRIX_LR": 0.05}),
    # labels, verdicts, remarks
    ("exp12: MATRIX_LR 0.05 (worse)", LR),
    ("MATRIX_LR 0.05 — NEW BEST", LR),
    ("halve batch 524K to 262K (more steps in 5 min)", HALF_BATCH),
    ("wider model (ASPECT_RATIO=80)", {"ASPECT_RATIO": 80}),
    ("keep MATRIX_LR 0.04, DEPTH 10", {"MATRIX_LR": 0.04, "DEPTH": 10}),
]


@pytest.mark.parametrize(("text", "delta"), WRITTEN)
def test_a_change_is_understood(text: str, delta: dict[str, Value]) -> None:
    assert value_of(text) == pytest.approx(delta) if _numeric(delta) else value_of(text) == delta


LATER: dict[str, Value] = {
    "DEPTH": 9,
    "ASPECT_RATIO": 57,
    "HEAD_DIM": 128,
    "SHORT_WINDOW": 1024,
    "MUON_MOMENTUM": 0.95,
    "MUON_ITERATIONS": 5,
}


@pytest.mark.parametrize(
    ("text", "delta"),
    [
        # 9 x 57 comes to 640, as 10 x 57 and 11 x 57 do; 8 x 57 does not
        ("depth 10 same dim 640 (too few steps)", {"DEPTH": 10}),
        ("depth 11 dim 640 (too big, too few steps)", {"DEPTH": 11}),
        ("depth 8 dim 640 (too shallow)", {"DEPTH": 8, "ASPECT_RATIO": 80}),
        ("depth 10 aspect 51 dim 512 (too narrow)", {"DEPTH": 10, "ASPECT_RATIO": 51}),
        ("Muon ns_steps 5 to 4", {"MUON_ITERATIONS": 4}),
        ("4 Newton-Schulz iterations", {"MUON_ITERATIONS": 4}),
        ("muon final momentum 0.95 to 0.96", {"MUON_MOMENTUM": 0.96}),
        ("momentum 0.9", {"MUON_MOMENTUM": 0.9}),
        ("short window 256", {"SHORT_WINDOW": 256}),
        ("muon start momentum 0.85 to 0.80", None),
        ("muon momentum warmup 300 to 200 steps", None),
        ("momentum 0.9 in the last 2 layers", None),
        ("short window 1/8 context (256 tokens)", None),  # how long the context is, it does not say
    ],
)
def test_a_change_of_a_later_program_is_understood(
    text: str, delta: dict[str, Value] | None
) -> None:
    found = understand(text, WORDS, LATER)
    assert (dict(found.delta) if found.complete else None) == delta


def _numeric(delta: dict[str, Value]) -> bool:
    return all(isinstance(value, int | float) for value in delta.values())


@pytest.mark.parametrize(
    "text",
    [
        "49k total batch",  # 49,000, or 49,152
        # one layer of many, a number in a name, what is cut off and adds a change
        "layer 6",
        "MATRIX_LR 0.05 in layer 6",
        "depth-1",
        "DEPTH 10 (SwiGLU)",
        "DEPTH 10 (worse, with SwiGLU)",
        "MATRIX_LR 0.05 — with cosine decay",
        "DEPTH 10 - with gradient clipping",
        "DEPTH 10 because memory is short, and use SwiGLU",
        # in part only
        "MATRIX_LR 0.05 for the first half",
        "MATRIX_LR 0.05 only in the last layer",
        "MATRIX_LR 0.05 (last layer only)",
        "MATRIX_LR 0.05 (attention)",
        "MATRIX_LR 0.05 (first 100 steps)",
        "MATRIX_LR 0.05 (when it stalls)",
        "MATRIX_LR 0.05 [c_proj]",
        "MATRIX_LR 0.05 for embeddings only",
        "MATRIX_LR 0.05 for attention, 0.03 for MLP",
        "MATRIX_LR 0.05 in the first 10% of training",
        "MATRIX_LR 0.05 after warmup",
        "MATRIX_LR 0.05 during warmup",
        "MATRIX_LR 0.05 until step 100",
        "MATRIX_LR 0.05 when the loss stalls",
        "MATRIX_LR 0.05 if DEPTH is 10",
        "MATRIX_LR 0.05 when batch is 2**18",
        "MATRIX_LR 0.05 per layer",
        "MATRIX_LR 0.05, which applies only to embeddings",
        "MATRIX_LR 0.05 everywhere except in the head",
        "full attention in all layers except the first",
        "full attention in the last layer",
        "weight decay 0.1 on embeddings",
        "warmup 5% for the embedding LR",
        # with something else
        "MATRIX_LR 0.05 with cosine decay",
        "MATRIX_LR 0.05 scaled by depth",
        "MATRIX_LR 0.05 times the width",
        "MATRIX_LR 0.05 with seed 43",
        "MATRIX_LR 0.05 and revisit DEPTH",
        "MATRIX_LR 0.05 and GELU",
        "MATRIX_LR 0.05 (DEPTH=10)",
        "MATRIX_LR 0.05 (depth 10)",
        "use GELU (ASPECT_RATIO=80)",
        "rotate everything (DEPTH=12)",
        "depth 12 at the same width",
        "depth 12 dim 512",
        # over time
        "MATRIX_LR 0.05 decayed to 0.01",
        "MATRIX_LR from 0.05 to 0.01 over training",
        "MATRIX_LR 0.04 → 0.05 → 0.06",
        "MATRIX_LR 0.05 then 0.03",
        "double batch after 50%",
        # not at all
        "not MATRIX_LR 0.05",
        "without MATRIX_LR 0.05",
        "without raising MATRIX_LR to 0.05",
        "remove MATRIX_LR 0.05",
        "undo MATRIX_LR 0.05",
        "revert MATRIX_LR 0.05",
        "never MATRIX_LR 0.05",
        "instead of DEPTH 12",
        "other than DEPTH 12",
        "don't change MATRIX_LR",
        "no change to MATRIX_LR",
        "do not tune weight decay",
        # not one value
        "MATRIX_LR",
        "raise MATRIX_LR",
        "MATRIX_LR 0.05 or 0.06",
        "MATRIX_LR 0.05 or EMBEDDING_LR 0.8",
        "MATRIX_LR between 0.04 and 0.06",
        "MATRIX_LR 0.03-0.05",
        "MATRIX_LR in {0.03, 0.05}",
        "sweep MATRIX_LR 0.03, 0.05",
        "MATRIX_LR > 0.05",
        "MATRIX_LR ≥ 0.05",
        "MATRIX_LR at least 0.05",
        "MATRIX_LR below 0.05",
        "MATRIX_LR less than 0.05",
        "MATRIX_LR 0.05²",
        "DEPTH 1½",
        "MATRIX_LR = 0.05*2",
        "TOTAL_BATCH_SIZE = 2**19 // 2",
        # not said of what
        "double everything",
        "LR 0.05",
        "all LRs x2",
        "halve MATRIX_LR and DEPTH",
        "both MATRIX_LR and SCALAR_LR to 0.05",
        "beta1 0.9 in Muon",
        "MATRIX_LR = EMBEDDING_LR",
        "swap MATRIX_LR and SCALAR_LR",
        # not what it seems
        "batch 64",
        "batch size 128 → 64",
        "MATRIX_LR 50%",
        "reduce MATRIX_LR to 50%",
        "WEIGHT_DECAY 10%",
        "warmup 5",
        "warmup 100 steps",
        "double the warmup",
        "MATRIX_LR -0.05",
        "raise MATRIX_LR 0.01",
        "double MATRIX_LR 0.05",
        "MATRIX_LR 0.05 x 2",
        "increase depth to 6",
        "lower depth to 12",
        "1.3x DEPTH",
        "depth 0.5",
        "remove depth",
        "ADAM_BETAS 0.9",
        "ADAM_BETAS (0.9, 0.95, 0.99)",
        "MATRIX_LR nan",
        "MATRIX_LR 1e400",
        "MATRIX_LR 9**9**9",
    ],
)
def test_a_change_that_is_not_quite_said_is_none(text: str) -> None:
    assert value_of(text) is None


SPELLINGS = ["{n} {v}", "{n}={v}", "{n} → {v}", "{n} to {v}", "set {n} to {v}", "{n} {old} → {v}"]
BEHIND = ["", " (worse)", " — NEW BEST", ", worse", " for more stability", " [crashed]"]
FLAT = {name: v for name, v in BASE.items() if isinstance(v, int | float)}


@steady
@given(
    st.dictionaries(
        st.sampled_from(sorted(FLAT)), st.sampled_from([0.25, 0.3, 0.7]), min_size=1, max_size=4
    ),
    st.lists(st.sampled_from(SPELLINGS), min_size=4, max_size=4),
    st.sampled_from([", ", " and ", "; ", " + "]),
    st.sampled_from(BEHIND),
)
def test_any_constants_by_name_come_to_their_values(
    shares: dict[str, float], spellings: list[str], between: str, behind: str
) -> None:
    """Every constant by its own name, whatever stands between the changes and behind them."""
    delta = {name: v if FLAT[name] < 1 else round(v * 40) for name, v in shares.items()}
    parts = [
        spelling.format(n=name, v=value, old=BASE[name])
        for spelling, (name, value) in zip(spellings, delta.items(), strict=False)
    ]
    statement = said(between.join(parts) + behind)
    assert statement.complete
    assert dict(statement.delta) == delta


@pytest.mark.parametrize(
    "limit", ["in the last layer", "until step 100", "for attention", "when it stalls", "or not"]
)
@pytest.mark.parametrize(
    "text", [text for text, delta in WRITTEN if delta == LR and "—" not in text]
)
def test_what_limits_a_change_makes_it_another(text: str, limit: str) -> None:
    assert not said(f"{text} {limit}").complete


# Width follows from depth and aspect ratio: with another one of these it asks for another change.
PARTS = [(text, delta) for text, delta in WRITTEN if "dim" not in text and ":" not in text]


@steady
@given(st.sampled_from(PARTS), st.sampled_from(PARTS), st.sampled_from([", ", " and ", "; "]))
def test_two_changes_come_to_both_or_to_none(
    one: tuple[str, dict[str, Any]], other: tuple[str, dict[str, Any]], between: str
) -> None:
    assume(not one[1].keys() & other[1].keys() and "—" not in one[0])
    found = value_of(one[0] + between + other[0])
    both = {**one[1], **other[1]}
    assert found is None or found == (pytest.approx(both) if _numeric(both) else both)


def test_without_a_program_nothing_is_resolved() -> None:
    statement = understand("MATRIX_LR 0.05", WORDS)
    assert not statement.delta
    assert not statement.complete
    assert {"matrix", "lr"} <= statement.core


def test_what_keeps_its_value_is_told_from_what_moves() -> None:
    statement = said("MATRIX_LR 0.04, DEPTH 10")
    assert statement.kept == {"MATRIX_LR"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("MLP hidden 4x to 3.5x", {"MLP_RATIO": 3.5}),
        ("RoPE base frequency 10K to 200K", {"ROPE_BASE": 200_000}),
        ("RoPE base 10K to 15K", {"ROPE_BASE": 15_000}),
    ],
)
def test_units_of_a_constants_own(text: str, value: dict[str, Value]) -> None:
    statement = understand(text, WORDS, {"MLP_RATIO": 4, "ROPE_BASE": 10000.0})
    assert statement.complete
    assert statement.delta == value


def test_a_constant_that_means_nothing_in_the_field_goes_by_its_own_words() -> None:
    statement = understand("fizz buzz 3 → 4", WORDS, {"FIZZ_BUZZ": 3})
    assert statement.complete
    assert statement.delta == {"FIZZ_BUZZ": 4}


def test_a_program_s_flags_are_no_numbers() -> None:
    assert not understand("NESTEROV 0", WORDS, {"NESTEROV": True}).complete


def test_the_order_of_changes_does_not_count() -> None:
    parts = ["MATRIX_LR 0.05", "DEPTH 10", "WD 0.1", "halve the batch"]
    deltas = [value_of(", ".join(order)) for order in itertools.permutations(parts)]
    assert all(delta == deltas[0] for delta in deltas)
    assert deltas[0] is not None


def test_what_words_say_beside_constants() -> None:
    statement = said("remove the softcap (worse than 15)")
    assert statement.actions == {"remove"}
    assert "softcap" in statement.concepts
    assert [getattr(a, "readings", None) for a in statement.before] == [(15.0,)]
