"""The signing keys on this machine: agents', which rotations replace, and maintainers'.

    keys/NAME          the key of the agent or maintainer of that name, on every hub
    keys/NAME.new      the next one, while a rotation is under way
    keys/NAME.old-N    what else was or was to be its key: a hub may know it by that one

Which of them is the agent's on a hub, the hub's card says. So a rotation may be cut off anywhere.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gitcollab.errors import GitcollabError, RefusedError
from gitcollab.records.models import Task
from gitcollab.records.names import check_agent_name
from gitcollab.records.signing import KeyPair
from gitcollab.swarm.home import home, key_path

_PATIENCE = 120.0  # seconds, for another rotation of the same agent


def agent_key(name: str, registered: str | None) -> KeyPair:
    """The key of that name which a hub has ``registered`` (an OpenSSH public line).

    Where it has none, it is the key that the agent would join with. Raises RefusedError where that
    key is not on this machine: only joining makes one.
    """
    first = key_path(name)
    if registered is not None:
        for path in (first, *_spare(name)):
            with suppress(GitcollabError):
                key = KeyPair.load(path)
                if key.public_line == registered:
                    return key
        if first.exists():
            KeyPair.load(first)  # one that is damaged is said to be
        raise RefusedError(f"{name} is registered with a key that is not here", where_from(name))
    if not first.exists():
        raise RefusedError(f"there is no key of {name} here: {first}", where_from(name))
    return KeyPair.load(first)


def where_from(name: str) -> str:
    """The next step of who is registered under that name with a key that is not here."""
    return (
        f"join under another name; or, if you are {name}, bring the key from the machine where it "
        f"joined: the file keys/{name} there belongs into {key_path(name).parent} here"
    )


def new_agent(name: str) -> None:
    """Make the key that an agent of that name joins with, where there is none."""
    KeyPair.load_or_create(key_path(name))


def maintainer_key(task: Task) -> tuple[str, KeyPair]:
    """A maintainer of the task whose key is on this machine; RefusedError where there is none."""
    names = {line: name for name, line in sorted(task.maintainers.items(), reverse=True)}
    first = [key_path(name) for name in sorted(task.maintainers)]
    for path in dict.fromkeys((*first, *_all_paths())):
        with suppress(GitcollabError):
            key = KeyPair.load(path)
            if key.public_line in names:
                return names[key.public_line], key
    if not task.maintainers:
        raise RefusedError("this hub has no maintainers: nobody can decide this")
    raise RefusedError(
        f"only the hub's maintainers ({', '.join(sorted(task.maintainers))}) may do this",
        f"run it on the machine of one; none of their keys is in {home() / 'keys'}",
    )


def is_maintainers(task: Task) -> bool:
    """Whether a maintainer's key is on this machine."""
    with suppress(RefusedError):
        return bool(maintainer_key(task))
    return False


def new_maintainer(name: str) -> KeyPair:
    """The key of a maintainer of that name, made when this machine has none."""
    return KeyPair.load_or_create(key_path(check_agent_name(name)))


def place_of(key: KeyPair) -> Path | None:
    """The file of this machine that holds the key."""
    for path in _all_paths():
        with suppress(GitcollabError):
            if KeyPair.load(path).public_line == key.public_line:
                return path
    return None


def fingerprint(public_line: str) -> str:
    """A public key as ``ssh-keygen -l`` shows it: ``SHA256:`` and 43 characters."""
    blob = base64.b64decode(public_line.split()[1])
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


# -- rotations -------------------------------------------------------------------------------------


@contextmanager
def one_rotation(name: str) -> Iterator[None]:
    """Wait until no other process of this machine rotates the agent's key."""
    from filelock import FileLock, Timeout

    path = key_path(name).with_name(f".{name}.rotation.lock")
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = FileLock(path)
    try:
        lock.acquire(timeout=_PATIENCE)
    except Timeout as e:
        raise GitcollabError(
            f"another process is rotating the key of {name}", "try again when it is done"
        ) from e
    try:
        yield
    finally:
        lock.release()


def is_rotating(name: str) -> bool:
    """Whether a rotation of the agent's key is under way, or was cut off."""
    return _next(name).exists()


def next_key(name: str) -> KeyPair:
    """A key for the agent to change to; it is kept before anybody hears of it."""
    return KeyPair.load_or_create(_next(name))


def settle(name: str, registered: str) -> None:
    """Put the keys in their places: what the hub has ``registered`` first, others kept beside it.

    At every moment each of them is in a file of its own.
    """
    coming = _next(name)
    if not coming.exists():
        return
    new = KeyPair.load(coming)
    if new.public_line == registered:
        _keep(name, KeyPair.load(key_path(name)))
        coming.replace(key_path(name))
    else:  # the hub never took it; should it do so late, it is found
        _keep(name, new)
        coming.unlink()


def _keep(name: str, key: KeyPair) -> None:
    number = 1
    while True:
        path = key_path(name).with_name(f"{name}.old-{number}")
        if not path.exists():
            key.save(path)
        if KeyPair.load(path).public_line == key.public_line:
            return
        number += 1


def _next(name: str) -> Path:
    return key_path(name).with_name(f"{name}.new")


def _spare(name: str) -> list[Path]:
    """Keys of that name but the first; an agent's name holds no dot."""
    return [path for path in _all_paths() if path.name.startswith(f"{name}.")]


def _all_paths() -> list[Path]:
    folder = home() / "keys"
    return sorted(p for p in folder.glob("*") if p.is_file() and not p.name.startswith("."))
