"""Training batches on the device, made ahead of their use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from gitcollab.task.data import Dataset
from gitcollab.task.packing import training_rows

if TYPE_CHECKING:
    import torch


def training_batches(
    dataset: Dataset, batch_size: int, seed: int, device: torch.device | str
) -> Iterator[tuple[torch.Tensor, torch.Tensor, int]]:
    """Yield inputs and targets (batch_size, context; int64) and the epoch, without end.

    The same seed gives the same batches. Targets include BOS, where a piece ends; there is no
    padding.
    """
    import numpy as np
    import torch

    on_gpu = torch.device(device).type == "cuda"
    rows = training_rows(dataset.train, dataset.context, dataset.tokenizer.bos, seed)
    while True:
        drawn = [next(rows) for _ in range(batch_size)]
        batch = torch.from_numpy(np.stack([row for row, _ in drawn]))
        if on_gpu:
            # From pinned memory the copy overlaps with what the GPU is doing.
            batch = batch.pin_memory().to(device, non_blocking=True)
        else:
            batch = batch.to(device)
        yield batch[:, :-1], batch[:, 1:], drawn[-1][1]
