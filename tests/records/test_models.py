from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from pydantic import ValidationError

from gitcollab.records.models import Hardware, Result, Task, rfc3339
from tests.records.samples import COMMON, FIELDS, record


def result(**fields: Any) -> Result:
    made = record("result", **fields)
    assert isinstance(made, Result)
    return made


def task(**fields: Any) -> Task:
    made = record("task", **fields)
    assert isinstance(made, Task)
    return made


def test_records_are_frozen() -> None:
    with pytest.raises(ValidationError):
        result().metric = 0.0  # type: ignore[misc]


class TestTimes:
    @pytest.mark.parametrize(
        "text",
        [
            "2026-01-31T12:00:00Z",
            "2026-01-31t12:00:00z",
            "2026-01-31 12:00:00Z",
            "2026-01-31T12:00:00.999Z",
            "2026-01-31T14:30:00+02:30",
            "2026-01-31T12:00:00-00:00",
        ],
    )
    def test_are_utc_and_whole_seconds(self, text: str) -> None:
        assert result(created_at=text).created_at == datetime(2026, 1, 31, 12, tzinfo=UTC)

    def test_from_a_program(self) -> None:
        there = timezone(timedelta(hours=-5))
        made = result(created_at=datetime(2026, 1, 31, 7, 0, 0, 123456, tzinfo=there))
        assert made.created_at == datetime(2026, 1, 31, 12, tzinfo=UTC)
        assert rfc3339(made.created_at) == "2026-01-31T12:00:00Z"

    @pytest.mark.parametrize(
        "value",
        [
            datetime(2026, 1, 31),
            1735689600,
            1.5,
            True,
            "1735689600",
            b"2026-01-31T12:00:00Z",
            datetime.max.replace(tzinfo=timezone(-timedelta(hours=23))),
            datetime.min.replace(tzinfo=timezone(timedelta(hours=23))),
        ],
    )
    def test_anything_else_is_refused(self, value: object) -> None:
        with pytest.raises(ValidationError):
            Result.model_validate(FIELDS["result"] | {"created_at": value})


class TestText:
    def test_a_line_is_normalised(self) -> None:
        assert result(description="  e\u0301 ").description == "é"

    def test_the_limit_holds_after_normalising(self) -> None:
        assert len(result(description="e\u0301" * 500).description) == 500
        with pytest.raises(ValidationError):
            Result.model_validate(FIELDS["result"] | {"description": "\ufb2c" * 500})

    @pytest.mark.parametrize("odd", ["\x00", "\x1b", "\x7f", "\x85", "\r", "\ud800"])
    def test_no_control_characters(self, odd: str) -> None:
        for kind, field in (("result", "description"), ("insight", "text")):
            with pytest.raises(Exception, match=r"control character|unicode"):
                record(kind, **{field: f"a{odd}b"})

    def test_prose_may_have_lines(self) -> None:
        assert record("insight", text="a\n\tb\n")


class TestValues:
    @pytest.mark.parametrize(
        "value", [True, 1, 1.0, -0.0, None, "1", "", [1, 2.0, None], [[0.8, 0.95], "x"], 10**40 - 1]
    )
    def test_keep_their_type(self, value: object) -> None:
        delta = result(delta={"X": value}).delta
        assert repr(delta["X"]) == repr(value)

    @pytest.mark.parametrize(
        "value", [10**40, -(10**40), [10**40], float("nan"), b"x", {"a": 1}, "x" * 501, [[[1]]]]
    )
    def test_that_no_file_can_hold_are_refused(self, value: object) -> None:
        with pytest.raises(ValidationError):
            Result.model_validate(FIELDS["result"] | {"delta": {"X": value}})

    def test_a_none_in_a_delta_is_signed(self) -> None:
        assert result(delta={"X": None}).canonical_bytes() != result(delta={}).canonical_bytes()

    @pytest.mark.parametrize("seed", [10**40, 1.0, "1", True])
    def test_seed_is_a_whole_number(self, seed: object) -> None:
        with pytest.raises(ValidationError):
            Result.model_validate(FIELDS["result"] | {"seed": seed})


class TestResult:
    @pytest.mark.parametrize("status", ["crash", "timeout"])
    def test_a_crash_has_no_metric(self, status: str) -> None:
        assert result(status=status, metric=None).metric is None
        with pytest.raises(ValidationError):
            Result.model_validate(FIELDS["result"] | {"status": status, "metric": 0.0})

    def test_the_id_begins_with_the_agent(self) -> None:
        with pytest.raises(ValidationError):
            Result.model_validate(FIELDS["result"] | {"agent": "nov"})

    def test_tiers_are_plain_words(self) -> None:
        with pytest.raises(ValidationError):
            Hardware(device="x", tier="../up")


class TestTask:
    def test_digest_is_of_what_makes_results_comparable(self) -> None:
        same = [
            task(name="other"),
            task(sigma=1.0, z=2.0),
            task(plausible={"min": 0.0}),
            task(policy={"claim_ttl_seconds": 60}),
            task(timeout_seconds=99),
        ]
        assert {t.digest for t in same} == {task().digest}
        other = [
            task(budget={"seconds": 6}),
            task(budget={"tokens": 5}),
            task(run=["python3", "train.py"]),
            task(dataset={"name": "embedded"}),
            task(metric={"name": "score", "direction": "maximize"}),
        ]
        assert len({t.digest for t in (*other, task())}) == 6

    def test_digest_does_not_depend_on_how_numbers_are_written(self) -> None:
        assert task(budget={"seconds": 5}).digest == task(budget={"seconds": 5.0}).digest

    def test_sign(self) -> None:
        assert task().sign == 1
        assert task(metric={"name": "score", "direction": "maximize"}).sign == -1

    @pytest.mark.parametrize(
        "fields",
        [
            {"budget": {}},
            {"budget": {"seconds": 5, "steps": 5}},
            {"budget": {"seconds": 0}},
            {"budget": {"tokens": True}},
            {"editable": ["train.py", "more.py"]},
            {"editable": ["other.py"]},
            {"program": "../train.py"},
            {"run": []},
            {"run": "python train.py"},
            {"sigma": 0},
            {"sigma": float("nan")},
            {"z": -1},
            {"metric": {"name": "val bpb"}},
            {"metric": {"name": "x", "direction": "down"}},
            {"dataset": {"name": "../up"}},
        ],
    )
    def test_nonsense_is_refused(self, fields: dict[str, Any]) -> None:
        with pytest.raises(ValidationError):
            Task.model_validate(FIELDS["task"] | fields)


def test_an_agents_card_is_its_own() -> None:
    with pytest.raises(Exception, match="an agent's card is its own"):
        record("agent", id="vega")
    assert record("agent", contact="nova@example.org")
    assert COMMON["agent"] == "nova"
