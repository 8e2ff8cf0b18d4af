"""Hostile commits: what a stranger with plain git may try to put on a hub.

Each is a list of tree entries on the hub of ``seed``. Hand-written ones come first; the others are
made from honest records, by a random generator with a fixed seed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pygit2

from gitcollab.git.objects import ObjectStore
from gitcollab.git.remote import create_bare
from gitcollab.records import codec, signing
from gitcollab.records.models import AgentCard, Hypothesis, Insight, Retraction, Signed, sha256
from gitcollab.records.names import kind_of, path_of
from gitcollab.records.signing import KeyPair
from tests import people, toy
from tests.rules import COMMON, NOW, PROGRAM, TASK, claim, file, published, result, ruling

BRANCH = "swarm"
FILE, LINK, FOLDER, MODULE = "100644", "120000", "40000", "160000"
MUTANTS = 24  # of each honest record


@dataclass(frozen=True)
class Entry:
    """A file as a commit leaves it; ``data`` None removes it."""

    path: bytes
    data: bytes | None
    mode: str = FILE


@dataclass(frozen=True)
class Hostile:
    """A commit that no door may let through."""

    name: str
    entries: tuple[Entry, ...]
    message: str = "an honest change"

    @property
    def changes(self) -> dict[str, bytes | None] | None:
        """The same as a client's store can say it; None where it cannot."""
        try:
            if all(entry.mode == FILE for entry in self.entries):
                return {entry.path.decode(): entry.data for entry in self.entries}
        except UnicodeDecodeError:
            pass
        return None


def seed(hub: Path) -> None:
    """Make ``hub`` a hub with a maintainer, two agents, a result, an idea and a claim."""
    create_bare(hub, BRANCH)
    files: dict[str, bytes | None] = {
        "task.yaml": TASK.encode(),
        "train.py": toy.PROGRAM.encode(),
        "collab.md": b"# The protocol\n",
    }
    digests = {path: sha256(data or b"") for path, data in files.items()}
    files |= file(ruling(id="keeper/seed", does="edit", files=digests))
    files |= people.cards(["nova", "atlas"])
    files |= published(result()) | file(claim(minutes=14)) | file(idea("nova"))
    objects = ObjectStore(hub)
    who = "keeper", "keeper@example.org"
    commit = objects.commit(objects.write_tree(None, files), None, "seed", who, who, NOW)
    objects.set_tip(f"refs/heads/{BRANCH}", commit)


def written(hub: Path, hostile: Hostile) -> str:
    """The hostile commit on the hub's tip, in the hub's objects; nothing refers to it."""
    repo = pygit2.Repository(str(hub))
    tip = repo.references[f"refs/heads/{BRANCH}"].peel(pygit2.Commit)
    tree = tip.tree_id
    for entry in hostile.entries:
        tree = _set(repo, tree, entry.path.split(b"/"), entry)
    who = pygit2.Signature("mallory", "mallory@example.org", int(NOW.timestamp()), 0)
    return str(repo.create_commit(None, who, who, hostile.message, tree, [tip.id]))


def _set(repo: pygit2.Repository, tree: Any, parts: list[bytes], entry: Entry) -> Any:
    listed = dict(_listed(repo, tree))
    if len(parts) > 1:
        mode, below = listed.get(parts[0], ("", None))
        below = _set(repo, below if mode == FOLDER else None, parts[1:], entry)
        listed[parts[0]] = FOLDER, below
        if not any(_listed(repo, below)):
            del listed[parts[0]]
    elif entry.data is None:
        listed.pop(parts[0], None)
    elif entry.mode == MODULE:
        listed[parts[0]] = MODULE, pygit2.Oid(hex="1" * 40)
    else:
        listed[parts[0]] = entry.mode, repo.odb.write(pygit2.enums.ObjectType.BLOB, entry.data)
    rows = sorted(listed.items(), key=lambda row: row[0] + b"/" * (row[1][0] == FOLDER))
    data = b"".join(mode.encode() + b" " + name + b"\0" + oid.raw for name, (mode, oid) in rows)
    return repo.odb.write(pygit2.enums.ObjectType.TREE, data)


def _listed(repo: pygit2.Repository, tree: Any) -> Iterator[tuple[bytes, tuple[str, Any]]]:
    data = b"" if tree is None else repo.odb.read(tree)[1]
    while data:
        head, _, rest = data.partition(b"\0")
        mode, _, name = head.partition(b" ")
        yield name, (mode.decode(), pygit2.Oid(raw=rest[:20]))
        data = rest[20:]


def corpus() -> list[Hostile]:
    """All of them, always the same but for times and keys."""
    found = [*_paths(), *_modes(), *_others(), *_forged(), *_rulings(), *_joining(), *_derived()]
    found += _mutants(Random(5))
    assert len({one.name for one in found}) == len(found)
    return found


def honest() -> dict[str, tuple[dict[str, bytes | None], str]]:
    """What the doors let through: changes and message, by name."""
    mine = claim(minutes=14)
    said = people.key("nova").sign_bytes(signing.release(mine.id, mine.nonce))
    trailer = f"give back\n\nGitcollab-Release: {mine.id} {mine.nonce} {said}\n"
    gone: dict[str, bytes | None] = dict.fromkeys(file(mine))
    vega = people.card("vega", NOW)
    return {
        "a result": (dict(published(result("atlas", "r-2"))), "x"),
        "a claim": (dict(file(claim("atlas", id="other-12ab"))), "x"),
        "a release": (gone, trailer),
        "an idea": (dict(file(idea("atlas"))), "x"),
        "joining": (dict(file(vega)), "x"),
        "an edit": (dict(_edit("collab.md", b"# Anew\n")), "x"),
    }


def idea(agent: str, **fields: Any) -> Hypothesis:
    given = COMMON | {"id": f"{agent}/h-1", "agent": agent, "title": "x", "reasoning": "y"}
    return people.signed(Hypothesis.model_validate(given | fields))


def insight(agent: str) -> Insight:
    given = COMMON | {"id": f"{agent}/i-1", "agent": agent, "text": "depth helps"}
    return people.signed(Insight.model_validate(given))


def retraction(agent: str, target: str) -> Retraction:
    given = COMMON | {"id": f"{agent}/t-1", "agent": agent, "target": target}
    return people.signed(Retraction.model_validate(given))


def _edit(path: str, data: bytes | None, agent: str = "keeper", **fields: Any) -> dict[str, Any]:
    what: dict[str, Any] = {"removes": [path]}
    if data is not None:
        what = {"files": {path: sha256(data)}}
    return {path: data} | file(ruling(agent, does="edit", **what, **fields))


def _plain(name: str, changes: Mapping[str, bytes | None], message: str = "x") -> Hostile:
    entries = tuple(Entry(path.encode(), data) for path, data in changes.items())
    return Hostile(name, entries, message)


# -- as git sees it --------------------------------------------------------------------------------

_NAMES = [
    b".git", b".GIT", b".Git", b"git~1", b".git.", b".git ", b".g\xe2\x80\x8cit", b"..", b".",
    b"a\\b", b"a:b", b"con\x01", b"x\n", b"\xff\xfe", b"\xc3\x28", b"e\xcc\x81", b"\x1b[2J",
    b"a" * 300, b"nul\x7f", b"\xed\xa0\x80", b"aux\x00"[:3] + b"\t", b" ", b"x ", b"x.",
    b"\xe2\x80\xaex", b".gitmodules", b".gitattributes", b"README.MD", b"Task.yaml", b"TASK.YAML",
]  # fmt: skip
_PLACES = [b"", b"results/nova/", b"claims/", b"best/", b"results/nova/r-1/"]


def _paths() -> Iterator[Hostile]:
    for place in _PLACES:
        for number, name in enumerate(_NAMES):
            yield Hostile(f"path {place.decode()}#{number}", (Entry(place + name, b"x"),))
    deep = b"/".join([b"d"] * 60)
    yield Hostile("path: sixty folders", (Entry(deep, b"x"),))
    for folder in (b"Results/nova", b"results/Nova", b"AGENTS", b"Claims", b"hypotheses/NOVA"):
        yield Hostile(f"case: {folder.decode()}", (Entry(folder + b"/x.yaml", b"x"),))
    yield Hostile("a file for a folder", (Entry(b"results", b"x"),))
    yield Hostile("a folder for a file", (Entry(b"task.yaml/x", b"x"),))


def _modes() -> Iterator[Hostile]:
    honest_files = published(result("atlas", "r-9"))
    for mode in (LINK, MODULE, "100755", "100664", "100600", "040755", "107777", "0"):
        for place in ("results/atlas/r-9/log.txt", "claims/x.yaml", "task.yaml", "best/train_py"):
            data = b"../../../../etc/passwd"
            yield Hostile(f"mode {mode} {place}", (Entry(place.encode(), data, mode),))
        rest = tuple(
            Entry(path.encode(), data, mode if path.endswith("result.yaml") else FILE)
            for path, data in honest_files.items()
        )
        yield Hostile(f"mode {mode} of a record", rest)
    for size in (1_500_001, 20_000_000):
        yield Hostile(f"{size} bytes", (Entry(b"results/nova/r-1/big.bin", b"\0" * size),))


# -- what is others' -------------------------------------------------------------------------------


def _others() -> Iterator[Hostile]:
    there = published(result()) | file(idea("nova")) | people.cards(["nova"])
    for path, data in there.items():
        yield _plain(f"remove {path}", {path: None})
        yield _plain(f"append to {path}", {path: data + b"\nmore: x\n"})
        yield _plain(f"empty {path}", {path: b""})
    mine = file(claim(minutes=14))
    for path, data in mine.items():
        yield _plain("remove a claim", {path: None})
        yield _plain("spoil a claim", {path: data[:-9]})
    taken = claim("atlas", nonce="f" * 16)
    yield _plain("take a claim over", file(taken))
    yield _plain("take a claim over under its nonce", file(claim("atlas")))
    yield _plain("release another's claim", dict.fromkeys(mine), _release("atlas"))
    yield _plain("release by garbage", dict.fromkeys(mine), "x\n\nGitcollab-Release: a b c")
    yield _plain("release in the subject", dict.fromkeys(mine), _release("nova", "f" * 16))
    for path in ("task.yaml", "collab.md", "train.py", "synonyms.yaml", ".github/workflows/x.yml"):
        yield _plain(f"write {path}", {path: b"schema: 1\n"})
        yield _plain(f"an agent's ruling on {path}", _edit(path, TASK.encode() + b"\n", "nova"))
        yield _plain(f"another hub's ruling on {path}", _edit(path, b"x: 1\n", hub="cd" * 16))
    for path in ("task.yaml", "collab.md", "train.py"):
        yield _plain(f"remove {path}", {path: None})
        yield _plain(f"remove {path} by an agent's ruling", _edit(path, None, "nova"))


def _release(agent: str, nonce: str = "0123456789abcdef") -> str:
    mine = claim()
    said = people.key(agent).sign_bytes(signing.release(mine.id, nonce))
    return f"x\n\nGitcollab-Release: {mine.id} {nonce} {said}\n"


def _forged() -> Iterator[Hostile]:
    """Records that are not whose they say they are, or not what they say."""
    makers = {
        "result": lambda agent: result(agent, "r-2"),
        "claim": lambda agent: claim(agent, id="other-12ab"),
        "idea": idea,
        "insight": insight,
        "retraction": lambda agent: retraction(agent, f"results/{agent}/r-1/result.yaml"),
    }
    for name, make in makers.items():
        true = make("atlas")
        files = lambda made: published(made) if made.id.endswith("r-2") else file(made)  # noqa: E731
        yield _plain(f"{name}: unsigned", files(true.model_copy(update={"signature": None})))
        yield _plain(f"{name}: signed by another", files(people.key("nova").sign(true)))
        yield _plain(f"{name}: signed by nobody known", files(KeyPair.generate().sign(true)))
        altered = {"created_at": NOW - timedelta(hours=1)}
        yield _plain(f"{name}: altered", files(true.model_copy(update=altered)))
        yield _plain(f"{name}: of no member", files(make("ghost")))
        for days in (-400, 2, 3000):
            when = {"created_at": NOW + timedelta(days=days), "signature": None}
            yield _plain(
                f"{name}: {days} days off", files(people.signed(true.model_copy(update=when)))
            )
    other = published(result("atlas", "r-3"))
    record = next(iter(other.values()))
    yield _plain("a record elsewhere", {"results/atlas/r-4/result.yaml": record})
    yield _plain("another's folder", {"results/nova/r-3/result.yaml": record})
    yield _plain("a program alone", {"results/atlas/r-5/train.py": PROGRAM.encode()})
    yield _plain("a file too many", other | {"results/atlas/r-3/notes.md": b"x"})
    yield _plain("another program", other | {"results/atlas/r-3/train.py": b"RATE = 9\n"})
    yield _plain("a file too few", {p: d for p, d in other.items() if p.endswith("yaml")})
    program = "RATE = 8\n"
    feigned = result("atlas", "r-6", program, fingerprint=result().fingerprint)
    yield _plain("another's program", published(feigned, program))
    replicate = result("atlas", "r-7", program, replicates="nova/r-1")
    yield _plain("a replicate of another", published(replicate, program))
    withdrawn = retraction("atlas", "results/nova/r-1/result.yaml")
    yield _plain("another's record withdrawn", file(withdrawn))
    for number, patch in enumerate(_PATCHES):
        yield _plain(f"a patch of other files #{number}", file(idea("atlas", patch=patch)))


_PATCHES = [
    "--- a/task.yaml\n+++ b/task.yaml\n@@ -1 +1 @@\n-a\n+b\n",
    "--- a/../../.ssh/authorized_keys\n+++ b/../../.ssh/authorized_keys\n@@ -0,0 +1 @@\n+key\n",
    "--- /dev/null\n+++ b/evil.py\n@@ -0,0 +1 @@\n+x\n",
    "--- a/train.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n",
    "diff --git a/train.py b/hooks/x\nrename from train.py\nrename to hooks/x\n",
]


def _rulings() -> Iterator[Hostile]:
    for does in ("admit", "suspend", "restore"):
        for by in ("nova", "ghost"):
            yield _plain(f"{does} by {by}", file(ruling(by, does=does, subject="atlas")))
        forged = people.key("nova").sign(ruling(does=does, subject="atlas"))
        yield _plain(f"{does}: forged", file(forged))
        elsewhere = ruling(does=does, subject="atlas", hub="cd" * 16)
        yield _plain(f"{does}: of another hub", file(elsewhere))
        old = ruling(does=does, subject="atlas", created_at=NOW - timedelta(days=30))
        yield _plain(f"{does}: long ago", file(old))
    coup = TASK.replace(people.key("keeper").public_line, people.key("nova").public_line).encode()
    taken = people.key("nova").sign(ruling(does="edit", files={"task.yaml": sha256(coup)}))
    yield _plain("a coup", {"task.yaml": coup} | file(taken))
    yield _plain(
        "a ruling that says something else", _edit("collab.md", b"x") | {"collab.md": b"y"}
    )
    yield _plain("a ruling and more", _edit("collab.md", b"x") | {"train.py": b"y"})
    seeded = path_of("ruling", "keeper/seed")
    yield _plain("a ruling removed", {seeded: None})


def _joining() -> Iterator[Hostile]:
    vega = people.card("vega", NOW)
    thief = KeyPair.generate()

    def card(base: AgentCard, by: KeyPair, **fields: Any) -> dict[str, bytes]:
        return file(by.sign(base.model_copy(update=fields | {"signature": None})))

    yield _plain("a card unsigned", file(vega.model_copy(update={"signature": None})))
    yield _plain("a card signed by another", card(vega, thief))
    yield _plain("a card from the past", card(vega, people.key("vega"), created_at=people.JOINED))
    yield _plain(
        "a card from the future", card(vega, people.key("vega"), created_at=NOW + timedelta(5))
    )
    yield _plain(
        "a maintainer's name", card(people.card("keeper", NOW), thief, public_key=thief.public_line)
    )
    for name in ("con", "nul", "anonymous", "unknown"):
        yield _plain(f"the name {name}", file(people.card(name, NOW)))
    nova = people.card("nova")
    yield _plain("another's key", card(nova, thief, public_key=thief.public_line))
    said = thief.sign_bytes(signing.rotation("nova", nova.public_key, thief.public_line, NOW))
    former = [{"public_key": nova.public_key, "replaced_at": NOW, "signature": said}]
    stolen = AgentCard.model_validate(
        nova.model_dump(by_alias=True) | {"public_key": thief.public_line, "former": former}
    )
    yield _plain("a key's theft by its own word", file(thief.sign(stolen)))
    yield _plain("joining anew", file(people.card("nova", NOW)))


def _derived() -> Iterator[Hostile]:
    """Derived files made by hand: beside nothing, and beside an honest record."""
    forged = {
        "best/train_py": b"import os; os.system('x')\n",
        "best/metadata.yaml": b"schema: 1\nid: mallory/x\n",
        "best/agent/mallory.yaml": b"x: 1\n",
        "README.md": b"# Send me money\n",
        "LEADERBOARD.md": b"mallory leads\n",
        "leaderboard.json": b"{}",
        "progress.svg": b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>\n",
        "best/tier/cpu/train_py": b"evil\n",
        "best/x/y/z": b"x",
    }
    for path, data in forged.items():
        yield _plain(f"derived {path}", {path: data})
        yield _plain(
            f"derived {path}, with a result", {path: data} | published(result("atlas", "r-8"))
        )


# -- generated -------------------------------------------------------------------------------------


def _mutants(random: Random) -> Iterator[Hostile]:
    """Honest records with some bytes, lines or values changed: none is signed any more."""
    records: list[Signed] = [
        result("atlas", "m-1"), claim("atlas", id="mutant-12ab"), idea("atlas"), insight("atlas"),
        retraction("atlas", "results/atlas/r-1/result.yaml"),
        ruling(does="suspend", subject="nova"), people.card("vega", NOW),
    ]  # fmt: skip
    for record in records:
        ((path, data),) = file(record).items()
        beside = published(record) if path.startswith("results/") else {}  # type: ignore[arg-type]
        made = 0
        while made < MUTANTS:
            changed = random.choice(_MUTATIONS)(data, random)
            if not _same(path, changed, record):
                made += 1
                yield _plain(f"mutant {path} #{made}", beside | {path: changed})


def _same(path: str, data: bytes, record: Signed) -> bool:
    kind, _ = kind_of(path) or ("", "")
    try:
        return codec.decode(kind, data) == record
    except codec.InvalidRecord:
        return False


def _flip(data: bytes, random: Random) -> bytes:
    at = random.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << random.randrange(8))]) + data[at + 1 :]


def _cut(data: bytes, random: Random) -> bytes:
    return data[: random.randrange(len(data) - 2)]


def _line(data: bytes, random: Random) -> bytes:
    lines = data.split(b"\n")
    at = random.randrange(len(lines))
    return b"\n".join(lines[:at] + lines[at + random.choice((0, 1)) :] + [random.choice(_LINES)])


def _value(data: bytes, random: Random) -> bytes:
    lines = data.rstrip(b"\n").split(b"\n")
    at = random.randrange(len(lines))
    name = lines[at].partition(b":")[0]
    lines[at] = name + b": " + random.choice(_VALUES)
    return b"\n".join(lines) + b"\n"


_LINES = [
    b"agent: nova", b"signature: null", b"a: &a [1]\nb: *a", b"!!python/object/apply:os.system [x]",
    b"x: " + b"[" * 5000, b"? {a: b}\n: c", b"<<: {agent: nova}", b"---\nschema: 1", b"\0", b"\xff",
    b"schema: 2", b"metric: .nan", b"n: " + b"9" * 5000, b"title: \"\\e[2J\"",
]  # fmt: skip
_VALUES = [
    b".nan", b".inf", b"-.inf", b"1e400", b"null", b"[]", b"{}", b"true", b"2026-02-30T00:00:00Z",
    b"9" * 400, b"\"\\u202e\"", b"../../x", b"nova/../../x", b"1971-01-01T00:00:00Z",
    b"'" + b"A" * 9000 + b"'",
    b"0x10", b"nova", b"keeper", b"!!binary aGk=", b"*x", b"sha256:" + b"0" * 64,
]  # fmt: skip
_MUTATIONS = (_flip, _cut, _line, _value)
