"""Results that do not count are shown as such, and are never the best."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from cli_toys import TOY_PROGRAM, Ran

from gitcollab.records import codec
from gitcollab.records.models import Result
from gitcollab.records.names import path_of
from gitcollab.records.signing import KeyPair
from tests import people

Cli = Callable[..., Ran]
Join = Callable[[str], Path]


@pytest.fixture
def first(cli: Cli, join: Join, hub: Path) -> Result:
    """An honest result of the agent nova, whose workspace the tests work in."""
    nova = join("nova")
    assert cli("run", cwd=nova).code == 0
    (found,) = cli("results", "--json").json["results"]
    told = ("verdict", "void", "standing", "n", "builds_on_refuted")  # beside the record
    return Result.model_validate({name: found[name] for name in found.keys() - set(told)})


def wonder(first: Result, agent: str = "mallory") -> Result:
    """A result that would be the best, of another agent, as it signed it."""
    fields = {"id": f"{agent}/wonder-1a2b3c", "agent": agent, "nonce": "e" * 32, "metric": 0.3}
    return people.signed(first.model_copy(update=fields))


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda made: made.model_copy(update={"signature": None}), "unsigned"),
        (lambda made: made.model_copy(update={"metric": 0.2}), "not signed by mallory"),
        (lambda made: KeyPair.generate().sign(made), "not signed by mallory"),
    ],
)
def test_what_its_agent_did_not_sign(
    cli: Cli, hub: Path, first: Result, spoil: Callable[[Result], Result], why: str
) -> None:
    spoilt = spoil(wonder(first))
    files = {path_of("result", spoilt.id): codec.encode(spoilt)} | people.cards(["mallory"])
    people.plant(hub, files | {f"results/{spoilt.id}/train.py": TOY_PROGRAM.encode()})
    assert cli("sync").code == 0
    assert cli("best", "--json").json["id"] == first.id
    assert [row["agent"] for row in cli("leaderboard", "--json").json["entries"]] == ["nova"]

    listed = {row["id"]: row["void"] for row in cli("results", "--json").json["results"]}
    assert listed == {first.id: None, spoilt.id: why}
    table = cli("results").out
    assert f"[{why}]" in table
    assert "void" in table
    shown = cli("show", spoilt.id)
    assert f"counts     NO: {why}" in shown.out
    assert cli("show", spoilt.id, "--json").json["void"] == why


def test_what_nobody_signed_who_takes_part(cli: Cli, hub: Path, first: Result) -> None:
    people.plant(hub, {path_of("result", wonder(first).id): codec.encode(wonder(first))})
    assert cli("sync").code == 0
    assert cli("best", "--json").json["id"] == first.id
    void = cli("show", wonder(first).id, "--json").json["void"]
    assert void == "mallory has no card that proves a key"
