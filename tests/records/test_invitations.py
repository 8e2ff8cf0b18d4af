"""Invitations: who holds the token may join, and what is read on the hub lets nobody in."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitcollab.errors import UsageError
from gitcollab.records import invitations
from gitcollab.records.models import Invitation
from gitcollab.records.signing import KeyPair

HUB = "ab" * 16
EXPIRES = datetime(2026, 2, 1, tzinfo=UTC)
KEEPER, NOVA = KeyPair.generate(), KeyPair.generate()


def token(uses: int = 1) -> str:
    return invitations.make(KEEPER, HUB, uses, EXPIRES)


def test_its_holder_may_use_it_and_the_maintainer_is_named() -> None:
    used = invitations.accept(token(3), "nova", NOVA.public_line)
    assert invitations.holds(used, "nova", NOVA.public_line)
    assert (used.maintainer, used.hub, used.uses, used.expires_at) == (
        KEEPER.public_line,
        HUB,
        3,
        EXPIRES,
    )


def test_what_a_card_shows_lets_nobody_else_in() -> None:
    used = invitations.accept(token(9), "nova", NOVA.public_line)
    assert not invitations.holds(used, "mallory", NOVA.public_line)
    assert not invitations.holds(used, "nova", KeyPair.generate().public_line)
    assert "secret" not in used.model_dump_json()


@pytest.mark.parametrize(
    "forged",
    [
        {"uses": 1000},
        {"expires_at": "2030-01-01T00:00:00Z"},
        {"hub": "cd" * 16},
        {"maintainer": NOVA.public_line},
        {"key": NOVA.public_line},
    ],
)
def test_nothing_in_it_can_be_changed(forged: dict[str, object]) -> None:
    text = token().removeprefix(invitations.PREFIX)
    fields = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    data = json.dumps(fields | forged).encode()
    other = invitations.PREFIX + base64.urlsafe_b64encode(data).decode().rstrip("=")
    used = invitations.accept(other, "nova", NOVA.public_line)
    assert not invitations.holds(used, "nova", NOVA.public_line)


def test_one_that_was_wrapped_by_a_mail_program_is_understood() -> None:
    text = token()
    wrapped = "\n".join(text[at : at + 76] for at in range(0, len(text), 76)) + " \n"
    assert isinstance(invitations.accept(wrapped, "nova", NOVA.public_line), Invitation)


@given(st.text(max_size=60))
def test_anything_else_is_said_to_be_none(text: str) -> None:
    for garbage in (text, invitations.PREFIX + text, token()[:-9] + text, "x" * 5000):
        assert not _lets_in(garbage)


def _lets_in(text: str) -> bool:
    try:
        used = invitations.accept(text, "nova", NOVA.public_line)
    except UsageError:
        return False
    return invitations.holds(used, "nova", NOVA.public_line)
