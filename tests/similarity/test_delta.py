from __future__ import annotations

import json

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gitcollab.similarity.constants import (
    InvalidValue,
    ProgramSyntaxError,
    UnknownConstant,
    constants,
    edit,
)
from gitcollab.similarity.delta import (
    Change,
    Delta,
    apply,
    between,
    canonical_json,
    describe,
    from_text,
)
from gitcollab.similarity.literal import Value, same, spell
from tests.similarity.programs import PROGRAM, STEADY, names, scalars, sources, values


def test_changed_constants_are_found() -> None:
    changed = edit(PROGRAM, {"MATRIX_LR": "5e-2", "DEPTH": "9"})

    delta = between(PROGRAM, changed)

    assert delta == Delta({"DEPTH": Change(8, 9), "MATRIX_LR": Change(0.04, 0.05)})
    assert describe(delta) == "DEPTH 8 → 9, MATRIX_LR 0.04 → 0.05"
    assert canonical_json(delta) == '{"DEPTH":9,"MATRIX_LR":0.05}'


@pytest.mark.parametrize(
    "values",
    [
        {"TOTAL_BATCH_SIZE": "262144"},
        {"DEPTH": "8.0"},
        {"MATRIX_LR": "4e-2"},
        {"WARMUP_RATIO": "0"},
        {"ADAM_BETAS": "0.8, 0.95"},
    ],
)
def test_another_spelling_is_no_change(values: dict[str, str]) -> None:
    delta = between(PROGRAM, edit(PROGRAM, values))

    assert delta.empty
    assert describe(delta) is None
    assert canonical_json(delta) == "{}"


def test_true_is_not_one() -> None:
    assert describe(between("A = 1", "A = True")) == "A 1 → True"
    assert Change(0, 1) != Change(0, True)
    assert Change(0, 8) == Change(0.0, 8.0)
    assert hash(Change(0, 8)) == hash(Change(0.0, 8.0))


@pytest.mark.parametrize(
    "source",
    [
        "A = 2\nB = 2\nprint(A)\n",  # a constant more
        "print(2)\n",  # a constant less
        "A = f(2)\nprint(A)\n",  # no longer a literal
        "A = 2\nprint(A, A)\n",
    ],
)
def test_what_is_more_than_constants_is_structural(source: str) -> None:
    delta = between("A = 1\nprint(A)\n", source)

    assert delta.structural
    assert not delta.empty
    assert describe(delta) is None


def test_form_alone_is_an_empty_delta() -> None:
    assert between(
        PROGRAM, PROGRAM.replace("# layers", "# how deep").replace('"""Run."""', "")
    ).empty


def test_a_syntax_error_is_raised() -> None:
    with pytest.raises(ProgramSyntaxError):
        between(PROGRAM, "x = (")


def test_values_are_shown_in_their_shortest_form() -> None:
    base = "A = 'SSSL'\nB = (0.8, 1.0)\nC = 1e-05\nD = None\n"
    changed = "A = 'L'\nB = (8e-1,)\nC = 2.0**3\nD = 'é'\n"

    assert describe(between(base, changed)) == (
        'A "SSSL" → "L", B (0.8, 1) → (0.8,), C 1e-05 → 8, D None → "é"'
    )
    assert canonical_json(between(base, changed)) == '{"A":"L","B":[0.8],"C":8,"D":"é"}'


def test_a_long_description_is_cut() -> None:
    base = "".join(f"CONSTANT_{n} = {'x' * 300!r}\n" for n in range(30))

    text = describe(between(base, base.replace("xxx'", "yyy'")))

    assert text is not None
    assert len(text) <= 500
    assert text.endswith("more")


def test_apply_keeps_form_and_kind() -> None:
    delta = Delta({"MATRIX_LR": Change(0.04, 1), "WINDOW_PATTERN": Change("SSSL", "L L")})

    applied = apply(PROGRAM, delta)

    assert "MATRIX_LR: float = 1.0        # Muon" in applied
    assert 'WINDOW_PATTERN = "L L"        # short' in applied


def test_apply_to_a_program_without_the_constant_fails() -> None:
    with pytest.raises(UnknownConstant):
        apply("A = 1\n", Delta({"B": Change(1, 2)}))


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("MATRIX_LR 0.04 → 0.05", {"MATRIX_LR": 0.05}),
        ("MATRIX_LR 0.04 -> 5e-2", {"MATRIX_LR": 0.05}),
        ("MATRIX_LR 0.04→0.05", {"MATRIX_LR": 0.05}),
        ("MATRIX_LR 0.04->-0.05", {"MATRIX_LR": -0.05}),
        ("MATRIX_LR 0.04 to 0.05", {"MATRIX_LR": 0.05}),
        ("MATRIX_LR → 0.05", {"MATRIX_LR": 0.05}),
        ("MATRIX_LR->0.05", {"MATRIX_LR": 0.05}),
        ("MATRIX_LR=0.05", {"MATRIX_LR": 0.05}),
        ("  MATRIX_LR = 0.05 ", {"MATRIX_LR": 0.05}),
        ("MATRIX_LR 0.03 → 0.05", {"MATRIX_LR": 0.05}),
        (
            "DEPTH 8 → 9, MATRIX_LR=0.05; WARMUP_RATIO → 0.1",
            {"DEPTH": 9, "MATRIX_LR": 0.05, "WARMUP_RATIO": 0.1},
        ),
        ("TOTAL_BATCH_SIZE 2**18 → 2**19", {"TOTAL_BATCH_SIZE": 524288}),
        (
            "ADAM_BETAS (0.8, 0.95) → (0.85, 0.95), DEPTH=9",
            {"ADAM_BETAS": (0.85, 0.95), "DEPTH": 9},
        ),
        ('WINDOW_PATTERN "SSSL" → "SSSSL"', {"WINDOW_PATTERN": "SSSSL"}),
        ("WINDOW_PATTERN SSSL → SSSSL", {"WINDOW_PATTERN": "SSSSL"}),
        ("WINDOW_PATTERN = 'a, b; c → d'", {"WINDOW_PATTERN": "a, b; c → d"}),
        ("COMPILE=False", {"COMPILE": False}),
        ("RESUME → 'x'", {"RESUME": "x"}),
        ("DEPTH=8, MATRIX_LR=0.05", {"MATRIX_LR": 0.05}),  # DEPTH is 8 already
    ],
)
def test_explicit_words_give_a_delta(text: str, after: dict[str, Value]) -> None:
    delta = from_text(text, constants(PROGRAM))

    assert delta is not None
    assert not delta.structural
    assert {name: change.after for name, change in delta.changes.items()} == after
    assert all(
        change.before == constants(PROGRAM)[name].value for name, change in delta.changes.items()
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "raise MATRIX_LR to 0.05",
        "MATRIX_LR 0.04 → 0.05 (worse)",
        "MATRIX_LR 0.04 → 0.05 — NEW BEST",
        "matrix_lr = 0.05",
        "MATRIX LR 0.04 → 0.05",
        "UNKNOWN=1",
        "MATRIX_LR",
        "MATRIX_LR 0.05",
        "MATRIX_LR=",
        "MATRIX_LR=foo",
        "MATRIX_LR x → 0.05",
        "MATRIX_LR == 0.05",
        "MATRIX_LR=0.04 → 0.05",
        "MATRIX_LR=0.05 DEPTH=9",
        "MATRIX_LR=0.05,, DEPTH=9",
        "MATRIX_LR=0.05, and more",
        "MATRIX_LR=0.05, MATRIX_LR=0.06",
        "DEPTH=9**9**9",
        "DEPTH=8",
        "DEPTH 9 → 8.0",
        "DEPTH=9" + " " * 500,
        "DEPTH=(" * 70,
        '"' * 499,
        "DEPTH " + "- " * 245,
        "DEPTH" + " " * 490 + "x",
        "A" * 500,
    ],
)
def test_any_other_words_give_none(text: str) -> None:
    assert from_text(text, constants(PROGRAM)) is None


@STEADY
@given(st.text(max_size=600))
def test_no_text_breaks_it(text: str) -> None:
    from_text(text, constants(PROGRAM))
    from_text(f"DEPTH={text}", constants(PROGRAM))


@STEADY
@given(sources(), st.data())
def test_a_delta_applied_is_the_delta_between(source: str, data: st.DataObject) -> None:
    known = constants(source)
    chosen = data.draw(st.dictionaries(st.sampled_from(sorted(known)), values))
    delta = Delta(
        {
            name: Change(known[name].value, value)
            for name, value in chosen.items()
            if not same(known[name].value, value)
        }
    )

    assert between(source, apply(source, delta)) == delta
    try:
        edited = edit(source, {name: spell(value) for name, value in chosen.items()})
    except InvalidValue:  # over the limit of one value's text
        assume(False)
    assert between(source, edited) == delta
    assert set(json.loads(canonical_json(delta))) == set(delta.changes)


@STEADY
@given(st.dictionaries(names, st.tuples(scalars, scalars), min_size=1, max_size=3))
def test_a_description_reads_back(pairs: dict[str, tuple[Value, Value]]) -> None:
    base = "".join(f"{name} = {spell(before)}\n" for name, (before, _) in pairs.items())
    delta = between(base, "".join(f"{n} = {spell(after)}\n" for n, (_, after) in pairs.items()))
    text = describe(delta)
    assume(text is not None and "…" not in text and "\\" not in text)
    assert text is not None

    assert from_text(text, constants(base)) == delta
