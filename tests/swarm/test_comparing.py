"""Descriptions judged in pairs: verdicts, what was understood, files of pairs and of bases."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gitcollab.errors import UsageError
from gitcollab.similarity.compare import Verdict
from gitcollab.swarm import pairs
from gitcollab.swarm.comparing import Comparison, Judged, Scores, comparison, scores
from gitcollab.swarm.pairs import Label, Pair, PairFile, read_base, read_pairs
from gitcollab.swarm.swarm import Swarm
from tests.swarm.test_recognising import put_on_hub

BASE = """\
MATRIX_LR: 0.04
EMBEDDING_LR: 0.6
WEIGHT_DECAY: 0.2
WINDOW_PATTERN: SSSL
TOTAL_BATCH_SIZE: 524288
ADAM_BETAS: [0.8, 0.95]
WARMUP_RATIO: 0.0
DEPTH: 8
"""
# Words decide these, without a sentence model.
KNOWN = [
    ("MATRIX_LR 0.04 → 0.05", "exp12: raise Muon LR to 5e-2 (worse)", True, "change"),
    ("MATRIX_LR 0.04 → 0.05", "MATRIX_LR 0.04 → 0.06", False, "change"),
    ("halve the batch size", "TOTAL_BATCH_SIZE = 2**18", True, "change"),
    ("Adam beta1 0.9", "ADAM_BETAS (0.8, 0.95) → (0.9, 0.95)", True, "change"),
    ("two more layers", "DEPTH 10 — NEW BEST", True, "change"),
    ("no warmup", "No warmup.", True, "text"),
    ("GQA with 2 kv heads", "GQA with 4 kv heads", False, "value"),
    ("remove the value embeddings", "add value embeddings", False, "direction"),
    ("SwiGLU in the MLP", "GELU in the MLP", False, "contrast"),
    ("learnable gain on the QK norm", "a gain for query-key normalization", True, "wording"),
    ("torch.compile the optimizer", "a bigger vocabulary", False, "wording"),
]


def file(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.fixture
def judge(tmp_path: Path) -> Comparison:
    return comparison(tmp_path, file(tmp_path, "base.yaml", BASE))


@pytest.mark.parametrize(("a", "b", "same", "by"), KNOWN)
def test_verdicts(judge: Comparison, a: str, b: str, same: bool, by: str) -> None:
    for pair in (Pair(a, b), Pair(b, a)):
        verdict = judge.explain(pair)[0].verdict
        assert (verdict.same, verdict.by) == (same, by)
    assert judge.model is None
    assert judge.model_missing == ""


def test_what_was_understood(judge: Comparison) -> None:
    text = "exp7: halve the embedding LR, cosine decay 1.5x (keys and values) — NEW BEST"
    _, (said, other) = judge.explain(Pair(text, "DEPTH 8 → 10, ADAM_BETAS → (0.9, 0.95)"))
    assert said.text.startswith("halve the embedding lr")
    assert "best" not in said.text
    assert said.constants == {"EMBEDDING_LR": 0.3}
    assert not said.complete
    assert "cosine" in said.about
    assert not {"embedding", "lr", "learning rate"} & {*said.about}  # the constant says that
    assert said.numbers == ["1.5x"]
    assert said.remarks
    assert other.constants == {"DEPTH": 10, "ADAM_BETAS": (0.9, 0.95)}
    assert other.complete
    assert other.before == ["8"]


def test_numbers_that_may_mean_several_things_say_so(judge: Comparison) -> None:
    said = judge.explain(Pair("shuffle buffer of 262K", "two more epochs, 3 fewer heads"))[1]
    assert said[0].numbers == ["262000 or 262144 or 268288"]
    assert said[1].numbers == ["by 2", "by -3"]


def test_descriptions_of_which_nothing_counts_are_compared_as_they_are(judge: Comparison) -> None:
    told = [judge.explain(Pair("(new best)", other))[0] for other in ("(new best)", "(worse)")]
    assert [one.verdict.same for one in told] == [True, False]


@pytest.mark.parametrize(("text", "says"), [("", "empty"), (" \t", "empty"), ("x" * 501, "501")])
def test_texts_that_no_record_may_have(judge: Comparison, text: str, says: str) -> None:
    with pytest.raises(UsageError, match=f"A .*{says}"):
        judge.explain(Pair(text, "x"))
    with pytest.raises(UsageError, match=f"B .*{says}"):
        judge.explain(Pair("x", text))


def test_a_missing_model_is_told_where_it_was_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITCOLLAB_EMBEDDING_MODEL", "/nowhere")
    judge = comparison(tmp_path)
    judge.judge([Pair("MATRIX_LR 0.05", "MATRIX_LR 0.06")])
    assert judge.model_missing == ""
    judge.judge([Pair("zib zob zub nar nir", "zib zob zub mel mol")])
    assert "/nowhere" in judge.model_missing
    assert "GITCOLLAB_EMBEDDING_MODEL" in judge.model_hint
    assert judge.model is None


def judged(same: bool, label: Label | None) -> Judged:
    return Judged(Pair("a", "b", label), Verdict(same, "wording", 0.5, ""))


def test_scores() -> None:
    hits, misses = [judged(True, "same")] * 3, [judged(False, "same")]
    false, rest = [judged(True, "different")] * 2, [judged(False, "different")] * 4
    assert scores([*hits, *misses, *false, *rest]) == Scores(0.7, 0.6, 0.75)
    assert scores([*rest, judged(True, None)]) == Scores(1.0, None, None)
    assert scores([]) == Scores(None, None, None)


Agent = Callable[[str], Swarm]


def test_a_workspace_gives_its_base_and_its_hubs_words_without_the_hub(
    agent: Agent, toy_hub: Path, tmp_path: Path
) -> None:
    put_on_hub(toy_hub, tmp_path, "synonyms.yaml", "concepts: {gizmo: [gizmo, frobnication]}\n")
    nova = agent("nova")
    toy_hub.rename(toy_hub.with_name("away"))
    program = nova.workspace / "train.py"
    program.write_text(program.read_text().replace("RATE = 0.1", "RATE = 0.7"))  # not the base
    inside, outside = comparison(nova.workspace), comparison(tmp_path)
    for pair in (Pair("triple the rate", "RATE → 0.3"), Pair("more gizmo", "more frobnication")):
        assert inside.judge([pair])[0].verdict.same
        assert not outside.judge([pair])[0].verdict.same
    own = comparison(nova.workspace, file(tmp_path, "base.yaml", "RATE: 0.5"))
    assert own.judge([Pair("double the rate", "RATE → 1")])[0].verdict.same


def test_hubs_words_that_cannot_be_used_are_told(
    agent: Agent, toy_hub: Path, tmp_path: Path
) -> None:
    put_on_hub(toy_hub, tmp_path, "synonyms.yaml", "concepts: {gizmo: 5}\n")
    judge = comparison(agent("nova").workspace)
    assert "concepts.gizmo is not a list of words" in judge.note
    assert judge.judge([Pair("triple the rate", "RATE → 0.3")])[0].verdict.same


def test_a_base_in_yaml_or_python(tmp_path: Path) -> None:
    given = "A: [0.8, [1, true]]\nB: ~\nC: SSSL\nD: 2.5e-3\nE: -7\n"
    wanted = {"A": (0.8, (1, True)), "B": None, "C": "SSSL", "D": 0.0025, "E": -7}
    assert read_base(file(tmp_path, "base.yaml", given)) == wanted
    program = "\ufeffimport os\nA = 2**18\nif A:\n    B = 1\nC = ('x', 1)\nd = 5\n"
    assert read_base(file(tmp_path, "base.py", program)) == {"A": 2**18, "C": ("x", 1)}


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("x.yaml", "- A\n- B\n", "not a mapping"),
        ("x.yaml", "A: {b: 1}", "A is no number"),
        ("x.yaml", "A: [1, {b: 1}]", "A is no number"),
        ("x.yaml", "A: .inf", "A is not finite"),
        ("x.yaml", "A: [.nan]", "A is not finite"),
        ("x.yaml", "A B: 1", "'A B' is no name"),
        ("x.yaml", "1: 1", "'1' is no name"),
        ("x.yaml", "A: 1\nA: 2\n", "duplicate key"),
        ("x.yaml", "A: &x [1]\nB: *x\n", "anchors"),
        ("x.yaml", "A: " + "9" * 5000, "digits"),
        ("x.yaml", "[" * 50 + "]" * 50, "nested"),
        ("x.yaml", b"A: \xff", "UTF-8"),
        ("x.yaml", "".join(f"A{n}: 1\n" for n in range(1001)), "1,001 constants"),
        ("x.py", "A = = 1", "line 1"),
        ("x.py", b"A = '\xff'", "line 1: not UTF-8"),
        ("x.py", "A = " + "(" * 500 + "1" + ")" * 500, ""),
    ],
)
def test_what_is_no_base(tmp_path: Path, name: str, text: str | bytes, says: str) -> None:
    with pytest.raises(UsageError) as error:
        read_base(file(tmp_path, name, text))
    assert says in error.value.message
    assert "\n" not in error.value.message
    assert error.value.hint


def test_pairs_from_a_file(tmp_path: Path) -> None:
    text = '\ufeffid\tlabel\tb\t a \tnote\r\n\r\n1\tsame\tW "S" → "L"\tx y\r\n'
    text += "\t\t\t\t\n2\tdifferent\té\tz\tn"
    found = read_pairs(file(tmp_path, "p.tsv", text))
    assert found == PairFile(
        [Pair("x y", 'W "S" → "L"', "same"), Pair("z", "é", "different")], labelled=True
    )
    assert read_pairs(file(tmp_path, "p.tsv", "a\tb\n1\t2\n")) == PairFile([Pair("1", "2")], False)
    assert read_pairs(file(tmp_path, "p.tsv", "a\tb\tlabel\n")) == PairFile([], True)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no column a and no b"),
        ("a\tlabel\nx\tsame\n", "no column b"),
        ("a b\nx\ty\n", "no column a"),
        ("a\tb\ta\nx\ty\tz\n", "two columns a"),
        ("a\tb\nx\n", "line 2: b is empty"),
        ("a\tb\n\nx\ty\n \tz\n", "line 4: a is empty"),
        ("a\tb\nx\ty\tz\n", "line 2 has 3 cells"),
        ("a\tb\tlabel\nx\ty\tSAME?\n", "line 2: the label 'SAME?'"),
        ("a\tb\tlabel\nx\ty\tsame\nx\ty\n", "line 3: the label ''"),
        ("a\tb\nx\t" + "y" * 501, "line 2: b has 501 characters"),
        (b"a\tb\nx\ty\n\xff\tz\n", "line 3: not UTF-8"),
        ("a\tb\n" + "x\ty\n" * 100_001, "line 100002: more than the 100,000 pairs"),
        (b"\n" * 10_000_001, "10 MB"),
    ],
)
def test_what_is_no_file_of_pairs(tmp_path: Path, text: str | bytes, says: str) -> None:
    with pytest.raises(UsageError) as error:
        read_pairs(file(tmp_path, "p.tsv", text))
    assert says in error.value.message
    assert "\n" not in error.value.message
    assert error.value.hint


@pytest.mark.parametrize("read", [read_base, read_pairs])
def test_files_that_cannot_be_read(tmp_path: Path, read: Callable[[Path], object]) -> None:
    for path in (tmp_path, tmp_path / "missing", tmp_path / "\0", tmp_path / ("x" * 5000)):
        with pytest.raises(UsageError, match="cannot be read"):
            read(path)


def test_a_file_without_end_is_read_no_further_than_allowed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pairs, "MAX_FILE_BYTES", 3_000_000)
    with pytest.raises(UsageError, match="3 MB"):
        read_pairs(Path("/dev/zero"))
