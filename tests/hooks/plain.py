"""A hostile client: plain git, and objects that no honest program would write."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from gitcollab.git.command import environment

# Mode, type as in git mktree, and what is there.
FILE, LINK, EXECUTABLE, FOLDER, SUBMODULE = "100644", "120000", "100755", "40000", "160000"
Entry = tuple[str, str, bytes]  # mode, object, raw name
EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


class Plain:
    """A bare clone of a hub, and git's plumbing in it."""

    def __init__(self, hub: Path, folder: Path, branch: str = "swarm") -> None:
        self.hub, self.path, self.branch = hub, folder, branch
        self._git("init", "--quiet", "--bare", str(folder), at=None)
        self.fetch()

    def fetch(self) -> str:
        """The hub's tip, brought here."""
        self._git("fetch", "--quiet", str(self.hub), f"+refs/heads/{self.branch}:refs/hub")
        return self._git("rev-parse", "refs/hub")

    def blob(self, data: bytes) -> str:
        return self._git("hash-object", "-w", "--stdin", data=data)

    def entries(self, tree: str) -> list[Entry]:
        listed = self._run("ls-tree", "-z", tree)
        found = []
        for line in listed.stdout.split(b"\0")[:-1]:
            head, name = line.split(b"\t", 1)
            mode, _, oid = head.decode().split()
            found.append((mode.lstrip("0"), oid, name))
        return found

    def raw_tree(self, entries: Sequence[Entry], *, ordered: bool = True) -> str:
        """A tree of exactly these entries, in this order unless ``ordered``."""
        if ordered:
            entries = sorted(entries, key=lambda e: e[2] + b"/" * (e[0] == FOLDER))
        data = b"".join(m.encode() + b" " + n + b"\0" + bytes.fromhex(o) for m, o, n in entries)
        return self.object("tree", data)

    def object(self, kind: str, data: bytes) -> str:
        """Whatever bytes, as an object of that kind."""
        return self._git("hash-object", "-t", kind, "-w", "--stdin", "--literally", data=data)

    def tree_with(self, base: str, path: bytes, mode: str, oid: str | None) -> str:
        """The tree ``base`` with one entry set (None: removed), its folders made as needed."""
        name, _, rest = path.partition(b"/")
        entries = [] if base == EMPTY_TREE else self.entries(base)
        old = next((e for e in entries if e[2] == name), None)
        entries = [e for e in entries if e[2] != name]
        if rest:
            below = old[1] if old is not None and old[0] == FOLDER else EMPTY_TREE
            made = self.tree_with(below, rest, mode, oid)
            if self.entries(made):
                entries.append((FOLDER, made, name))
        elif oid is not None:
            entries.append((mode, oid, name))
        return self.raw_tree(entries)

    def commit(
        self, tree: str, *parents: str, message: str = "x", when: int = 0, by: str = "m"
    ) -> str:
        """``when``: seconds since 1970 that it says it was made at, ``by`` whom; 0: now."""
        if when:
            lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents)]
            lines += [f"{who} {by} <m@x> {when} +0000" for who in ("author", "committer")]
            return self.object("commit", "\n".join([*lines, "", message]).encode())
        argv = [a for parent in parents for a in ("-p", parent)]
        return self._git("commit-tree", tree, *argv, "-F", "-", data=message.encode())

    def tree(self, commit: str) -> str:
        return self._git("rev-parse", f"{commit}^{{tree}}")

    def with_files(
        self,
        files: Mapping[str, bytes | None],
        parent: str | None = None,
        message: str = "x",
        when: int = 0,
    ) -> str:
        """A commit on ``parent`` (default: the hub's tip as fetched) that sets these files."""
        parent = parent or self._git("rev-parse", "refs/hub")
        tree = self._git("rev-parse", f"{parent}^{{tree}}")
        for path, data in files.items():
            oid = None if data is None else self.blob(data)
            tree = self.tree_with(tree, path.encode(), FILE, oid)
        return self.commit(tree, parent, message=message, when=when)

    def push(self, commit: str, ref: str = "", *options: str) -> subprocess.CompletedProcess[str]:
        """Push it over whatever is there."""
        ref = ref or f"refs/heads/{self.branch}"
        ran = self._run("push", "--force", *options, str(self.hub), f"{commit}:{ref}", check=False)
        return subprocess.CompletedProcess(
            ran.args, ran.returncode, ran.stdout.decode(), ran.stderr.decode("utf-8", "replace")
        )

    def _git(self, *args: str, data: bytes = b"", at: str | None = "here") -> str:
        return self._run(*args, data=data, at=at).stdout.decode().strip()

    def _run(
        self, *args: str, data: bytes = b"", at: str | None = "here", check: bool = True
    ) -> subprocess.CompletedProcess[bytes]:
        place = [f"--git-dir={self.path}"] if at else []
        who = ["-c", "user.name=mallory", "-c", "user.email=mallory@example.invalid"]
        return subprocess.run(
            ["git", *who, *place, *args],
            input=data,
            capture_output=True,
            check=check,
            timeout=120,
            env=environment(),
        )
