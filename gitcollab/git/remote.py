"""A hub seen through git's transport: fetch its state branch, push as a compare-and-swap."""

from __future__ import annotations

import os
import re
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

from gitcollab.errors import GitcollabError, without_credentials
from gitcollab.git import command, failures
from gitcollab.git.failures import Failure, HubEmpty, HubUnreachable


@dataclass(frozen=True)
class Landed:
    """The hub's branch is now at what we pushed."""


@dataclass(frozen=True)
class Moved:
    """The branch was not where we expected it; nothing was written."""

    reason: str = ""


@dataclass(frozen=True)
class Refused:
    """A rule of the hub said no to what was pushed; ``reason`` in the hub's words."""

    reason: str


@dataclass(frozen=True)
class Unreachable:
    """No verdict. Unless ``certain``, the push may have landed and only the reply been lost.

    ``silent``: the hub did not answer in time, and asking again would cost that time again.
    """

    reason: str
    hint: str
    certain: bool = False
    silent: bool = False


Pushed = Landed | Moved | Refused | Unreachable

# What a hub says when another push came first, between its advertisement and its update.
_RACE = re.compile(
    r"cannot lock ref|failed to update ref|failed to lock|reference already exists"
    r"|incorrect old value|but expected|unable to lock|File exists|fetch first|stale info",
    re.IGNORECASE,
)
# What a hub says when it takes nothing from anybody, whatever is in it.
_CLOSED = re.compile(
    r"unpacker error|unpack|branch is currently checked out|protected branch|GH006"
    r"|not allowed to push|permission|read.only|archived|transaction failed to start"
    r"|No space left|quota",
    re.IGNORECASE,
)
# What the door of a hub (hooks/pre-receive) says that is about neither of us.
_DOOR_MOVED = re.compile(r"^gitcollab: the branch moved;", re.MULTILINE)
_DOOR_BROKEN = re.compile(r"^gitcollab: this push cannot be checked", re.MULTILINE)
_STATUS = re.compile(r"(?P<flag>[ +*=!-])\t[^\t]*:(?P<ref>[^\t]*)\t(?P<summary>.*)\Z")
_UNPACKING = "error: remote unpack failed: "
_NOISE = re.compile(r"(error: )?hook declined to update |fatal: .*hook declined")


def address(hub: str) -> str:
    """``hub`` as git will take it from any folder: URLs and host:path as they are, paths absolute.

    Raises GitcollabError when it is empty or could be taken for an option.
    """
    if not hub.strip() or hub.startswith("-") or re.search(r"[\x00-\x1f]", hub):
        raise GitcollabError(f"{hub!r} is no hub", "give a path or a git URL")
    if "://" in hub:
        return hub
    # git's own rule: a colon before the first slash means a host, unless such a path exists.
    if re.match(r"[^/]+:", hub) and not os.path.lexists(hub):
        return hub
    return os.path.abspath(os.path.expanduser(hub))  # noqa: PTH100, PTH111 - keeps symbolic links


def create_bare(path: Path, branch: str = "swarm") -> None:
    """Make ``path`` a bare repository whose default branch is ``branch``; one that is there stays.

    Raises GitcollabError when something else is there, GitMissing, GitTooOld, DiskFull.
    """
    command.version()
    path = path.absolute()
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _init(aside, branch)
        # Made aside, so that two who create it at once do not see each other's halves.
        aside.replace(path)
    except OSError as e:
        if not (path / "HEAD").exists() and not (path / ".git").exists():
            raise failures.local_failure(e) from e
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _init(path: Path, branch: str) -> None:
    ran = command.run_git(
        "init", "--bare", "--quiet", "--template=", f"--initial-branch={branch}", "--", str(path)
    )
    if ran.code != 0:
        failure = failures.meaning(ran.err, str(path))
        raise GitcollabError(f"cannot create {path}: {failure.reason}", "choose another place")


@dataclass(frozen=True)
class Remote:
    """The branch ``branch`` of the hub at ``url``, exchanged with the bare repository ``git_dir``.

    ``idle`` and ``total`` bound each call in seconds (see run_git). ``tracking`` is the local
    reference that holds the last fetched tip.
    """

    git_dir: Path
    url: str
    branch: str
    idle: float = 30.0
    total: float = 900.0

    @property
    def tracking(self) -> str:
        """The local reference of the last known tip."""
        return f"refs/remotes/hub/{self.branch}"

    def fetch(self, *, shallow: bool = False) -> None:
        """Bring ``tracking`` to the hub's tip, wherever that moved; ``shallow`` takes no history.

        Raises HubUnreachable, HubEmpty (no such branch), DiskFull, CacheCorrupt.
        """
        refspec = f"+refs/heads/{self.branch}:{self.tracking}"
        depth = ["--depth=1"] if shallow else []
        ran = self._run(
            "fetch", "--progress", "--no-tags", "--no-auto-gc", "--no-write-fetch-head", *depth,
            "--", self.url, refspec,
        )  # fmt: skip
        if ran.code == 0:
            return None
        if "couldn't find remote ref" in ran.err:
            raise HubEmpty(self.url, self.branch)
        if shallow and "shallow capabilities" in ran.err:  # the plain-files http protocol
            return self.fetch()
        raise self.unreachable(failures.meaning(ran.err, str(self.git_dir), self.url))

    def fetch_commit(self, commit: str) -> None:
        """Bring one commit with its files, whether or not a branch leads to it.

        Not every hub gives those. Raises HubUnreachable, DiskFull, CacheCorrupt.
        """
        ran = self._run(
            "fetch", "--progress", "--no-tags", "--no-auto-gc", "--no-write-fetch-head",
            "--depth=1", "--", self.url, commit,
        )  # fmt: skip
        if ran.code != 0:
            raise self.unreachable(failures.meaning(ran.err, str(self.git_dir), self.url))

    def push(self, commit: str, *, expect: str | None) -> Pushed:
        """Move the branch from ``expect`` (None: absent) to ``commit``, or leave it as it is.

        Raises DiskFull or CacheCorrupt when the fault is on this side.
        """
        ref = f"refs/heads/{self.branch}"
        try:
            ran = self._run(
                "push", "--porcelain", "--progress", "--no-verify",
                f"--force-with-lease={ref}:{expect or ''}", "--", self.url, f"{commit}:{ref}",
            )  # fmt: skip
        except HubUnreachable as e:
            return Unreachable(_bare_reason(e), e.hint, silent=True)
        for line in ran.out.splitlines():
            match = _STATUS.match(line)
            if match and match["ref"] == ref:
                return self._verdict(match["flag"], match["summary"], ran.err)
        failure = failures.meaning(ran.err, str(self.git_dir), self.url)
        return Unreachable(failure.reason, failure.hint, failure.certain)

    def look(self) -> str | None:
        """The hub's tip at this moment, None when it has no such branch; nothing is transferred.

        Raises HubUnreachable.
        """
        ref = f"refs/heads/{self.branch}"
        ran = self._run("ls-remote", "--", self.url, ref)
        if ran.code != 0:
            raise self.unreachable(failures.meaning(ran.err, str(self.git_dir), self.url))
        tips = (line.partition("\t") for line in ran.out.splitlines())
        return next((tip for tip, _, name in tips if name == ref), None)

    def rehearse(self, commit: str) -> Failure | None:
        """Why the hub would take no push from us; None when it would, as far as it tells before.

        Nothing is written: the hub is asked for leave to push a branch of another name, and not
        sent it. Its rules are not asked.
        """
        if why := _unwritable(self.url):
            return why
        other = f"refs/heads/rehearsal-{secrets.token_hex(8)}"
        try:
            ran = self._run(
                "push", "--dry-run", "--porcelain", "--no-verify", "--", self.url,
                f"{commit}:{other}",
            )  # fmt: skip
        except HubUnreachable as e:
            return Failure(_bare_reason(e), e.hint)
        return None if ran.code == 0 else failures.meaning(ran.err, str(self.git_dir), self.url)

    def unreachable(self, failure: Failure) -> HubUnreachable:
        """``failure`` as the error that names this hub."""
        return HubUnreachable(
            f"cannot reach the hub {without_credentials(self.url)}: {failure.reason}",
            self.remedy(failure.hint),
        )

    def remedy(self, hint: str) -> str:
        """``hint``, unless it is to make a hub from which something was fetched before."""
        asked = ("rev-parse", "--quiet", "--verify", self.tracking)
        if (
            hint == failures.NO_REPOSITORY
            and not command.run_git(*asked, git_dir=self.git_dir).code
        ):
            return "ask whether the hub has moved; work goes on without it"
        return hint

    def _verdict(self, flag: str, summary: str, err: str) -> Pushed:
        if flag in " *+":
            return Landed()
        if flag == "=":
            return Moved("the hub already holds this very commit")
        reason = summary.partition("(")[2].rpartition(")")[0] or summary
        if "[remote rejected]" not in summary and "[remote failure]" not in summary:
            return Moved(reason)
        if re.search(r"shallow update not allowed|missing necessary objects", reason):
            raise failures.CacheCorrupt(reason)
        said = _server_words(err) or reason
        # A rule's own words may hold anything; only git's reason tells a race.
        if _RACE.search(reason) or _DOOR_MOVED.search(said):
            return Moved(reason)
        if _DOOR_BROKEN.search(said):
            return Unreachable(said.removeprefix("gitcollab: "), "ask the hub's owner", True)
        if _CLOSED.search(reason) or "GH006" in said:
            # What we sent may have been cut short here: then the fault is ours.
            failures.meaning(err, str(self.git_dir), self.url)
            why = [line for line in failures.lines(err) if line.startswith(_UNPACKING)]
            said = f"{reason}: {why[0].removeprefix(_UNPACKING)[:300]}" if why else reason
            return Unreachable(f"the hub takes no pushes: {said}", "ask the hub's owner", True)
        return Refused(said)

    def _run(self, *args: str) -> command.Ran:
        try:
            return command.run_git(*args, git_dir=self.git_dir, idle=self.idle, total=self.total)
        except command.NoAnswer as e:
            raise self.unreachable(Failure(e.message, e.hint)) from e


def _unwritable(url: str) -> Failure | None:
    """Why nothing can be written to a hub that is a folder here; git would find out too late."""
    path = Path(url.removeprefix("file://"))
    for objects in (path / "objects", path / ".git" / "objects"):
        if objects.is_dir() and not os.access(objects, os.W_OK | os.X_OK):
            return Failure(f"{objects} cannot be written", "check the permissions of the hub")
    return None


def _bare_reason(e: HubUnreachable) -> str:
    return e.__cause__.message if isinstance(e.__cause__, command.NoAnswer) else e.message


def _server_words(err: str) -> str:
    """What the hub's rule printed, at most 2,000 characters."""
    said = (
        line.removeprefix("remote:").strip()
        for line in failures.lines(err)
        if line.startswith("remote:")
    )
    return "\n".join(line for line in said if line and not _NOISE.match(line))[:2000]
