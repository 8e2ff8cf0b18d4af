"""The metric. Lower is better, and it does not depend on the tokenizer."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from gitcollab.task.data import Dataset
from gitcollab.task.packing import evaluation_rows

if TYPE_CHECKING:
    import torch


def evaluate_bpb(
    model: Callable[[torch.Tensor], torch.Tensor],
    dataset: Dataset,
    batch_size: int,
    device: torch.device | str,
) -> float:
    """Return the bits per byte that the model needs for the validation split.

    ``model(inputs)`` maps token ids (batch, context) to logits (batch, context, vocabulary); they
    are normalised here. The nats of all target tokens are summed and divided by the bytes that the
    targets stand for; BOS stands for none, and its nats are left out too. Every token of the split
    (of its first ``dataset.val_limit`` tokens) is a target once, in rows of the dataset's context.
    The batch size is a matter of memory and does not change the result.
    """
    import torch
    from torch.nn.functional import cross_entropy

    tokenizer = dataset.tokenizer
    rows = torch.from_numpy(
        evaluation_rows(dataset.val, dataset.context, tokenizer.bos, dataset.val_limit)
    )
    token_bytes = torch.from_numpy(tokenizer.token_bytes())
    nats, n_bytes = [], 0
    with torch.no_grad():
        for batch in torch.split(rows, batch_size):
            targets = batch[:, 1:].reshape(-1)
            lengths = token_bytes[targets]
            logits = model(_padded(batch[:, :-1], batch_size, tokenizer.bos).to(device))
            logits = logits[: len(batch)].reshape(-1, logits.shape[-1])
            loss = cross_entropy(logits.float(), targets.to(device), reduction="none")
            nats.append((loss * (lengths > 0).to(device)).sum().item())
            n_bytes += int(lengths.sum())
    return math.fsum(nats) / math.log(2) / n_bytes


def _padded(inputs: torch.Tensor, batch_size: int, bos: int) -> torch.Tensor:
    """Fill the last batch with rows of BOS: a compiled model sees one shape only."""
    padded = inputs.new_full((batch_size, inputs.shape[1]), bos)
    padded[: len(inputs)] = inputs
    return padded
