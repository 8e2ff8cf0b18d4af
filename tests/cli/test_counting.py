"""What is counted is said where counts differ."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from cli_toys import Ran

Cli = Callable[..., Ran]
Join = Callable[[str], Path]

ROWS = ["commit\tscore\tstatus\tdescription", "b0b0b0b\t0.54\tkeep\tbaseline"]
ROWS += [f"{n:07x}\t0.5{n:03}\tdiscard\ttry number {n}" for n in range(4)]


def row(told: str, name: str) -> str:
    """What `status` says beside a name."""
    (found,) = (x for x in told.splitlines() if x.split(" ")[0] == name)
    return found.removeprefix(name).strip()


@pytest.fixture
def nova(cli: Cli, join: Join) -> Path:
    folder = join("nova")
    assert cli("run", cwd=folder).code == 0
    (folder / "log.tsv").write_text("\n".join(ROWS) + "\n")
    return folder


def test_results_that_wait_are_counted_with_the_others(cli: Cli, nova: Path, hub: Path) -> None:
    (nova / "first.tsv").write_text("\n".join(ROWS[:2]) + "\n")
    assert cli("import", "first.tsv", "--agent", "karp", "--tier", "cpu").code == 0
    assert row(cli("status").out, "results") == "2"
    away = hub.rename(hub.with_name("away.git"))
    assert cli("import", "log.tsv", "--agent", "karp", "--tier", "cpu").code == 5
    told = cli("status").out
    assert row(told, "results") == "6, 4 of them waiting here"
    assert "in 6 experiments" in row(told, "trend")
    assert row(told, "waiting").startswith("1 record (4 results) for the hub")
    away.rename(hub)
    assert "1 record (4 results) delivered" in cli("sync").out
    assert row(cli("status").out, "results") == "6"
    assert cli("sync", "--json").json["delivered_results"] == 0


def test_results_that_do_not_count_are_told(cli: Cli, nova: Path) -> None:
    assert cli("import", "log.tsv", "--agent", "karp", "--tier", "cpu").code == 0
    assert cli("agent", "suspend", "karp", "--since", "2026-01-01", "--reason", "it lies").code == 0
    told = cli("status").out
    assert row(told, "results") == "6; 1 count (of this task, not withdrawn or void)"
    assert "in 1 experiment;" in row(told, "trend")
    void = [x for x in cli("results").out.splitlines() if " void " in x]
    assert len(void) == 5
    assert all(x.index("[") < x.index("try number") for x in void if "try" in x)
