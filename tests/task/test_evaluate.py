from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from gitcollab.task.data import Dataset
from gitcollab.task.evaluate import evaluate_bpb
from gitcollab.task.packing import Documents
from gitcollab.task.tokenizers import BpeTokenizer, ByteTokenizer


def _dataset(tokenizer: ByteTokenizer | BpeTokenizer, documents: list[list[int]]) -> Dataset:
    starts = np.concatenate(([0], np.cumsum([len(d) for d in documents])))
    split = Documents(np.concatenate(documents), starts)
    return Dataset("test", tokenizer, 8, split, split)


DOCUMENTS = [[1, 2, 3], [4, 5, 6, 7, 8, 9, 10, 11, 12, 13], [1], [7, 7]]


def _uniform(inputs: torch.Tensor) -> torch.Tensor:
    return torch.zeros(*inputs.shape, 257)


@pytest.mark.parametrize("batch_size", [1, 2, 64])
def test_a_uniform_model_needs_the_logarithm_of_the_vocabulary(batch_size: int) -> None:
    found = evaluate_bpb(_uniform, _dataset(ByteTokenizer(), DOCUMENTS), batch_size, "cpu")
    assert found == pytest.approx(math.log2(257))


def test_logits_are_normalised_here() -> None:
    dataset = _dataset(ByteTokenizer(), DOCUMENTS)
    found = evaluate_bpb(lambda inputs: _uniform(inputs) + 1000.0, dataset, 2, "cpu")
    assert found == pytest.approx(math.log2(257))


def test_tokens_count_by_their_bytes_and_bos_does_not_count() -> None:
    tokenizer = BpeTokenizer([bytes([b]) for b in range(256)] + [b"abcd"])
    dataset = _dataset(tokenizer, [[256, 256, 97]])

    def model(inputs: torch.Tensor) -> torch.Tensor:
        logits = torch.zeros(*inputs.shape, tokenizer.vocab_size)
        logits[..., tokenizer.bos] = -50.0  # hopeless at BOS: nobody asks
        return logits

    assert evaluate_bpb(model, dataset, 4, "cpu") == pytest.approx(3 * math.log2(257) / 9)


def test_a_model_that_knows_the_text_needs_nothing() -> None:
    dataset = _dataset(ByteTokenizer(), [[1, 2, 3, 4, 5]])

    def successor(inputs: torch.Tensor) -> torch.Tensor:
        following = torch.where(inputs == 256, 1, inputs + 1).clamp(max=256)
        return torch.nn.functional.one_hot(following, 257) * 100.0

    assert evaluate_bpb(successor, dataset, 2, "cpu") < 1e-6


def test_nan_stays_nan() -> None:
    dataset = _dataset(ByteTokenizer(), DOCUMENTS)
    assert math.isnan(evaluate_bpb(lambda x: _uniform(x) * math.nan, dataset, 2, "cpu"))
