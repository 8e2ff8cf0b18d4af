"""Servers of hubs for tests, on loopback: lighttpd with git's http-backend, and sshd.

A server is a child of the test process, listens before ``start`` returns, and is ended by its id.
``timeout`` bounds its life, should the tests die before they can end it.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import random
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

USER, PASSWORD = "nova", "s3cret-pass"
_LIFETIME = "900"  # seconds
# What a hub's git and shell see: nothing of the user's.
_SERVER_SIDE = {
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "HOME": "/nonexistent",
    "PATH": f"{Path(shutil.which('git') or '/usr/bin/git').parent}:/usr/bin:/bin",
}


class NotInstalledError(Exception):
    """There is no such program on this machine."""


class BrokenError(Exception):
    """The server is installed and does not start."""


class Server:
    """A process that listens on ``port``; ``command(port)`` runs it in the foreground.

    It says ``ready`` on standard error when it listens.
    """

    def __init__(self, command: Callable[[int], Sequence[str]], ready: str) -> None:
        self._command = command
        self._ready = ready
        self._process: subprocess.Popen[str] | None = None
        self.port = 0
        self.said: list[str] = []

    def start(self) -> None:
        """Listen: on a free port the first time, on the same one after that."""
        for _ in range(5 if not self.port else 1):
            port = self.port or free_port()
            if self._listens(port):
                self.port = port
                return
        raise BrokenError("".join(self.said[-20:]))

    def stop(self) -> None:
        """End it, and whatever it started that is still there; the port refuses after that."""
        if self._process is None:
            return
        process, self._process = self._process, None
        process.terminate()  # which `timeout` hands on, and it waits for the server's end
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self._reader.join(10)  # its pipe closes when the last of them has ended

    def _listens(self, port: int) -> bool:
        self._process = subprocess.Popen(
            ["timeout", "--foreground", _LIFETIME, *self._command(port)],
            env=_SERVER_SIDE,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        up, ended = threading.Event(), threading.Event()

        def listen(stream: Iterator[str]) -> None:
            for line in stream:
                self.said.append(line)
                if self._ready in line:
                    up.set()
            ended.set()
            up.set()

        assert self._process.stderr is not None
        self._reader = threading.Thread(target=listen, args=[self._process.stderr], daemon=True)
        self._reader.start()
        if up.wait(30) and not ended.is_set():
            return True
        self.stop()
        return False


def free_port() -> int:
    """A port of loopback that nobody listens on, below those that connections are given."""
    for _ in range(100):
        port = random.SystemRandom().randrange(10_000, 32_000)
        with contextlib.suppress(OSError), socket.socket() as tried:
            tried.bind(("127.0.0.1", port))
            return port
    raise BrokenError("no port is free")


@contextlib.contextmanager
def mute() -> Iterator[int]:
    """The port of a listener that takes connections and never says anything."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        yield listener.getsockname()[1]


# -- http ------------------------------------------------------------------------------------------

_LIGHTTPD = """\
server.modules = ("mod_alias", "mod_auth", "mod_authn_file", "mod_setenv", "mod_cgi")
server.document-root = "{folder}/nothing"
server.upload-dirs = ("{folder}")
server.bind = "127.0.0.1"
server.port = {port}
alias.url = ("/git" => "{backend}")
cgi.assign = ("" => "")
setenv.set-environment = ({environment})
auth.backend = "plain"
auth.backend.plain.userfile = "{folder}/users"
auth.require = ("" => ("method" => "basic", "realm" => "hub", "require" => "valid-user"))
"""


def lighttpd(folder: Path, hubs: Path) -> Server:
    """A web server that serves the repositories below ``hubs`` at /git/ to USER with PASSWORD."""
    program = _installed("lighttpd")
    listed = subprocess.run(["git", "--exec-path"], check=True, capture_output=True, text=True)
    backend = Path(listed.stdout.strip()) / "git-http-backend"
    environment = {**_SERVER_SIDE, "GIT_PROJECT_ROOT": str(hubs), "GIT_HTTP_EXPORT_ALL": "1"}
    shown = ", ".join(f'"{name}" => "{value}"' for name, value in environment.items())
    (folder / "nothing").mkdir()
    (folder / "users").write_text(f"{USER}:{PASSWORD}\n")

    def command(port: int) -> list[str]:
        config = folder / "lighttpd.conf"
        config.write_text(
            _LIGHTTPD.format(folder=folder, port=port, backend=backend, environment=shown)
        )
        return [program, "-D", "-f", str(config)]

    return Server(command, "server started")


# -- ssh -------------------------------------------------------------------------------------------

_SSHD = """\
ListenAddress 127.0.0.1
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/authorized_keys
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin yes
PermitUserRC no
MaxStartups 200
KexAlgorithms curve25519-sha256
AllowUsers {user}
SetEnv {environment}
"""
_PENALTIES = "PerSourcePenalties no\n"  # newer servers shut out an address that failed often


def sshd(folder: Path) -> Server:
    """An ssh server for this user. In ``folder``: user_key, and wrong_key, which it refuses."""
    program = _installed("sshd")
    for name in ("host_key", "user_key", "wrong_key"):
        keygen = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f"]
        subprocess.run([*keygen, str(folder / name)], check=True)
    (folder / "authorized_keys").write_text((folder / "user_key.pub").read_text())
    if os.geteuid() == 0:  # it wants an empty folder of this name, which a service would make
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    config = folder / "sshd_config"
    shown = " ".join(f"{name}={value}" for name, value in _SERVER_SIDE.items())
    config.write_text(_SSHD.format(folder=folder, user=getpass.getuser(), environment=shown))
    trial = [program, "-t", "-f", str(config), "-o", _PENALTIES.strip().replace(" ", "=")]
    if subprocess.run(trial, capture_output=True, check=False).returncode == 0:
        config.write_text(config.read_text() + _PENALTIES)
    return Server(
        lambda port: [program, "-D", "-e", "-f", str(config), "-p", str(port)],
        "Server listening on",
    )


def ssh_command(key: Path, known_hosts: Path) -> str:
    """How git is to call ssh: with this key and these hosts, without the user's settings."""
    options = ["IdentitiesOnly=yes", f"UserKnownHostsFile={known_hosts}",
               "GlobalKnownHostsFile=/dev/null"]  # fmt: skip
    return " ".join(["ssh", "-F", "/dev/null", "-i", str(key), *(f"-o {o}" for o in options)])


def _installed(program: str) -> str:
    found = shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if found is None:
        raise NotInstalledError(f"{program} is not installed (.ci/run installs it)")
    return found
