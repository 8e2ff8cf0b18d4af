"""Maintainers' and agents' verbs as they are typed, on two machines; no secret is ever told."""

from __future__ import annotations

import base64
import json
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cli_toys import Ran

from gitcollab.records import invitations
from gitcollab.records.signing import KeyPair
from gitcollab.swarm.home import home

Cli = Callable[..., Ran]

FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Go to a machine; gives the folder of work there."""

    def go(machine: str) -> Path:
        monkeypatch.setenv("GITCOLLAB_HOME", str(tmp_path / machine / "home"))
        folder = tmp_path / machine / "work"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    return go


At = Callable[[str], Path]


@pytest.fixture
def seeded(cli: Cli, at: At, tmp_path: Path, task_file: Path) -> Callable[..., Path]:
    """Make a hub on the keeper's machine, with an agent of it there."""

    def make(admission: str) -> Path:
        folder, hub = at("keeper"), tmp_path / "hub.git"
        sets = ("--set", f"policy.admission={admission}")
        made = cli("init", str(hub), "--task", str(task_file), *sets, cwd=folder)
        assert made.code == 0, made.err
        assert f"keeper maintains it, by the key {home() / 'keys' / 'keeper'}" in made.out
        assert cli("join", str(hub), "--agent", "ada", cwd=folder).code == 0
        return hub

    return make


def test_by_invitation(cli: Cli, at: At, seeded: Callable[..., Path]) -> None:
    hub = seeded("invite")
    made = cli("invite", "--uses", "2")
    token = made.out.strip()
    assert (made.code, made.out.count("\n")) == (0, 1)
    assert token.startswith(invitations.PREFIX)
    assert "good for 2 agents until" in made.err
    as_json = cli("invite", "--days", "1", "--json").json
    assert set(as_json) == {"token", "uses", "expires_at", "admission"}

    folder = at("volunteer")
    refused = cli("join", str(hub), "--agent", "nova", cwd=folder)
    assert (refused.code, "only whom a maintainer has invited" in refused.err) == (4, True)
    damaged = cli("join", str(hub), "--agent", "nova", "--invite", token[:200])
    assert (damaged.code, "damaged" in damaged.err) == (2, True)
    assert cli("join", str(hub), "--agent", "nova", "--invite", token).code == 0
    other = folder.parent / "other"
    other.mkdir()
    (other / "token.txt").write_text(f"{token}\n")
    by_file = cli("join", str(hub), "--agent", "orion", "--invite", "token.txt", cwd=other)
    assert by_file.code == 0, by_file.err
    third = folder.parent / "third"
    third.mkdir()
    used = cli("join", str(hub), "--agent", "vega", "--invite", token, cwd=third)
    assert (used.code, "used 2 times already" in used.err) == (4, True)
    assert not (third / ".gitcollab").exists()
    mine = cli("invite", cwd=folder)
    assert (mine.code, "maintainers (keeper)" in mine.err) == (4, True)


def test_an_invitation_from_standard_input(
    cli: Cli, at: At, seeded: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    import io

    hub = seeded("invite")
    token = cli("invite").out
    folder = at("volunteer")
    monkeypatch.setattr("sys.stdin", io.StringIO(token))
    assert cli("join", str(hub), "--agent", "nova", "--invite", "-", cwd=folder).code == 0


def test_by_approval(cli: Cli, at: At, seeded: Callable[..., Path]) -> None:
    hub = seeded("approval")
    keeper = Path.cwd()
    nova = at("volunteer")
    joined = cli("join", str(hub), "--agent", "nova", cwd=nova)
    assert joined.code == 0
    assert "waits for a maintainer (keeper) to run: gitcollab admit nova" in joined.out
    assert cli("join", str(hub), "--agent", "nova", "--json").json["admission"] == "waiting"
    assert "waits for a maintainer" in cli("status").out
    assert cli("status", "--json").json["admission"] == "waiting"
    assert cli("run", "baseline").code == 5
    waiting = cli("sync")
    assert (waiting.code, "note: 1 record waits on this host: nova waits" in waiting.out) == (
        0,
        True,
    )
    mine = cli("agent", "show", "--json").json

    at("keeper")
    shown = cli("admit", "nova", cwd=keeper)
    assert (shown.code, shown.out.splitlines()[0]) == (0, "admitted: nova")
    assert mine["fingerprint"] in shown.out
    again = cli("admit", "nova", "--json").json
    assert (again["changed"], again["agent"]["admitted_by"]) == (False, "keeper")
    nobody = cli("admit", "nowa")
    assert (nobody.code, "did you mean nova?" in nobody.err) == (2, True)
    listed = cli("agent", "list", "--json").json["agents"]
    assert {one["name"]: one["status"] for one in listed} == {"ada": "waiting", "nova": "member"}
    assert cli("agent", "list").out.splitlines()[0].split()[:2] == ["agent", "status"]

    at("volunteer")
    assert "1 record delivered" in cli("sync", cwd=nova).out


def test_suspending(cli: Cli, at: At, seeded: Callable[..., Path]) -> None:
    seeded("open")
    odd = cli("agent", "suspend", "ada", "--reason", "a \x1b[31mtest")
    assert (odd.code, "U+001B" in odd.err, "\x1b" in odd.err) == (1, True, False)
    told = cli("agent", "suspend", "ada", "--reason", "a test", "--since", "2026-01-31")
    assert (told.code, told.out.splitlines()[0]) == (0, "suspended: ada")
    assert "a test" in told.out
    assert "suspended by a maintainer" in cli("status").out
    assert cli("agent", "show").out.count("2026-01-31 00:00:00 UTC") == 1
    assert cli("agent", "suspend", "ada", "--since", "soon").code == 2
    assert cli("agent", "restore", "ada").out.startswith("restored: ada\n")
    assert cli("agent", "restore", "ada").out.startswith("nothing changed: it is not suspended")
    assert cli("agent").code == 2


def test_another_measure_says_what_is_ranked(cli: Cli, at: At, seeded: Callable[..., Path]) -> None:
    seeded("open")
    for lr in ("0.1", "0.2"):
        assert cli("run", "--set", f"LR={lr}", "--seed", "1").code == 0
    told = cli("task", "set", "budget.seconds=9").out
    assert told.splitlines()[1] == (
        "note: 2 results measured something else and are no longer ranked; setting it back ranks "
        "them again"
    )
    assert cli("run").code == 0
    back = cli("task", "set", "budget.seconds=5.0", "--json").json
    assert (back["comparable"], back["unranked"], back["ranked"]) == (False, 1, 2)
    told = cli("task", "set", "budget.seconds=9").out
    assert told.splitlines()[2] == "note: 1 earlier result of this task is ranked again"


def test_a_field_that_no_task_has(cli: Cli, at: At, seeded: Callable[..., Path]) -> None:
    seeded("open")
    for argv, said, hint in (
        (["budget.second=5"], "a task has no field 'budget.second'", "mean budget.seconds?"),
        (["polcy.z=5"], "a task has no field 'polcy'", "mean policy?"),
        (["budget.q=5"], "a task has no field 'budget.q'", "there are: seconds, tokens, steps"),
    ):
        for verb in (("task", "set"), ("init", "other.git", "--set")):
            ran = cli(*verb, *argv)
            assert (ran.code, len(ran.err.splitlines())) == (2, 2)
            assert said in ran.err
            assert hint in ran.err
    assert not Path("other.git").exists()


def test_the_task(cli: Cli, at: At, seeded: Callable[..., Path], tmp_path: Path) -> None:
    seeded("open")
    assert "  admission: open\n" in cli("task", "show").out
    assert cli("task", "show", "--json").json["digest"].startswith("sha256:")
    told = cli("task", "set", "sigma=0.01", "budget.seconds=9")
    assert told.out.splitlines()[:2] == [
        "budget.seconds  5.0 → 9.0",
        "sigma           0.002 → 0.01",
    ]
    assert "note:" not in told.out  # there is no result yet
    again = cli("task", "set", "sigma=0.01", "--json").json
    counts = {"unranked": 0, "ranked": 0}
    assert again == {"changes": [], "comparable": True, **counts, "unknown": []}
    for bad, code in (("sigma=x", 2), ("sigma", 2), ("hub=abababababababab", 2)):
        assert cli("task", "set", bad).code == code
    (tmp_path / "words.yaml").write_text("concepts: {}\n")
    assert cli("task", "put", str(tmp_path / "words.yaml"), "synonyms.yaml").code == 0
    assert cli("task", "put", str(tmp_path / "words.yaml")).code == 2
    assert cli("task", "put", "nowhere.yaml").code == 2
    for broken in ("concepts: [", "concepts: [x]"):
        (tmp_path / "words.yaml").write_text(broken)
        told = cli("task", "put", str(tmp_path / "words.yaml"), "synonyms.yaml")
        assert (told.code, told.err.count("cannot be used") <= 1) == (2, True)
        assert "<unicode string>" not in told.err
        assert "\nnext: as in: concepts: {" in told.err
    (tmp_path / "train.py").write_text("LR = = 1\n")
    told = cli("task", "put", str(tmp_path / "train.py"))
    assert (told.code, "syntax error in line 1" in told.err) == (2, True)
    (tmp_path / "train.py").write_text("LR = 1\n")
    assert "note: changes of it" in cli("task", "put", str(tmp_path / "train.py")).out
    key = tmp_path / "ada.pub"
    line = KeyPair.generate().public_line
    key.write_text(f"{line} ada@example\n")
    added = cli("task", "maintainer", "add", "bob", "--file", str(key), "--json").json
    assert added["changes"] == [{"field": "maintainers.bob", "before": None, "after": line}]
    assert cli("task", "maintainer", "add", "bob").code == 2
    assert cli("task", "maintainer", "remove", "bob").code == 0
    last = cli("task", "maintainer", "remove", "keeper")
    assert (last.code, "last maintainer" in last.err) == (4, True)


def test_a_new_key(cli: Cli, at: At, seeded: Callable[..., Path]) -> None:
    hub = seeded("open")
    old = cli("agent", "show", "--json").json["fingerprint"]
    told = cli("agent", "rotate")
    assert (told.code, len(set(FINGERPRINT.findall(told.out)))) == (0, 2)
    assert old in told.out
    assert "1 former key" in cli("agent", "show").out
    checks = {one["name"]: one["state"] for one in cli("doctor", "--json").json["checks"]}
    assert checks["key"] == "ok"
    hub.rename(hub.with_suffix(".away"))
    assert cli("agent", "rotate", "--json").code == 5


# -- secrets ---------------------------------------------------------------------------------------


def test_no_secret_is_told_or_kept(
    cli: Cli, at: At, seeded: Callable[..., Path], tmp_path: Path
) -> None:
    said: list[str] = []

    def do(*argv: str, cwd: Path | None = None) -> Ran:
        ran = cli(*argv, cwd=cwd)
        said.append(ran.out + ran.err)
        return ran

    hub = seeded("invite")
    keeper = Path.cwd()
    token = cli("invite").out.strip()  # told once, to who asked for it
    nova = at("volunteer")
    for argv in (
        ("join", str(hub), "--agent", "nova", token),
        ("join", str(hub), "--agent", "nova", "--invite", token[:-40]),
        ("join", str(hub / "nowhere"), "--agent", "nova", "--invite", token),
        ("join", str(hub), "--agent", "nova", "--invite", token, "--json"),
        ("join", str(hub), "--agent", "nova", "--invite", token),
        ("run", "baseline"),
        ("sync",),
        ("agent", "rotate"),
        ("agent", "show"),
        ("admit", "nova"),
        ("doctor",),
        ("status", "--json"),
        ("outbox",),
    ):
        do(*argv, cwd=nova)
    at("keeper")
    for argv in (
        ("agent", "list"),
        ("agent", "suspend", "nova", "--json"),
        ("agent", "restore", "nova"),
        ("admit", "nova", "--json"),
        ("task", "show"),
        ("task", "set", "sigma=0.01"),
        ("doctor", "--json"),
    ):
        assert do(*argv, cwd=keeper).code in (0, 1)
    secrets = [*secrets_of(tmp_path), *secrets_of_token(token)]
    assert len(secrets) >= 4 * 6
    places = {str(path): path.read_bytes() for path in files_of(tmp_path)}
    places |= {f"output {n}": text.encode() for n, text in enumerate(said)}
    places |= {"objects of the hub": objects_of(hub)}
    for name, data in places.items():
        for secret in secrets:
            assert secret not in data, name


def secrets_of(root: Path) -> Iterator[bytes]:
    """The private keys in any form that one would be told in."""
    for path in root.glob("*/home/keys/*"):
        if path.is_file() and not path.name.endswith(".lock"):
            yield from forms(base64.b64decode(KeyPair.load(path).secret))
            yield path.read_bytes().split(b"\n")[3]


def secrets_of_token(token: str) -> Iterator[bytes]:
    text = token.removeprefix(invitations.PREFIX)
    fields = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    yield from forms(base64.b64decode(fields["secret"]))
    yield text[40:120].encode()


def forms(secret: bytes) -> Iterator[bytes]:
    yield secret
    yield base64.b64encode(secret)[:40]
    yield base64.urlsafe_b64encode(secret)[:40]
    yield secret.hex().encode()


def files_of(root: Path) -> Iterator[Path]:
    for path in root.rglob("*"):
        if path.is_file() and "keys" not in path.parts:
            yield path


def objects_of(hub: Path) -> bytes:
    """The contents of all objects that the hub holds."""
    return subprocess.run(
        ["git", "-C", str(hub), "cat-file", "--batch-all-objects", "--batch"],
        capture_output=True, check=True, timeout=60,
    ).stdout  # fmt: skip


@pytest.mark.parametrize("form", ["--invite {}", "--invite={}", "{}", "--invite {cut}"])
def test_a_report_of_a_bug_holds_no_invitation(
    cli: Cli, at: At, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    from gitcollab.swarm import joining

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a bug")

    folder = at("volunteer")
    monkeypatch.setattr(joining, "join", broken)
    monkeypatch.setattr("gitcollab.cli.hub._token", broken)
    monkeypatch.setattr("gitcollab.store.hubs.check_branch", broken)
    token = invitations.PREFIX + "c2VjcmV0c2VjcmV0"
    ran = cli("join", str(tmp_path), *form.format(token, cut=token[5:]).split(" "), cwd=folder)
    logs = "".join(path.read_text() for path in (home() / "logs").glob("*"))
    assert "c2VjcmV0" not in ran.out + ran.err + logs
    assert (ran.code, "arguments" in logs) == ((2, False) if form == "{}" else (3, True))
