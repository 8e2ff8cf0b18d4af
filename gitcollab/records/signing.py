"""Ed25519 keys and signatures: who wrote a record, provable by anybody with the agent's card.

Keys are stored in OpenSSH's formats, so that they look familiar and other tools can read them.
"""

from __future__ import annotations

import base64
import os
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from gitcollab.errors import GitcollabError
from gitcollab.records.models import AgentCard, Signed, rfc3339, statement

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (
        Ed25519PrivateKey,
        Ed25519PublicKey,
    )

SignedRecord = TypeVar("SignedRecord", bound=Signed)


class KeyPair:
    """An agent's private key, with its public half as one OpenSSH line."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private

    @classmethod
    def generate(cls) -> KeyPair:
        """A new key from the operating system's randomness."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def from_secret(cls, secret: str) -> KeyPair:
        """The key that ``secret`` gave; ValueError when it is none."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return cls(Ed25519PrivateKey.from_private_bytes(base64.b64decode(secret, validate=True)))

    @property
    def secret(self) -> str:
        """The private key's 32 bytes in base64: for what carries it on purpose."""
        return base64.b64encode(self._private.private_bytes_raw()).decode()

    @classmethod
    def load(cls, path: Path) -> KeyPair:
        """The key in the file; GitcollabError when it cannot be read as one."""
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_ssh_private_key

        try:
            key = load_ssh_private_key(path.read_bytes(), password=None)
        except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as e:
            raise GitcollabError(
                f"the signing key {path} cannot be read: {e}",
                "restore the file from a backup, or join under another name",
            ) from e
        if not isinstance(key, Ed25519PrivateKey):
            raise GitcollabError(f"{path} is not an ed25519 key", "join under another name")
        return cls(key)

    @classmethod
    def load_or_create(cls, path: Path) -> KeyPair:
        """The key in the file, or a new one written there with mode 0600; safe for two at once."""
        if not path.exists():
            cls.generate().save(path)
        return cls.load(path)

    def save(self, path: Path) -> None:
        """Write the private key with mode 0600, whole or not at all; an existing file stays."""
        from cryptography.hazmat.primitives import serialization
        from filelock import FileLock

        data = self._private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.OpenSSH,
            serialization.NoEncryption(),
        )
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with FileLock(path.with_name(f".{path.name}.lock")):
            if not path.exists():
                _write_secret(path, data)

    @property
    def public_line(self) -> str:
        """The public key as ``ssh-ed25519 AAAA...``."""
        from cryptography.hazmat.primitives import serialization

        return (
            self._private.public_key()
            .public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
            .decode()
        )

    def sign(self, record: SignedRecord) -> SignedRecord:
        """The record with this key's signature over its canonical bytes."""
        return record.model_copy(update={"signature": self.sign_bytes(record.canonical_bytes())})

    def sign_bytes(self, data: bytes) -> str:
        """This key's signature of ``data``, in base64."""
        return base64.b64encode(self._private.sign(data)).decode()


def _write_secret(path: Path, data: bytes) -> None:
    """Write a file that nobody else may read; readers see all of it or nothing."""
    aside = path.with_name(f".{path.name}.tmp")
    aside.unlink(missing_ok=True)  # left by a process that was killed
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)


def verify(record: Signed, public_line: str) -> bool:
    """Whether the record carries a signature of the key with this OpenSSH public line."""
    if record.signature is None:
        return False
    return verify_bytes(record.canonical_bytes(), record.signature, public_line)


def verify_bytes(data: bytes, signature: str, public_line: str) -> bool:
    """Whether ``signature`` (base64) is that key's, over ``data``."""
    from cryptography.exceptions import InvalidSignature

    key = _public_key(public_line)
    if key is None:
        return False
    try:
        raw = base64.b64decode(signature, validate=True)
        if base64.b64encode(raw).decode() != signature:
            return False  # one signature, one text: another could be swapped for it
        key.verify(raw, data)
    except (InvalidSignature, ValueError):
        return False
    return True


def is_key(public_line: str) -> bool:
    """Whether the line is an ed25519 public key in OpenSSH's form."""
    return _public_key(public_line) is not None


@lru_cache(maxsize=1024)  # an agent's records are many
def _public_key(public_line: str) -> Ed25519PublicKey | None:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_ssh_public_key

    try:
        key = load_ssh_public_key(public_line.encode())
    except (UnsupportedAlgorithm, ValueError):
        return None
    return key if isinstance(key, Ed25519PublicKey) else None


# -- statements that are no records ----------------------------------------------------------------


def rotation(agent: str, old: str, new: str, at: datetime) -> bytes:
    """What the key ``old`` signs when ``new`` takes its place (OpenSSH public lines)."""
    fields = {"agent": agent, "from": old, "to": new, "at": rfc3339(at)}
    return statement("rotation", fields)


def release(experiment: str, nonce: str) -> bytes:
    """What the holder of the claim with this key and nonce signs to give it back."""
    return statement("release", {"experiment": experiment, "nonce": nonce})


def keys_of(card: AgentCard) -> tuple[str, ...]:
    """The keys that the card's agent had, oldest first, the present one last.

    Empty where the card does not prove them: each key signed the next, the present one the card.
    """
    former = card.former or []
    keys = (*(one.public_key for one in former), card.public_key)
    if len(set(keys)) < len(keys) or not verify(card, card.public_key):
        return ()
    for one, following in zip(former, keys[1:], strict=True):
        said = rotation(card.id, one.public_key, following, one.replaced_at)
        if not verify_bytes(said, one.signature, one.public_key):
            return ()
    return keys
