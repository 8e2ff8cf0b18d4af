"""The device that a run uses, and how fast it could be."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

# Dense bf16 tensor-core peaks in TFLOP/s, without sparsity, from the makers' data sheets. A longer
# name stands before a shorter one that it contains.
_PEAK_TFLOPS = {
    "B300": 2250.0,
    "GB200": 2500.0,
    "B200": 2250.0,
    "H200": 989.0,
    "H100 NVL": 835.0,
    "H100 PCIe": 756.0,
    "H100": 989.0,
    "H800": 989.0,
    "A100": 312.0,
    "A800": 312.0,
    "A40": 149.7,
    "A30": 165.0,
    "A10G": 70.0,
    "A10": 125.0,
    "L40S": 362.0,
    "L40": 181.0,
    "L4": 121.0,
    "RTX 6000 Ada": 364.2,
    "RTX A6000": 154.8,
    "RTX 5090": 209.5,
    "RTX 5080": 112.6,
    "RTX 4090": 165.2,
    "RTX 4080": 97.5,
    "RTX 4070": 58.3,
    "RTX 3090": 71.0,
    "RTX 3080": 59.5,
    "MI300X": 1307.4,
    "MI325X": 1307.4,
    "MI250X": 383.0,
}


def detect() -> torch.device:
    """Return the best device there is: CUDA (or ROCm), else MPS, else the CPU."""
    import torch

    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def device_name(device: torch.device) -> str:
    """Return the device's name for people."""
    import torch

    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def peak_flops(name: str) -> float:
    """Return a GPU's dense bf16 peak in FLOP/s, or 0.0 when it isn't known."""
    known = (peak for part, peak in _PEAK_TFLOPS.items() if part in name)
    return next(known, 0.0) * 1e12


def free_steps(device: torch.device) -> int:
    """Return how many first steps do not count: on a GPU kernels are compiled in them."""
    return 2 if device.type == "cpu" else 10


def synchronize(device: torch.device) -> None:
    """Wait until the device has done what it was given, so that clocks tell the truth."""
    import torch

    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def peak_memory_mb(device: torch.device) -> float:
    """Return the most device memory that was in use, in MiB; 0.0 on the CPU."""
    import torch

    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    if device.type == "mps":
        return torch.mps.driver_allocated_memory() / 2**20
    return 0.0
