"""A program that leads by less than the noise: what is said of it agrees with what is done."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from cli_toys import Ran

Cli = Callable[..., Ran]
Join = Callable[[str], Path]


def test_a_lead_within_the_noise_is_not_kept(cli: Cli, join: Join) -> None:
    nova = join("nova")
    assert cli("run", "--set", "LR=0.29", cwd=nova).out.count("the best so far") == 1
    told = cli("run", "--set", "LR=0.3").out
    assert told.startswith("score 0.500000: within noise of its base; it leads the ranking\n")
    assert "the best so far" not in told
    assert "note: train.py is back at its base; this version is in .gitcollab/aside/" in told
    assert "; gitcollab best --adopt takes what leads the ranking\n" in told
    assert "LR = 0.29" in (nova / "train.py").read_text()
    assert "LR 0.29 → 0.3" in cli("best", "--adopt").out
    assert "LR = 0.3 " in (nova / "train.py").read_text()
