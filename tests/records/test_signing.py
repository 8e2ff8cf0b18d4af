from __future__ import annotations

import base64
import multiprocessing
import os
import stat
from datetime import UTC, datetime
from itertools import pairwise
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given

from gitcollab.errors import GitcollabError
from gitcollab.records import codec, signing
from gitcollab.records.models import AgentCard, Claim, Insight, Result, Signed
from gitcollab.records.signing import KeyPair, verify
from tests.records import samples
from tests.records.samples import DIGEST, record

KEY = KeyPair.generate()
FULL: dict[str, Any] = {
    "delta": {"X": 1, "W": None},
    "base": "vega/b-1",
    "seed": 42,
    "metrics": {"mfu": 0.4},
    "files": {"train.py": DIGEST},
    "experiment": "x-1",
}


def signed(**fields: Any) -> Result:
    made = record("result", **(FULL | fields))
    assert isinstance(made, Result)
    return KEY.sign(made)


class TestSignatures:
    def test_the_signer_is_known_by_the_public_line(self) -> None:
        made = signed()
        assert verify(made, KEY.public_line)
        assert not verify(made, KeyPair.generate().public_line)
        codec.from_mapping("agent", samples.FIELDS["agent"] | {"public_key": KEY.public_line})

    def test_has_one_text(self) -> None:
        """The last character of its base64 has bits that mean nothing."""
        made = signed()
        assert made.signature is not None
        last = made.signature[-3]
        same = [chr(ord(last) + n) for n in (1, 2, 3)]
        for other in same:
            forged = made.model_copy(update={"signature": f"{made.signature[:-3]}{other}=="})
            assert not verify(forged, KEY.public_line)

    def test_unsigned(self) -> None:
        made = record("result")
        assert isinstance(made, Signed)
        assert not verify(made, KEY.public_line)

    def test_signing_twice_gives_the_same_signature(self) -> None:
        assert KEY.sign(signed()) == signed()

    @pytest.mark.parametrize(
        "change",
        [
            {"metric": 1.4999999999999998},
            {"metric": None, "status": "crash"},
            {"description": "raise  it"},
            {"agent": "vega", "id": "vega/lr-12ab"},
            {"id": "nova/lr-12ac"},
            {"created_at": "2026-01-31T12:00:01Z"},
            {"nonce": "0123456789abcdee"},
            {"delta": {"X": 2, "W": None}},
            {"delta": {"X": 1.0, "W": None}},
            {"delta": {"X": True, "W": None}},
            {"delta": {"X": 1}},
            {"base": None},
            {"seed": 43},
            {"metrics": {"mfu": 0.5}},
            {"files": {}},
            {"files": {"train.py": DIGEST.replace("ab", "ac")}},
            {"task": DIGEST.replace("ab", "ac")},
            {"hardware": {"device": "cpu", "tier": "large"}},
            {"experiment": "x-2"},
            {"failure": "none"},
        ],
    )
    def test_any_change_breaks_the_signature(self, change: dict[str, Any]) -> None:
        made = signed()
        forged = record("result", **(FULL | change), signature=made.signature)
        assert isinstance(forged, Result)
        assert not verify(forged, KEY.public_line)

    def test_a_signature_of_one_kind_is_none_of_another(self) -> None:
        fields = {"agent": "nova", "created_at": "2026-01-31T12:00:00Z", "nonce": "0" * 16}
        note = Insight.model_validate(fields | {"id": "nova/i", "text": "x"})

        class Other(Insight):
            pass

        other = Other.model_validate(note.model_dump() | {"signature": KEY.sign(note).signature})
        assert not verify(other, KEY.public_line)

    @pytest.mark.parametrize(
        "line",
        [
            "",
            "ssh-ed25519",
            "ssh-ed25519 " + "A" * 68,
            "ssh-ed25519 ü",
            "ssh-ed25519 \ud800",
            "ssh-rsa " + "A" * 68,
            "x" * 100_000,
        ],
    )
    def test_a_line_that_is_no_key_verifies_nothing(self, line: str) -> None:
        assert not verify(signed(), line)

    def test_another_kind_of_key_verifies_nothing(self) -> None:
        other = rsa.generate_private_key(65537, 1024).public_key()
        line = other.public_bytes(
            serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
        ).decode()
        assert not verify(signed(), line)

    @pytest.mark.parametrize("signature", ["", "A" * 87 + "=", "A" * 86, "A" * 85 + "!=="])
    def test_a_malformed_signature_is_no_record(self, signature: str) -> None:
        with pytest.raises(codec.InvalidRecord):
            record("result", signature=signature)

    def test_a_signature_of_zeros(self) -> None:
        zeros = base64.b64encode(bytes(64)).decode()
        made = record("result", signature=zeros)
        assert isinstance(made, Result)
        assert not verify(made, KEY.public_line)

    @given(samples.results | samples.claims)
    def test_survives_every_form_a_record_takes(self, made: Result | Claim) -> None:
        done = KEY.sign(made)
        kind = type(made).__name__.lower()
        on_hub = codec.decode(kind, codec.encode(done))
        in_index = type(made).model_validate_json(done.model_dump_json())
        assert isinstance(on_hub, Signed)
        assert verify(on_hub, KEY.public_line)
        assert verify(in_index, KEY.public_line)


def _create(path: Path, barrier: Barrier, answers: multiprocessing.Queue[str]) -> None:
    barrier.wait()
    answers.put(KeyPair.load_or_create(path).public_line)


class TestKeyFile:
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return tmp_path / "keys" / "nova"

    def test_is_made_once_and_for_the_owner_alone(self, path: Path) -> None:
        before = os.umask(0)
        try:
            made = KeyPair.load_or_create(path)
        finally:
            os.umask(before)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert KeyPair.load_or_create(path).public_line == made.public_line
        assert verify(KeyPair.load(path).sign(record_of()), made.public_line)

    def test_saving_leaves_an_existing_key(self, path: Path) -> None:
        first = KeyPair.load_or_create(path)
        KeyPair.generate().save(path)
        assert KeyPair.load(path).public_line == first.public_line

    def test_what_a_killed_process_left_is_no_obstacle(self, path: Path) -> None:
        path.parent.mkdir()
        leftover = path.parent / ".nova.tmp"
        leftover.write_bytes(b"half a key")
        leftover.chmod(0o644)
        KeyPair.load_or_create(path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert not leftover.exists()

    def test_processes_that_create_it_at_once_agree(self, path: Path) -> None:
        context = multiprocessing.get_context("spawn")
        barrier, answers = context.Barrier(6), context.Queue()
        racers = [context.Process(target=_create, args=(path, barrier, answers)) for _ in range(6)]
        for racer in racers:
            racer.start()
        lines = {answers.get(timeout=60) for _ in racers}
        for racer in racers:
            racer.join(60)
        assert lines == {KeyPair.load(path).public_line}
        assert [racer.exitcode for racer in racers] == [0] * 6

    @pytest.mark.parametrize(
        "data", [b"", b"not a key", b"\xff" * 100, b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n"]
    )
    def test_a_spoiled_key_is_an_error_with_a_next_step(self, path: Path, data: bytes) -> None:
        path.parent.mkdir()
        path.write_bytes(data)
        with pytest.raises(GitcollabError) as caught:
            KeyPair.load_or_create(path)
        assert str(path) in caught.value.message
        assert caught.value.hint
        assert path.read_bytes() == data

    def test_a_key_of_another_kind(self, path: Path) -> None:
        path.parent.mkdir()
        other = rsa.generate_private_key(65537, 1024).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.OpenSSH,
            serialization.NoEncryption(),
        )
        path.write_bytes(other)
        with pytest.raises(GitcollabError, match="not an ed25519 key"):
            KeyPair.load(path)

    def test_missing(self, path: Path) -> None:
        with pytest.raises(GitcollabError, match="cannot be read"):
            KeyPair.load(path)


def record_of() -> Result:
    made = record("result")
    assert isinstance(made, Result)
    return made


class TestRotation:
    """The keys that a card proves: each signed the next, the last one the card."""

    AT = datetime(2026, 2, 1, tzinfo=UTC)

    def card(self, *pairs: KeyPair, **fields: Any) -> AgentCard:
        """The card of an agent that had these keys, the last one now."""
        former = [
            {
                "public_key": old.public_line,
                "replaced_at": self.AT,
                "signature": old.sign_bytes(
                    signing.rotation("nova", old.public_line, new.public_line, self.AT)
                ),
            }
            for old, new in pairwise(pairs)
        ]
        card = record("agent", public_key=pairs[-1].public_line, former=former or None, **fields)
        assert isinstance(card, AgentCard)
        return pairs[-1].sign(card)

    def test_all_keys_of_an_honest_card_are_told_in_order(self) -> None:
        keys = [KeyPair.generate() for _ in range(3)]
        assert signing.keys_of(self.card(*keys)) == tuple(k.public_line for k in keys)
        assert signing.keys_of(self.card(keys[0])) == (keys[0].public_line,)

    def test_a_card_that_its_key_did_not_sign_proves_nothing(self) -> None:
        card = self.card(KeyPair.generate())
        assert signing.keys_of(card.model_copy(update={"contact": "somebody"})) == ()
        assert signing.keys_of(card.model_copy(update={"signature": None})) == ()

    def test_a_key_that_the_former_one_did_not_sign_for_proves_nothing(self) -> None:
        old, new, thief = (KeyPair.generate() for _ in range(3))
        honest = self.card(old, new)
        stolen = honest.model_copy(update={"public_key": thief.public_line})
        assert signing.keys_of(thief.sign(stolen)) == ()

    def test_a_circle_of_keys_proves_nothing(self) -> None:
        one, two = KeyPair.generate(), KeyPair.generate()
        assert signing.keys_of(self.card(one, two, one)) == ()
