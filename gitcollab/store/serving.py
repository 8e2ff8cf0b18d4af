"""A hub of one's own: the hooks that git runs before and after a push, git's settings for it."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Literal, TypeAlias

from gitcollab.errors import GitcollabError
from gitcollab.git import command
from gitcollab.git.failures import local_failure
from gitcollab.store.files import write_aside
from gitcollab.store.hubs import DEFAULT_BRANCH

DOOR, KEEPER = "pre-receive", "post-receive"
_MARKS = {DOOR: b"# gitcollab's door:", KEEPER: b"# gitcollab's keeper:"}
BRANCH_KEY = "gitcollab.branch"  # the setting of the hub's git directory that names its branch
DASHBOARD_KEY = "gitcollab.dashboard"  # the setting that names the folder of its dashboard
ALONE_KEY = "gitcollab.alone"  # "true" where the repository is that hub and nothing else

Placed: TypeAlias = Literal["installed", "renewed", "present"]


def setting(git_dir: Path, name: str) -> str | None:
    """A setting of the git directory itself; None where it has none."""
    ran = command.run_git("config", "--file", str(git_dir / "config"), "--get", name)
    return ran.out.rstrip("\n") if ran.code == 0 else None


def guarded_branch(git_dir: Path) -> str:
    """The branch that the door of the git directory guards."""
    return setting(git_dir, BRANCH_KEY) or DEFAULT_BRANCH


def set_settings(git_dir: Path, settings: Mapping[str, str]) -> None:
    """Settings of the git directory. Raises GitcollabError where it cannot be written."""
    for name, value in settings.items():
        ran = command.run_git("config", "--file", str(git_dir / "config"), name, value)
        if ran.code != 0:
            raise GitcollabError(
                f"{git_dir / 'config'} cannot be written: {ran.err.strip()[:200]}",
                "run this as the hub's owner",
            )


def check_hooks(git_dir: Path) -> None:
    """Whether the hub's hooks may be placed. Raises GitcollabError where others' stand."""
    if elsewhere := setting(git_dir, "core.hooksPath"):
        raise GitcollabError(
            f"git runs this hub's hooks from {elsewhere} (core.hooksPath), not its own",
            f"git --git-dir={git_dir} config --unset core.hooksPath, then install again",
        )
    for name, mark in _MARKS.items():
        path = git_dir / "hooks" / name
        if (there := _hook_at(path)) is not None and mark not in there:
            raise GitcollabError(
                f"{path} is a hook of somebody else's",
                f"let gitcollab run it after its own: mv {path} {path}.next, then install again",
            )


def place_hook(git_dir: Path, name: str, script: bytes) -> Placed:
    """Make ``script`` the hub's hook ``name``, whatever stands there; see ``check_hooks``."""
    path = git_dir / "hooks" / name
    there = _hook_at(path)
    try:
        path.parent.mkdir(exist_ok=True)
        if there is None and path.is_symlink():
            path.unlink()
        if there == script and path.stat().st_mode & stat.S_IXUSR:
            return "present"
        write_aside(path, script)
        path.chmod(0o755)
    except OSError as e:
        raise local_failure(e) from e
    return "installed" if there is None else "renewed"


def _hook_at(path: Path) -> bytes | None:
    try:
        return path.read_bytes() if path.exists() else None
    except OSError as e:
        raise local_failure(e) from e


def make_folder(git_dir: Path, name: str) -> Path:
    """A folder of ours in the hub's git directory, writable by whom the hub is."""
    folder = git_dir / name
    try:
        folder.mkdir(exist_ok=True)
        if _is_shared(git_dir):
            folder.chmod(0o2775)
    except OSError as e:
        raise local_failure(e) from e
    return folder


def share(git_dir: Path, folder: Path) -> None:
    """Let a group that shares the hub write the files of ``folder``, as git does with its own."""
    if not _is_shared(git_dir):
        return
    with suppress(OSError):  # another user's, who has done so
        for file in folder.iterdir():
            if file.is_file():
                file.chmod(0o664)


def _is_shared(git_dir: Path) -> bool:
    return (setting(git_dir, "core.sharedRepository") or "") not in ("", "false", "umask", "0")
