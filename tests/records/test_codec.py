from __future__ import annotations

import math
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gitcollab.records import codec
from gitcollab.records.codec import (
    InvalidRecord,
    NewerSchema,
    decode,
    dump,
    encode,
    has_comment,
    load,
)
from gitcollab.records.models import Hypothesis, Record, Result
from tests.records import samples
from tests.records.samples import FIELDS, record, text_of

TEXTS = """
no yes on off y NO 2**18 1_000 0x1F 0o17 12:30:45 2026-01-01 2026-01-31T12:00:00Z 1e e5 -x .
1.2.3 infinity nan
"""


def reason(data: bytes) -> str:
    """Why ``load`` refuses; always one printable line of a bounded length."""
    with pytest.raises(InvalidRecord) as caught:
        load(data)
    return one_line(caught.value)


def fault(kind: str, data: bytes) -> str:
    with pytest.raises(InvalidRecord) as caught:
        decode(kind, data)
    return one_line(caught.value)


def one_line(error: InvalidRecord) -> str:
    assert error.message.isprintable()
    assert len(error.message) < 400
    return error.message


class TestScalars:
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("1e-3", 0.001),
            ("1E3", 1000.0),
            ("1.", 1.0),
            (".5", 0.5),
            ("-0.0", -0.0),
            ("+7", 7),
            ("010", 10),
            ("true", True),
            ("False", False),
            ("~", None),
            ("", None),
            ("null", None),
            (".inf", math.inf),
            ("-.INF", -math.inf),
        ],
    )
    def test_what_yaml_1_2_reads(self, text: str, value: object) -> None:
        found = load(f"x: {text}".encode())["x"]
        assert found == value
        assert type(found) is type(value)

    @pytest.mark.parametrize(
        "text",
        TEXTS.split(),
    )
    def test_everything_else_is_text(self, text: str) -> None:
        assert load(f"x: {text}".encode())["x"] == text

    @pytest.mark.parametrize("text", [".nan", ".NaN", ".NAN"])
    def test_nan(self, text: str) -> None:
        assert math.isnan(load(f"x: {text}".encode())["x"])

    def test_whole_numbers_have_a_limit(self) -> None:
        assert load(b"x: " + b"9" * 40)["x"] == 10**40 - 1
        assert "more than 40 digits" in reason(b"x: " + b"9" * 60_000)


class TestHostileYaml:
    @pytest.mark.parametrize(
        ("data", "why"),
        [
            (b"a: &x 1\nb: *x", "anchors and aliases"),
            (b"a: &x [*x]", "anchors and aliases"),
            (b"b: *nowhere", "anchors and aliases"),
            (b"&x a: 1", "anchors and aliases"),
            (b"a: 1\nb: 2\na: 3", "duplicate key 'a' in line 3"),
            (b"x: {a: 1, 'a': 2}", "duplicate key 'a' in line 1"),
            (b"1: a\n'1': b", "duplicate key"),
            (b"? [a, b]\n: c", "a key that is no word"),
            (b"? {a: b}\n: c", "a key that is no word"),
            (b"a: 1\n---\nb: 2", "more than one YAML document"),
            (b"a: !!binary aGVsbG8=", "tags are not allowed"),
            (b"!!set {a, b}", "tags are not allowed"),
            (b"a: !!python/object/apply:os.system [id]", "tags are not allowed"),
            (b"a: !<tag:%1b[31m> 1", "tags are not allowed"),
            (b"a: ! 1", "tags are not allowed"),
            (b"%TAG ! tag:x,2000:\n---\na: !y 1", "directives are not allowed"),
            (b"%TAG !read-this! tag:x\n---\na: 1", "directives are not allowed"),
            (b"a: \xff\xfe", "not UTF-8 (byte 3)"),
            ("a: ü".encode("utf-16"), "not UTF-8"),
            (b"\x89PNG\r\n\x1a\n\x00\x00", "not UTF-8"),
            (b"a: \x00", "not YAML"),
            (b"a: \x1b[31m", "not YAML"),
            (b'a: "\\ud800"', "not YAML"),
            (b"a: [1", "not YAML"),
            (b"a: 'unclosed", "not YAML"),
            (b"%YAML 9.9\n---\na: 1", "not YAML"),
            (b"", "not a mapping"),
            (b"# only words", "not a mapping"),
            (b"text", "not a mapping"),
            (b"- a\n- b", "not a mapping"),
            (b"null", "not a mapping"),
        ],
    )
    def test_is_refused_with_the_reason(self, data: bytes, why: str) -> None:
        assert why in reason(data)

    @pytest.mark.parametrize(
        "data",
        [
            b"[" * 60_000,
            b"{a: " * 15_000,
            b"- " * 30_000,
            b"? " * 30_000,
            b"".join(b" " * n + b"a:\n" for n in range(300)),
        ],
    )
    def test_deep_nesting_is_refused_before_it_recurses(self, data: bytes) -> None:
        assert reason(data)

    def test_depth_that_records_need_is_allowed(self) -> None:
        assert load(b"a: " + b"[" * 11 + b"]" * 11)
        assert "12 deep" in reason(b"a: " + b"[" * 12 + b"]" * 12)

    def test_a_megabyte_is_refused_unread(self) -> None:
        assert "1000003 bytes of YAML" in reason(b"a: " + b"x" * 1_000_000)

    def test_merge_keys_are_only_text(self) -> None:
        assert load(b"<<: {a: 1}") == {"<<": {"a": 1}}

    @given(st.binary(max_size=200))
    def test_any_bytes_are_a_mapping_or_refused(self, data: bytes) -> None:
        try:
            assert isinstance(load(data), dict)
        except InvalidRecord as e:
            one_line(e)

    @given(st.text(st.sampled_from("ab01:-?[]{},#&*!|>'\"%@`~.\n \t<=\\"), max_size=60))
    def test_any_punctuation_is_a_mapping_or_refused(self, text: str) -> None:
        try:
            assert isinstance(load(text.encode()), dict)
        except InvalidRecord as e:
            one_line(e)


class TestWrongRecords:
    @pytest.mark.parametrize("kind", FIELDS)
    def test_the_samples_are_right(self, kind: str) -> None:
        made = record(kind)
        assert decode(kind, encode(made)) == made

    @pytest.mark.parametrize(
        ("lines", "why"),
        [
            ({"metric": "1e-3x"}, "metric: "),
            ({"metric": "'1.5'"}, "metric: "),
            ({"metric": "no"}, "metric: "),
            ({"metric": "true"}, "metric: "),
            ({"metric": ".nan"}, "metric: "),
            ({"metric": ".inf"}, "metric: "),
            ({"metric": "1e400"}, "metric: "),
            ({"metric": "[1]"}, "metric: "),
            ({"metric": "~"}, "a metric exactly when its status is ok"),
            ({"status": "crash"}, "a metric exactly when its status is ok"),
            ({"status": "fine"}, "status: "),
            ({"metrics": "{mfu: .nan}"}, "metrics.mfu: "),
            ({"metrics": "{'a b': 1}"}, "metrics.a b"),
            ({"seed": "1.0"}, "seed: "),
            ({"seed": "true"}, "seed: "),
            ({"description": "''"}, "description: it is empty"),
            ({"description": "'  '"}, "description: it is empty"),
            ({"description": "a" * 501}, "501 characters, more than the 500 allowed"),
            ({"description": '"a\\nb"'}, "description: it holds the control character U+000A"),
            ({"description": '"a\\eb"'}, "description: it holds the control character U+001B"),
            ({"description": '"a\\u2028b"'}, "description: it holds the control character U+2028"),
            ({"description": "5"}, "description: "),
            ({"agent": "NOVA"}, "agent: "),
            ({"agent": '"nova\\n"'}, "agent: "),
            ({"agent": "vega"}, "a record's id begins with its agent"),
            ({"id": "nova/../x"}, "id: "),
            ({"id": "nova"}, "id: "),
            ({"nonce": "123"}, "nonce: "),
            ({"nonce": "1234567890123456"}, "nonce: "),  # a number
            ({"created_at": "1735689600"}, "created_at: a time is written as"),
            ({"created_at": "'1735689600'"}, "created_at: a time is written as"),
            ({"created_at": "2026-01-31"}, "created_at: a time is written as"),
            ({"created_at": "2026-01-31T12:00:00"}, "created_at: a time is written as"),
            ({"created_at": "2026-02-31T12:00:00Z"}, "created_at: "),
            ({"created_at": "0001-01-01T00:00:00+23:59"}, "between 1971 and 2999"),
            ({"created_at": "9999-12-31T23:59:59-23:59"}, "between 1971 and 2999"),
            ({"delta": "{A: {b: c}}"}, "delta.A"),
            ({"delta": "{A: .inf}"}, "delta.A"),
            ({"delta": "[1]"}, "delta: "),
            ({"files": "{train.py: sha256:xyz}"}, "files.train.py: "),
            ({"hardware": "{device: cpu}"}, "hardware.tier: "),
            ({"surprise": "1"}, "surprise: "),
            ({'"sur\\e[31m\\nprise"': "1"}, "sur\\x1b[31m\\nprise: "),
            ({'"un\\u3164se\\u2800en"': "1"}, "un\\u3164se\\u2800en: "),
            ({"x" * 500: "1"}, "x" * 60 + ": "),
            ({"schema": "0"}, "schema: "),
            ({"schema": "true"}, "schema: "),
            ({"schema": "'1'"}, "schema: "),
            ({"schema": "1.0"}, "schema: "),
        ],
    )
    def test_the_field_at_fault_is_named(self, lines: dict[str, str], why: str) -> None:
        message = fault("result", text_of("result", **lines))
        newer = "result made by a newer gitcollab: "
        assert message.startswith((newer, "not a valid result: "))
        assert message.startswith(newer) == ("there is no such field" in message)
        assert why in message

    def test_a_missing_field_is_named(self) -> None:
        fields = {k: v for k, v in FIELDS["result"].items() if k != "task"}
        assert fault("result", dump(fields)) == "not a valid result: task: it is missing"

    def test_a_metric_may_be_written_as_the_field_does(self) -> None:
        made = decode("result", text_of("result", metric="1e-3"))
        assert isinstance(made, Result)
        assert made.metric == 0.001

    @pytest.mark.parametrize("schema", ["2", "99", "9" * 40])
    def test_newer_schema_says_to_upgrade(self, schema: str) -> None:
        data = text_of("result", schema=schema, surprise="from the future")
        with pytest.raises(NewerSchema) as caught:
            decode("result", data)
        assert "upgrade" in caught.value.hint

    @pytest.mark.parametrize("kind", ["hypothesis", "insight", "retraction"])
    def test_nobody_speaks_for_another_agent(self, kind: str) -> None:
        assert "begins with its agent" in fault(kind, text_of(kind, agent="vega"))


class TestComments:
    @pytest.mark.parametrize(
        "text",
        [
            "a: 1 # x\n", "# x\na: 1\n", "a: 1\n# é\n", "a: | # x\n  b\n", "a: >-\n  b\n\n# x\n",
            "a: |\n  b\n# x\nc: 1\n", "a: 'é😀'\nb: 2 # x\n", "a: [1, # x\n 2]\n",
            "a: 1\n... # x\n",
        ],
    )  # fmt: skip
    def test_are_found(self, text: str) -> None:
        assert has_comment(text.encode())

    @pytest.mark.parametrize(
        "text",
        [
            "a: 1\n",
            "a: '#x'\nb: c#d\n",
            "a: |\n  # b\n",
            "a: 'é😀#'\nb: '# x'\n",
            'a: "b\n  # c"\n',
        ],
    )
    def test_text_is_none(self, text: str) -> None:
        assert not has_comment(text.encode())


class TestRoundTrip:
    @given(samples.results | samples.claims | samples.insights)
    def test_what_is_written_reads_back_equal(self, made: Record) -> None:
        kind = type(made).__name__.lower()
        data = encode(made)
        again = decode(kind, data)
        assert again == made
        assert encode(again) == data
        assert again.model_dump_json() == made.model_dump_json()  # 1 and 1.0 and true stay apart
        assert type(made).model_validate_json(made.model_dump_json()) == made

    @given(st.dictionaries(samples.names, samples.values, max_size=5))
    def test_dump_and_load(self, value: dict[str, Any]) -> None:
        assert repr(load(dump(value))) == repr(value)
        assert not has_comment(dump(value))

    @given(st.dictionaries(samples.names, samples.lines, max_size=5))
    def test_readers_of_yaml_1_1_find_the_same_text(self, value: dict[str, str]) -> None:
        class NoTimes(yaml.SafeLoader):
            yaml_implicit_resolvers = {  # noqa: RUF012
                first: [rule for rule in rules if not rule[0].endswith(":timestamp")]
                for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
            }

        assert yaml.load(dump(value), Loader=NoTimes) == value

    def test_who_and_when_come_first_and_machinery_last(self) -> None:
        made = record("result", metrics={"mfu": 1.0}, files={"train.py": samples.DIGEST})
        keys = [line.split(b":")[0] for line in encode(made).splitlines() if line[:1].isalpha()]
        assert keys[:5] == [b"schema", b"id", b"agent", b"created_at", b"description"]
        assert keys[-2:] == [b"files", b"nonce"]

    def test_a_record_no_reader_would_accept_is_not_written(self) -> None:
        made = record("hypothesis", patch="ü" * 32_768)
        assert isinstance(made, Hypothesis)
        with pytest.raises(InvalidRecord, match="65"):
            encode(made)

    def test_every_kind_has_a_model(self) -> None:
        from gitcollab.records.names import KINDS

        assert {codec.model_of(kind).__name__ for kind in KINDS} == {
            "Task", "Claim", "Result", "Hypothesis", "Insight", "Retraction", "Ruling",
            "AgentCard",
        }  # fmt: skip
