from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitcollab.errors import UsageError
from gitcollab.records import codec, names
from gitcollab.records.names import check_agent_name, kind_of, meant, path_of, short_hash, slug
from tests.records.samples import FIELDS, agents, stems

WHERE = {
    "task": "task.yaml",
    "claim": "claims/lr-0.05-12ab.yaml",
    "result": "results/nova/lr-12ab/result.yaml",
    "hypothesis": "hypotheses/nova/h.yaml",
    "insight": "insights/nova/i.yaml",
    "retraction": "retractions/nova/r.yaml",
    "ruling": "rulings/keeper/r.yaml",
    "agent": "agents/nova.yaml",
}


class TestPaths:
    @pytest.mark.parametrize("kind", names.KINDS)
    def test_each_kind_has_its_place(self, kind: str) -> None:
        record_id = FIELDS[kind].get("id", "task")
        assert path_of(kind, record_id) == WHERE[kind]
        assert kind_of(WHERE[kind]) == (kind, record_id)

    @given(agents, stems, st.sampled_from(["result", "hypothesis", "insight", "retraction"]))
    def test_owned_records_lie_below_their_agent(self, agent: str, stem: str, kind: str) -> None:
        path = path_of(kind, f"{agent}/{stem}")
        assert path.split("/")[1] == agent
        assert kind_of(path) == (kind, f"{agent}/{stem}")

    @pytest.mark.parametrize(
        "path",
        [
            "",
            "task.yaml\n",
            "x/task.yaml",
            "Task.yaml",
            "claims/x.yml",
            "claims/X.yaml",
            "claims/.hidden.yaml",
            "claims/a/b.yaml",
            "claims/.yaml",
            f"claims/{'a' * 81}.yaml",
            "results/nova/x/train.py",
            "results/nova/x/y/result.yaml",
            "results/nova/../result.yaml",
            "results/../nova/x/result.yaml",
            "results/nova/x/../y/result.yaml",
            "results//x/result.yaml",
            "/results/nova/x/result.yaml",
            "results/nova/x/result.yaml/",
            "results\\nova\\x\\result.yaml",
            "results/nоva/x/result.yaml",  # a Cyrillic o
            "results/no va/x/result.yaml",
            f"results/{'n' * 40}/x/result.yaml",
            "agents/nova/x.yaml",
            "best/metadata.yaml",
            "a" * 100_000,
        ],
    )
    def test_no_record_lives_elsewhere(self, path: str) -> None:
        assert kind_of(path) is None


class TestAgentNames:
    @pytest.mark.parametrize("name", ["a", "7", "nova", "nova-7", "a--b", "a" * 39])
    def test_good(self, name: str) -> None:
        assert check_agent_name(name) == name

    @pytest.mark.parametrize(
        ("name", "why"),
        [
            ("", "it is empty"),
            ("a/b", "cannot be"),
            ("..", "cannot be"),
            (".", "cannot be"),
            ("a.b", "cannot be"),
            ("a b", "cannot be"),
            (" nova", "cannot be"),
            ("nova\n", "cannot be"),
            ("-nova", "cannot be"),
            ("nova-", "cannot be"),
            ("Nova", "cannot be"),
            ("no_va", "cannot be"),
            ("a" * 300, "it has 300 characters"),
            ("nоva", "U+043E (CYRILLIC SMALL LETTER O)"),
            ("nova\u200b", "U+200B (ZERO WIDTH SPACE)"),
            ("ｎova", "U+FF4E (FULLWIDTH LATIN SMALL LETTER N)"),
            ("nova７", "U+FF17 (FULLWIDTH DIGIT SEVEN)"),
            ("no\u0301va", "U+0301 (COMBINING ACUTE ACCENT)"),
            ("nov\u0430\ud800", "U+0430"),
            ("unknown", "reserved word"),
            ("none", "reserved word"),
            ("aux", "reserved word"),
            ("com9", "reserved word"),
        ],
    )
    def test_bad_in_one_line_with_the_next_step(self, name: str, why: str) -> None:
        with pytest.raises(UsageError) as caught:
            check_agent_name(name)
        assert why in caught.value.message
        assert caught.value.message.isprintable()
        assert len(caught.value.message) < 200
        assert "use 1 to 39" in caught.value.hint

    @given(st.text(max_size=45))
    def test_a_good_name_is_good_for_records_and_paths(self, name: str) -> None:
        try:
            check_agent_name(name)
        except UsageError:
            return
        assert kind_of(f"agents/{name}.yaml") == ("agent", name)
        codec.from_mapping("agent", FIELDS["agent"] | {"id": name, "agent": name})


class TestSlugs:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("MATRIX_LR 0.04 → 0.05", "matrix-lr-0.04-0.05"),
            ("Größe  erhöhen!", "groe-erhohen"),
            ("../../etc/passwd", "etc-passwd"),
            ("v1..5...", "v1.5"),
            ("日本語", "x"),
            ("", "x"),
            ("...", "x"),
            ("a" * 100, "a" * 48),
        ],
    )
    def test_examples(self, text: str, expected: str) -> None:
        assert slug(text) == expected

    @given(st.text(max_size=100), st.integers(1, 48))
    def test_a_slug_is_always_a_name(self, text: str, limit: int) -> None:
        made = slug(text, limit)
        assert len(made) <= limit
        assert re.fullmatch(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", made)
        assert ".." not in made
        assert kind_of(path_of("claim", f"{made}-{short_hash(text)}")) is not None

    def test_hashes_tell_parts_apart(self) -> None:
        assert short_hash("ab", "c") != short_hash("a", "bc")
        assert len(short_hash("x", length=8)) == 8


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("nova/lr-0a22eca9", ["nova/lr-0a22eca9"]),
        ("0a22eca9", ["nova/lr-0a22eca9"]),  # as a hash, not as a word
        ("deadbeef", ["mal/x-0a22eca9-deadbeef"]),
        ("0a22", ["mal/x-0a22eca9-deadbeef", "nova/lr-0a22eca9"]),
        ("22eca9-", ["mal/x-0a22eca9-deadbeef"]),
        ("lr", ["nova/lr-0a22eca9"]),
        ("", []),
        ("none", []),
    ],
)
def test_what_a_part_of_an_id_means(wanted: str, found: list[str]) -> None:
    assert meant({"nova/lr-0a22eca9", "mal/x-0a22eca9-deadbeef"}, wanted) == found
