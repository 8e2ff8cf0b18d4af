from __future__ import annotations

import pytest

from gitcollab.similarity.wording import MAX_CHARS, Wording, judges, take_apart

VERDICTS = {"worse", "better", "best", "hurts", "neutral", "crashed", "useless", "failed"}


def apart(text: str) -> Wording:
    return take_apart(text, VERDICTS.__contains__)


@pytest.mark.parametrize(
    "text",
    [
        "exp12: DEPTH 9",
        "Exp 12 - DEPTH 9",
        "experiment #12: DEPTH 9",
        "run 3) DEPTH 9",
        "#7: DEPTH 9",
        "e14: DEPTH 9",
        "12. DEPTH 9",
        "hypothesis: DEPTH 9",
        "feat(model): DEPTH 9",
        "perf: DEPTH 9",
        "[exp 12] DEPTH 9",
        "results: keep DEPTH 9",
    ],
)
def test_a_label_before_it_is_no_part_of_a_change(text: str) -> None:
    assert apart(text).change == "DEPTH 9"


@pytest.mark.parametrize(
    "text", ["12 layers", "2 heads per layer", "warmup: 5%", "DEPTH: 9", "9: 8", "4 layers - 2"]
)
def test_what_looks_like_a_label_and_is_the_change_stays(text: str) -> None:
    assert apart(text).change.replace(" ,", "").startswith(text.split()[0].rstrip(":"))


@pytest.mark.parametrize(
    "text",
    [
        "DEPTH 9 (worse)",
        "DEPTH 9 [crashed]",
        "DEPTH 9 — NEW BEST",
        "DEPTH 9 – worse than before",
        "DEPTH 9 - hurts",
        "DEPTH 9 -- useless",
        "DEPTH 9, worse",
        "DEPTH 9. Neutral",
        "DEPTH 9: worse",
        "DEPTH 9; keep",
        "DEPTH 9 (worse) — crashed",
    ],
)
def test_a_verdict_behind_it_is_no_part_of_a_change(text: str) -> None:
    assert apart(text).change == "DEPTH 9"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("DEPTH 9 - MATRIX_LR 0.05", ["DEPTH", "9", "MATRIX_LR", "0.05"]),
        ("DEPTH 9, MATRIX_LR=0.05, worse", ["DEPTH", "9", "MATRIX_LR=0.05"]),
        ("worse: DEPTH 9", ["DEPTH", "9"]),
        ("DEPTH 9 is better, MATRIX_LR=0.05", ["DEPTH", "9", "MATRIX_LR=0.05"]),
        ("matrix LR — 0.04 → 0.05", ["matrix", "LR", "0.04", "→", "0.05"]),
        ("ADAM_BETAS (0.9, 0.95)", ["(0.9", "0.95)"]),
        ("cut DEPTH — 8 to 6", ["cut", "DEPTH", "8", "to", "6"]),
    ],
)
def test_a_number_or_a_change_is_never_cut_off(text: str, kept: list[str]) -> None:
    change = apart(text).change.replace(", ", " , ").split()
    assert [word for word in kept if word not in change] == []


def test_what_stands_in_brackets_is_kept_apart() -> None:
    said = apart("halve the batch (device batch 64) [one step each]")
    assert said.change == "halve the batch"
    assert said.remarks == ("device batch 64", "one step each")


def test_brackets_in_brackets_come_off_both() -> None:
    assert apart("DEPTH 9 (deeper (and slower))").change == "DEPTH 9"


def test_what_a_function_is_called_with_is_no_remark() -> None:
    said = apart("compile(model, fullgraph=True)")
    assert not said.remarks
    assert "fullgraph" in said.change


@pytest.mark.parametrize(
    ("text", "purpose"),
    [
        ("halve the batch for more steps", "for more steps"),
        ("shrink the window to save time", "to save time"),
        ("raise the depth because it is shallow", "because it is shallow"),
        ("drop the warmup so that it starts fast", "so that it starts fast"),
    ],
)
def test_a_purpose_is_kept_apart(text: str, purpose: str) -> None:
    said = apart(text)
    assert said.purpose.strip() == purpose
    assert said.change == text.removesuffix(purpose).strip()


def test_a_text_that_is_all_purpose_is_the_change() -> None:
    assert apart("so that it trains").change == "so that it trains"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("MATRIX_LR *= 1.5", "MATRIX_LR x1.5"),
        ("MATRIX_LR * 1.5", "MATRIX_LR x1.5"),
        ("MATRIX_LR += 0.01", "MATRIX_LR increase by 0.01"),
        ("MATRIX_LR -= 0.01", "MATRIX_LR decrease by 0.01"),
        ("MATRIX_LR / 2", "MATRIX_LR divide by 2"),
        ("relu(x)**2", "relu squared"),
        ("F.gelu(x)", "gelu"),
        ("bias=False", "bias off"),
        ("wd ≥ 0.1", "wd above 0.1"),
        ("9L", "9 layers"),
        ("d12", "depth 12"),
    ],
)
def test_code_in_words(code: str, words: str) -> None:
    assert apart(code).change.split() == words.split()


@pytest.mark.parametrize("text", ["keep", "discard", "crashed!", "much worse", "Best so far"])
def test_what_judges(text: str) -> None:
    assert judges(text, VERDICTS.__contains__)


@pytest.mark.parametrize("text", ["", "keep it", "more steps", "worsen"])
def test_what_does_not_judge(text: str) -> None:
    assert not judges(text, VERDICTS.__contains__)


@pytest.mark.parametrize("text", ["", "  ", "\n\t", "—", "\x00\u202e", "`", "\ud800", "(", "- -"])
def test_nothing_says_nothing(text: str) -> None:
    assert apart(text).change in ("", "(")


def test_no_more_than_the_first_characters_count() -> None:
    head = "DEPTH 9 and " + "deep " * (MAX_CHARS // 5)
    assert apart(head + "MATRIX_LR 0.05") == apart(head)
    assert apart("x " * 10_000_000) == apart("x " * MAX_CHARS)


def test_signs_that_look_alike_are_the_same() -> None:
    assert apart("ＤＥＰＴＨ\u00a09\u200b") == apart("DEPTH 9")
    assert apart("MATRIX_LR 5e\u22122") == apart("MATRIX_LR 5e-2")


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("WIDTH doesn't matter", "WIDTH does not matter"),
        ("WIDTH doesn’t matter", "WIDTH does not matter"),
        ("WIDTH doesnt matter", "WIDTH does not matter"),
        ("WIDTH does not matter at all", "WIDTH does not matter"),
        ("warmup ISN'T needed", "warmup IS not needed"),
        ("more heads won't fit", "more heads will not fit"),
        ("norms can't go", "norms can not go"),
        ("norms cannot go", "norms can not go"),
        ("don't touch DEPTH", "do not touch DEPTH"),
        ("they're tied", "they are tied"),
        ("we've tied them, it'll fit", "we have tied them, it will fit"),
    ],
)
def test_short_forms_are_written_out(short: str, long: str) -> None:
    assert apart(short) == apart(long)


@pytest.mark.parametrize("text", ["windows at all layers", "dented weights", "the front of it"])
def test_what_only_looks_like_a_short_form_stays(text: str) -> None:
    assert apart(text).change == text
