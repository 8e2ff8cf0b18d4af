"""What git's words mean: one clear line and the next step for each way a call can fail."""

from __future__ import annotations

import errno
import re
from dataclasses import dataclass

from gitcollab.errors import GitcollabError, OfflineError, without_credentials


class HubUnreachable(OfflineError):  # noqa: N818 - reads as what it is
    """The hub does not answer, does not exist, or does not let us in."""


class HubEmpty(GitcollabError):  # noqa: N818 - reads as what it is
    """The repository is there, the state branch is not."""

    def __init__(self, url: str, branch: str) -> None:
        super().__init__(
            f"{without_credentials(url)} holds no branch '{branch}'",
            "seed it with `gitcollab init`, or check the hub's address and branch",
        )


class CacheCorrupt(GitcollabError):  # noqa: N818 - reads as what it is
    """Our local copy of the hub cannot be used; it holds nothing that the hub does not."""

    def __init__(self, words: str) -> None:
        super().__init__(
            f"the local copy of the hub is damaged: {words}",
            "run the command again: the copy is made afresh",
        )


class DiskFull(GitcollabError):  # noqa: N818 - reads as what it is
    """No space is left where gitcollab keeps its files."""

    def __init__(self, words: str) -> None:
        super().__init__(
            f"disk is full: {words}", "free some space, then run `gitcollab sync`: nothing is lost"
        )


@dataclass(frozen=True)
class Failure:
    """Why a transfer failed. ``certain``: the hub itself said that nothing was written."""

    reason: str
    hint: str
    certain: bool = False


NO_REPOSITORY = "check the hub's address, or create it with `gitcollab init`"
_NETWORK = "check the connection and the hub's address; work goes on without it"

# First match wins; tried on what was said, in lower case.
_MEANINGS: tuple[tuple[str, str, str, bool], ...] = (
    (
        r"remote host identification has changed",
        "the hub's ssh host key is not the one it had",
        "ask the hub's owner; if it was renewed, `ssh-keygen -R HOST` and accept the new one",
        True,
    ),
    (
        r"host key verification failed",
        "the hub's ssh host key is not known",
        "connect once with `ssh` to accept the host's key",
        True,
    ),
    (
        r"permission denied \((publickey|password|keyboard|gssapi|hostbased)",
        "the hub does not let us in",
        "make `ssh` let you in without a question: ssh key, agent or ~/.ssh/config for this host",
        True,
    ),
    (
        (
            r"authentication failed|could not read (username|password)|permission denied \("
            r"|terminal prompts disabled|invalid username or password|error: 40[13]|access denied"
            r"|http basic: access|write access to repository not granted|permission to .* denied"
        ),
        "the hub does not let us in",
        "check your git credentials for this hub (credential helper, token, password, ssh key)",
        True,
    ),
    (
        r"dubious ownership",
        "",
        "if you trust its owner: git config --global --add safe.directory PATH",
        True,
    ),
    (
        (
            r"does not appear to be a git repository|repository .*not found|repository not found"
            r"|does not exist|not a git repository|project you were looking for could not be found"
        ),
        "there is no repository",
        NO_REPOSITORY,
        True,
    ),
    (r"permission denied|read-only file system", "", "check the permissions of the hub", True),
    (r"mismatched algorithms", "", "gitcollab needs a hub with SHA-1 object names", True),
    (
        r"url using bad/illegal format",
        "the hub's address is no URL",
        "check it; in a user name or password, @ is written %40, / is %2F and : is %3A",
        True,
    ),
    # Said before anything was sent.
    (
        (
            r"unable to access 'http|could not resolve host|connect to host .* port"
            r"|unable to look up|unable to connect to"
        ),
        "",
        _NETWORK,
        True,
    ),
)

# Said about our own repository when not prefixed by "remote:".
_CORRUPT = re.compile(
    r"bad object|is corrupt|object file .* is empty|missing (blob|tree|commit)|bad tree object"
    r"|unable to read (tree|sha1)|unable to parse (commit|object)|invalid sha1 pointer"
    r"|bad config (line|file)|did not send all necessary objects|pack .*(corrupt|invalid)"
    r"|bad (ref|packed)|could not parse|cannot lock ref|unable to resolve reference"
    r"|unable to create '.*\.lock'|shallow update not allowed"
    r"|missing necessary objects|file .* is not a packfile"
    r"|non-monotonic index|error in sideband demultiplexer.*corrupt|does not match index",
    re.IGNORECASE,
)

_PROGRESS = re.compile(
    r"(remote: )?(Enumerating|Counting|Compressing|Resolving|Total|Receiving|Unpacking|Checking"
    r"|Writing|Delta compression|Processing)\b"
)


def lines(err: str) -> list[str]:
    """The lines of git's standard error without progress, credentials and control characters."""
    # The first keeps terminals out of it: hubs are strangers. The second keeps out what git leaves
    # of a password that it did not take for one.
    text = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", err)
    text = without_credentials(text)
    control = re.compile(r"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f]")
    found = (control.sub(" ", line).strip() for line in re.split(r"[\r\n]", text))
    return [line for line in found if line and not _PROGRESS.match(line)]


def words(err: str) -> str:
    """The line that says most, for people."""
    said = lines(err)
    for prefix in ("fatal: ", "error: ", "ERROR: ", "remote: ", "ssh: ", ""):
        for line in said:
            if line.startswith(prefix) and "could not read from remote" not in line.lower():
                return line.removeprefix(prefix).removeprefix("ERROR: ")[:500]
    return said[0][:500] if said else "git gave no reason"


def meaning(err: str, git_dir: str, hub: str = "") -> Failure:
    """What the failed transfer means. Raises DiskFull or CacheCorrupt when the fault is ours.

    ``hub`` is where it is: what a hub at a path says comes without "remote:" before it.
    """
    theirs = hub.removeprefix("file://").rstrip("/") or "remote:"
    ours = "\n".join(
        line for line in lines(err) if not line.startswith("remote:") and theirs not in line
    )
    if "No space left on device" in ours:
        raise DiskFull(words(ours))
    if _CORRUPT.search(ours) or f"not a git repository: '{git_dir}" in ours:
        raise CacheCorrupt(words(ours))
    said = words(err)
    low = "\n".join(lines(err)).lower()
    for pattern, reason, hint, certain in _MEANINGS:
        if re.search(pattern, low):
            return Failure(f"{reason} ({said})" if reason else said, hint, certain)
    return Failure(said, _NETWORK)


def local_failure(e: OSError) -> GitcollabError:
    """An operating system error on our own files, as what the user can do about it."""
    if e.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull(str(e))
    where = f" {e.filename}" if e.filename else ""
    return GitcollabError(
        f"cannot use{where}: {e.strerror or e}",
        "check its permissions, or move gitcollab's files with GITCOLLAB_HOME",
    )
