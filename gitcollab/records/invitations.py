"""Invitations: a maintainer's signed leave to join, carried as one line of text.

A token holds the private key of the invitation, so whoever has it may use it. A card holds what
proves that its agent had it: the invitation without that key, and the key's signature over the
agent's name and public key.
"""

from __future__ import annotations

import base64
import binascii
import json
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from gitcollab.errors import UsageError
from gitcollab.records.models import Invitation, rfc3339, statement
from gitcollab.records.signing import KeyPair, verify_bytes

PREFIX = "gitcollab-invite-"
MAX_TOKEN = 2000
_HINT = "ask the maintainer for it again; it is one word that begins with " + PREFIX


def make(maintainer: KeyPair, hub: str, uses: int, expires_at: datetime) -> str:
    """A token with which ``uses`` agents may join the hub of that identity until ``expires_at``."""
    key = KeyPair.generate()
    fields: dict[str, Any] = {
        "maintainer": maintainer.public_line,
        "hub": hub,
        "key": key.public_line,
        "uses": uses,
        "expires_at": rfc3339(expires_at),
    }
    fields["signature"] = maintainer.sign_bytes(statement("invitation", fields))
    data = json.dumps(fields | {"secret": key.secret}, separators=(",", ":")).encode()
    return PREFIX + base64.urlsafe_b64encode(data).decode().rstrip("=")


def accept(token: str, agent: str, public_key: str) -> Invitation:
    """The invitation in the token as it stands in the card of this agent with this key.

    Raises UsageError when the token is none.
    """
    text = "".join(token.split())
    if not text.startswith(PREFIX) or len(text) > MAX_TOKEN:
        raise UsageError("this is no invitation", _HINT)
    try:
        padded = text.removeprefix(PREFIX) + "=" * (-len(text.removeprefix(PREFIX)) % 4)
        fields = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        key = KeyPair.from_secret(fields.pop("secret"))
        fields["acceptance"] = key.sign_bytes(_acceptance(agent, public_key))
        return Invitation.model_validate(fields)
    except (binascii.Error, ValidationError, ValueError, KeyError, TypeError, AttributeError) as e:
        raise UsageError("this invitation is damaged", _HINT) from e


def holds(invitation: Invitation, agent: str, public_key: str) -> bool:
    """Whether its maintainer signed the invitation, and its holder gave it to this agent."""
    fields = invitation.model_dump(mode="json", exclude={"signature", "acceptance"})
    said = statement("invitation", fields)
    return verify_bytes(said, invitation.signature, invitation.maintainer) and verify_bytes(
        _acceptance(agent, public_key), invitation.acceptance, invitation.key
    )


def _acceptance(agent: str, public_key: str) -> bytes:
    return statement("acceptance", {"agent": agent, "public_key": public_key})
