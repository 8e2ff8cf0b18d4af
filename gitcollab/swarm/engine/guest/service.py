"""A systemd user unit that lends the machine from every start on: its text, its place, its state.

See systemd.syntax(7), systemd.service(5), systemd.exec(5) and systemd.kill(5).
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gitcollab.errors import GitcollabError, RefusedError
from gitcollab.records.names import short_hash
from gitcollab.runner import process
from gitcollab.swarm.workspace import Workspace, make_folder, write_whole

STOP_SECONDS = 120  # in which a run is ended, its claim given back, the hub told
RESTART_SECONDS = 60
_KEPT = ("PATH", "GITCOLLAB_HOME", "XDG_DATA_HOME")  # programs, keys and outbox are found by them
_MARK = "# Written by `gitcollab service install`; sha256 of what follows: "
_ASK_SECONDS = 15.0
_ACT_SECONDS = 180.0
_MANAGER = ("systemctl", "--user")


@dataclass(frozen=True)
class State:
    """What systemd says of a unit, in its own words; "" where no user manager answers."""

    installed: bool
    enabled: str = ""
    active: str = ""


class Service:
    """The unit of one workspace. Raises GitcollabError where there is no systemd by nature."""

    def __init__(self, workspace: Workspace) -> None:
        if not sys.platform.startswith("linux"):
            raise GitcollabError(
                "a service is a systemd unit, and there is none on this system",
                "let launchd (macOS) or the Task Scheduler (Windows) start, in this folder: "
                "gitcollab run --forever",
            )
        self._workspace = workspace
        self.name = name_of(workspace)
        self.path = units() / self.name

    def text(self, words: Sequence[str], nice: int, environ: Mapping[str, str]) -> str:
        """The unit that runs ``gitcollab run WORDS`` here, with what it needs of ``environ``."""
        root, agent = str(self._workspace.root), self._workspace.config.agent
        # -P: no file of the workspace is taken for a module.
        command = [sys.executable, "-P", "-m", "gitcollab", "run", *words]
        kept = [f"{name}={environ[name]}" for name in _KEPT if environ.get(name)]
        needs = environment_file()
        for said in (root, str(needs), *command, *kept):
            _check(said)
        _check_end(root)
        lines = [
            "[Unit]",
            f"Description=gitcollab: {agent} lends this machine",
            "StartLimitIntervalSec=0",
            "",
            "[Service]",
            f"WorkingDirectory={_specified(root)}",
            f"ExecStart={' '.join(_words(command))}",
            *(f"Environment={_quoted(one)}" for one in kept),
            f"EnvironmentFile=-{_specified(str(needs))}",
            f"Nice={nice}",
            "Restart=on-failure",
            f"RestartSec={RESTART_SECONDS}",
            "RestartPreventExitStatus=2",
            "# It ends the run and gives the claim back by itself.",
            "KillSignal=SIGTERM",
            "KillMode=mixed",
            f"TimeoutStopSec={STOP_SECONDS}",
            "SuccessExitStatus=130 143",
            "",
            "[Install]",
            "WantedBy=default.target",
            "",
        ]
        body = "\n".join(lines)
        return f"{_MARK}{_digest(body)}\n{body}"

    def write(self, text: str) -> bool:
        """Put the unit into its place; False where it stands there already.

        Raises RefusedError where something else does.
        """
        if self._read() == text:
            return False
        self.require_ours()
        make_folder(self.path.parent)
        write_whole(self.path, text.encode())
        return True

    def remove(self) -> bool:
        """Take the unit away; False where there is none. RefusedError where it is not ours."""
        if self._read() is None:
            return False
        self.require_ours()
        self.path.unlink()
        return True

    def state(self) -> State:
        """Where it stands."""
        asked = (*_MANAGER, "show", self.name, "--property=UnitFileState,ActiveState")
        told = process.capture(asked, _ASK_SECONDS) or ""
        fields = dict(line.split("=", 1) for line in told.splitlines() if "=" in line)
        installed = self._read() is not None
        return State(installed, fields.get("UnitFileState", ""), fields.get("ActiveState", ""))

    def starting(self, *, now: bool) -> list[list[str]]:
        """The commands that make systemd start the unit from the next log-in on, or ``now``."""
        found = [[*_MANAGER, "daemon-reload"], [*_MANAGER, "enable", self.name]]
        return found + ([[*_MANAGER, "restart", self.name]] if now else [])

    def stopping(self) -> list[list[str]]:
        """The command that ends it and lets systemd forget it, before its file goes."""
        return [[*_MANAGER, "disable", "--now", self.name]]

    def require_ours(self) -> None:
        """RefusedError where somebody else wrote the file, or changed it."""
        text = self._read()
        if text is None:
            return
        mark, _, body = text.partition("\n")
        if mark != f"{_MARK}{_digest(body)}":
            raise RefusedError(
                f"{self.path} was written or changed by somebody else",
                "look at it; move it away, then try again",
            )

    def _read(self) -> str | None:
        try:
            return self.path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None


def has_manager() -> bool:
    """Whether this user has a systemd manager that answers."""
    return process.capture((*_MANAGER, "show-environment"), _ASK_SECONDS) is not None


def obey(commands: Sequence[Sequence[str]]) -> list[Sequence[str]]:
    """Run commands of systemd's one after another; those from the first that failed on."""
    for at, command in enumerate(commands):
        if process.capture(command, _ACT_SECONDS) is None:
            return list(commands[at:])
    return []


def lingers() -> bool | None:
    """Whether this user's services run without a log-in; None where nothing tells."""
    user = os.environ.get("USER") or str(os.getuid())
    asked = ("loginctl", "show-user", user, "--property=Linger", "--value")
    told = process.capture(asked, _ASK_SECONDS)
    return None if told is None else told.strip() == "yes"


def name_of(workspace: Workspace) -> str:
    """What the workspace's unit is called, whatever its agent is called later."""
    return f"gitcollab-{short_hash(str(workspace.root), length=8)}.service"


def units() -> Path:
    """Where a user's own units lie."""
    return _config() / "systemd" / "user"


def environment_file() -> Path:
    """Where a user puts what services need of the environment: keys, proxies, SSH_AUTH_SOCK."""
    return _config() / "gitcollab" / "service.env"


def make_environment_file() -> Path:
    """That file, made where there is none; nobody else may read it."""
    path = environment_file()
    make_folder(path.parent)
    with suppress(FileExistsError):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write("# NAME=VALUE lines: the environment of gitcollab's services\n")
    return path


def _config() -> Path:
    base = os.environ.get("XDG_CONFIG_HOME", "")
    return Path(base) if base.startswith("/") else Path.home() / ".config"


def _digest(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()


def _check(text: str) -> None:
    """What cannot stand in a unit, whatever marks stand around it."""
    if not text.isprintable():
        raise GitcollabError(
            f"systemd cannot be told of {text!r}, which has characters that are not to be printed",
            "use a folder with another name",
        )


def _check_end(folder: str) -> None:
    """A path without marks around it loses its end, or takes in the next line."""
    if folder.endswith("\\") or folder != folder.strip():
        raise GitcollabError(
            f"systemd cannot be told of a folder whose name ends as in {folder!r}",
            "use a folder with another name",
        )


def _specified(text: str) -> str:
    """The text where systemd replaces nothing but its specifiers (%h)."""
    return text.replace("%", "%%")


def _quoted(text: str) -> str:
    """The text as one word, whatever is in it."""
    escaped = _specified(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _words(command: Sequence[str]) -> list[str]:
    """A command line, in which systemd also replaces variables, apart from the program's name."""
    program, *words = command
    return [_quoted(program), *(_quoted(word.replace("$", "$$")) for word in words)]
