from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gitcollab.runner import hardware
from gitcollab.runner.hardware import Hardware, detect


@pytest.fixture(autouse=True)
def forget(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    detect.cache_clear()
    yield
    detect.cache_clear()


class Tool:
    """A stand-in for nvidia-smi, first on PATH."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "nvidia-smi"
        self.calls = folder / "calls"

    def prints(self, text: str, exit_code: int = 0) -> None:
        table = self.path.with_suffix(".txt")
        table.write_text(text)
        self.path.write_text(
            f'#!/bin/sh\necho "$@" >> {self.calls}\ncat {table}\nexit {exit_code}\n'
        )
        self.path.chmod(0o755)


@pytest.fixture
def nvidia_smi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tool:
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    return Tool(tmp_path)


@pytest.mark.parametrize(
    ("line", "device", "vram", "tier"),
    [
        ("Tesla T4, 15360", "Tesla T4", 15.0, "small"),
        ("Tesla V100-SXM2-16GB, 16384", "Tesla V100-SXM2-16GB", 16.0, "small"),
        ("NVIDIA GeForce RTX 4090, 24564", "NVIDIA GeForce RTX 4090", 24.0, "medium"),
        ("NVIDIA A100-SXM4-40GB, 40960", "NVIDIA A100-SXM4-40GB", 40.0, "large"),
        ("NVIDIA RTX A6000, 49140", "NVIDIA RTX A6000", 48.0, "large"),
        ("NVIDIA H100 80GB HBM3, 81559", "NVIDIA H100 80GB HBM3", 79.6, "xl"),
        ("Odd, Name, 16384", "Odd, Name", 16.0, "small"),
    ],
)
def test_a_gpu_and_its_tier(
    nvidia_smi: Tool, line: str, device: str, vram: float, tier: str
) -> None:
    nvidia_smi.prints(f"{line}\n")

    found = detect()

    assert (found.device, found.vram_gb, found.gpus, found.tier) == (device, vram, 1, tier)
    assert found.cpus >= 1
    assert found.memory_gb > 0


def test_the_machine_is_asked_once(nvidia_smi: Tool) -> None:
    nvidia_smi.prints("GPU, 16384\n")

    assert detect() is detect()
    assert nvidia_smi.calls.read_text().splitlines() == [
        "--query-gpu=name,memory.total --format=csv,noheader,nounits"
    ]


@pytest.mark.parametrize(
    ("visible", "gpus", "device"),
    [
        (None, 2, "Small"),
        ("0,1", 2, "Small"),
        ("1", 1, "Big"),
        ("1,0", 2, "Big"),
        (" 1 , 7, 0", 1, "Big"),
        ("GPU-1234,GPU-5678", 2, "Small"),
    ],
)
def test_the_visible_gpus_count(
    nvidia_smi: Tool,
    monkeypatch: pytest.MonkeyPatch,
    visible: str | None,
    gpus: int,
    device: str,
) -> None:
    nvidia_smi.prints("Small, 16384\nBig, 81559\n")
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)

    assert (detect().gpus, detect().device) == (gpus, device)


@pytest.mark.parametrize("visible", ["", "-1", "9", "none"])
def test_no_visible_gpu_is_a_cpu(
    nvidia_smi: Tool, monkeypatch: pytest.MonkeyPatch, visible: str
) -> None:
    nvidia_smi.prints("Small, 16384\n")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)

    assert (detect().tier, detect().gpus, detect().vram_gb) == ("cpu", 0, None)


@pytest.mark.parametrize(
    ("text", "exit_code"),
    [("", 0), ("No devices were found\n", 0), ("Small, 16384\n", 9), ("\n,\n", 0), ("\0\n", 0)],
)
def test_a_tool_that_knows_no_gpu_means_a_cpu(
    nvidia_smi: Tool, monkeypatch: pytest.MonkeyPatch, text: str, exit_code: int
) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    nvidia_smi.prints(text, exit_code)

    assert detect().tier == "cpu"
    assert detect().device


def test_a_gpu_that_shares_the_memory(nvidia_smi: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "_memory_gb", lambda: 120.0)
    nvidia_smi.prints("NVIDIA GB10, [N/A]\n")

    assert (detect().device, detect().vram_gb, detect().tier) == ("NVIDIA GB10", None, "xl")


def test_apple_silicon_is_mps(nvidia_smi: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    nvidia_smi.prints("", 1)
    monkeypatch.setattr("sys.platform", "darwin")
    monkeypatch.setattr("platform.machine", lambda: "arm64")
    monkeypatch.setattr(hardware, "_memory_gb", lambda: 16.0)
    monkeypatch.setattr(hardware, "cpus", lambda: 8)

    assert detect() == Hardware("mps", 16.0, 1, 8, 16.0, "small")


def test_the_cpu_is_named_by_its_model(tmp_path: Path) -> None:
    info = tmp_path / "cpuinfo"
    info.write_text("processor\t: 0\nmodel name\t: Fast CPU @ 2GHz\nmodel name\t: Other\n")

    assert hardware._cpu_model(info) == "Fast CPU @ 2GHz"
    assert hardware._cpu_model(tmp_path / "none")
