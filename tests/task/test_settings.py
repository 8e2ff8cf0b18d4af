from __future__ import annotations

import json
from pathlib import Path

import pytest

from gitcollab.task.errors import TaskError
from gitcollab.task.settings import MICRO, Budget, Clock, Settings, load_settings, seed


def _write(path: Path, content: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def test_the_default_is_micro(tmp_path: Path) -> None:
    assert load_settings(tmp_path) == MICRO


def test_the_nearest_parent_counts(tmp_path: Path) -> None:
    _write(tmp_path / ".gitcollab/task.json", {"name": "far"})
    _write(tmp_path / "a/.gitcollab/task.json", {"name": "near", "budget": {"steps": 3}, "x": 1})
    (tmp_path / "a/b").mkdir()
    assert load_settings(tmp_path / "a/b") == Settings("near", "embedded", Budget("steps", 3))


def test_the_environment_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _write(tmp_path / ".gitcollab/task.json", {"name": "here"})
    named = _write(tmp_path / "other.json", {"name": "named", "dataset": "climbmix"})
    monkeypatch.setenv("GITCOLLAB_TASK", str(named))
    assert load_settings(tmp_path).name == "named"


@pytest.mark.parametrize(
    "content",
    [
        [],
        {"name": 1},
        {"dataset": None},
        {"budget": {}},
        {"budget": 60},
        {"budget": {"seconds": 1, "steps": 2}},
        {"budget": {"seconds": 0}},
        {"budget": {"seconds": "60"}},
        {"budget": {"seconds": True}},
        {"budget": {"seconds": float("nan")}},
        {"budget": {"tokens": float("inf")}},
    ],
)
def test_a_task_that_is_not_understood_is_refused(
    content: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITCOLLAB_TASK", str(_write(tmp_path / "task.json", content)))
    with pytest.raises(TaskError):
        load_settings()


def test_a_missing_or_broken_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "task.json"
    monkeypatch.setenv("GITCOLLAB_TASK", str(path))
    with pytest.raises(TaskError, match="cannot read"):
        load_settings()
    path.write_bytes(b"\xff{")
    with pytest.raises(TaskError, match="cannot read"):
        load_settings()


def test_the_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert seed() == 0
    monkeypatch.setenv("GITCOLLAB_SEED", "7")
    assert seed() == 7
    monkeypatch.setenv("GITCOLLAB_SEED", "lucky")
    with pytest.raises(TaskError, match="lucky"):
        seed()


def test_free_steps_cost_no_seconds() -> None:
    clock = Clock(Budget("seconds", 10.0), free_steps=2)
    for _ in range(2):
        clock.step(100.0, 5)
    assert (clock.share, clock.remaining, clock.tokens, clock.counted_tokens) == (0.0, 10.0, 10, 0)
    clock.step(4.0, 5)
    assert clock.share == pytest.approx(0.4)
    assert clock.remaining == pytest.approx(6.0)
    clock.step(7.0, 5)
    assert clock.done
    assert clock.share == 1.0


@pytest.mark.parametrize(("unit", "amount"), [("tokens", 20), ("steps", 4)])
def test_budgets_that_do_not_depend_on_the_hardware(unit: str, amount: float) -> None:
    clock = Clock(Budget(unit, amount))
    for _ in range(4):
        assert not clock.done
        clock.step(0.5, 5)
    assert clock.done


@pytest.mark.parametrize(("amount", "steps"), [(20, 4), (24, 4), (25, 5), (5, 1)])
def test_a_budget_in_tokens_is_never_exceeded(amount: int, steps: int) -> None:
    clock = Clock(Budget("tokens", amount))
    while not clock.done:
        clock.step(0.5, 5)
    assert (clock.steps, clock.tokens) == (steps, 5 * steps)


def test_a_batch_larger_than_the_budget_is_refused() -> None:
    with pytest.raises(TaskError, match="may use 20 tokens, this one used 21"):
        Clock(Budget("tokens", 20)).step(0.5, 21)


def test_time_left_is_estimated_from_the_pace() -> None:
    clock = Clock(Budget("steps", 4))
    clock.step(0.5, 5)
    assert clock.remaining == pytest.approx(1.5)
