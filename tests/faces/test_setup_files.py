"""Putting something of ours into others' files, and taking it out: nothing else of them changes."""

from __future__ import annotations

import json
import os
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitcollab.errors import GitcollabError
from gitcollab.faces.setup import jsontext, swapping
from gitcollab.faces.setup.agents import Kind, Place, notes, pieces
from gitcollab.faces.setup.jsontext import NotAsExpected
from gitcollab.faces.setup.pieces import Hook, Member, Section, Table, is_prime
from gitcollab.faces.setup.putting import Settings
from gitcollab.store.files import write_aside

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
    "text",
    [
        "# Mine\n",
        "# Mine",
        "# Mine\n\n\nlines\n\n",
        "# Mine\r\nlines\r\n",
        "<!-- x -->",
        "a\rb\r",
        "a\nb\r",
    ],
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
    assert NOTES.take(after, None) == taken + "\nmore\n"  # as if it had never been there


@pytest.mark.parametrize(
    "text", ["<!-- b -->\n", "<!-- e -->\n<!-- b -->", "<!-- b -->\n<!-- e -->\n" * 2]
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
    spoken = 'x = """\n# b\nmine\n# e\n"""\n'
    assert TABLE.take(spoken, None) == spoken


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('[mcp_servers.gitcollab]\ncommand = "mine"\n', "that setup did not write"),
        ('mcp_servers = {other = {command = "o"}}\n', "is no TOML"),
        ("[[[\n", "is no TOML"),
        (f"n = {'1' * 5000}\n", "is no TOML"),
        ('x = """\n# b\nmine\n# e\n"""\n', "within a text"),
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
        moved = """env 'GITCOLLAB_HOME=/h "x" \\' """
        hooks = json.loads((root / FILES[kind][2]).read_text())
        assert json.dumps(f"{moved}{hook}") in json.dumps(hooks)
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
    assert {one.done for one in last} == {"absent"}


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
        (".mcp.json", b"[" + b"9" * 5000 + b"]", "a number of too many digits"),
        (".mcp.json", b"\xef\xbb\xbf{}", "a byte order mark"),
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


def test_a_file_that_two_agents_read_keeps_it_for_both(root: Path) -> None:
    """CLAUDE.md is often a link to AGENTS.md."""
    (root / "CLAUDE.md").symlink_to("AGENTS.md")
    files = Settings(root)
    both: list[Kind] = ["claude", "codex"]
    for first, second in (both, both[::-1]):
        for kind in both:
            files.put(kind, pieces(kind, place(root)))
        taken = files.take(first, pieces(first, place(root)))
        assert (taken[0].done, taken[0].note) == ("kept", f"{second} needs it")
        assert "collab.md" in (root / "AGENTS.md").read_text()
        files.take(second, pieces(second, place(root)))
        assert not (root / "AGENTS.md").exists()


def test_two_pieces_never_share_a_file(root: Path) -> None:
    (root / ".claude").mkdir()
    (root / ".claude" / "settings.local.json").symlink_to("../.mcp.json")
    with pytest.raises(GitcollabError, match=r"and \.mcp\.json are one file"):
        Settings(root).put("claude", pieces("claude", place(root)))


OTHERS_HOOK = {
    "hooks": [{"type": "command", "command": "cd /z && gitcollab prime --full | tee log"}]
}
OTHERS_SERVER = {
    "command": "gitcollab",
    "args": ["mcp", "--workspace", "/my/other"],
    "env": {"A": "b"},
}
SPOKEN = (
    "The lines <!-- gitcollab: begin (made by gitcollab setup) --> ours <!-- gitcollab: end -->\n"
)


@pytest.mark.parametrize("edited", [False, True])
@pytest.mark.parametrize("forgotten", [False, True])
def test_what_looks_like_ours_is_its_owners(root: Path, edited: bool, forgotten: bool) -> None:
    """Their own hook, server and words about the marks: beside ours, and there when ours go."""
    hooks = {"hooks": {"SessionStart": [OTHERS_HOOK]}}
    servers = {"mcpServers": {"gitcollab": OTHERS_SERVER}}
    (root / ".claude").mkdir()
    paths = [root / one for one in FILES["claude"]]
    for path, text in zip(paths, (SPOKEN, json.dumps(servers), json.dumps(hooks)), strict=True):
        path.write_text(text)
    before = contents(root)
    files, ours = Settings(root), pieces("claude", place(root))
    for _ in range(2):
        files.put("claude", ours)
    assert paths[0].read_text().startswith(SPOKEN)
    assert json.loads(paths[2].read_text())["hooks"]["SessionStart"][0] == OTHERS_HOOK
    if edited:
        paths[0].write_text(paths[0].read_text() + "more\n")
        for path in paths[1:]:
            path.write_text(path.read_text() + "\n")
        before = {name: data + b"more\n" * (name == "CLAUDE.md") for name, data in before.items()}
    if forgotten:
        (root / ".gitcollab" / "setup.json").unlink()
    files.take("claude", ours)
    assert contents(root)["CLAUDE.md"] == before["CLAUDE.md"]
    assert json.loads(paths[2].read_text()) == hooks
    if not forgotten:  # what was at the server's name is in no other place
        assert json.loads(paths[1].read_text()) == servers


@pytest.mark.parametrize(
    "command",
    [
        "gitcollab prime --full",
        "gitcollab prime > log",
        "echo gitcollab prime",
        "gitcollab prime;rm x",
        "env X=1 gitcollab prime",
        "env",
        "'",
        "",
    ],
)
def test_a_command_that_does_more_is_not_ours(command: str) -> None:
    assert not is_prime({"command": command})
    assert not is_prime({"hooks": [{"command": command}]})
    text = json.dumps({"hooks": {"SessionStart": [{"command": command}]}})
    assert HOOK.take(text, None) == text


def test_what_setup_has_put_there_is_known_again(root: Path) -> None:
    """Of whatever gitcollab, home and workspace; and with what its user added to the server."""
    old = place(
        root / "old", variables={"GITCOLLAB_HOME": "/h"}, command=["/py", "-m", "gitcollab"]
    )
    files = Settings(root)
    files.put("claude", pieces("claude", old))
    hooks = root / ".claude" / "settings.local.json"
    hooks.write_text(hooks.read_text() + "\n")
    files.put("claude", pieces("claude", place(root)))
    assert len(json.loads(hooks.read_text())["hooks"]["SessionStart"]) == 1
    server = root / ".mcp.json"
    server.write_text(server.read_text().replace('"type"', '"timeout": 9, "type"'))
    files.take("claude", pieces("claude", place(root)))
    assert [path for path, data in contents(root).items() if data] == []


def test_links_in_a_circle_and_pipes_are_said(root: Path) -> None:
    loop = root / "CLAUDE.md"
    loop.symlink_to("CLAUDE.md")
    with pytest.raises(GitcollabError, match=r"CLAUDE\.md "):
        Settings(root).put("claude", pieces("claude", place(root)))
    loop.unlink()
    os.mkfifo(loop)
    with pytest.raises(GitcollabError, match="is no plain file"):
        Settings(root).put("claude", pieces("claude", place(root)))


@pytest.mark.parametrize(
    "kept",
    [
        '{"files": {"CLAUDE.md": {"before": 5, "after": "x", "agents": []}}, "folders": []}',
        '{"files": {"CLAUDE.md": {"before": "", "after": "x", "agents": "ab"}}, "folders": []}',
        '{"files": {"CLAUDE.md": {}}, "folders": []}',
        "[" * 100_000,
        "nothing",
    ],
)
def test_a_spoilt_memory_is_none(root: Path, kept: str) -> None:
    Settings(root).put("claude", pieces("claude", place(root)))
    (root / ".gitcollab" / "setup.json").write_text(kept)
    Settings(root).take("claude", pieces("claude", place(root)))
    assert set(contents(root).values()) <= {b""}


def test_a_memory_that_is_no_file_is_said(root: Path) -> None:
    (root / ".gitcollab" / "setup.json").mkdir()
    with pytest.raises(GitcollabError, match=r"setup\.json cannot be read"):
        Settings(root).put("claude", pieces("claude", place(root)))
    assert contents(root) == {}


@pytest.mark.parametrize("failing", ["CLAUDE.md", ".mcp.json", "settings.local.json", "setup.json"])
def test_where_one_file_cannot_be_written_none_is(
    root: Path, failing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / ".mcp.json").write_text("{}")
    before = contents(root)

    def write(path: Path, *rest: Any, **more: Any) -> None:
        if path.name == failing:
            raise OSError(28, "No space left on device")
        write_aside(path, *rest, **more)

    monkeypatch.setattr(swapping, "write_aside", write)
    with pytest.raises(GitcollabError, match="No space left"):
        Settings(root).put("claude", pieces("claude", place(root)))
    assert contents(root) == before
    assert not (root / ".gitcollab" / "setup.json").exists()
    monkeypatch.undo()
    Settings(root).put("claude", pieces("claude", place(root)))
    before = contents(root)
    (root / ".claude").rename(root / ".claude.away")
    (root / ".claude").write_text("a file")
    with pytest.raises(GitcollabError, match="is no folder"):
        Settings(root).take("claude", pieces("claude", place(root)))


def test_a_file_that_cannot_be_removed_stops_all(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Settings(root).put("claude", pieces("claude", place(root)))
    before = contents(root)
    unlink = Path.unlink

    def stuck(path: Path, missing_ok: bool = False) -> None:
        if path.name == "settings.local.json":
            raise PermissionError(13, "Permission denied")
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", stuck)
    with pytest.raises(GitcollabError, match="cannot be written: Permission denied"):
        Settings(root).take("claude", pieces("claude", place(root)))
    assert contents(root) == before


def test_setups_at_once_remember_all(root: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda kind: Settings(root).put(kind, pieces(kind, place(root))), KINDS))
    known = json.loads((root / ".gitcollab" / "setup.json").read_text())["files"]
    assert set(known) == {path for kind in KINDS for path in FILES[kind]}
    assert sorted(known["AGENTS.md"]["agents"]) == ["codex", "generic"]
