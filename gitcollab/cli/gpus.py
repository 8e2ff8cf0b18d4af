"""Which GPUs are meant by ``--gpu``."""

from __future__ import annotations

import os

from gitcollab.errors import UsageError

ALL = "all"


def chosen(text: str) -> tuple[int, ...]:
    """The numbers of the GPUs, as nvidia-smi counts them; UsageError for what is none."""
    from gitcollab.runner.usage import gpu_names

    known = gpu_names()
    if known is None:
        raise UsageError(
            "--gpu asks nvidia-smi which GPUs there are, and it is not installed",
            "leave --gpu out: a program then takes the GPU that it finds",
        )
    if not known:
        raise UsageError("nvidia-smi tells of no GPU on this machine", "leave --gpu out")
    there = ", ".join(f"{number} ({name})" for number, name in known.items())
    if text.strip() == ALL:
        return tuple(known)
    words = [word.strip() for word in text.split(",")]
    if not all(word.isascii() and word.isdecimal() and len(word) < 5 for word in words):
        raise UsageError(f"--gpu {text!r} is no list of GPUs", f"as in --gpu 0 or all: {there}")
    numbers = [int(word) for word in words]
    for number in numbers:
        if number not in known:
            raise UsageError(f"there is no GPU {number} here", f"there is {there}")
    if len(set(numbers)) < len(numbers):
        raise UsageError(f"--gpu {text!r} names one twice", "a GPU has one worker")
    return tuple(numbers)


def take(gpu: int) -> None:
    """Let all that this process begins see this GPU alone, by nvidia-smi's number."""
    os.environ["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"  # nvidia-smi's; CUDA's own is the fastest first
    os.environ["CUDA_VISIBLE_DEVICES"] = str(gpu)
