"""Putting something of ours into others' files, and taking it out: nothing else of them changes."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitcollab.errors import GitcollabError
from gitcollab.faces.setup import jsontext
from gitcollab.faces.setup.agents import Kind, Place, notes, pieces
from gitcollab.faces.setup.jsontext import NotAsExpected
from gitcollab.faces.setup.pieces import Hook, Member, Section, Table
from gitcollab.faces.setup.putting import Settings

KINDS: list[Kind] = ["claude", "codex", "cursor", "generic"]
FILES = {
    "claude": ["CLAUDE.md", ".mcp.json", ".claude/settings.local.json"],
    "codex": ["AGENTS.md", ".codex/config.toml", ".codex/hooks.json"],
    "cursor": [".cursor/rules/gitcollab.mdc", ".cursor/mcp.json", ".cursor/hooks.json"],
    "generic": ["AGENTS.md"],
}
SERVER = Member(
    ".mcp.json",
    "MCP server",
    ("mcpServers", "gitcollab"),
    {"command": "/bin/gitcollab", "args": ["mcp", "--workspace", "/w"]},
)
NOTES = Section("CLAUDE.md", "instructions", "read collab.md", "<!-- b -->", "<!-- e -->")
PRIME = {"hooks": [{"type": "command", "command": "/bin/gitcollab prime"}]}
HOOK = Hook("hooks.json", "session hook", ("hooks", "SessionStart"), PRIME)
TABLE = Table(
    "config.toml",
    "MCP server",
    '[mcp_servers.gitcollab]\ncommand = "x"',
    "# b",
    "# e",
    table=("mcp_servers", "gitcollab"),
)

# What people and programs write: indented by two, four or a tab, on one line, with other servers.
DOCUMENTS = [
    '{\n  "mcpServers": {\n    "other": {\n      "command": "o"\n    }\n  }\n}\n',
    '{\n    "a": [1, 2],\n    "mcpServers": {\n        "x": {},\n        "y": {"z": "é"}\n    }\n}',
    '{\n\t"mcpServers": {\n\t\t"x": {"command": "o"}\n\t},\n\t"last": null\n}\n',
    '{"mcpServers": {"x": {"command": "o"}}, "n": 1e3}',
    '{ "n" : 1.50 }',
    '{\r\n  "n": 1\r\n}\r\n',
]


def place(root: Path, **changes: Any) -> Place:
    fields: dict[str, Any] = {
        "workspace": root,
        "agent": "nova",
        "program": "train.py",
        "command": ["/opt/a b/gitcollab"],
        "on_path": True,
        "variables": {},
    }
    return Place(**fields | changes)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / ".gitcollab").mkdir()
    return tmp_path


def contents(root: Path) -> dict[str, bytes]:
    """All there is, folders too, without what gitcollab keeps for itself."""
    found = (p for p in sorted(root.rglob("*")) if ".gitcollab" not in p.parts)
    return {str(p.relative_to(root)): b"" if p.is_dir() else p.read_bytes() for p in found}


@pytest.mark.parametrize("text", DOCUMENTS)
def test_an_entry_of_json_comes_and_goes_without_a_trace(text: str) -> None:
    made = SERVER.put(text)
    value = json.loads(made)
    assert value.pop("mcpServers")["gitcollab"] == SERVER.value
    assert value == {k: v for k, v in json.loads(text).items() if k != "mcpServers"}
    assert SERVER.put(made) == made
    assert SERVER.take(made, text) == text
    assert made.count("\r\n") == made.count("\n") or "\r\n" not in text
    added = len(made) - len(text)  # in one place, and all else is as it was
    assert any(made[:at] + made[at + added :] == text for at in range(len(text)))


@given(
    st.dictionaries(
        st.text(max_size=8),
        st.recursive(
            st.none() | st.integers() | st.text(max_size=8),
            lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(max_size=4), v, max_size=3),
        ),
        max_size=4,
    ),
    st.sampled_from([None, 0, 1, 2, 4, "\t"]),
    st.booleans(),
)
def test_any_document_keeps_its_other_values(
    value: dict[str, Any], indent: Any, ascii_only: bool
) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    made = jsontext.with_member(text, ("our servers", "gitcollab"), {"args": ["mcp"]})
    assert json.loads(made) == value | {"our servers": {"gitcollab": {"args": ["mcp"]}}}
    again = jsontext.with_member(made, ("our servers", "gitcollab"), {"args": []})
    assert json.loads(again) == value | {"our servers": {"gitcollab": {"args": []}}}
    left = jsontext.without_member(again, ("our servers", "gitcollab"))
    assert (json.loads(left) if left else {}) == value


def test_what_stood_there_before_comes_back() -> None:
    text = '{"mcpServers": {"gitcollab": {"command": "mine"}, "x": {}}}'
    made = SERVER.put(text)
    edited = made.replace('"x"', '"y"')
    assert SERVER.take(edited, text) == text.replace('"x"', '"y"')


def test_our_hook_is_one_of_several() -> None:
    theirs = {"matcher": "startup", "hooks": [{"type": "command", "command": "echo prime"}]}
    text = json.dumps({"hooks": {"SessionStart": [theirs], "Stop": []}}, indent=4)
    made = HOOK.put(text)
    assert json.loads(made)["hooks"]["SessionStart"] == [theirs, PRIME]
    moved = made.replace("/bin/gitcollab", "/old/gitcollab")
    assert HOOK.put(moved) == made
    assert HOOK.take(made, text) == text
    mixed = {"hooks": [*PRIME["hooks"], *theirs["hooks"]]}  # somebody's own group
    kept = json.dumps({"hooks": {"SessionStart": [mixed]}})
    assert HOOK.take(kept, None) == kept


def test_a_hook_of_cursor_says_its_version() -> None:
    hook = Hook(
        "hooks.json", "session hook", ("hooks", "sessionStart"), {"command": "gitcollab prime"}, 1
    )
    text = '{"hooks": {"stop": []}}'
    assert json.loads(hook.put(text))["version"] == 1
    assert hook.take(hook.put(None), None) is None


@pytest.mark.parametrize(
    "text", ["# Mine\n", "# Mine", "# Mine\n\n\nlines\n\n", "# Mine\r\nlines\r\n", "<!-- x -->"]
)
def test_a_section_comes_and_goes(text: str) -> None:
    made = NOTES.put(text)
    assert made.startswith(text.rstrip("\r\n"))
    assert NOTES.put(made) == made
    newer = Section("CLAUDE.md", "instructions", "read it again", "<!-- b -->", "<!-- e -->")
    assert newer.put(made) == made.replace("read collab.md", "read it again")
    taken = NOTES.take(made, None)
    assert taken is not None
    assert taken.strip() == text.strip()
    after = made + "\nmore\n"
    left = NOTES.take(after, None) or ""
    assert left.split() == [*text.split(), "more"]


@pytest.mark.parametrize(
    "text", ["<!-- b -->\n", "<!-- e --> <!-- b -->", "<!-- b --><!-- e -->" * 2]
)
def test_marks_that_are_no_pair_are_said(text: str) -> None:
    with pytest.raises(NotAsExpected, match="one pair of the marks"):
        NOTES.put(text)


def test_a_table_of_toml_keeps_the_others() -> None:
    text = 'model = "x"  # mine\n\n[mcp_servers.other]\ncommand = "o"\n'
    made = TABLE.put(text)
    assert made.startswith(text)
    assert set(tomllib.loads(made)["mcp_servers"]) == {"other", "gitcollab"}
    assert TABLE.put(made) == made
    assert TABLE.take(made, None) == text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('[mcp_servers.gitcollab]\ncommand = "mine"\n', "that setup did not write"),
        ('mcp_servers = {other = {command = "o"}}\n', "is no TOML"),
        ("[[[\n", "is no TOML"),
    ],
)
def test_a_table_that_cannot_be_added_is_said(text: str, why: str) -> None:
    with pytest.raises(NotAsExpected, match=why):
        TABLE.put(text)


@pytest.mark.parametrize("kind", KINDS)
def test_each_agent_finds_it_where_it_looks(root: Path, kind: Kind) -> None:
    where = place(root, variables={"GITCOLLAB_HOME": '/h "x" \\'})
    made = Settings(root).put(kind, pieces(kind, where))
    assert [(one.path, one.done) for one in made] == [(path, "created") for path in FILES[kind]]
    text = (root / FILES[kind][0]).read_text()
    assert "collab.md" in text
    assert "gitcollab prime" in text
    assert max(map(len, text.splitlines())) <= 100
    if kind != "generic":
        server = _server(root / FILES[kind][1])
        assert [server["command"], *server["args"]] == [
            "/opt/a b/gitcollab",
            "mcp",
            "--workspace",
            str(root),
        ]
        assert server["env"] == {"GITCOLLAB_HOME": '/h "x" \\'}
        hook = "'/opt/a b/gitcollab' prime" + " --hook cursor" * (kind == "cursor")
        assert hook in json.dumps(json.loads((root / FILES[kind][2]).read_text()))
    said = notes(kind, where)
    assert said
    assert len(notes(kind, place(root, serves=False))) == len(said) + 1
    again = Settings(root).put(kind, pieces(kind, where))
    assert {(one.done, one.diff) for one in again} == {("unchanged", "")}


def _server(path: Path) -> dict[str, Any]:
    if path.suffix == ".toml":
        return dict(tomllib.loads(path.read_text())["mcp_servers"]["gitcollab"])
    return dict(json.loads(path.read_text())["mcpServers"]["gitcollab"])


def test_all_of_them_go_as_they_came(root: Path) -> None:
    (root / ".cursor").mkdir()
    (root / "AGENTS.md").write_bytes(b"# Ours\r\n\r\n\r\n- be kind")
    (root / ".mcp.json").write_text('{"mcpServers":{  "gitcollab": {"command": "mine"} } }')
    (root / ".mcp.json").chmod(0o600)
    before = contents(root)
    for kind in KINDS:
        Settings(root).put(kind, pieces(kind, place(root)))
        Settings(root).put(kind, pieces(kind, place(root, command=["/elsewhere/gitcollab"])))
    assert (root / ".mcp.json").stat().st_mode & 0o777 == 0o600
    assert "elsewhere" in (root / ".mcp.json").read_text()
    taken = Settings(root).take("generic", pieces("generic", place(root)))
    assert [(one.done, one.note) for one in taken] == [("kept", "codex needs it")]
    for kind in reversed(KINDS):
        Settings(root).take(kind, pieces(kind, place(root)))
    assert contents(root) == before
    assert (root / ".mcp.json").stat().st_mode & 0o777 == 0o600
    assert not (root / ".gitcollab" / "setup.json").exists()
    last = Settings(root).take("claude", pieces("claude", place(root)))
    assert {one.done for one in last} == {"unchanged"}


@pytest.mark.parametrize("forgotten", [False, True])
def test_what_others_add_meanwhile_stays(root: Path, forgotten: bool) -> None:
    Settings(root).put("claude", pieces("claude", place(root)))
    mine = {"command": "x"}
    changed = jsontext.with_member((root / ".mcp.json").read_text(), ("mcpServers", "x"), mine)
    (root / ".mcp.json").write_text(changed)
    with (root / "CLAUDE.md").open("a") as file:
        file.write("\nBe kind.\n")
    if forgotten:
        (root / ".gitcollab" / "setup.json").unlink()
    Settings(root).take("claude", pieces("claude", place(root)))
    left = {path: data for path, data in contents(root).items() if data}
    assert set(left) == {"CLAUDE.md", ".mcp.json"}
    assert left["CLAUDE.md"].decode().strip() == "Be kind."
    assert json.loads(left[".mcp.json"]) == {"mcpServers": {"x": mine}}


def test_a_dry_run_writes_nothing(root: Path) -> None:
    shown = Settings(root).put("codex", pieces("codex", place(root)), dry_run=True)
    assert all(one.diff for one in shown)
    assert contents(root) == {}
    assert list((root / ".gitcollab").iterdir()) == []
    Settings(root).put("codex", pieces("codex", place(root)))
    before = contents(root)
    shown = Settings(root).take("codex", pieces("codex", place(root)), dry_run=True)
    assert {one.done for one in shown} == {"removed"}
    assert contents(root) == before


@pytest.mark.parametrize(
    ("path", "data", "why"),
    [
        (".mcp.json", b"{,}", "is no JSON (line 1"),
        (".mcp.json", b'{"a": 1, // mine\n "b": 2}', "is no JSON (line 1"),
        (".mcp.json", b'{"mcpServers": []}', "something else than an object in mcpServers"),
        (".mcp.json", b"[]", "something else than an object"),
        (".mcp.json", b'{"a": 1, "a": 2}', "'a' twice"),
        (".mcp.json", b"[" * 100_000, "nested too deeply"),
        (".mcp.json", b" " * 1_000_001, "more than 1000000 bytes"),
        (".claude/settings.local.json", b'{"hooks": {"SessionStart": {}}}', "than a list in hooks"),
        (".claude/settings.local.json", b'{"hooks": "\xff"}', "is no UTF-8 text"),
        ("CLAUDE.md", b"<!-- gitcollab: end -->", "one pair"),
    ],
)
def test_what_cannot_be_changed_stops_all(root: Path, path: str, data: bytes, why: str) -> None:
    (root / path).parent.mkdir(exist_ok=True)
    (root / path).write_bytes(data)
    before = contents(root)
    with pytest.raises(GitcollabError) as refused:
        Settings(root).put("claude", pieces("claude", place(root)))
    assert refused.value.message.startswith(path)
    assert why in refused.value.message
    assert "\n" not in refused.value.message
    assert contents(root) == before


def test_links_are_not_followed_out_of_the_workspace(root: Path, tmp_path_factory: Any) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (root / ".claude").symlink_to(elsewhere)
    with pytest.raises(GitcollabError, match="outside of the workspace"):
        Settings(root).put("claude", pieces("claude", place(root)))
    assert list(elsewhere.iterdir()) == []
    assert sorted(contents(root)) == [".claude"]


def test_a_link_within_it_is_kept(root: Path) -> None:
    (root / "AGENTS.md").write_text("# Ours\n")
    (root / "CLAUDE.md").symlink_to("AGENTS.md")
    Settings(root).put("claude", pieces("claude", place(root)))
    assert (root / "CLAUDE.md").is_symlink()
    assert "collab.md" in (root / "AGENTS.md").read_text()
    Settings(root).take("claude", pieces("claude", place(root)))
    assert (root / "AGENTS.md").read_text() == "# Ours\n"
    assert (root / "CLAUDE.md").is_symlink()
