"""How busy the machine is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gitcollab.runner import usage
from gitcollab.runner.usage import Gpu


@pytest.fixture
def says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for nvidia-smi, first on PATH; what it says is in the file."""
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    table, tool = tmp_path / "table", tmp_path / "nvidia-smi"
    tool.write_text(f'#!/bin/sh\ncat "{table}" || exit 1\n')
    tool.chmod(0o755)
    return table


def test_gpus(says: Path) -> None:
    says.write_text(
        "NVIDIA H100 80GB HBM3, 97, 46080, 81559\n"
        "Odd, name, [N/A], [N/A], [N/A]\n"
        "half a line\n"
        "Grace, [Not Supported], 10, 99999999999999999999\n"
    )
    h100, odd, grace = usage.usage().gpus
    assert h100 == Gpu("NVIDIA H100 80GB HBM3", 97, 45.0, 81559 / 1024)
    assert odd == Gpu("Odd, name", None, None, None)
    assert grace == Gpu("Grace", None, 10 / 1024, None)


def test_without_gpus(says: Path) -> None:
    told = usage.usage()
    assert told.gpus == ()
    assert told.cpus >= 1
    assert told.load is None or told.load >= 0


def test_a_tool_that_hangs_is_left_alone(says: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (says.parent / "nvidia-smi").write_text("#!/bin/sh\nexec tail -f /dev/null\n")
    monkeypatch.setattr(usage, "_QUERY_SECONDS", 0.2)
    assert usage.usage().gpus == ()
