"""Whether a run goes into the sandbox: by the user's choice, its authors and what there is here."""

from __future__ import annotations

import os
import shlex
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

from gitcollab.errors import RefusedError, without_credentials
from gitcollab.records.models import Experiment, Result, Task
from gitcollab.runner import environment, process, sandbox
from gitcollab.runner.imports import imports
from gitcollab.swarm import probe
from gitcollab.swarm.authorship import strangers
from gitcollab.swarm.datasets import check_data, data_of
from gitcollab.swarm.home import home
from gitcollab.swarm.member import Member
from gitcollab.swarm.workspace import Config, Mode

_MOST_NAMES = 3
_MOST_LOOKED_FOR = 20
_TRIAL_SECONDS = 30.0


def _nobody() -> tuple[str, ...]:
    return ()


@dataclass(frozen=True)
class Confinement:
    """How a program is run, decided before anything is claimed."""

    sandboxed: bool
    whose: Callable[[], tuple[str, ...]] = _nobody
    lacking: str = ""  # why there is no sandbox, where one would be used

    @cached_property
    def strangers(self) -> tuple[str, ...]:
        """Who wrote code in it, if others did: found when it matters, for that takes a while."""
        return self.whose()

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know: that code runs unprotected."""
        if self.lacking:
            return (f"your own code runs without the sandbox: {self.lacking}",)
        if self.sandboxed or not self.strangers:
            return ()
        return (f"code by {_names(self.strangers)} runs unprotected: the sandbox is off",)


def decide(
    member: Member,
    experiment: Experiment,
    mode: Mode | None = None,
    *,
    fresh: Result | None = None,
    by: tuple[str, ...] = (),
) -> Confinement:
    """How to run the experiment's program; ``mode`` is the workspace's unless it is given.

    ``fresh`` is a result of this agent's that is on its way to the hub; ``by`` are others who wrote
    what the program adds to its base.

    Raises RefusedError where it may only run in a sandbox and there is none.
    """
    mode = mode or member.config.mode

    def whose() -> tuple[str, ...]:
        return tuple(dict.fromkeys((*by, *strangers(member, experiment, fresh))))

    if mode == "off":
        return Confinement(False, whose)
    why = sandbox.lacking()
    if why is None:
        return Confinement(True, whose)
    reason, remedy = why
    if mode == "required":
        raise RefusedError(f"nothing runs without the sandbox here, and {reason}", remedy)
    if others := whose():
        raise RefusedError(
            f"this runs code by {_names(others)}, and there is no sandbox: {reason}",
            f"{remedy}; or, if the user of this machine accepts the risk (ask first), in this "
            f"folder: {_acceptance(member.config)}",
        )
    return Confinement(False, lacking=reason)


def _acceptance(config: Config) -> str:
    """The command that lets this workspace's hub do without a sandbox."""
    if without_credentials(config.hub) != config.hub:
        return "gitcollab run --sandbox off"  # the other would have to show them
    return (
        shlex.join(
            ("gitcollab", "join", config.hub, "--agent", config.agent, "--branch", config.branch)
        )
        + " --sandbox off"
    )


def trial() -> list[str]:
    """What a program in the sandbox could do and must not; [] when it is kept in."""
    with socket.create_server(("127.0.0.1", 0)) as server, TemporaryDirectory() as name:
        folder, secret = Path(name, "run"), Path(name, "secret")
        folder.mkdir()
        secret.mkdir()
        (secret / "key").touch()
        if (home() / "keys").is_dir() and any((home() / "keys").iterdir()):
            secret = home() / "keys"
        port = server.getsockname()[1]
        command = [sys.executable, str(probe.__file__), str(secret), str(port), str(os.getpid())]
        command += _hidden_in_home()
        done = process.run(
            command,
            cwd=folder,
            env=environment.minimal_env(),
            timeout=_TRIAL_SECONDS,
            log=folder / "log.txt",
            cage=sandbox.Sandbox(folder, private=[home()]),
        )
        lines = (folder / "log.txt").read_text(errors="replace").splitlines()
    if done.exit_code != 0 or probe.DONE not in lines:
        return [f"does not run: {lines[-1] if lines else f'exit code {done.exit_code}'}"]
    return [line for line in lines if line != probe.DONE]


def _hidden_in_home() -> list[str]:
    """Some of what is in the home folder and is no interpreter's."""
    visible = imports([home()]).shown
    try:
        found = sorted(Path.home().iterdir())
    except OSError:
        return []
    hidden = [
        p for p in found if not any(v.is_relative_to(p) or p.is_relative_to(v) for v in visible)
    ]
    return [str(path) for path in hidden[:_MOST_LOOKED_FOR]]


def _names(people: tuple[str, ...]) -> str:
    shown = list(people[:_MOST_NAMES])
    if more := len(people[_MOST_NAMES:]):
        shown.append(f"{more} more")
    *first, last = shown
    return f"{', '.join(first)} and {last}" if first else last


def box(member: Member, task: Task, folder: Path) -> sandbox.Sandbox:
    """The sandbox of a run of the task in ``folder``, with the data that the task may read."""
    check_data(member, task)
    private = [member.workspace.root, home()]
    if (hub := Path(member.config.hub)).is_absolute():
        private.append(hub)
    return sandbox.Sandbox(folder, data=data_of(task), private=private)
