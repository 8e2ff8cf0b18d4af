"""Whether a machine is busy with something else, from what its own tools tell."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gitcollab.runner.idle import busy
from gitcollab.runner.usage import Gpu, Usage

IDLE = Usage((), 4, 0.0)
NONE = "cpu  0 0 0 0 0 0 0 0 0 0\n"


def look(tmp_path: Path, before: str, after: str, used: Usage = IDLE) -> str | None:
    stat = tmp_path / "stat"
    stat.write_text(before)
    return busy(stat, lambda _: stat.write_text(after), lambda: used)


@pytest.mark.parametrize(
    ("after", "said"),
    [
        ("cpu  10 0 5 385 0 0 0 0 0 0\ncpu0 1 1 1 1\n", None),
        ("cpu  200 0 50 150 0 0 0 0 0 0\n", "others use 62% of the CPUs (begins below 25%)"),
        ("cpu  0 0 0 100 0 100 200 0 0 0\n", "others use 75% of the CPUs (begins below 25%)"),
        ("cpu  0 390 0 10 0 0 0 0 0 0\n", None),  # what steps back
        ("cpu  0 0 0 10 390 0 0 0 0 0\n", None),  # waits for a disk
        ("cpu  400 0 0 0\n", "others use 100% of the CPUs (begins below 25%)"),  # an old kernel
    ],
)
def test_the_cpus_count_by_what_they_do_for_others(
    tmp_path: Path, after: str, said: str | None
) -> None:
    assert look(tmp_path, NONE, after) == said


@pytest.mark.parametrize("text", ["", "cpu\n", "cpu x y z a\n", NONE])
def test_where_they_do_not_tell_the_load_does(tmp_path: Path, text: str) -> None:
    assert look(tmp_path, text, text, Usage((), 4, 0.9)) is None
    assert (
        look(tmp_path, text, text, Usage((), 4, 1.0))
        == "others use 25% of the CPUs (begins below 25%)"
    )
    assert look(tmp_path, text, text, Usage((), 4, None)) is None


GPUS = (
    Gpu("A", 90, 1.0, 40.0),
    Gpu("B", 3, 30.0, 40.0),
    Gpu("C", 3, 1.0, 40.0),
    Gpu("D", *[None] * 3),
)


@pytest.mark.parametrize(
    ("visible", "said"),
    [
        (None, "others use 90% of a GPU (begins below 15%)"),
        ("0", "others use 90% of a GPU (begins below 15%)"),
        ("1", "75% of a GPU's memory is in use (begins below 50%)"),
        ("2", None),
        ("3", None),
        ("2,0", "others use 90% of a GPU (begins below 15%)"),
        ("GPU-7f", "others use 90% of a GPU (begins below 15%)"),
    ],
)
def test_those_gpus_count_that_a_program_sees(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, visible: str | None, said: str | None
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert look(tmp_path, NONE, NONE, Usage(GPUS, 4, 0.0)) == said


def test_this_machine_is_looked_at(fast: Callable[[float], None]) -> None:
    found = busy(sleep=fast)
    assert found is None or "(begins below " in found


@pytest.fixture
def fast() -> Callable[[float], None]:
    return lambda _: None
