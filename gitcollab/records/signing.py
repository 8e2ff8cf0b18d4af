"""Ed25519 keys and signatures: who wrote a record, provable by anybody with the agent's card.

Keys are stored in OpenSSH's formats, so that they look familiar and other tools can read them.
"""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from gitcollab.errors import GitcollabError
from gitcollab.records.models import Signed

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

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
        signature = base64.b64encode(self._private.sign(record.canonical_bytes())).decode()
        return record.model_copy(update={"signature": signature})


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
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_ssh_public_key

    if record.signature is None:
        return False
    try:
        key = load_ssh_public_key(public_line.encode())
        if not isinstance(key, Ed25519PublicKey):
            return False
        key.verify(base64.b64decode(record.signature), record.canonical_bytes())
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True
