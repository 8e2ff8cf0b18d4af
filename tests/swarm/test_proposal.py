"""What a working program is as an experiment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gitcollab.errors import GitcollabError, UsageError
from gitcollab.records.models import Experiment, Hardware, Result
from gitcollab.similarity.program import fingerprint
from gitcollab.swarm.proposal import (
    FIRST_SEED,
    checked_description,
    from_words,
    only_from_words,
    propose,
)
from gitcollab.swarm.recogniser import Recogniser
from gitcollab.swarm.workspace import Base

PROGRAM = """\
MATRIX_LR = 0.04  # learning rate
DEPTH = 8
BETAS = (0.8, 0.95)
print(MATRIX_LR * DEPTH)
"""
BASE = Base("nova/first-1", PROGRAM)
WORDS = Recogniser(Path("/dev/null/words")).library


def result(
    program: str = PROGRAM, *, name: str = "nova/first-1", seed: int = 42, ok: bool = True
) -> Result:
    return Result(
        agent="nova",
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        nonce="a" * 32,
        id=name,
        description="baseline",
        fingerprint=fingerprint(program),
        status="ok" if ok else "crash",
        metric=1.0 if ok else None,
        seed=seed,
        task="sha256:" + "0" * 64,
        hardware=Hardware(device="cpu", tier="cpu"),
    )


def known(*results: Result) -> Callable[[str], list[Result]]:
    return lambda wanted: [r for r in results if r.fingerprint == wanted]


def test_a_change_of_constants_describes_itself() -> None:
    plan = propose(PROGRAM, BASE, known(), set_values={"MATRIX_LR": "5e-2", "DEPTH": "9"})
    assert plan.experiment.description == "MATRIX_LR 0.04 → 0.05, DEPTH 8 → 9"
    assert plan.experiment.delta == {"MATRIX_LR": 0.05, "DEPTH": 9}
    assert not plan.experiment.structural
    assert plan.experiment.base == "nova/first-1"
    assert "MATRIX_LR = 5e-2  # learning rate" in plan.program


def test_words_describe_what_constants_cannot() -> None:
    edited = PROGRAM.replace("print(", "print(2 * ")
    with pytest.raises(UsageError, match="cannot describe itself") as caught:
        propose(edited, BASE, known())
    assert "gitcollab run" in caught.value.hint
    plan = propose(edited, BASE, known(), "twice as much")
    assert plan.experiment.description == "twice as much"
    assert plan.experiment.structural


def test_words_that_spell_out_a_change_make_it() -> None:
    plan = propose(PROGRAM, BASE, known(), "MATRIX_LR=0.05")
    assert plan.experiment.delta == {"MATRIX_LR": 0.05}
    assert "MATRIX_LR = 0.05" in plan.program


def test_words_on_an_edited_program_change_nothing() -> None:
    edited = PROGRAM.replace("DEPTH = 8", "DEPTH = 10")
    plan = propose(edited, BASE, known(), "MATRIX_LR=0.05")
    assert plan.program == edited
    assert plan.experiment.delta == {"DEPTH": 10}


def test_an_unchanged_program_is_the_baseline_then_a_replicate() -> None:
    first = propose(PROGRAM, BASE, known())
    assert (first.experiment.description, first.experiment.replicates) == ("baseline", None)
    assert first.seed == FIRST_SEED
    again = propose(PROGRAM, BASE, known(result()))
    assert again.experiment.replicates == "nova/first-1"
    assert again.seed == FIRST_SEED + 1


def test_a_crashed_baseline_is_run_again_with_another_seed() -> None:
    plan = propose(PROGRAM, BASE, known(result(ok=False)))
    assert plan.experiment.replicates is None
    assert plan.seed == FIRST_SEED + 1


def test_words_without_a_change_are_refused_where_the_base_is_measured() -> None:
    with pytest.raises(UsageError, match="unchanged"):
        propose(PROGRAM, BASE, known(result()), "raise the learning rate")


def test_a_syntax_error_is_found_before_anything_else() -> None:
    with pytest.raises(GitcollabError, match="line 2") as caught:
        propose("A = 1\ndef (:\n", BASE, known())
    assert caught.value.hint


def test_an_unknown_constant_names_close_ones() -> None:
    with pytest.raises(UsageError, match="MATRIX_RL") as caught:
        propose(PROGRAM, BASE, known(), set_values={"MATRIX_RL": "1"})
    assert "MATRIX_LR" in caught.value.hint


def test_a_program_in_another_language_needs_words() -> None:
    base = Base(None, "echo 1\n")
    with pytest.raises(UsageError):
        propose("echo 2\n", base, known(), python=False)
    plan = propose("echo 2\n", base, known(), "two", python=False)
    assert plan.experiment.structural
    assert propose("echo 1\n", base, known(), python=False).experiment.description == "baseline"


def test_values_too_large_for_a_record_make_the_change_structural() -> None:
    plan = propose(
        PROGRAM + f'BIG = "{"x" * 10}"\n', Base(None, PROGRAM + 'BIG = "y"\n'), known(), "w"
    )
    assert plan.experiment.delta == {"BIG": "x" * 10}
    plan = propose(
        PROGRAM + f'BIG = "{"x" * 600}"\n', Base(None, PROGRAM + 'BIG = "y"\n'), known(), "w"
    )
    assert plan.experiment == plan.experiment.model_copy(update={"delta": {}, "structural": True})


@pytest.mark.parametrize(
    ("what", "match"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("x" * 501, "501 characters"),
        ("a\nb", "U\\+000A"),
        ("a\x1b[0m", "U\\+001B"),
    ],
)
def test_descriptions_that_no_record_may_have(what: str, match: str) -> None:
    with pytest.raises(UsageError, match=match) as caught:
        checked_description(what)
    assert "500" in caught.value.hint


def test_words_announce_an_experiment() -> None:
    spelled = from_words(BASE, "MATRIX_LR 0.04 → 0.05", WORDS)
    assert spelled.delta == {"MATRIX_LR": 0.05}
    assert (
        spelled.fingerprint
        == propose(PROGRAM, BASE, known(), set_values={"MATRIX_LR": "0.05"}).experiment.fingerprint
    )
    assert from_words(BASE, "raise the matrix LR to 5e-2", WORDS).delta == {"MATRIX_LR": 0.05}
    prose = from_words(BASE, "try SwiGLU", WORDS)
    assert prose == Experiment(
        description="try SwiGLU", base="nova/first-1", base_fingerprint=fingerprint(PROGRAM)
    )


def test_words_that_say_more_than_a_constant_say_that_much() -> None:
    more = only_from_words(BASE, "MATRIX_LR 0.04 to 0.05 (with WD)", WORDS)
    assert (more.delta, more.structural, more.fingerprint) == ({"MATRIX_LR": 0.05}, True, None)
    plain = only_from_words(BASE, "MATRIX_LR 0.04 to 0.05 (worse)", WORDS)
    assert (plain.delta, plain.structural) == ({"MATRIX_LR": 0.05}, False)
    for said in ("SwiGLU (with WD)", "MATRIX_LR 0.05 (in the last layer)", "(with WD)"):
        assert only_from_words(BASE, said, WORDS).delta == {}, said
