"""The door of a hub against a hostile plain-git client, and honest agents through it."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from plain import EXECUTABLE, FILE, FOLDER, LINK, SUBMODULE, Plain

from gitcollab.faces.pages import pages
from gitcollab.git.command import run_git
from gitcollab.records.names import path_of
from gitcollab.swarm import joining, verifying
from gitcollab.swarm.hooks import install
from gitcollab.swarm.outcomes import Granted
from gitcollab.swarm.swarm import Swarm

Agent = Callable[[str], Swarm]


def tip(hub: Path) -> str:
    return run_git("rev-parse", "swarm", git_dir=hub).out.strip()


def refused(plain: Plain, commit: str, words: str, *, ref: str = "") -> list[str]:
    """The push is refused in these words, clearly and shortly, and changes nothing."""
    before = tip(plain.hub)
    ran = plain.push(commit, ref)
    assert ran.returncode != 0, f"let through; expected: {words}"
    assert words in ran.stderr, ran.stderr
    assert "Traceback" not in ran.stderr
    said = [line for line in ran.stderr.splitlines() if line.startswith("remote:")]
    assert len(said) <= 20
    assert tip(plain.hub) == before
    return said


def at_root(plain: Plain, mode: str, name: bytes, oid: str | None = None) -> str:
    """A commit that adds one entry to the hub's folder."""
    parent = plain.fetch()
    entries = plain.entries(parent)
    return plain.commit(plain.raw_tree([*entries, (mode, oid or plain.blob(b"x"), name)]), parent)


def test_an_honest_agent_works_through_it(guarded: Path, agent: Agent) -> None:
    nova = agent("nova")
    assert nova.run(set_values={"RATE": str(0.2)}).outcome == "published"
    claimed = nova.claim("WIDTH 8 to 9")
    assert isinstance(claimed, Granted)
    nova.release(claimed.claim.id)
    assert nova.sync().online
    assert (guarded / "gitcollab" / "door.log").read_text() == ""


MODES = {
    "a symbolic link": (LINK, b"link"),
    "a submodule": (SUBMODULE, b"sub"),
    "executable": (EXECUTABLE, b"run.sh"),
    "the mode 100664": ("100664", b"group"),
}
NAMES: Mapping[bytes, str] = {
    b"\xff\xfe": "not UTF-8",
    "e\u0301.txt".encode(): "normal form",
    b"a\x1b[31m": "some system does not allow",
    b"a\\b": "some system does not allow",
    b"a:b": "some system does not allow",
    b"x ": "ends in a dot or a space",
    ".g\u200cit".encode(): "not seen",
    ".ＧＩＴ".encode(): "git's own",
    b"GIT~1": "git's own",
    b"aux.txt": "device",
    b"n" * 300: "too long",
}


def test_neither_links_nor_tricks_with_names(plain: Plain) -> None:
    parent = plain.fetch()
    blob = plain.blob(b"x")
    odd = [(mode, parent if mode == SUBMODULE else blob, name) for mode, name in MODES.values()]
    named = [(FILE, blob, name) for name in NAMES]
    commit = plain.commit(plain.raw_tree([*plain.entries(parent), *odd, *named]), parent)
    told = refused(plain, commit, "a symbolic link")
    assert len([line for line in told if "refused: " in line]) == len(MODES) + len(NAMES)
    for words in (*MODES, *NAMES.values()):
        assert any(words in line for line in told), words


@pytest.mark.parametrize("name", [b".git", b"..", b""])
def test_names_that_git_itself_refuses_get_nowhere(plain: Plain, name: bytes) -> None:
    before = tip(plain.hub)
    assert plain.push(at_root(plain, FILE, name)).returncode != 0
    assert tip(plain.hub) == before


def test_no_name_is_another_ones_on_some_system(plain: Plain) -> None:
    parent = plain.fetch()
    names = (b"README.MD", "LEADERBOARD．json".encode(), b"Rulings")
    clashing = [(FILE, plain.blob(b"x"), name) for name in names]
    commit = plain.commit(plain.raw_tree([*plain.entries(parent), *clashing]), parent)
    told = refused(plain, commit, "in case or spelling only")
    assert len([line for line in told if "spelling only" in line]) == len(names)


def test_trees_that_git_would_not_write(plain: Plain) -> None:
    parent = plain.fetch()
    entries, blob = plain.entries(parent), plain.blob(b"x")
    trees = {
        "not sorted": plain.raw_tree([(FILE, blob, b"zz"), *entries], ordered=False),
        "have one name": plain.raw_tree([*entries, (FILE, blob, b"zz"), (FILE, blob, b"zz")]),
        "is empty": plain.raw_tree([*entries, (FOLDER, plain.raw_tree([]), b"zz")]),
        "the mode 0100644": plain.raw_tree([*entries, ("0100644", blob, b"zz")]),
    }
    for words, tree in trees.items():
        refused(plain, plain.commit(tree, parent), words)
    folder = plain.raw_tree([(FILE, blob, b"y")])
    both = plain.raw_tree([*entries, (FILE, blob, b"zz"), (FOLDER, folder, b"zz")])
    refused(plain, plain.commit(both, parent), "have one name")


def test_floods(plain: Plain) -> None:
    parent = plain.fetch()
    blob = plain.blob(b"x")
    entries = plain.entries(parent)
    many = plain.raw_tree([(FILE, blob, b"%06d" % n) for n in range(10_000)])
    wide = plain.commit(plain.raw_tree([*entries, (FOLDER, many, b"many")]), parent)
    refused(plain, wide, "more than 5000 files")

    huge = plain.blob(b"\0" * 20_000_000)
    big = plain.commit(plain.raw_tree([*entries, (FILE, huge, b"huge")]), parent)
    refused(plain, big, "20000000 bytes")

    bomb = blob
    for depth in range(30):  # 10^30 files
        mode = FILE if depth == 0 else FOLDER
        bomb = plain.raw_tree([(mode, bomb, b"%d" % n) for n in range(10)])
    bombed = plain.commit(plain.raw_tree([*entries, (FOLDER, bomb, b"bomb")]), parent)
    refused(plain, bombed, "more than 5000 files")

    deep = plain.raw_tree([(FILE, blob, b"x")])
    for _ in range(40):
        deep = plain.raw_tree([(FOLDER, deep, b"d")])
    dug = plain.commit(plain.raw_tree([*entries, (FOLDER, deep, b"deep")]), parent)
    refused(plain, dug, "too deep")


def test_history_is_only_added_to(plain: Plain, agent: Agent) -> None:
    old = plain.fetch()
    agent("nova").run()
    new = plain.fetch()
    tree = plain.commit(run_git("rev-parse", f"{new}^{{tree}}", git_dir=plain.hub).out.strip())
    refused(plain, "", "not deleted")
    refused(plain, old, "only added to")  # back to before
    refused(plain, tree, "only added to")  # the same files, without their history
    refused(plain, plain.with_files({"x": b""}, parent=old), "only added to")
    other = plain.with_files({"results/a/b/log.txt": b""}, parent=old)
    merge = plain.commit(
        run_git("rev-parse", f"{new}^{{tree}}", git_dir=plain.hub).out.strip(), new, other
    )
    refused(plain, merge, "is a merge")
    refused(plain, merge, "aliased", ref="refs/heads/SWARM")


def test_too_many_commits(plain: Plain) -> None:
    parent = plain.fetch()
    lines = [f"commit refs/heads/many\ncommitter m <m@x> 1 +0000\ndata 1\nx\nfrom {parent}\n\n"]
    lines += ["commit refs/heads/many\ncommitter m <m@x> 1 +0000\ndata 1\nx\n\n"] * 1200
    subprocess.run(
        ["git", f"--git-dir={plain.path}", "fast-import", "--quiet"],
        input="".join(lines).encode(), check=True, timeout=60,
    )  # fmt: skip
    refused(plain, "refs/heads/many", "more than 1000 commits")


def test_records_of_others_are_theirs(plain: Plain, agent: Agent) -> None:
    nova = agent("nova")
    done = nova.run(set_values={"RATE": str(0.2)}).result
    claimed = nova.claim("WIDTH 8 to 9")
    assert done is not None
    assert isinstance(claimed, Granted)
    plain.fetch()
    result, claim = path_of("result", done.id), path_of("claim", claimed.claim.id)
    written = run_git("show", f"swarm:{result}", git_dir=plain.hub).out
    copied = result.replace("nova/", "mallory/")
    attacks: Mapping[str, Mapping[str, bytes | None]] = {
        "a result goes": {result: None},
        "a program goes": {result.replace("result.yaml", "train.py"): None},
        "a claim goes": {claim: None},
        "a card goes": {"agents/nova.yaml": None},
        "a result is copied": {copied: written.replace("nova", "mallory").encode()},
        "the task is changed": {"task.yaml": b"schema: 1\n"},
        "the baseline is changed": {"train.py": b"print()\n"},
        "the protocol is changed": {"collab.md": b"Do as I say.\n"},
        "a workflow comes": {".github/workflows/mine.yml": b"on: push\n"},
        "the door goes": {".github/workflows/validation.yml": None},
        "something comes": {"notes/x.txt": b"x"},
    }
    files = {path: data for one in attacks.values() for path, data in one.items()}
    told = refused(plain, plain.with_files(files), "refused: ")
    for what, one in attacks.items():
        for path in one:
            assert any(f"refused: {path}: " in line for line in told), what
    changed = written.replace("RATE", "WIDTH").encode()
    refused(plain, plain.with_files({result: changed, claim: b"x"}), f"refused: {result}: ")
    refused(plain, plain.with_files({"leaderboard.json": b"{}\n"}), "not what the records give")


def test_other_branches_are_not_its_business(plain: Plain) -> None:
    commit = plain.with_files({"anything": b"x"})
    assert plain.push(commit, "refs/heads/scratch").returncode == 0
    assert plain.push("", "refs/heads/scratch").returncode == 0


def test_a_refused_push_leaves_it_usable(plain: Plain, agent: Agent) -> None:
    nova = agent("nova")
    for n in range(2):
        refused(plain, plain.with_files({f"results/nova/x{n}/result.yaml": b"x"}), "refused: ")
        assert nova.run(set_values={"RATE": str(0.2 + n / 100)}).outcome == "published"
        plain.fetch()


def test_agents_of_many_hosts_race_through_it(
    toy_hub: Path, agent: Agent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    agents = []
    for number in range(8):
        monkeypatch.setenv("GITCOLLAB_HOME", str(tmp_path / f"host-{number}"))
        agents.append(agent(f"agent-{number}"))
        assert agents[-1].member.store.folder.is_relative_to(tmp_path / f"host-{number}")
        assert agents[-1].member.key

    install(toy_hub)

    def work(number: int) -> bool:
        return isinstance(agents[number].claim(f"RATE 0.1 to 0.{number + 2}"), Granted)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(8))) == [True] * 8
    claims = run_git("ls-tree", "--name-only", "swarm:claims", git_dir=toy_hub).out.split()
    assert len(claims) == 8
    assert (toy_hub / "gitcollab" / "door.log").read_text() == ""


def test_records_do_not_wait_for_views_of_another_version(
    guarded: Path, agent: Agent, tmp_path: Path
) -> None:
    def other(*given: Any) -> dict[str, bytes]:
        return {path: page + b"\nanother version\n" for path, page in pages(*given).items()}

    agent("nova").run()
    folder = tmp_path / "vega"
    folder.mkdir()
    joining.join(folder, str(guarded), agent="vega", pages=other)
    done = Swarm.open(folder, pages=other).run(set_values={"RATE": "0.2"})
    assert done.outcome == "published"
    said = run_git("show", "swarm:README.md", git_dir=guarded).out
    assert "another version" not in said
    assert "agents/vega.yaml" in run_git("ls-tree", "-r", "swarm", git_dir=guarded).out


def test_it_fails_closed(guarded: Path, plain: Plain, agent: Agent, tmp_path: Path) -> None:
    nova = agent("nova")
    hook = guarded / "hooks" / "pre-receive"
    text = hook.read_text()
    line = next(line for line in text.splitlines() if line.startswith("python="))

    hook.write_text(text.replace(line, f"python={tmp_path / 'gone'}"))
    refused(plain, plain.with_files({"x": b"x"}), "cannot be checked")

    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho Traceback of a bug >&2\nexit 3\n")
    broken.chmod(0o755)
    hook.write_text(text.replace(line, f"python={broken}"))
    refused(plain, plain.with_files({"x": b"x"}), "cannot be checked")
    assert "of a bug" in (guarded / "gitcollab" / "door.log").read_text()

    broken.write_text("#!/bin/sh\nkill -ALRM $$\n")
    refused(plain, plain.with_files({"x": b"x"}), "takes too long")

    report = nova.run(set_values={"RATE": str(0.2)})
    assert report.outcome == "queued"  # nothing is wrong with the work
    hook.write_text(text)
    assert nova.sync().delivered


def test_judging_ends_whatever_it_is_in() -> None:
    code = (
        "import gitcollab.cli.verify as v; v._PUSH_SECONDS = 1; v._limit_time();"
        "import hashlib; hashlib.pbkdf2_hmac('sha256', b'', b'', 1_000_000_000)"
    )
    ran = subprocess.run([sys.executable, "-c", code], timeout=60)
    assert ran.returncode == -signal.SIGALRM  # in the shell: 142


def test_a_kill_in_the_middle_leaves_it_usable(guarded: Path, agent: Agent) -> None:
    nova = agent("nova")
    index = guarded / "gitcollab" / "index.sqlite"
    for name in (index.name, f"{index.name}-wal", f"{index.name}-shm"):
        index.with_name(name).unlink(missing_ok=True)
    argv = ["-P", "-m", "gitcollab", "verify", "--pre-receive", "--git-dir", str(guarded)]
    with subprocess.Popen([sys.executable, *argv], stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.write(f"{tip(guarded)} {tip(guarded)} refs/heads/swarm\n".encode())
        process.stdin.close()
        while process.poll() is None and not index.exists():
            pass
        process.kill()
    assert nova.run(set_values={"RATE": "0.2"}).outcome == "published"


def test_a_crash_of_the_checker_leaves_it_usable(guarded: Path, agent: Agent) -> None:
    nova = agent("nova")
    index = guarded / "gitcollab" / "index.sqlite"
    index.write_bytes(b"no database" * 100)
    (guarded / "gitcollab" / "accepted").write_bytes(b"\xff\x00 not lines")
    assert nova.run(set_values={"RATE": str(0.2)}).outcome == "published"
    assert index.read_bytes().startswith(b"SQLite format 3")


def test_a_claim_is_not_put_there_again(guarded: Path, plain: Plain, agent: Agent) -> None:
    """Its holder's signature on it is public; only the holder's own hand counts."""
    nova, vega = agent("nova"), agent("vega")
    claimed = nova.claim("WIDTH 8 to 9")
    assert isinstance(claimed, Granted)
    path = path_of("claim", claimed.claim.id)
    data = run_git("show", f"swarm:{path}", git_dir=guarded).out.encode()
    nova.release(claimed.claim.id)
    plain.fetch()
    for written in (data, data + b"\n", b"\n" + data):  # its bytes are anybody's
        refused(plain, plain.with_files({path: written}), "it is over")
    assert isinstance(vega.claim("WIDTH 8 to 9"), Granted)


def test_a_push_onto_an_older_state_is_told_to_fetch(plain: Plain, agent: Agent) -> None:
    """Judging it would cost what lies between, and git would not take it."""
    nova, old = agent("nova"), plain.fetch()
    hub = verifying.open_hub(plain.hub, "swarm")
    new = plain.with_files({"x": b"x"}, parent=old)
    assert plain.push(new, "refs/heads/aside").returncode == 0
    assert nova.claim("RATE 0.1 to 0.2")
    now = plain.fetch()
    assert verifying.refusals(hub, [f"{old} {new} refs/heads/swarm"], None) == [verifying.MOVED]
    assert verifying.refusals(hub, [f"{'0' * 40} {new} refs/heads/swarm"], None) == [
        verifying.MOVED
    ]
    assert verifying.refusals(hub, [f"{now} {now} refs/heads/swarm", ""], None) == []


def test_an_agent_that_is_told_to_fetch_does(guarded: Path, agent: Agent, tmp_path: Path) -> None:
    nova = agent("nova")
    hook = guarded / "hooks" / "pre-receive"
    hook.rename(hook.with_name("real"))
    once = tmp_path / "once"
    words = f"gitcollab: {verifying.MOVED}"
    hook.write_text(
        f"#!/bin/sh\nif [ ! -e {once} ]; then touch {once}; echo '{words}' >&2; exit 1; fi\n"
        "exec hooks/real\n"
    )
    hook.chmod(0o755)
    assert isinstance(nova.claim("RATE 0.1 to 0.2"), Granted)
    assert once.exists()
